"""Signs with names of towns, drawn on photos as a street shows them, in any script: for the whole reader.

Each line is a plate that ``scripts/rendered_lines.py`` draws at the grade "street", with fonts kept apart from
training, in a colour. It is pasted on an enlarged part of a photo of the shared training table that may be shipped.
Without the table, textures stand behind the plates.
"""

from __future__ import annotations

import cv2
import numpy as np
from drawn_lines import PHOTOS, TEST_GRADES, background_names, test_renderer
from line_backgrounds import text_free
from line_fonts import Face
from PIL import Image

SIZE = (960, 640)
HEIGHTS = (40, 120)
"""The least and the largest height of a plate in pixels."""
MOST_WIDTH = 900
PART = 0.35
"""Share of the width and of the height of a photo that is seen behind a sign."""
GAP = 6
"""Pixels between two plates of a sign."""


class PhotoSigns:
    """Draws signs on photos with fonts by script and family, as ``drawn_lines.test_fonts`` returns them."""

    def __init__(self, fonts: dict[str, dict[str, list[Face]]]) -> None:
        self.renderer = test_renderer(fonts)
        self.photos = [PHOTOS / name for name in background_names()]

    def draw(self, script: str, lines: list[str], rng: np.random.Generator) -> Image.Image:
        """Draw a photo with a sign of some lines. Raises ValueError where no font has the letters of a line."""
        picture = np.asarray(self._background(rng)).copy()
        tint = rng.uniform(0.6, 1.0, 3).astype(np.float32)
        height = float(np.exp(rng.uniform(*np.log(HEIGHTS))))
        plates = [self._plate(script, line, height, tint / tint.max(), rng) for line in lines]
        tall, wide = sum(plate.shape[0] + GAP for plate in plates), max(plate.shape[1] for plate in plates)
        top = int(rng.integers(0, max(1, SIZE[1] - tall)))
        left = int(rng.integers(0, max(1, SIZE[0] - wide)))
        for plate in plates:
            part = picture[top : top + plate.shape[0], left : left + plate.shape[1]]
            part[:] = plate[: part.shape[0], : part.shape[1]]
            top += plate.shape[0] + GAP
        return Image.fromarray(picture)

    def _plate(self, script: str, text: str, height: float, tint: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return a line (about ``height``, width, 3) whose grey has the colour ``tint`` (3,), from 0 to 1."""
        grey = self.renderer.line(script, rng, TEST_GRADES["street"], text).pixels
        scale = min(height / grey.shape[0], MOST_WIDTH / grey.shape[1])
        size = max(1, round(grey.shape[1] * scale)), max(1, round(grey.shape[0] * scale))
        plate = cv2.resize(grey, size, interpolation=cv2.INTER_LINEAR).astype(np.float32)[..., None] * tint
        return np.asarray(plate.clip(0, 255), np.uint8)

    def _background(self, rng: np.random.Generator) -> Image.Image:
        if not self.photos:
            grey = text_free(SIZE[1] // 2, SIZE[0] // 2, rng) * 255
            return Image.fromarray(grey.astype(np.uint8)).convert("RGB").resize(SIZE, Image.Resampling.BICUBIC)
        with Image.open(self.photos[int(rng.integers(len(self.photos)))]) as photo:
            width, height = (max(1, round(PART * side)) for side in photo.size)
            left, top = (int(rng.integers(0, 1 + a - b)) for a, b in zip(photo.size, (width, height), strict=True))
            return photo.convert("RGB").crop((left, top, left + width, top + height)).resize(SIZE)
