"""Refiners: what they learn, what they refuse, and that saving keeps every bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch

from whereshot.earth import sphere
from whereshot.evidence import refiners
from whereshot.evidence.refiners import REFINERS, Examples, Refiner, Support
from whereshot.evidence.refiners.album_neighbours import _log_prior_density
from whereshot.evidence.refiners.base import posting_inputs, users_in_time
from whereshot.evidence.refiners.networks import AlbumNetwork, Inputs, PostingNetwork
from whereshot.evidence.refiners.user_album import _stretches
from whereshot.foundation.errors import ConfigError, InputError, ModelError
from whereshot.photos.records import Records
from whereshot.posterior.base import Posterior
from whereshot.posterior.place_shape import quantile_km
from whereshot.posterior.prior import density_prior

PLACES = np.array([[48.85, 2.35], [40.71, -74.0], [35.68, 139.76], [-33.87, 151.2]])
SPREAD = np.array([10.0, 20.0, 30.0, 40.0])
DAY = 86_400
FAST = {"phases": [{"optimizer": "adam", "learning_rate": 0.005, "epochs": 12}], "dropout": 0.1}
SETTINGS: dict[str, dict[str, Any]] = {
    "posting-time": FAST | {"width": 32, "batch_size": 64},
    "user-album": FAST | {"width": 16, "batch_size": 16},
    "user-mean": {},
    "album-neighbours": {"by": "user"},
}


def photos(rng: np.random.Generator, users: int = 150, each: int = 4) -> tuple[Posterior, Records, np.ndarray]:
    """Users that stay in one place; posted at 12 h by the sun there, give or take two; the base model knows little."""
    home = rng.integers(0, len(PLACES), users)
    cell, user = np.repeat(home, each), np.repeat(np.arange(users), each)
    count = len(cell)
    hour = (12 - PLACES[cell, 1] / 15 + rng.uniform(-2, 2, count)) % 24
    seconds = 1.7e9 - 1.7e9 % DAY + np.tile(np.arange(each), users) * 1800 + hour * 3600
    look = np.where(rng.uniform(size=count) < 0.55, cell, rng.integers(0, len(PLACES), count))
    mass = np.full((count, len(PLACES)), 0.12)
    mass[np.arange(count), look] = 0.64
    at = sphere.move(PLACES[cell], rng.uniform(0, 360, count), rng.uniform(0, 2, count))
    times = pa.array((seconds * 1e6).astype(np.int64), pa.timestamp("us", tz="UTC"))
    columns = {
        "id": [str(number) for number in range(count)],
        "user": [f"user {number}" for number in user],
        "latitude": at[:, 0],
        "longitude": at[:, 1],
        "posted_at": times,
        "taken_at": times,
        **{f"scene_{kind}": rng.uniform(size=count) for kind in ("indoor", "natural", "urban")},
    }
    return Posterior.from_mass(PLACES, mass, SPREAD), Records(pa.table(columns)), cell


def fitted(kind: str, examples: Examples, settings: dict[str, Any] | None = None, **options: Any) -> Refiner:
    chosen = SETTINGS[kind] if settings is None else settings
    return REFINERS[kind].fit(examples, REFINERS[kind].settings_type.model_validate(chosen), **options)


def loss(posterior: Posterior, cell: np.ndarray) -> float:
    return -float(posterior.log_mass[np.arange(len(cell)), cell].mean())


@pytest.fixture(scope="module")
def world() -> tuple[Examples, Posterior, Records, np.ndarray]:
    rng = np.random.default_rng(3)
    return Examples(*photos(rng)), *photos(rng, users=60)


@pytest.mark.parametrize("kind", REFINERS)
def test_a_refiner_learns_what_there_is_and_is_the_same_after_saving(kind: str, world: Any, tmp_path: Path) -> None:
    examples, posterior, records, cell = world
    refiner = fitted(kind, examples)
    refined = refiner(posterior, records)
    assert np.allclose(refined.mass.sum(axis=1), 1)
    assert loss(refined, cell) < 0.75 * loss(posterior, cell)
    refiners.save(refiner, tmp_path / "refiner", "mine", model="base", training={"photos": 600})
    again, description = refiners.load(tmp_path / "refiner")
    assert (description.kind, description.name, description.model) == (kind, "mine", "base")
    np.testing.assert_array_equal(again(posterior, records).log_mass, refined.log_mass)


@pytest.mark.parametrize("kind", [kind for kind in REFINERS if kind != "album-neighbours"])
def test_other_cells_are_refused(kind: str, world: Any) -> None:
    examples, posterior, records, _ = world
    refiner = fitted(
        kind,
        examples,
        SETTINGS[kind] | ({"phases": [FAST["phases"][0] | {"epochs": 1}]} if "phases" in SETTINGS[kind] else {}),
    )
    with pytest.raises(InputError) as caught:
        refiner(Posterior(PLACES + 0.01, posterior.log_mass, SPREAD), records)
    assert str(caught.value) == "the refiner was fitted on 4 other cells than these 4; fit one for this model"
    with pytest.raises(InputError, match="240 posteriors for 239 records"):
        refiner(posterior, records[:239])
    own = Posterior(np.broadcast_to(PLACES, (240, 4, 2)), posterior.log_mass, SPREAD)
    with pytest.raises(InputError, match="other cells"):
        refiner(own, records)


def test_album_neighbours_work_unfitted_and_never_look_at_the_photo_itself(world: Any) -> None:
    _, posterior, records, cell = world
    kind = REFINERS["album-neighbours"]
    refiner = kind.from_tensors(None, kind.settings_type(by="user"), {})
    refined = refiner(posterior, records)
    assert loss(refined, cell) < 0.5 * loss(posterior, cell)
    moved = records.table.set_column(
        1, "latitude", pa.array(np.where(np.arange(len(records)) == 5, 80.0, records.numbers("latitude")))
    )
    again = refiner(posterior, Records(moved))
    np.testing.assert_array_equal(again.log_mass[5], refined.log_mass[5])
    assert not np.array_equal(again.log_mass[[4, 6, 7]], refined.log_mass[[4, 6, 7]])  # its user's others
    alone = records.with_column("user", pa.array([f"user {number}" for number in range(len(records))]))
    np.testing.assert_allclose(refiner(posterior, alone).log_mass, posterior.log_mass)


def test_album_neighbours_work_on_places_of_every_photo_s_own(world: Any) -> None:
    _, posterior, records, _ = world
    kind = REFINERS["album-neighbours"]
    refiner = kind.from_tensors(None, kind.settings_type(by="user"), {})
    own = Posterior(np.broadcast_to(PLACES, (len(records), 4, 2)), posterior.log_mass, SPREAD)
    np.testing.assert_allclose(refiner(own, records).log_mass, refiner(posterior, records).log_mass)


def test_the_density_of_photos_by_the_nearest_places_is_near_the_whole(rng: np.random.Generator) -> None:
    points = sphere.latlon(rng.normal(size=(30, 3)))
    whole = density_prior().repeat(30).log_density(points)
    found = _log_prior_density(points)
    assert (found <= whole + 1e-9).all()
    assert (found > whole - 0.7).all()  # worst at sea
    assert np.median(whole - found) < 0.2


def test_user_mean_as_published_is_the_mean_of_all_of_the_user_s_photos(world: Any) -> None:
    examples, posterior, records, _ = world
    refined = fitted("user-mean", examples, {"rule": "mean"})(posterior, records)
    mine = np.array([user == "user 7" for user in records.strings("user")])
    np.testing.assert_allclose(refined.mass[mine], np.broadcast_to(posterior.mass[mine].mean(axis=0), (4, 4)))


def test_a_user_s_only_photo_keeps_its_posterior(world: Any) -> None:
    examples, posterior, records, _ = world
    np.testing.assert_allclose(fitted("user-mean", examples)(posterior[:1], records[:1]).mass, posterior[:1].mass)


def test_the_inputs_of_the_published_network() -> None:
    """Ten of twelve cells, renormalised, then their former sum, hour, weekday from Sunday, and month."""
    mass = np.arange(12, 0, -1) / 78
    times = (
        pa.array(["2024-03-03T17:30:00", None], pa.string()).cast(pa.timestamp("us")).cast(pa.timestamp("us", "UTC"))
    )
    records = Records(pa.table({"id": ["a", "b"], "posted_at": times}))  # a Sunday
    time = posting_inputs(records)
    np.testing.assert_allclose(time[0], [(17 - 11.5) / 24, (1 - 3.5) / 7, (3 - 6.5) / 12], rtol=1e-6)
    np.testing.assert_array_equal(time[1], 0)  # unknown
    inputs = Inputs.of(Posterior.from_mass(np.zeros((12, 2)), mass[None], np.ones(12)), 10, time[:1])
    dense = inputs.dense(12)[0].numpy()
    np.testing.assert_allclose(dense[:12], [*(mass[:10] / mass[:10].sum()), 0, 0], rtol=1e-6)
    np.testing.assert_allclose(dense[12:], [mass[:10].sum(), *time[0]], rtol=1e-6)


def test_the_published_network() -> None:
    settings = REFINERS["posting-time"].settings_type()
    network = PostingNetwork(100, 4, settings.width, settings.dropout)
    named = [type(layer).__name__ for layer in network.layers]
    block = ["BatchNorm1d", "Dropout", "Linear"]
    assert named == ["Linear", "ReLU", "Linear", "Sigmoid", *block, "ReLU", *block, "Sigmoid", *block]
    sizes = [(layer.in_features, layer.out_features) for layer in network.layers if isinstance(layer, torch.nn.Linear)]
    assert sizes == [(104, 104), (104, 1626), (1626, 1626), (1626, 1626), (1626, 100)]
    assert {layer.p for layer in network.layers if isinstance(layer, torch.nn.Dropout)} == {0.5}
    assert float(network.layers[6].weight.detach().std()) == pytest.approx(
        (2 / 1626) ** 0.5, rel=0.01
    )  # He et al. 2015
    assert [(phase.optimizer, phase.learning_rate) for phase in settings.phases] == [
        ("adagrad", 0.01),
        ("adam", 0.005),
        ("adam", 0.001),
    ]


def test_what_fills_an_album_up_says_nothing() -> None:
    torch.manual_seed(0)
    network = AlbumNetwork(5, 1, 7, 0.0).eval()
    inputs = Inputs(torch.randint(0, 5, (2, 3, 2)), torch.rand(2, 3, 2), torch.rand(2, 3, 1))
    length = torch.tensor([2, 3])
    said = network(inputs, length)
    other = Inputs(inputs.cell.clone(), inputs.share.clone(), inputs.more.clone())
    other.more[0, 2] = 99.0
    np.testing.assert_array_equal(network(other, length)[0, :2].detach(), said[0, :2].detach())
    shorter = network(Inputs(inputs.cell[:1, :2], inputs.share[:1, :2], inputs.more[:1, :2]), length[:1])
    np.testing.assert_allclose(shorter[0].detach(), said[0, :2].detach(), rtol=1e-5)


def test_long_albums_are_answered_in_stretches_and_every_photo_is_in_one() -> None:
    for count in (1, 23, 24, 25, 60):
        stretches = _stretches(np.arange(count), 24)
        assert sorted(set(np.concatenate(stretches).tolist())) == list(range(count))
        assert all(len(part) == min(24, count) for part in stretches)


def test_users_are_in_the_order_of_taking_then_posting() -> None:
    def times(*seconds: int | None) -> pa.Array:
        return pa.array([None if s is None else s * 1_000_000 for s in seconds], pa.timestamp("us", "UTC"))

    table = pa.table(
        {
            "id": list("abcdef"),
            "user": ["u", "u", "v", "u", None, None],
            "taken_at": times(30, None, 5, 10, 1, 1),
            "posted_at": times(1, 20, 5, 99, 1, 1),
        }
    )
    found = {tuple(rows.tolist()) for rows in users_in_time(Records(table))}
    assert found == {(3, 1, 0), (2,), (4,), (5,)}


def test_the_outdoor_probability_is_one_more_input(world: Any) -> None:
    examples, posterior, records, _ = world
    settings = SETTINGS["posting-time"] | {"outdoor": True, "phases": [FAST["phases"][0] | {"epochs": 1}]}
    refiner = fitted("posting-time", examples, settings)
    assert refiner.tensors()["layers.0.weight"].shape == (4 + 5, 4 + 5)
    indoors = records.with_column("scene_indoor", np.full(len(records), 99.0))
    assert not np.array_equal(refiner(posterior, indoors).log_mass, refiner(posterior, records).log_mass)
    with pytest.raises(InputError, match="needs the columns scene_indoor"):
        refiner(posterior, Records(records.table.drop_columns("scene_indoor")))


def test_a_killed_fit_goes_on_to_the_same_bits(world: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    examples = world[0]
    whole = fitted("user-album", examples, seed=4)
    calls = 0
    forward = AlbumNetwork.forward

    def killed(self: AlbumNetwork, *arguments: Any) -> torch.Tensor:
        nonlocal calls
        calls += 1
        if calls > 40:
            raise KeyboardInterrupt
        return forward(self, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(AlbumNetwork, "forward", killed)
        with pytest.raises(KeyboardInterrupt):
            fitted("user-album", examples, seed=4, state=tmp_path / "state")
    assert (tmp_path / "state").is_dir()
    resumed = fitted("user-album", examples, seed=4, state=tmp_path / "state")
    for name, tensor in whole.tensors().items():
        np.testing.assert_array_equal(resumed.tensors()[name], tensor)


def test_what_cannot_be_fitted_on_is_refused(world: Any) -> None:
    examples = world[0]
    with pytest.raises(InputError, match="2 posteriors, 3 records and 2 cells"):
        Examples(examples.posterior[:2], examples.records[:3], examples.cell[:2])
    with pytest.raises(InputError, match="none of 3 photos lies in a cell"):
        Examples(examples.posterior[:3], examples.records[:3], np.full(3, -1))
    one_user = Examples(examples.posterior[:4], examples.records[:4], examples.cell[:4])
    with pytest.raises(InputError, match="both are needed: give photos of more users"):
        fitted("posting-time", one_user)
    few = Examples(
        examples.posterior[:20], examples.records[:20], np.where(np.arange(20) % 5 == 0, examples.cell[:20], -1)
    )
    fitted("posting-time", few, SETTINGS["posting-time"] | {"batch_size": 2, "validation": 0.5})  # no batch of one
    with pytest.raises(ConfigError, match="no refiner 'user-meen'; did you mean 'user-mean'"):
        refiners.kind_of("user-meen")


def test_posteriors_of_own_places_are_gathered_on_a_fixed_set(rng: np.random.Generator) -> None:
    places = np.stack([rng.uniform(-60, 60, 9), rng.uniform(-180, 180, 9)], axis=1)
    spread = rng.uniform(1, 50, 9)
    mass = rng.dirichlet(np.ones(4), 6)
    which = np.stack([rng.permutation(9)[:4] for _ in range(6)])
    posterior = Posterior.from_mass(places[which], mass, spread[which])
    support = Support.of_parts([posterior])
    gathered = support.gather(posterior)
    points = sphere.move(gathered.mode(), 0.0, quantile_km(np.full(6, 0.5), 10.0))
    np.testing.assert_allclose(gathered.log_density(points), posterior.log_density(points))
    strange = Posterior.from_mass(places[:1] + 1, np.ones((1, 1)), spread[:1])
    with pytest.raises(InputError, match="mass on 1 places that the refiner was not fitted on"):
        support.gather(strange)


def test_a_changed_folder_and_a_model_are_refused(world: Any, tmp_path: Path) -> None:
    refiners.save(fitted("user-mean", world[0]), tmp_path / "refiner", "mine")
    weights = tmp_path / "refiner" / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    with pytest.raises(ModelError, match="has been changed or damaged"):
        refiners.load(tmp_path / "refiner")
    with pytest.raises(ModelError, match="a model and not a refiner; make one with: whereshot refine fit"):
        refiners.load(Path(refiners.__file__).parents[1] / "data" / "compact")
    with pytest.raises(ModelError):
        refiners.load(tmp_path / "nothing")
