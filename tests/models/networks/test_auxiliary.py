"""Auxiliary losses: what they learn, which photos they leave out, and that a trained model leaves them behind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch

from whereshot.foundation import settings_file
from whereshot.foundation.errors import ConfigError, InputError
from whereshot.foundation.tables import write_parquet
from whereshot.models.model_folder import ModelFolder
from whereshot.models.networks import AUXILIARIES, Auxiliary
from whereshot.models.networks.auxiliary import hashed_grams
from whereshot.photos.records import Records
from whereshot.photos.sources import SOURCES
from whereshot.training import run_file
from whereshot.training.run_file import Run
from whereshot.training.train import train

DIM = 12


def records_of(**columns: Any) -> Records:
    count = len(next(iter(columns.values())))
    return Records(pa.table({"id": [str(number) for number in range(count)], **columns}))


def scenes(*rows: tuple[float | None, float | None, float | None]) -> Records:
    indoor, natural, urban = (pa.array(column, pa.float64()) for column in zip(*rows, strict=True))
    return records_of(scene_indoor=indoor, scene_natural=natural, scene_urban=urban)


def learned(auxiliary: Auxiliary, features: torch.Tensor, steps: int = 60) -> list[float]:
    optimizer = torch.optim.Adam(auxiliary.parameters(), lr=0.02)
    rows, weight, losses = torch.arange(len(features)), torch.ones(len(features)), []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = auxiliary(features, rows, weight)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


@pytest.fixture
def features() -> torch.Tensor:
    torch.manual_seed(1)
    return torch.nn.functional.normalize(torch.randn(9, DIM), dim=1)


def test_scenes_are_learned_down_to_the_entropy_of_their_probabilities(features: torch.Tensor) -> None:
    shares = [(0.8, 0.1, 0.1), (0.2, 0.5, 0.3), (0.0, 0.0, 1.0)] * 3
    losses = learned(Auxiliary(DIM, {"scene": {"weight": 1.0}}, scenes(*shares)), features, 120)
    entropy = -np.mean([sum(p * np.log(p) for p in row if p) for row in shares])
    assert losses[0] > losses[-1] > entropy - 1e-5
    assert losses[-1] == pytest.approx(entropy, abs=0.05)


def test_scene_loss_against_float64(features: torch.Tensor) -> None:
    shares = [(0.8, 0.1, 0.1), (2.0, 1.0, 1.0), (None, None, None), (0.0, 0.0, 0.0)]
    auxiliary = Auxiliary(DIM, {"scene": {"weight": 0.5, "scale": 3.0}}, scenes(*shares))
    weight = torch.tensor([1.0, 2.0, 4.0, 8.0])
    found = auxiliary(features[:4], torch.arange(4), weight)
    layer = auxiliary.losses["scene"].linear
    scores = features[:2].double() @ layer.weight.double().T * 3 + layer.bias.double()
    wanted = torch.tensor([[0.8, 0.1, 0.1], [0.5, 0.25, 0.25]], dtype=torch.float64)  # the last two are unknown
    each = -(wanted * scores.log_softmax(dim=1)).sum(dim=1)
    assert found.item() == pytest.approx((0.5 * (each[0] + 2 * each[1]) / 3).item(), rel=1e-6)


@pytest.mark.parametrize(
    "column",
    [
        ["a beach in Brittany", "the harbour of Genoa", None, "a beach in Brittany", "Kyoto", "", "Oslo fjord"],
        [[1.0, 0.0], [0.0, 1.0], None, [1.0, 0.0], [0.7, -0.7], None, [-1.0, 0.0]],
    ],
    ids=["text", "embeddings"],
)
def test_pictures_find_their_texts(column: list[Any], features: torch.Tensor) -> None:
    torch.manual_seed(0)
    auxiliary = Auxiliary(DIM, {"captions": {"weight": 1.0, "column": "note", "buckets": 512}}, records_of(note=column))
    losses = learned(auxiliary, features[:7])
    least = 2 * np.log(2) / 5  # two of five photos share a text and cannot be told apart
    assert losses[0] > 0.8
    assert least - 1e-4 < losses[-1] < least + 0.25


def test_a_batch_without_texts_costs_nothing_and_has_gradients(features: torch.Tensor) -> None:
    auxiliary = Auxiliary(DIM, {"captions": {}}, records_of(title=["a", None, None]))
    features = features[:2].clone().requires_grad_()
    loss = auxiliary(features, torch.tensor([1, 2]), torch.ones(2))
    loss.backward()
    assert loss.item() == 0
    assert all(parameter.grad is not None for parameter in auxiliary.parameters())  # as several processes need


def test_gradients_of_the_losses(features: torch.Tensor) -> None:
    settings = {"scene": {}, "captions": {"dim": 4, "buckets": 50}}
    table = scenes((0.8, 0.1, 0.1), (0.2, 0.5, 0.3), (0.1, 0.2, 0.7)).table
    records = Records(table.set_column(table.column_names.index("title"), "title", pa.array(["a b", "c", "d"])))
    auxiliary = Auxiliary(DIM, settings, records)
    weight = torch.tensor([1.0, 2.0, 0.5])
    inputs = features[:3].clone().requires_grad_()
    loss = auxiliary(inputs, torch.arange(3), weight)
    (gradient,) = torch.autograd.grad(loss, inputs)
    step = torch.randn_like(inputs) * 1e-2
    moved = [(auxiliary(inputs.detach() + sign * step, torch.arange(3), weight)).item() for sign in (1, -1)]
    assert (moved[0] - moved[1]) / 2 == pytest.approx(float((gradient * step).sum()), rel=0.02, abs=1e-6)


def test_words_are_known_by_their_parts() -> None:
    rue, rues, oslo = (set(hashed_grams(text, 2**20)) for text in ("Rue", "rues", "Oslo"))
    assert rue & rues and not rue & oslo
    assert hashed_grams("RUE!", 99) == hashed_grams("rue", 99)
    assert hashed_grams("東京", 99) and not hashed_grams("... !", 99)


@pytest.mark.parametrize(
    ("settings", "records", "said"),
    [
        ({"scene": {}}, records_of(title=["a"]), "needs the columns scene_indoor, scene_natural, scene_urban"),
        ({"scene": {}}, scenes((None, None, None)), "no photo has probabilities of scenes"),
        ({"captions": {}}, records_of(url=["a"]), "no photo has text in the column 'title'"),
        ({"captions": {"column": "titel"}}, records_of(title=["a"]), "no column 'titel'; did you mean 'title'"),
        ({"captions": {"column": "note"}}, records_of(note=[[1.0], [1.0, 2.0]]), "embeddings of 2 lengths"),
        ({"scenes": {}}, records_of(title=["a"]), "auxiliary: no loss 'scenes'; did you mean 'scene'"),
        ({"scene": {"wight": 1}}, records_of(title=["a"]), "unknown key 'wight'; did you mean 'weight'"),
    ],
)
def test_what_cannot_be_learned_is_refused(settings: dict, records: Records, said: str) -> None:
    with pytest.raises((InputError, ConfigError)) as caught:
        Auxiliary(DIM, settings, records)
    assert said in str(caught.value)


def test_a_frozen_backbone_has_no_use_for_them(tiny: Path) -> None:
    run = settings_file.load(tiny / "run.toml", Run, ["auxiliary={scene={}}"])
    with pytest.raises(ConfigError, match="auxiliary losses need a trained backbone"):
        run_file.check(run)
    parts = ["auxiliary={captions={}}", "backbone.trained=true", "data.validation=0.3", "optimizer.accumulate=2"]
    with pytest.raises(ConfigError, match="cannot be computed in parts"):
        run_file.check(settings_file.load(tiny / "run.toml", Run, parts))


def test_a_model_is_trained_with_them_and_leaves_them_behind(tiny: Path, tmp_path: Path) -> None:
    records = SOURCES["table"]([tiny / "photos.csv"], {}, lambda items, **_: items).records
    count = len(records)
    table = records.with_column("title", pa.array([name.partition("-")[0] for name in records.strings("id")])).table
    for scene in ("indoor", "natural", "urban"):
        table = table.append_column(f"scene_{scene}", pa.array(np.random.default_rng(3).uniform(size=count)))
    write_parquet(table, tmp_path / "records.parquet")
    changes = [
        f"data.train={tmp_path / 'records.parquet'}",
        f"out={tmp_path / 'model'}",
        "data.validation=0.3",
        "backbone.trained=true",
        "optimizer.epochs=1",
        "auxiliary={scene={weight=0.2},captions={dim=8,buckets=64}}",
    ]
    folder = train(settings_file.load(tiny / "run.toml", Run, changes))
    ModelFolder(folder).network()  # its weights are those of the network alone
    assert AUXILIARIES.keys() == {"scene", "captions"}
