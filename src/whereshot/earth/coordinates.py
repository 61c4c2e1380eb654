"""Read coordinates from texts and numbers as signed degrees. EXIF, XMP, tables and claims share these rules.

A minus sign and a hemisphere letter that agree give that hemisphere. If they contradict each other, the coordinate is
refused. A minus sign belongs to the whole coordinate: minutes and seconds are negative too. A text that can be read in
two ways is refused.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from whereshot.earth import map_links
from whereshot.foundation.errors import InputError

HEMISPHERES = {"latitude": ("N", "S"), "longitude": ("E", "W")}
"""Axis -> the letters of its positive and its negative hemisphere."""

LONGEST_TEXT = 80
"""Characters of the longest text that is read as a coordinate."""

_WORDS = {
    **dict.fromkeys(("n", "north", "nord", "norte"), "N"),
    **dict.fromkeys(("s", "south", "süd", "sud", "sur", "sul"), "S"),
    **dict.fromkeys(("e", "east", "ost", "est", "este", "leste"), "E"),
    **dict.fromkeys(("w", "west", "ouest", "oeste", "ovest"), "W"),
}
_LETTER = rf"(?:{'|'.join(sorted(_WORDS, key=len, reverse=True))})(?![^\W\d_])"
_SIGN = "[-+\N{MINUS SIGN}\N{EN DASH}]"
_NUMBER = r"(?:\d+(?:\.\d*|,\d+)?|\.\d+)"
_GAP = r"(?:\s*:\s*|\s+)"
_MARKED = re.compile(
    rf"(?P<before>{_LETTER})?\s*(?P<sign>{_SIGN})?\s*"
    rf"(?P<degrees>{_NUMBER})\s*(?P<degree_mark>[°º˚]|deg(?:rees?)?)?"
    rf"(?:(?(degree_mark)\s*|{_GAP})(?P<minutes>{_NUMBER})\s*(?P<minute_mark>['′’´]|min(?:utes?)?)?"
    rf"(?:(?(minute_mark)\s*|{_GAP})(?P<seconds>{_NUMBER})\s*(?:[\"″”]|''|′′|’’|sec(?:onds?)?)?)?)?"
    rf"\s*(?P<after>{_LETTER})?",
    re.IGNORECASE,
)
"""Degrees such as 48.2083, -33.85, 48°12'30"N, 48 deg 12' 30.00" N, N48.2, 48 12 30 N and 48,2083."""

_TWO_NUMBERS = re.compile(r"\d[.,]?\s+[.\d]")
"""Numbers with nothing but blanks between them: "48 16" may be minutes, or a latitude and a longitude."""

_WITH_COMMAS = re.compile(
    rf"(?P<sign>{_SIGN})?(?P<degrees>\d+(?:\.\d*)?)(?:,(?P<minutes>\d+(?:\.\d*)?))?(?:,(?P<seconds>\d+(?:\.\d*)?))?"
    rf"\s*(?P<after>{_LETTER})?",
    re.IGNORECASE,
)
"""Degrees as XMP writes them, with commas between the parts: 48,12.5N and 48,12,30N."""

_SEPARATORS = re.compile(
    r"\s*[,;/|]\s*|\s+|(?<=[\d°º˚'′’´\"″”][NSEW])(?=[-+.\d])|(?<=[\d°º˚'′’´\"″”])(?=[NSEW][-+.\d])", re.IGNORECASE
)
"""What parts two coordinates; also nothing, beside a hemisphere between numbers: 48.2N16.37E, N48.2E16.37."""

_SEPARATED = re.compile(r"[,;/|]|(?<=[NSEWnsew])\s+")
_SIGNS = {"\u066b": ".", "\u060c": ",", "\u061b": ";", "\u3001": ",", "\u3000": " ", "\u200e": "", "\u200f": ""}
"""Arabic and Chinese punctuation, as ASCII; marks of direction are left out."""
_BRACKETS = re.compile(r"\(([^()]*)\)|\[([^\[\]]*)\]")
_LABELLED = re.compile(
    r"lat(?:itude|\.)?\s*[:=]?\s*(?P<latitude>.+?)[\s,;/&]+(?:lon(?:gitude|g)?|lng)\.?\s*[:=]?\s*(?P<longitude>.+)",
    re.IGNORECASE,
)
"""Coordinates with their names: lat 48.2, lon 16.37."""
_ISO_6709 = re.compile(r"([-+]\d{1,2}(?:\.\d+)?)([-+]\d{1,3}(?:\.\d+)?)(?:[-+]\d+(?:\.\d+)?)?(?:CRS\w+)?/?")
_WEST_OR_EAST = re.compile(r"\d[\s°'′\"″]*o\s*$|^o\s*\d", re.IGNORECASE)
_CERTAIN_DECIMALS = re.compile(r"\d,(?:\d{3,}|[6-9]\d)")
"""A decimal comma: the digits after it cannot be minutes."""


EXAMPLES = "48.8566, 2.3522 or 48°51'24\"N 2°21'8\"E, or paste the link of a map"
"""How two coordinates can be written, for errors."""
_ONLY_NUMBERS = re.compile(
    rf"(?=.*\d)(?:[\d\s.,;:/|()\[\]°º˚'′’´\"″”]|{_SIGN}|{_LETTER}|lat\w*|lon\w*|lng|deg|min|sec|z\b)+", re.IGNORECASE
)
_MISSING = r"(?:nan|none|null|undefined|[-+]?inf(?:inity)?)"
_NO_NUMBERS = re.compile(rf"\W*{_MISSING}(?:\W+{_MISSING})+\W*", re.IGNORECASE)
"""What programs write for coordinates that are missing."""


class CoordinateError(InputError):
    """Texts or numbers are not a coordinate, contradict themselves or can be read in two ways."""


def read_hemisphere(text: str, axis: str) -> str:
    """Return the letter ("N", "S", "E" or "W") of a hemisphere written as "s" or "South"; "" for a blank text.

    ``axis`` is "latitude" or "longitude". Raises CoordinateError if the text is not a hemisphere of that axis.
    """
    word = text.strip()
    letter = _WORDS.get(word.lower(), "")
    if word and letter not in tuple(HEMISPHERES[axis]):
        positive, negative = HEMISPHERES[axis]
        raise CoordinateError(f"{axis} has no hemisphere ({positive} or {negative}); got {word[:40]!r}")
    return letter


def combine(parts: Sequence[float], axis: str, letter: str = "", sign: str = "") -> float:
    """Return signed degrees of 1 to 3 finite numbers: degrees, minutes, seconds.

    ``letter`` is a hemisphere letter or "". ``sign`` is a sign that is written apart from the numbers: "+", "-" or "".
    The limits of the axis are not checked. Raises CoordinateError if the numbers contradict one another, the letter or
    the sign.
    """
    shown = " ".join(f"{part:.10g}" for part in parts)
    first = next((part for part in parts if part != 0), 0.0)
    is_negative = sign == "-" or first < 0
    if any(part < 0 for part in parts) and not first < 0:
        raise CoordinateError(f"{axis} {shown} has negative minutes or seconds after positive degrees")
    for name, part in zip(("minutes", "seconds"), parts[1:], strict=False):
        if abs(part) > 60:
            raise CoordinateError(f"{axis} {shown} has {abs(part):g} {name}; expected 0 to 60")
    for number, part in enumerate(parts):
        if part != int(part) and any(parts[number + 1 :]):
            raise CoordinateError(f"{axis} {shown} has a fraction before its last part; expected whole numbers there")
    positive, negative = HEMISPHERES[axis]
    if (is_negative and letter == positive) or (sign == "+" and letter == negative):
        written = shown if first < 0 else f"{sign}{shown}"
        mark = "minus" if is_negative else "plus"
        raise CoordinateError(f"{axis} {written} has a {mark} sign, but its hemisphere is {letter}")
    size = sum(abs(part) / (1.0, 60.0, 3600.0)[power] for power, part in enumerate(parts))
    return 0.0 - size if is_negative or letter == negative else size


def read(text: str, axis: str, hemisphere: str = "", *, commas_part: bool = False) -> float:
    """Return signed degrees of a text.

    ``axis`` is "latitude" or "longitude". ``hemisphere`` is the text of a separate field, such as EXIF's
    GPSLatitudeRef, or "". A comma is a decimal comma and needs a digit after it; with ``commas_part`` (XMP) commas
    stand between degrees, minutes and seconds. Degrees and minutes with only blanks between them need a degree mark or
    a hemisphere, because "48 16" may also be a latitude and a longitude. The limits of the axis are not checked. Raises
    CoordinateError for a text that is not a coordinate, contradicts itself or can be read in two ways.

    >>> read("48 deg 12' 30.00\\" N", "latitude")
    48.208333333333336
    >>> read("33,85", "latitude", "South")
    -33.85
    """
    apart = read_hemisphere(hemisphere, axis)
    trimmed = _plain_signs(text).strip()
    found = _match(trimmed, axis, commas_part)
    if found is None:
        raise CoordinateError(f"{axis} is not a number: {trimmed[:40]!r}")
    groups = found.groupdict()
    letters = {_WORDS[word.lower()] for word in (groups.get("before"), groups["after"]) if word}
    if len(letters) == 2 or (groups.get("before") and groups["after"]):
        raise CoordinateError(f"{axis} has two hemispheres: {trimmed[:40]!r}")
    own = letters.pop() if letters else ""
    if own:
        read_hemisphere(own, axis)
    if own and apart and own != apart:
        raise CoordinateError(f"{axis} {trimmed[:40]!r} has the letter {own}, but its hemisphere is {apart}")
    if found.re is _WITH_COMMAS and not commas_part and not (own or apart):
        raise CoordinateError(f"{axis} {trimmed[:40]!r} has commas and no hemisphere; write it as 48.2083")
    if _TWO_NUMBERS.search(trimmed) and not (groups.get("degree_mark") or own or apart):
        raise CoordinateError(
            f"{axis} {trimmed[:40]!r} is more than one number; write minutes as 48\N{DEGREE SIGN}12', 48:12 or 48 12 N"
        )
    parts = [float(groups[name].replace(",", ".")) for name in ("degrees", "minutes", "seconds") if groups[name]]
    sign = "" if not groups["sign"] else "+" if groups["sign"] == "+" else "-"
    return combine(parts, axis, own or apart, sign)


def _match(text: str, axis: str, commas_part: bool) -> re.Match[str] | None:
    """Return the parts of a coordinate, or None if the text is not one. Raises CoordinateError if it may be two."""
    if len(text) > LONGEST_TEXT:
        return None
    if commas_part:
        return _WITH_COMMAS.fullmatch(text) or (None if "," in text else _MARKED.fullmatch(text))
    marked, parted = _MARKED.fullmatch(text), _WITH_COMMAS.fullmatch(text)
    if marked is None:
        return parted
    if parted is not None and parted["minutes"] and parted["after"] and float(parted["minutes"]) <= 60:
        raise CoordinateError(f"{axis} {text!r} has a decimal comma or minutes; write it as 48.2083 or 48 12.5 N")
    return marked


def read_pair(text: str) -> tuple[float, float] | None:
    """Return (latitude, longitude) in degrees of a text with two coordinates, or None.

    None means that the text is not two coordinates, or can be read in two ways. Latitude comes first unless hemisphere
    letters show the other order. Brackets, "lat" and "lon", links of maps and ISO 6709 ("+48.2+016.4/") are read too.
    The limits are not checked. Raises CoordinateError for a coordinate that contradicts itself, such as "-33.85 N,
    151.2 E", and for the letter O, which is east in German and west in French and Spanish.

    >>> read_pair("48°12'30\\"N 16°22'12\\"E")
    (48.208333333333336, 16.37)
    >>> read_pair("48,2083; 16,37")
    (48.2083, 16.37)
    """
    trimmed = _plain(_plain_signs(text))
    if len(trimmed) > 2 * LONGEST_TEXT or not any(char.isdigit() for char in trimmed):
        return None
    labelled = _LABELLED.fullmatch(trimmed)
    if labelled is not None:
        return read(labelled["latitude"], "latitude"), read(labelled["longitude"], "longitude")
    found: dict[tuple[float, float], None] = {}
    refused: CoordinateError | None = None
    for gap in _SEPARATORS.finditer(trimmed):
        first, second = _with_points(trimmed[: gap.start()], trimmed[gap.end() :])
        axes = _axes_of(first, second)
        if axes is None:
            continue
        try:
            values = {axis: read(part, axis) for axis, part in zip(axes, (first, second), strict=True)}
        except CoordinateError as error:
            refused = error
            continue
        found[values["latitude"], values["longitude"]] = None
    if not found and refused is not None:
        raise refused
    return next(iter(found)) if len(found) == 1 else None


def refuse_unread(text: str) -> None:
    """Raise CoordinateError for a text that looks like coordinates or a link, and is neither as far as we can read.

    It is for texts of which ``read_pair`` returned None.
    """
    plain = _plain_signs(text).strip()
    if map_links.is_link(plain):
        raise CoordinateError(f"the link {plain[:60]!r} has no position; write it as {EXAMPLES}")
    if _ONLY_NUMBERS.fullmatch(plain) or _NO_NUMBERS.fullmatch(plain):
        raise CoordinateError(f"{plain[:60]!r} is no position; write latitude and longitude as {EXAMPLES}")


def is_signed_twice(text: str) -> bool:
    """Return whether a coordinate has a minus sign and a letter for its hemisphere: "-48 S, 2 E"."""
    marked = (match for part in _SEPARATED.split(_plain_signs(text)) if (match := _MARKED.fullmatch(part.strip())))
    return any(match["sign"] not in (None, "+") and (match["before"] or match["after"]) for match in marked)


def _plain_signs(text: str) -> str:
    """Return a text with the digits of all scripts and full-width signs as those of ASCII."""
    return text if text.isascii() else "".join(map(_plain_sign, text))


def _plain_sign(char: str) -> str:
    digit = unicodedata.decimal(char, None)
    if digit is not None:
        return str(digit)
    if "\uff01" <= char <= "\uff5e":  # the full-width forms of ASCII
        return chr(ord(char) - 0xFEE0)
    return _SIGNS.get(char, char)


def _plain(text: str) -> str:
    """Return a text without brackets around it, and the two numbers of a link or of ISO 6709."""
    link = map_links.pair_of_link(text)
    if link is not None:
        return link
    trimmed = text.strip()
    around = _BRACKETS.fullmatch(trimmed)
    if around is not None:
        trimmed = (around[1] or around[2] or "").strip()
    joined = _ISO_6709.fullmatch(trimmed)
    return f"{joined[1]}, {joined[2]}" if joined is not None else trimmed


def _with_points(first: str, second: str) -> tuple[str, str]:
    """Return two texts with decimal points for commas, if one of the commas can only be a decimal comma."""
    both = (first, second)
    if all(part.count(",") == 1 and "." not in part for part in both) and any(map(_CERTAIN_DECIMALS.search, both)):
        return first.replace(",", "."), second.replace(",", ".")
    return first, second


def _axes_of(first: str, second: str) -> tuple[str, str] | None:
    """Return the axes of two texts, in their order, or None if they are not two coordinates. Raises CoordinateError."""
    for part, other in ((first, second), (second, first)):
        if _WEST_OR_EAST.search(part) and (found := _MARKED.fullmatch(other)) and (found["before"] or found["after"]):
            raise CoordinateError(
                f"the letter O in {part[:40]!r} is east in German and west in French and Spanish; write E or W"
            )
    matches = [match for match in map(_MARKED.fullmatch, (first, second)) if match is not None]
    has_letters = all(match["before"] or match["after"] for match in matches)
    if len(matches) < 2 or ("," in first + second and "." in first + second and not has_letters):
        return None
    axes: list[str | None] = []
    for match in matches:
        letter = _WORDS.get((match["before"] or match["after"] or "").lower(), "")
        if match["before"] and match["after"]:
            return None
        if match["minutes"] and not (letter or match["degree_mark"]):
            return None  # nothing shows that 48 12 30 is degrees and minutes
        axes.append(next((axis for axis, letters in HEMISPHERES.items() if letter and letter in letters), None))
    if axes[0] == "longitude" and axes[1] != "longitude":
        return "longitude", "latitude"
    return ("latitude", "longitude") if axes[0] != "longitude" and axes[1] != "latitude" else None
