"""Models by name: what is known about each, and where it is on this machine.

A name stands in data/models.toml, or it is a repository on the Hugging Face hub, ``hf:owner/name[@revision]``.
"""

from __future__ import annotations

import difflib
import functools
import json
import os
import re
from pathlib import Path
from typing import Literal, NamedTuple

from whereshot.foundation import package_data, settings_file
from whereshot.foundation.errors import ConfigError, InputError, ModelError
from whereshot.foundation.settings_file import Settings
from whereshot.foundation.user_folders import cache_folder, data_folder

SOURCE = "source.json"
"""File in the folder of a fetched model: the repository, the commit, and the revision that the user named."""
SCHEME = "hf:"
SHORT = 12
"""Number of digits of a commit in the name of a folder."""
_COMMIT = re.compile(r"[0-9a-f]{40}")
_PART = r"[A-Za-z0-9][A-Za-z0-9._-]*"


class HubFile(NamedTuple):
    """A file of a repository of the hub at a revision, and its size in bytes."""

    repository: str
    revision: str
    file: str
    size: int


class Known(Settings):
    """A model that is known by name.

    ``size`` is in bytes. ``published`` names rows of benchmarks.toml as (benchmark, name). ``why`` is the reason why a
    model cannot be fetched.
    """

    kind: Literal["built in", "geoclip", "backbone", "elsewhere"]
    summary: str
    licence: str
    size: int | None = None
    repository: str | None = None
    revision: str | None = None
    file: str | None = None
    sha256: str | None = None
    needs: tuple[str, ...] = ()
    paper: str | None = None
    published: tuple[tuple[str, str], ...] = ()
    data: str = ""
    limits: str = ""
    why: str | None = None

    @property
    def hub_name(self) -> HubName:
        """The repository on the hub. Raises ConfigError for a model without one."""
        if self.repository is None:
            raise ConfigError(f"data/models.toml: {self.summary!r} needs a repository to be fetched")
        return HubName(self.repository, self.revision)

    @property
    def source(self) -> HubFile:
        """The file of the weights on the hub. Raises ConfigError for a model that cannot be fetched."""
        if self.repository is None or self.revision is None or self.file is None or self.size is None:
            raise ConfigError(
                f"data/models.toml: {self.summary!r} needs repository, revision, file and size to be fetched"
            )
        return HubFile(self.repository, self.revision, self.file, self.size)

    @property
    def is_fetchable(self) -> bool:
        """Whether ``models get`` can fetch this model."""
        return self.kind in ("geoclip", "backbone")


@functools.cache
def known() -> dict[str, Known]:
    """Return all models of data/models.toml by name."""
    table = package_data.read_toml("models/data/models.toml")
    return {name: settings_file.parse(entry, Known, name=f"data/models.toml, {name}") for name, entry in table.items()}


class HubName(NamedTuple):
    """A repository on the hub and a revision: a commit, a tag or a branch; None means the newest commit."""

    repository: str
    revision: str | None

    @classmethod
    def parse(cls, text: str) -> HubName:
        """Parse ``hf:owner/name[@revision]`` as a user types it. Raises InputError."""
        found = re.fullmatch(rf"{SCHEME}({_PART}/{_PART})(?:@([A-Za-z0-9][A-Za-z0-9._/-]*))?", text)
        if found is None or ".." in text:
            raise InputError(f"a model on the hub is hf:owner/name or hf:owner/name@revision; got {text!r}")
        return cls(found[1], found[2])

    @property
    def is_pinned(self) -> bool:
        """Whether the revision is a commit, which never changes."""
        return self.revision is not None and _COMMIT.fullmatch(self.revision) is not None

    def __str__(self) -> str:
        return f"{SCHEME}{self.repository}" + (f"@{self.revision}" if self.revision else "")


def is_hub_name(name: str | Path) -> bool:
    """Return whether a name is the name of a repository on the hub."""
    return str(name).startswith(SCHEME)


def user_models() -> Path:
    """Return the folder of models that are found by name.

    It is ``$WHERESHOT_MODELS``, else ``$XDG_DATA_HOME/whereshot/models``, by default under ``~/.local/share``.
    """
    own = os.environ.get("WHERESHOT_MODELS")
    if own:
        return Path(own)
    return data_folder("models")


def downloads() -> Path:
    """Return the folder of unfinished downloads: ``$XDG_CACHE_HOME/whereshot/downloads`` or under ``~/.cache``."""
    return cache_folder("downloads")


def folder_of(repository: str, commit: str) -> Path:
    """Return the folder of a fetched repository at a commit."""
    return user_models() / f"hf--{repository.replace('/', '--')}--{commit[:SHORT]}"


def find_fetched(name: HubName) -> Path:
    """Return the folder of a fetched repository. Raises ModelError, which names the command that fetches it."""
    fetched = sorted(user_models().glob(f"hf--{name.repository.replace('/', '--')}--{'[0-9a-f]' * SHORT}"))
    if name.revision is not None:
        fetched = [folder for folder in fetched if _is_at(folder, name.revision)]
    if len(fetched) > 1:
        commits = ", ".join(folder.name[-SHORT:] for folder in fetched)
        hint = f"name one of them, as {SCHEME}{name.repository}@{commits[:SHORT]}"
        raise ModelError(f"{name}: several revisions are on this machine ({commits}); {hint}")
    if not fetched:
        raise ModelError(not_here(str(name)))
    return fetched[0]


def _is_at(folder: Path, revision: str) -> bool:
    if re.fullmatch(r"[0-9a-f]{7,40}", revision) and revision.startswith(folder.name[-SHORT:][: len(revision)]):
        return True
    try:
        result: bool = json.loads((folder / SOURCE).read_text("utf-8"))["asked"] == revision
        return result
    except (OSError, ValueError, KeyError, TypeError):
        return False


def not_here(name: str) -> str:
    """Return the message for a model that is not on this machine: the command that fetches it, or a similar name."""
    entry = known().get(name)
    if is_hub_name(name) or (entry is not None and entry.is_fetchable):
        return f"{name} is not on this machine yet; fetch it with: whereshot models get {name}"
    if entry is not None and entry.why is not None:
        return f"{name} cannot be fetched: {entry.why}"
    if Path(name).name != name:
        return f"{name}: no such model folder"
    close = difflib.get_close_matches(name, known(), n=1, cutoff=0.7)
    return f"{name}: no such model folder" + (f"; did you mean {close[0]!r}?" if close else "")
