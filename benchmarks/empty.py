"""How far real photos are from being called empty, and what is: Markdown on standard output.

    python benchmarks/empty.py ../shared/data/photos > docs/results-empty.md

Takes a folder of photos; every picture in it is measured.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from whereshot.photos import emptiness, images
from whereshot.photos.sources import find_pictures

CONTRASTS = (1.0, 0.25, 0.1, 0.05)
NOISES = ((16, 16), (64, 64), (640, 480), (3000, 2000))


def changed(image: Image.Image, contrast: float, brightest: float) -> Image.Image:
    """A picture with less contrast, its black as bright as 0 (night), half (fog) or all (snow) that is left free."""
    return image.point(lambda value: round(value * contrast + 255 * (1 - contrast) * brightest))


def of_folder(folder: Path) -> list[str]:
    """Return a row per sub-folder: photos, photos that are called empty, and the measures nearest to the limits."""
    lines = []
    for part in sorted(path for path in folder.iterdir() if path.is_dir()):
        found = [images.open_rgb(path, min_side=64) for _, path in find_pictures([part])]
        measured = np.array([emptiness.measures(image) for image in found])
        empty = sum(map(emptiness.is_empty, found))
        lines.append(
            f"| {part.name} | {len(found):,} | {empty} | {measured[:, 0].min():.0f} | {measured[:, 1].min():.2f} |"
        )
    return lines


def of_changes(folder: Path) -> list[str]:
    """A row per contrast: how many photos are called empty at night, in fog and in snow."""
    found = [images.open_rgb(path, min_side=64) for _, path in find_pictures([folder])]
    lines = []
    for contrast in CONTRASTS:
        counts = [
            sum(emptiness.is_empty(changed(image, contrast, brightest)) for image in found) for brightest in (0, 0.5, 1)
        ]
        lines.append(f"| {100 * contrast:g} % | {' | '.join(f'{count} of {len(found):,}' for count in counts)} |")
    return lines


def noise(size: tuple[int, int], rng: np.random.Generator) -> Image.Image:
    """Uniform noise in every channel."""
    return Image.fromarray(rng.integers(0, 256, (size[1], size[0], 3), np.uint8))


def of_empty() -> list[str]:
    """A row per kind of picture without content: whether it is called empty as PNG and as JPEG."""
    rng = np.random.default_rng(0)
    kinds: dict[str, Callable[[], Image.Image]] = {
        "black": lambda: Image.new("RGB", (640, 480)),
        "one colour": lambda: Image.new("RGB", (640, 480), (200, 40, 90)),
        "1 x 1": lambda: Image.new("RGB", (1, 1), "red"),
    }
    kinds |= {f"noise, {width} x {height}": lambda s=(width, height): noise(s, rng) for width, height in NOISES}
    lines = []
    for name, make in kinds.items():
        told = []
        for form, options in (("PNG", {}), ("JPEG", {"quality": 90})):
            held = io.BytesIO()
            make().save(held, form, **options)
            told.append("empty" if emptiness.is_empty(images.open_rgb(held.getvalue(), min_side=64)) else "a photo")
        lines.append(f"| {name} | {' | '.join(told)} |")
    return lines


def main(folder: Path) -> None:
    print("# Pictures without anything to see\n")
    print("`python benchmarks/empty.py ../shared/data/photos > docs/results-empty.md`\n")
    print(
        f"A picture is shrunk to about {emptiness.CELLS} x {emptiness.CELLS} cells. It is empty where no channel spans "
        f"more than {emptiness.EVEN_RANGE:g} of 255, where neighbouring cells correlate by less than "
        f"{emptiness.NOISE_CORRELATION:g} (and no few cells stand out), or where it has less than "
        f"{emptiness.LEAST_SIDE} pixels on a side. Every model then answers with the prior.\n"
    )
    print("## Real photos\n")
    print("| photos | n | called empty | least range of cells | least correlation |\n|---|---|---|---|---|")
    print("\n".join(of_folder(folder)))
    print("\n## The same photos with less contrast\n")
    print("| contrast left | dark, as at night | grey, as in fog | bright, as in snow |\n|---|---|---|---|")
    print("\n".join(of_changes(folder)))
    print("\n## Pictures without content\n")
    print("| picture | as PNG | as JPEG |\n|---|---|---|")
    print("\n".join(of_empty()))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
