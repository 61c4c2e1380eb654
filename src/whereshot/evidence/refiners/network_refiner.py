"""The base class of refiners with a network. torch is imported when the network is first used."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from whereshot.evidence.refiners.base import FixedPlaces, NetworkSettings, Refiner, more_inputs, needed
from whereshot.photos.records import Records
from whereshot.posterior.base import Posterior

if TYPE_CHECKING:
    from torch import nn

    from whereshot.evidence.refiners.networks import Inputs


class NetworkRefiner(Refiner):
    """A refiner whose ``network`` takes the likeliest cells and ``more_inputs`` and returns log masses of all cells."""

    network_name: ClassVar[str]
    """Name of the network's class in ``networks``."""
    settings: NetworkSettings

    def __init__(self, support: FixedPlaces, settings: Any, network: nn.Module) -> None:
        super().__init__(support, settings)
        self._network = network

    @classmethod
    def create(cls, support: FixedPlaces, settings: Any) -> nn.Module:
        """Return a new network that is not trained."""
        from whereshot.evidence.refiners import networks

        made = getattr(networks, cls.network_name)
        result: nn.Module = made(len(support), 4 + settings.outdoor, settings.width, settings.dropout)
        return result

    @abstractmethod
    def predict(self, inputs: Inputs, records: Records) -> NDArray[np.float64]:
        """Return the network's log masses (n, cells); gradients are off."""

    @staticmethod
    def inputs_of(posterior: Posterior, records: Records, settings: NetworkSettings) -> Inputs:
        """Return the inputs of the network for these photos."""
        from whereshot.evidence.refiners.networks import Inputs

        return Inputs.of(posterior, settings.top, more_inputs(records, settings.outdoor))

    def refine(self, posterior: Posterior, records: Records) -> Posterior:
        """Return the posterior (n rows) that the network gives for the rows of a posterior and their records."""
        import torch

        with torch.inference_mode():
            found = self.predict(self.inputs_of(posterior, records, self.settings), records)
        return Posterior(posterior.places, found, posterior.spread_km)

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Return the weights of the network by name."""
        from whereshot.evidence.refiners.networks import weights

        return weights(self._network)

    @classmethod
    def from_tensors(cls, support: FixedPlaces | None, settings: Any, tensors: dict[str, NDArray[Any]]) -> Self:
        """Return a refiner with these weights. Raises ModelError where the places are missing."""
        from whereshot.evidence.refiners.networks import load

        cells = needed(support)
        return cls(cells, settings, load(cls.create(cells, settings), tensors))
