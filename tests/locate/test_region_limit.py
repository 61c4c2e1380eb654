"""An answer that the user limited to an area: the area is no finding, and text that contradicts it is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from whereshot.earth import areas
from whereshot.locate.geolocator import Geolocator
from whereshot.locate.no_sights import is_only_prior

EXAMPLE = Path(__file__).parents[2] / "examples" / "village-sign.jpg"


@pytest.fixture(scope="module")
def locator() -> Geolocator:
    return Geolocator.load()


@pytest.mark.parametrize("name", ["Laos", "Georgia", "Kurdistan", "Bavaria"])
def test_text_that_points_outside_of_the_area_is_told(locator: Geolocator, name: str) -> None:
    region = areas.named_area(name)
    (prediction,) = locator.locate(EXAMPLE, region=region)
    lines = prediction.in_words()
    told = f"What was read points to Spain (98 % without the limit), not to {region.name}."
    assert told in lines
    assert prediction.sure_of is None
    assert not any(line.startswith(("Sure of", "Probably", "Around")) for line in lines)
    assert f"Limited to {region.name}." in lines[1]
    assert prediction.to_document()["limited_to"] == region.name
    assert not is_only_prior(prediction)


def test_text_that_agrees_with_the_area_still_makes_sure(locator: Geolocator) -> None:
    (prediction,) = locator.locate(EXAMPLE, region=areas.named_area("Spain"))
    assert prediction.sure_of is not None and prediction.sure_of.level == "city"
    assert not any("points to" in line for line in prediction.in_words())
    (free,) = locator.locate(EXAMPLE)
    assert free.limited_to is None and "limited_to" not in free.to_document()
