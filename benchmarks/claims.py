"""Measure the verdicts of check on true claims and on claims 50, 500 and 5,000 km off, by the old and the new rule.

    python benchmarks/claims.py > docs/results-claims.md    # cross-validated by group
    python benchmarks/claims.py --fit                       # fit evidence/local_writing.toml and data/verdict.toml
    python benchmarks/claims.py --cache FOLDER ...          # keep what was read in the photos for the next time

The photos are those of the shared development tables. Each is read once. A photo with a position is claimed there, and
at towns about 50, 500 and 5,000 km away in a random direction; every photo whose country is known is claimed in it. The
prior is the photo density; there is no picture model. What is fitted is fitted on photos of other groups.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import tomli_w
from numpy.typing import NDArray
from readings import PHOTOS, ReadPhoto, read_table
from ridge import fit_logistic

from whereshot.earth import sphere
from whereshot.earth.countries import countries
from whereshot.earth.towns import gazetteer
from whereshot.evidence import EVIDENCE, Cue, PhotoFacts
from whereshot.evidence.fusion import PosteriorBeforeCues
from whereshot.evidence.local_writing import FEATURES, Writing, features, writing_of
from whereshot.evidence.reliability import Reliabilities, fitted_reliabilities
from whereshot.foundation.progress import bar
from whereshot.foundation.tables import hashed_share
from whereshot.locate.claim import THIN_NATS, Verdict, judge
from whereshot.locate.claimed_place import Claim
from whereshot.locate.photo_evidence import Explained
from whereshot.models.card import share_interval
from whereshot.photos.recorded import Recorded
from whereshot.posterior.prior import density_prior

ROOT = Path(__file__).parents[1]
WEIGHTS = ROOT / "src" / "whereshot" / "evidence" / "data" / "local_writing.toml"
STRENGTH = ROOT / "src" / "whereshot" / "locate" / "data" / "verdict.toml"
TABLES = ("signs_dev", "portable_dev", "scene_dev", "scripts_dev")
DISTANCES_KM = (50, 500, 5000)
NEARNESS = 0.1
"""Largest relative difference between the distance of a town and the wanted distance."""
TRIES = 60
FOLDS = 5
MOST_WRONG = 0.01
"""Largest share of true claims that may be called unlikely."""
PRIOR_GRID = (0.8, 0.9, 1.0, 1.2, 1.4, 1.6, 1.8, 2.0, 2.3, 2.6, 3.0)
BEST_GRID = (2.0, 2.5, 3.0)
MISLED_NATS = 0.7
"""The writing in a photo misleads where it makes the true place or country less likely by more than this, in nats."""
RIDGE = 1.0
MOSTLY_WORDS = 0.3
"""Smallest share of letters in known words for a text to count as readable, in the table of kinds."""
WORDS = ("plausible", "can't tell", "unlikely")
BEFORE_NATS = (1.0, 2.0)
"""The strengths of the rule before: against the prior, or against the best other place."""


@dataclass(frozen=True)
class Case:
    """One photo, its features (8,) where cues were read, and the verdicts by kind of claim: "true", "country", "50"."""

    photo: ReadPhoto
    features: NDArray[np.float64] | None
    verdicts: dict[str, Verdict]
    before: dict[str, str]
    """The words of the rule before, by kind of claim."""

    @property
    def truth(self) -> Verdict | None:
        """The verdict on the exact place, else on the country."""
        return self.verdicts.get("true", self.verdicts.get("country"))

    @property
    def truth_before(self) -> str | None:
        """The word of the rule before on the exact place, else on the country."""
        return self.before.get("true", self.before.get("country"))

    @property
    def speaks(self) -> bool:
        """Whether the writing moves any claim."""
        return any(abs(verdict.against_prior) >= THIN_NATS for verdict in self.verdicts.values())

    @property
    def is_local(self) -> bool:
        """Whether the writing stands on a sign and does not mislead."""
        own = [self.verdicts[kind].against_prior for kind in ("true", "country") if kind in self.verdicts]
        return is_on_sign(self.photo) and bool(own) and min(own) > -MISLED_NATS


@dataclass(frozen=True)
class Rule:
    """Fitted weights of the features and their constant, and the strengths from which a claim is unlikely."""

    weights: NDArray[np.float64]
    constant: float
    prior_nats: float
    best_nats: float

    def writing(self, case: Case) -> Writing:
        return Writing() if case.features is None else writing_of(case.features, self.weights, self.constant)

    def word(self, case: Case, verdict: Verdict) -> str:
        judged = replace(verdict, writing=self.writing(case))
        if judged.word == "plausible":
            return "plausible"
        return "unlikely" if judged.is_unlikely_by(self.prior_nats, self.best_nats) else "can't tell"


def word_before(verdict: Verdict) -> str:
    """The verdict of the rule before issue 14: either strength is enough.

    There all cues count in full, whatever their text stands on.
    """
    prior_nats, best_nats = BEFORE_NATS
    if verdict.against_prior >= prior_nats and verdict.against_best >= -best_nats:
        return "plausible"
    moved = any(abs(weighed.nats) >= prior_nats for weighed in verdict.evidence)
    if verdict.against_prior <= -prior_nats or (verdict.against_best <= -best_nats and moved):
        return "unlikely"
    return "can't tell"


def is_on_sign(photo: ReadPhoto) -> bool:
    """Whether the text in the photo stands on a sign."""
    return photo.row.get("surface", "sign") == "sign"


def claims_of(photo: ReadPhoto, rng: np.random.Generator) -> dict[str, Claim]:
    """The claims on a photo by kind: "country", "true", and by distance where a town is found there."""
    claims = {}
    country = countries().by_code.get(photo.row["country_code"])
    if country is not None:
        claims["country"] = Claim(country.name, country.name, country=country)
    if photo.position is None:
        return claims
    claims["true"] = _claim_at(photo.position)
    towns = gazetteer()
    for km in DISTANCES_KM:
        around = sphere.move(np.repeat(photo.position[None], TRIES, axis=0), rng.uniform(0, 360, TRIES), km)
        found = towns.points[towns.nearest(around)[1]]
        off = sphere.distance_km(photo.position, found)
        fitting = np.flatnonzero(np.abs(off - km) <= NEARNESS * km)
        if len(fitting):
            claims[str(km)] = _claim_at(found[fitting[0]])
    return claims


def _claim_at(position: NDArray[np.float64]) -> Claim:
    text = f"{position[0]:.4f}, {position[1]:.4f}"
    return Claim(text, text, position[None])


def case_of(photo: ReadPhoto, before: PosteriorBeforeCues) -> Case:
    """Judge all claims on a photo."""
    prior = density_prior()
    reading = photo.reading
    cues = [] if reading.not_a_photo else EVIDENCE["text"](PhotoFacts(reading.lines))
    rng = np.random.default_rng(int(hashed_share([photo.row["path"]], seed=1)[0] * 2**32))
    claims = claims_of(photo, rng)

    def judged(cues: list[Cue], reliabilities: Reliabilities) -> dict[str, Verdict]:
        fused = before.fuse(cues, reliabilities) if cues else None
        after = prior if fused is None else fused.posterior
        found = Explained(after, 1.0, reading.not_a_photo, (), Recorded(), fused, reading.lines)
        return {kind: judge(claim, found, prior) for kind, claim in claims.items()}

    in_full = judged([replace(cue, surfaces=None) for cue in cues], fitted_reliabilities().with_shares({"sign": 1.0}))
    return Case(
        photo,
        features(reading.lines, cues) if cues else None,
        judged(cues, fitted_reliabilities()),
        {kind: word_before(verdict) for kind, verdict in in_full.items()},
    )


def fit_weights(cases: Sequence[Case]) -> tuple[NDArray[np.float64], float]:
    """Weights and constant of a ridge logistic regression on the photos whose writing moves any claim."""
    telling = [case for case in cases if case.features is not None and case.speaks]
    truth = np.array([case.is_local for case in telling], float)
    return fit_logistic(np.array([case.features for case in telling]), truth, RIDGE)


def folds_of(cases: Sequence[Case], seed: int) -> NDArray[np.int64]:
    return (hashed_share([case.photo.row["group_id"] for case in cases], seed=seed) * FOLDS).astype(int)


def fit(cases: Sequence[Case]) -> Rule:
    """Weights by all cases; strengths by what the weights of other folds say of each.

    Of the strengths with at most 1 % of the true claims unlikely, those that find the most claims 5,000 km off.
    """
    fold_of = folds_of(cases, seed=2)
    by_fold = {
        fold: fit_weights([case for case, own in zip(cases, fold_of, strict=True) if own != fold])
        for fold in np.unique(fold_of)
    }
    scores = {}
    for prior_nats in PRIOR_GRID:
        for best_nats in BEST_GRID:
            wrong = true = found = 0
            for case, fold in zip(cases, fold_of, strict=True):
                rule = Rule(*by_fold[fold], prior_nats, best_nats)
                if case.truth is not None:
                    true += 1
                    wrong += rule.word(case, case.truth) == "unlikely"
                found += "5000" in case.verdicts and rule.word(case, case.verdicts["5000"]) == "unlikely"
            scores[prior_nats, best_nats] = (wrong <= MOST_WRONG * true, -wrong if wrong > MOST_WRONG * true else found)
    strengths = max(scores, key=lambda pair: (*scores[pair], *pair))
    return Rule(*fit_weights(cases), *strengths)


def percent(count: int, total: int) -> str:
    """Return a share in percent with its 95 % interval."""
    low, high = share_interval(count / total, total)
    return f"{_round(count / total)} ({_round(low)} to {_round(high)})"


def _round(share: float) -> str:
    return f"{100 * share:.1f}" if 0 < share < 0.02 else f"{100 * share:.0f}"


def print_results(cases: Sequence[Case], rules: Sequence[Rule]) -> None:
    """The document."""
    print("# Claims: true ones, and ones 50, 500 and 5,000 km off\n")
    print(f"Made by `python benchmarks/claims.py`: {len(cases)} photos of {', '.join(TABLES)}. Before: the rule before")
    print("issue 14 on today's cues, where every cue counts in full, whatever its text stands on. After: today's, with")
    print(
        "weights and strengths fitted on other photos (five folds, by group); what text stands on is judged as shipped,"
    )
    print("and was fitted on photos of these tables too. No picture model. Percent of the claims, with 95 % intervals")
    print("(Wilson).\n")
    print(
        "| photos | claim | n | before: plausible | can't tell | unlikely | after: plausible | can't tell | unlikely |"
    )
    print("|---|---|---:|---:|---:|---:|---:|---:|---:|")
    kinds = {"true": "its place", "country": "its country", **{str(km): f"{km:,} km off" for km in DISTANCES_KM}}
    for table in TABLES:
        for kind, name in kinds.items():
            own = [(c, r) for c, r in zip(cases, rules, strict=True) if c.photo.table == table and kind in c.verdicts]
            if own:
                before = [case.before[kind] for case, _ in own]
                after = [rule.word(case, case.verdicts[kind]) for case, rule in own]
                cells = [percent(words.count(word), len(own)) for words in (before, after) for word in WORDS]
                print(f"| {table} | {name} | {len(own)} | {' | '.join(cells)} |")
    _print_summary([(case, rule) for case, rule in zip(cases, rules, strict=True) if case.truth is not None])


def _print_summary(judged: Sequence[tuple[Case, Rule]]) -> None:
    total = len(judged)
    before = sum(case.truth_before == "unlikely" for case, _ in judged)
    wrong = [(case, rule) for case, rule in judged if rule.word(case, case.truth) == "unlikely"]
    print(f"\nTrue claims (the exact place, else the country) called unlikely: before {before} of {total}, ", end="")
    print(f"after {len(wrong)} of {total}: {percent(len(wrong), total)} %.")
    far = [
        (case, rule)
        for case, rule in judged
        if case.photo.table == "signs_dev" and "5000" in case.verdicts
        if case.before["5000"] == "unlikely"
    ]
    kept = sum(rule.word(case, case.verdicts["5000"]) == "unlikely" for case, rule in far)
    print(f"Of the {len(far)} claims 5,000 km off on signs_dev that were unlikely before, {kept} still are: ", end="")
    alone = sum(
        rule.word(case, case.verdicts["5000"]) == "unlikely"
        and all(weighed.cue.kind == "text/language" for weighed in case.verdicts["5000"].evidence)
        for case, rule in far
    )
    print(f"{percent(kept, len(far))} %; {alone} of them by the language alone, of writing that reads like a sign.\n")
    _print_kinds(judged)
    print("\nTrue claims that are still called unlikely:\n")
    for case, rule in wrong:
        cues = "; ".join(weighed.cue.means for weighed in case.truth.evidence if abs(weighed.nats) >= THIN_NATS)
        local = rule.writing(case).local
        row = case.photo.row
        print(f"* {row['path']} ({row['country_code']}), belongs to the place with {local:.2f}: {cues}")
    strengths = sorted({(rule.prior_nats, rule.best_nats) for _, rule in judged})
    print(f"\nStrengths of the folds in nats (against the prior, against the best other place): {strengths}.")


def _print_kinds(judged: Sequence[tuple[Case, Rule]]) -> None:
    """Print how many true claims are unlikely, by what was read and what it stands on."""
    print("| what was read, and on what | true claims | unlikely before | after |\n|---|---:|---:|---:|")
    for on_sign, surface in ((True, "a sign"), (False, "goods, prints, vehicles")):
        for kind in ("English", "mostly letters that are no words", "words of another language", "nothing"):
            own = [(c, rule) for c, rule in judged if is_on_sign(c.photo) == on_sign and _kind(c) == kind]
            before = sum(case.truth_before == "unlikely" for case, _ in own)
            after = sum(rule.word(case, case.truth) == "unlikely" for case, rule in own)
            print(f"| {kind}, {surface} | {len(own)} | {before} | {after} |")


def _kind(case: Case) -> str:
    if case.features is None:
        return "nothing"
    of = dict(zip(FEATURES, case.features, strict=True))
    if of["english"]:
        return "English"
    return "words of another language" if of["known"] >= MOSTLY_WORDS else "mostly letters that are no words"


def write_rule(rule: Rule, count: int) -> None:
    """Write both fitted files."""
    origin = f"benchmarks/claims.py --fit on {count} photos of {', '.join(TABLES)}"
    weights = {name: round(float(value), 4) for name, value in zip(FEATURES, rule.weights, strict=True)}
    document = {"provenance": origin, "constant": round(rule.constant, 4), "weights": weights}
    head = (
        "# Log odds that the writing in a picture belongs to the place: a constant, and a weight for each feature.\n\n"
    )
    WEIGHTS.write_text(head + tomli_w.dumps(document), "utf-8")
    strength = {"against_prior_nats": rule.prior_nats, "against_best_other_nats": rule.best_nats}
    head = (
        "# From how many nats against it, of both kinds, a claim is unlikely: at most 1 % of the true claims are.\n\n"
    )
    STRENGTH.write_text(head + tomli_w.dumps({"provenance": origin, "unlikely": strength}), "utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fit", action="store_true", help="fit on all photos and write both files")
    parser.add_argument("--cache", type=Path, help="keep what was read here")
    arguments = parser.parse_args()
    if not PHOTOS.is_dir():
        sys.exit(f"claims: no photos at {PHOTOS}")
    photos = [photo for table in TABLES for photo in read_table(table, arguments.cache)]
    before = PosteriorBeforeCues.of(density_prior())
    cases = [case_of(photo, before) for photo in bar(photos, total=len(photos), what="judging claims")]
    if arguments.fit:
        write_rule(fit(cases), len(cases))
        return
    fold_of = folds_of(cases, seed=1)
    by_fold = {
        fold: fit([case for case, own in zip(cases, fold_of, strict=True) if own != fold])
        for fold in np.unique(fold_of)
    }
    print_results(cases, [by_fold[fold] for fold in fold_of])


if __name__ == "__main__":
    main()
