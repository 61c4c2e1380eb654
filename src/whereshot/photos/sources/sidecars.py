"""Read the files that lie beside photos and describe them: XMP, and the JSON of Google Takeout.

photo.xmp, photo.jpg.xmp                   Adobe's XMP (ISO 16684), as Lightroom, darktable and digiKam write it
photo.jpg.json, photo.jpg.supplemental-metadata.json, and its names cut to 46 characters
"""

from __future__ import annotations

import datetime
import json
import math
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.parsers import expat

from whereshot.earth import coordinates, sphere
from whereshot.foundation.errors import one_line

MOST_BYTES = 16 * 1024**2
"""A file with more bytes than this is not a sidecar."""

XMP, TAKEOUT, TAKEOUT_EXIF = "xmp", "takeout", "takeout exif"

_EXIF = "{http://ns.adobe.com/exif/1.0/}"
_XMP = "{http://ns.adobe.com/xap/1.0/}"
_PHOTOSHOP = "{http://ns.adobe.com/photoshop/1.0/}"
_DC = "{http://purl.org/dc/elements/1.1/}"
_LIGHTROOM = "{http://ns.adobe.com/lightroom/1.0/}"
_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"

_SUPPLEMENT = ".supplemental-metadata"
_LONGEST_STEM = 46
"""Takeout keeps this number of characters of a name before ".json"."""

_NUMBERED = re.compile(r"(.*?)\((\d+)\)(\.[^.]*)?", re.DOTALL)
_EDITED = re.compile(r"-(edited|bearbeitet|modifié|editado|modificato|bewerkt|edytowane|ha editado)$", re.IGNORECASE)


@dataclass(frozen=True)
class Sidecar:
    """The data in a file beside a photo; fields that it does not have are None.

    Positions are in degrees. ``taken_at`` is in UTC unless ``taken_at_is_local``. ``position_from`` and ``taken_from``
    name the kind of the file. ``problem`` is why the file or its position cannot be read.
    """

    latitude: float | None = None
    longitude: float | None = None
    position_from: str | None = None
    accuracy_km: float | None = None
    taken_at: datetime.datetime | None = None
    taken_at_is_local: bool = False
    taken_from: str | None = None
    title: str | None = None
    tags: tuple[str, ...] | None = None
    problem: str | None = None


_TOGETHER = (
    ("latitude", "longitude", "position_from", "accuracy_km"),
    ("taken_at", "taken_at_is_local", "taken_from"),
    ("title",),
    ("tags",),
    ("problem",),
)
"""Groups of fields that must come from the same sidecar.

The first field of a group shows whether the sidecar has it.
"""


class Sidecars:
    """Finds and reads the files beside photos. Each folder is listed once."""

    def __init__(self, pictures: Iterable[Path]) -> None:
        folders = dict.fromkeys(path.parent for path in pictures)
        self._listed = {folder: _listed(folder) for folder in folders}

    def read(self, picture: Path) -> Sidecar:
        """Return the values of the files beside a photo: of XMP first, of Google Takeout for what XMP lacks."""
        found = [self._read(picture.parent / name) for name in self.names(picture)]
        values: dict[str, Any] = {}
        for names in _TOGETHER:
            source = next((one for one in found if getattr(one, names[0]) is not None), None)
            if source is not None:
                values |= {name: getattr(source, name) for name in names}
        return Sidecar(**values)

    def names(self, picture: Path) -> list[str]:
        """Return the sidecars of a photo: XMP before Takeout, the more exact name first."""
        listed = self._listed.get(picture.parent)
        if not listed:
            return []
        name, stem = picture.name.lower(), picture.stem.lower()
        candidates = [*(f"{one}.xmp" for one in (name, stem)), *_takeout_names(name)]
        found = [listed[candidate] for candidate in candidates if candidate in listed]
        return list(dict.fromkeys(found))

    def _read(self, path: Path) -> Sidecar:
        try:
            if path.stat().st_size > MOST_BYTES:
                return Sidecar(problem=f"{path.name}: more than {MOST_BYTES // 1024**2} MiB")
            data = path.read_bytes()
            found = read_xmp(data) if path.suffix.lower() == ".xmp" else read_takeout(data)
            return replace(found, problem=found.problem and f"{path.name}: {found.problem}")
        except (OSError, ValueError) as error:
            return Sidecar(problem=f"{path.name}: {one_line(error, 120)}")


def _listed(folder: Path) -> dict[str, str]:
    """Return the sidecars of a folder by their names in lower case."""
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return {}
    return {name.lower(): name for name in names if name.lower().endswith((".xmp", ".json")) and name[0] != "."}


def _takeout_names(name: str) -> Iterator[str]:
    """Return the names that Takeout may give to the JSON of a photo: a.jpg(1).json for a(1).jpg, a.jpg.json for
    a-edited.jpg.
    """
    numbered = _NUMBERED.fullmatch(name)
    plain, count = (f"{numbered[1]}{numbered[3] or ''}", f"({numbered[2]})") if numbered else (name, "")
    stem, suffix = os.path.splitext(plain)
    original = f"{_EDITED.sub('', stem)}{suffix}"
    for photo, number in dict.fromkeys([(name, ""), (plain, count), (original, count)]):
        whole = f"{photo}{_SUPPLEMENT}"
        yield f"{photo}{number}.json"
        yield from (f"{whole[:length]}{number}.json" for length in range(len(whole), len(photo), -1))
        yield f"{whole[:_LONGEST_STEM]}{number}.json"


# --- XMP


def read_xmp(data: bytes) -> Sidecar:
    """Read an XMP packet. Raises ValueError for other content, and for entities, which no XMP needs."""
    properties: dict[str, list[ElementTree.Element | str]] = defaultdict(list)
    for description in _tree(data).iter(f"{_RDF}Description"):
        for name, text in description.attrib.items():
            properties[name].append(text)
        for child in description:
            properties[child.tag].append(child)
    position, problem = _position(properties)
    error_m = _number(_first(properties, f"{_EXIF}GPSHPositioningError"))
    taken_at, is_local = _moment(
        *(
            _first(properties, name)
            for name in (f"{_EXIF}DateTimeOriginal", f"{_PHOTOSHOP}DateCreated", f"{_XMP}CreateDate")
        )
    )
    tags = [*_all(properties, f"{_DC}subject")]
    tags += [word for path in _all(properties, f"{_LIGHTROOM}hierarchicalSubject") for word in path.split("|")]
    return Sidecar(
        latitude=position[0] if position else None,
        longitude=position[1] if position else None,
        position_from=XMP if position else None,
        accuracy_km=error_m / 1000 if position and error_m is not None and error_m > 0 else None,
        taken_at=taken_at,
        taken_at_is_local=is_local,
        taken_from=XMP if taken_at else None,
        title=_first(properties, f"{_DC}title"),
        tags=tuple(dict.fromkeys(word.strip() for word in tags if word.strip())) or None,
        problem=problem,
    )


def _tree(data: bytes) -> ElementTree.Element:
    """Return the elements of a document. A document type is refused, and with it entities that grow or name files."""
    builder = ElementTree.TreeBuilder()
    parser = expat.ParserCreate(namespace_separator="}")

    def named(name: str) -> str:
        return f"{{{name}" if "}" in name else name

    def refuse(*_: Any) -> Any:
        raise ValueError("XML with a document type or entities, which no XMP has")

    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = parser.ExternalEntityRefHandler = refuse
    parser.StartElementHandler = lambda tag, given: builder.start(named(tag), {named(k): v for k, v in given.items()})
    parser.EndElementHandler = lambda tag: builder.end(named(tag))
    parser.CharacterDataHandler = builder.data
    try:
        parser.Parse(data, True)
        return builder.close()
    except expat.ExpatError as error:
        raise ValueError(f"not XML ({error})") from None


def _texts(value: ElementTree.Element | str) -> list[str]:
    """Return the texts of a property: its own text, or the texts of its list, the default language first."""
    if isinstance(value, str):
        return [value.strip()] if value.strip() else []
    items = sorted(value.iter(f"{_RDF}li"), key=lambda item: item.get(_LANGUAGE, "x-default") != "x-default")
    texts = [(item.text or "").strip() for item in items] if items else [(value.text or "").strip()]
    return [text for text in texts if text]


def _all(properties: dict[str, list[ElementTree.Element | str]], name: str) -> list[str]:
    return [text for value in properties.get(name, ()) for text in _texts(value)]


def _first(properties: dict[str, list[ElementTree.Element | str]], name: str) -> str | None:
    return next(iter(_all(properties, name)), None)


def _position(
    properties: dict[str, list[ElementTree.Element | str]],
) -> tuple[tuple[float, float] | None, str | None]:
    """Return (latitude, longitude), or None and why a position that is there cannot be used."""
    values = []
    for axis, name in (("latitude", "GPSLatitude"), ("longitude", "GPSLongitude")):
        text = _first(properties, f"{_EXIF}{name}")
        if text is None:
            return None, None
        try:
            hemisphere = _first(properties, f"{_EXIF}{name}Ref") or ""
            values.append(coordinates.read(text, axis, hemisphere, commas_part=True))
        except coordinates.CoordinateError as error:
            return None, str(error)
    return (values[0], values[1]), None


def _moment(*texts: str | None) -> tuple[datetime.datetime | None, bool]:
    """Return (time, whether it is local) from the first text that has a time of day; in UTC where it has an offset."""
    for text in texts:
        if not text or "T" not in text:  # a date without a time would be read as midnight
            continue
        try:
            moment = datetime.datetime.fromisoformat(text)
            if moment.tzinfo is not None:
                return moment.astimezone(datetime.UTC), False
        except (ValueError, OverflowError):
            continue
        return moment.replace(tzinfo=datetime.UTC), True
    return None, False


# --- Takeout


def read_takeout(data: bytes) -> Sidecar:
    """Read the JSON that Google Takeout writes beside a photo. Raises ValueError for other content."""
    document = json.loads(data)
    if not isinstance(document, dict) or not {"photoTakenTime", "geoData", "geoDataExif"} & set(document):
        raise ValueError("not of Google Takeout: it has neither time nor place")
    taken_at = None
    seconds = _number(_inside(document, "photoTakenTime").get("timestamp"))
    if seconds is not None and -4e9 < seconds < 1e10 and seconds != 0:
        taken_at = datetime.datetime.fromtimestamp(0, datetime.UTC) + datetime.timedelta(seconds=seconds)
    place = position_from = None
    for key, kind in (("geoDataExif", TAKEOUT_EXIF), ("geoData", TAKEOUT)):
        given = _inside(document, key)
        latitude, longitude = _number(given.get("latitude")), _number(given.get("longitude"))
        if place is not None or latitude is None or longitude is None:
            continue
        if not sphere.is_null_island(latitude, longitude):
            place, position_from = (latitude, longitude), kind
    description = document.get("description")
    return Sidecar(
        latitude=place[0] if place else None,
        longitude=place[1] if place else None,
        position_from=position_from,
        taken_at=taken_at,
        taken_from=TAKEOUT if taken_at else None,
        title=description.strip() or None if isinstance(description, str) else None,
    )


def _inside(document: dict[str, Any], key: str) -> dict[str, Any]:
    value = document.get(key)
    return value if isinstance(value, dict) else {}


def _number(value: Any) -> float | None:
    """Return a finite float from a number, a text or a fraction such as "8/1"."""
    try:
        numerator, _, denominator = str(value).partition("/")
        number = float(numerator) / float(denominator or 1)
    except (ValueError, ZeroDivisionError):
        return None
    return number if math.isfinite(number) else None
