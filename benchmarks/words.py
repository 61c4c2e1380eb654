"""Names of towns on signs, and words that only look like them: what they do to an answer.

    python benchmarks/words.py > docs/results-words.md            # lines as text, some of them drawn and read
    python benchmarks/words.py --pictures 0                       # lines as text alone

* Lines (word_lines.tsv, made by build_word_lines.py): each has a word that is also the name of a town, and a twin with
  a neutral noun in its place. Both are answered from the photo-density prior, as written and in capitals. Counted are
  lines by which a country with 0.1 % or more moves by more than one nat against the twin: by all cues, and without the
  language cue, which hears the difference of two nouns too. No answer should be sure of a city (90 % within 25 km).
* Signs: a town of the gazetteer with its state, province or country in six notations, drawn with the seed below; half
  of them have a larger namesake. Right is an answer within 25 km of the town.
* Pictures: a sample of the lines and of the signs drawn on photos of the shared training table. A line that was not
  read letter by letter is not counted and is listed as unread.
"""

from __future__ import annotations

import argparse
import csv
import math
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from readings import PHOTOS, rows_of

from whereshot.earth import sphere
from whereshot.earth.name_index import name_keys
from whereshot.earth.towns import gazetteer
from whereshot.evidence.base import Cue, Line
from whereshot.evidence.fusion import PosteriorBeforeCues
from whereshot.evidence.text import cues_of
from whereshot.posterior.base import Posterior
from whereshot.posterior.decision import decide
from whereshot.posterior.masses import country_masses
from whereshot.posterior.prior import density_prior

LINES = Path(__file__).with_name("word_lines.tsv")
FONTS = ("NotoSans-Bold.ttf", "DejaVuSans-Bold.ttf", "DejaVuSans.ttf")
SEED = 16
SIGNS_PER_NOTATION = 60
LEAST_SHARE = 1e-3
CITY_KM = 25.0
COUNTRIES = ["US", "CA", "AU", "DE", "IT", "ES", "MX", "BR", "AR", "IN", "CH", "AT", "FR", "CO", "NZ", "PH"]
NOTATIONS = ("Town, Area", "TOWN AREA", "City of Town / Area", "Area / Town", "Town (CODE)", "Welcome to Town, Area")


class Sign(NamedTuple):
    """The lines of one sign with a town, which notation it has, and the town's number in the gazetteer."""

    lines: tuple[str, ...]
    notation: str
    town: int


class Answers:
    """Answers from the prior and cues; the same texts are answered once."""

    def __init__(self) -> None:
        self.before = PosteriorBeforeCues.of(density_prior())
        self._known: dict[tuple[tuple[str, ...], bool], Posterior] = {}

    def of(self, texts: Sequence[str], with_language: bool = True) -> Posterior:
        key = tuple(texts), with_language
        if key not in self._known:
            cues = cues_of([Line(text, 0.95, (0, 40 * row, 400, 40 * row + 30)) for row, text in enumerate(texts)])
            self._known[key] = self.after(cues, with_language)
        return self._known[key]

    def after(self, cues: Sequence[Cue], with_language: bool = True) -> Posterior:
        return self.before.fuse([cue for cue in cues if with_language or cue.kind != "text/language"]).posterior


def most_moved(posterior: Posterior, twin: Posterior) -> float:
    """The most nats by which a country with at least ``LEAST_SHARE`` differs."""
    a, b = (dict(country_masses(one)[0]) for one in (posterior, twin))
    codes = [code for code in a.keys() | b.keys() if max(a.get(code, 0.0), b.get(code, 0.0)) >= LEAST_SHARE]
    floor = 1e-9
    return max(abs(math.log(max(a.get(code, 0.0), floor) / max(b.get(code, 0.0), floor))) for code in codes)


def is_sure_of_a_city(posterior: Posterior) -> bool:
    return bool(posterior.mass_within(decide(posterior), CITY_KM)[0] >= 0.9)


def drawn_signs() -> list[Sign]:
    """Towns with at least 20,000 inhabitants and a division with a name, half of them with a larger namesake."""
    known, random = gazetteer(), np.random.default_rng(SEED)
    codes = known.region_codes
    rows = [row for code in COUNTRIES for row in known.in_country(code).tolist() if known.populations[row] >= 20_000]
    namesake, single = [], []
    for row in random.permutation(rows).tolist():
        largest = known.named(known.name(row))[0]
        region = str(known.regions[row])
        short = codes.get((str(known.country_codes[row]), region), "")
        if not region or known.name(row) == region or not (short.isalpha() and len(short) <= 3):
            continue
        if row != next(
            town for town in known.named(known.name(row)) if known.divisions[1][town] == known.divisions[1][row]
        ):
            continue  # the sign would mean its larger namesake
        (namesake if largest != row else single).append(row)
    signs = []
    for notation in NOTATIONS:
        for number in range(SIGNS_PER_NOTATION):
            row = (namesake if number % 2 else single).pop()
            area = (codes if notation == "Town (CODE)" else {}).get(
                (str(known.country_codes[row]), str(known.regions[row])), str(known.regions[row])
            )
            signs.append(Sign(_written(known.name(row), area, notation), notation, row))
    return signs


def _written(town: str, area: str, notation: str) -> tuple[str, ...]:
    return {
        "Town, Area": (f"{town}, {area}",),
        "TOWN AREA": (f"{town} {area}".upper(),),
        "City of Town / Area": (f"City of {town}", area),
        "Area / Town": (area, town),
        "Town (CODE)": (f"{town} ({area})",),
        "Welcome to Town, Area": (f"Welcome to {town}, {area}",),
    }[notation]


def is_right(posterior: Posterior, town: int) -> bool:
    return float(sphere.distance_km(decide(posterior)[0], gazetteer().points[town])) <= CITY_KM


def drawn(texts: Sequence[str], background: Path, font: str) -> Image.Image:
    """A plate with lines on a photo."""
    with Image.open(background) as photo:
        picture = photo.convert("RGB").resize((1280, 854))
    draw = ImageDraw.Draw(picture)
    size = 58
    while max(draw.textlength(text, font=ImageFont.truetype(font, size)) for text in texts) > 1100:
        size -= 4
    typeface = ImageFont.truetype(font, size)
    width = max(draw.textlength(text, font=typeface) for text in texts)
    height = 1.6 * size * len(texts)
    left, top = (1280 - width) / 2, (854 - height) / 2
    draw.rectangle((left - 40, top - 30, left + width + 40, top + height + 20), fill=(20, 70, 150))
    for row, text in enumerate(texts):
        draw.text((left, top + 1.6 * size * row), text, font=typeface, fill=(245, 245, 245))
    return picture


def read(
    texts: Sequence[str], random: np.random.Generator, backgrounds: Sequence[Path], font: str
) -> list[Line] | None:
    """The lines that the reader sees on a drawn sign; None where they are not the texts."""
    from whereshot.evidence.ocr import shared_reader

    picture = drawn(texts, backgrounds[int(random.integers(len(backgrounds)))], font)
    lines = shared_reader().read(picture)
    seen = set(name_keys([line.text for line in lines])) | {"".join(name_keys([line.text for line in lines]))}
    return lines if all(key in seen or any(key in one for one in seen) for key in name_keys(texts)) else None


def share(part: int, whole: int) -> str:
    return f"{part} of {whole} ({100 * part / max(whole, 1):.1f} %)"


def print_lines(rows: Sequence[dict[str, str]], answers: Answers) -> None:
    print(
        "| kind | list | lines | names and patterns: a country moves by more than a nat | all cues | sure of a city |"
    )
    print("|---|---|---:|---:|---:|---:|")
    groups: dict[tuple[str, str], list[tuple[bool, bool, bool]]] = defaultdict(list)
    moved = []
    for row in rows:
        for text, twin in ((row["text"], row["neutral"]), (row["text"].upper(), row["neutral"].upper())):
            names = most_moved(answers.of([text], False), answers.of([twin], False)) > 1
            whole = most_moved(answers.of([text]), answers.of([twin])) > 1
            sure = is_sure_of_a_city(answers.of([text]))
            groups[row["kind"], row["list"]].append((names, whole, sure))
            if names or sure:
                moved.append(text)
    groups["all", ""] = [one for found in list(groups.values()) for one in found]
    for (kind, source), found in groups.items():
        names, whole, sure = (sum(column) for column in zip(*found, strict=True))
        print(f"| {kind} | {source} | {len(found)} | {names} | {whole} | {sure} |")
    print(f"\nMoved by a name or a pattern: {'; '.join(moved) or 'none'}.\n")


def print_signs(signs: Sequence[Sign], answers: Answers) -> None:
    print("| notation | signs | right town first |")
    print("|---|---:|---:|")
    right = [is_right(answers.of(sign.lines), sign.town) for sign in signs]
    for notation in NOTATIONS:
        own = [one for one, sign in zip(right, signs, strict=True) if sign.notation == notation]
        print(f"| {notation} | {len(own)} | {100 * np.mean(own):.1f} % |")
    print(f"| all | {len(right)} | {100 * np.mean(right):.1f} % |")
    wrong = [" / ".join(sign.lines) for one, sign in zip(right, signs, strict=True) if not one]
    print(f"\nWrong: {'; '.join(wrong) or 'none'}.\n")


def print_pictures(count: int, rows: Sequence[dict[str, str]], signs: Sequence[Sign], answers: Answers) -> None:
    random = np.random.default_rng(SEED)
    backgrounds = [PHOTOS / row["path"] for row in rows_of("train")]
    font = next((font for font in FONTS if _exists(font)), None)
    if font is None:
        sys.exit(f"words: none of the fonts {', '.join(FONTS)} is installed")
    unread, moved, sure, seen = 0, 0, 0, 0
    for number in random.permutation(len(rows))[:count]:
        row = rows[number]
        pair = [read([text], random, backgrounds, font) for text in (row["text"], row["neutral"])]
        if pair[0] is None or pair[1] is None:
            unread += 1
            continue
        seen += 1
        posterior, twin = (answers.after(cues_of(lines), False) for lines in pair)
        moved += most_moved(posterior, twin) > 1
        sure += is_sure_of_a_city(answers.after(cues_of(pair[0])))
    print(f"{count} lines drawn with their twins: {share(seen, count)} read, {unread} unread. Of those that were read,")
    print(f"names and patterns move a country by more than a nat: {share(moved, seen)}; sure of a city: {sure}.\n")
    right, seen = 0, 0
    for number in random.permutation(len(signs))[:count]:
        lines = read(signs[number].lines, random, backgrounds, font)
        if lines is not None:
            seen += 1
            right += is_right(answers.after(cues_of(lines)), signs[number].town)
    print(f"{count} signs drawn: {share(seen, count)} read; the right town first for {share(right, seen)}.")


def _exists(font: str) -> bool:
    try:
        ImageFont.truetype(font, 20)
    except OSError:
        return False
    return True


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=60, help="lines and signs that are drawn and read")
    parser.add_argument("--every", type=int, default=1, help="only every so many lines, for a quick look")
    arguments = parser.parse_args()
    with LINES.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))[:: arguments.every]
    answers, signs = Answers(), drawn_signs()[:: arguments.every]
    languages, others = {row["language"] for row in rows}, ("words.parquet", "Faker", "worldwide.toml")
    unused = sum(row["list"] not in others for row in rows)
    print("# Words that look like towns, and towns with their states\n")
    print(
        f"Made by `python benchmarks/words.py --pictures {arguments.pictures}`: {len(rows)} lines in {len(languages)} "
        f"languages, {unused} of them from\nlists that the rules do not use, each as written and in capitals, against "
        "its twin with a neutral noun.\n"
    )
    print_lines(rows, answers)
    print(f"## Towns with their states, provinces or countries: {len(signs)} signs\n")
    print_signs(signs, answers)
    if arguments.pictures and (PHOTOS / "train.csv").is_file():
        print("## Drawn on photos and read\n")
        print_pictures(arguments.pictures, rows, signs, answers)


if __name__ == "__main__":
    main()
