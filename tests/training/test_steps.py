"""Steps of a training: computed at once or in parts the same; which parameters learn how fast; draws of photos."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from whereshot.foundation import settings_file
from whereshot.foundation.errors import ConfigError
from whereshot.models import networks
from whereshot.models.networks import BackboneSettings, Network
from whereshot.models.optimize.processes import ProcessGroup
from whereshot.photos.preprocess import Preprocess
from whereshot.training import held_out, run_photos
from whereshot.training.run_file import Run
from whereshot.training.steps import Fitting, TrainingPhotos, parameter_groups

SMALL = [
    "optimizer.epochs=2",
    "optimizer.precision=float32",
    "backbone.name=test_vit",
    "backbone.options={img_size=64}",
    "head.settings.dropout=0.0",
]


class World:
    """The tiny run, ready to be fitted."""

    def __init__(self, tiny: Path, *changes: str) -> None:
        self.run = settings_file.load(tiny / "run.toml", Run, [*SMALL, *changes])
        records, _ = run_photos.read_records(self.run.data)
        self.sources = records.strings("image")
        rows = np.arange(len(records))
        self.photos = TrainingPhotos(records.points, run_photos.weights(records.points, "photo"), rows[:-7], rows[-7:])
        self.backbone = networks.create(self.run.backbone, seed=0)
        self.hierarchy = held_out.build_hierarchy(self.run, records.points)

    def network(self) -> Network:
        return held_out.build_network(self.run, networks.create(self.run.backbone, seed=0), self.hierarchy, "cpu")

    def fit(self, folder: Path, **changes: Any) -> tuple[Network, list[dict]]:
        """A network trained from end to end, and its log."""
        folder.mkdir()
        network = self.network()
        fitting = Fitting(self.run, "cpu", **changes)
        preprocess = Preprocess(size=64, resize=64)
        log = folder / "train.jsonl"
        fitting.network(network, self.sources, preprocess, self.photos, workers=None, state=folder / "state", log=log)
        return network, [json.loads(line) for line in log.read_text().splitlines()]


def test_a_batch_in_parts_is_the_batch(tiny: Path, tmp_path: Path) -> None:
    """41 photos in batches of 16, the last one of 9: in four parts of 4, of which the last is short or empty."""
    whole, whole_log = World(tiny).fit(tmp_path / "whole")
    parts, parts_log = World(tiny, "optimizer.accumulate=4").fit(tmp_path / "parts")
    for one, other in zip(whole_log, parts_log, strict=True):
        assert one["train_loss"] == pytest.approx(other["train_loss"], rel=1e-5)
        assert one["validation_loss"] == pytest.approx(other["validation_loss"], rel=1e-4)
    for name, tensor in whole.state_dict().items():
        torch.testing.assert_close(parts.state_dict()[name], tensor, rtol=1e-3, atol=1e-3)


def test_features_in_parts_are_the_batch_too(tiny: Path, tmp_path: Path) -> None:
    world, heads = World(tiny), []
    features = torch.nn.functional.normalize(torch.randn(48, world.backbone.dim), dim=1)
    for accumulate in (1, 2):
        world = World(tiny, f"optimizer.accumulate={accumulate}", "optimizer.batch_size=10")
        head = world.network().head
        Fitting(world.run, "cpu").head(head, features, world.photos, state=tmp_path / f"{accumulate}")
        heads.append(head.state_dict())
    for name, tensor in heads[0].items():
        torch.testing.assert_close(heads[1][name], tensor, rtol=1e-3, atol=1e-5)


def test_processes_take_parts_that_make_up_the_step(tiny: Path) -> None:
    world = World(tiny, "optimizer.accumulate=2")
    draws = np.arange(41)
    alone = list(Fitting(world.run, "cpu").plan(draws))
    assert [np.concatenate(step).tolist() for step in alone] == [list(range(s, min(s + 16, 41))) for s in (0, 16, 32)]
    fittings = [Fitting(world.run, "cpu", ProcessGroup(rank, 2)) for rank in range(2)]
    plans = [list(fitting.plan(draws)) for fitting in fittings]
    for number in range(3):
        own = [fitting.own_parts(plan[number]) for fitting, plan in zip(fittings, plans, strict=True)]
        assert [len(parts) for parts in own] == [2, 2]
        together = np.concatenate([part for parts in own for part in parts])
        np.testing.assert_array_equal(together, np.concatenate(alone[number]))
    assert [len(part) for part in plans[0][2]] == [4, 4, 1, 0]


def test_growing_balanced_epochs_train_as_long_as_they_say(tiny: Path, tmp_path: Path) -> None:
    sampled = ["sampling.per_cell=3", "sampling.growth=1.0", "sampling.balance=1.0", "sampling.anneal_epochs=2"]
    said: list[str] = []
    world = World(tiny, *sampled, "optimizer.batch_size=1", "optimizer.epochs=2", "optimizer.schedule=constant")
    features = torch.nn.functional.normalize(torch.randn(48, world.backbone.dim), dim=1)
    head = world.network().head
    losses = head.loss
    head.loss = lambda *args: said.append("step") or losses(*args)  # type: ignore[method-assign]
    Fitting(world.run, "cpu").head(head, features, world.photos, state=tmp_path / "state")
    cells = len(np.unique(world.hierarchy.assign(world.photos.points[world.photos.train_rows])[:, -1]))
    assert len(said) == 3 * cells + 6 * cells + 2  # and two validations


# --- what learns, and how fast


def network_of(tiny: Path, *changes: str) -> Network:
    return World(tiny, *changes).network()


def test_rates_fall_from_block_to_block(tiny: Path) -> None:
    network = network_of(tiny)
    groups = parameter_groups(network, 0.5)
    scale_of = {id(each): group["scale"] for group in groups for each in group["params"]}
    named = dict(network.named_parameters())
    assert len(scale_of) == len(named)
    assert scale_of[id(named["head.linear.weight"])] == 1.0
    for name, expected in (
        ("norm.weight", 0.5),  # of the last block
        ("blocks.5.mlp.fc2.weight", 0.5),
        ("blocks.4.mlp.fc2.weight", 0.25),
        ("blocks.0.attn.qkv.weight", 0.5**6),
        ("cls_token", 0.5**7),
        ("patch_embed.proj.weight", 0.5**7),
    ):
        assert scale_of[id(named[f"backbone.network.{name}"])] == pytest.approx(expected), name
    assert parameter_groups(network, 1.0) is None


def test_the_last_blocks_alone_learn(tiny: Path, tmp_path: Path) -> None:
    world = World(tiny, "backbone.trained=2", "data.validation=0.1", "optimizer.layer_decay=0.7")
    before = world.network().state_dict()
    after = world.fit(tmp_path / "fit")[0].state_dict()
    moved = {name.removeprefix("backbone.network.") for name in before if not torch.equal(before[name], after[name])}
    assert {name for name in moved if not name.startswith("head.")} == {
        name.removeprefix("backbone.network.")
        for name in before
        if name.startswith(tuple(f"backbone.network.{part}" for part in ("blocks.4.", "blocks.5.", "norm.")))
    }
    assert "head.linear.weight" in moved


def test_more_blocks_than_there_are() -> None:
    with pytest.raises(ConfigError) as caught:
        networks.create(BackboneSettings(name="test_vit", trained=9))
    assert str(caught.value) == "backbone.trained = 9: test_vit has 7 blocks; take fewer, or true for all"
