"""How well the varieties of a language are told apart by the words and the spelling of public signs.

    python benchmarks/varieties.py > docs/results-varieties.md
    python benchmarks/varieties.py --show es        # what was found in each line of a language

The lines are in ``variety_lines.tsv``, with their origin. The posterior starts from the photo density of the world, so
a word of a country with few photos must outweigh the countries with many.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from whereshot.evidence import EVIDENCE, Cue, Line, PhotoFacts
from whereshot.evidence.fusion import PosteriorBeforeCues
from whereshot.evidence.known_languages import language_name
from whereshot.posterior.masses import country_masses
from whereshot.posterior.prior import density_prior

LINES = Path(__file__).parent / "variety_lines.tsv"
SURE = 0.9


class Sign(NamedTuple):
    """The lines of one sign, the code of its language, and the countries that write so."""

    language: str
    countries: tuple[str, ...]
    lines: tuple[str, ...]


class Judged(NamedTuple):
    """Whether a right country comes first, whether one is among the first three, and whether a wrong one is sure."""

    is_first: bool
    is_among_three: bool
    is_wrong: bool


def signs_of(path: Path) -> Iterator[Sign]:
    """Yield the signs of a list."""
    for row in path.read_text("utf-8").splitlines():
        if row and not row.startswith("#"):
            language, countries, text = row.split("\t")
            yield Sign(language, tuple(countries.split("|")), tuple(text.split(" / ")))


def cues_of(sign: Sign) -> list[Cue]:
    """Return the cues of the lines of a sign, read without errors."""
    boxes = [(20, 20 + 60 * row, 600, 70 + 60 * row) for row in range(len(sign.lines))]
    return EVIDENCE["text"](
        PhotoFacts(tuple(Line(text, 0.95, box) for text, box in zip(sign.lines, boxes, strict=True)))
    )


def judge(sign: Sign, cues: Sequence[Cue], before: PosteriorBeforeCues) -> Judged:
    """Return how the answer from these cues compares with the truth."""
    found = country_masses(before.fuse(cues).posterior)[0]
    return Judged(
        found[0][0] in sign.countries,
        any(code in sign.countries for code, _ in found[:3]),
        found[0][1] >= SURE and found[0][0] not in sign.countries,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=Path, default=LINES, help="list of signs")
    parser.add_argument("--show", nargs="*", default=[], help="languages whose lines are shown with their cues")
    arguments = parser.parse_args()
    before = PosteriorBeforeCues.of(density_prior())
    signs = list(signs_of(arguments.lines))
    among = defaultdict(set)
    for sign in signs:
        among[sign.language].update(sign.countries)
    judged = defaultdict(list)
    for sign in signs:
        cues = cues_of(sign)
        found = judge(sign, cues, before)
        judged[sign.language].append(found)
        if sign.language in arguments.show:
            print(f"{'|'.join(sign.countries)}: {' / '.join(sign.lines)}: {found}")
            for cue in cues:
                print(f"    {cue.trust}: {cue.means}")
    print("# Varieties of languages\n\nMade by `python benchmarks/varieties.py`.\n")
    print("| language | countries | signs | country first | among three | sure and wrong |")
    print("|---|---:|---:|---:|---:|---:|")
    everything = [one for own in judged.values() for one in own]
    for name, codes, own in (
        *((language_name(code), len(among[code]), own) for code, own in judged.items()),
        ("all", len(set.union(*among.values())), everything),
    ):
        first, three, wrong = (sum(values) for values in zip(*own, strict=True))
        print(f"| {name} | {codes} | {len(own)} | {first / len(own):.0%} | {three / len(own):.0%} | {wrong} |")


if __name__ == "__main__":
    main()
