"""A gallery folder, as ``exhibition`` writes it -> its list, its entries, its photos and scores, for the page."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

from whereshot.foundation.errors import InputError
from whereshot.report.photo_gallery import ENTRIES, FORMAT, INDEX, PHOTOS


class ServedGallery:
    """Photos with known places. Only what the index names is ever read."""

    def __init__(self, folder: Path) -> None:
        """Raises InputError where the folder is no gallery, or lacks a photo that it names."""
        self._folder = folder
        try:
            index = json.loads((folder / INDEX).read_text("utf-8"))
            found, self.model, names, self.scores = (index[key] for key in ("format", "model", "photos", "scores"))
            self._names = {f"{int(name):05d}" for name in names}  # digits alone: an id is no path
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"{folder}: not a gallery ({INDEX} is missing or damaged); make one with: whereshot gallery RECORDS"
            ) from error
        if found != FORMAT:
            raise InputError(f"{folder}: {INDEX} names format {found!r}; this version reads {FORMAT}")
        if not self._names:
            raise InputError(f"{folder}: there is no photo in this gallery")
        for name in self._names:
            if not (self._entry(name).is_file() and self._photo(name).is_file()):
                raise InputError(f"{folder}: photo {name} is missing; make the gallery again")

    def _entry(self, name: str) -> Path:
        return self._folder / ENTRIES / f"{name}.json"

    def _photo(self, name: str) -> Path:
        return self._folder / PHOTOS / f"{name}.jpg"

    def listed(self, count: int | None = None) -> dict[str, Any]:
        """The photos' ids: all in order, or so many by chance."""
        names = sorted(self._names)
        if count is not None:
            names = random.sample(names, min(count, len(names)))
        return {"model": self.model, "photos": [{"id": name} for name in names]}

    def entry(self, name: str) -> bytes | None:
        """A photo's entry as JSON; None where there is no such photo."""
        return self._entry(name).read_bytes() if name in self._names else None

    def photo(self, name: str) -> bytes | None:
        """A photo as JPEG; None where there is no such photo."""
        return self._photo(name).read_bytes() if name in self._names else None
