"""Which script is written there: Greek capitals, other scripts, no writing, Latin signs, mirrored signs.

    python benchmarks/scripts.py --fonts FOLDER > docs/results-scripts.md
    python benchmarks/scripts.py --fonts FOLDER --only greek others      # some of the tables

The drawn signs use fonts and words that the training of the script network never saw. They stand on textures. The
photos are those of the shared development tables. Every part has its own seed.

The script of a sign is the one that the answer names for most lines, after the readers tried several scripts. Beside it
stands what the script network alone names for most lines.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from drawn_lines import test_fonts
from drawn_signs import PhotoSigns
from PIL import Image, ImageDraw, ImageFont
from script_photos import measure

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

from line_backgrounds import TEXT_FREE, text_free  # noqa: E402
from line_texts import Words  # noqa: E402
from rendered_lines import Renderer  # noqa: E402

from whereshot.evidence import EVIDENCE, Cue, PhotoFacts, fuse  # noqa: E402
from whereshot.evidence.line_scripts import CLASSES, KNOWN_CLASSES  # noqa: E402
from whereshot.evidence.ocr import MOST_FOREIGN, Reader, Seen, scripts_of, tiles_of  # noqa: E402
from whereshot.evidence.text_segments import script_of  # noqa: E402
from whereshot.foundation.progress import silent  # noqa: E402
from whereshot.locate.geolocator import Geolocator  # noqa: E402
from whereshot.locate.photo_evidence import Explained  # noqa: E402
from whereshot.photos import images  # noqa: E402
from whereshot.photos.sources import SOURCES  # noqa: E402
from whereshot.posterior.masses import country_masses  # noqa: E402
from whereshot.posterior.prior import density_prior  # noqa: E402

PHOTOS = ROOT.parent / "shared" / "data" / "photos"
SIZE = (960, 640)
OTHERS = (
    "Devanagari", "Arabic", "Hebrew", "Thai", "Hangul", "Cyrillic", "Georgian", "Armenian", "Tamil", "Telugu",
    "Bengali", "Khmer", "Lao", "Ethiopic", "Sinhala",
)  # fmt: skip
"""The fifteen scripts of the drawn signs; 20 signs each."""
COLOURS = (
    ((24, 60, 140), "white"),
    ((240, 240, 235), (20, 20, 20)),
    ((20, 100, 50), "white"),
    ((250, 205, 40), "black"),
)
SEEDS = {"greek": 1001, "others": 1002, "none": 1003, "mirrored": 1004}
LATIN_SCORE, LATIN_LETTERS = 0.9, 3
"""A line of a photo counts as Latin if the recogniser reads so many Latin letters with this confidence."""


class Signs:
    """Draws signs with the fonts and words that are kept for tests."""

    def __init__(self, folders: list[Path], cache: Path | None) -> None:
        self.fonts, self.words = test_fonts(folders, cache), Words("test")

    def text(self, script: str, rng: np.random.Generator) -> str:
        """Return a line of 5 to 22 letters that every font kept for tests can write, if one is found soon."""
        faces = [face for family in self.fonts[script].values() for face in family]
        for _ in range(1000):
            text = self.words.line(script, rng, mixed=0.0)
            if 5 <= len(text) <= 22 and not any(face.lacks(text) for face in faces):
                break
        return text

    def draw(self, script: str, lines: list[str], rng: np.random.Generator) -> Image.Image:
        """Draw a plate with lines of text on a texture, as a photo of it would look."""
        families = self.fonts[script]
        renderer = Renderer(self.words, self.fonts, None)  # type: ignore[arg-type]  # only its fonts are asked
        for _ in range(200):
            face = renderer.face(script, rng)
            if not face.lacks("".join(lines)):
                break
        else:
            raise ValueError(f"none of {sorted(families)} has all letters of {lines}")
        size = int(rng.integers(44, 70))
        font = ImageFont.truetype(face.path, size, index=face.index, layout_engine=ImageFont.Layout.RAQM)
        boxes = [font.getbbox(line) for line in lines]
        width, pitch = max(box[2] - box[0] for box in boxes), round(1.7 * size)
        shrink = min(1.0, 800 / width)
        plate, ink = COLOURS[rng.integers(len(COLOURS))]
        panel = Image.new("RGB", (round(width + size), round(pitch * len(lines) + 0.6 * size)), plate)
        draw = ImageDraw.Draw(panel)
        for row, (line, box) in enumerate(zip(lines, boxes, strict=True)):
            draw.text((size / 2 - box[0], 0.5 * size + row * pitch - box[1]), line, fill=ink, font=font)
        panel = panel.resize((round(panel.width * shrink), round(panel.height * shrink)), Image.Resampling.LANCZOS)
        picture = textured(rng)
        left, top = (int(rng.integers(0, max(1, a - b))) for a, b in zip(SIZE, panel.size, strict=True))
        picture.paste(panel, (left, top))
        return noisy(picture, rng)


def textured(rng: np.random.Generator, kind: str | None = None) -> Image.Image:
    """Return a picture of a texture in two colours."""
    grey = text_free(SIZE[1] // 2, SIZE[0] // 2, rng, kind)[..., None]
    dark, light = rng.integers(0, 120, 3), rng.integers(120, 256, 3)
    return Image.fromarray((dark + grey * (light - dark)).astype(np.uint8)).resize(SIZE, Image.Resampling.BICUBIC)


def noisy(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    pixels = np.asarray(picture, np.float32) + rng.normal(0, 6, (SIZE[1], SIZE[0], 3))
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def seen_in(reader: Reader, picture: Image.Image) -> tuple[Seen, list[Cue]]:
    seen = reader.see_tiles(tiles_of(picture))
    return seen, EVIDENCE["text"](PhotoFacts(lines=tuple(seen.lines), unread=tuple(seen.unread)))


def first_countries(cues: list[Cue], count: int = 1) -> list[str]:
    posterior = fuse(density_prior(), cues).posterior if cues else density_prior()
    return [code for code, _ in country_masses(posterior)[0][:count]]


def percent(values: Iterable[bool]) -> str:
    values = list(values)
    return f"{100 * np.mean(values):.1f} % of {len(values)}"


def row(pictures: str, measure: str, result: str, wanted: str = "", by_network: str = "") -> None:
    """Print a row of the table; ``by_network`` is what the script network alone reaches, where that is counted."""
    print(f"| {pictures} | {measure} | {result} | {by_network} | {wanted} |", flush=True)


def greek(reader: Reader, signs: Signs, count: int) -> None:
    rng, right = np.random.default_rng(SEEDS["greek"]), []
    for _ in range(count):
        lines = [signs.text("Greek", rng).upper() for _ in range(2)]
        _, cues = seen_in(reader, signs.draw("Greek", [strip_accents(line) for line in lines], rng))
        right.append(first_countries(cues) == ["GR"])
    row("signs in Greek capitals", "Greece is the likeliest country", percent(right), "at least 95 %")


def strip_accents(text: str) -> str:
    import unicodedata

    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", text).replace("\u0301", ""))


def named_in_answer(answer: Explained) -> str | None:
    """Return the script that an answer names for most lines, read or not; None where it names none but Latin."""
    lines = Counter(line.script for line in answer.writing)
    lines.update({one.script: one.lines for one in answer.unread_scripts})
    return lines.most_common(1)[0][0] if lines else None


def named_by_network(reader: Reader, picture: Image.Image) -> str | None:
    """Return the script that the script network alone finds in most lines, before any line is read."""
    found = Counter[str]()
    for tile in tiles_of(picture):
        crops, _ = reader.detector.detect(np.ascontiguousarray(np.asarray(tile.image)[:, :, ::-1]))
        found.update(script.best for script in scripts_of(crops) if script.best != "none")
    return found.most_common(1)[0][0] if found else None


def other_scripts(reader: Reader, signs: Signs, count: int) -> None:
    rng = np.random.default_rng(SEEDS["others"])
    latin, right, by_network, wrong = 0, [], [], Counter[str]()
    with Geolocator.load("prior") as locator:
        for number in range(count):
            script = OTHERS[number % len(OTHERS)]
            lines = [signs.text(script, rng) for _ in range(int(rng.integers(1, 4)))]
            picture = signs.draw(script, lines, rng)
            answer = locator.explain(picture)
            latin += any(script_of(char) == "Latin" for line in answer.lines for char in line.text if char.isalpha())
            named = named_in_answer(answer)
            right.append(named == script)
            by_network.append(named_by_network(reader, picture) == script)
            if named != script:
                wrong[f"{script} as {named or 'nothing'}"] += 1
    row(f"signs in {len(OTHERS)} other scripts", "the script is named right", percent(right), "at least 95 %",
        percent(by_network))  # fmt: skip
    row("the same", "signs on which Latin letters are read", f"{latin} of {count}", "0")
    print(f"\nWrong scripts: {dict(wrong.most_common(12))}\n", file=sys.stderr, flush=True)


def none(reader: Reader, signs: Signs, count: int) -> None:
    rng, silent_pictures = np.random.default_rng(SEEDS["none"]), []
    for number in range(count):
        picture = noisy(textured(rng, list(TEXT_FREE)[number % len(TEXT_FREE)]), rng)
        seen, cues = seen_in(reader, picture)
        silent_pictures.append(not seen.unread and not cues)
    row("pictures without text", "no script and no cue", percent(silent_pictures), "at least 98 %")


def mirrored(reader: Reader, signs: Signs, count: int) -> None:
    rng, same, languages = np.random.default_rng(SEEDS["mirrored"]), [], []
    for _ in range(count):
        picture = signs.draw("Latin", [signs.text("Latin", rng) for _ in range(2)], rng)
        straight, _ = seen_in(reader, picture)
        turned, cues = seen_in(reader, picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT))
        texts = {line.text.casefold() for line in straight.lines}
        again = {line.text.casefold() for line in turned.lines}
        same.append(bool(texts) and len(texts & again) >= 0.5 * len(texts))
        languages.append(same[-1] or not any(cue.kind == "text/language" for cue in cues))
    row("mirrored Latin signs", "read as the sign that is not mirrored", percent(same))
    row("the same", "read so, or without a cue of language", percent(languages))


def gates(reader: Reader, name: str) -> tuple[list[bool], int, int]:
    """Return for each Latin line of a table's photos whether it is given to the recogniser; lines and calls saved."""
    kept, lines, saved = [], 0, 0
    for path in SOURCES["table"]([PHOTOS / f"{name}.csv"], {}, silent).records.strings("image"):
        for tile in tiles_of(images.open_rgb(path, min_side=1600)):
            crops, _ = reader.detector.detect(np.ascontiguousarray(np.asarray(tile.image)[:, :, ::-1]))
            for (text, score), script in zip(reader.known_lines.read(crops), scripts_of(crops), strict=True):
                is_read = script.known > 1 - MOST_FOREIGN
                lines, saved = lines + 1, saved + (not is_read)
                letters = sum(char.isascii() and char.isalpha() for char in text)
                if score >= LATIN_SCORE and letters >= LATIN_LETTERS:
                    kept.append(is_read)
    return kept, lines, saved


def latin_signs(reader: Reader, signs: Signs, count: int) -> None:
    kept, lines, saved = gates(reader, "signs_dev")
    row("Latin lines of signs_dev", "still given to the recogniser", percent(kept), "at least 99.5 %")
    row("all lines of signs_dev", "not given to the recogniser", f"{100 * saved / lines:.1f} % of {lines}")


def scripts_dev(reader: Reader, signs: Signs, count: int) -> None:
    print("\n## Photos of signs in many scripts, and drawn signs for scripts with few photos\n")
    measure(PHOTOS / "scripts_dev.csv", PhotoSigns(signs.fonts), count)


PARTS = {"greek": (greek, 100), "others": (other_scripts, 300), "none": (none, 300), "mirrored": (mirrored, 60),
         "latin": (latin_signs, 0), "scripts_dev": (scripts_dev, 100)}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fonts", type=Path, action="append", default=[], help="more folders of fonts")
    parser.add_argument("--font-cache", type=Path, help="file in which the fonts found are kept")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--share", type=float, default=1.0, help="share of the drawn signs; less is quicker")
    arguments = parser.parse_args()
    assert set(OTHERS).isdisjoint(KNOWN_CLASSES) and set(OTHERS) <= set(CLASSES)
    reader, signs = Reader(), Signs(arguments.fonts, arguments.font_cache)
    print("# Scripts: what is written there\n\nMade by `python benchmarks/scripts.py --fonts FOLDER`.\n")
    print("| pictures | measure | result | script network alone | wanted |\n|---|---|---:|---:|---|", flush=True)
    for name in arguments.only:
        part, count = PARTS[name]
        part(reader, signs, round(count * arguments.share))


if __name__ == "__main__":
    main()
