"""Draw the pictures of ``make demo``, made by us: a street with a town's sign, and a sight without any text.

python scripts/draw_example.py
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

EXAMPLES = Path(__file__).parents[1] / "examples"
WIDTH, HEIGHT = 1024, 768


def main() -> None:
    EXAMPLES.mkdir(exist_ok=True)
    for name, picture, seed in (("village-sign", village(), 7), ("red-bridge", bridge(), 11)):
        path = EXAMPLES / f"{name}.jpg"
        photographed(picture, np.random.default_rng(seed)).save(path, quality=82)
        print(f"{path.name}: {path.stat().st_size / 1024:.0f} KiB")


def sky(top: tuple[int, int, int], bottom: tuple[int, int, int]) -> Image.Image:
    """Return a sky that goes from one colour to another."""
    rows = np.linspace(0, 1, HEIGHT)[:, None]
    colours = np.array(top) * (1 - rows[..., None]) + np.array(bottom) * rows[..., None]
    return Image.fromarray(np.broadcast_to(colours, (HEIGHT, WIDTH, 3)).astype(np.uint8))


def photographed(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Return a drawing with the softness, the light and the grain of a photo."""
    soft = np.asarray(picture.filter(ImageFilter.GaussianBlur(0.8)), dtype=np.float32)
    light = 1 + 0.12 * np.linspace(-1, 1, WIDTH)[None, :, None]
    grain = rng.normal(0, 6, (HEIGHT, WIDTH, 1)) + rng.normal(0, 3, (HEIGHT, WIDTH, 3))
    return Image.fromarray(np.clip(soft * light + grain, 0, 255).astype(np.uint8))


def village() -> Image.Image:
    """Draw a street with the sign of a town."""
    image = sky((96, 150, 205), (225, 232, 235))
    draw = ImageDraw.Draw(image)
    for left, top, colour in ((0, 300, "#c9a77c"), (250, 240, "#d8c09a"), (560, 330, "#b98d62"), (800, 270, "#cfb083")):
        draw.rectangle((left, top, left + 260, 620), fill=colour)
        draw.polygon([(left - 12, top), (left + 130, top - 70), (left + 272, top)], fill="#9c4f34")
        for x in range(left + 30, left + 230, 70):
            for y in range(top + 40, 560, 95):
                draw.rectangle((x, y, x + 34, y + 52), fill="#4a5560")
    draw.polygon([(0, HEIGHT), (0, 640), (WIDTH, 600), (WIDTH, HEIGHT)], fill="#77777a")
    draw.rectangle((505, 470, 519, 760), fill="#8b8f92")
    draw.rectangle((250, 330, 780, 520), fill="#f6f6f2", outline="#1c1c1c", width=5)
    draw.text((515, 388), "ALTAFULLA", font=ImageFont.load_default(84), fill="#141414", anchor="mm")
    draw.text((515, 470), "Ajuntament d'Altafulla", font=ImageFont.load_default(42), fill="#141414", anchor="mm")
    return image


def bridge() -> Image.Image:
    """Draw a red suspension bridge over a strait, between hills: a sight that people know, without any text."""
    rng = np.random.default_rng(3)
    image = sky((110, 150, 196), (243, 222, 196))
    draw = ImageDraw.Draw(image)
    across = np.arange(0, WIDTH + 8, 8)
    for height, rough, colour in ((430, 46, "#8b98a3"), (480, 30, "#6d7f72"), (525, 16, "#5b6d54")):
        draw.polygon(
            [*zip(across, height + hills(rng, len(across), rough), strict=True), (WIDTH, 620), (0, 620)], colour
        )
    draw.rectangle((0, 560, WIDTH, HEIGHT), fill="#4f7188")
    for y in range(566, HEIGHT, 9):  # waves
        for x in rng.integers(0, WIDTH, 14).tolist():
            draw.line((x, y, x + int(rng.integers(10, 60)), y), fill="#6a8ca2", width=2)
    deck, red, dark = 500, "#b6402c", "#8f2f20"
    cable = [(x, cable_height(x, deck)) for x in range(0, WIDTH, 2)]
    for x, height in cable[4::7]:
        draw.line((x, height, x, deck), fill=dark, width=2)
    draw.line(cable, fill=red, width=6)
    for x in (300, 740):
        for side in (-20, 12):
            draw.polygon([(x + side, 180), (x + side + 10, 180), (x + side + 14, 600), (x + side - 4, 600)], fill=red)
        for y in (195, 265, 340, 420):
            draw.rectangle((x - 20, y, x + 22, y + 16), fill=dark)
        draw.rectangle((x - 40, 590, x + 42, 625), fill="#a5a096")
    draw.rectangle((0, deck, WIDTH, deck + 14), fill=red)
    draw.rectangle((0, deck + 14, WIDTH, deck + 20), fill=dark)
    fog = Image.new("L", image.size)
    ImageDraw.Draw(fog).ellipse((-200, 470, 620, 590), fill=150)
    return Image.composite(Image.new("RGB", image.size, "#e9e4de"), image, fog.filter(ImageFilter.GaussianBlur(28)))


def cable_height(x: int, deck: int) -> float:
    """Return the height of the bridge's cable at x, in pixels from the top; it hangs from towers at 300 and 740."""
    low = deck - 14
    off = min(abs(x - 300), abs(x - 740))
    part = off / 220 if 300 <= x <= 740 else min(off / 400, 1)  # 0 at a tower, 1 where the cable is lowest
    return 190 + (low - 190) * (1 - (1 - part) ** 2)


def hills(rng: np.random.Generator, count: int, rough: float) -> NDArray[np.float64]:
    """Return the heights of a rough skyline (count,), in pixels, as a sum of waves."""
    at = np.linspace(0, 1, count)
    waves = [np.sin(2 * np.pi * (n * at * 1.7 + rng.uniform())) / n for n in range(1, 6)]
    return rough * np.sum(waves, axis=0) + rng.normal(0, rough / 25, count)


if __name__ == "__main__":
    main()
