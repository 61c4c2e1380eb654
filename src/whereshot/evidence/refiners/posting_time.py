"""Refiner "posting-time": uses the base model's likeliest cells and the time when a photo was posted.

Source: Johns, Rounds and Henry 2017, Multi-modal Geolocation Estimation Using Deep Neural Networks (arXiv 1712.09458).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from whereshot.evidence.refiners.base import Examples, FixedPlaces, NetworkSettings
from whereshot.evidence.refiners.network_refiner import NetworkRefiner
from whereshot.foundation.errors import InputError
from whereshot.foundation.progress import Track, silent
from whereshot.photos.records import Records

if TYPE_CHECKING:
    import torch

    from whereshot.evidence.refiners.networks import Inputs


BLOCK = 4096
"""Photos that the network processes at a time."""


class PostingTimeSettings(NetworkSettings):
    """The published sizes; ``batch_size`` is our choice."""

    width: int = Field(1626, ge=1)
    batch_size: int = Field(256, ge=2)


class PostingTime(NetworkRefiner):
    """The published network; with ``outdoor`` it has one more input."""

    kind = "posting-time"
    settings_type = PostingTimeSettings
    network_name = "PostingNetwork"

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
        """Train by cross-entropy with the true cells. Photos without a cell are left out."""
        import torch

        from whereshot.evidence.refiners import networks

        support = FixedPlaces.of(examples.posterior)
        inputs = cls.inputs_of(examples.posterior, examples.records, settings)
        held, target = examples.kept_apart(settings.validation, seed), torch.from_numpy(examples.cell)
        rows = np.flatnonzero(~held & (examples.cell >= 0)), np.flatnonzero(held & (examples.cell >= 0))
        if len(rows[0]) < 2:
            raise InputError("one photo to learn from; batch normalisation needs two: give more photos")
        batches = min(math.ceil(len(rows[0]) / settings.batch_size), len(rows[0]) // 2)  # no batch of a single photo
        torch.manual_seed(seed)
        network = cls.create(support, settings)

        def losses(epoch: int | None) -> Iterator[torch.Tensor]:
            order = rows[1] if epoch is None else np.random.default_rng([seed, epoch]).permutation(rows[0])
            for batch in np.array_split(order, batches if epoch is not None else math.ceil(len(order) / BLOCK)):
                part = torch.from_numpy(batch)
                yield torch.nn.functional.nll_loss(network(inputs.take(part)), target[part])

        networks.train(network, losses, batches, settings, seed=seed, state=state, track=track)
        return cls(support, settings, network)

    def predict(self, inputs: Inputs, records: Records) -> NDArray[np.float64]:
        """Return log masses (n, cells) of the photos, a block of photos at a time."""
        import torch

        return np.concatenate(
            [self._network(inputs.take(part)).numpy() for part in torch.split(torch.arange(len(records)), BLOCK)]
        )
