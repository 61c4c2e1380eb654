"""Augment a crop, uint8 (h, w, 3), for training: change it as another camera or another hour of the day would.

Everything is off by default. All random numbers come from the given generator, so a crop that is drawn from (seed,
epoch, row) repeats bit for bit. Pillow and OpenCV do the work. timm's transforms are not used, because they draw from a
generator of the whole process and need torch in each loading process.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps
from pydantic import Field, model_validator

from whereshot.foundation.settings_file import Settings
from whereshot.photos.preprocess import RandomCrop

Pixels = NDArray[np.uint8]
_MOST_ADDED = 110.0
"""The most that RandAugment's solarisation adds; with more, the picture could not be recognised."""


class RandAugmentSettings(Settings):
    """RandAugment on keras_cv's scale (Cubuk et al. 2020; keras_cv.layers.RandAugment 0.9).

    In each of ``operations`` steps, with probability ``rate``, one of OPERATIONS is applied; all are equally likely.
    The strength of an operation is normal around ``magnitude`` with the standard deviation ``deviation``, clipped to 0
    to 1, or uniform up to ``magnitude`` (see OPERATIONS). Published are 2 operations and a magnitude of 0.15; the other
    values are the defaults of keras_cv.
    """

    operations: int = Field(2, ge=1, le=10)
    magnitude: float = Field(0.15, ge=0, le=1)
    deviation: float = Field(0.15, ge=0, le=1)
    rate: float = Field(10 / 11, gt=0, le=1)
    geometric: bool = True
    """Whether shears and shifts are among the operations."""


class AugmentSettings(Settings):
    """The augmentation of training crops, in this order: crop, flips, rotation, RandAugment, colours, blur."""

    crop: RandomCrop = RandomCrop()
    flip: float = Field(0.0, ge=0, le=1)
    """Probability of a mirror image. It mirrors text and the side of the road too, so leave it at 0 for places."""
    flip_vertical: float = Field(0.0, ge=0, le=1)
    rotation_degrees: float = Field(0.0, ge=0, le=180)
    """Largest rotation in degrees, in both directions; the corners are filled by reflection."""
    rand_augment: RandAugmentSettings | None = None
    brightness: float = Field(0.0, ge=0, le=1)
    """Brightness is multiplied by 1 - ``brightness`` to 1 + ``brightness``; contrast and saturation likewise."""
    contrast: float = Field(0.0, ge=0, le=1)
    saturation: float = Field(0.0, ge=0, le=1)
    hue: float = Field(0.0, ge=0, le=0.5)
    """Largest shift of the hue, as a share of the colour circle."""
    blur: float = Field(0.0, ge=0, le=1)
    """Probability of a Gaussian blur."""
    blur_px: tuple[float, float] = (0.1, 2.0)
    """Smallest and largest standard deviation of the blur in pixels."""

    @model_validator(mode="after")
    def _ordered(self) -> AugmentSettings:
        low, high = self.blur_px
        if not 0 < low <= high:
            raise ValueError(f"blur_px must go from above 0 up; got {low:g} to {high:g}")
        return self


def apply(crop: Pixels, settings: AugmentSettings, rng: np.random.Generator) -> Pixels:
    """Return the augmented crop (h, w, 3). Settings that are off draw no random numbers."""
    if settings.flip and rng.random() < settings.flip:
        crop = crop[:, ::-1]
    if settings.flip_vertical and rng.random() < settings.flip_vertical:
        crop = crop[::-1]
    if settings.rotation_degrees:
        crop = _rotated(crop, rng.uniform(-settings.rotation_degrees, settings.rotation_degrees))
    if settings.rand_augment is not None:
        crop = rand_augment(crop, settings.rand_augment, rng)
    for name, change in (("brightness", _brighter), ("contrast", _contrasted), ("saturation", _saturated)):
        most = getattr(settings, name)
        if most:
            crop = change(crop, rng.uniform(1 - most, 1 + most))
    if settings.hue:
        crop = _hued(crop, rng.uniform(-settings.hue, settings.hue))
    if settings.blur and rng.random() < settings.blur:
        crop = _pixels(cv2.GaussianBlur(np.ascontiguousarray(crop), (0, 0), rng.uniform(*settings.blur_px)))
    return np.ascontiguousarray(crop)


def rand_augment(crop: Pixels, settings: RandAugmentSettings, rng: np.random.Generator) -> Pixels:
    """Return a crop after RandAugment."""
    names = [name for name in OPERATIONS if settings.geometric or name not in GEOMETRIC]
    for _ in range(settings.operations):
        if rng.random() <= settings.rate:
            crop = OPERATIONS[names[rng.integers(len(names))]](crop, settings, rng)
    return crop


def _normal(settings: RandAugmentSettings, rng: np.random.Generator) -> float:
    """Draw a strength around the magnitude, from 0 to 1."""
    return float(np.clip(rng.normal(settings.magnitude, settings.deviation), 0.0, 1.0))


def _sign(rng: np.random.Generator) -> float:
    return 1.0 if rng.random() < 0.5 else -1.0


def _auto_contrast(crop: Pixels, settings: RandAugmentSettings, rng: np.random.Generator) -> Pixels:
    return np.asarray(ImageOps.autocontrast(Image.fromarray(crop)))


def _equalize(crop: Pixels, settings: RandAugmentSettings, rng: np.random.Generator) -> Pixels:
    return np.asarray(ImageOps.equalize(Image.fromarray(crop)))


def _solarize(crop: Pixels, settings: RandAugmentSettings, rng: np.random.Generator) -> Pixels:
    """Add up to 110, then invert the values that are at least the threshold 255 (1 - strength)."""
    added = _normal(settings, rng) * _MOST_ADDED
    threshold = 255 * float(np.clip(rng.normal(1 - settings.magnitude, settings.deviation), 0.0, 1.0))
    values = np.clip(np.arange(256) + added, 0, 255)
    return _looked_up(crop, np.where(values < threshold, values, 255 - values))


def _color(crop: Pixels, settings: RandAugmentSettings, rng: np.random.Generator) -> Pixels:
    return _saturated(crop, 1 - _normal(settings, rng))


def _contrast(crop: Pixels, settings: RandAugmentSettings, rng: np.random.Generator) -> Pixels:
    """Change the contrast of each channel around its own mean."""
    factor = rng.uniform(1 - settings.magnitude, 1 + settings.magnitude)
    tables = [(np.arange(256) - mean) * factor + mean for mean in crop.reshape(-1, 3).mean(axis=0)]
    return _looked_up(crop, np.stack(tables, axis=1)[:, None])


def _brightness(crop: Pixels, settings: RandAugmentSettings, rng: np.random.Generator) -> Pixels:
    return _looked_up(crop, np.arange(256) + 255 * rng.uniform(-settings.magnitude, settings.magnitude))


def _shear_x(crop: Pixels, settings: RandAugmentSettings, rng: np.random.Generator) -> Pixels:
    return _warped(crop, [[1, _normal(settings, rng) * _sign(rng), 0], [0, 1, 0]])


def _shear_y(crop: Pixels, settings: RandAugmentSettings, rng: np.random.Generator) -> Pixels:
    return _warped(crop, [[1, 0, 0], [_normal(settings, rng) * _sign(rng), 1, 0]])


def _translate_x(crop: Pixels, settings: RandAugmentSettings, rng: np.random.Generator) -> Pixels:
    return _warped(crop, [[1, 0, crop.shape[1] * rng.uniform(-settings.magnitude, settings.magnitude)], [0, 1, 0]])


def _translate_y(crop: Pixels, settings: RandAugmentSettings, rng: np.random.Generator) -> Pixels:
    return _warped(crop, [[1, 0, 0], [0, 1, crop.shape[0] * rng.uniform(-settings.magnitude, settings.magnitude)]])


OPERATIONS: dict[str, Callable[[Pixels, RandAugmentSettings, np.random.Generator], Pixels]] = {
    "auto_contrast": _auto_contrast,
    "equalize": _equalize,
    "solarize": _solarize,
    "color": _color,
    "contrast": _contrast,
    "brightness": _brightness,
    "shear_x": _shear_x,
    "shear_y": _shear_y,
    "translate_x": _translate_x,
    "translate_y": _translate_y,
}
"""keras_cv's standard policy. Strength s is normal, m the magnitude: solarize adds 110 s, threshold 255 (1 - s); color
leaves 1 - s of the saturation; shears move by s of a side, either way. Uniform: contrast 1 - m to 1 + m, brightness and
shifts -m to m of 255 or of a side. What is moved in from outside is a reflection; the first two have no strength."""

GEOMETRIC = frozenset({"shear_x", "shear_y", "translate_x", "translate_y"})


def _looked_up(crop: Pixels, table: NDArray[np.floating]) -> Pixels:
    """Replace each value by its entry in a table: (256,) for all channels, or (256, 1, 3) for each channel."""
    return _pixels(cv2.LUT(crop, np.clip(np.rint(table), 0, 255).astype(np.uint8)))


def _pixels(made: cv2.typing.MatLike) -> Pixels:
    """Return the result of OpenCV as uint8; OpenCV's types do not state that bytes stay bytes."""
    return np.asarray(made, np.uint8)


def _brighter(crop: Pixels, factor: float) -> Pixels:
    return _looked_up(crop, np.arange(256) * factor)


def _contrasted(crop: Pixels, factor: float) -> Pixels:
    """Change the contrast around the mean of the grey picture, as Pillow and torchvision do."""
    mean = float(cv2.cvtColor(np.ascontiguousarray(crop), cv2.COLOR_RGB2GRAY).mean())
    return _looked_up(crop, (np.arange(256) - mean) * factor + mean)


def _saturated(crop: Pixels, factor: float) -> Pixels:
    """Mix the picture, with the weight ``factor``, and its grey version, with the remaining weight."""
    crop = np.ascontiguousarray(crop)
    grey = cv2.cvtColor(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    return _pixels(cv2.addWeighted(crop, factor, grey, 1 - factor, 0))


def _hued(crop: Pixels, turn: float) -> Pixels:
    colours = cv2.cvtColor(np.ascontiguousarray(crop), cv2.COLOR_RGB2HSV_FULL)
    colours[..., 0] += np.uint8(round(turn * 256) % 256)  # hues are angles, so they wrap around
    return _pixels(cv2.cvtColor(colours, cv2.COLOR_HSV2RGB_FULL))


def _rotated(crop: Pixels, degrees: float) -> Pixels:
    height, width = crop.shape[:2]
    return _warped(crop, cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1.0))


def _warped(crop: Pixels, matrix: Sequence[Sequence[float]] | NDArray[np.floating | np.integer]) -> Pixels:
    """Transform the crop by an affine matrix (2, 3); pixels from outside are filled by reflection."""
    size = crop.shape[1::-1]
    return _pixels(
        cv2.warpAffine(
            np.ascontiguousarray(crop),
            np.asarray(matrix, np.float64),
            size,
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REFLECT,
        )
    )
