"""Posting time: the base model's best cells and when a photo was posted in, probabilities of all cells out.

Johns, Rounds and Henry 2017, Multi-modal Geolocation Estimation Using Deep Neural Networks (arXiv 1712.09458).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from whereshot.errors import InputError
from whereshot.posterior import Posterior
from whereshot.progress import Track, silent
from whereshot.records import Records
from whereshot.refine.base import Examples, NetworkSettings, Refiner, Support, more_inputs

if TYPE_CHECKING:
    import torch

    from whereshot.refine.networks import PostingNetwork


BLOCK = 4096
"""Photos asked at a time."""


class PostingTimeSettings(NetworkSettings):
    """The published sizes; ``batch_size`` is ours."""

    width: int = Field(1626, ge=1)
    batch_size: int = Field(256, ge=2)


class PostingTime(Refiner):
    """The published network; with ``outdoor`` it has one input more."""

    kind = "posting-time"
    settings_type = PostingTimeSettings
    settings: PostingTimeSettings

    def __init__(self, support: Support, settings: PostingTimeSettings, network: PostingNetwork) -> None:
        super().__init__(support, settings)
        self._network = network

    @classmethod
    def _create(cls, support: Support, settings: PostingTimeSettings) -> PostingNetwork:
        from whereshot.refine.networks import PostingNetwork

        return PostingNetwork(len(support), 4 + settings.outdoor, settings.width, settings.dropout)

    @classmethod
    def fit(
        cls,
        examples: Examples,
        settings: PostingTimeSettings,
        *,
        state: Path | None = None,
        seed: int = 0,
        track: Track = silent,
    ) -> Self:
        """Trained by cross-entropy with the true cells; photos in none are left out."""
        import torch

        from whereshot.refine import networks

        support = Support.of(examples.posterior)
        inputs = networks.Inputs.of(examples.posterior, settings.top, more_inputs(examples.records, settings.outdoor))
        held, target = examples.kept_apart(settings.validation, seed), torch.from_numpy(examples.cell)
        rows = np.flatnonzero(~held & (examples.cell >= 0)), np.flatnonzero(held & (examples.cell >= 0))
        if len(rows[0]) < 2:
            raise InputError("one photo to learn from; batch normalisation needs two: give more photos")
        batches = min(math.ceil(len(rows[0]) / settings.batch_size), len(rows[0]) // 2)  # none of a single photo
        torch.manual_seed(seed)
        network = cls._create(support, settings)

        def losses(epoch: int | None) -> Iterator[torch.Tensor]:
            order = rows[1] if epoch is None else np.random.default_rng([seed, epoch]).permutation(rows[0])
            for batch in np.array_split(order, batches if epoch is not None else math.ceil(len(order) / BLOCK)):
                part = torch.from_numpy(batch)
                yield torch.nn.functional.nll_loss(network(inputs.take(part)), target[part])

        networks.train(network, losses, batches, settings, seed=seed, state=state, track=track)
        return cls(support, settings, network)

    def refine(self, posterior: Posterior, records: Records) -> Posterior:
        import torch

        from whereshot.refine.networks import Inputs

        inputs = Inputs.of(posterior, self.settings.top, more_inputs(records, self.settings.outdoor))
        with torch.inference_mode():
            parts = [self._network(inputs.take(part)).numpy() for part in torch.arange(len(posterior)).split(BLOCK)]
        return Posterior(posterior.places, np.concatenate(parts), posterior.spread_km)

    def tensors(self) -> dict[str, NDArray]:
        from whereshot.refine.networks import weights

        return weights(self._network)

    @classmethod
    def from_tensors(cls, support: Support, settings: PostingTimeSettings, tensors: dict[str, NDArray]) -> Self:
        from whereshot.refine.networks import load

        return cls(support, settings, load(cls._create(support, settings), tensors))
