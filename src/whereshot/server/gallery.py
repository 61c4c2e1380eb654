"""The gallery of photos with known places that the page shows, read from a folder of ``whereshot gallery``."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

from whereshot.foundation.errors import InputError
from whereshot.report.photo_gallery import ENTRIES, FORMAT, INDEX, PHOTOS


class ServedGallery:
    """Photos with known places. Only files that the index names are read."""

    def __init__(self, folder: Path) -> None:
        """Open a folder. Raises InputError where it is not a gallery, or misses a photo of its index."""
        self._folder = folder
        try:
            index = json.loads((folder / INDEX).read_text("utf-8"))
            found, self.model, names, self.scores = (index[key] for key in ("format", "model", "photos", "scores"))
            self._names = {f"{int(name):05d}" for name in names}  # only digits, so that an id cannot be a path
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
        """Return the ids of all photos in order, or of ``count`` random photos."""
        names = sorted(self._names)
        if count is not None:
            names = random.sample(names, min(count, len(names)))
        return {"model": self.model, "photos": [{"id": name} for name in names]}

    def entry(self, name: str) -> bytes | None:
        """Return the entry of a photo as JSON, or None for an unknown name."""
        return self._entry(name).read_bytes() if name in self._names else None

    def photo(self, name: str) -> bytes | None:
        """Return a photo as JPEG, or None for an unknown name."""
        return self._photo(name).read_bytes() if name in self._names else None
