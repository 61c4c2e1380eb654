"""Commands that are killed in the middle of their work, at a chosen write, so that no test depends on the time."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

HOOKS = Path(__file__).parent / "kill_hooks"


def run_killed(command: Sequence[str], prefix: Path, at: int) -> None:
    """Run a Python command that dies by SIGKILL right before its write number ``at``, from 1.

    Only writes to paths that start with ``prefix`` count. Fails where the command ends in another way.
    """
    paths = [str(HOOKS), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {"PYTHONPATH": os.pathsep.join(paths), "KILL_PREFIX": str(prefix), "KILL_AT": str(at)}
    done = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, f"it ended before write {at} ({done.returncode}): {done.stderr}"
