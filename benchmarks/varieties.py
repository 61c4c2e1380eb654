"""How well the varieties of a language are told apart by the words and the spelling of public signs.

    pip install Faker==40.63.0; npm pack dictionary-en@4.0.0 dictionary-en-gb@3.0.0    # unpack both in FOLDER
    python benchmarks/varieties.py --addresses 10 --dictionaries FOLDER > docs/results-varieties.md
    python benchmarks/varieties.py --show es        # what was found in each line of a language

Three lists: signs of ``variety_lines.tsv``, written for this benchmark before the tables, but by the same author, so
that they share words with the tables; addresses of Faker (MIT), with invented streets and mostly invented towns; and
the words that only one of the American and the British spelling dictionaries of SCOWL (MIT and BSD) has. The last two
were not read for the tables. The posterior starts from the photo density of the world, so a word of a country with few
photos must outweigh the countries with many.
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
from whereshot.evidence.lexicon import word_zipf
from whereshot.evidence.public_words import public_word_cues
from whereshot.posterior.masses import country_masses
from whereshot.posterior.prior import density_prior

LINES = Path(__file__).parent / "variety_lines.tsv"
SURE = 0.9
BOX = (20, 20, 600, 70)
MOST_SPELLINGS = 300
"""Words of each dictionary that are tried, the most frequent ones."""
LOCALES = (
    *("en_US", "en_GB", "en_AU", "en_NZ", "en_CA", "en_IN", "es_ES", "es_MX", "es_AR", "es_CL", "es_CO"),
    *("pt_PT", "pt_BR", "fr_FR", "fr_CA", "fr_CH", "fr_DZ", "de_DE", "de_AT", "de_CH", "id_ID"),
)
"""The locales of Faker that have addresses of their own."""


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


def addresses(count: int) -> Iterator[Sign]:
    """Yield addresses of Faker for each of ``LOCALES``, without telephones."""
    from faker import Faker

    for locale in LOCALES:
        source = Faker(locale)
        source.seed_instance(17)
        for _ in range(count):
            language, country = locale.split("_")
            yield Sign(language, (country,), tuple(source.address().split("\n")))


def spellings(folder: Path) -> dict[str, list[str]]:
    """Return the words that only one dictionary has, by the country of the dictionary, the most frequent first."""
    words = {}
    for country, name in (("US", "dictionary-en"), ("GB", "dictionary-en-gb")):
        (path,) = folder.glob(f"{name}-[0-9]*/package/index.dic")
        lines = path.read_text("utf-8").splitlines()[1:]
        words[country] = {word for line in lines if (word := line.split("/")[0]).isalpha() and word.islower()}
    own = {"US": words["US"] - words["GB"], "GB": words["GB"] - words["US"]}
    return {
        code: sorted(found, key=lambda word: (-word_zipf(word, "en"), word))[:MOST_SPELLINGS]
        for code, found in own.items()
    }


def print_spellings(folder: Path) -> None:
    """Print the share of the frequent spellings that are known, and known to the wrong country."""
    print("\n## Words that only one dictionary has\n")
    print("| spelling | words | speak for their country | for the other |\n|---|---:|---:|---:|")
    for code, words in spellings(folder).items():
        other = "GB" if code == "US" else "US"
        rows = [[cue.countries or {} for cue in public_word_cues([Line(word, 0.95, BOX)])] for word in words]
        right, wrong = (
            sum(any(row.get(one, 0.0) > 1.5 * row.get(two, 0.0) for row in found) for found in rows)
            for one, two in ((code, other), (other, code))
        )
        print(f"| {code} | {len(words)} | {right / len(words):.0%} | {wrong / len(words):.0%} |")


def print_signs(title: str, signs: Sequence[Sign], before: PosteriorBeforeCues, show: Sequence[str]) -> None:
    """Print how good the answers are for each language; the languages of ``show`` with each sign."""
    among = defaultdict(set)
    judged = defaultdict(list)
    for sign in signs:
        among[sign.language].update(sign.countries)
        cues = cues_of(sign)
        found = judge(sign, cues, before)
        judged[sign.language].append(found)
        if sign.language in show:
            print(f"{'|'.join(sign.countries)}: {' / '.join(sign.lines)}: {found}")
            for cue in cues:
                print(f"    {cue.trust}: {cue.means}")
    print(f"\n## {title}\n\n| language | countries | signs | country first | among three | sure and wrong |")
    print("|---|---:|---:|---:|---:|---:|")
    everything = [one for own in judged.values() for one in own]
    for name, codes, own in (
        *((language_name(code), len(among[code]), own) for code, own in judged.items()),
        ("all", len(set.union(*among.values())), everything),
    ):
        first, three, wrong = (sum(values) for values in zip(*own, strict=True))
        print(f"| {name} | {codes} | {len(own)} | {first / len(own):.0%} | {three / len(own):.0%} | {wrong} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=Path, default=LINES, help="list of signs")
    parser.add_argument("--show", nargs="*", default=[], help="languages whose lines are shown with their cues")
    parser.add_argument("--addresses", type=int, default=0, help="addresses of Faker for each country")
    parser.add_argument("--dictionaries", type=Path, help="folder with the two dictionaries")
    arguments = parser.parse_args()
    before = PosteriorBeforeCues.of(density_prior())
    print("# Varieties of languages\n\nMade by `python benchmarks/varieties.py --addresses 10 --dictionaries FOLDER`.")
    print_signs("Signs", list(signs_of(arguments.lines)), before, arguments.show)
    if arguments.addresses:
        print_signs("Addresses", list(addresses(arguments.addresses)), before, arguments.show)
    if arguments.dictionaries:
        print_spellings(arguments.dictionaries)


if __name__ == "__main__":
    main()
