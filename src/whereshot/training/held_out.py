"""Outputs of networks for photos that they were not trained on, for ``calibrate``.

A frozen backbone is trained again without each fold of photos; a trained backbone keeps its validation photos apart.
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
    """Build the cells of a run for training positions (n, 2)."""
    return Hierarchy(tuple(partition.build(run.partition.kind, points, level) for level in run.partition.levels))


def build_network(run: Run, backbone: Backbone, hierarchy: Hierarchy, device: str) -> Network:
    """Build the network of a run over a hierarchy. The run's seed draws the first weights of the head."""
    settings = head_settings(run.head)
    torch.manual_seed(run.seed)
    head = networks.HEADS[run.head.kind].head(backbone.dim, hierarchy, settings)
    return Network(backbone, networks.FeatureScaling(backbone.dim, run.scaling_power), head).to(device)


def scale(network: Network, pooled: torch.Tensor, train_rows: NDArray[np.int64], device: str) -> torch.Tensor:
    """Fit the network's scaling to ``train_rows``; return the scaled features (n, dim) of all photos, on the CPU."""
    pooled = pooled.to(device)
    network.scaling.fit(pooled[torch.from_numpy(train_rows)])
    result: torch.Tensor = network.scaling(pooled).cpu()
    return result


@torch.inference_mode()
def held_out(
    network: Network, scaled: torch.Tensor, photos: TrainingPhotos, rows: NDArray[np.int64], gallery: Gallery
) -> HeldOut:
    """Return the outputs of a network for ``rows``, which it was not trained on."""
    outputs = network.from_features(scaled[rows].to(next(network.parameters()).device))
    arrays = {name: value.float().cpu().numpy() for name, value in outputs.items()}
    hierarchy, weights = network.head.hierarchy, network.head.place_weights()
    places = None if weights is None else encoded_places.places_of_gallery(weights, gallery, hierarchy)
    return HeldOut(arrays, photos.points[rows], photos.weight[rows], hierarchy, gallery, places)


@dataclass(frozen=True)
class Folds:
    """Trains further networks, each without some photos, on the same cached features ``pooled`` (n, dim)."""

    fitting: Fitting
    backbone: Backbone
    records: Records
    weight: NDArray[np.float64]
    pooled: torch.Tensor
    state_folder: Path

    def all(self, lengths: Sequence[int]) -> list[HeldOut]:
        """Hold out the photos in turn: by group, so that most places are known, and by place, so that none is known.

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
