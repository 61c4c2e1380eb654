"""The command line: one command per stage. A command parses its options, calls one function and prints the result.

Exit code 0: all went well; 1: some photos failed; 2: a usage or input error, which is one line on stderr.
"""

from whereshot.cli.commands import app
from whereshot.cli.running import INTERRUPTED, main

__all__ = ["INTERRUPTED", "app", "main"]
