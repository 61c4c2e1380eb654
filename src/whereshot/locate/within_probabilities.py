"""How probable an answer is to be right within each distance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping


class WithinProbabilities(Mapping[int, float]):
    """The probability (0 to 1) of an answer to be at most 1, 25, 200, 750 and 2500 km off, by the distance in km.

    It is empty for a photo without an answer.

    >>> WithinProbabilities({1: 0.2, 25: 0.9})[25]
    0.9
    """

    def __init__(self, shares: Mapping[int, float] = {}) -> None:
        self._shares = dict(shares)

    def __getitem__(self, km: int) -> float:
        return self._shares[km]

    def __iter__(self) -> Iterator[int]:
        return iter(self._shares)

    def __len__(self) -> int:
        return len(self._shares)

    def __repr__(self) -> str:
        return f"WithinProbabilities({self._shares})"

    def to_document(self) -> dict[str, float]:
        """Return the probabilities as JSON has them: by the distance as text."""
        return {str(km): share for km, share in self.items()}
