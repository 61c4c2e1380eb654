"""Auxiliary losses: further tasks that the features of a trained backbone learn beside the place.

The targets come from the records. AUXILIARIES lists all losses; a new loss is one class and one line. Their layers are
not part of the model that is written.
"""

from __future__ import annotations

import math
import re
import zlib
from abc import ABC, abstractmethod
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import nn

from whereshot.foundation import settings_file
from whereshot.foundation.errors import ConfigError, InputError, nearest_name
from whereshot.foundation.settings_file import Settings
from whereshot.models.networks.base import weighted_mean
from whereshot.photos.records import Records
from whereshot.photos.scenes import SCENE_COLUMNS, scene_shares

LONGEST_GRAM, SHORTEST_GRAM = 5, 3
MOST_GRAMS = 256
"""Largest number of n-grams of a text; the others are dropped."""
_NO_GRAM = -1


class AuxiliarySettings(Settings):
    """Settings of an auxiliary loss. ``weight`` multiplies the loss before it is added to the loss of the head."""

    weight: float = Field(0.1, gt=0)


class AuxiliaryLoss(nn.Module, ABC):
    """A loss on features (n, dim) of unit length, with targets from the records."""

    @classmethod
    @abstractmethod
    def target(cls, records: Records, settings: Any) -> torch.Tensor:
        """Return the targets (n, ...), on the CPU. Raises InputError where no photo has a target."""

    @abstractmethod
    def forward(self, features: torch.Tensor, target: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        """Return the weighted mean loss of the photos that have a target; zero where none has."""


class SceneSettings(AuxiliarySettings):
    """Settings of "scene". ``scale`` multiplies the unit features, as in the head "classify"."""

    scale: float = Field(20.0, gt=0)


class SceneLoss(AuxiliaryLoss):
    """Cross-entropy with the probabilities of indoor, natural and urban scenes.

    Mueller-Budack et al. 2018 classify scenes to choose among networks. Here one network learns them beside the place.
    """

    def __init__(self, dim: int, settings: SceneSettings, target: torch.Tensor) -> None:
        super().__init__()
        self.scale = settings.scale
        self.linear = nn.Linear(dim, len(SCENE_COLUMNS))

    @classmethod
    def target(cls, records: Records, settings: SceneSettings) -> torch.Tensor:
        """Return the probabilities (n, 3) of the scenes, NaN where unknown. Raises InputError without any."""
        shares = scene_shares(records)
        _needs_some(np.asarray(np.isfinite(shares).all(axis=1)), "scene", "probabilities of scenes")
        return torch.from_numpy(shares.astype(np.float32))

    def forward(self, features: torch.Tensor, target: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        """Return the weighted mean cross-entropy of the photos that have scenes."""
        log_probability = self.linear(features * self.scale).float().log_softmax(dim=1)
        known = torch.isfinite(target).all(dim=1)
        each = -(target.nan_to_num() * log_probability).sum(dim=1)
        return weighted_mean(each, weight * known)


class CaptionSettings(AuxiliarySettings):
    """Settings of "captions". ``column`` holds texts, or embeddings of texts as lists of numbers.

    The encoding of a text is the mean of its hashed n-grams: ``buckets`` vectors of ``dim`` numbers. ``temperature``
    divides the cosine.
    """

    column: str = "title"
    buckets: int = Field(32_768, ge=1)
    dim: int = Field(128, ge=1)
    temperature: float = Field(0.07, gt=0)


class CaptionLoss(AuxiliaryLoss):
    """Contrastive loss in both directions (Radford et al. 2021, CLIP).

    Each picture must find its own text in the batch, and each text its picture. Texts are means of hashed n-grams of
    letters, which start at random: a word is useful only after many photos. Photos without a text are left out. Photos
    with the same text count as matches of each other.
    """

    def __init__(self, dim: int, settings: CaptionSettings, target: torch.Tensor) -> None:
        super().__init__()
        self.temperature = settings.temperature
        self.picture = nn.Linear(dim, settings.dim)
        self.grams = (
            None if target.is_floating_point() else nn.EmbeddingBag(settings.buckets, settings.dim, mode="mean")
        )
        self.text = nn.Linear(target.shape[1], settings.dim) if self.grams is None else nn.Identity()

    @classmethod
    def target(cls, records: Records, settings: CaptionSettings) -> torch.Tensor:
        """Return the hashed n-grams (n, 256) of the texts, or embeddings (n, d). Raises InputError without any."""
        values = records.column(settings.column).to_pylist()
        if any(isinstance(value, list) and value and isinstance(value[0], (int, float)) for value in values):
            return _embeddings(values, settings.column)
        texts = [" ".join(map(str, value)) if isinstance(value, list) else value for value in values]
        grams = np.full((len(texts), MOST_GRAMS), _NO_GRAM, dtype=np.int64)
        for row, text in enumerate(texts):
            own = hashed_grams(text or "", settings.buckets)[:MOST_GRAMS]
            grams[row, : len(own)] = own
        _needs_some(grams[:, 0] != _NO_GRAM, "captions", f"text in the column {settings.column!r}")
        return torch.from_numpy(grams)

    def _texts(self, target: torch.Tensor) -> torch.Tensor:
        if self.grams is None:
            result: torch.Tensor = self.text(target)
            return result
        inside = target != _NO_GRAM
        starts = inside.sum(dim=1).cumsum(dim=0) - inside.sum(dim=1)
        means: torch.Tensor = self.grams(target[inside], starts)
        return means

    def forward(self, features: torch.Tensor, target: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        """Return the weighted mean contrastive loss of the photos that have a text."""
        known = (target[:, 0] != _NO_GRAM) if self.grams is not None else torch.isfinite(target).all(dim=1)
        known = known & (weight > 0)
        pictures = nn.functional.normalize(self.picture(features).float(), dim=1)
        if known.sum() < 2:
            return 0.0 * (pictures.sum() + sum(parameter.sum() for parameter in self.parameters()))
        own = target[known]
        texts = nn.functional.normalize(self._texts(own).float(), dim=1)
        scores = pictures[known] @ texts.T / self.temperature
        same = (own[:, None] == own[None]).all(dim=2).to(scores)
        wanted = same / same.sum(dim=1, keepdim=True)
        both = scores.log_softmax(dim=1), scores.T.log_softmax(dim=1)
        each = -((wanted * both[0]).sum(dim=1) + (wanted * both[1]).sum(dim=1)) / 2
        return weighted_mean(each, weight[known])


class AuxiliaryKind(NamedTuple):
    """A loss's class and its settings."""

    loss: type[AuxiliaryLoss]
    settings: type[AuxiliarySettings]


AUXILIARIES: dict[str, AuxiliaryKind] = {
    "captions": AuxiliaryKind(CaptionLoss, CaptionSettings),
    "scene": AuxiliaryKind(SceneLoss, SceneSettings),
}


class Auxiliary(nn.Module):
    """All auxiliary losses of a run, with the targets of all its records."""

    def __init__(self, dim: int, settings: dict[str, dict[str, Any]], records: Records) -> None:
        """Take settings by the name of a loss. Raises ConfigError for an unknown name, InputError without targets."""
        super().__init__()
        self._targets: dict[str, torch.Tensor] = {}
        self._weights: dict[str, float] = {}
        losses = {}
        for name, parsed in parse(settings).items():
            kind = AUXILIARIES[name].loss
            self._targets[name] = kind.target(records, parsed)
            self._weights[name] = parsed.weight
            losses[name] = kind(dim, parsed, self._targets[name])
        self.losses = nn.ModuleDict(losses)

    def forward(self, features: torch.Tensor, rows: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        """Return the weighted sum of the losses for features (n, dim) of the records ``rows`` (n,)."""
        total = features.new_zeros(())
        for name, loss in self.losses.items():
            target = self._targets[name][rows.cpu()].to(features.device)
            total = total + self._weights[name] * loss(features, target, weight)
        return total


def parse(settings: dict[str, dict[str, Any]]) -> dict[str, AuxiliarySettings]:
    """Parse and return the settings of each auxiliary loss by name. Raises ConfigError."""
    for name in settings:
        if name not in AUXILIARIES:
            raise ConfigError(f"auxiliary: no loss {name!r}; {nearest_name(name, AUXILIARIES)}")
    return {
        name: settings_file.parse(own, AUXILIARIES[name].settings, name=f"auxiliary.{name}")
        for name, own in settings.items()
    }


def hashed_grams(text: str, buckets: int) -> list[int]:
    """Return the buckets of the words of a text and of their n-grams of three to five letters (Bojanowski et al. 2017).

    >>> hashed_grams("Rue", 2**32) == hashed_grams("rue!", 2**32), len(hashed_grams("Rue", 9))
    (True, 6)
    """
    found = []
    for word in re.findall(r"\w+", text.casefold()):
        marked = f"<{word}>"
        pieces = {marked} | {
            marked[start : start + size]
            for size in range(SHORTEST_GRAM, LONGEST_GRAM + 1)
            for start in range(len(marked) - size + 1)
        }
        found += [zlib.crc32(piece.encode()) % buckets for piece in sorted(pieces)]
    return found


def _embeddings(values: list[Any], column: str) -> torch.Tensor:
    """Return a column of lists as (n, d), NaN for a photo without a list. Raises InputError for different lengths."""
    lengths = {len(value) for value in values if value}
    if len(lengths) != 1:
        raise InputError(f"the column {column!r} has embeddings of {len(lengths)} lengths; all must be equally long")
    (length,) = lengths
    table = np.array([value if value else [math.nan] * length for value in values], dtype=np.float32)
    return torch.from_numpy(table)


def _needs_some(known: NDArray[np.bool_], loss: str, what: str) -> None:
    if not known.any():
        raise InputError(f'the auxiliary loss "{loss}" has nothing to learn from: no photo has {what}')
