"""Models by name: fetched where their authors publish them, at a pinned revision, and made into model folders.

A name in, a model folder out: a name of data/models.toml, or a repository of the hub, ``hf:owner/name[@revision]``. A
branch or a tag is resolved to its commit before anything is fetched, and the commit is kept with the model. Weights are
safetensors or ONNX; whatever could run code when it is opened (pickle) is refused.
"""

from __future__ import annotations

import datetime
import importlib.util
import json
import os
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

import numpy as np
import pyarrow.csv

from whereshot import benchmark, card, catalog, checkpoint, config, download, partition
from whereshot.catalog import HubName, Known
from whereshot.download import Wanted
from whereshot.errors import InputError, MissingExtraError, ModelError, OutputError, nearest_name, require
from whereshot.partition import Hierarchy
from whereshot.progress import Track, silent
from whereshot.readout import Calibration, CellsSettings, Gallery, GallerySettings, Gate, MixtureSettings

ENDPOINT = "https://huggingface.co"
"""The hub; the variable HF_ENDPOINT names another one."""
CERTAIN = 30.0
"""Log odds of a gallery against the prior: the published model knows no prior."""
PICKLES = (".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".joblib", ".npy")
"""Endings of files that may run code when they are opened."""
SUFFIXES = (".toml", ".json", ".jsonl", ".safetensors", ".parquet", ".onnx", ".md", ".txt")
"""Endings of what a model folder holds."""
MOST_DESCRIPTION = 1 << 20
LEARNING_CROPS = 3


@dataclass(frozen=True)
class Fetching:
    """How things are fetched: files brought by other means, and whom to tell what."""

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

    def fetch(self, file: str, fetching: Fetching) -> Path:
        """The path of one of its files on this machine. Raises ModelError, OutputError."""
        place = catalog.downloads() / f"{self.name.replace('/', '--')}--{self.commit[: catalog.SHORT]}" / file
        return download.fetch(self.files[file], place, what=f"hf:{self.name}", track=fetching.track)

    def forget_downloads(self) -> None:
        """Remove what was kept on its way: the model folder has it now."""
        shutil.rmtree(catalog.downloads() / f"{self.name.replace('/', '--')}--{self.commit[: catalog.SHORT]}")


def published(one: Known) -> list[dict[str, Any]]:
    """The scores of a model as they were published, with the test set and the source."""
    rows = []
    for test_set, name in one.published:
        told = benchmark.find(test_set)
        row = next(row for row in told.published if row.name == name)
        rows.append({"benchmark": told.title, "photos": told.photos, "source": row.source, **row.scores()})
    return rows


def source_of(folder: checkpoint.ModelFolder) -> dict[str, Any]:
    """Where a model was fetched: repository, revision, asked, licence; nothing where it was made here."""
    path = folder.path / catalog.SOURCE
    return json.loads(path.read_text("utf-8")) if path.is_file() else {}


def card_of(folder: checkpoint.ModelFolder) -> str:
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
        make_geoclip(out, tower, say, track=track)
    else:
        _of_repository(look_up(HubName(one.repository, one.revision)), name, one.revision, out, fetching, one)
    return out


def _check_free(out: Path, overwrite: bool) -> None:
    """Before anything is fetched: nothing may stand in the way, and the folder must be one that can be made."""
    above = next(folder for folder in out.absolute().parents if folder.exists())
    if not above.is_dir() or not os.access(above, os.W_OK):
        raise OutputError(f"{out}: cannot be written ({above} is not a folder that may be written to)")
    if out.exists() and not (overwrite and checkpoint.is_model(out)):
        raise OutputError(f"{out}: exists already; choose another --out, or give --overwrite")


def _get_repository(asked: HubName, out: Path | None, overwrite: bool, fetching: Fetching) -> Path:
    if asked.is_pinned and out is None:  # what is there already needs no network to be found
        _check_free(catalog.folder_of(asked.repository, asked.revision), overwrite)
    repository = look_up(asked)
    out = out or catalog.folder_of(repository.name, repository.commit)
    _check_free(out, overwrite)
    name = asked.repository.rpartition("/")[2]
    _of_repository(repository, name, asked.revision, out, fetching)
    return out


def look_up(asked: HubName) -> Repository:
    """What a repository holds at the commit that a revision stands for now. Raises ModelError."""
    endpoint = os.environ.get("HF_ENDPOINT", ENDPOINT).rstrip("/")
    at = f"/revision/{quote(asked.revision, safe='')}" if asked.revision else ""
    told = download.ask_json(f"{endpoint}/api/models/{asked.repository}{at}?blobs=true", str(asked))
    try:
        commit, siblings = told["sha"], told["siblings"]
        files = {
            one["rfilename"]: Wanted(
                f"{endpoint}/{asked.repository}/resolve/{commit}/{quote(one['rfilename'])}",
                one.get("size"),
                (one.get("lfs") or {}).get("sha256"),
                one.get("blobId"),
            )
            for one in siblings
        }
        licence = (told.get("cardData") or {}).get("license") or "none is stated"
    except (KeyError, TypeError, AttributeError):
        raise ModelError(f"{asked}: the hub's description of it cannot be understood") from None
    if not re.fullmatch(r"[0-9a-f]{40}", str(commit)) or (asked.is_pinned and commit != asked.revision):
        raise ModelError(f"{asked}: the hub answers with another commit ({str(commit)[:40]})")
    return Repository(asked.repository, commit, str(licence), files)


def _of_repository(
    repository: Repository, name: str, asked: str | None, out: Path, fetching: Fetching, one: Known | None = None
) -> None:
    """Make a model folder of a repository: of a model folder, or of a network of timm's. Raises ModelError."""
    what, names = f"hf:{repository.name}", repository.files
    source = {"repository": repository.name, "revision": repository.commit, "asked": asked}
    source["licence"] = one.licence if one else repository.licence
    if checkpoint.MANIFEST in names:
        _of_model_folder(repository, source, out, fetching)
    elif "config.json" in names and "model.safetensors" in names:
        _of_timm(repository, name, source, out, fetching, one)
    else:
        pickles = sorted(file for file in names if PurePosixPath(file).suffix in PICKLES)
        if pickles:
            raise ModelError(
                f"{what}: its weights are pickled ({pickles[0]}), which can run code when they are opened; "
                "ask its authors for safetensors"
            )
        raise ModelError(f"{what}: holds neither a whereshot model (manifest.json) nor a network of timm's")
    repository.forget_downloads()


def _tell(repository: Repository, files: list[str], fetching: Fetching) -> None:
    size = sum(repository.files[file].size or 0 for file in files)
    number = "one file" if len(files) == 1 else f"{len(files)} files"
    fetching.say(
        f"fetching {number} ({size / 1e6:,.1f} MB) from {repository.name} at {repository.commit[: catalog.SHORT]}; "
        f"licence: {repository.licence}"
    )


def _of_model_folder(repository: Repository, source: dict, out: Path, fetching: Fetching) -> None:
    """A whereshot model as it is: every file that its manifest names, with the hash that stands there."""
    what = f"hf:{repository.name}"
    if (repository.files[checkpoint.MANIFEST].size or 0) > MOST_DESCRIPTION:
        raise ModelError(f"{what}: its {checkpoint.MANIFEST} is too large to be one")
    try:
        manifest = json.loads(repository.fetch(checkpoint.MANIFEST, fetching).read_text("utf-8"))
        found, hashes = manifest["format"], {str(file): str(known) for file, known in manifest["sha256"].items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ModelError(f"{what}: its {checkpoint.MANIFEST} is not that of a whereshot model") from None
    if found != checkpoint.FORMAT:
        raise ModelError(f"{what}: is of model format {found!r}; this version reads {checkpoint.FORMAT}")
    for file in hashes:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", file) or Path(file).suffix not in SUFFIXES:
            raise ModelError(f"{what}: holds {file!r}, which belongs in no model folder; nothing was fetched")
        if file not in repository.files:
            raise ModelError(f"{what}: its manifest names {file}, which is not there")
    known = {file: repository.files[file]._replace(sha256=hashed) for file, hashed in hashes.items()}
    pinned = Repository(repository.name, repository.commit, repository.licence, known)
    _tell(pinned, list(known), fetching)
    paths = [pinned.fetch(file, fetching) for file in sorted(known)]

    def fill(beside: Path) -> None:
        for path in paths:
            shutil.copyfile(path, beside / path.name)
        (beside / catalog.SOURCE).write_text(json.dumps(source, indent=1) + "\n", "utf-8")

    checkpoint.write_files(out, fill)


def _of_timm(repository: Repository, name: str, source: dict, out: Path, fetching: Fetching, one: Known | None) -> None:
    """A network of timm's as features to learn with, by ONNX Runtime."""
    what = f"hf:{repository.name}"
    require("torch", extra="torch")
    require("onnx", extra="export")
    from whereshot import export, model

    try:
        described = json.loads(repository.fetch("config.json", fetching).read_text("utf-8"))
        architecture, told = str(described["architecture"]), dict(described.get("pretrained_cfg") or {})
        options = dict(described.get("model_args") or {})
    except (ValueError, KeyError, TypeError):
        raise ModelError(f"{what}: its config.json is not that of a network of timm's") from None
    changes = {key: told[key] for key in ("mean", "std") if key in told}
    if told.get("interpolation") in ("bilinear", "bicubic"):
        changes["interpolation"] = told["interpolation"]
    if told.get("input_size"):
        changes["size"] = int(told["input_size"][-1])
    bare = model.BackboneSettings(name=architecture, options=options)
    preprocess = model.default_preprocess(bare, crops=LEARNING_CROPS, **changes)  # an unknown name is told at once
    _tell(repository, ["model.safetensors"], fetching)
    weights = repository.fetch("model.safetensors", fetching)
    backbone = model.create(model.BackboneSettings(name=architecture, options=options, weights=weights))
    fetching.say("writing it for ONNX Runtime")
    training = {"photos": 0, "repository": repository.name, "revision": repository.commit}
    text = card.of_backbone(name, repository.name, repository.commit, source["licence"], one).to_markdown()
    extra = {"README.md": text, catalog.SOURCE: json.dumps(source, indent=1) + "\n"}
    out.parent.mkdir(parents=True, exist_ok=True)
    export.write_backbone(out, name, backbone, preprocess, training, extra)


def fetch_tower(say: Callable[[str], None] = lambda text: None, track: Track = silent) -> Path:
    """GeoCLIP's tower: in the hub client's own cache if it has it, else fetched. Raises ModelError, OutputError."""
    one = catalog.known()["geoclip"]
    cache = os.environ.get("HF_HUB_CACHE") or Path(os.environ.get("HF_HOME", "~/.cache/huggingface")) / "hub"
    snapshot = Path(cache).expanduser() / f"models--{one.repository.replace('/', '--')}" / "snapshots" / one.revision
    if (snapshot / one.file).is_file():
        return snapshot / one.file
    endpoint = os.environ.get("HF_ENDPOINT", ENDPOINT).rstrip("/")
    wanted = Wanted(f"{endpoint}/{one.repository}/resolve/{one.revision}/{one.file}", one.size, one.sha256)
    place = catalog.downloads() / "geoclip" / one.file
    hint = f"; or give --tower FILE ({one.file} of {one.repository})"
    if not place.is_file():
        download.check_online("geoclip", hint)
        say(f"fetching {one.size / 1e9:.1f} GB from {one.repository} at {one.revision[: catalog.SHORT]}")
    return download.fetch(wanted, place, what="geoclip", hint=hint, track=track)


def make_geoclip(
    out: Path,
    tower: Path | None = None,
    say: Callable[[str], None] = lambda text: None,
    *,
    track: Track = silent,
    options: Mapping[str, Any] | None = None,
    places: int | None = None,
) -> None:
    """GeoCLIP as published: CLIP and the package's head for pictures, its 100,000 places as the gallery.

    ``options`` of the tower and a smaller number of ``places`` are for trying it out.
    """
    for package in ("geoclip", "torch"):  # looked for, not imported: to say that there is no network takes no time
        if importlib.util.find_spec(package) is None:
            raise MissingExtraError(f"{package} is not installed; it comes with: pip install 'whereshot[{package}]'")
    fetched = tower is None
    tower = tower or fetch_tower(say, track)
    if not tower.is_file():
        raise ModelError(f"{tower}: no such weights file")
    from whereshot import model
    from whereshot.model import geoclip, locations
    from whereshot.model.align import Align, AlignSettings

    package = geoclip.package_folder()
    settings = model.BackboneSettings(name="geoclip", weights=tower, options=dict(options or {}))
    backbone = model.create(settings)
    table = pyarrow.csv.read_csv(package / "gps_gallery" / "coordinates_100K.csv")
    points = np.stack([table["LAT"].to_numpy(), table["LON"].to_numpy()], axis=1)[:places]
    scale = geoclip.logit_scale()
    head_settings = {"locations": "geoclip", "dense": False, "temperature": 1 / scale, "queue": 0}
    hierarchy = Hierarchy((partition.build("s2", points, {"max": 500, "max_level": 12}),))
    parsed = config.parse(head_settings, AlignSettings, name="head.settings")
    network = model.Network(backbone, model.FeatureScaling(backbone.dim), Align(backbone.dim, hierarchy, parsed))
    say(f"encoding {len(points)} places")
    encodings = locations.encode(network.head.locations, points).numpy()
    gallery = Gallery(encodings, points, np.zeros(len(points)))
    described = checkpoint.Description(
        format=checkpoint.FORMAT,
        name="geoclip",
        created=datetime.datetime.now(datetime.UTC).replace(microsecond=0),
        version=checkpoint.version(),
        backbone=checkpoint.BackboneDescription(
            name=settings.name, options=settings.options, trained=False, identity=backbone.identity
        ),
        preprocess=model.default_preprocess(settings),
        scaling_power=1.0,
        head="align",
        head_settings=head_settings,
        levels=1,
        training={"gallery": len(points), "places": len(gallery.places)},
    )
    text = describe("geoclip").to_markdown()
    out.parent.mkdir(parents=True, exist_ok=True)
    checkpoint.write(out, described, network.eval(), hierarchy, gallery, _as_published(scale), {"README.md": text})
    if fetched:
        shutil.rmtree(catalog.downloads() / "geoclip", ignore_errors=True)


def describe(name: str) -> card.Card:
    """The card of a model that is known by name, whether or not it is here. Raises KeyError."""
    one = catalog.known()[name]
    return card.of_known(name, one, published(one))


def _as_published(scale: float) -> Calibration:
    """A softmax over the gallery, or over the cells, and no prior to speak of; nothing is fitted."""
    gallery = GallerySettings(temperature=1 / scale)
    by_part = {"mixture": "gallery", "gallery": "gallery", "cells": "cells"}
    return Calibration(
        mixtures={
            name: MixtureSettings(
                cells=CellsSettings(), gallery=gallery, gate=Gate(offset={part: CERTAIN}, slope={part: 0.0})
            )
            for name, part in by_part.items()
        }
    )
