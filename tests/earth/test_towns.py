from __future__ import annotations

import importlib.resources
import json
import time
from pathlib import Path

import numpy as np
import pytest

from whereshot.earth import sphere
from whereshot.earth.name_index import name_keys
from whereshot.earth.towns import Gazetteer, errors_allowed, gazetteer
from whereshot.foundation.errors import InputError


@pytest.fixture(scope="module")
def towns() -> Gazetteer:
    return gazetteer()


def first(towns: Gazetteer, name: str) -> tuple[str, str]:
    """Name and country of the largest town of a name."""
    index = towns.named(name)[0]
    return towns.names[index], towns.country_codes[index]


def edit_distance(a: str, b: str) -> int:
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        previous, row = row, [i]
        for j, y in enumerate(b, 1):
            row.append(min(row[-1] + 1, previous[j] + 1, previous[j - 1] + (x != y)))
    return row[-1]


# --- the table


def test_arrays_fit_together(towns: Gazetteer) -> None:
    n = len(towns)
    assert n > 230_000
    assert towns.points.shape == (n, 2) and towns.points.dtype == np.float64
    for values in (towns.names, towns.country_codes, towns.regions, towns.populations):
        assert values.shape == (n,)
    assert all(towns.names)
    assert (np.abs(towns.points[:, 0]) <= 90).all() and (np.abs(towns.points[:, 1]) <= 180).all()
    assert (towns.populations >= 0).all() and towns.populations.max() > 10_000_000
    assert (np.char.str_len(towns.country_codes.astype(str)) == 2).all()
    assert (towns.regions == "").mean() < 0.005


def test_the_tables_are_small() -> None:
    data = importlib.resources.files("whereshot") / "earth" / "data"
    sizes = {path.name: path.stat().st_size for path in data.iterdir()}
    assert sizes.pop("towns.parquet") <= 6_000_000
    assert sizes.pop("base_map.bin") <= 6_000_000
    assert sum(sizes.values()) <= 800_000  # names and borders


def test_loading_is_fast() -> None:
    start = time.process_time()
    Gazetteer()
    assert time.process_time() - start < 2  # about 0.15 s alone


def test_rows_are_sorted_by_country_and_size(towns: Gazetteer) -> None:
    assert (towns.country_codes[1:] >= towns.country_codes[:-1]).all()
    spain = towns.in_country("ES")
    assert set(towns.country_codes[spain]) == {"ES"}
    assert (np.diff(towns.populations[spain].astype(int)) <= 0).all()
    assert (towns.country_codes == "ES").sum() == len(spain)
    assert len(towns.in_country("??")) == 0


@pytest.mark.parametrize(
    ("name", "country_code", "region"),
    [
        ("Altafulla", "ES", "Catalonia"),
        ("Köln", "DE", "North Rhine-Westphalia"),
        ("Bordeaux", "FR", "Nouvelle-Aquitaine"),
        ("Houston", "US", "Texas"),
        ("Washington", "US", "District of Columbia"),
        ("Toronto", "CA", "Ontario"),
        ("Glasgow", "GB", "Scotland"),
        ("Paris", "FR", "Île-de-France"),
        ("Dubai", "AE", "Dubai"),
    ],
)
def test_regions(towns: Gazetteer, name: str, country_code: str, region: str) -> None:
    found = towns.named(name)
    own = found[towns.country_codes[found] == country_code][0]
    assert towns.regions[own] == region


def test_codes_of_regions(towns: Gazetteer) -> None:
    assert towns.region_codes["US", "Texas"] == "TX"
    assert towns.region_codes["AU", "New South Wales"] == "NSW"
    assert towns.region_codes["ES", "Catalonia"] == "CT"
    assert towns.region_codes["RE", "Reunion"] == ""
    assert set(zip(towns.country_codes, towns.regions, strict=True)) - set(towns.region_codes) <= {
        (code, "") for code in set(towns.country_codes)
    }


def test_regions_against_the_map(towns: Gazetteer, shared: Path) -> None:
    """Natural Earth's borders of states, where the shared folder has them: what the joined names are worth."""
    import shapely

    path = shared / "data" / "tables" / "ne_50m_admin_1_states_provinces.json"
    if not path.is_file():
        pytest.skip("needs the Natural Earth table of states")
    states = [f for f in json.loads(path.read_text("utf-8"))["features"] if f["properties"]["iso_a2"] in ("US", "AU")]
    tree = shapely.STRtree([shapely.geometry.shape(state["geometry"]) for state in states])
    names = name_keys([state["properties"]["name"] for state in states])
    rows = np.concatenate([towns.in_country("US"), towns.in_country("AU")])
    town, state = tree.query(shapely.points(towns.points[rows][:, ::-1]), predicate="intersects")
    keys = name_keys(towns.regions[rows])
    assert np.mean([keys[t] == names[s] for t, s in zip(town, state, strict=True)]) > 0.99


# --- keys


# --- names


@pytest.mark.parametrize(
    ("text", "name", "country_code"),
    [
        ("Koln", "Köln", "DE"),
        ("KÖLN", "Köln", "DE"),
        ("Koeln", "Köln", "DE"),
        ("Cologne", "Köln", "DE"),
        ("København", "Copenhagen", "DK"),
        ("Kobenhavn", "Copenhagen", "DK"),
        ("Firenze", "Florence", "IT"),
        ("Αθήνα", "Athens", "GR"),
        ("ΑΘΗΝΑ", "Athens", "GR"),
        ("Москва", "Moscow", "RU"),
        ("東京", "Tokyo", "JP"),
        ("서울", "Seoul", "KR"),
        ("القاهرة", "Cairo", "EG"),
        ("ירושלים", "Jerusalem", "IL"),
        ("กรุงเทพมหานคร", "Bangkok", "TH"),
        ("दिल्ली", "Delhi", "IN"),
        ("Vilanova i la Geltrú", "Vilanova i la Geltrú", "ES"),
        ("VILANOVA I LA GELTRU", "Vilanova i la Geltrú", "ES"),
        ("vilanova-i-la-geltru", "Vilanova i la Geltrú", "ES"),
        ("Sant Pere de Ribes", "Sant Pere de Ribes", "ES"),
        ("SantPere deRibes", "Sant Pere de Ribes", "ES"),
        ("San Pedro de Ribas", "Sant Pere de Ribes", "ES"),
        ("Altafulla", "Altafulla", "ES"),
        ("L’Hospitalet de Llobregat", "L'Hospitalet de Llobregat", "ES"),
        ("Tønder", "Tønder", "DK"),
        ("TONDER", "Tønder", "DK"),
        ("Lodz", "Łódź", "PL"),
        ("Zuerich", "Zürich", "CH"),
    ],
)
def test_towns_by_name(towns: Gazetteer, text: str, name: str, country_code: str) -> None:
    assert first(towns, text) == (name, country_code)


def test_towns_of_one_name_are_all_found(towns: Gazetteer) -> None:
    found = towns.named("Springfield")
    assert len(found) > 25
    assert len(set(found.tolist())) == len(found)
    assert (np.diff(towns.populations[found].astype(int)) <= 0).all()
    key = name_keys(["Springfield"])[0]
    by_main_name = {row for row, own in enumerate(name_keys(towns.names)) if own == key}
    assert by_main_name <= set(found.tolist())
    for index in set(found.tolist()) - by_main_name:
        assert key in name_keys(towns.other_names(index))


@pytest.mark.parametrize("text", ["", "   ", "---", "Nowherevillestadt", "Q" * 300, "\n"])
def test_no_town_of_that_name(towns: Gazetteer, text: str) -> None:
    assert towns.named(text).tolist() == []
    assert towns.similar(text) == []


def test_every_tenth_town_is_found_by_its_own_names(towns: Gazetteer) -> None:
    for index in range(0, len(towns), 997):
        for name in (towns.names[index], *towns.other_names(index)):
            assert index in towns.named(name)


def test_other_names_are_worth_their_bytes(towns: Gazetteer) -> None:
    """No airport codes, no machine transliterations, none that folds to the town's own name."""
    rows = np.argsort(-towns.populations.astype(int))[:300]
    for index in rows:
        names = towns.other_names(index)
        assert name_keys([towns.names[index]])[0] not in name_keys(names)
        assert not [name for name in names if name.isascii() and (len(name) == 3 and name.isalpha() and name.isupper())]
        assert not [name for name in names if name[0].isascii() and name[0].islower()]
    copenhagen = towns.named("Copenhagen")[0]
    assert {"København", "Копенгаген"} <= set(towns.other_names(copenhagen))


# --- misread names


@pytest.mark.parametrize(("length", "errors"), [(0, 0), (4, 0), (5, 1), (8, 1), (9, 2), (30, 2)])
def test_errors_grow_with_length(length: int, errors: int) -> None:
    assert errors_allowed(length) == errors


@pytest.mark.parametrize(
    ("text", "name", "errors"),
    [
        ("Barcelona", "Barcelona", 0),
        ("Bercelona", "Barcelona", 1),
        ("BARCEL0NA", "Barcelona", 1),
        ("Altafu1la", "Altafulla", 1),
        ("ALTAFULA", "Altafulla", 1),
        ("A1TAFUI1A", "Altafulla", 1),
        ("VILAN0VA I LA GELTRU", "Vilanova i la Geltrú", 1),
        ("Sant Pare de Ribas", "Sant Pere de Ribes", 2),
        ("S1tges", "Sitges", 1),
        ("Reykjavlk", "Reykjavík", 1),
        ("Comwall", "Cornwall", 1),
        ("Kobenhvn", "Copenhagen", 1),
        ("Моссква", "Moscow", 1),
        ("Θεσσαλονκη", "Thessaloníki", 1),
    ],
)
def test_misread_names(towns: Gazetteer, text: str, name: str, errors: int) -> None:
    index, found = towns.similar(text)[0]
    assert (towns.names[index], found) == (name, errors)


@pytest.mark.parametrize("text", ["Exit", "Bem", "Baln", "Rome"])
def test_short_names_must_be_right(towns: Gazetteer, text: str) -> None:
    assert [index for index, _ in towns.similar(text)] == towns.named(text).tolist()


@pytest.mark.parametrize("text", ["Restaurant", "Supermercat", "Ausfahrt", "Wilkommen"])
def test_words_of_signs_are_no_towns(towns: Gazetteer, text: str) -> None:
    assert towns.similar(text) == []


def test_order_of_similar_names(towns: Gazetteer) -> None:
    found = towns.similar("Barcelona")
    assert [index for index, errors in found if errors == 0] == towns.named("Barcelona").tolist()
    keys = [(errors, -int(towns.populations[index])) for index, errors in found]
    assert keys == sorted(keys)
    assert len({index for index, _ in found}) == len(found)


def test_max_errors(towns: Gazetteer) -> None:
    assert {errors for _, errors in towns.similar("Barcelona", 0)} == {0}
    assert towns.similar("Bercelona", 0) == []
    assert set(towns.similar("Barcelona", 1)) < set(towns.similar("Barcelona", 2))
    assert ("Bern", 1) in [(towns.names[index], errors) for index, errors in towns.similar("Bem", 1)]
    for wrong in (-1, 4):
        with pytest.raises(InputError, match=f"max_errors lies between 0 and 3; got {wrong}"):
            towns.similar("Barcelona", wrong)


def test_nothing_similar_is_missed(towns: Gazetteer) -> None:
    """Against the plain edit distance to every Spanish town's name, look-alikes made equal."""

    def blurred(key: str) -> str:
        return key.replace("rn", "m").replace("vv", "w").translate(str.maketrans("01i58", "ollsb"))

    spain = towns.in_country("ES")[::5]
    keys = [blurred(key) for key in name_keys(towns.names[spain])]
    rng = np.random.default_rng(5)
    for text in rng.choice(towns.names[spain], 12, replace=False):
        key = name_keys([text])[0]
        place = int(rng.integers(len(key)))
        wrong = key[:place] + "x" + key[place + int(rng.integers(2)) :]
        allowed = errors_allowed(len(wrong))
        expected = {
            int(index)
            for index, own in zip(spain, keys, strict=True)
            if abs(len(own) - len(wrong)) <= allowed and edit_distance(blurred(wrong), own) <= allowed
        }
        assert expected <= {index for index, _ in towns.similar(wrong)}


def test_lookups_are_fast(towns: Gazetteer) -> None:
    words = ["Bercelona", "Vilanova i la Geltru", "Hospital", "Restaurante", "Моссква", "Springfeld"]
    towns.similar("warm")
    start = time.process_time()
    for word in words * 5:
        towns.similar(word)
    assert (time.process_time() - start) / 30 < 0.03  # about 1 ms alone


# --- nearest


def test_nearest_against_brute_force(towns: Gazetteer) -> None:
    rng = np.random.default_rng(1)
    points = np.stack([np.degrees(np.arcsin(rng.uniform(-1, 1, 40))), rng.uniform(-180, 180, 40)], axis=1)
    points = np.concatenate([points, [[-16.8, 180], [-16.8, -180], [65, -179.9], [90, 0], [-90, 50], [71.3, 25.8]]])
    km, index = towns.nearest(points)
    for point, distance, found in zip(points, km, index, strict=True):
        every = sphere.distance_km(point, towns.points)
        assert distance == pytest.approx(every.min(), abs=1e-6)
        assert every[found] == pytest.approx(every.min(), abs=1e-6)


def test_both_sides_of_the_date_line_are_one(towns: Gazetteer) -> None:
    km, index = towns.nearest([[-16.8, 180.0], [-16.8, -180.0], [-16.8, 179.9999]])
    assert len(set(index.tolist())) == 1
    assert np.ptp(km) < 0.1


def test_nearest_on_the_sphere_is_not_nearest_in_degrees(towns: Gazetteer) -> None:
    """Near the pole a degree of longitude is short."""
    point = np.array([69.0, 28.75])
    km, index = towns.nearest([point])
    in_degrees = int(np.argmin(np.hypot(*(towns.points - point).T)))
    assert (towns.names[index[0]], towns.names[in_degrees]) == ("Ivalo", "Vuonnabahta")
    assert km[0] == pytest.approx(61.6, abs=0.1)
    assert sphere.distance_km(point, towns.points[in_degrees]) == pytest.approx(130.6, abs=0.1)


def test_a_town_is_nearest_to_itself(towns: Gazetteer) -> None:
    rows = np.arange(0, len(towns), 501)
    km, index = towns.nearest(towns.points[rows])
    assert km.max() < 1e-3
    assert (sphere.distance_km(towns.points[index], towns.points[rows]) < 1e-3).all()  # ties: another at the same spot


def test_nearest_of_a_country(towns: Gazetteer) -> None:
    km, index = towns.nearest([[43.30, -1.99]], "FR")  # San Sebastián, 15 km from France
    assert towns.country_codes[index[0]] == "FR"
    assert 5 < km[0] < 25
    km, index = towns.nearest([[0, 0], [1, 1]], "??")
    assert np.isinf(km).all() and (index == -1).all()


def test_nearest_of_the_open_ocean_is_far(towns: Gazetteer) -> None:
    km, _ = towns.nearest([[-48.9, -123.4]])  # Point Nemo
    assert km[0] > 2000


def test_nearest_checks_positions(towns: Gazetteer) -> None:
    with pytest.raises(InputError, match="latitude"):
        towns.nearest([[91.0, 0.0]])
    km, index = towns.nearest(np.empty((0, 2)))
    assert km.shape == index.shape == (0,)


# --- another table


def test_towns_of_natural_earth_are_found(towns: Gazetteer, shared: Path) -> None:
    path = shared / "data" / "tables" / "ne_50m_populated_places_simple.json"
    if not path.is_file():
        pytest.skip("needs the Natural Earth table of towns")
    found = []
    for feature in json.loads(path.read_text("utf-8"))["features"]:
        town = feature["properties"]
        if (town["pop_max"] or 0) > 100_000:
            own = towns.named(town["name"])
            position = np.array([town["latitude"], town["longitude"]])
            found.append(len(own) > 0 and sphere.distance_km(position, towns.points[own]).min() <= 30)
    assert len(found) > 900
    assert np.mean(found) > 0.95  # 0.99; the rest is spelled wrong over there
