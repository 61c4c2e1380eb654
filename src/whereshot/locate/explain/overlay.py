"""Draw a heat map over a grey picture, with frames around the text that was read and a legend, and write it as PNG."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from whereshot.evidence.transliteration import in_latin
from whereshot.foundation import output_files
from whereshot.locate import words
from whereshot.locate.explain.base import HeatMap

LONGEST = 1024
"""Longer side of the drawn picture in pixels, at most."""
FOR, AGAINST = (230, 97, 1), (94, 60, 153)
"""Orange for parts that support the place, purple for parts against it.

These are from ColorBrewer's scheme PuOr, which people with colour blindness can distinguish."""
DENSEST = 0.75
_BOX = (0, 160, 220)
_INK, _PAPER = (29, 36, 41), (255, 255, 255)
_TEXT, _PAD, _BAR = 15, 12, 16
_SPELLED = str.maketrans(
    {"ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ß": "ss", "æ": "ae", "Æ": "Ae", "ı": "i"}
)


Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def draw(
    picture: Image.Image,
    heat: HeatMap | None,
    title: Sequence[str],
    boxes: Sequence[Sequence[float]] = (),
) -> Image.Image:
    """Draw the picture with its heat and frames; below it stand the lines of ``title`` and a legend.

    ``boxes`` are the frames around text, (left, top, right, bottom) in pixels of the picture.
    """
    scale = min(1.0, LONGEST / max(picture.size))
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    small = picture.convert("RGB").resize(size, Image.Resampling.LANCZOS)
    shown = small if heat is None else _coloured(small, heat)
    font = ImageFont.load_default(_TEXT)
    brush = ImageDraw.Draw(shown)
    for box in boxes:
        brush.rectangle([value * scale for value in box], outline=_BOX, width=3)
    width = max(size[0], 480)
    lines = [part for line in title for part in _wrapped(line, font, width - 2 * _PAD)]
    lines += ["Blue frames: text that was read."] if boxes else []
    below = 2 * _PAD + (_TEXT + 6) * len(lines) + (0 if heat is None else _BAR + _TEXT + 14)
    sheet = Image.new("RGB", (width, size[1] + below), _PAPER)
    sheet.paste(shown, ((width - size[0]) // 2, 0))
    brush, top = ImageDraw.Draw(sheet), size[1] + _PAD
    for line in lines:
        brush.text((_PAD, top), line, fill=_INK, font=font)
        top += _TEXT + 6
    if heat is not None:
        _legend(sheet, brush, heat, font, top + 4)
    return sheet


def write(sheet: Image.Image, path: Path) -> None:
    """Write the drawing as PNG. Raises OutputError."""
    with output_files.new_file(path, failures=(ValueError,)) as beside:
        sheet.save(beside, "PNG")


def _coloured(small: Image.Image, heat: HeatMap) -> Image.Image:
    """Colour a grey picture by its heat; parts that the network did not see are darker."""
    values = np.nan_to_num(heat.values) / (heat.strongest or 1.0)
    smooth = Image.fromarray(values.astype(np.float32)).resize(small.size, Image.Resampling.BICUBIC)
    seen = Image.fromarray(np.isfinite(heat.values).astype(np.float32)).resize(small.size, Image.Resampling.NEAREST)
    strength = np.clip(np.asarray(smooth), -1.0, 1.0)[..., None]
    grey = np.asarray(small.convert("L"), np.float32)[..., None].repeat(3, axis=2)
    grey = (0.7 * grey + 50) * np.where(np.asarray(seen)[..., None] > 0, 1.0, 0.45)
    return Image.fromarray(_mixed(grey, strength))


def _mixed(grey: NDArray[np.floating], strength: NDArray[np.floating]) -> NDArray[np.uint8]:
    colour = np.where(strength >= 0, np.array(FOR, np.float32), np.array(AGAINST, np.float32))
    share = DENSEST * np.abs(strength)
    mixed: NDArray[np.uint8] = np.clip(grey * (1 - share) + colour * share, 0, 255).astype(np.uint8)
    return mixed


def _legend(sheet: Image.Image, brush: ImageDraw.ImageDraw, heat: HeatMap, font: Font, top: int) -> None:
    """Draw a bar of the colours with the values at its ends."""
    width, most = min(320, sheet.width - 2 * _PAD), heat.strongest
    least = -most if np.nanmin(heat.values, initial=0.0) < 0 else 0.0
    strength = np.linspace(least / most if most else 0.0, 1.0, width, dtype=np.float32)[None, :, None]
    bar = _mixed(np.full((_BAR, width, 3), 150, np.float32), np.repeat(strength, _BAR, axis=0))
    sheet.paste(Image.fromarray(bar), (_PAD, top))
    below = top + _BAR + 3
    low, high, unit = ends(heat, least, most)
    brush.text((_PAD, below), low, fill=_INK, font=font)
    brush.text((_PAD + width, below), high, fill=_INK, font=font, anchor="ra")
    brush.text((_PAD + width // 2, below), unit, fill=_INK, font=font, anchor="ma")


def ends(heat: HeatMap, least: float, most: float) -> tuple[str, str, str]:
    """Return the texts at both ends of the legend, and the text in the middle, which says what the colours mean."""
    if not heat.is_odds:
        return f"{least:.2g}", f"{most:.2g}", heat.unit
    low = f"{words.times(least)} likelier" if least < 0 else "no change"
    return low, f"{words.times(most)} less likely", "when hidden"


def _drawable(line: str) -> str:
    """Return a line in ASCII, because Pillow's font has no other letters.

    Words in native scripts are written in Latin letters, and accents are removed. A letter that has no ASCII form
    becomes a question mark.
    """
    line = in_latin(line) or line
    plain = unicodedata.normalize("NFKD", line.translate(_SPELLED))
    return "".join(char if char.isascii() else "?" for char in plain if not unicodedata.combining(char))


def _wrapped(line: str, font: Font, width: int) -> list[str]:
    """Break a line at blanks into lines of at most ``width`` pixels."""
    lines = [""]
    for word in _drawable(line).split():
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) <= width or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines
