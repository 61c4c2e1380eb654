"""Turn an upright picture into the array that a network takes.

The settings are stored with the model's weights, so training, evaluation and answering prepare pictures in the same
way.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import Field, model_validator

from whereshot.foundation.settings_file import Settings
from whereshot.photos.photo import Photo, PhotoLike

_FILTERS = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}
SQUARE_RATIO = 1.05
"""Ratio of the longer to the shorter side up to which one crop shows the whole picture."""
LONGEST_RATIO = 16
"""Ratio of the longer to the shorter side beyond which only the middle of the picture is used."""
WHOLE_STRIDE = 32
"""Where a picture is used as a whole, both its sides become multiples of this, because networks divide them by it."""
WHOLE_LONGEST = 3
"""Ratio of the longer to the shorter side beyond which a picture that is used as a whole is squeezed."""


class Preprocess(Settings):
    """Resize the shorter side to ``resize`` pixels, cut ``crops`` squares of ``size`` along the longer side, normalise.

    With ``whole`` the picture is used once and uncut, with both sides rounded to multiples of 32; the network must take
    any size.
    """

    size: int = Field(224, ge=16, le=2048)
    resize: int = Field(224, ge=16, le=4096)
    crops: int = Field(1, ge=1, le=5)
    whole: bool = False
    interpolation: Literal["bilinear", "bicubic"] = "bicubic"
    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    std: tuple[float, float, float] = (0.229, 0.224, 0.225)

    @model_validator(mode="after")
    def _filled(self) -> Preprocess:
        if self.resize < self.size:
            raise ValueError(f"resize {self.resize} is smaller than size {self.size}")
        if self.whole and self.crops > 1:
            raise ValueError(f"whole leaves nothing to crop; got crops {self.crops}")
        return self

    def digest(self) -> str:
        """Return a short text that is different for different settings."""
        return hashlib.blake2b(self.model_dump_json().encode(), digest_size=8).hexdigest()


class RandomCrop(Settings):
    """The random part of a picture that training uses. It is then resized to a square.

    By default it is a square whose side is a random ``share`` of the shorter side. With ``area`` it has a random share
    of the picture's area instead, and with ``aspect`` a log-uniform ratio of width to height (Szegedy et al. 2015: area
    0.08 to 1, aspect 3/4 to 4/3). A crop that is not a square is squeezed into a square.
    """

    share: tuple[float, float] = (0.5, 1.0)
    area: tuple[float, float] | None = None
    aspect: tuple[float, float] | None = None

    @model_validator(mode="after")
    def _ordered(self) -> RandomCrop:
        for name, most in (("share", 1.0), ("area", 1.0), ("aspect", 10.0)):
            low, high = getattr(self, name) or (1.0, 1.0)
            if not (1 / 100 <= low <= high <= most):
                raise ValueError(f"{name} must go from at least 0.01 up to at most {most:g}; got {low:g} to {high:g}")
        return self


def load(photo: PhotoLike, settings: Preprocess) -> NDArray[np.float32]:
    """Return the crops (c, 3, size, size) of a picture, left to right or top to bottom. Raises ImageError.

    A nearly square picture has one crop, at the center; so has each picture with ``crops = 1``. With ``whole`` the
    result is (1, 3, h, w).
    """
    return normalised(pixels(photo, settings), settings)


def pixels(photo: PhotoLike, settings: Preprocess) -> NDArray[np.uint8]:
    """Return the crops of ``load`` before they are normalised: (c, size, size, 3), 0 to 255."""
    return crops_of(decode(photo, settings), settings)


def decode(photo: PhotoLike, settings: Preprocess) -> Image.Image:
    """Return the whole upright picture, large enough for ``crops_of``. Raises ImageError."""
    # 1.5 times the needed size: a picture that is decoded at the final size is less sharp than one that is resized
    return Photo.of(photo).rgb(min_side=settings.resize * 3 // 2)


def crops_of(image: Image.Image, settings: Preprocess) -> NDArray[np.uint8]:
    """Return the crops (c, size, size, 3) of a decoded picture, 0 to 255."""
    view = fixed_view(image.size, settings)
    return view.cut(np.asarray(image.resize(view.size, _FILTERS[settings.interpolation], view.box, reducing_gap=3.0)))


def random_pixels(
    photo: PhotoLike,
    settings: Preprocess,
    rng: np.random.Generator,
    crop: RandomCrop = RandomCrop(),  # noqa: B008
) -> NDArray[np.uint8]:
    """Return one random crop (1, size, size, 3) for training, resized to ``size``. Raises ImageError.

    It is never mirrored, because a mirror image mirrors text and the side of the road.
    """
    drawn = draw_crop(crop, rng)
    enough, sharp = max(2.0, 1 / drawn.least_share), 1.5 / drawn.least_share  # a small crop needs a larger picture
    image = Photo.of(photo).rgb(min_side=int(settings.size * min(enough, sharp)))
    view = random_view(image.size, settings, drawn)
    return view.cut(np.asarray(image.resize(view.size, _FILTERS[settings.interpolation], view.box, reducing_gap=3.0)))


@dataclass(frozen=True)
class View:
    """The parts of a picture that a network sees: ``box`` (left, top, right, bottom), resized to ``size``, then cut.

    ``size`` is (width, height). ``corners`` are the (left, top) of the square crops in the resized box, and ``crop`` is
    their side; None where nothing is cut.
    """

    box: tuple[float, float, float, float]
    size: tuple[int, int]
    corners: tuple[tuple[int, int], ...]
    crop: int | None

    def cut(self, resized: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the crops (c, crop, crop, 3) of the resized box (h, w, 3); (1, h, w, 3) where nothing is cut."""
        if self.crop is None:
            return resized[None]
        return np.stack([resized[top : top + self.crop, left : left + self.crop] for left, top in self.corners])


def fixed_view(picture: tuple[int, int], settings: Preprocess) -> View:
    """Return the view that is used for answers, of a picture of (width, height) pixels."""
    shorter, size = min(picture), settings.size
    left_over, top_over = (max(0, length - LONGEST_RATIO * shorter) // 2 for length in picture)
    spare, part = (left_over, top_over), (picture[0] - 2 * left_over, picture[1] - 2 * top_over)
    box = (*spare, picture[0] - left_over, picture[1] - top_over)
    if settings.whole:
        return View(box, whole_size(*part, settings), ((0, 0),), None)
    width, height = (max(settings.resize, round(length * settings.resize / shorter)) for length in part)
    corners = _corners(width, height, settings)
    across, down = part[0] / width, part[1] / height
    if len(corners) > 1:
        return View(box, (width, height), corners, size)
    left, top = corners[0]  # pixels outside a single crop need not be resized
    right, bottom = min(spare[0] + (left + size) * across, picture[0]), min(spare[1] + (top + size) * down, picture[1])
    return View((spare[0] + left * across, spare[1] + top * down, right, bottom), (size, size), ((0, 0),), size)


def whole_size(width: int, height: int, settings: Preprocess) -> tuple[int, int]:
    """Return the width and height to which a picture is resized where it is used as a whole."""
    scale = settings.resize / min(width, height)
    longest = settings.resize * WHOLE_LONGEST
    across, down = (
        max(1, round(min(length * scale, longest) / WHOLE_STRIDE)) * WHOLE_STRIDE for length in (width, height)
    )
    return across, down


class DrawnCrop(NamedTuple):
    """A random crop, independent of the picture: its size, its ratio of width to height, and its position, 0 to 1."""

    size: float
    """Share of the picture's shorter side, or of its area with ``of_area``."""
    aspect: float
    across: float
    down: float
    of_area: bool

    @property
    def least_share(self) -> float:
        """The least ratio of the crop's shorter side to the picture's shorter side."""
        side = math.sqrt(self.size) if self.of_area else self.size
        return side * math.sqrt(min(self.aspect, 1 / self.aspect))


def draw_crop(crop: RandomCrop, rng: np.random.Generator) -> DrawnCrop:
    """Draw the next random crop. Without ``aspect`` no random number is drawn for it."""
    size = rng.uniform(*(crop.area or crop.share))
    aspect = math.exp(rng.uniform(*np.log(crop.aspect))) if crop.aspect else 1.0
    return DrawnCrop(size, aspect, rng.random(), rng.random(), crop.area is not None)


def random_view(picture: tuple[int, int], settings: Preprocess, drawn: DrawnCrop) -> View:
    """Return the view of a random crop in a picture of (width, height) pixels; the crop is limited to the picture."""
    side = math.sqrt(drawn.size * picture[0] * picture[1]) if drawn.of_area else min(picture) * drawn.size
    stretch = math.sqrt(drawn.aspect)
    width, height = min(side * stretch, picture[0]), min(side / stretch, picture[1])
    left, top = (picture[0] - width) * drawn.across, (picture[1] - height) * drawn.down
    right, bottom = min(left + width, picture[0]), min(top + height, picture[1])
    return View((left, top, right, bottom), (settings.size, settings.size), ((0, 0),), settings.size)


def normalised(crops: NDArray[np.uint8], settings: Preprocess) -> NDArray[np.float32]:
    """Normalise crops (c, h, w, 3) of 0 to 255: subtract the mean, divide by the deviation, return (c, 3, h, w)."""
    count, height, width, channels = crops.shape
    array = np.empty((count, channels, height, width), np.float32)
    for channel, (mean, std) in enumerate(zip(settings.mean, settings.std, strict=True)):
        np.multiply(crops[..., channel], np.float32(1 / (255 * std)), out=array[:, channel], dtype=np.float32)
        array[:, channel] -= np.float32(mean / std)
    return array


def _corners(width: int, height: int, settings: Preprocess) -> tuple[tuple[int, int], ...]:
    """Return the left and top of each crop in the resized picture."""
    spare = [width - settings.size, height - settings.size]
    along = 0 if spare[0] >= spare[1] else 1
    count = settings.crops if max(width, height) > SQUARE_RATIO * min(width, height) else 1
    offsets = [spare[along] // 2] if count == 1 else np.linspace(0, spare[along], count).round().astype(int).tolist()
    return tuple((offset, spare[1] // 2) if along == 0 else (spare[0] // 2, offset) for offset in offsets)
