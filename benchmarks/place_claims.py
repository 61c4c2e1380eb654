"""Claims of a town with its region or country, in six notations: how many are understood. Prints one Markdown table.

    python benchmarks/place_claims.py > FILE

Towns are drawn from the gazetteer by a seed, half of them from names that towns of several countries share. The names
of regions and countries are drawn from all that the package knows, in any language; half of the codes are codes of the
region, half of the country. A claim is right if it is read as a point within 25 km of the town. Of towns of one name in
the same region, or country, the largest is meant, and only such a town is drawn.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from whereshot.earth import country_names, sphere
from whereshot.earth.name_index import name_keys
from whereshot.earth.towns import Gazetteer, gazetteer
from whereshot.foundation import package_data
from whereshot.foundation.errors import InputError
from whereshot.locate.claimed_place import CLAIM_KM, Claim
from whereshot.models.card import share_interval

LEAST_POPULATION = 2_000
SHARED_BY = 2
"""Countries that have a town of a name that counts as shared."""

NOTATIONS = {
    "Town, Region": "{town}, {region}",
    "Town, Country": "{town}, {country}",
    "Town, CODE": "{town}, {code}",
    "Region, Town": "{region}, {town}",
    "Town (Region)": "{town} ({region})",
    "Town Region": "{town} {region}",
}


class Case(NamedTuple):
    """A town, and the names that its claims are made of."""

    town: int
    words: dict[str, str]


def draw(count: int, rng: np.random.Generator) -> list[Case]:
    """Return ``count`` towns with names of their regions and countries, half of them of a name in several countries."""
    towns = gazetteer()
    regions = {
        (row["country_code"], row["region"]): row
        for row in package_data.read_table("earth/data/regions.parquet").to_pylist()
    }
    lands = {
        row["country_code"]: row for row in package_data.read_table("earth/data/country_names.parquet").to_pylist()
    }
    rows = np.flatnonzero((towns.populations >= LEAST_POPULATION) & (towns.regions != ""))
    cases: list[Case] = []
    for is_shared in (True, False):
        chosen = (town for town in rng.permutation(rows).tolist() if _is_meant(towns, town, is_shared))
        for town, _ in zip(chosen, range(count // 2), strict=False):
            land, region = str(towns.country_codes[town]), str(towns.regions[town])
            known = regions[land, region]
            names = [region, *known["names"]]
            country = [*lands[land]["names"], *lands[land]["foreign_names"]]
            code = known["region_code"] if known["region_code"].isalpha() and rng.random() < 0.5 else land
            words = {
                "town": towns.name(town),
                "region": names[rng.integers(len(names))],
                "country": country[rng.integers(len(country))],
                "code": code,
            }
            cases.append(Case(town, words))
    return cases


def _is_meant(towns: Gazetteer, town: int, is_shared: bool) -> bool:
    """Return whether a town is the largest of its name in its country, and its name as shared as wanted."""
    same = towns.named(towns.name(town))
    in_country = same[towns.country_codes[same] == towns.country_codes[town]]
    shared = len(set(towns.country_codes[same])) >= SHARED_BY
    return bool(in_country[0] == town) and shared == is_shared and not _is_area(towns.name(town))


def _is_area(name: str) -> bool:
    """Return whether a name is a country's too, such as Mexico."""
    return bool(country_names.find_codes(name)) or not name_keys([name])[0]


def judged(cases: list[Case]) -> Iterator[tuple[str, str, bool]]:
    """Yield the notation, the claim, and whether it is understood."""
    for case in cases:
        for notation, form in NOTATIONS.items():
            text = form.format(**case.words)
            yield notation, text, is_right(text, case.town)


def is_right(text: str, town: int) -> bool:
    """Return whether a claim is read as a point near a town."""
    try:
        claim = Claim.parse(text)
    except InputError:
        return False
    return claim.point is not None and bool(sphere.distance_km(claim.point[0], gazetteer().points[town]) <= CLAIM_KM)


def main() -> None:
    """Print the table, and the claims that are not understood."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--towns", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    found = list(judged(draw(arguments.towns, np.random.default_rng(arguments.seed))))
    print("# Claims of a town with its region or country\n")
    print(f"`python benchmarks/place_claims.py --towns {arguments.towns} --seed {arguments.seed}`\n")
    print("| notation | claims | understood | 95 % interval |\n|---|---|---|---|")
    for notation in (*NOTATIONS, "all"):
        own = [right for name, _, right in found if notation in (name, "all")]
        low, high = share_interval(float(np.mean(own)), len(own))
        print(f"| {notation} | {len(own)} | {np.mean(own):.1%} | {low:.1%} to {high:.1%} |")
    wrong = [text for _, text, right in found if not right]
    print(f"\nNot understood: {'; '.join(wrong) or 'none'}.")


if __name__ == "__main__":
    main()
