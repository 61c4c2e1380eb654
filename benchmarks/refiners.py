"""Refiners on simulated posteriors: users of real photos, and a world whose dependence on the hour is known.

    python benchmarks/refiners.py > docs/results-refiners.md

Needs shared/data/tables/yfcc25600_places365.csv beside the checkout; some four minutes of a core. Both parts are
simulations: no picture is looked at. They test the machinery and not how much a refiner helps a real model.
"""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pyarrow as pa
import pyarrow.csv
from numpy.typing import NDArray

from whereshot import evaluate
from whereshot.earth import partition, sphere
from whereshot.evaluate import Answers, Protocol, Row, Truth
from whereshot.evidence.refiners import REFINERS, Examples, Refiner
from whereshot.foundation.tables import hashed_share
from whereshot.photos.records import Records
from whereshot.posterior.base import Posterior
from whereshot.posterior.place_shape import log_kernel, quantile_km

TABLE = Path(__file__).parents[2] / "shared" / "data" / "tables" / "yfcc25600_places365.csv"
SCORES = {"accuracy_25": 1, "accuracy_200": 1, "accuracy_750": 1, "accuracy_2500": 1, "geoscore": 0, "nll": 2}
"""Scores of the tables, with their number of decimals."""

HOW_EXACT_KM = (15.0, 100.0, 500.0, 1500.0)
SHARES = {
    "indoor": (0.03, 0.07, 0.10, 0.15),
    "natural": (0.06, 0.12, 0.18, 0.22),
    "urban": (0.15, 0.18, 0.20, 0.17),
}
"""Share of the photos of each scene that show their place, by distance; half of them within it."""
SAME_MISTAKE = 0.5
"""Probability that a photo is mistaken just as its user's first in the same cell."""


# ---- the base model of real users' photos


def read_photos(path: Path) -> Records:
    """The photos in the order of their Flickr numbers, which are given as photos are posted."""
    table = pa.csv.read_csv(path)
    number = [int(name.rpartition("/")[2].partition(".")[0]) for name in table["IMG_ID"].to_pylist()]
    table = table.take(np.argsort(number, kind="stable"))
    columns = {"id": "IMG_ID", "user": "AUTHOR", "latitude": "LAT", "longitude": "LON"}
    columns |= {f"scene_{scene}": f"Prob_{scene}" for scene in SHARES}
    return Records(pa.table({name: table[old] for name, old in columns.items()}))


def simulate(records: Records, cells: partition.Partition, prior: NDArray, rng: np.random.Generator) -> Posterior:
    """Return the posteriors of a simulated calibrated model, which knows each place with noise.

    A photo shows its place to within a distance drawn by its scene, or not at all; the model sees a place drawn around
    the true one by a spherical Cauchy distribution of that width, knows the width, and says prior times likelihood.
    """
    n, truth = len(records), records.points
    scenes = np.stack([records.numbers(f"scene_{scene}") for scene in SHARES], axis=1)
    share = scenes / scenes.sum(axis=1, keepdims=True) @ np.array(list(SHARES.values()))
    how = (rng.uniform(size=n)[:, None] > np.cumsum(share, axis=1)).sum(axis=1)
    bearing, quantile = rng.uniform(0, 360, n), rng.uniform(size=n)
    key = np.char.add(np.char.add(records.groups("user"), " "), cells.assign(truth).astype(str))
    _, first, group = np.unique(key, return_index=True, return_inverse=True)
    same = rng.uniform(size=n) < SAME_MISTAKE
    for drawn in (how, bearing, quantile):
        drawn[same] = drawn[first[group[same]]]
    width = np.array([*HOW_EXACT_KM, np.inf])[how]
    seen = sphere.move(truth, bearing, quantile_km(quantile, np.minimum(width, 5000.0)))
    log_mass = np.repeat(np.log(prior)[None], n, axis=0)
    told = np.isfinite(width)
    distance = sphere.distance_km(seen[told][:, None], cells.centers)
    log_mass[told] += log_kernel(distance, np.hypot(width[told][:, None], cells.spread_km))
    return Posterior(cells.centers, log_mass, np.maximum(cells.spread_km, 1.0))


def score(posterior: Posterior, name: str, truth: Truth) -> Row:
    """The scores of the likeliest cell and of the whole distribution, with intervals over users."""
    answers = Answers(name, posterior.mode(), log_density=posterior.log_density(truth.points))
    wanted = {metric: evaluate.METRICS[metric] for metric in SCORES}
    return evaluate.score(answers, truth, Protocol(), metrics=wanted)


def albums(quick: bool) -> list[str]:
    """The part on users: base, user mean and user album on users that nobody learned from."""
    records = read_photos(TABLE)
    share = hashed_share(records.groups("user"), 11)
    base, learned, tested = records[share < 0.4], records[(share >= 0.4) & (share < 0.8)], records[share >= 0.8]
    cells = partition.build("s2", base.points, {"max": 200, "min": 20})
    prior = (cells.counts + 1.0) / (cells.counts + 1.0).sum()
    rng = np.random.default_rng(5)
    examples = Examples(simulate(learned, cells, prior, rng), learned, cells.assign(learned.points))
    posterior, truth = simulate(tested, cells, prior, rng), Truth.of_records(tested, "user")
    published = phases(quick, (("adagrad", 0.01, 6), ("adam", 0.005, 10), ("adam", 0.001, 10)))
    album = {"phases": published, "patience": 3, "width": 128}
    kinds = {
        "user mean, as published": ("user-mean", {"rule": "mean"}),
        "user mean, product": ("user-mean", {}),
        "user album, as published": ("user-album", album),
    }
    rows = [score(posterior, "base model", truth)]
    for name, (kind, settings) in kinds.items():
        refiner = fit(kind, examples, settings)
        rows.append(score(refiner(posterior, tested), name, truth))
    _, photos = np.unique(tested.groups("user"), return_inverse=True)
    count = np.bincount(photos)
    alone = int((count == 1).sum())
    return [
        "## Users and their albums\n",
        f"Positions, users and scenes of {len(records):,} photos of Flickr (yfcc25600_places365.csv) are real, what",
        "the base model says of them is not. Users are split:",
        f"{len(base):,} photos make the {len(cells)} cells and the prior, {len(learned):,} are what the refiners learn",
        f"from, and {len(tested):,} photos of {len(count):,} other users, {alone:,} of whom have but one photo, are",
        "scored. The order in time is that of Flickr's numbers; hours are not known and left empty.\n",
        *table(rows),
        "",
        "Better than the base model by (95 % intervals, users drawn whole):\n",
        *differences(rows),
        "",
    ]


def phases(quick: bool, published: tuple[tuple[str, float, int], ...]) -> list[dict[str, Any]]:
    """Optimisers, their rates, and how many epochs each may last: few, for time."""
    return [{"optimizer": kind, "learning_rate": rate, "epochs": 1 if quick else n} for kind, rate, n in published]


def fit(kind: str, examples: Examples, settings: dict) -> Refiner:
    """A refiner of a kind by its settings."""
    return REFINERS[kind].fit(examples, REFINERS[kind].settings_type.model_validate(settings), seed=1)


def table(rows: list[Row]) -> list[str]:
    """One row per method."""
    head = ["| method | 25 km | 200 km | 750 km | 2500 km | GeoScore | NLL |", "|---|---|---|---|---|---|---|"]
    return head + [
        f"| {row.name} | " + " | ".join(_value(row.scores[name].value, name) for name in SCORES) + " |" for row in rows
    ]


def differences(rows: list[Row]) -> list[str]:
    """Each method less the first, paired, with intervals."""
    lines = ["| method | 25 km | 200 km | 750 km | 2500 km | GeoScore | NLL |", "|---|---|---|---|---|---|---|"]
    for row in rows[1:]:
        of = evaluate.compare(row, rows[0]).differences
        told = [
            f"{_value(of[n].value, n, '+')} [{_value(of[n].low, n, '+')}, {_value(of[n].high, n, '+')}]" for n in SCORES
        ]
        lines.append(f"| {row.name} | " + " | ".join(told) + " |")
    return lines


def _value(value: float, name: str, sign: str = "") -> str:
    return f"{value * (100 if name.startswith('accuracy') else 1):{sign}.{SCORES[name]}f}"


# ---- a world whose dependence on the hour is known

WIDTH = 256
"""Of the network that learns the hour's part: the published one is a good thirty times the work."""


@dataclass(frozen=True)
class World:
    """Places (k, 2), how often photos are posted in each, and by the hour of the day there (24), in UTC (k, 24)."""

    places: NDArray[np.float64]
    prior: NDArray[np.float64]
    by_hour: NDArray[np.float64]

    @classmethod
    def make(cls, places: int, rng: np.random.Generator) -> World:
        """Places round the globe; everywhere most is posted at 20 h by the sun and least at 8 h."""
        points = np.stack([rng.uniform(-50, 60, places), np.linspace(-177, 177, places)], axis=1)
        prior = rng.dirichlet(np.full(places, 2.0))
        local = (np.arange(24)[None] + points[:, 1:] / 15) % 24
        log_rate = 1.6 * np.cos((local - 20) / 24 * 2 * np.pi)
        return cls(points, prior, np.exp(log_rate) / np.exp(log_rate).sum(axis=1, keepdims=True))

    def draw(self, photos: int, rng: np.random.Generator) -> tuple[Posterior, Records, NDArray[np.int64], NDArray]:
        """What a base model says of photos, when they were posted, their true places and hours.

        A photo's look is one that two places at random share, 70 times in 100, else any.
        """
        k = len(self.places)
        looks = np.random.default_rng(0).permutation(k) % (k // 2)
        cell = rng.choice(k, photos, p=self.prior)
        look = np.where(rng.uniform(size=photos) < 0.7, looks[cell], rng.integers(0, k // 2, photos))
        likelihood = 0.3 / (k // 2) + 0.7 * (look[:, None] == looks)
        posterior = Posterior.from_mass(self.places, self.prior * likelihood, np.full(k, 100.0))
        hour = (rng.uniform(size=(photos, 1)) > np.cumsum(self.by_hour[cell], axis=1)).sum(axis=1).clip(0, 23)
        day = rng.integers(0, 365, photos)
        seconds = 1_672_531_200 + day * 86_400 + hour * 3600 + rng.integers(0, 3600, photos)  # in 2023
        columns = {
            "id": [str(number) for number in range(photos)],
            "posted_at": pa.array(seconds * 1_000_000, pa.timestamp("us", tz="UTC")),
            "latitude": self.places[cell, 0],
            "longitude": self.places[cell, 1],
        }
        return posterior, Records(pa.table(columns)), cell, hour

    def exact(self, posterior: Posterior, hour: NDArray) -> Posterior:
        """Return the best possible posterior, which knows the world: base model times likelihood of the hour."""
        return posterior.times(np.log(self.by_hour[:, hour]).T)


def hours(quick: bool) -> list[str]:
    """The part on the hour: base, the published network, and the exact posterior."""
    rng = np.random.default_rng(7)
    world = World.make(12, rng)
    posterior, records, cell, _ = world.draw(2000 if quick else 30_000, rng)
    tested, others, truth, hour = world.draw(1000 if quick else 8000, rng)
    published = phases(quick, (("adagrad", 0.01, 3), ("adam", 0.005, 10), ("adam", 0.001, 25)))
    settings = {"phases": published, "patience": 6, "width": WIDTH}
    refiner = fit("posting-time", Examples(posterior, records, cell), settings)
    exact, refined = world.exact(tested, hour), refiner(tested, others)
    rows, each = [], np.arange(len(truth))
    loss, hits = {}, {}
    for name, said in (("base model", tested), ("posting time", refined), ("exact, by Bayes", exact)):
        right = hits[name] = (said.log_mass.argmax(axis=1) == truth).astype(float)
        loss[name] = -said.log_mass[each, truth]
        apart = (exact.mass * (exact.log_mass - said.log_mass)).sum(axis=1)
        cells = [_interval(values, decimals) for values, decimals in ((100 * right, 1), (loss[name], 3), (apart, 3))]
        rows.append(f"| {name} | " + " | ".join(cells) + " |")
    draws = np.random.default_rng(3).integers(0, len(truth), (1000, len(truth)))
    recovered = [_recovered(*(by_name[name] for name in loss), draws) for by_name in (hits, loss)]
    return [
        "## The hour of posting\n",
        f"A made world: {len(world.places)} places round the globe, where most is posted at 20 h by the sun, 24.5",
        "times as much as at 8 h; a base model that cannot tell pairs of places apart. What the hour says is known, so",
        f"the best possible posterior is too. The published layers, {WIDTH} wide instead of 1,626 for time, learned",
        f"from {len(cell):,} photos; of {len(truth):,} others:\n",
        "| method | right cell, % | loss, nats | from the exact posterior, nats |",
        "|---|---|---|---|",
        *rows,
        "",
        f"Of what the hour can tell, the network recovers {recovered[0]} of the right cells and {recovered[1]} of the",
        "nats. It sees the ten best cells alone, so what is in the others is lost to it, and more so where there are",
        "more places: of 24, with 16 epochs at the published width, it once recovered 55 % of the nats.\n",
    ]


def _recovered(base: NDArray, fitted: NDArray, best: NDArray, draws: NDArray) -> str:
    """The share of the way from base to best that was gone, with its interval."""
    share = (fitted - base).mean() / (best - base).mean()
    drawn = (fitted - base)[draws].mean(axis=1) / (best - base)[draws].mean(axis=1)
    low, high = 100 * np.quantile(drawn, [0.025, 0.975])
    return f"{100 * share:.0f} % [{low:.0f}, {high:.0f}]"


def _interval(values: NDArray, decimals: int) -> str:
    """A mean with its 95 % interval, by bootstrap."""
    draws = values[np.random.default_rng(2).integers(0, len(values), (1000, len(values)))].mean(axis=1)
    low, high = np.quantile(draws, [0.025, 0.975])
    return f"{values.mean():.{decimals}f} [{low:.{decimals}f}, {high:.{decimals}f}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", nargs="?", choices=("albums", "hours"), help="one part alone")
    parser.add_argument("--quick", action="store_true", help="small, to see that it runs; the figures mean nothing")
    arguments = parser.parse_args()
    if arguments.part != "hours" and not TABLE.is_file():
        sys.exit(f"refiners: no table at {TABLE}")
    lines = [
        "# Refiners\n",
        "Made by `python benchmarks/refiners.py`. **Both parts are simulations**: the base model's posteriors are",
        "drawn, no picture is looked at. They show that the machinery learns what is there to be learned, not how much",
        "a refiner adds to a real model. What the refiners are: [refiners.md](refiners.md).\n",
        *([] if arguments.part == "hours" else [*albums(arguments.quick), *noise_words()]),
        *([] if arguments.part == "albums" else hours(arguments.quick)),
    ]
    print("\n".join(lines).rstrip())


def noise_words() -> list[str]:
    """Return a text that explains how the base model of the first part was made."""
    widths = ", ".join(f"{km:g}" for km in HOW_EXACT_KM)
    shares = "; ".join(f"{scene} {', '.join(f'{100 * s:.0f}' for s in own)}" for scene, own in SHARES.items())
    return [
        f"The base model: a photo shows its place to within {widths} km in so many of 100 photos",
        f"({shares}),",
        "weighed by its probabilities of the three scenes, and else nothing. The model sees a place drawn around the",
        "true one (a spherical Cauchy distribution, half of whose mass is within that distance), knows the distance,",
        f"and says prior times likelihood: it is calibrated. {100 * SAME_MISTAKE:.0f} of 100 photos are mistaken just",
        "as their user's first in the same cell, since photos of one user look alike; otherwise mistakes of different",
        "photos are independent, which is kinder to albums than real models are.\n",
    ]


if __name__ == "__main__":
    main()
