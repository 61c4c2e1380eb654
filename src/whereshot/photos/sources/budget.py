"""The budget for paid requests to an API: each request is recorded before it is sent, and none exceeds the budget."""

from __future__ import annotations

import json
from pathlib import Path

from whereshot.foundation import output_files
from whereshot.photos.fetch.base import RefusedError
from whereshot.photos.reject_reasons import OVER_BUDGET

_LEDGER = "paid.jsonl"
_MICRO = 1_000_000


class Budget:
    """The money spent on a folder in all runs, and the money that may be spent."""

    def __init__(self, folder: Path, price_usd: float, budget_usd: float | None) -> None:
        self._path, self._price = folder / _LEDGER, round(price_usd * _MICRO)
        self._most = None if budget_usd is None else round(budget_usd * _MICRO)
        self._spent = 0
        if self._path.is_file():
            for line in self._path.read_text("utf-8").splitlines():
                try:
                    self._spent += round(json.loads(line)["usd"] * _MICRO)
                except (ValueError, KeyError, TypeError):  # half a line, which a power cut left, counts as paid
                    self._spent += self._price

    @property
    def spent_usd(self) -> float:
        """The money spent in all runs together, in US dollars."""
        return self._spent / _MICRO

    def take(self, what: str) -> None:
        """Record that a request is paid for. Raises RefusedError where the budget is not enough for it."""
        if not self._price:
            return
        if self._most is None or self._spent + self._price > self._most:
            raise RefusedError(OVER_BUDGET, f"{what}: {self.spent_usd:.3f} USD of the budget are spent")
        output_files.append_line(self._path, json.dumps({"asked": what, "usd": self._price / _MICRO}))
        self._spent += self._price
