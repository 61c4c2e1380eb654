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
    return normalised(pixels(source, settings), settings)


def pixels(source: images.Source, settings: Preprocess) -> NDArray[np.uint8]:
    """The crops of ``load`` as they are before they are normalised: (c, size, size, 3), 0 to 255."""
    # half as much again as needed: a decode at just the final size is softer than a resize from above
    image = images.open_rgb(source, min_side=settings.resize * 3 // 2)
    if max(image.size) > _LONGEST * min(image.size):
        left, top = (max(0, length - _LONGEST * min(image.size)) // 2 for length in image.size)
        image = image.crop((left, top, image.width - left, image.height - top))
    scale = settings.resize / min(image.size)
    width, height = (max(settings.resize, round(length * scale)) for length in image.size)
    windows = _windows(width, height, settings)
    if len(windows) == 1:  # what lies outside of it need not be resized
        (left, top), size = windows[0], settings.size
        across, down = image.width / width, image.height / height
        right, bottom = min((left + size) * across, image.width), min((top + size) * down, image.height)
        return _squares([_resized(image, (size, size), settings, (left * across, top * down, right, bottom))])
    whole = _resized(image, (width, height), settings, None)
    return _squares([whole.crop((left, top, left + settings.size, top + settings.size)) for left, top in windows])


def random_pixels(source: images.Source, settings: Preprocess, rng: np.random.Generator) -> NDArray[np.uint8]:
    """One random crop (1, size, size, 3) for training: a square of at least half the shorter side.

    Never mirrored: a mirror image flips text and the side of the road. Raises ImageError.
    """
    share = rng.uniform(0.5, 1.0)
    image = images.open_rgb(source, min_side=min(2 * settings.size, int(settings.size * 1.5 / share)))
    side = max(1, round(min(image.size) * share))
    left, top = (int(rng.integers(0, length - side + 1)) for length in image.size)
    box = (left, top, left + side, top + side)
    return _squares([_resized(image, (settings.size, settings.size), settings, box)])


def load_random(source: images.Source, settings: Preprocess, rng: np.random.Generator) -> NDArray[np.float32]:
    """The crop of ``random_pixels``, normalised: (1, 3, size, size). Raises ImageError."""
    return normalised(random_pixels(source, settings, rng), settings)


def normalised(crops: NDArray[np.uint8], settings: Preprocess) -> NDArray[np.float32]:
    """Crops (c, h, w, 3) of 0 to 255 as a network takes them: (c, 3, h, w), less the mean, over the deviation."""
    count, height, width, channels = crops.shape
    array = np.empty((count, channels, height, width), np.float32)
    for channel, (mean, std) in enumerate(zip(settings.mean, settings.std, strict=True)):
        np.multiply(crops[..., channel], np.float32(1 / (255 * std)), out=array[:, channel], dtype=np.float32)
        array[:, channel] -= np.float32(mean / std)
    return array


def _windows(width: int, height: int, settings: Preprocess) -> list[tuple[int, int]]:
    """Left and top of each crop in the resized picture."""
    spare = [width - settings.size, height - settings.size]
    along = 0 if spare[0] >= spare[1] else 1
    count = settings.crops if max(width, height) > _ALREADY_SQUARE * min(width, height) else 1
    offsets = [spare[along] // 2] if count == 1 else np.linspace(0, spare[along], count).round().astype(int).tolist()
    return [(offset, spare[1] // 2) if along == 0 else (spare[0] // 2, offset) for offset in offsets]


def _resized(image: Image.Image, size: tuple[int, int], settings: Preprocess, box: tuple | None) -> Image.Image:
    return image.resize(size, _FILTERS[settings.interpolation], box=box, reducing_gap=3.0)


def _squares(crops: list[Image.Image]) -> NDArray[np.uint8]:
    return np.stack([np.asarray(crop) for crop in crops])
