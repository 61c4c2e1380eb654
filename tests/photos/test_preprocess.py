"""Crops: how many, where, how normalised; the same for every lossless format; odd shapes."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from whereshot.foundation import settings_file
from whereshot.foundation.errors import ConfigError, ImageError
from whereshot.photos import preprocess
from whereshot.photos.preprocess import Preprocess

RAW = {"mean": (0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0)}
"""Settings that leave values in [0, 1]."""


def ramp(width: int, height: int) -> Image.Image:
    """Red is the horizontal position, green the vertical one, from 0 to 255; blue is 128."""
    red = np.broadcast_to(np.linspace(0, 255, width), (height, width))
    green = np.broadcast_to(np.linspace(0, 255, height)[:, None], (height, width))
    return Image.fromarray(np.stack([red, green, np.full_like(red, 128)], axis=-1).round().astype(np.uint8))


def load_random(photo: Path | Image.Image, settings: Preprocess, rng: np.random.Generator) -> NDArray[np.float32]:
    """The random crop of training as a network takes it."""
    return preprocess.normalised(preprocess.random_pixels(photo, settings, rng), settings)


def centers(crops: NDArray) -> list[tuple[float, float]]:
    """Mean red and green of each crop: where its centre is, as shares of the width and height."""
    return [(float(crop[0].mean()), float(crop[1].mean())) for crop in crops]


@pytest.mark.parametrize(
    ("size", "crops", "expected"),
    [
        ((400, 100), 1, [(0.5, 0.5)]),
        ((400, 100), 3, [(0.125, 0.5), (0.5, 0.5), (0.875, 0.5)]),
        ((100, 400), 3, [(0.5, 0.125), (0.5, 0.5), (0.5, 0.875)]),
        ((200, 100), 2, [(0.25, 0.5), (0.75, 0.5)]),
        ((300, 100), 5, [(1 / 6, 0.5), (1 / 3, 0.5), (0.5, 0.5), (2 / 3, 0.5), (5 / 6, 0.5)]),
        ((100, 100), 5, [(0.5, 0.5)]),
        ((105, 100), 3, [(0.5, 0.5)]),  # nearly square: one crop sees all
        ((100, 104), 3, [(0.5, 0.5)]),
        ((110, 100), 2, [(100 / 220, 0.5), (120 / 220, 0.5)]),
    ],
)
def test_where_the_crops_are(size: tuple[int, int], crops: int, expected: list[tuple[float, float]]) -> None:
    array = preprocess.load(ramp(*size), Preprocess(size=64, resize=64, crops=crops, **RAW))
    assert array.shape == (len(expected), 3, 64, 64)
    assert array.dtype == np.float32 and array.flags.c_contiguous
    np.testing.assert_allclose(centers(array), expected, atol=0.015)


def test_a_crop_smaller_than_the_resize_is_the_middle() -> None:
    array = preprocess.load(ramp(128, 128), Preprocess(size=64, resize=128, **RAW))
    assert array[0, 0].min() == pytest.approx(0.25, abs=0.01) and array[0, 0].max() == pytest.approx(0.75, abs=0.01)
    assert array[0, 1].min() == pytest.approx(0.25, abs=0.01) and array[0, 1].max() == pytest.approx(0.75, abs=0.01)


def test_crops_of_a_smaller_size_slide_along_the_longer_side_only() -> None:
    array = preprocess.load(ramp(256, 128), Preprocess(size=64, resize=128, crops=2, **RAW))
    np.testing.assert_allclose(centers(array), [(0.125, 0.5), (0.875, 0.5)], atol=0.01)


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_constant_pictures_are_normalised_exactly(interpolation: str) -> None:
    chosen = Preprocess(size=32, resize=40, crops=3, interpolation=interpolation)  # type: ignore[arg-type]
    array = preprocess.load(Image.new("RGB", (300, 90), (51, 102, 255)), chosen)
    expected = [(0.2 - 0.485) / 0.229, (0.4 - 0.456) / 0.224, (1.0 - 0.406) / 0.225]
    for channel, value in enumerate(expected):
        np.testing.assert_allclose(array[:, channel], value, rtol=1e-5)


@settings(max_examples=60, deadline=None)
@given(
    width=st.integers(1, 700),
    height=st.integers(1, 700),
    size=st.integers(16, 40),
    more=st.integers(0, 20),
    crops=st.integers(1, 5),
)
def test_any_shape_is_filled_to_the_border(width: int, height: int, size: int, more: int, crops: int) -> None:
    """No black rim: of a white picture every value is 1."""
    chosen = Preprocess(size=size, resize=size + more, crops=crops, **RAW)
    array = preprocess.load(Image.new("RGB", (width, height), "white"), chosen)
    assert array.shape == (crops if max(width, height) > 1.1 * min(width, height) else len(array), 3, size, size)
    assert array.min() == 1 == array.max()
    random = load_random(Image.new("RGB", (width, height), "white"), chosen, np.random.default_rng(0))
    assert random.shape == (1, 3, size, size)
    assert random.min() == 1 == random.max()


@pytest.mark.parametrize("size", [(1, 1), (1, 60_000), (60_000, 1), (20_000, 2), (3, 5000)])
def test_slim_pictures_take_no_more_memory_than_others(size: tuple[int, int]) -> None:
    """Enlarged as a whole the second would have 3 gigapixels."""
    array = preprocess.load(Image.new("RGB", size, "white"), Preprocess(crops=3, **RAW))
    assert array.shape == (1 if size == (1, 1) else 3, 3, 224, 224)
    assert array.min() == 1 == array.max()


def test_the_middle_of_a_slim_picture_is_seen() -> None:
    array = preprocess.load(ramp(3200, 10), Preprocess(size=32, resize=32, crops=3, **RAW))
    np.testing.assert_allclose([red for red, _ in centers(array)], [0.4766, 0.5, 0.5234], atol=0.005)


def test_every_lossless_format_gives_the_same_array(tmp_path: Path, rng: np.random.Generator) -> None:
    picture = Image.fromarray(rng.integers(0, 256, (90, 170, 3), dtype=np.uint8))
    chosen = Preprocess(size=48, resize=56, crops=3)
    expected = preprocess.load(picture, chosen)
    for name, options in {
        "a.png": {},
        "a.bmp": {},
        "a.tiff": {},
        "a.webp": {"lossless": True, "exact": True},
    }.items():
        path = tmp_path / name
        picture.save(path, **options)
        np.testing.assert_array_equal(preprocess.load(path, chosen), expected, err_msg=name)
        np.testing.assert_array_equal(preprocess.load(str(path), chosen), expected)
        np.testing.assert_array_equal(preprocess.load(path.read_bytes(), chosen), expected)
        np.testing.assert_array_equal(
            load_random(path, chosen, np.random.default_rng(5)),
            load_random(picture, chosen, np.random.default_rng(5)),
        )


def test_a_jpeg_decoded_at_a_reduced_scale_is_nearly_the_same() -> None:
    picture = ramp(1600, 1200)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=95)
    chosen = Preprocess(size=96, resize=96, crops=3, **RAW)
    difference = np.abs(preprocess.load(buffer.getvalue(), chosen) - preprocess.load(picture, chosen))
    assert difference.max() < 0.03 and difference.mean() < 0.006


def test_the_turn_in_exif_is_obeyed(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turn right by 90 degrees to show
    ramp(200, 100).save(tmp_path / "a.png", exif=exif)
    array = preprocess.load(tmp_path / "a.png", Preprocess(size=32, resize=32, crops=3, **RAW))
    # what was left is above now: red grows downward, from crop to crop
    np.testing.assert_allclose([red for red, _ in centers(array)], [0.25, 0.5, 0.75], atol=0.02)


# --- random crops


def test_random_crops_repeat_with_the_seed_and_differ_without() -> None:
    picture, chosen = ramp(500, 300), Preprocess(size=32, resize=32)
    one, same, other = (load_random(picture, chosen, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert one.shape == (1, 3, 32, 32) and one.dtype == np.float32
    assert np.abs(one - other).max() > 0.1


def test_random_crops_are_squares_of_half_the_shorter_side_to_all_of_it_everywhere() -> None:
    chosen = Preprocess(size=32, resize=32, **RAW)
    picture = ramp(600, 300)
    drawn = [load_random(picture, chosen, np.random.default_rng(seed))[0] for seed in range(200)]
    width = np.array([(crop[0].max() - crop[0].min()) * 600 for crop in drawn])
    height = np.array([(crop[1].max() - crop[1].min()) * 300 for crop in drawn])
    assert np.abs(width - height).max() < 16  # square, and upright
    assert 130 < height.min() < 160 and 280 < height.max() <= 300
    left = np.array([crop[0].min() for crop in drawn])
    right = np.array([crop[0].max() for crop in drawn])
    assert left.min() < 0.03 and right.max() > 0.97
    for crop in drawn:  # never mirrored, never upside down
        assert crop[0, :, -1].mean() > crop[0, :, 0].mean() and crop[1, -1].mean() > crop[1, 0].mean()


# --- settings and errors


def test_digest_changes_with_every_setting() -> None:
    changes: list[dict[str, Any]] = [
        {},
        {"size": 128},
        {"resize": 256},
        {"crops": 3},
        {"whole": True},
        {"interpolation": "bilinear"},
        {"mean": (0.5, 0.5, 0.5)},
        {"std": (0.5, 0.5, 0.5)},
    ]
    assert {next(iter(change), None) for change in changes} == {None, *Preprocess.model_fields}
    digests = [Preprocess(**change).digest() for change in changes]
    assert len(set(digests)) == len(digests)
    assert Preprocess(size=224).digest() == digests[0] and len(digests[0]) == 16


@pytest.mark.parametrize(
    ("given_", "message"),
    [
        (
            {"size": 300, "resize": 224},
            "run: resize 224 is smaller than size 300; got {'size': 300, 'resize': 224}",
        ),
        (
            {"crops": 3, "whole": True},
            "run: whole leaves nothing to crop; got crops 3; got {'crops': 3, 'whole': True}",
        ),
        ({"crops": 6}, "run: 'crops': input should be less than or equal to 5; got 6"),
        ({"crops": 0}, "run: 'crops': input should be greater than or equal to 1; got 0"),
        ({"size": 8}, "run: 'size': input should be greater than or equal to 16; got 8"),
        ({"interpolation": "nearest"}, "run: 'interpolation': input should be 'bilinear' or 'bicubic'; got 'nearest'"),
        ({"crop": 2}, "run: unknown key 'crop'; did you mean 'crops'?"),
    ],
)
def test_settings_that_make_no_sense(given_: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        settings_file.parse(given_, Preprocess, name="run")
    assert str(caught.value) == message


def test_unreadable_pictures_say_why(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"")
    for function in (
        lambda path: preprocess.load(path, Preprocess()),
        lambda path: load_random(path, Preprocess(), np.random.default_rng(0)),
    ):
        for name, problem in (("a.jpg", "the file is empty"), ("b.jpg", "no such file")):
            with pytest.raises(ImageError) as caught:
                function(tmp_path / name)
            assert str(caught.value) == f"{tmp_path / name}: {problem}"


@pytest.mark.parametrize(
    ("width", "height", "expected"),
    [
        (1024, 768, (288, 224)),
        (768, 1024, (224, 288)),
        (500, 500, (224, 224)),
        (4000, 500, (672, 224)),  # a panorama is squeezed, not cut
        (64, 4096, (224, 672)),
    ],
)
def test_whole_is_looked_at_uncut(width: int, height: int, expected: tuple[int, int]) -> None:
    settings = Preprocess(whole=True)
    assert preprocess.whole_size(width, height, settings) == expected
    crops = preprocess.load(Image.new("RGB", (width, height), (10, 200, 30)), settings)
    assert crops.shape == (1, 3, expected[1], expected[0])


def test_whole_sees_the_edges() -> None:
    """What stands at the very left and right is in the array: nothing is cut away."""
    picture = Image.new("RGB", (900, 300), (0, 0, 0))
    picture.paste((255, 0, 0), (0, 0, 60, 300))
    picture.paste((0, 0, 255), (840, 0, 900, 300))
    pixels = preprocess.pixels(picture, Preprocess(whole=True))[0]
    assert pixels[:, :10, 0].min() > 200 and pixels[:, -10:, 2].min() > 200
