"""The shapes of countries: their encoding, the grid over them, the towns that they hold, points of view."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
import shapely

from whereshot.earth import country_shapes
from whereshot.earth.countries import Countries, countries
from whereshot.earth.country_shapes import decoded_borders, encoded_borders
from whereshot.earth.towns import gazetteer
from whereshot.foundation.errors import InputError

SETTLEMENT = "a settlement on land that is not Israel's by the United Nations"
BEYOND_THE_COUNTRY = {
    **dict.fromkeys(
        (
            *("Modiin Ilit", "Ariel", "Talmon", "Naẖal Teqoa‘", "Revava", "El‘azar", "Miẕpé Yeriẖo", "Na'ale"),
            *("Kokhav HaShaẖar", "Nili", "Dolev", "Beit Horon", "Giv'on HaHadasha", "Kiryat Netafim", "Nahliel"),
            *("Katzrin", "‘Ein Qunīya", "H̱ispin", "Nov", "Ramat Magshimim", "Mārom Golan", "Snir"),
            *("Al Khushnīyah", "Fīq"),
        ),
        SETTLEMENT,
    ),
    **dict.fromkeys(
        ("Smara", "Gueltat Zemmour", "Aousserd", "Imlili"),
        "in Western Sahara, which is not Morocco's by the United Nations; GeoNames has other towns there as EH",
    ),
    **dict.fromkeys(("Hoàng Sa",), "the Paracel Islands, which Viet Nam claims and China controls"),
    "Abū Mūsá": "an island that the United Arab Emirates claim and Iran controls",
    "Sarupathar": "a wrong position in GeoNames: the town lies 300 km west, in Assam",
    "Kafia Kingi": "in the Kafia Kingi area, which South Sudan claims and Sudan controls",
}
"""Town -> why it lies in another country than the code that GeoNames gives it."""


def test_towns_lie_in_their_country() -> None:
    towns, known = gazetteer(), countries()
    number = known.index_of(towns.points)
    assert (number >= 0).all()
    beyond = np.flatnonzero(known.codes[number] != towns.country_codes.astype(str))
    assert len(beyond) <= 50
    assert {towns.name(town) for town in beyond} == set(BEYOND_THE_COUNTRY)


def test_the_grid_changes_no_answer(rng: np.random.Generator) -> None:
    latitude = np.degrees(np.arcsin(rng.uniform(-1, 1, 20_000)))
    points = np.stack([latitude, rng.uniform(-180, 180, 20_000)], axis=1)
    points = np.concatenate([points, [[90.0, 180.0], [-90.0, -180.0], [0.0, 0.0], [-16.8, 180.0]]])
    for view in country_shapes.POINTS_OF_VIEW:
        known = Countries(view)
        assert (known.index_of(points) == known._index_by_borders(points)).all()


@pytest.mark.parametrize(
    ("latitude", "longitude", "by_united_nations", "by_control"),
    [
        (44.95, 34.1, "UA", "RU"),  # Simferopol
        (45.35, 36.47, "UA", "RU"),  # Kerch
        (45.35, 37.4, "RU", "RU"),  # over the strait
        (46.6, 32.6, "UA", "UA"),
        (27.15, -13.2, "EH", "MA"),
        (26.13, -14.45, "EH", "MA"),
        (26.5, -9.2, "EH", "EH"),  # east of the berm
        (28.5, -11.3, "MA", "MA"),
        (33.0, 35.75, "SY", "IL"),
        (32.8, 35.53, "IL", "IL"),
        (25.04, 121.56, "TW", "TW"),
    ],
)
def test_points_of_view(latitude: float, longitude: float, by_united_nations: str, by_control: str) -> None:
    for view, code in zip(country_shapes.POINTS_OF_VIEW, (by_united_nations, by_control), strict=True):
        known = Countries(view)
        assert known.codes[known.index_of([[latitude, longitude]])[0]] == code
        assert all(shape.geometry.is_valid for shape in known.all)


def test_the_environment_chooses_the_point_of_view(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(country_shapes.VARIABLE, raising=False)
    assert country_shapes.point_of_view() == countries().view == "united-nations"
    monkeypatch.setenv(country_shapes.VARIABLE, "control")
    assert countries().view == "control"
    country_shapes.choose_point_of_view(None)
    assert country_shapes.point_of_view() == "control"
    country_shapes.choose_point_of_view("united-nations")
    assert countries().view == "united-nations"
    monkeypatch.setenv(country_shapes.VARIABLE, "contrl")
    with pytest.raises(InputError) as caught:
        country_shapes.choose_point_of_view(None)
    assert str(caught.value) == "no borders 'contrl' (WHERESHOT_BORDERS); did you mean 'control'?"
    with pytest.raises(InputError) as caught:
        country_shapes.choose_point_of_view("un")
    assert str(caught.value).startswith("no borders 'un'; ")


def test_borders_survive_their_encoding_to_a_hundred_metres() -> None:
    box = shapely.box(10.0004, 50.0, 11.0, 51.0)
    shapes = [box, shapely.multipolygons([shapely.box(-180, -90, -179, -89), shapely.box(179, 0, 180, 1)]), box]
    found = decoded_borders(pa.table(encoded_borders(shapes)))
    assert [shape.geom_type for shape in found] == ["Polygon", "MultiPolygon", "Polygon"]
    assert max(shapely.hausdorff_distance(shapes, found)) < 0.5e-3 + 1e-12
