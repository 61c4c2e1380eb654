"""Published test sets: their photos and the published scores. A score counts only where no photo is missing.

``data/benchmarks.toml`` has the number of photos, a hash of the sorted photo ids where these are known, and published
scores with their sources. The tables of photos are not part of the package.
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from whereshot.earth.sphere import DISTANCES_KM
from whereshot.foundation import package_data
from whereshot.foundation.errors import InputError, nearest_name
from whereshot.photos.records import Records

TRACKS = {
    "image": "the pixels of the photo alone",
    "gallery": "pixels, and photos or positions kept to compare with",
    "text": "text read in the photo as well",
    "metadata": "what is known of the photo besides: times, tags, users, albums",
}
"""What a method can use, by track. Scores of different tracks are not comparable."""


@dataclass(frozen=True)
class Published:
    """A published result as its source prints it: percentages within the five distances, GeoScore, mean km."""

    name: str
    source: str
    track: str | None = None
    accuracy: tuple[float, ...] = ()
    geoscore: float | None = None
    mean_km: float | None = None

    def scores(self) -> dict[str, float]:
        """The published scores by the names of this package; accuracies in percent."""
        found = {f"accuracy_{km}": own for km, own in zip(DISTANCES_KM, self.accuracy, strict=False)}
        single = {"geoscore": self.geoscore, "mean_km": self.mean_km}
        return found | {key: value for key, value in single.items() if value is not None}


@dataclass(frozen=True)
class Benchmark:
    """A published test set: the number of ``photos``, and ``sha256`` of its sorted keys, one per line, None where not
    known.

    A photo's key is the group of ``key`` in its id.
    """

    name: str
    title: str
    photos: int
    about: str
    key: str
    sha256: str | None = None
    published: tuple[Published, ...] = ()

    def keys(self, ids: Sequence[str]) -> list[str]:
        """Return the key of each id. An id of another form is its own key."""
        found = (re.fullmatch(self.key, str(one)) for one in ids)
        return [str(one) if match is None else match[1] for one, match in zip(ids, found, strict=True)]

    def check(self, ids: Sequence[str]) -> str:
        """Check the ids and return in words how they were checked.

        Raises InputError where they are not exactly the ids of the benchmark.
        """
        keys = self.keys(ids)
        twice = len(keys) - len(set(keys))
        if twice:
            raise InputError(f"{self.title}: {twice} of {len(keys):,} photos occur twice")
        if len(keys) != self.photos:
            few = len(keys) < self.photos
            hint = "; give the whole published table as --truth: missing photos count as misses" if few else ""
            raise InputError(f"{self.title} has {self.photos:,} photos; these are {len(keys):,}{hint}")
        if self.sha256 is None:
            return f"{self.photos:,} photos, their ids not checked: only the count is known"
        if digest(keys) != self.sha256:
            raise InputError(
                f"these {len(keys):,} ids are not those of {self.title}; the first is {ids[0]!r}; {self.about}"
            )
        return f"all {self.photos:,} photos, by the hash of their ids"

    def complete(self, records: Records, table: Records) -> Records:
        """Return the whole published table with the pictures of ``records``; photos not in ``records`` have none."""
        own, wanted = self.keys(records.table["id"].to_pylist()), self.keys(table.table["id"].to_pylist())
        at = pc.index_in(pa.array(wanted, pa.string()), value_set=pa.array(own, pa.string()))
        if at.null_count == len(at):
            raise InputError(f"none of {len(own):,} photos is in the published table, whose first is {wanted[0]!r}")
        images = records.table["image"].combine_chunks().take(at)
        column = table.table.column_names.index("image")
        return Records(table.table.set_column(column, "image", images))

    def to_json(self, track: str, checked: str) -> dict[str, object]:
        """Return a JSON document."""
        rows = [{"name": one.name, "track": one.track, "source": one.source, **one.scores()} for one in self.published]
        return {"name": self.name, "title": self.title, "track": track, "checked": checked, "published": rows}


def digest(keys: Sequence[str]) -> str:
    """Return the SHA-256 of the keys, sorted as text, one key per line."""
    return hashlib.sha256("\n".join(np.sort(np.asarray(keys, dtype=np.str_)).tolist()).encode()).hexdigest()


@functools.cache
def benchmarks() -> dict[str, Benchmark]:
    """Return all known benchmarks by name."""
    found = {}
    for name, entry in package_data.read_toml("photos/data/benchmarks.toml").items():
        rows = tuple(
            Published(**row | {"accuracy": tuple(row.get("accuracy", ()))}) for row in entry.pop("published", ())
        )
        found[name] = Benchmark(name, **entry, published=rows)
    return found


def find(name: str) -> Benchmark:
    """Return a benchmark by its name. Raises InputError."""
    known = benchmarks()
    if name.lower() not in known:
        raise InputError(f"no benchmark {name!r}; {nearest_name(name.lower(), known)}")
    return known[name.lower()]
