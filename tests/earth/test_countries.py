"""Countries, the photo-density prior and areas: known places, names in many spellings, GeoJSON good and bad."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from whereshot.earth import sphere
from whereshot.earth.areas import Region, read_region
from whereshot.earth.countries import countries
from whereshot.foundation.errors import InputError
from whereshot.posterior.base import Posterior
from whereshot.posterior.circles import radius_km
from whereshot.posterior.masses import restricted
from whereshot.posterior.prior import density_prior


def code_at(latitude: float, longitude: float) -> str | None:
    index = int(countries().index_of([[latitude, longitude]])[0])
    return None if index < 0 else countries().all[index].code


def write(path: Path, document: Any) -> Path:
    path.write_text(document if isinstance(document, str) else json.dumps(document), "utf-8")
    return path


def square(west: float, south: float, east: float, north: float) -> dict[str, Any]:
    return {
        "type": "Polygon",
        "coordinates": [[[west, south], [east, south], [east, north], [west, north], [west, south]]],
    }


# --- countries


@pytest.mark.parametrize(
    ("latitude", "longitude", "code"),
    [
        (48.8566, 2.3522, "FR"),
        (52.52, 13.405, "DE"),
        (35.68, 139.69, "JP"),
        (-35.28, 149.13, "AU"),
        (38.9, -77.04, "US"),
        (-15.79, -47.88, "BR"),
        (-1.29, 36.82, "KE"),
        (28.61, 77.21, "IN"),
        (64.15, -21.94, "IS"),
        (-41.29, 174.78, "NZ"),
        (1.35, 103.82, "SG"),
        (47.14, 9.52, "LI"),
        (-29.5, 28.5, "LS"),  # an island of one country in another
        (41.902, 12.453, "VA"),
        (43.738, 7.424, "MC"),
        (42.66, 21.17, "XK"),
        (4.92, -52.31, "GF"),
        (-20.9, 55.5, "RE"),
        (-8.52, 179.2, "TV"),
        (36.14, -5.35, "GI"),
        (35.89, -5.32, "ES"),  # Ceuta
        (22.19, 113.54, "MO"),
        (22.55, 114.06, "CN"),  # Shenzhen
        (31.76, -106.49, "US"),  # El Paso
        (27.5064, -99.5075, "US"),  # Laredo
        (16.55, 104.75, "LA"),  # Savannakhet
        (12.15, -68.27, "BQ"),
        (78.22, 15.65, "SJ"),
        (44.95, 34.1, "UA"),  # Crimea, by the United Nations
        (27.15, -13.2, "EH"),
        (22.3, 114.17, "HK"),
        (66.0, -170.0, "RU"),  # Chukotka, beyond the date line
        (52.9, 173.0, "US"),  # the Aleutians, before it
        (-18.14, 178.44, "FJ"),
        (-16.8, -179.99, "FJ"),
        (-16.8, 179.99, "FJ"),
        (-85.0, 0.0, "AQ"),
        (-90.0, 77.0, "AQ"),
        (0.0, -140.0, None),
        (30.0, -40.0, None),
        (90.0, 0.0, None),
        (43.26, 5.2, "FR"),  # afloat before Marseille
        (53.53, 9.0, "DE"),
        (38.7, -9.6, "PT"),  # 10 km off the coast
    ],
)
def test_country_of_a_place(latitude: float, longitude: float, code: str | None) -> None:
    assert code_at(latitude, longitude) == code


def test_countries_of_many_places_in_order() -> None:
    index = countries().index_of([[48.86, 2.35], [0, -140], [35.68, 139.69]])
    assert [None if i < 0 else countries().all[i].code for i in index] == ["FR", None, "JP"]
    assert countries().index_of([]).shape == (0,)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("France", "FR"),
        ("FRANCE ", "FR"),
        ("fr", "FR"),
        ("FRA", "FR"),
        ("Turkey", "TR"),
        ("Türkiye", "TR"),
        ("turkiye", "TR"),
        ("Russia", "RU"),
        ("Russian Federation", "RU"),
        ("Côte d’Ivoire", "CI"),
        ("cote d'ivoire", "CI"),
        ("Ivory Coast", "CI"),
        ("São Tomé & Príncipe", "ST"),
        ("Sao Tome and Principe", "ST"),
        ("United Kingdom", "GB"),
        ("UK", "GB"),
        ("USA", "US"),
        ("United States of America", "US"),
        ("Czech Republic", "CZ"),
        ("Czechia", "CZ"),
        ("South Korea", "KR"),
        ("Vietnam", "VN"),
        ("Viet Nam", "VN"),
        ("Bolivia", "BO"),
        ("Kosovo", "XK"),
        ("Curacao", "CW"),
        ("Réunion", "RE"),
        ("Macau", "MO"),
        ("DR Congo", "CD"),
    ],
)
def test_country_by_name(name: str, code: str) -> None:
    assert countries().find(name).code == code


def test_every_country_is_found_by_its_own_names_and_codes() -> None:
    for country in countries().all:
        for name in (country.code, country.name):
            assert countries().find(name) is country
    assert len(countries().by_code) == len(countries().all) == 250
    assert countries().codes.tolist() == sorted(countries().codes.tolist())


def test_every_code_of_iso_3166_has_land_and_a_position_inside_it() -> None:
    for number, country in enumerate(countries().all):
        inside = shapely.get_parts(country.geometry)[0].representative_point()
        assert country.geometry.area > 0
        assert countries().index_of([[inside.y, inside.x]]).tolist() == [number], country.name


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Germny", "no country 'Germny' and no such file; did you mean 'Germany'?"),
        ("Frankrich", "no country 'Frankrich' and no such file; did you mean 'Frankreich'?"),
        ("Bayren", "no country 'Bayren' and no such file; did you mean 'Bayern'?"),
        ("zzzzzzzzz", "no country 'zzzzzzzzz' and no such file"),
    ],
)
def test_unknown_country_is_told_the_nearest(name: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        read_region(name)
    assert str(caught.value) == message


def test_borders_are_valid_and_none_is_smeared_over_the_map() -> None:
    for country in countries().all:
        assert country.geometry.is_valid, country.name
        west, south, east, north = country.geometry.bounds
        assert -180 <= west < east <= 180 and -90 <= south < north <= 90
        for part in shapely.get_parts(country.geometry):
            if country.code not in ("RU", "AQ"):
                assert part.bounds[2] - part.bounds[0] < 100, country.name
    assert countries().by_code["FJ"].geometry.area < 3
    # in steradians, land is 29 % of the sphere
    land = shapely.union_all([country.geometry for country in countries().all])
    rng = np.random.default_rng(0)
    points = np.stack([np.degrees(np.arcsin(rng.uniform(-1, 1, 20_000))), rng.uniform(-180, 180, 20_000)], axis=1)
    shapely.prepare(land)
    assert shapely.intersects_xy(land, points[:, 1], points[:, 0]).mean() == pytest.approx(0.29, abs=0.015)


# --- the prior


def test_density_prior_is_normalised_and_nowhere_zero(rng: np.random.Generator) -> None:
    prior = density_prior()
    assert len(prior) == 1 and 20_000 < prior.log_mass.shape[1] < 30_000
    assert prior.mass.sum() == pytest.approx(1)
    points = np.stack([np.degrees(np.arcsin(rng.uniform(-1, 1, 200))), rng.uniform(-180, 180, 200)], axis=1)
    log_density = prior.repeat(200).log_density(points)
    assert log_density.min() > math.log(0.002 / (4 * math.pi)) - 1e-6
    assert density_prior() is prior


def test_density_prior_knows_where_photos_are_taken() -> None:
    paris, pacific = density_prior().repeat(2).log_density([[48.86, 2.35], [-30, -120]])
    assert paris - pacific > 8
    assert density_prior().mass_within([[50, 10]], 2500)[0] > 0.25


# --- mass per country


# --- areas


def inside_all(region: Region, posterior: Posterior) -> bool:
    """Every place with mass lies in the region."""
    return all(
        region.holds(one.places.reshape(-1, 2)[one.mass[0] > 0]).all()
        for one in map(posterior.__getitem__, range(len(posterior)))
    )


def test_restricting_to_a_village(tmp_path: Path) -> None:
    """5 km across, 300 km from any place."""
    region = read_region(str(write(tmp_path / "village.geojson", square(10.0, 50.0, 10.07, 50.045))))
    assert region.name == "village"
    kept = restricted(Posterior([[52.5, 13.4], [48.1, 11.6]], np.log([[0.4, 0.6]]), 10.0), region)
    assert inside_all(region, kept)
    center = kept.mean()
    assert sphere.distance_km(center[0], np.array([50.0225, 10.035])) < 1
    assert radius_km(kept, center, 0.9)[0] < 5


@pytest.mark.parametrize("name", ["France", "Luxembourg", "Fiji", "Kiribati", "Antarctica", "Canada", "Vatican City"])
def test_grid_fills_the_area(name: str) -> None:
    region = read_region(name)
    assert region.name == name
    grid, area_sr = region.grid()
    assert region.holds(grid).all()
    parts = len(shapely.get_parts(region.geometry))
    assert 200 <= len(grid) <= 800 + parts
    km2 = {"France": 643_801, "Luxembourg": 2586, "Fiji": 18_270, "Canada": 9_985_000}.get(name)
    if km2:
        assert area_sr.sum() * sphere.EARTH_KM**2 == pytest.approx(km2, rel=0.1)


def test_grid_of_every_country_is_small() -> None:
    for country in countries().all:
        region = Region(country.name, country.geometry)
        grid, area_sr = region.grid(50)
        assert 1 <= len(grid) <= 200 + len(shapely.get_parts(country.geometry)), country.name
        assert (area_sr > 0).all()


@pytest.mark.parametrize(
    "shape",
    [
        square(179.5, -17, 180.5, -16),
        square(-180.5, -17, -179.5, -16),
        {
            "type": "MultiPolygon",
            "coordinates": [
                square(179.5, -17, 180, -16)["coordinates"],
                square(-180, -17, -179.5, -16)["coordinates"],
            ],
        },
    ],
    ids=["eastward", "westward", "cut"],
)
def test_area_over_the_date_line(tmp_path: Path, shape: dict) -> None:
    region = read_region(str(write(tmp_path / "a.json", shape)))
    probe = [[-16.5, 179.6], [-16.5, -179.6], [-16.5, 180], [-16.5, -180], [-16.5, 179.4], [-16.5, -179.4], [-16.5, 0]]
    assert region.holds(probe).tolist() == [True, True, True, True, False, False, False]
    assert region.geometry.area == pytest.approx(1)
    kept = restricted(Posterior([[-16.5, 179.9], [0, 0]], np.log([[0.5, 0.5]]), 30.0), region)
    assert inside_all(region, kept)
    assert 180 < len(kept.places.reshape(-1, 2)) < 900
    assert (kept.places.reshape(-1, 2)[:, 1] > 0).any() and (kept.places.reshape(-1, 2)[:, 1] < 0).any()


def test_geojson_of_any_nesting(tmp_path: Path) -> None:
    one, two = square(0, 0, 1, 1), square(5, 5, 6, 6)
    documents: list[dict[str, Any]] = [
        {"type": "MultiPolygon", "coordinates": [one["coordinates"], two["coordinates"]]},
        {"type": "GeometryCollection", "geometries": [one, {"type": "Point", "coordinates": [9, 9]}, two]},
        {
            "type": "FeatureCollection",
            "features": [
                {"type": "Feature", "properties": {}, "geometry": one},
                {"type": "Feature", "properties": {}, "geometry": None},
                {"type": "Feature", "properties": None, "geometry": two},
            ],
        },
    ]
    for document in documents:
        region = read_region(str(write(tmp_path / "area.geojson", document)))
        assert region.holds([[0.5, 0.5], [5.5, 5.5], [3, 3], [9, 9]]).tolist() == [True, True, False, False]


def test_geojson_without_a_suffix_and_with_a_crossed_ring(tmp_path: Path) -> None:
    crossed = {"type": "Polygon", "coordinates": [[[0, 0], [2, 2], [2, 0], [0, 2], [0, 0]]]}
    region = read_region(str(write(tmp_path / "bowtie", crossed)))
    assert region.geometry.is_valid and region.geometry.area == pytest.approx(2)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("{", "not a GeoJSON file (Expecting property name enclosed in double quotes: line 1 column 2 (char 1))"),
        ("", "not a GeoJSON file (Expecting value: line 1 column 1 (char 0))"),
        ({"type": "Point", "coordinates": [1, 2]}, "no polygon in this file"),
        ({"type": "FeatureCollection", "features": []}, "no polygon in this file"),
        ({"type": "FeatureCollection", "features": 5}, "no polygon in this file"),
        ({"type": "Polygon", "coordinates": []}, "no polygon in this file"),
        ({"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [2, 2], [0, 0]]]}, "no polygon in this file"),
        ({"type": "Polygon", "coordinates": None}, "no polygon in this file"),
        ({"type": "Topology"}, "not GeoJSON; its type is 'Topology'"),
        ([1, 2], "not GeoJSON; its type is None"),
        ({"features": []}, "not GeoJSON; its type is None"),
        (
            square(400_000, 5_000_000, 500_000, 5_100_000),
            "coordinates from 400000, 5e+06 to 500000, 5.1e+06 are not degrees (WGS84); if they are projected, "
            "convert them with: ogr2ogr -t_srs EPSG:4326 OUT area.geojson",
        ),
        (
            square(0, 0, 1, 91),
            "coordinates from 0, 0 to 1, 91 are not degrees (WGS84); if they are projected, "
            "convert them with: ogr2ogr -t_srs EPSG:4326 OUT area.geojson",
        ),
    ],
)
def test_geojson_errors(tmp_path: Path, document: Any, message: str) -> None:
    path = write(tmp_path / "area.geojson", document)
    with pytest.raises(InputError) as caught:
        read_region(str(path))
    assert str(caught.value) == f"{path}: {message}"


@pytest.mark.parametrize(
    "coordinates", [[[[0, 0], [1, 1]]], [["a", "b"]], 7, [[[0, 0], [1], [2, 2], [0, 0]]], {"a": 1}]
)
def test_geometries_that_cannot_be_read(tmp_path: Path, coordinates: Any) -> None:
    path = write(tmp_path / "area.geojson", {"type": "Polygon", "coordinates": coordinates})
    with pytest.raises(InputError) as caught:
        read_region(str(path))
    assert str(caught.value).startswith(f"{path}: a geometry that cannot be read (")


def test_missing_file_binary_file_and_folder(tmp_path: Path) -> None:
    missing, binary, folder = tmp_path / "no.geojson", tmp_path / "b.json", tmp_path / "c.json"
    binary.write_bytes(b"\xff\xfe\x00")
    folder.mkdir()
    for path, message in (
        (missing, f"{missing}: no such file"),
        (
            binary,
            f"{binary}: not a GeoJSON file ('utf-8' codec can't decode byte 0xff in position 0: invalid start byte)",
        ),
        (folder, f"{folder}: not a GeoJSON file ([Errno 21] Is a directory: '{folder}')"),
    ):
        with pytest.raises(InputError) as caught:
            read_region(str(path))
        assert str(caught.value) == message
