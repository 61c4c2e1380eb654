"""Augmentation: nothing by default, what keras_cv does at its scale, and the same bits from the same numbers."""

from __future__ import annotations

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from whereshot.foundation import settings_file
from whereshot.foundation.errors import ConfigError
from whereshot.photos import augment, preprocess
from whereshot.photos.augment import OPERATIONS, AugmentSettings, RandAugmentSettings
from whereshot.photos.preprocess import Preprocess, RandomCrop

EXACT = RandAugmentSettings(magnitude=0.15, deviation=0.0, rate=1.0)
"""No spread: strengths are the magnitude itself."""


@pytest.fixture
def crop(rng: np.random.Generator) -> NDArray[np.uint8]:
    """Smooth colours over a part of the range, which no operation leaves as it is."""
    y, x = np.mgrid[0:48, 0:48]
    channels = [60 + 2 * x, 30 + 2 * y + x, 200 - x - y]
    return (np.stack(channels, axis=-1) + rng.integers(0, 8, (48, 48, 3))).astype(np.uint8)


def changed(crop: NDArray, seed: int = 0, **settings: object) -> NDArray[np.uint8]:
    return augment.apply(crop, AugmentSettings.model_validate(settings), np.random.default_rng(seed))


def test_by_default_nothing_happens_and_nothing_is_drawn(crop: NDArray) -> None:
    rng, untouched = np.random.default_rng(3), np.random.default_rng(3)
    np.testing.assert_array_equal(augment.apply(crop, AugmentSettings(), rng), crop)
    assert rng.bit_generator.state == untouched.bit_generator.state


@pytest.mark.parametrize(
    "settings",
    [
        {"flip": 1},
        {"flip_vertical": 1},
        {"rotation_degrees": 20},
        {"rand_augment": {}},
        {"brightness": 0.4},
        {"contrast": 0.4},
        {"saturation": 0.4},
        {"hue": 0.2},
        {"blur": 1},
    ],
)
def test_what_is_on_changes_the_crop_and_repeats(crop: NDArray, settings: dict) -> None:
    one, same = changed(crop, 5, **settings), changed(crop, 5, **settings)
    assert one.shape == crop.shape and one.dtype == np.uint8 and one.flags.c_contiguous
    np.testing.assert_array_equal(one, same)
    assert np.abs(one.astype(int) - crop).mean() > 0.5


def test_flips_are_exact_and_as_often_as_asked(crop: NDArray) -> None:
    np.testing.assert_array_equal(changed(crop, flip=1), crop[:, ::-1])
    np.testing.assert_array_equal(changed(crop, flip_vertical=1), crop[::-1])
    flipped = sum(bool((changed(crop, seed, flip=0.25) != crop).any()) for seed in range(400))
    assert 70 < flipped < 130


def test_half_a_turn_is_both_flips(crop: NDArray) -> None:
    np.testing.assert_array_equal(augment._rotated(crop, 180.0), crop[::-1, ::-1])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("brightness", lambda v, u: v + 255 * (0.3 * u - 0.15)),
        ("contrast", lambda v, u: (v - v.mean((0, 1))) * (0.85 + 0.3 * u) + v.mean((0, 1))),
        ("color", lambda v, u: 0.85 * v + 0.15 * (v @ [0.299, 0.587, 0.114])[..., None]),
        ("solarize", lambda v, u: np.where(v + 16.5 < 216.75, v + 16.5, 255 - np.minimum(v + 16.5, 255))),
        ("auto_contrast", lambda v, u: (v - v.min((0, 1))) * 255 / (v.max((0, 1)) - v.min((0, 1)))),
    ],
)
def test_colour_operations_are_those_of_keras_cv(crop: NDArray, name: str, expected) -> None:  # type: ignore[no-untyped-def]
    """Against the formulas of its layers in float64, for the one number that they draw."""
    drawn = np.random.default_rng(11).random()
    found = OPERATIONS[name](crop, EXACT, np.random.default_rng(11))
    np.testing.assert_allclose(found, np.clip(expected(crop.astype(float), drawn), 0, 255), atol=1.01)


def test_equalize_spreads_values_evenly(crop: NDArray) -> None:
    found = OPERATIONS["equalize"](crop, EXACT, np.random.default_rng(0))
    for channel in range(3):
        shares = np.histogram(found[..., channel], bins=4, range=(0, 256))[0] / found[..., channel].size
        np.testing.assert_allclose(shares, 0.25, atol=0.05)


@pytest.mark.parametrize(("name", "axis"), [("shear_x", 1), ("shear_y", 0), ("translate_x", 1), ("translate_y", 0)])
def test_geometric_operations_move_by_the_magnitude(name: str, axis: int) -> None:
    """A bright line across the movement: where it is after it, row by row."""
    crop = np.zeros((200, 200, 3), np.uint8)
    crop[(slice(None), slice(98, 102)) if axis else (slice(98, 102), slice(None))] = 255
    moved = []
    for seed in range(40):
        found = OPERATIONS[name](crop, EXACT, np.random.default_rng(seed))[..., 0].astype(float)
        found = found if axis else found.T
        places = (found * np.arange(200)).sum(1) / found.sum(1)
        if name.startswith("shear"):
            moved.append((places[150] - places[50]) / 100)
        else:
            assert np.ptp(places) < 0.1
            moved.append((places[100] - 99.5) / 200)
    if name.startswith("shear"):  # by the magnitude, either way
        np.testing.assert_allclose(np.abs(moved), 0.15, atol=0.01)
        assert min(moved) < 0 < max(moved)
    else:  # anywhere up to it
        assert -0.151 < min(moved) < -0.1 and 0.1 < max(moved) < 0.151


def test_every_operation_is_drawn_and_the_rate_leaves_some_out(crop: NDArray, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[str] = []
    for name in OPERATIONS:
        monkeypatch.setitem(OPERATIONS, name, lambda crop, settings, rng, name=name: drawn.append(name) or crop)
    settings, rng = RandAugmentSettings(), np.random.default_rng(2)
    for _ in range(1100):
        augment.rand_augment(crop, settings, rng)
    counts = {name: drawn.count(name) for name in OPERATIONS}
    assert sum(counts.values()) == pytest.approx(2000, abs=60)  # 2200 times 10 / 11
    assert min(counts.values()) > 150 and max(counts.values()) < 250
    drawn.clear()
    for _ in range(200):
        augment.rand_augment(crop, settings.model_copy(update={"geometric": False}), rng)
    assert drawn and not augment.GEOMETRIC & set(drawn)


def test_a_third_of_the_circle_makes_red_green() -> None:
    red = np.full((4, 4, 3), (250, 5, 5), np.uint8)
    np.testing.assert_allclose(augment._hued(red, 1 / 3)[0, 0], (5, 250, 5), atol=8)
    np.testing.assert_allclose(augment._hued(red, -1 / 3)[0, 0], (5, 5, 250), atol=8)


# --- random crops


def boxes(crop: RandomCrop, picture: tuple[int, int] = (600, 300)) -> NDArray:
    """Left, top, right, bottom (200, 4) of random crops."""
    views = []
    for seed in range(200):
        drawn = preprocess.draw_crop(crop, np.random.default_rng(seed))
        views.append(preprocess.random_view(picture, Preprocess(), drawn).box)
    return np.array(views)


def test_crops_have_the_share_of_the_side_that_is_asked_for() -> None:
    found = boxes(RandomCrop(share=(0.8, 0.9)))
    width, height = found[:, 2] - found[:, 0], found[:, 3] - found[:, 1]
    np.testing.assert_allclose(width, height)
    assert 240 <= width.min() < 242 and 268 < width.max() <= 270
    assert found[:, 0].min() < 10 and found[:, 2].max() > 590


def test_crops_have_the_area_and_the_shape_that_is_asked_for() -> None:
    found = boxes(RandomCrop(area=(0.1, 0.3), aspect=(0.75, 4 / 3)))
    width, height = found[:, 2] - found[:, 0], found[:, 3] - found[:, 1]
    area, aspect = width * height / (600 * 300), width / height
    assert 0.1 <= area.min() < 0.12 and 0.28 < area.max() <= 0.3
    assert 0.75 <= aspect.min() < 0.78 and 1.28 < aspect.max() <= 4 / 3 + 1e-9
    assert abs(np.log(aspect).mean()) < 0.05
    whole = boxes(RandomCrop(area=(1.0, 1.0)))  # a square cannot have it all: as high as the picture
    np.testing.assert_allclose(whole[:, 3] - whole[:, 1], 300)
    assert (found >= 0).all() and (whole[:, 2] <= 600).all()


def test_a_small_crop_is_decoded_at_a_size_that_leaves_it_sharp(rng: np.random.Generator) -> None:
    """Like the same crop of the whole JPEG, which a decode at a reduced scale would blur."""
    picture = Image.fromarray(rng.integers(0, 256, (300, 400, 3), dtype=np.uint8)).resize((1600, 1200))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=95)
    crop, settings = RandomCrop(area=(0.02, 0.02), aspect=(0.5, 2.0)), Preprocess(size=96, resize=96)
    contrast = []
    for source in (buffer.getvalue(), Image.open(buffer).convert("RGB")):
        pixels = preprocess.random_pixels(source, settings, np.random.default_rng(1), crop)[0].astype(float)
        contrast.append(np.abs(np.diff(pixels, axis=1)).mean())
    assert contrast[0] > 0.98 * contrast[1]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"crop": {"share": [0.9, 0.5]}}, "share must go from at least 0.01 up to at most 1; got 0.9 to 0.5"),
        ({"crop": {"area": [0, 1]}}, "area must go from at least 0.01 up to at most 1; got 0 to 1"),
        ({"crop": {"aspect": [1, 20]}}, "aspect must go from at least 0.01 up to at most 10; got 1 to 20"),
        ({"flip": 2}, "'flip': input should be less than or equal to 1; got 2"),
        (
            {"rand_augment": {"magnitude": 5}},
            "'rand_augment.magnitude': input should be less than or equal to 1; got 5",
        ),
        ({"blur_px": [2.0, 0.1]}, "blur_px must go from above 0 up; got 2 to 0.1"),
        ({"flipp": 1}, "unknown key 'flipp'; did you mean 'flip'?"),
    ],
)
def test_settings_that_make_no_sense(given: dict, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        settings_file.parse(given, AugmentSettings, name="augment")
    assert said in str(caught.value) and "\n" not in str(caught.value)
