"""Pictures with a known surface: every object is drawn, inside the photo, the same for the same seed."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageChops

from whereshot.evidence.base import SURFACES
from whereshot.foundation.errors import InputError
from whereshot.training.drawn_surfaces import OBJECTS, draw

PHOTO = Image.new("RGB", (1000, 750), (100, 110, 120))


@pytest.mark.parametrize("surface", list(OBJECTS))
def test_an_object_is_drawn_where_its_text_box_is(surface: str) -> None:
    for seed in range(3):
        picture, (left, top, right, bottom) = draw(surface, ["Bakery", "Open"], PHOTO, np.random.default_rng(seed))
        assert picture.size == PHOTO.size
        assert 0 <= left < right <= 1000 and 0 <= top < bottom <= 750
        changed = np.asarray(ImageChops.difference(picture, PHOTO)).max(axis=2) > 40
        assert changed[top:bottom, left:right].mean() > changed.mean() > 0


def test_every_surface_is_drawn_and_the_same_seed_draws_the_same() -> None:
    assert set(OBJECTS) == set(SURFACES)
    one, other = (draw("package", ["Milk"], PHOTO, np.random.default_rng(5)).picture for _ in range(2))
    assert one.tobytes() == other.tobytes()


def test_an_unknown_surface_is_named() -> None:
    with pytest.raises(InputError, match="no object is drawn for the surface 'cloud'; expected one of sign, vehicle"):
        draw("cloud", ["x"], PHOTO, np.random.default_rng(0))
