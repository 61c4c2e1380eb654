"""One coordinate in all its notations; a sign and a hemisphere that contradict each other are never a position."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whereshot.earth.coordinates import HEMISPHERES, CoordinateError, combine, read, read_hemisphere, read_pair

AXES = st.sampled_from(["latitude", "longitude"])


@pytest.mark.parametrize(
    ("text", "degrees"),
    [
        ("48.2083", 48.2083),
        (" 48.2083 ", 48.2083),
        ("48,2083", 48.2083),
        ("-33.85", -33.85),
        ("\N{MINUS SIGN}33.85", -33.85),
        ("+33.85", 33.85),
        ("48.2083° N", 48.2083),
        ("48.2083 n", 48.2083),
        ("N48.2", 48.2),
        ("S 33,85", -33.85),
        ("33.85 South", -33.85),
        ("-33.85 S", -33.85),
        ("48°12'30\"N", 48 + 12.5 / 60),
        ("48°12′30″ N", 48 + 12.5 / 60),
        ("48 deg 12' 30.00\" N", 48 + 12.5 / 60),
        ("48 deg 12.5' S", -48 - 12.5 / 60),
        ("48 12 30 N", 48 + 12.5 / 60),
        ("48:12:30", 48 + 12.5 / 60),
        ("-33:51:0", -33.85),
        ("-33° 51 0", -33.85),
        ("-0:30", -0.5),
        ("48,12.5N", 48 + 12.5 / 60),
        ("48,12,30N", 48 + 12.5 / 60),
        ("48,2083N", 48.2083),
        ("47°60'N", 48.0),
    ],
)
def test_notations(text: str, degrees: float) -> None:
    assert read(text, "latitude") == pytest.approx(degrees, abs=1e-12)


@pytest.mark.parametrize(
    ("text", "hemisphere", "reason"),
    [
        ("", "", "latitude is not a number: ''"),
        ("pole", "", "latitude is not a number: 'pole'"),
        ("48.2.1", "", "latitude is not a number: '48.2.1'"),
        ("-33.85 N", "", "latitude -33.85 has a minus sign, but its hemisphere is N"),
        ("-33.85", "North", "latitude -33.85 has a minus sign, but its hemisphere is N"),
        ("+33.85", "S", "latitude +33.85 has a plus sign, but its hemisphere is S"),
        ("33.85 N", "S", "latitude '33.85 N' has the letter N, but its hemisphere is S"),
        ("N 33.85 S", "", "latitude has two hemispheres: 'N 33.85 S'"),
        ("16.37 E", "", "latitude has no hemisphere (N or S); got 'E'"),
        ("33.85", "up", "latitude has no hemisphere (N or S); got 'up'"),
        ("48 75 0", "N", "latitude 48 75 0 has 75 minutes; expected 0 to 60"),
        ("48 12 61", "N", "latitude 48 12 61 has 61 seconds; expected 0 to 60"),
        ("48.5 30", "N", "latitude 48.5 30 has a fraction before its last part; expected whole numbers there"),
        ("48,12N", "", "latitude '48,12N' has a decimal comma or minutes; write it as 48.2083 or 48 12.5 N"),
        ("48,12.5", "", "latitude '48,12.5' has commas and no hemisphere; write it as 48.2083"),
        ("48, 16", "", "latitude is not a number: '48, 16'"),
        ("48, 16", "N", "latitude is not a number: '48, 16'"),
        ("12:30, 4", "", "latitude is not a number: '12:30, 4'"),
        ("48,", "", "latitude is not a number: '48,'"),
        (
            "-48 16",
            "",
            "latitude '-48 16' is more than one number; write minutes as 48°12', 48:12 or 48 12 N",
        ),
        (
            "12:30 4",
            "",
            "latitude '12:30 4' is more than one number; write minutes as 48°12', 48:12 or 48 12 N",
        ),
        ("1" * 100, "", f"latitude is not a number: '{'1' * 40}'"),
    ],
)
def test_texts_that_are_refused(text: str, hemisphere: str, reason: str) -> None:
    with pytest.raises(CoordinateError) as caught:
        read(text, "latitude", hemisphere)
    assert str(caught.value) == reason


@pytest.mark.parametrize("reference", ["N", "north"])
def test_blanks_part_minutes_where_the_hemisphere_is_known(reference: str) -> None:
    assert read("48 12 30", "latitude", reference) == pytest.approx(48 + 12.5 / 60, abs=1e-12)
    assert read("48 12.5", "latitude", reference) == pytest.approx(48 + 12.5 / 60, abs=1e-12)


@given(latitude=st.floats(-90, 90), longitude=st.floats(-180, 180), gap=st.sampled_from([", ", " ", "; ", " , "]))
def test_a_pair_is_never_a_latitude(latitude: float, longitude: float, gap: str) -> None:
    with pytest.raises(CoordinateError):
        read(f"{latitude:.6f}{gap}{longitude:.6f}", "latitude")
    with pytest.raises(CoordinateError):
        read(f"{latitude:.0f}{gap}{longitude:.0f}", "latitude")


@pytest.mark.parametrize(("text", "letter"), [("s", "S"), ("South", "S"), (" NORTH ", "N"), ("", ""), (" ", "")])
def test_hemispheres(text: str, letter: str) -> None:
    assert read_hemisphere(text, "latitude") == letter


def test_commas_of_xmp() -> None:
    """There a comma is never a decimal comma: 48,12 is twelve minutes."""
    assert read("48,12", "latitude", commas_part=True) == 48.2
    assert read("48,12N", "latitude", commas_part=True) == 48.2
    assert read("47,60.0000000N", "latitude", commas_part=True) == 48.0
    with pytest.raises(CoordinateError, match="has 2083 minutes; expected 0 to 60"):
        read("48,2083", "latitude", commas_part=True)


def test_a_minus_sign_belongs_to_minutes_and_seconds() -> None:
    assert combine([-33, 51, 0], "latitude", "S") == -33.85
    assert combine([-33, 51, 0], "latitude") == -33.85
    assert combine([-33, -51, 0], "latitude", "S") == -33.85
    assert combine([0, -30, 0], "latitude", "S") == -0.5
    assert math.copysign(1, combine([0, 0, 0], "latitude", "S")) == 1
    with pytest.raises(CoordinateError, match="latitude 33 -51 0 has negative minutes or seconds after positive"):
        combine([33, -51, 0], "latitude", "S")


@given(
    axis=AXES,
    degrees=st.integers(0, 179),
    minutes=st.integers(0, 59),
    seconds=st.integers(0, 59_999),
    is_negative=st.booleans(),
    form=st.sampled_from(
        ["{d}°{m}'{s}\"{x}", "{d} deg {m}' {s}\" {x}", "{x}{d} {m} {s}", "{d}:{m}:{s} {x}", "{d},{m},{s}{x}"]
    ),
    is_signed=st.booleans(),
    is_apart=st.booleans(),
)
def test_every_notation_is_read_back(
    axis: str, degrees: int, minutes: int, seconds: int, is_negative: bool, form: str, is_signed: bool, is_apart: bool
) -> None:
    letter = HEMISPHERES[axis][is_negative]
    size = degrees + minutes / 60 + seconds / 3_600_000
    value = -size if is_negative else size
    text = form.format(d=degrees, m=minutes, s=f"{seconds / 1000:.3f}", x="" if is_apart else letter)
    if is_signed and not text.startswith(letter):
        text = f"{'-' if is_negative else '+'}{text}"
    assert read(text, axis, letter if is_apart else "") == pytest.approx(value, abs=1e-9)
    other = HEMISPHERES[axis][not is_negative]
    if text[0] in "+-":
        with pytest.raises(CoordinateError):
            read(text.replace(letter, other), axis, other if is_apart else "")


@given(value=st.floats(-180, 180, allow_nan=False))
def test_a_number_is_itself(value: float) -> None:
    text = f"{value:.9f}"
    assert read(text, "longitude") == float(text)
    assert read(text.replace(".", ","), "longitude") == float(text)
    assert read(text.replace("-", "\N{MINUS SIGN}"), "longitude") == float(text)


@given(text=st.text(alphabet="0123456789.,-+ °'\"NSEWnsewdeg:;x", max_size=20), axis=AXES, commas_part=st.booleans())
def test_any_text_is_a_finite_number_or_refused(text: str, axis: str, commas_part: bool) -> None:
    try:
        value = read(text, axis, commas_part=commas_part)
    except CoordinateError as error:
        assert str(error).startswith(axis)
        return
    assert math.isfinite(value)
    assert ("-" not in text and not set(HEMISPHERES[axis][1] + HEMISPHERES[axis][1].lower()) & set(text)) or value <= 0


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        ("48.86, 2.35", (48.86, 2.35)),
        ("-33.9 18.4", (-33.9, 18.4)),
        ("48,16", (48, 16)),
        ("48.2083° N, 16.3700° E", (48.2083, 16.37)),
        ("48°12'30\"N 16°22'12\"E", (48 + 12.5 / 60, 16.37)),
        ("48,2083; 16,37", (48.2083, 16.37)),
        ("48,2083, 16,37", (48.2083, 16.37)),
        ("48.2N 16.4E", (48.2, 16.4)),
        ("N 33.85, W 70.5", (33.85, -70.5)),
        ("16.4E, 48.2N", (48.2, 16.4)),
        ("48 12 30 N 16 22 12 E", (48 + 12.5 / 60, 16.37)),
        ("\N{MINUS SIGN}33.85, 151.2", (-33.85, 151.2)),
        ("(48.2083, 16.37)", (48.2083, 16.37)),
        ("[48.2083,16.37]", (48.2083, 16.37)),
        ("48.2083 / 16.37", (48.2083, 16.37)),
        ("48°12'30\"N / 16°22'12\"E", (48 + 12.5 / 60, 16.37)),
        ("48,2083 N 16,37 E", (48.2083, 16.37)),  # 2083 are no minutes, so 37 are none
        ("48,2083° N, 16,37° E", (48.2083, 16.37)),
        ("48,2083 N 16.37 E", (48.2083, 16.37)),
        ("48° 12,5' N, 16° 22,2' E", (48 + 12.5 / 60, 16.37)),
        ("48.2083 Nord, 16.37 Ost", (48.2083, 16.37)),
        ("33.85 Sur, 70.5 Oeste", (-33.85, -70.5)),
        ("45.5 Nord, 73.6 Ouest", (45.5, -73.6)),
        ("lat 48.2 lon 16.37", (48.2, 16.37)),
        ("Lat: 48.2083, Long: 16.3700", (48.2083, 16.37)),
        ("latitude=-33.85&longitude=151.2", (-33.85, 151.2)),
        ("geo:48.2083,16.37", (48.2083, 16.37)),
        ("geo:-33.85,151.2;u=35", (-33.85, 151.2)),
        ("@48.2083,16.37,15z", (48.2083, 16.37)),
        ("https://maps.example.org/maps/@48.2083,16.37,15z/data=x", (48.2083, 16.37)),
        ("+48.2083+016.3700/", (48.2083, 16.37)),
        ("-33.85+151.2+35/", (-33.85, 151.2)),
        ("()", None),
        ("lat, lon", None),
        ("48,16,37", None),  # 48 and 16,37, or 48,16 and 37
        ("48 12 30", None),
        ("48.2N, 16.4N", None),
        ("48.2", None),
        ("Paris, Texas", None),
        ("10 Downing Street, 5", None),
    ],
)
def test_pairs(text: str, pair: tuple[float, float] | None) -> None:
    assert read_pair(text) == (pair and pytest.approx(pair, abs=1e-12))


def test_a_pair_that_contradicts_itself_is_refused() -> None:
    with pytest.raises(CoordinateError, match=r"latitude -33\.85 has a minus sign, but its hemisphere is N"):
        read_pair("-33.85 N, 151.2 E")


@pytest.mark.parametrize("text", ["52° 31′ N, 13° 24′ O", "40°26′46″N 3°41′O", "O 13.4, N 52.5", "52.5 N; 13.4 o"])
def test_the_letter_o_is_refused(text: str) -> None:
    with pytest.raises(CoordinateError, match=r"is east in German and west in French and Spanish; write E or W$"):
        read_pair(text)


def test_a_comma_of_two_meanings_is_refused() -> None:
    with pytest.raises(CoordinateError, match=r"has a decimal comma or minutes; write it as 48\.2083 or 48 12\.5 N$"):
        read_pair("48,20 N 16,37 E")


@given(latitude=st.floats(-90, 90), longitude=st.floats(-180, 180), gap=st.sampled_from([", ", " ", ";", ","]))
def test_two_plain_numbers_are_a_pair(latitude: float, longitude: float, gap: str) -> None:
    texts = f"{latitude:.6f}", f"{longitude:.6f}"
    assert read_pair(gap.join(texts)) == (float(texts[0]), float(texts[1]))
