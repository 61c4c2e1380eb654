"""Refiners improve the posterior of a photo with other data of its record, such as its user or its time of posting.

``REFINERS`` lists every kind; a new kind is one file and one line. A fitted refiner is a folder with refiner.toml,
places.parquet, weights.safetensors, and manifest.json with the hash of each file.
"""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field
from safetensors.numpy import load_file, save_file

from whereshot.evidence.refiners.album_neighbours import AlbumNeighbours
from whereshot.evidence.refiners.base import Examples, FixedPlaces, Refiner
from whereshot.evidence.refiners.posting_time import PostingTime
from whereshot.evidence.refiners.user_album import UserAlbum
from whereshot.evidence.refiners.user_mean import UserMean
from whereshot.foundation import output_files, settings_file
from whereshot.foundation.errors import ConfigError, InputError, ModelError, nearest_name
from whereshot.foundation.settings_file import Settings
from whereshot.foundation.tables import write_parquet
from whereshot.foundation.version import VERSION
from whereshot.models import manifest

REFINERS: dict[str, type[Refiner]] = {
    "posting-time": PostingTime,
    "user-album": UserAlbum,
    "user-mean": UserMean,
    "album-neighbours": AlbumNeighbours,
}

__all__ = ["REFINERS", "Examples", "FixedPlaces", "Refiner", "RefinerDescription", "kind_of", "load", "save"]

_PLACE = ("latitude", "longitude", "spread_km")


class RefinerDescription(Settings):
    """The content of refiner.toml: the kind and settings of a refiner, and the data that it was fitted on."""

    kind: str
    name: str
    created: datetime.datetime
    version: str
    model: str | None = None
    """The model folder whose cells the refiner works on."""
    settings: dict[str, Any] = Field(default_factory=dict)
    training: dict[str, Any] = Field(default_factory=dict)


def kind_of(name: str) -> type[Refiner]:
    """Return the class of a refiner by the name of its kind. Raises ConfigError."""
    if name not in REFINERS:
        raise ConfigError(f"no refiner {name!r}; {nearest_name(name, REFINERS)}")
    return REFINERS[name]


def save(
    refiner: Refiner,
    folder: str | Path,
    name: str,
    *,
    model: str | None = None,
    training: dict[str, Any] | None = None,
    extra_files: dict[str, str] | None = None,
) -> None:
    """Write the folder of a refiner; it replaces an older folder. Raises OutputError."""
    description = RefinerDescription(
        kind=refiner.kind,
        name=name,
        created=datetime.datetime.now(datetime.UTC).replace(microsecond=0),
        version=VERSION,
        model=model,
        settings=refiner.settings.model_dump(mode="json"),
        training=training or {},
    )

    def fill(beside: Path) -> None:
        settings_file.save(description, beside / "refiner.toml")
        save_file(refiner.tensors(), beside / "weights.safetensors")
        support = refiner.support
        if support is not None:
            columns = (*support.places.T, support.spread_km)
            write_parquet(pa.table(dict(zip(_PLACE, columns, strict=True))), beside / "places.parquet")
        for file, text in (extra_files or {}).items():
            output_files.write_text(beside / file, text)

    manifest.write_files(Path(folder), fill)


def load(folder: str | Path) -> tuple[Refiner, RefinerDescription]:
    """Read a refiner and its description. Raises ModelError for a folder that is not a refiner or was changed."""
    folder = Path(folder)
    manifest.verify(folder)
    if not (folder / "refiner.toml").is_file():
        raise ModelError(f"{folder}: a model and not a refiner; make one with: whereshot refine fit")
    try:
        description = settings_file.load(folder / "refiner.toml", RefinerDescription)
        kind = kind_of(description.kind)
        settings = settings_file.parse(description.settings, kind.settings_type, name=f"{folder}/refiner.toml")
        support = None
        if (folder / "places.parquet").is_file():
            table = pq.read_table(folder / "places.parquet")
            latitude, longitude, spread_km = (table[name].to_numpy() for name in _PLACE)
            support = FixedPlaces(np.stack([latitude, longitude], axis=1), spread_km)
        tensors = load_file(folder / "weights.safetensors")
        return kind.from_tensors(support, settings, tensors), description
    except (ConfigError, InputError) as error:
        raise ModelError(f"{folder}: {error}") from error
