"""Models by name: fetched where their authors publish them, at a pinned revision, and made into model folders.

A name in, a model folder out: a name of data/models.toml, or a repository of the hub, ``hf:owner/name[@revision]``. A
branch or a tag is resolved to its commit before anything is fetched, and the commit is kept with the model.
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


def published(one: Known) -> list[dict[str, Any]]:
    """The scores of a model as they were published, with the test set and the source."""
    rows = []
    for test_set, name in one.published:
        found = test_sets.find(test_set)
        row = next(row for row in found.published if row.name == name)
        rows.append({"benchmark": found.title, "photos": found.photos, "source": row.source, **row.scores()})
    return rows


def describe(name: str) -> card.Card:
    """The card of a model that is known by name, whether or not it is here. Raises KeyError."""
    one = catalog.known()[name]
    return card.of_known(name, one, published(one))


def source_of(folder: model_folder.ModelFolder) -> dict[str, Any]:
    """Where a model was fetched: repository, revision, asked, licence; nothing where it was made here."""
    try:
        source = json.loads((folder.path / catalog.SOURCE).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    known = isinstance(source, dict) and {"repository", "revision"} <= set(source)
    return {key: str(value) for key, value in source.items() if value is not None} if known else {}


def card_of(folder: model_folder.ModelFolder) -> str:
    """The card in a model folder. Raises ModelError where there is none."""
    path = folder.path / "README.md"
    if not path.is_file():
        raise ModelError(f"{folder.path}: has no card (README.md); ask whoever made it")
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
    """Make the model folder of a published model; by default among the user's models, where its name finds it.

    ``tower`` is a file that was fetched by other means. Raises InputError for an unknown name, MissingExtraError,
    ModelError where something cannot be had, OutputError where a model stands in the way.
    """
    fetching = Fetching(tower, say, track)
    if catalog.is_hub_name(name):
        return _get_repository(HubName.parse(name), out, overwrite, fetching)
    one = catalog.known().get(name)
    if one is None:
        raise InputError(
            f"no model is published under the name {name!r}; {nearest_name(name, catalog.known())}; "
            "or give hf:owner/name, or train one with: whereshot train RUN.toml"
        )
    if one.kind == "built in":
        raise InputError(f"{name} comes with whereshot: there is nothing to fetch")
    if not one.can_be_had:
        raise InputError(catalog.not_here(name))
    if tower is not None and one.kind != "geoclip":
        raise InputError(f"--tower is for geoclip; {name} has none")
    out = out or catalog.user_models() / name
    _check_free(out, overwrite)
    if one.kind == "geoclip":
        geoclip.make(out, describe(name).to_markdown(), fetching)
    else:
        repository = look_up(one.hub_name)
        if one.file is not None and one.sha256 is not None:  # the table's word counts, not the hub's
            repository = repository.with_hash(one.file, one.sha256)
        repositories.make(repository, name, one.revision, out, fetching, one)
    return out


def _get_repository(asked: HubName, out: Path | None, overwrite: bool, fetching: Fetching) -> Path:
    # what is there already needs no network to be found
    if asked.is_pinned and asked.revision is not None and out is None:
        _check_free(catalog.folder_of(asked.repository, asked.revision), overwrite)
    repository = look_up(asked)
    out = out or catalog.folder_of(repository.name, repository.commit)
    _check_free(out, overwrite)
    name = asked.repository.rpartition("/")[2]
    repositories.make(repository, name, asked.revision, out, fetching)
    return out


def _check_free(out: Path, overwrite: bool) -> None:
    """Before anything is fetched: nothing may stand in the way, and the folder must be one that can be made."""
    if out.exists() and not (overwrite and manifest.is_model(out)):
        raise OutputError(f"{out}: exists already; choose another --out, or give --overwrite")
    output_files.check_folder(out, replaced=True)
