"""Names of models: what is known of each, what is on this machine, and what to do where it is not."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from whereshot.foundation.errors import InputError, ModelError
from whereshot.locate.geolocator import Geolocator
from whereshot.models import catalog, model_folder
from whereshot.models.catalog import HubName

ONE, OTHER = "a" * 40, "ab" * 20


@pytest.fixture(autouse=True)
def own_models(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("WHERESHOT_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


def add(tiny_model: Path, commit: str, asked: str | None = None) -> Path:
    folder = Path(shutil.copytree(tiny_model, catalog.folder_of("me/tiny", commit)))
    (folder / catalog.SOURCE).write_text(json.dumps({"asked": asked}))
    return folder


def test_every_known_model_can_be_told() -> None:
    known = catalog.known()
    assert {"compact", "prior", "geoclip"} <= set(known)
    for name, one in known.items():
        assert one.summary and one.licence, name
        assert one.is_fetchable == (one.repository is not None), name
        assert (one.why is not None) == (one.kind == "elsewhere"), name
        assert one.size is not None or one.kind == "elsewhere", name
        assert one.revision is None or HubName(one.repository, one.revision).is_pinned, name


@pytest.mark.parametrize(
    "text", ["hf:", "hf:one", "hf:a/b/c", "hf:a/../b", "hf:a/b@", "hf:a/b@x y", "hf:-a/b", "hf:a/b@../x"]
)
def test_names_that_are_none(text: str) -> None:
    with pytest.raises(InputError) as caught:
        HubName.parse(text)
    assert str(caught.value) == f"a model on the hub is hf:owner/name or hf:owner/name@revision; got {text!r}"


def test_names_of_the_hub() -> None:
    assert HubName.parse("hf:me/tiny.v1") == ("me/tiny.v1", None)
    pinned = HubName.parse(f"hf:me/tiny@{ONE}")
    assert pinned.is_pinned and str(pinned) == f"hf:me/tiny@{ONE}"
    assert not HubName.parse("hf:me/tiny@main").is_pinned


def test_what_was_fetched_is_found_by_its_name(tiny_model: Path) -> None:
    first = add(tiny_model, ONE, "v1")
    for name in ("hf:me/tiny", f"hf:me/tiny@{ONE}", "hf:me/tiny@aaaaaaa", "hf:me/tiny@v1"):
        assert model_folder.find(name) == first
    assert Geolocator.load("hf:me/tiny").name == "tiny"
    second = add(tiny_model, OTHER)
    assert model_folder.find(f"hf:me/tiny@{OTHER}") == second
    with pytest.raises(ModelError) as caught:
        model_folder.find("hf:me/tiny")
    assert str(caught.value) == (
        "hf:me/tiny: several revisions are on this machine (aaaaaaaaaaaa, abababababab); "
        "name one of them, as hf:me/tiny@aaaaaaaaaaaa"
    )
    with pytest.raises(
        ModelError, match=r"^hf:me/tiny@v2 is not on this machine yet; fetch it with: whereshot models get"
    ):
        model_folder.find("hf:me/tiny@v2")


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("geoclip", "geoclip is not on this machine yet; fetch it with: whereshot models get geoclip"),
        ("hf:a/b", "hf:a/b is not on this machine yet; fetch it with: whereshot models get hf:a/b"),
        ("geoclp", "geoclp: no such model folder; did you mean 'geoclip'?"),
        ("nowhere", "nowhere: no such model folder"),
        ("some/geoclip", "some/geoclip: no such model folder"),
        (
            "pigeotto",
            "pigeotto cannot be fetched: its authors publish no weights; a method like it is runs/pigeon-like.toml",
        ),
    ],
)
def test_a_model_that_is_not_here(name: str, line: str) -> None:
    with pytest.raises(ModelError) as caught:
        Geolocator.load(name)
    assert str(caught.value) == line


def test_where_models_are_kept(own_models: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert catalog.user_models() == own_models
    monkeypatch.delenv("WHERESHOT_MODELS")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert catalog.user_models() == tmp_path / "data" / "whereshot" / "models"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert catalog.downloads() == tmp_path / "cache" / "whereshot" / "downloads"
