"""Change a crop, uint8 (h, w, 3), as another camera or hour would have; for training only.

All is off by default. Everything drawn comes from the generator that is given, so that what depends on (seed, epoch,
row) alone repeats bit for bit. Pillow and OpenCV compute; timm's own transforms draw from one generator of the process
and need torch in every process that loads.
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
"""What RandAugment's solarisation adds at most: more leaves nothing of the picture."""


class RandAugmentSettings(Settings):
    """RandAugment on keras_cv's scale (Cubuk et al. 2020; keras_cv.layers.RandAugment 0.9).

    ``operations`` times, with probability ``rate``, one of OPERATIONS is applied, each as likely as the others. Where
    it has a strength, that is normal around ``magnitude`` with deviation ``deviation``, cut to 0..1, or uniform up to
    ``magnitude`` (see OPERATIONS). The published 2 and 0.15 keep keras_cv's defaults for the rest.
    """

    operations: int = Field(2, ge=1, le=10)
    magnitude: float = Field(0.15, ge=0, le=1)
    deviation: float = Field(0.15, ge=0, le=1)
    rate: float = Field(10 / 11, gt=0, le=1)
    geometric: bool = True
    """Whether shears and shifts are among the operations."""


class AugmentSettings(Settings):
    """What training does to its crops, in this order: crop, flips, rotation, RandAugment, colours, blur."""

    crop: RandomCrop = RandomCrop()
    flip: float = Field(0.0, ge=0, le=1)
    """Probability of a mirror image, which turns text and the side of the road: leave it at 0 for places."""
    flip_vertical: float = Field(0.0, ge=0, le=1)
    rotation_degrees: float = Field(0.0, ge=0, le=180)
    """Turned by up to so much either way, the corners filled by reflection."""
    rand_augment: RandAugmentSettings | None = None
    brightness: float = Field(0.0, ge=0, le=1)
    """Multiplied by 1 - brightness to 1 + brightness; contrast and saturation likewise."""
    contrast: float = Field(0.0, ge=0, le=1)
    saturation: float = Field(0.0, ge=0, le=1)
    hue: float = Field(0.0, ge=0, le=0.5)
    """Turned by up to this share of the circle of colours."""
    blur: float = Field(0.0, ge=0, le=1)
    """Probability of a Gaussian blur."""
    blur_px: tuple[float, float] = (0.1, 2.0)
    """Its deviation, from and to."""

    @model_validator(mode="after")
    def _ordered(self) -> AugmentSettings:
        low, high = self.blur_px
        if not 0 < low <= high:
            raise ValueError(f"blur_px must go from above 0 up; got {low:g} to {high:g}")
        return self


def apply(crop: Pixels, settings: AugmentSettings, rng: np.random.Generator) -> Pixels:
    """A crop (h, w, 3), changed as ``settings`` say; nothing is drawn for what is off."""
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
    """A crop after RandAugment."""
    names = [name for name in OPERATIONS if settings.geometric or name not in GEOMETRIC]
    for _ in range(settings.operations):
        if rng.random() <= settings.rate:
            crop = OPERATIONS[names[rng.integers(len(names))]](crop, settings, rng)
    return crop


def _normal(settings: RandAugmentSettings, rng: np.random.Generator) -> float:
    """A strength around the magnitude, from 0 to 1."""
    return float(np.clip(rng.normal(settings.magnitude, settings.deviation), 0.0, 1.0))


def _sign(rng: np.random.Generator) -> float:
    return 1.0 if rng.random() < 0.5 else -1.0


def _auto_contrast(crop: Pixels, settings: RandAugmentSettings, rng: np.random.Generator) -> Pixels:
    return np.asarray(ImageOps.autocontrast(Image.fromarray(crop)))


def _equalize(crop: Pixels, settings: RandAugmentSettings, rng: np.random.Generator) -> Pixels:
    return np.asarray(ImageOps.equalize(Image.fromarray(crop)))


def _solarize(crop: Pixels, settings: RandAugmentSettings, rng: np.random.Generator) -> Pixels:
    """Up to 110 is added, and what is then as light as the threshold, 255 (1 - strength), is inverted."""
    added = _normal(settings, rng) * _MOST_ADDED
    threshold = 255 * float(np.clip(rng.normal(1 - settings.magnitude, settings.deviation), 0.0, 1.0))
    values = np.clip(np.arange(256) + added, 0, 255)
    return _looked_up(crop, np.where(values < threshold, values, 255 - values))


def _color(crop: Pixels, settings: RandAugmentSettings, rng: np.random.Generator) -> Pixels:
    return _saturated(crop, 1 - _normal(settings, rng))


def _contrast(crop: Pixels, settings: RandAugmentSettings, rng: np.random.Generator) -> Pixels:
    """Each channel around its own mean."""
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
    """Every value replaced by that of a table (256,), or one a channel, (256, 1, 3)."""
    return _pixels(cv2.LUT(crop, np.clip(np.rint(table), 0, 255).astype(np.uint8)))


def _pixels(made: cv2.typing.MatLike) -> Pixels:
    """What OpenCV made of bytes is bytes; its own types do not say so."""
    return np.asarray(made, np.uint8)


def _brighter(crop: Pixels, factor: float) -> Pixels:
    return _looked_up(crop, np.arange(256) * factor)


def _contrasted(crop: Pixels, factor: float) -> Pixels:
    """Around the mean of the grey picture, as Pillow's and torchvision's."""
    mean = float(cv2.cvtColor(np.ascontiguousarray(crop), cv2.COLOR_RGB2GRAY).mean())
    return _looked_up(crop, (np.arange(256) - mean) * factor + mean)


def _saturated(crop: Pixels, factor: float) -> Pixels:
    """``factor`` of the picture and the rest of its grey one."""
    crop = np.ascontiguousarray(crop)
    grey = cv2.cvtColor(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    return _pixels(cv2.addWeighted(crop, factor, grey, 1 - factor, 0))


def _hued(crop: Pixels, turn: float) -> Pixels:
    colours = cv2.cvtColor(np.ascontiguousarray(crop), cv2.COLOR_RGB2HSV_FULL)
    colours[..., 0] += np.uint8(round(turn * 256) % 256)  # wraps round, as hues do
    return _pixels(cv2.cvtColor(colours, cv2.COLOR_HSV2RGB_FULL))


def _rotated(crop: Pixels, degrees: float) -> Pixels:
    height, width = crop.shape[:2]
    return _warped(crop, cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1.0))


def _warped(crop: Pixels, matrix: Sequence[Sequence[float]] | NDArray[np.floating | np.integer]) -> Pixels:
    """The crop moved by a matrix (2, 3), what comes in from outside being a reflection."""
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
