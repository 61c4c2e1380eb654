"""Pictures without anything to see: what counts as one, what never does, and what every model answers for them."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from whereshot.locate.geolocator import Geolocator
from whereshot.locate.options import LocateOptions
from whereshot.photos import emptiness, images


def noise(width: int, height: int, deviation: float = 60.0, seed: int = 0) -> Image.Image:
    """Independent grey values around the middle, the same in all channels."""
    grey = np.random.default_rng(seed).normal(128, deviation, (height, width, 1))
    return Image.fromarray(np.repeat(np.clip(grey, 0, 255), 3, axis=2).astype(np.uint8))


def jpeg(image: Image.Image, quality: int = 90) -> bytes:
    held = io.BytesIO()
    image.save(held, "JPEG", quality=quality)
    return held.getvalue()


EMPTY = {
    "black": Image.new("RGB", (640, 480)),
    "one colour": Image.new("RGB", (300, 400), (200, 40, 90)),
    "a lens cap": noise(900, 700, 3.0),
    "noise": noise(640, 480),
    "noise of millions of pixels": noise(2000, 1500),
    "noise of a few pixels": noise(40, 40),
    "one pixel": Image.new("RGB", (1, 1), "red"),
    "a line": Image.new("RGB", (400, 2), "red"),
}


@pytest.mark.parametrize("name", EMPTY)
def test_what_is_empty(name: str) -> None:
    assert emptiness.is_empty(EMPTY[name])
    assert emptiness.is_empty(images.open_rgb(jpeg(EMPTY[name]), min_side=64))


def test_lamps_in_the_dark_are_not() -> None:
    night = Image.new("RGB", (640, 480))
    for left in (80, 300, 520):
        ImageDraw.Draw(night).ellipse((left, 100, left + 14, 114), fill=(255, 240, 200))
    assert not emptiness.is_empty(night)


def test_a_wall_that_is_lit_from_one_side_is_not(rng: np.random.Generator) -> None:
    wall = np.linspace(180, 192, 640)[None, :, None] + rng.normal(0, 6, (480, 640, 3))
    assert not emptiness.is_empty(Image.fromarray(wall.astype(np.uint8)))


@settings(deadline=None, max_examples=40)
@given(st.integers(8, 300), st.integers(8, 300), st.integers(0, 255), st.integers(0, 2**31))
def test_one_colour_is_empty_at_any_size(width: int, height: int, grey: int, seed: int) -> None:
    assert emptiness.is_empty(Image.new("RGB", (width, height), (grey, grey, grey)))
    if min(width, height) >= 48:
        assert emptiness.is_empty(noise(width, height, seed=seed))
        slope = np.linspace(0, 60, height)[:, None, None] + np.zeros((height, width, 3))
        assert not emptiness.is_empty(Image.fromarray(slope.astype(np.uint8)))


def test_no_real_photo_is_empty_nor_dark_nor_in_fog(shared: Path) -> None:
    photos = sorted((shared / "data" / "photos" / "test_a").iterdir())
    photos += sorted((shared / "data" / "photos" / "sunsets").iterdir())
    wrong = []
    for path in photos:
        image = images.open_rgb(path, min_side=64)
        dark = image.point(lambda value: value // 10)
        fog = image.point(lambda value: 190 + value // 10)
        wrong += [path.name for one in (image, dark, fog) if emptiness.is_empty(one)]
    assert len(photos) > 150 and not wrong


@pytest.mark.parametrize("kind", ["compact", "prior", "learned", "trained"])
def test_every_model_leaves_an_empty_picture_to_the_prior(
    kind: str, tiny_learned: Path, tiny: Path, tiny_model: Path
) -> None:
    locator = Geolocator.load({"learned": tiny_learned, "trained": tiny_model}.get(kind, kind))
    known = str(tiny / "lima-0.png")
    found = list(
        locator.locate_each(
            [jpeg(EMPTY["black"]), known, EMPTY["noise"], EMPTY["one pixel"]], LocateOptions(text=False)
        )
    )
    for row in (0, 2, 3):
        told = found[row].prediction
        assert [one.means for one in told.evidence] == ["nothing to see in this picture"]
        assert told.evidence[0].kind == "picture" and told.confident_to is None
        assert found[row].posterior is locator.prior
    assert found[1].prediction.evidence == ()
    (explained,) = [locator.explain(EMPTY["black"], LocateOptions(text=False))]
    assert explained.not_a_photo == emptiness.NOTHING and explained.posterior is locator.prior
    posterior, rows, errors = locator.posterior([EMPTY["black"], known])
    assert rows.tolist() == [0, 1] and errors == {}
    lima = [[-12.05, -77.04]]
    prior = locator.prior.mass_within(lima, 25.0)
    assert posterior[0].mass_within(lima, 25.0) == pytest.approx(prior, rel=1e-6)
    if kind in ("learned", "trained"):
        assert posterior[1].mass_within(lima, 25.0) > 5 * prior
