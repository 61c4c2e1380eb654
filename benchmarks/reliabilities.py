"""Fit how reliable a cue of each trust is on a sign and on goods: cross-validated by group, and what ships.

    python benchmarks/reliabilities.py --cache FOLDER > docs/results-reliabilities.md
    python benchmarks/reliabilities.py --cache FOLDER --fit    # the same, and write evidence/data/reliability.toml

The photos are those of the development tables, and drawn goods of ``benchmarks/surfaces.py``: goods that travelled to
where other goods are sold. ``KINDS`` states how much each kind of photo counts, whatever its number of photos. The loss
is the negative log probability of the right country. Every value is held near the one that shipped before, as if it
were known from a few photos; values on surfaces without photos keep their ratio to the value on signs.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tomli_w
from numpy.typing import NDArray
from surfaces import (
    PHOTOS,
    ROOT,
    TABLES,
    Case,
    cases_of,
    fit_weights,
    folds_of,
    read_drawn_to_fit,
    read_table,
    weights_by_fold,
)

from whereshot.earth.countries import countries
from whereshot.evidence import Cue
from whereshot.evidence.base import SURFACES
from whereshot.evidence.reliability import Reliabilities, fitted_reliabilities
from whereshot.foundation import output_files
from whereshot.foundation.tables import hashed_share
from whereshot.posterior.masses import country_masses
from whereshot.posterior.prior import density_prior

RELIABILITY = ROOT / "src" / "whereshot" / "evidence" / "data" / "reliability.toml"
KINDS = {"signs_dev": 0.35, "scene_dev": 0.35, "scripts_dev": 0.1, "portable_dev": 0.1, "drawn goods": 0.1}
"""The assumed share of each kind of photo. As many goods are photographed far from home as where they are sold."""
FITTED_ON = ("sign", "package")
"""Surfaces with enough photos for a fit."""
GRID = (0.01, 0.03, 0.06, 0.1, 0.2, 0.3, 0.45, 0.6, 0.7, 0.8, 0.87, 0.92, 0.95, 0.97, 0.985)
BELIEF = 4.0
"""Weight of the values that shipped before, as a number of photos."""
SWEEPS = 2
MOST_ON_GOODS = 0.3
"""No value on a package becomes larger, but for prices, which are on the label of the shop. Most photos of goods here
were taken where the goods are sold, so that a fit believes packages too much; and all that one package says is wrong
together where it has travelled."""
PRICES = ("text/currency",)
NOT_FITTED = ("exif", "album", "text/place/weak")
NEVER_RAISED = ("text/place", "text/area", "text/public-word", "text/language/word")
"""Trusts of names and single words are not raised above what shipped before, whatever the photos say. That was set with
lists of ordinary words, first names, foods and brands in view (``benchmarks/words.py``), which no photo here shows."""
LEAST_PHOTOS = 20
"""A trust with cues on fewer photos than this, drawings left out, keeps what shipped before."""
LONE_WORD = "text/language/word off signs and vehicles is set so that a lone common noun moves no country by a nat"
LEAST_SHARE = 1e-6
FOLDS = 5
Table = dict[str, dict[str, float]]


@dataclass(frozen=True)
class Sample:
    """The cues of one photo as far as they tell countries apart; ``effect`` (k, c) is what each says where it is right.

    It is relative to what was believed before: 1 where a cue says nothing.
    """

    kind: str
    group: str
    truth: int
    cues: tuple[Cue, ...]
    effect: NDArray[np.float64]


class CountryModel:
    """The fusion of cues on countries alone, which is quick: ``evidence.fusion`` does the same on places."""

    def __init__(self) -> None:
        known = [country.code for country in countries().all]
        share = dict(country_masses(density_prior(), 0.0)[0])
        self.prior = np.array([max(share.get(code, 0.0), LEAST_SHARE) for code in known])
        self.prior /= self.prior.sum()
        self.number_of = {code: number for number, code in enumerate(known)}

    def sample(self, case: Case) -> Sample | None:
        """The sample of a case; None where its country is not known or it has no cue."""
        truth = self.number_of.get(case.picture.country_code)
        if truth is None or not case.cues:
            return None
        effect = np.array([self._effect(cue) for cue in case.cues])
        return Sample(case.picture.kind, case.picture.group, truth, case.cues, effect)

    def _effect(self, cue: Cue) -> NDArray[np.float64]:
        said = np.zeros(len(self.prior))
        if cue.countries is not None:
            for code, value in cue.countries.items():
                if code in self.number_of:
                    said[self.number_of[code]] = value
            return said / max(float(self.prior @ said), 1e-12)
        for proposal in cue.proposals:
            if proposal.country_code in self.number_of:
                said[self.number_of[proposal.country_code]] += proposal.weight
        return said / max(said.sum(), 1e-12) / self.prior if said.any() else np.ones(len(said))

    def nll(self, sample: Sample, reliabilities: Reliabilities) -> float:
        """The negative log probability of the right country."""
        best = np.array([reliabilities.best(cue) for cue in sample.cues])
        factor = 1 + best[:, None] * (sample.effect - 1)
        mass = self.prior.copy()
        for group in reliabilities.together(sample.cues):
            mean = np.zeros(len(mass))
            for rows, share in group.sets.items():
                product = np.prod(factor[list(rows)], axis=0)
                mean += share * product / max(float(self.prior @ product), 1e-300)
            mass *= mean
        return -float(np.log(max(mass[sample.truth] / mass.sum(), 1e-9)))


def shipped() -> Table:
    """The reliabilities that ship, each trust with all surfaces."""
    fitted = fitted_reliabilities()
    return {trust: {name: fitted.on(trust, name) for name in SURFACES} for trust in fitted.table}


def with_value(table: Table, trust: str, surface: str, value: float) -> Table:
    """The table with another value. One on signs takes those of the surfaces without photos with it."""
    row = dict(table[trust])
    if surface == "sign":
        row = {
            name: min(old * value / row["sign"], 0.999) if name not in FITTED_ON else old for name, old in row.items()
        }
    return {**table, trust: {**row, surface: value}}


def weights_of(samples: Sequence[Sample]) -> NDArray[np.float64]:
    """What each sample counts, so that the kinds have their shares; the mean is 1."""
    count = {kind: sum(sample.kind == kind for sample in samples) for kind in KINDS}
    weight = np.array([KINDS[sample.kind] / count[sample.kind] for sample in samples])
    return np.asarray(weight / weight.mean(), np.float64)


def fit(model: CountryModel, samples: Sequence[Sample], start: Table) -> Table:
    """The table with the highest likelihood, one value after another."""
    table, weights = start, weights_of(samples)
    shares = fitted_reliabilities().shares
    for _ in range(SWEEPS):
        for trust in (trust for trust in start if trust not in NOT_FITTED):
            concerned = [row for row, sample in enumerate(samples) if any(cue.trust == trust for cue in sample.cues)]
            for surface in FITTED_ON if concerned else ():
                first = start[trust][surface]
                losses = []
                for value in GRID:
                    tried = Reliabilities(with_value(table, trust, surface, value), shares, shares)
                    belief = BELIEF * (first * np.log(value) + (1 - first) * np.log(1 - value))
                    losses.append(sum(weights[row] * model.nll(samples[row], tried) for row in concerned) - belief)
                table = with_value(table, trust, surface, GRID[int(np.argmin(losses))])
    return {
        trust: row if trust in (*NOT_FITTED, *PRICES) else {**row, "package": min(row["package"], MOST_ON_GOODS)}
        for trust, row in table.items()
    }


def photos_with(trust: str, samples: Sequence[Sample]) -> int:
    """The number of photos with a cue of a trust, drawings left out."""
    return sum(
        any(cue.trust == trust for cue in sample.cues) for sample in samples if not sample.kind.startswith("drawn")
    )


def to_ship(fitted: Table, samples: Sequence[Sample]) -> Table:
    """The fitted table. Names and single words are no higher than before; values with few photos are as before."""
    before = shipped()
    found: Table = {}
    for trust, row in fitted.items():
        if photos_with(trust, samples) < LEAST_PHOTOS:
            found[trust] = before[trust]
        elif trust.startswith(NEVER_RAISED):
            found[trust] = {name: min(value, before[trust][name]) for name, value in row.items()}
        else:
            found[trust] = row
    return found


def print_results(model: CountryModel, samples: Sequence[Sample], fitted: Table) -> None:
    """The document."""
    start, shares = shipped(), fitted_reliabilities().shares
    fold_of = (hashed_share([sample.group for sample in samples], seed=1) * FOLDS).astype(int)
    before, after = np.zeros(len(samples)), np.zeros(len(samples))
    for fold in np.unique(fold_of):
        others = [sample for sample, own in zip(samples, fold_of, strict=True) if own != fold]
        tables = [Reliabilities(table, shares, shares) for table in (start, fit(model, others, start))]
        for row in np.flatnonzero(fold_of == fold):
            before[row], after[row] = (model.nll(samples[row], table) for table in tables)
    print("# How reliable cues are on signs and on goods\n")
    print(
        f"Made by `python benchmarks/reliabilities.py` on {len(samples)} photos with cues. NLL of the right country in"
    )
    print("nats: before, with the values that shipped before; after, with values fitted on other groups (five folds).")
    print("Each kind of photo counts by its stated share.\n")
    print("| photos | share | with cues | NLL before | after |\n|---|---:|---:|---:|---:|")
    for kind, share in KINDS.items():
        rows = [row for row, sample in enumerate(samples) if sample.kind == kind]
        print(f"| {kind} | {share:.2f} | {len(rows)} | {before[rows].mean():.2f} | {after[rows].mean():.2f} |")
    weights = weights_of(samples)
    print(f"| all, by share | 1.00 | {len(samples)} | {weights @ before / len(samples):.2f} ", end="")
    print(f"| {weights @ after / len(samples):.2f} |\n")
    print(
        "Fitted on all of them. Names and single words ship no higher than before: that was set with lists of ordinary"
    )
    print("words in view, which no photo shows. Other values on packages than those of prices are at most")
    print(f"{MOST_ON_GOODS:g}. What fewer than {LEAST_PHOTOS} photos show ships as before.\n")
    print("| trust | photos | sign before | fitted | ships | package before | fitted | ships |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    ships = to_ship(fitted, samples)
    for trust in fitted:
        photos = photos_with(trust, samples)
        values = " | ".join(f"{of[trust][name]:.3g}" for name in FITTED_ON for of in (start, fitted, ships))
        print(f"| {trust} | {photos} | {values} |")


def write(table: Mapping[str, Mapping[str, float]], count: int) -> None:
    """Write the reliability table."""
    old = fitted_reliabilities()
    kinds = ", ".join(f"{kind} {share:g}" for kind, share in KINDS.items())
    document = {
        "provenance": f"benchmarks/reliabilities.py --fit on {count} photos with cues, by kind: {kinds}; the values "
        f"before count as {BELIEF:g} photos; other surfaces than {' and '.join(FITTED_ON)} keep their ratio to signs; "
        f"not fitted: {', '.join(NOT_FITTED)}; not raised: {', '.join(NEVER_RAISED)}; as before where fewer "
        f"than {LEAST_PHOTOS} photos have such cues; on packages at most "
        f"{MOST_ON_GOODS:g}, but for {', '.join(PRICES)}; {LONE_WORD}",
        "shares": dict(old.shares),
        "reliability": {
            trust: row["sign"] if len(set(row.values())) == 1 else {name: round(row[name], 5) for name in row}
            for trust, row in table.items()
        },
    }
    head = (
        "# The probability that a cue of each trust is right, by what its text stands on; else it says nothing.\n"
        "# shares: what text is assumed to stand on where that is not judged.\n\n"
    )
    output_files.write_text(RELIABILITY, head + tomli_w.dumps(document))


def read_cases(cache: Path) -> list[Case]:
    """The photos and the drawn goods with their cues.

    What photos stand on is judged with weights of other groups, what drawn goods stand on with weights of all.
    """
    real = [picture for table in TABLES for picture in read_table(table, cache)]
    drawn = read_drawn_to_fit(cache)
    goods = [picture for picture in drawn if picture.kind == "drawn goods"]
    weights = [*weights_by_fold(real, drawn, folds_of(real, seed=1)), *[fit_weights([*real, *drawn])] * len(goods)]
    return cases_of([*real, *goods], weights)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fit", action="store_true", help="write evidence/data/reliability.toml too")
    parser.add_argument("--cache", type=Path, help="keep what was read here")
    arguments = parser.parse_args()
    if not PHOTOS.is_dir():
        sys.exit(f"reliabilities: no photos at {PHOTOS}")
    with tempfile.TemporaryDirectory() as temporary:
        cache = Path(temporary) if arguments.cache is None else arguments.cache
        cache.mkdir(parents=True, exist_ok=True)
        cases = read_cases(cache)
    model = CountryModel()
    samples = [sample for sample in map(model.sample, cases) if sample is not None]
    fitted = fit(model, samples, shipped())
    print_results(model, samples, fitted)
    if arguments.fit:
        write(to_ship(fitted, samples), len(samples))


if __name__ == "__main__":
    main()
