"""Points on the sphere against independent formulas: vectors, brute force, known solids."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from whereshot.earth import sphere
from whereshot.foundation.errors import InputError

latitudes = st.floats(-90, 90)
longitudes = st.floats(-180, 180)
positions = st.tuples(latitudes, longitudes)


def vector_distance_km(a: NDArray, b: NDArray) -> NDArray:
    """Distance by the angle between unit vectors, atan2(|u x v|, u.v): another formula than the module's."""
    u, v = (
        np.stack([np.cos(p) * np.cos(q), np.cos(p) * np.sin(q), np.sin(p)], -1)
        for p, q in (np.radians(np.moveaxis(np.asarray(x, float), -1, 0)) for x in (a, b))
    )
    return 6371.0088 * np.arctan2(np.linalg.norm(np.cross(u, v), axis=-1), (u * v).sum(-1))


def random_points(rng: np.random.Generator, n: int) -> NDArray:
    """(n, 2) uniform on the sphere."""
    return np.stack([np.degrees(np.arcsin(rng.uniform(-1, 1, n))), rng.uniform(-180, 180, n)], axis=1)


# --- the gate


def test_gate_keeps_good_positions_to_the_bit() -> None:
    given_ = np.array([[90.0, 180.0], [-90.0, -180.0], [0.1 + 0.2, 1 / 3], [-0.0, 1e-300]])
    result = sphere.points(given_)
    assert result.tobytes() == given_.tobytes()
    assert result.dtype == np.float64


def test_gate_copies() -> None:
    """Changing the result must not change the caller's array."""
    given_ = np.array([[1.0, 2.0]])
    sphere.points(given_)[0] = 99
    assert given_.tolist() == [[1, 2]]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((48.2, 16.4), [[48.2, 16.4]]),
        ([(1, 2), (3, 4)], [[1, 2], [3, 4]]),
        ([[0, 360]], [[0, 0]]),
        ([[0, -360]], [[0, 0]]),
        ([[0, 181]], [[0, -179]]),
        ([[0, -270]], [[0, 90]]),
        ([[0, 180], [0, 350]], [[0, 180], [0, -10]]),  # wrapping a neighbour leaves the date line's spelling
        ([], np.empty((0, 2))),
    ],
)
def test_gate_normalises(values: object, expected: object) -> None:
    result = sphere.points(values)
    np.testing.assert_array_equal(result, np.asarray(expected, float))
    assert result.shape == np.asarray(expected).shape


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            [[0, 0], [95, 7], [10, 540], [math.nan, 0]],
            "3 of 4 positions are impossible; the first is (95, 7) in row 2: "
            "latitude must lie between -90 and 90 degrees",
        ),
        (
            [[math.nan, 1]],
            "the position (nan, 1) is impossible: not a finite number",
        ),
        (
            [[1, 2], [3, math.inf]],
            "1 of 2 positions is impossible; the first is (3, inf) in row 2: not a finite number",
        ),
        (
            [[12.5, 540]],
            "the position (12.5, 540) is impossible: "
            "longitude must lie between -180 and 180 degrees (one turn more is wrapped)",
        ),
        (
            [[None, 1]],
            "the position (nan, 1) is impossible: not a finite number",
        ),
        ([[1, 2, 3]], "positions must have the shape (n, 2), latitude first; got (1, 3)"),
        ([1, 2, 3], "positions must have the shape (n, 2), latitude first; got (1, 3)"),
        (np.zeros((2, 2, 2)), "positions must have the shape (n, 2), latitude first; got (2, 2, 2)"),
        (
            [["north", "east"]],
            "positions must be numbers (latitude, longitude): could not convert string to float: 'north'",
        ),
    ],
)
def test_gate_refuses(values: object, message: str) -> None:
    with pytest.raises(InputError) as caught:
        sphere.points(values)
    assert str(caught.value) == message


def test_gate_refuses_ragged_rows() -> None:
    with pytest.raises(InputError, match=r"^positions must be numbers \(latitude, longitude\): "):
        sphere.points([[1, 2], [3]])


def test_position_problems_names_each_row() -> None:
    latitude, longitude = np.array([10, 91, 0, math.nan]), np.array([360, 0, 361, 0])
    assert sphere.position_problems(latitude, longitude).tolist() == [
        "",
        "latitude must lie between -90 and 90 degrees",
        "longitude must lie between -180 and 180 degrees (one turn more is wrapped)",
        "not a finite number",
    ]


# --- distance


@settings(max_examples=300)
@given(positions, positions)
@example((0, 180), (0, -180))
@example((0, 0), (0, 180))
@example((90, 12), (-90, -77))
@example((90, 12), (90, -77))
@example((1e-9, 0), (0, 1e-9))
def test_distance_matches_vectors(a: tuple[float, float], b: tuple[float, float]) -> None:
    """Within a millimetre, or a few metres close to the antipode, where half a turn's sine is flat."""
    distance = float(sphere.distance_km(a, b))
    expected = float(vector_distance_km(a, b))
    assert distance == pytest.approx(expected, abs=1e-6 if expected < 20_000 else 5e-3)
    assert distance == pytest.approx(float(sphere.distance_km(b, a)), abs=1e-9)
    assert 0 <= distance <= sphere.HALF_CIRCUMFERENCE_KM


@pytest.mark.parametrize(
    ("a", "b", "km"),
    [
        ((0, 0), (0, 0), 0),
        ((0, 0), (0, 90), math.pi / 2 * 6371.0088),
        ((90, 0), (-90, 0), math.pi * 6371.0088),
        ((0, 180), (0, -180), 0),
        ((10, 179.5), (10, -179.5), 109.505),
        ((48.8566, 2.3522), (51.5074, -0.1278), 343.557),  # Paris to London
    ],
)
def test_distance_of_known_pairs(a: tuple[float, float], b: tuple[float, float], km: float) -> None:
    assert float(sphere.distance_km(a, b)) == pytest.approx(km, abs=1e-3)


def test_distance_resolves_millimetres() -> None:
    """1e-8 degrees of latitude are 1.1 mm; the cosine formula would say 0."""
    assert float(sphere.distance_km((45, 7), (45 + 1e-8, 7))) == pytest.approx(1.11195e-6, rel=1e-3)


def test_distance_broadcasts(rng: np.random.Generator) -> None:
    a, b = random_points(rng, 5), random_points(rng, 7)
    table = sphere.distance_km(a[:, None], b[None])
    assert table.shape == (5, 7)
    np.testing.assert_allclose(table, vector_distance_km(a[:, None], b[None]), atol=1e-6)


def test_distance_is_the_same_in_torch_with_finite_gradients(rng: np.random.Generator) -> None:
    """Equal, opposite and ordinary points: the gradient of the haversine is 0/0 at the first two."""
    torch = pytest.importorskip("torch", reason="needs torch (extra torch)")
    a = np.concatenate([random_points(rng, 50), [[10, 20], [10, 20], [90, 0]]])
    b = np.concatenate([random_points(rng, 50), [[10, 20], [-10, -160], [-90, 0]]])
    tensor = torch.tensor(a, requires_grad=True)
    distance = sphere.distance_km(tensor, torch.tensor(b))
    # the clamp that keeps the gradient finite costs at most 0.2 m, at the antipode
    np.testing.assert_allclose(distance.detach().numpy(), sphere.distance_km(a, b), atol=2e-4)
    distance.sum().backward()
    assert torch.isfinite(tensor.grad).all()
    assert (tensor.grad[:50].abs().sum(1) > 1).all()  # km per degree: the ordinary ones do pull

    single = sphere.distance_km(torch.tensor(a, dtype=torch.float32), torch.tensor(b, dtype=torch.float32))
    assert single.dtype == torch.float32
    np.testing.assert_allclose(single.numpy(), sphere.distance_km(a, b), atol=10)


# --- vectors


@given(positions)
@example((90.0, 50.0))
@example((0.0, -180.0))
def test_vectors_and_back(p: tuple[float, float]) -> None:
    vector = sphere.xyz(p)
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-15)
    assert float(sphere.distance_km(sphere.latlon(vector), p)) < 1e-7


def test_vectors_of_the_axes() -> None:
    np.testing.assert_allclose(sphere.xyz([[0, 0], [0, 90], [90, 0]]), np.eye(3), atol=1e-16)
    np.testing.assert_allclose(sphere.latlon([[5, 0, 0], [0, 0.1, 0], [0, 0, 3]]), [[0, 0], [0, 90], [90, 0]])


def test_chords_and_back() -> None:
    km = np.array([0, 1e-3, 1, 5000, math.pi * 6371.0088])
    np.testing.assert_allclose(sphere.chord_to_km(sphere.km_to_chord(km)), km, rtol=1e-9)
    assert sphere.km_to_chord(1e9) == pytest.approx(2)  # more than half way round is half way round


# --- mean


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([[0, 170], [0, -170]], (0, 180)),
        ([[10, 179], [10, -177]], (10.0059, -179)),
        ([[80, 0], [80, 180]], (90, 0)),
        ([[-80, 45], [-80, -135]], (-90, 0)),
        ([[-90, 0], [-90, 120]], (-90, 0)),
        ([[12, 34]], (12, 34)),
    ],
)
def test_mean_across_date_line_and_poles(values: list[list[float]], expected: tuple[float, float]) -> None:
    assert float(sphere.distance_km(sphere.mean(values), expected)) < 0.01


def test_mean_of_opposite_points_is_one_of_them() -> None:
    assert sphere.mean([[10, 20], [-10, -160]]).tolist() == [10, 20]


def test_mean_with_weights() -> None:
    result = sphere.mean([[0, 0], [0, 90]], weights=[math.sqrt(3), 1])
    np.testing.assert_allclose(result, [0, 30], atol=1e-12)


def test_mean_of_nothing() -> None:
    with pytest.raises(InputError) as caught:
        sphere.mean([])
    assert str(caught.value) == "the mean of no positions is undefined"


# --- areas


def test_octant_and_slim_triangles() -> None:
    octant = np.eye(3)
    assert float(sphere.angles_on_sphere(octant)) == pytest.approx(4 * math.pi / 8, rel=1e-15)
    assert float(sphere.angles_on_sphere(octant[::-1])) == pytest.approx(4 * math.pi / 8)  # either way round
    # a hundredth of a microradian wide: the flat triangle's area, to 6 digits
    tiny = 1e-8
    corners = sphere.xyz(np.degrees([[0.5, 1], [0.5, 1 + tiny / math.cos(0.5)], [0.5 + tiny, 1]]))
    assert float(sphere.angles_on_sphere(corners)) == pytest.approx(tiny**2 / 2, rel=1e-6)


def test_triangles_by_their_angles(rng: np.random.Generator) -> None:
    """Girard: the area is the sum of the angles less pi."""
    corners = sphere.xyz(random_points(rng, 300)).reshape(100, 3, 3)
    angles = np.zeros(100)
    for k in range(3):
        here, one, other = (corners[:, (k + step) % 3] for step in range(3))
        sides = np.cross(here, one), np.cross(here, other)
        cosine = (sides[0] * sides[1]).sum(-1) / np.prod([np.linalg.norm(s, axis=-1) for s in sides], axis=0)
        angles += np.arccos(np.clip(cosine, -1, 1))
    np.testing.assert_allclose(sphere.angles_on_sphere(corners), angles - math.pi, atol=1e-6)


# --- move


@settings(max_examples=200)
@given(st.tuples(st.floats(-89.9, 89.9), longitudes), st.floats(-360, 360), st.floats(0, 20_000))
def test_move_goes_as_far_as_it_says(start: tuple[float, float], bearing: float, km: float) -> None:
    arrived = sphere.move(start, bearing, km)
    assert -90 <= arrived[0] <= 90
    assert -180 <= arrived[1] <= 180
    assert float(sphere.distance_km(start, arrived)) == pytest.approx(km, abs=1e-3)


@pytest.mark.parametrize("pole", [90.0, -90.0])
def test_move_from_a_pole_keeps_its_bearing(pole: float) -> None:
    bearings = np.arange(0, 360, 30.0)
    arrived = sphere.move([pole, 20.0], bearings, 400.0)
    expected = 20 + (180 - bearings if pole > 0 else bearings)
    np.testing.assert_allclose((arrived[:, 1] - expected + 180) % 360, 180, atol=1e-6)


def test_move_along_the_compass() -> None:
    degree = 6371.0088 * math.pi / 180
    start = [[0, 179.5]]
    arrived = sphere.move(start, [0, 90, 180, 270], degree)
    np.testing.assert_allclose(arrived, [[1, 179.5], [0, -179.5], [-1, 179.5], [0, 178.5]], atol=1e-9)
    over_the_pole = sphere.move([89, 30], 0, 2 * degree)
    np.testing.assert_allclose(over_the_pole, [89, -150], atol=1e-9)


# --- nearest


def brute_force(places: NDArray, queries: NDArray) -> NDArray:
    return vector_distance_km(queries[:, None], places[None])


def test_nearest_matches_brute_force(rng: np.random.Generator) -> None:
    """With many places on both sides of the date line and around the poles, where boxes in degrees go wrong."""
    line = np.stack([rng.uniform(-60, 60, 300), rng.choice([-1, 1], 300) * rng.uniform(179, 180, 300)], 1)
    caps = np.stack([rng.choice([-1, 1], 200) * rng.uniform(88, 90, 200), rng.uniform(-180, 180, 200)], 1)
    places = np.concatenate([random_points(rng, 500), line, caps])
    queries = np.concatenate([random_points(rng, 200), line[:50] + 0.01, [[90, 0], [0, 180], [0, -180]]])
    expected = brute_force(places, queries)
    search = sphere.Nearest(places)

    km, index = search.query(queries)
    assert km.shape == index.shape == (len(queries),)
    np.testing.assert_array_equal(index, expected.argmin(1))
    np.testing.assert_allclose(km, expected.min(1), atol=1e-6)

    km, index = search.query(queries, k=5)
    assert km.shape == index.shape == (len(queries), 5)
    np.testing.assert_allclose(km, np.sort(expected, axis=1)[:, :5], atol=1e-6)

    for row, found in enumerate(search.within(queries, 250)):
        assert sorted(found) == np.flatnonzero(expected[row] <= 250).tolist()


def test_nearest_across_the_date_line() -> None:
    km, index = sphere.Nearest([[0, 170], [0, -179.9]]).query([[0, 179.9]])
    assert index.tolist() == [1]
    assert km[0] == pytest.approx(22.239, abs=1e-3)


def test_within_counts_its_edge() -> None:
    """ "At most": a place at exactly the distance asked for is found."""
    edge = float(sphere.distance_km([0, 0], [0, 1]))
    assert sphere.Nearest([[0, 1]]).within([[0, 0]], edge) == [[0]]
    assert sphere.Nearest([[0, 1]]).within([[0, 0]], edge - 1e-6) == [[]]
    assert sphere.Nearest([[0, 1], [5, 5]]).within([[3, 3]], 1e6) == [[0, 1]]


def test_nearest_of_nothing() -> None:
    with pytest.raises(InputError) as caught:
        sphere.Nearest([])
    assert str(caught.value) == "cannot search among no positions"
