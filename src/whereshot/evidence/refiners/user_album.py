"""Refiner "user-album": uses the base model's posteriors of the photos of one user, in the order of time.

A bidirectional LSTM over 24 photos, after Johns, Rounds and Henry 2017 (arXiv 1712.09458).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from whereshot.evidence.refiners.base import Examples, FixedPlaces, NetworkSettings, needed, users_in_time
from whereshot.evidence.refiners.network_refiner import NetworkRefiner
from whereshot.foundation.progress import Track, silent
from whereshot.photos.records import Records

if TYPE_CHECKING:
    import torch

    from whereshot.evidence.refiners.networks import Inputs


class UserAlbumSettings(NetworkSettings):
    """``photos`` is the number of photos of an album, as published. ``width`` of the LSTM and ``batch_size``, in
    albums, are our choice.
    """

    photos: int = Field(24, ge=1)
    width: int = Field(256, ge=1)
    batch_size: int = Field(64, ge=1)


class UserAlbum(NetworkRefiner):
    """Refines stretches of consecutive photos of a user. Each epoch trains on one random stretch of each user."""

    kind = "user-album"
    settings_type = UserAlbumSettings
    network_name = "AlbumNetwork"
    settings: UserAlbumSettings

    @classmethod
    def fit(
        cls,
        examples: Examples,
        settings: UserAlbumSettings,
        *,
        state: Path | None = None,
        seed: int = 0,
        track: Track = silent,
    ) -> Self:
        """Train by cross-entropy with the true cells.

        Photos without a cell are inputs, but their loss does not count.
        """
        import torch

        from whereshot.evidence.refiners import networks

        support = FixedPlaces.of(examples.posterior)
        inputs = cls.inputs_of(examples.posterior, examples.records, settings)
        held, target = examples.kept_apart(settings.validation, seed), torch.from_numpy(examples.cell)
        users = [rows for rows in users_in_time(examples.records) if (examples.cell[rows] >= 0).any()]
        learned = [rows for rows in users if not held[rows[0]]]
        checked = [stretch for rows in users if held[rows[0]] for stretch in _stretches(rows, settings.photos)]
        torch.manual_seed(seed)
        network = cls.create(support, settings)

        def losses(epoch: int | None) -> Iterator[torch.Tensor]:
            if epoch is None:
                albums = checked
            else:
                rng = np.random.default_rng([seed, epoch])
                albums = [
                    _random_stretch(learned[user], settings.photos, rng) for user in rng.permutation(len(learned))
                ]
            for start in range(0, len(albums), settings.batch_size):
                rows, length = _padded(albums[start : start + settings.batch_size])
                wanted = target[rows].masked_fill(torch.arange(rows.shape[1]) >= length[:, None], -1)
                found = network(inputs.take(rows), length)
                counted = wanted >= 0
                if counted.any():
                    yield torch.nn.functional.nll_loss(found[counted], wanted[counted])

        batches = math.ceil(len(learned) / settings.batch_size)
        networks.train(network, losses, batches, settings, seed=seed, state=state, track=track)
        return cls(support, settings, network)

    def predict(self, inputs: Inputs, records: Records) -> NDArray[np.float64]:
        """Return log masses (n, cells) of the photos, by stretches of the photos of one user in order of time."""
        import torch

        stretches = [part for rows in users_in_time(records) for part in _stretches(rows, self.settings.photos)]
        found = np.empty((len(records), len(needed(self.support))))
        for start in range(0, len(stretches), self.settings.batch_size):
            rows, length = _padded(stretches[start : start + self.settings.batch_size])
            log_mass = self._network(inputs.take(rows), length)
            inside = torch.arange(rows.shape[1]) < length[:, None]
            found[rows[inside].numpy()] = log_mass[inside].numpy()
        return found


def _stretches(rows: NDArray[np.int64], photos: int) -> list[NDArray[np.int64]]:
    """Divide the rows of a user into stretches of ``photos`` rows. The last overlaps the one before, to be as long.

    >>> [part.tolist() for part in _stretches(np.arange(5), 2)]
    [[0, 1], [2, 3], [3, 4]]
    """
    return [rows[max(0, min(start, len(rows) - photos)) :][:photos] for start in range(0, len(rows), photos)]


def _random_stretch(rows: NDArray[np.int64], photos: int, rng: np.random.Generator) -> NDArray[np.int64]:
    start = int(rng.integers(0, max(1, len(rows) - photos + 1)))
    return rows[start : start + photos]


def _padded(albums: list[NDArray[np.int64]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the rows of albums padded to the longest, (albums, photos), and the number of rows that count in each."""
    import torch

    length = torch.tensor([len(album) for album in albums])
    rows = np.stack([np.concatenate([album, np.full(int(length.max()) - len(album), album[0])]) for album in albums])
    return torch.from_numpy(rows.astype(np.int64)), length
