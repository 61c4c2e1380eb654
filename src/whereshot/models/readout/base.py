"""What a network puts out, and the protocol of everything that turns it into a Posterior."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from whereshot.posterior.base import Posterior

Outputs = Mapping[str, NDArray[Any]]
"""What a network says of n photos: "features" (n, d), unit length, and "logits" (n, cells of all levels).

"empty" (n,), which may be absent, marks the photos in which there is nothing to see: a whole model answers for them
with its prior.
"""


class Readout(ABC):
    """Outputs of n photos -> Posterior of n rows."""

    @abstractmethod
    def __call__(self, outputs: Outputs) -> Posterior: ...
