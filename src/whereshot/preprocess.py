"""An upright picture in, the array that a network takes out. The settings travel with the model's weights, so
training, evaluation and answering cannot prepare a picture differently.
"""

from __future__ import annotations

import hashlib
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import Field, model_validator

from whereshot import images
from whereshot.config import Settings

_FILTERS = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}
_ALREADY_SQUARE = 1.05  # longer over shorter side below which one crop sees everything
_LONGEST = 16  # longer over shorter side beyond which only the middle is looked at


class Preprocess(Settings):
    """Shorter side to ``resize`` pixels, then ``crops`` squares of ``size`` along the longer side, normalised."""

    size: int = Field(224, ge=16, le=2048)
    resize: int = Field(224, ge=16, le=4096)
    crops: int = Field(1, ge=1, le=5)
    interpolation: Literal["bilinear", "bicubic"] = "bicubic"
    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    std: tuple[float, float, float] = (0.229, 0.224, 0.225)

    @model_validator(mode="after")
    def _filled(self) -> Preprocess:
        if self.resize < self.size:
            raise ValueError(f"resize {self.resize} is smaller than size {self.size}")
        return self

    def digest(self) -> str:
        """A short name that changes with every setting."""
        return hashlib.blake2b(self.model_dump_json().encode(), digest_size=8).hexdigest()


def load(source: images.Source, settings: Preprocess) -> NDArray[np.float32]:
    """The crops (c, 3, size, size) of a picture, left to right or top to bottom. Raises ImageError.

    One crop, the central one, where the picture is nearly square or a single crop is set.
    """
    return _to_array(_crops(_resized(source, settings), settings), settings)


def load_random(source: images.Source, settings: Preprocess, rng: np.random.Generator) -> NDArray[np.float32]:
    """One random crop (1, 3, size, size) for training: a square of at least half the shorter side.

    Never mirrored: a mirror image flips text and the side of the road. Raises ImageError.
    """
    image = images.open_rgb(source, min_side=2 * settings.size)
    side = max(1, round(min(image.size) * rng.uniform(0.5, 1.0)))
    left, top = (int(rng.integers(0, length - side + 1)) for length in image.size)
    square = image.resize(
        (settings.size, settings.size),
        _FILTERS[settings.interpolation],
        box=(left, top, left + side, top + side),
        reducing_gap=3.0,
    )
    return _to_array([square], settings)


def _resized(source: images.Source, settings: Preprocess) -> Image.Image:
    # half as much again as needed: a decode at just the final size is softer than a resize from above
    image = images.open_rgb(source, min_side=settings.resize * 3 // 2)
    if max(image.size) > _LONGEST * min(image.size):
        left, top = (max(0, length - _LONGEST * min(image.size)) // 2 for length in image.size)
        image = image.crop((left, top, image.width - left, image.height - top))
    scale = settings.resize / min(image.size)
    size = [max(settings.resize, round(length * scale)) for length in image.size]
    return image.resize((size[0], size[1]), _FILTERS[settings.interpolation], reducing_gap=3.0)


def _crops(image: Image.Image, settings: Preprocess) -> list[Image.Image]:
    size = settings.size
    spare = [length - size for length in image.size]
    along = 0 if spare[0] >= spare[1] else 1
    count = settings.crops if max(image.size) > _ALREADY_SQUARE * min(image.size) else 1
    offsets = [spare[along] // 2] if count == 1 else np.linspace(0, spare[along], count).round().astype(int).tolist()
    crops = []
    for offset in offsets:
        left, top = (offset, spare[1] // 2) if along == 0 else (spare[0] // 2, offset)
        crops.append(image.crop((left, top, left + size, top + size)))
    return crops


def _to_array(crops: list[Image.Image], settings: Preprocess) -> NDArray[np.float32]:
    pixels = np.stack([np.asarray(crop, dtype=np.float32) for crop in crops]) / 255
    normalised = (pixels - np.float32(settings.mean)) / np.float32(settings.std)
    return np.ascontiguousarray(normalised.transpose(0, 3, 1, 2))
