"""Held-out photos: each once by group and once by place, by a network and cells that never saw it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from whereshot.foundation import settings_file
from whereshot.models import networks
from whereshot.training import held_out, run_photos
from whereshot.training.held_out import Folds
from whereshot.training.run_file import Run
from whereshot.training.steps import Fitting


@pytest.mark.parametrize("then", ["[]", "[{kind='sgd',epochs=4}]"])
def test_every_photo_is_held_out_once_by_group_and_once_by_place(tiny: Path, tmp_path: Path, then: str) -> None:
    run = settings_file.load(tiny / "run.toml", Run, ["data.split_by=group", f"optimizer.then={then}"])
    records, _ = run_photos.read_records(run.data)
    backbone = networks.create(run.backbone)
    pooled = torch.rand(len(records), backbone.dim)
    told: list[str] = []

    def track(items, total, what):  # type: ignore[no-untyped-def]
        told.append(f"{what}, {total} epochs")
        return iter(items)

    lengths = [2] if then == "[]" else [1, 2]
    fitting = Fitting(run, "cpu", track=track)
    folds = Folds(fitting, backbone, records, np.ones(len(records)), pooled, tmp_path).all(lengths)
    truth = np.concatenate([fold.truth for fold in folds])
    assert len(truth) == 2 * len(records)
    assert sorted(map(tuple, truth)) == sorted([*map(tuple, records.points)] * 2)
    for fold in folds:
        known = set(map(tuple, fold.gallery.points))
        assert not known & set(map(tuple, fold.truth))
        assert len(known) + len(fold.truth) == len(records)
        assert all(len(values) == len(fold.truth) for values in fold.outputs.values())
    assert {text.split(" of ")[1] for text in told} == {
        f"2 by {by}, {sum(lengths)} epochs" for by in ("group", "place")
    }
    assert sum(fold.weight.sum() for fold in folds) == pytest.approx(2.0)


def test_features_are_scaled_by_the_training_photos_alone(tiny: Path) -> None:
    run = settings_file.load(tiny / "run.toml", Run)
    records, _ = run_photos.read_records(run.data)
    backbone = networks.create(run.backbone)
    pooled = torch.rand(len(records), backbone.dim)
    made = []
    for changed in (0.0, 100.0):
        network = held_out.build_network(run, backbone, held_out.build_hierarchy(run, records.points), "cpu")
        other = pooled.clone()
        other[40:] += changed
        made.append(held_out.scale(network, other, np.arange(40), "cpu")[:40])
    assert torch.equal(*made)
    torch.testing.assert_close(made[0].norm(dim=1), torch.ones(40))
