"""Make model folders of repositories on the hub: of whereshot models as they are, and of timm networks for learning.

Weights are safetensors or ONNX. Pickle, which can run code when it is opened, is refused.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from whereshot.foundation import output_files
from whereshot.foundation.errors import ModelError, require
from whereshot.models import card, catalog, learned_photos, manifest
from whereshot.models.catalog import Known
from whereshot.models.hub.base import Fetching, Repository

PICKLES = (".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".joblib", ".npy")
"""Suffixes of files that may run code when they are opened."""
SUFFIXES = (".toml", ".json", ".jsonl", ".safetensors", ".parquet", ".onnx", ".md", ".txt")
"""Suffixes of the files that a model folder may contain."""
MOST_DESCRIPTION = 1 << 20
LEARNING_CROPS = 3


def make(
    repository: Repository, name: str, asked: str | None, out: Path, fetching: Fetching, known: Known | None = None
) -> None:
    """Make a model folder of a repository with a whereshot model or a timm network. Raises ModelError.

    ``asked`` is the revision as the user named it.
    """
    what, names = f"hf:{repository.name}", repository.files
    source = {"repository": repository.name, "revision": repository.commit, "asked": asked}
    source["licence"] = known.licence if known else repository.licence
    if manifest.MANIFEST in names:
        _of_model_folder(repository, source, out, fetching)
    elif "config.json" in names and "model.safetensors" in names:
        _of_timm(repository, name, source, out, fetching, known)
    else:
        pickles = sorted(file for file in names if PurePosixPath(file).suffix in PICKLES)
        if pickles:
            raise ModelError(
                f"{what}: its weights are pickled ({pickles[0]}), which can run code when they are opened; "
                "ask its authors for safetensors"
            )
        raise ModelError(f"{what}: has neither a whereshot model (manifest.json) nor a timm network")
    repository.forget_downloads()


def _of_model_folder(repository: Repository, source: dict[str, Any], out: Path, fetching: Fetching) -> None:
    """Fetch all files that the manifest of a whereshot model names, and check their hashes."""
    what = f"hf:{repository.name}"
    if (repository.files[manifest.MANIFEST].size or 0) > MOST_DESCRIPTION:
        raise ModelError(f"{what}: its {manifest.MANIFEST} is too large for a manifest")
    try:
        document = json.loads(repository.fetch(manifest.MANIFEST, fetching).read_text("utf-8"))
        found, hashes = document["format"], {str(file): str(known) for file, known in document["sha256"].items()}
        hashes.pop(learned_photos.FILE, None)  # the private file is not fetched
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ModelError(f"{what}: its {manifest.MANIFEST} is not that of a whereshot model") from None
    if found != manifest.FORMAT:
        raise ModelError(f"{what}: is of model format {found!r}; this version reads {manifest.FORMAT}")
    for file in hashes:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", file) or Path(file).suffix not in SUFFIXES:
            raise ModelError(f"{what}: has {file!r}, which does not belong in a model folder; nothing was fetched")
        if file not in repository.files:
            raise ModelError(f"{what}: its manifest names {file}, which is not there")
    known = {file: repository.files[file]._replace(sha256=hashed) for file, hashed in hashes.items()}
    pinned = replace(repository, files=known)
    pinned.announce(list(known), fetching)
    paths = [pinned.fetch(file, fetching) for file in sorted(known)]

    def fill(beside: Path) -> None:
        for path in paths:
            output_files.copy_file(path, beside / path.name)
        output_files.write_text(beside / catalog.SOURCE, json.dumps(source, indent=1) + "\n")

    manifest.write_files(out, fill)


def _of_timm(
    repository: Repository, name: str, source: dict[str, Any], out: Path, fetching: Fetching, known: Known | None
) -> None:
    """Make a model folder of a timm network. It gives features for learning, by ONNX Runtime."""
    what = f"hf:{repository.name}"
    require("torch", extra="torch")
    require("onnx", extra="export")
    from whereshot.models import networks, onnx_export

    try:
        described = json.loads(repository.fetch("config.json", fetching).read_text("utf-8"))
        architecture, pretrained = str(described["architecture"]), dict(described.get("pretrained_cfg") or {})
        options = dict(described.get("model_args") or {})
    except (ValueError, KeyError, TypeError):
        raise ModelError(f"{what}: its config.json is not that of a timm network") from None
    changes = {key: pretrained[key] for key in ("mean", "std") if key in pretrained}
    if pretrained.get("interpolation") in ("bilinear", "bicubic"):
        changes["interpolation"] = pretrained["interpolation"]
    if pretrained.get("input_size"):
        changes["size"] = int(pretrained["input_size"][-1])
    bare = networks.BackboneSettings(name=architecture, options=options)
    # a wrong network fails here, before the download
    preprocess = networks.default_preprocess(bare, crops=LEARNING_CROPS, **changes)
    repository.announce(["model.safetensors"], fetching)
    weights = repository.fetch("model.safetensors", fetching)
    backbone = networks.create(networks.BackboneSettings(name=architecture, options=options, weights=weights))
    fetching.say("converting it for ONNX Runtime")
    training = {"photos": 0, "repository": repository.name, "revision": repository.commit}
    text = card.of_backbone(name, repository.name, repository.commit, source["licence"], known).to_markdown()
    extra = {"README.md": text, catalog.SOURCE: json.dumps(source, indent=1) + "\n"}
    onnx_export.write_backbone(out, name, backbone, preprocess, training, extra)
