"""Read queries to Flickr's search from a TOML file of keywords and places; their times are added later."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import NamedTuple

from pydantic import Field, model_validator

from whereshot.foundation import settings_file
from whereshot.foundation.errors import InputError, nearest_name

PRESETS = ("im2gps",)
"""Searches that the package contains, as data/flickr_NAME.toml."""


class QueryPlace(settings_file.Settings):
    """A place to search: a box [south, west, north, east] in degrees, or a Flickr place id."""

    name: str
    bbox: tuple[float, float, float, float] | None = None
    place_id: str | None = None
    woe_id: int | None = None

    @model_validator(mode="after")
    def _check_place(self) -> QueryPlace:
        if sum(value is not None for value in (self.bbox, self.place_id, self.woe_id)) != 1:
            raise ValueError("a place needs one of bbox, place_id and woe_id")
        if self.bbox is not None:
            south, west, north, east = self.bbox
            if not (-90 <= south < north <= 90 and -180 <= west < east <= 180):
                raise ValueError("bbox is [south, west, north, east] in degrees; one across the date line needs two")
        return self


class Search(settings_file.Settings):
    """Queries as a TOML file holds them: one for each keyword and one for each place."""

    keywords: tuple[str, ...] = ()
    places: tuple[QueryPlace, ...] = ()
    without: tuple[str, ...] = ()
    """Words by which photos are excluded."""
    accuracy: int = Field(default=11, ge=1, le=16)
    """The smallest accuracy of a position: 11 is a city, 16 a street."""
    min_upload: datetime.date
    max_upload: datetime.date
    """``min_upload`` is the first day of uploads, ``max_upload`` the day after the last."""

    @model_validator(mode="after")
    def _check_search(self) -> Search:
        if not self.keywords and not self.places:
            raise ValueError("keywords or places are needed")
        if self.min_upload >= self.max_upload:
            raise ValueError("min_upload must be before max_upload")
        return self


class Query(NamedTuple):
    """One query to the search, without its times."""

    name: str
    parameters: dict[str, str]


def load(path: Path, overrides: Sequence[str] = ()) -> Search:
    """Return the search of a TOML file, or of a preset by its name. Raises ConfigError, InputError."""
    if path.name in PRESETS and not path.exists():
        with resources.as_file(
            resources.files("whereshot") / "photos" / "data" / f"flickr_{path.name}.toml"
        ) as shipped:
            return settings_file.load(shipped, Search, overrides)
    if path.suffix != ".toml" and not path.exists():
        raise InputError(f"{path}: no such file; or a preset: {nearest_name(path.name, PRESETS)}")
    return settings_file.load(path, Search, overrides)


def queries_of(search: Search) -> list[Query]:
    """Return all queries: first the keywords, then the places."""
    unwanted = [f"-{word}" for word in search.without]
    shared = {"has_geo": "1", "accuracy": str(search.accuracy), "media": "photos"}
    found = [Query(word, {**shared, "text": " ".join([word, *unwanted])}) for word in search.keywords]
    for place in search.places:
        parameters = {**shared, "text": " ".join(unwanted)} if unwanted else dict(shared)
        if place.bbox is not None:
            south, west, north, east = place.bbox
            parameters["bbox"] = f"{west},{south},{east},{north}"
        elif place.place_id is not None:
            parameters["place_id"] = place.place_id
        else:
            parameters["woe_id"] = str(place.woe_id)
        found.append(Query(place.name, parameters))
    return found
