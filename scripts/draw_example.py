"""Draw examples/village-sign.jpg, the picture of ``make demo``: a street scene with a town's sign, made by us.

python scripts/draw_example.py
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

OUT = Path(__file__).parents[1] / "examples" / "village-sign.jpg"
WIDTH, HEIGHT = 1024, 768


def main() -> None:
    rng = np.random.default_rng(7)
    rows = np.linspace(0, 1, HEIGHT)[:, None]
    sky = np.array([96, 150, 205]) * (1 - rows[..., None]) + np.array([225, 232, 235]) * rows[..., None]
    image = Image.fromarray(np.broadcast_to(sky, (HEIGHT, WIDTH, 3)).astype(np.uint8))
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
    soft = np.asarray(image.filter(ImageFilter.GaussianBlur(0.8)), dtype=np.float32)
    light = 1 + 0.12 * np.linspace(-1, 1, WIDTH)[None, :, None]
    grain = rng.normal(0, 6, (HEIGHT, WIDTH, 1)) + rng.normal(0, 3, (HEIGHT, WIDTH, 3))
    OUT.parent.mkdir(exist_ok=True)
    Image.fromarray(np.clip(soft * light + grain, 0, 255).astype(np.uint8)).save(OUT, quality=82)
    print(f"{OUT.name}: {OUT.stat().st_size / 1024:.0f} KiB")


if __name__ == "__main__":
    main()
