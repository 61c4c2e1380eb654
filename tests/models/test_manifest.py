"""The manifest: a folder in which a byte changed, or a file is missing, is refused in one line that names the file."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from damaged_models import FILES, refused, rehash
from whereshot.models import learned_photos, manifest
from whereshot.models.manifest import MANIFEST
from whereshot.models.model_folder import ModelFolder


@pytest.fixture
def folder(tiny_model: Path, tmp_path: Path) -> Path:
    """A copy that may be damaged."""
    return Path(shutil.copytree(tiny_model, tmp_path / "model"))


def flip(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("name", [name for name in FILES if name != MANIFEST])
def test_a_changed_byte_is_refused(folder: Path, name: str) -> None:
    size = (folder / name).stat().st_size
    for at in (0, size // 2, size - 1):
        flip(folder / name, at)
        assert refused(folder) == (
            f"{folder}: {name} has been changed or damaged (its SHA-256 is not the manifest's); "
            "get or train the model again"
        )
        flip(folder / name, at)
    assert ModelFolder(folder).description.name == "tiny"


def test_a_changed_byte_of_the_manifest_is_refused(folder: Path) -> None:
    manifest = folder / MANIFEST
    damaged = f"{folder}: manifest.json is damaged; get or train the model again"
    flip(manifest, 0)
    assert refused(folder) == damaged
    flip(manifest, 0)
    for at in range(0, manifest.stat().st_size - 1, 3):  # all but the last line feed, which says nothing
        flip(manifest, at)
        said = refused(folder)
        assert said.startswith(f"{folder}: ")
        assert any(name in said for name in FILES) or "is missing" in said
        flip(manifest, at)
    for content in ("[]", "{}", '{"format": 1, "sha256": 3}', '{"sha256": {}}', "\udcff"):
        manifest.write_bytes(content.encode(errors="surrogateescape"))
        assert refused(folder) == damaged


@pytest.mark.parametrize("name", [name for name in FILES if name != learned_photos.FILE])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    if name == MANIFEST:
        assert refused(folder) == f"{folder}: not a model folder (it has no manifest.json)"
    else:
        assert refused(folder) == f"{folder}: {name} is missing; get or train the model again"


def test_what_is_no_folder(tiny: Path, tmp_path: Path) -> None:
    assert refused(tmp_path / "none") == f"{tmp_path / 'none'}: no such model folder"
    assert refused(tiny / "run.toml") == f"{tiny / 'run.toml'}: no such model folder"
    assert refused(tmp_path) == f"{tmp_path}: not a model folder (it has no manifest.json)"
    assert not manifest.is_model(tmp_path)


def test_another_format_is_refused(folder: Path) -> None:
    rehash(folder, format=2)
    assert refused(folder) == f"{folder}: manifest.json names model format 2; this version reads 1"
    rehash(folder)
    assert ModelFolder(folder)
