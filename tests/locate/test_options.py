"""Options of locating photos are checked when they are made."""

from __future__ import annotations

import dataclasses
import inspect
import json
import math
from typing import Any

import pytest

from whereshot.evidence.neighbours import AlbumModel
from whereshot.foundation.errors import InputError
from whereshot.locate.geolocator import Geolocator
from whereshot.locate.options import LocateOptions


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"top": 0}, "top must be at least 1; got 0"),
        ({"level": 1.0}, "level lies between 0 and 1; got 1"),
        ({"level": 0.0}, "level lies between 0 and 1; got 0"),
        ({"level": math.nan}, "level lies between 0 and 1; got nan"),
        ({"within_km": 0.0}, "within must be a positive number of km; got 0"),
        ({"within_km": math.nan}, "within must be a positive number of km; got nan"),
        ({"reader": "tess"}, "no reader 'tess'; did you mean 'tesseract'?"),
        ({"surface_shares": {"sign": 0.4}}, "the shares of the surfaces sum to 0.4; they must sum to 1"),
    ],
)
def test_values_out_of_range(values: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        LocateOptions(**values)
    assert str(caught.value) == message


def test_the_geolocator_takes_every_option_by_its_name_with_the_same_default() -> None:
    taken = {name: one.default for name, one in inspect.signature(Geolocator.locate).parameters.items()}
    for option in dataclasses.fields(LocateOptions):
        assert taken[option.name] == option.default


def test_plain_options_are_json_and_come_back() -> None:
    options = LocateOptions(top=2, within_km=25.0, text=False)
    assert LocateOptions(**json.loads(json.dumps(options.plain()))) == options
    with pytest.raises(InputError, match=r"^album cannot be used here; leave it out$"):
        LocateOptions(album=AlbumModel()).plain()


def test_options_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        LocateOptions().top = 3  # type: ignore[misc]  # this is what the test tries


def test_options_or_single_settings_but_not_both() -> None:
    locator = Geolocator.load("prior")
    with pytest.raises(InputError, match="give either options or single settings, not both"):
        locator.locate([None], LocateOptions(top=2), level=0.5)
    (prediction,) = locator.locate([None], LocateOptions(top=2))
    assert prediction.error is not None
