"""Draw text on signs, goods, pages, shirts, screens and vehicles into photos: pictures with a known surface.

``draw(surface, texts, photo, rng)`` returns a photo with the texts on one object. Bottles and cans are bent; boxes,
pages and signs are seen at an angle. All choices are random by ``rng``. The fonts come from the machine (DejaVu, Noto,
Liberation).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from whereshot.foundation.errors import InputError

FONT_FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts", "/Library/Fonts", "C:/Windows/Fonts")
FONT_NAMES = ("DejaVu", "LiberationS", "NotoSans-", "NotoSerif-", "NotoSansDisplay-", "NotoSerifDisplay-")
SMALL_PRINT = ("ml", "g", "%", "EAN", "L 2041", "kcal")
Colour = tuple[int, int, int]
Share = tuple[float, float, float, float]
"""left, top, right, bottom as shares of a picture's width and height."""


class Drawing(NamedTuple):
    """An object (RGBA), and the part of it that the text covers."""

    picture: Image.Image
    text: Share


class Scene(NamedTuple):
    """A photo (RGB) with an object in it, and the box of the object's text in pixels."""

    picture: Image.Image
    text_box: tuple[int, int, int, int]


@functools.cache
def fonts() -> tuple[str, ...]:
    """Return the files of Latin fonts on this machine. Raises InputError where there are none."""
    found = [path for folder in FONT_FOLDERS for path in sorted(Path(folder).rglob("*.ttf"))]
    kept = tuple(str(path) for path in found if path.name.startswith(FONT_NAMES) and "Math" not in path.name)
    if not kept:
        raise InputError(f"no fonts of {', '.join(FONT_NAMES)} in {', '.join(FONT_FOLDERS)}; install fonts-dejavu")
    return kept


def draw(surface: str, texts: Sequence[str], photo: Image.Image, rng: np.random.Generator) -> Scene:
    """Return ``photo`` with the texts on an object of a kind, a key of ``OBJECTS``. Raises InputError for others."""
    if surface not in OBJECTS:
        raise InputError(f"no object is drawn for the surface {surface!r}; expected one of {', '.join(OBJECTS)}")
    scene = photo.convert("RGB").copy()
    drawn, text = OBJECTS[surface](texts, rng)
    if surface == "overlay":
        scale = 0.4 * scene.width / drawn.width
    else:
        scale = min(
            rng.uniform(0.45, 0.9) * scene.height / drawn.height, rng.uniform(0.5, 0.9) * scene.width / drawn.width
        )
    drawn = drawn.resize((max(8, round(drawn.width * scale)), max(8, round(drawn.height * scale))))
    if surface == "overlay":
        left, top = scene.width - drawn.width - 8, scene.height - drawn.height - 8
    else:
        drawn = drawn.rotate(float(rng.normal(0, 4)), Image.Resampling.BICUBIC, expand=True)
        left = int(rng.uniform(0, max(1, scene.width - drawn.width)))
        top = int(rng.uniform(0.3, 1) * max(0, scene.height - drawn.height))
    scene.paste(drawn, (left, top), drawn)
    if rng.random() < 0.5:
        scene = scene.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.2, 0.8))))
    noise = rng.normal(0, rng.uniform(1, 6), (scene.height, scene.width, 1))
    pixels = np.clip(np.asarray(scene, np.float32) + noise, 0, 255).astype(np.uint8)
    box = (
        round(left + text[0] * drawn.width),
        round(top + text[1] * drawn.height),
        round(left + text[2] * drawn.width),
        round(top + text[3] * drawn.height),
    )
    return Scene(Image.fromarray(pixels), box)


def label(
    texts: Sequence[str],
    size: tuple[int, int],
    paper: Colour,
    ink: Colour,
    rng: np.random.Generator,
    extras: int = 0,
    widest: float = 0.9,
) -> Image.Image:
    """Return a flat label (RGBA): texts as large as fits ``widest`` of the width, ``extras`` pieces of small print."""
    width, height = size
    image = Image.new("RGBA", size, (*paper, 255))
    pen = ImageDraw.Draw(image)
    family = str(rng.choice(fonts()))
    room = height * (0.9 if not extras else 0.65) / max(len(texts), 1)
    top = 0.05 * height
    for text in texts:
        pixels = room * rng.uniform(0.55, 0.8)
        font = ImageFont.truetype(family, max(8, int(pixels)))
        wide = font.getlength(text)
        if wide > widest * width:
            font = ImageFont.truetype(family, max(8, int(pixels * widest * width / wide)))
        pen.text((width / 2, top + room / 2), text, font=font, fill=ink, anchor="mm")
        top += room
    for number in range(extras):
        font = ImageFont.truetype(family, max(8, int(0.035 * height)))
        text = f"{rng.integers(1, 999)} {rng.choice(SMALL_PRINT)}"
        pen.text((width * rng.uniform(0.1, 0.7), height * (0.74 + 0.05 * (number % 4))), text, font=font, fill=ink)
    if extras:
        left = 0.72 * width
        for stripe in range(24):
            if rng.random() < 0.6:
                x = left + stripe * 0.008 * width
                pen.rectangle((x, 0.8 * height, x + 0.005 * width, 0.93 * height), fill=(0, 0, 0))
    return image


def colours(rng: np.random.Generator) -> tuple[Colour, Colour]:
    """Return the colours of a ground and of the text on it, with enough contrast to be read."""
    while True:
        a, b = rng.integers(0, 256, 3), rng.integers(0, 256, 3)
        if rng.random() < 0.5:
            b = np.array([245, 245, 240]) if rng.random() < 0.5 else np.array([15, 15, 20])
        if abs(float(a.mean() - b.mean())) > 110:
            return (int(a[0]), int(a[1]), int(a[2])), (int(b[0]), int(b[1]), int(b[2]))


def bend(flat: Image.Image, curve: float) -> Image.Image:
    """Return a label as it looks on an upright cylinder; ``curve`` is the sag of its edges in shares of its width."""
    pixels = np.asarray(flat)
    height, width = pixels.shape[:2]
    u = np.linspace(-1, 1, width)
    column = np.clip((np.arcsin(u) / (np.pi / 2) + 1) / 2 * (width - 1), 0, width - 1).astype(int)
    sag = (curve * width * np.sqrt(1 - u**2)).astype(int)
    out = np.zeros((height + int(sag.max()) + 1, width, 4), np.uint8)
    light = 0.45 + 0.55 * np.sqrt(1 - u**2)
    for x in range(width):
        strip = pixels[:, column[x]].astype(np.float32)
        strip[:, :3] *= light[x]
        out[sag[x] : sag[x] + height, x] = strip.astype(np.uint8)
    return Image.fromarray(out)


def tilt(flat: Image.Image, strength: float, rng: np.random.Generator) -> Image.Image:
    """Return a flat picture (RGBA) seen at an angle: its corners are moved in by up to ``strength`` of its size."""
    width, height = flat.size
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], float)
    moved = corners + rng.uniform(0, strength, (4, 2)) * [width, height] * [(1, 1), (-1, 1), (-1, -1), (1, -1)]
    rows, target = [], []
    for (x, y), (u, v) in zip(moved, corners, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        target += [u, v]
    data = np.linalg.solve(np.array(rows), np.array(target))
    return flat.transform(flat.size, Image.Transform.PERSPECTIVE, data.tolist(), Image.Resampling.BICUBIC)


def bottle(texts: Sequence[str], rng: np.random.Generator) -> Drawing:
    """Return a bottle, a can or a jar with a bent label (RGBA)."""
    width, is_can = 420, rng.random() < 0.4
    height = int(width * (rng.uniform(1.3, 1.9) if is_can else rng.uniform(2.2, 3.0)))
    body, (paper, ink) = tuple(rng.integers(10, 200, 3).tolist()), colours(rng)
    picture = Image.new("RGBA", (width, height))
    pen = ImageDraw.Draw(picture)
    shoulder = 0 if is_can else int(0.32 * height)
    pen.rounded_rectangle((0, shoulder, width - 1, height - 1), radius=40, fill=(*body, 255))
    if not is_can:
        pen.polygon([(0, shoulder + 60), (150, 60), (270, 60), (width - 1, shoulder + 60)], fill=(*body, 255))
        pen.rectangle((150, 0, 270, 110), fill=tuple(rng.integers(0, 255, 3).tolist()))
    shaded = np.asarray(picture).astype(np.float32)
    shaded[:, :, :3] *= (0.35 + 0.65 * np.sqrt(1 - np.linspace(-1, 1, width) ** 2))[None, :, None]
    picture = Image.fromarray(shaded.astype(np.uint8))
    tall = int((0.8 if is_can else 0.42) * height)
    bent = bend(label(texts, (width, tall), paper, ink, rng, int(rng.integers(0, 5)), 0.62), rng.uniform(0.02, 0.12))
    picture.alpha_composite(bent.crop((0, 0, width, min(bent.height, height - shoulder - 60))), (0, shoulder + 50))
    top = shoulder + 50
    return Drawing(picture, (0.12, top / height, 0.88, min(1.0, (top + 0.75 * tall) / height)))


def box(texts: Sequence[str], rng: np.random.Generator) -> Drawing:
    """Return a carton with a front and a darker side (RGBA)."""
    paper, ink = colours(rng)
    width, height = int(rng.uniform(300, 460)), int(rng.uniform(380, 620))
    front = label(texts, (width, height), paper, ink, rng, int(rng.integers(2, 7)))
    if rng.random() < 0.6:  # a picture of what is inside
        pen = ImageDraw.Draw(front)
        fill = tuple(rng.integers(60, 255, 3).tolist())
        pen.ellipse((0.08 * width, 0.7 * height, 0.45 * width, 0.95 * height), fill=fill)
    depth = int(rng.uniform(60, 160))
    picture = Image.new("RGBA", (width + depth, height))
    picture.paste(front, (0, 0))
    side = tuple(int(value * 0.6) for value in paper)
    ImageDraw.Draw(picture).polygon(
        [(width, 0), (width + depth, 0.08 * height), (width + depth, 0.92 * height), (width, height)], fill=(*side, 255)
    )
    return Drawing(tilt(picture, 0.08, rng), (0.05, 0.05, 0.95 * width / (width + depth), 0.68))


def package(texts: Sequence[str], rng: np.random.Generator) -> Drawing:
    """Return a bottle, a can or a carton (RGBA)."""
    return bottle(texts, rng) if rng.random() < 0.6 else box(texts, rng)


def sign(texts: Sequence[str], rng: np.random.Generator) -> Drawing:
    """Return a plate on a pole, or a board on a wall (RGBA)."""
    paper, ink = colours(rng)
    width, height = int(rng.uniform(420, 760)), int(rng.uniform(90, 130) * (len(texts) + 0.3))
    plate = label(texts, (width, height), paper, ink, rng)
    pen = ImageDraw.Draw(plate)
    if rng.random() < 0.6:
        pen.rectangle((4, 4, width - 5, height - 5), outline=ink, width=int(rng.integers(3, 9)))
    if rng.random() < 0.5:
        return Drawing(tilt(plate, 0.1, rng), (0.05, 0.05, 0.95, 0.95))
    picture = Image.new("RGBA", (width, height + int(rng.uniform(200, 500))))
    grey = int(rng.uniform(70, 170))
    post = ImageDraw.Draw(picture)
    for x in (0.5,) if rng.random() < 0.6 else (0.2, 0.8):
        post.rectangle((x * width - 9, 0, x * width + 9, picture.height), fill=(grey, grey, grey, 255))
    picture.alpha_composite(plate)
    return Drawing(tilt(picture, 0.05, rng), (0.05, 0.03, 0.95, 0.95 * height / picture.height))


def page(texts: Sequence[str], rng: np.random.Generator) -> Drawing:
    """Return a sheet, a menu or an open book with several lines of print (RGBA)."""
    white = int(rng.uniform(215, 255))
    ink = tuple(rng.integers(0, 70, 3).tolist())
    lines = [str(rng.choice(list(texts))) if rng.random() < 0.6 else " ".join(texts)[:60] for _ in range(8)]
    sheet = label([*texts, *lines], (440, 600), (white, white, int(0.94 * white)), ink, rng)
    return Drawing(tilt(sheet, 0.1, rng), (0.08, 0.05, 0.92, 0.95))


def shirt(texts: Sequence[str], rng: np.random.Generator) -> Drawing:
    """Return a shirt with the texts on its chest (RGBA)."""
    cloth, ink = colours(rng)
    picture = Image.new("RGBA", (560, 640))
    pen = ImageDraw.Draw(picture)
    pen.polygon(
        [
            (120, 40),
            (440, 40),
            (560, 180),
            (480, 260),
            (450, 220),
            (450, 640),
            (110, 640),
            (110, 220),
            (80, 260),
            (0, 180),
        ],
        fill=(*cloth, 255),
    )
    pen.ellipse((220, -10, 340, 80), fill=(205, 165, 140, 255))
    chest = label(texts, (300, int(70 * (len(texts) + 0.5))), cloth, ink, rng)
    picture.alpha_composite(chest, (130, 160))
    pixels = np.asarray(picture).astype(np.float32)
    y, x = np.mgrid[0:640, 0:560]
    folds = np.zeros((640, 560))
    for _ in range(4):
        folds += np.sin(x * rng.uniform(0.005, 0.03) + y * rng.uniform(-0.03, 0.03) + rng.uniform(0, 6))
    pixels[:, :, :3] *= (1 + 0.06 * folds)[:, :, None]
    worn = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
    return Drawing(worn, (0.24, 0.25, 0.77, (160 + chest.height) / 640))


def screen(texts: Sequence[str], rng: np.random.Generator) -> Drawing:
    """Return a telephone or a monitor that shows the texts (RGBA)."""
    size = (360, 640) if rng.random() < 0.5 else (720, 440)
    dark = rng.random() < 0.5
    paper, ink = ((20, 22, 28), (235, 235, 235)) if dark else ((250, 250, 252), (20, 20, 20))
    shown = label([*texts, "12:41", "OK"], (size[0] - 30, size[1] - 30), paper, ink, rng)
    picture = Image.new("RGBA", size)
    ImageDraw.Draw(picture).rounded_rectangle((0, 0, size[0] - 1, size[1] - 1), radius=26, fill=(12, 12, 12, 255))
    picture.alpha_composite(shown, (15, 15))
    return Drawing(tilt(picture, 0.06, rng), (0.08, 0.08, 0.92, 0.92))


def vehicle(texts: Sequence[str], rng: np.random.Generator) -> Drawing:
    """Return the side of a van with the texts on it (RGBA)."""
    paint, ink = colours(rng)
    picture = Image.new("RGBA", (900, 480))
    pen = ImageDraw.Draw(picture)
    pen.rounded_rectangle((0, 20, 720, 400), radius=30, fill=(*paint, 255))
    pen.polygon([(700, 60), (800, 180), (899, 240), (899, 400), (700, 400)], fill=(*paint, 255))
    pen.polygon([(720, 90), (780, 190), (720, 190)], fill=(40, 50, 60, 255))
    for x in (140, 640):
        pen.ellipse((x, 320, x + 150, 470), fill=(20, 20, 20, 255))
        pen.ellipse((x + 45, 365, x + 105, 425), fill=(150, 150, 155, 255))
    picture.alpha_composite(label(texts, (600, 230), paint, ink, rng), (60, 60))
    return Drawing(tilt(picture, 0.05, rng), (0.08, 0.14, 0.72, 0.6))


def overlay(texts: Sequence[str], rng: np.random.Generator) -> Drawing:
    """Return a credit (RGBA) that is written over a picture, in a light colour without a ground."""
    picture = Image.new("RGBA", (520, 40 * len(texts)))
    pen = ImageDraw.Draw(picture)
    font = ImageFont.truetype(str(rng.choice(fonts())), 28)
    for number, text in enumerate(texts):
        pen.text((510, 40 * number + 20), text, font=font, fill=(255, 255, 255, 230), anchor="rm")
    return Drawing(picture, (0.1, 0.0, 1.0, 1.0))


OBJECTS: dict[str, Callable[[Sequence[str], np.random.Generator], Drawing]] = {
    "sign": sign,
    "vehicle": vehicle,
    "package": package,
    "clothing": shirt,
    "print": page,
    "screen": screen,
    "overlay": overlay,
}
"""The function that draws each surface of ``evidence.base.SURFACES``."""
