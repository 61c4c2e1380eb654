"""A repository of the hub at one commit: its description, and its files on this machine."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import quote

from whereshot.foundation import download
from whereshot.foundation.download import Wanted
from whereshot.foundation.errors import ModelError
from whereshot.foundation.progress import Track, silent
from whereshot.models import catalog
from whereshot.models.catalog import HubName

ENDPOINT = "https://huggingface.co"
"""The hub; the variable HF_ENDPOINT names another one."""


def endpoint() -> str:
    """Return the address of the hub."""
    return os.environ.get("HF_ENDPOINT", ENDPOINT).rstrip("/")


@dataclass(frozen=True)
class Fetching:
    """Options of a download: the file ``tower`` that is here already, where to print lines, and the progress bar."""

    tower: Path | None = None
    say: Callable[[str], None] = lambda text: None
    track: Track = silent


@dataclass(frozen=True)
class Repository:
    """A repository of the hub at one commit: its files, by name."""

    name: str
    commit: str
    licence: str
    files: Mapping[str, Wanted] = field(default_factory=dict)

    @property
    def _downloads(self) -> Path:
        return catalog.downloads() / catalog.folder_of(self.name, self.commit).name

    def with_hash(self, file: str, sha256: str) -> Repository:
        """Return the repository with the known hash of one of its files. Raises ModelError without such a file."""
        if file not in self.files:
            raise ModelError(f"hf:{self.name}: has no {file}")
        return replace(self, files={**self.files, file: self.files[file]._replace(sha256=sha256)})

    def announce(self, files: Sequence[str], fetching: Fetching) -> None:
        """Print how much will be fetched, from which repository, and under which licence."""
        size = sum(self.files[file].size or 0 for file in files)
        number = "one file" if len(files) == 1 else f"{len(files)} files"
        at = f"{self.name} at {self.commit[: catalog.SHORT]}"
        fetching.say(f"fetching {number} ({size / 1e6:,.1f} MB) from {at}; licence: {self.licence}")

    def fetch(self, file: str, fetching: Fetching) -> Path:
        """Download a file of the repository and return its path. Raises ModelError, OutputError."""
        place = self._downloads / file
        return download.fetch(self.files[file], place, what=f"hf:{self.name}", track=fetching.track)

    def forget_downloads(self) -> None:
        """Remove the downloaded files, after the model folder has been written."""
        shutil.rmtree(self._downloads)


def look_up(name: HubName) -> Repository:
    """Return the files of a repository at the commit that its revision names now. Raises ModelError."""
    at = f"/revision/{quote(name.revision, safe='')}" if name.revision else ""
    document = download.ask_json(f"{endpoint()}/api/models/{name.repository}{at}?blobs=true", str(name))
    try:
        commit, siblings = document["sha"], document["siblings"]
        files = {
            entry["rfilename"]: Wanted(
                f"{endpoint()}/{name.repository}/resolve/{commit}/{quote(entry['rfilename'])}",
                entry["size"] if isinstance(entry.get("size"), int) else None,
                (entry.get("lfs") or {}).get("sha256"),
                entry.get("blobId"),
            )
            for entry in siblings
        }
        licence = (document.get("cardData") or {}).get("license") or "none is stated"
    except (KeyError, TypeError, AttributeError):
        raise ModelError(f"{name}: the hub's description of it cannot be understood") from None
    if not re.fullmatch(r"[0-9a-f]{40}", str(commit)) or (name.is_pinned and commit != name.revision):
        raise ModelError(f"{name}: the hub answers with another commit ({str(commit)[:40]})")
    return Repository(name.repository, commit, " ".join(str(licence).split())[:80], files)
