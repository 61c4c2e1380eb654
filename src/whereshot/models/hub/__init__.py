"""Fetch published models by name, at a pinned revision, and make model folders of them.

A name is one of data/models.toml, or a repository of the Hugging Face hub, ``hf:owner/name[@revision]``. A branch or a
tag is resolved to its commit before anything is fetched. The commit is recorded in the model folder.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from whereshot.foundation import output_files
from whereshot.foundation.errors import InputError, ModelError, OutputError, nearest_name
from whereshot.foundation.progress import Track, silent
from whereshot.models import card, catalog, manifest, model_folder
from whereshot.models.catalog import HubName, Known
from whereshot.models.hub import geoclip, repositories
from whereshot.models.hub.base import Fetching, look_up
from whereshot.photos import test_sets


def published(known: Known) -> list[dict[str, Any]]:
    """Return the published scores of a model, each with the test set and the source."""
    rows = []
    for test_set, name in known.published:
        found = test_sets.find(test_set)
        row = next(row for row in found.published if row.name == name)
        rows.append({"benchmark": found.title, "photos": found.photos, "source": row.source, **row.scores()})
    return rows


def describe(name: str) -> card.Card:
    """Return the card of a model that is known by name, also where it is not on this machine. Raises KeyError."""
    known = catalog.known()[name]
    return card.of_known(name, known, published(known))


def source_of(folder: model_folder.ModelFolder) -> dict[str, Any]:
    """Return where a model was fetched (repository, revision, asked, licence); empty for a model made here."""
    try:
        source = json.loads((folder.path / catalog.SOURCE).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    known = isinstance(source, dict) and {"repository", "revision"} <= set(source)
    return {key: str(value) for key, value in source.items() if value is not None} if known else {}


def card_of(folder: model_folder.ModelFolder) -> str:
    """Return the card in a model folder. Raises ModelError where there is none."""
    path = folder.path / "README.md"
    if not path.is_file():
        raise ModelError(f"{folder.path}: has no card (README.md); ask the author of the model for it")
    return path.read_text("utf-8", "replace")


def get(
    name: str,
    out: Path | None = None,
    *,
    tower: Path | None = None,
    overwrite: bool = False,
    say: Callable[[str], None] = lambda text: None,
    track: Track = silent,
) -> Path:
    """Fetch a published model, write its folder and return the path.

    By default the folder is one of the user's model folder, so that the model is found by its name. ``tower`` is a file
    with the weights of GeoCLIP's image tower that is already on this machine. Raises InputError for an unknown name,
    MissingExtraError, ModelError where something cannot be fetched, OutputError where ``out`` cannot be written.
    """
    fetching = Fetching(tower, say, track)
    if catalog.is_hub_name(name):
        return _get_repository(HubName.parse(name), out, overwrite, fetching)
    known = catalog.known().get(name)
    if known is None:
        raise InputError(
            f"no model is published under the name {name!r}; {nearest_name(name, catalog.known())}; "
            "or give hf:owner/name, or train one with: whereshot train RUN.toml"
        )
    if known.kind == "built in":
        raise InputError(f"{name} comes with whereshot: there is nothing to fetch")
    if not known.is_fetchable:
        raise InputError(catalog.not_here(name))
    if tower is not None and known.kind != "geoclip":
        raise InputError(f"--tower is for geoclip; {name} has none")
    out = out or catalog.user_models() / name
    _check_free(out, overwrite)
    if known.kind == "geoclip":
        geoclip.make(out, describe(name).to_markdown(), fetching)
    else:
        repository = look_up(known.hub_name)
        if known.file is not None and known.sha256 is not None:  # the hash in our table counts, not the hub's
            repository = repository.with_hash(known.file, known.sha256)
        repositories.make(repository, name, known.revision, out, fetching, known)
    return out


def _get_repository(hub_name: HubName, out: Path | None, overwrite: bool, fetching: Fetching) -> Path:
    # check without the network whether this commit has been fetched already
    if hub_name.is_pinned and hub_name.revision is not None and out is None:
        _check_free(catalog.folder_of(hub_name.repository, hub_name.revision), overwrite)
    repository = look_up(hub_name)
    out = out or catalog.folder_of(repository.name, repository.commit)
    _check_free(out, overwrite)
    name = hub_name.repository.rpartition("/")[2]
    repositories.make(repository, name, hub_name.revision, out, fetching)
    return out


def _check_free(out: Path, overwrite: bool) -> None:
    """Check before a download that the folder can be written. Raises OutputError."""
    if out.exists() and not (overwrite and manifest.is_model(out)):
        raise OutputError(f"{out}: exists already; choose another --out, or give --overwrite")
    output_files.check_folder(out, replaced=True)
