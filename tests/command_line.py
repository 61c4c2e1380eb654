"""The command line in tests: the result of a command, and how to run one."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

COMMAND = [sys.executable, "-m", "whereshot.cli"]


class Result(NamedTuple):
    """What a command left."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)

    @property
    def mistake(self) -> str:
        """The one line that a refused command says, after the progress of what it did before."""
        assert (self.code, self.out) == (2, "")
        assert self.err.count("whereshot: ") == 1
        assert "Traceback" not in self.err
        last = self.err.splitlines()[-1]
        assert last.startswith("whereshot: ")
        return last.removeprefix("whereshot: ")


Run = Callable[..., Result]
