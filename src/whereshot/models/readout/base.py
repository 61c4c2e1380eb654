"""The outputs of a network, and the base class of the readouts that turn them into a Posterior."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from whereshot.posterior.base import Posterior

Outputs = Mapping[str, NDArray[Any]]
"""Outputs of a network for n photos by name: "features" (n, d) of unit length, "logits" (n, cells of all levels), ...

"empty" (n,), which may be absent, marks photos that show nothing. A whole model answers these with its prior.
"""


class Readout(ABC):
    """Turns the outputs of n photos into a Posterior of n rows."""

    @abstractmethod
    def __call__(self, outputs: Outputs) -> Posterior:
        """Return the posterior of n rows. Raises InputError for outputs of another model."""
