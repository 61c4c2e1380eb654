"""Photos of signs in many scripts, beside drawn signs where a script has few photos: is the country right?

    python benchmarks/script_photos.py --fonts FOLDER                      # the shared development table
    python benchmarks/script_photos.py --table OTHER.csv --signs 0         # other photos, without drawn signs

Photos are located as a user would, without a model that looks at pictures. Each script counts once in the mean. Which
photos a person can read at 1,024 pixels was listed before the readers were trained: data/scripts_dev_readable.csv.
"""

from __future__ import annotations

import argparse
import csv
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from country_outcomes import Outcome, outcome_of
from drawn_lines import PHOTOS, test_fonts
from drawn_signs import PhotoSigns
from native_towns import SEED, NativeTown, named_towns

from whereshot.foundation.progress import bar
from whereshot.locate.geolocator import Geolocator

CLASS_OF = {
    "Arab": "Arabic", "Armn": "Armenian", "Beng": "Bengali", "Cyrl": "Cyrillic", "Deva": "Devanagari",
    "Ethi": "Ethiopic", "Geor": "Georgian", "Grek": "Greek", "Gujr": "Gujarati", "Guru": "Gurmukhi", "Hang": "Hangul",
    "Hans": "Han", "Hant": "Han", "Hebr": "Hebrew", "Jpan": "Kana", "Khmr": "Khmer", "Knda": "Kannada", "Laoo": "Lao",
    "Mlym": "Malayalam", "Mymr": "Myanmar", "Orya": "Odia", "Sinh": "Sinhala", "Taml": "Tamil", "Telu": "Telugu",
    "Thai": "Thai",
}  # fmt: skip
"""The class of ``line_scripts`` for each code of ISO 15924. Photos with another code are counted by that code."""
FEW_PHOTOS = 5
"""A script with fewer photos gets drawn signs beside them."""
MOST_NAMES = 3
"""A drawn sign has one to so many names of towns of one country."""
WANTED = {"first": 65.0, "among three": 85.0, "all photos, first": 45.0}
READABLE = Path(__file__).parent / "data" / "scripts_dev_readable.csv"
Outcomes = Mapping[str, Sequence[Outcome]]


def readable_photos() -> set[str]:
    """Return the paths of the shared photos on which a person reads whole words in a script that is not Latin."""
    with READABLE.open(encoding="utf-8", newline="") as file:
        return {row["path"] for row in csv.DictReader(file) if row["readable"] == "yes"}


def outcomes_of_photos(table: Path, locator: Geolocator) -> dict[str, dict[str, Outcome]]:
    """Return the outcomes of the photos of a table, which has the columns of scripts_dev.csv, by script and path.

    Photos without a position count too. A photo that cannot be opened counts as wrong.
    """
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    found: dict[str, dict[str, Outcome]] = defaultdict(dict)
    for row in bar(rows, total=len(rows), what="photos"):
        point = (float(row["latitude"]), float(row["longitude"])) if row["latitude"] and row["longitude"] else None
        prediction = locator.locate(table.parent / row["path"])[0]
        found[CLASS_OF.get(row["script"], row["script"] or "not given")][row["path"]] = outcome_of(
            prediction, row["country_code"], point
        )
    return found


def outcomes_of_signs(script: str, count: int, signs: PhotoSigns, locator: Geolocator) -> list[Outcome]:
    """Return the outcomes of ``count`` drawn signs with names of towns in a script."""
    by_country: dict[str, list[NativeTown]] = defaultdict(list)
    towns = [town for named in named_towns((script,)).values() for town in named]
    for town in towns:
        by_country[town.country_code].append(town)
    rng, found = np.random.default_rng((SEED, sorted(CLASS_OF.values()).index(script))), []
    while len(found) < count:
        country = towns[rng.integers(len(towns))].country_code
        own = by_country[country]
        lines = [own[rng.integers(len(own))].name for _ in range(rng.integers(1, MOST_NAMES + 1))]
        try:
            picture = signs.draw(script, lines, rng)
        except ValueError:  # no font has the letters of a name
            continue
        found.append(outcome_of(locator.locate(picture)[0], country))
    return found


def print_outcomes(photos: Mapping[str, Mapping[str, Outcome]], drawn: Outcomes) -> None:
    """Print a row for each script, the mean over scripts, and all photos together."""
    print("| script | photos | drawn signs | country first | among three | sure and wrong |")
    print("|---|---:|---:|---:|---:|---:|")
    shares = []
    for script in sorted(photos):
        both = [*photos[script].values(), *drawn.get(script, ())]
        shares.append(np.mean(both, axis=0))
        print(f"| {script} | {len(photos[script])} | {len(drawn.get(script, ()))} | {_cells(both)} |")
    first, three, _ = 100 * np.mean(shares, axis=0)
    of_photos = {path: one for own in photos.values() for path, one in own.items()}
    of_signs = [one for own in drawn.values() for one in own]
    wrong = sum(one.sure_and_wrong for one in [*of_photos.values(), *of_signs])
    print(f"| mean over {len(shares)} scripts | | | {first:.1f} % | {three:.1f} % | {wrong} |")
    print(f"| wanted | | | {WANTED['first']:.1f} % | {WANTED['among three']:.1f} % | 0 |")
    print(f"| all photos together | {len(of_photos)} | | {_cells(list(of_photos.values()))} |")
    print(f"| wanted | | | {WANTED['all photos, first']:.1f} % | | 0 |")
    readable = [of_photos[path] for path in sorted(readable_photos() & of_photos.keys())]
    if readable:
        print(f"| those on which a person reads whole words | {len(readable)} | | {_cells(readable)} |")


def _cells(outcomes: Sequence[Outcome]) -> str:
    first, three, _ = 100 * np.mean(outcomes, axis=0)
    return f"{first:.1f} % | {three:.1f} % | {sum(one.sure_and_wrong for one in outcomes)}"


def measure(table: Path, signs: PhotoSigns | None, count: int) -> None:
    """Locate the photos of a table, and ``count`` drawn signs for each script with few photos, and print the shares."""
    with Geolocator.load("prior") as locator:
        photos = outcomes_of_photos(table, locator)
        known = set(CLASS_OF.values()) if signs is not None and count else set()
        few = [script for script, own in photos.items() if len(own) < FEW_PHOTOS and script in known]
        drawn = {
            script: outcomes_of_signs(script, count, signs, locator)
            for script in bar(few, total=len(few), what="drawn signs")
        }
    print_outcomes(photos, drawn)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", type=Path, default=PHOTOS / "scripts_dev.csv")
    parser.add_argument("--signs", type=int, default=100, help="drawn signs for each script with few photos")
    parser.add_argument("--fonts", type=Path, action="append", default=[], help="more folders of fonts")
    parser.add_argument("--font-cache", type=Path, help="file in which the fonts found are kept")
    arguments = parser.parse_args()
    signs = PhotoSigns(test_fonts(arguments.fonts, arguments.font_cache)) if arguments.signs else None
    print("\n## Photos of signs in many scripts\n")
    print(f"Made by `python benchmarks/script_photos.py --signs {arguments.signs}` on {arguments.table.name}.\n")
    measure(arguments.table, signs, arguments.signs)


if __name__ == "__main__":
    main()
