"""Names of models -> what is known of them, and where on this machine they are: names of data/models.toml, and names
of repositories on the hub, ``hf:owner/name[@revision]``.
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

SOURCE = "source.json"
"""In the folder of a model that was fetched: repository, commit, and what was asked for."""
SCHEME = "hf:"
SHORT = 12
"""Digits of a commit in a folder's name."""
_COMMIT = re.compile(r"[0-9a-f]{40}")
_PART = r"[A-Za-z0-9][A-Za-z0-9._-]*"


class HubFile(NamedTuple):
    """A file of a repository of the hub at a revision, and its size in bytes."""

    repository: str
    revision: str
    file: str
    size: int


class Known(Settings):
    """A model that is known by name; ``size`` in bytes, ``published`` rows of benchmarks.toml as (benchmark, name)."""

    kind: Literal["built in", "geoclip", "backbone", "elsewhere"]
    told: str
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
        """Its repository on the hub. Raises ConfigError for a model that has none."""
        if self.repository is None:
            raise ConfigError(f"data/models.toml: {self.told!r} needs a repository to be fetched")
        return HubName(self.repository, self.revision)

    @property
    def source(self) -> HubFile:
        """Where its file is. Raises ConfigError for a model that cannot be had."""
        if self.repository is None or self.revision is None or self.file is None or self.size is None:
            raise ConfigError(
                f"data/models.toml: {self.told!r} needs repository, revision, file and size to be fetched"
            )
        return HubFile(self.repository, self.revision, self.file, self.size)

    @property
    def can_be_had(self) -> bool:
        """Whether ``models get`` fetches it."""
        return self.kind in ("geoclip", "backbone")


@functools.cache
def known() -> dict[str, Known]:
    """Every model of data/models.toml, by name."""
    table = package_data.read_toml("models/data/models.toml")
    return {name: settings_file.parse(entry, Known, name=f"data/models.toml, {name}") for name, entry in table.items()}


class HubName(NamedTuple):
    """A repository on the hub and the revision that was asked for: a commit, a tag or a branch; None for the newest."""

    repository: str
    revision: str | None

    @classmethod
    def parse(cls, text: str) -> HubName:
        """``hf:owner/name[@revision]`` as it is typed. Raises InputError."""
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
    """Whether a name is one of a repository on the hub."""
    return str(name).startswith(SCHEME)


def user_models() -> Path:
    """Where models that have a name are kept: ``$WHERESHOT_MODELS``, else ``$XDG_DATA_HOME/whereshot/models``, by
    default in ``~/.local/share``."""
    own = os.environ.get("WHERESHOT_MODELS")
    if own:
        return Path(own)
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "whereshot" / "models"


def downloads() -> Path:
    """Where files are kept on their way: ``$XDG_CACHE_HOME/whereshot/downloads``, by default under ``~/.cache``."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "whereshot" / "downloads"


def folder_of(repository: str, commit: str) -> Path:
    """Where a repository at a commit is kept once it was fetched."""
    return user_models() / f"hf--{repository.replace('/', '--')}--{commit[:SHORT]}"


def find_fetched(name: HubName) -> Path:
    """The folder of a repository that was fetched before. Raises ModelError that says how to fetch it."""
    fetched = sorted(user_models().glob(f"hf--{name.repository.replace('/', '--')}--{'[0-9a-f]' * SHORT}"))
    if name.revision is not None:
        fetched = [folder for folder in fetched if _is_at(folder, name.revision)]
    if len(fetched) > 1:
        commits = ", ".join(folder.name[-SHORT:] for folder in fetched)
        hint = f"say which, as {SCHEME}{name.repository}@{commits[:SHORT]}"
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
    """What to say of a model that is not on this machine: which command fetches it, or which name was meant."""
    one = known().get(name)
    if is_hub_name(name) or (one is not None and one.can_be_had):
        return f"{name} is not on this machine yet; fetch it with: whereshot models get {name}"
    if one is not None and one.why is not None:
        return f"{name} cannot be had here: {one.why}"
    if Path(name).name != name:
        return f"{name}: no such model folder"
    close = difflib.get_close_matches(name, known(), n=1, cutoff=0.7)
    return f"{name}: no such model folder" + (f"; did you mean {close[0]!r}?" if close else "")
