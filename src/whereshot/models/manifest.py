"""The files of a model folder and their hashes: manifest.json names every file with its SHA-256.

A folder is written beside its place and renamed, so it is whole or not there. A folder in which a byte changed is
refused.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

from safetensors import SafetensorError

from whereshot.foundation import output_files
from whereshot.foundation.errors import ModelError
from whereshot.models import catalog, learned_photos

FORMAT = 1
"""Version of the layout of model folders."""
MANIFEST = "manifest.json"
"""Name of the file with the hashes."""


def write_files(folder: Path, fill: Callable[[Path], None]) -> None:
    """Write a model folder: ``fill`` puts the files into a new folder, which then replaces ``folder``.

    The manifest is added after ``fill`` returns. An older folder stays as it is until everything is written. Raises
    OutputError.
    """
    with output_files.new_folder(folder, failures=(SafetensorError,)) as beside:
        fill(beside)
        hashes = {path.name: _sha256(path) for path in sorted(beside.iterdir())}
        manifest = json.dumps({"format": FORMAT, "sha256": hashes}, indent=1) + "\n"
        output_files.write_text(beside / MANIFEST, manifest)


def verify(folder: Path) -> dict[str, str]:
    """Check every file of a model folder against its manifest; return the SHA-256 of each file by name.

    The private file (``learned_photos.FILE``) may be missing. Raises ModelError for a folder without a manifest, and
    for a file that is missing or changed.
    """
    if not folder.is_dir():
        raise ModelError(catalog.not_here(str(folder)))
    try:
        manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
        found, hashes = manifest["format"], dict(manifest["sha256"])
    except FileNotFoundError:
        raise ModelError(f"{folder}: not a model folder (it has no {MANIFEST})") from None
    except (OSError, ValueError, KeyError, TypeError):
        raise ModelError(f"{folder}: {MANIFEST} is damaged; get or train the model again") from None
    if found != FORMAT:
        raise ModelError(f"{folder}: {MANIFEST} names model format {found!r}; this version reads {FORMAT}")
    for name, expected in hashes.items():
        if not (folder / name).is_file():
            if name == learned_photos.FILE:  # its owner may remove it before sharing the model
                continue
            raise ModelError(f"{folder}: {name} is missing; get or train the model again")
        if _sha256(folder / name) != expected:
            raise ModelError(
                f"{folder}: {name} has been changed or damaged (its SHA-256 is not the manifest's); "
                "get or train the model again"
            )
    return hashes


def is_model(folder: str | Path) -> bool:
    """Return whether a folder holds a manifest, so that it looks like a model."""
    return (Path(folder) / MANIFEST).is_file()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
