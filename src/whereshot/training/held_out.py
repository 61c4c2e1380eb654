"""Photos that a network had not seen, and what it says of them: by folds of a frozen backbone, or by those kept apart.

Records, features and settings in; HeldOut out, for ``calibrate``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from whereshot.earth import partition
from whereshot.earth.partition import Hierarchy
from whereshot.foundation.tables import hashed_share
from whereshot.models import networks
from whereshot.models.networks import Backbone, Network
from whereshot.models.readout import encoded_places
from whereshot.models.readout.gallery import Gallery, gallery_of
from whereshot.photos.records import Records
from whereshot.training.calibration import HeldOut, merged
from whereshot.training.run_file import PLACE, Run, head_settings
from whereshot.training.steps import Fitting, TrainingPhotos


def build_hierarchy(run: Run, points: NDArray[np.float64]) -> Hierarchy:
    """The run's cells for training positions (n, 2)."""
    return Hierarchy(tuple(partition.build(run.partition.kind, points, level) for level in run.partition.levels))


def build_network(run: Run, backbone: Backbone, hierarchy: Hierarchy, device: str) -> Network:
    """The run's network over a hierarchy, its head with weights of the run's seed."""
    settings = head_settings(run.head)
    torch.manual_seed(run.seed)
    head = networks.HEADS[run.head.kind].head(backbone.dim, hierarchy, settings)
    return Network(backbone, networks.FeatureScaling(backbone.dim, run.scaling_power), head).to(device)


def scale(network: Network, pooled: torch.Tensor, train_rows: NDArray[np.int64], device: str) -> torch.Tensor:
    """Features (n, dim) of all photos on the CPU, scaled by what ``train_rows`` are like, as the network then does."""
    pooled = pooled.to(device)
    network.scaling.fit(pooled[torch.from_numpy(train_rows)])
    result: torch.Tensor = network.scaling(pooled).cpu()
    return result


@torch.inference_mode()
def held_out(
    network: Network, scaled: torch.Tensor, photos: TrainingPhotos, rows: NDArray[np.int64], gallery: Gallery
) -> HeldOut:
    """What a network says of some rows' features that it was not trained on."""
    outputs = network.from_features(scaled[rows].to(next(network.parameters()).device))
    arrays = {name: value.float().cpu().numpy() for name, value in outputs.items()}
    hierarchy, weights = network.head.hierarchy, network.head.place_weights()
    places = None if weights is None else encoded_places.places_of_gallery(weights, gallery, hierarchy)
    return HeldOut(arrays, photos.points[rows], photos.weight[rows], hierarchy, gallery, places)


@dataclass(frozen=True)
class Folds:
    """Networks trained anew without some photos each, on the same cached features ``pooled`` (n, dim)."""

    fitting: Fitting
    backbone: Backbone
    records: Records
    weight: NDArray[np.float64]
    pooled: torch.Tensor
    state_folder: Path

    def all(self, lengths: Sequence[int]) -> list[HeldOut]:
        """Photos held out in turn: by group, so that their place is mostly known, and by place, so that it is not.

        ``lengths`` are the epochs of each phase.
        """
        by_group = self._by(self.fitting.run.data.split_by, lengths)
        by_place = self._by(PLACE, lengths)
        return merged(by_group, 1.0) + merged(by_place, 1.0)

    def _by(self, by: str, lengths: Sequence[int]) -> list[HeldOut]:
        run, device, points = self.fitting.run, self.fitting.device, self.records.points
        count = run.calibration.folds
        fold_of = (hashed_share(self.records.groups(by), run.seed) * count).astype(int)
        folds = []
        for fold in range(count):
            held, rest = np.flatnonzero(fold_of == fold), np.flatnonzero(fold_of != fold)
            if len(held) == 0 or len(rest) == 0:
                continue
            network = build_network(run, self.backbone, build_hierarchy(run, points[rest]), device)
            scaled = scale(network, self.pooled, rest, device)
            photos = TrainingPhotos(points, self.weight, rest, held[:0])
            what = f"held-out fold {fold + 1} of {count} by {'place' if by == PLACE else by}"
            state = self.state_folder / f"fold-{by}-{fold}"
            self.fitting.head(network.head, scaled, photos, state=state, what=what, lengths=lengths)
            gallery = gallery_of(scaled[rest].numpy(), self.records[rest])
            folds.append(held_out(network, scaled, photos, held, gallery))
        return folds
