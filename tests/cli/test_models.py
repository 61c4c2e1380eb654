"""The commands models list, show and get."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from command_line import Run


def test_models(run: Run, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    monkeypatch.setenv("XDG_DATA_HOME", str(home))
    listed = {one["name"]: one for one in run("models", "list", "--format", "json").document["models"]}
    assert [listed[name]["status"] for name in ("compact", "geoclip", "plonk")] == [
        "built in",
        "not fetched",
        "not to be had",
    ]
    assert listed["geoclip"]["published"][0]["accuracy_25"] == 34.5
    assert "why" in listed["plonk"]
    words = run("models", "list").out
    assert "1,710.5 MB" in words and "published on IM2GPS3k: 14.1 / 34.5 / 50.7 / 69.7 / 83.8 %" in words
    folder = Path(shutil.copytree(tiny_model, home / "whereshot" / "models" / "first"))
    tiny = run("models", "list", "--format", "json").document["models"][-1]
    assert (tiny["name"], tiny["path"], tiny["status"]) == ("tiny", str(folder), "on this machine")
    assert (tiny["photos"], tiny["backbone"], tiny["source"]) == (48, "test_efficientnet", None)
    named = [one["name"] for one in run("models", "list", folder.parent, "--format", "json").document["models"]]
    assert named == ["compact", "prior", "tiny"]

    shown = run("models", "show", folder, "--format", "json").document
    assert (shown["name"], shown["cells"], shown["head"]) == ("tiny", [4, 6], "classify")
    assert run("models", "show", folder).out == (folder / "README.md").read_text()

    said = run("models", "get", "world").mistake
    assert said.startswith("no model is published under the name 'world'; known: compact, dinov2-small, geoclip, ")
    assert said.endswith("; or give hf:owner/name, or train one with: whereshot train RUN.toml")
    card = run("models", "show", "geoclip")
    assert card.code == 0 and card.out.startswith("# geoclip\n\n## Model\n")
    assert card.err == "geoclip is not on this machine yet; fetch it with: whereshot models get geoclip\n"
    assert run("models", "show", "first").out == (folder / "README.md").read_text()  # by its name
    assert run("models", "list", tmp_path / "gone").mistake == f"{tmp_path / 'gone'}: no such folder"


def test_a_model_with_a_changed_byte(run: Run, locate: Run, tiny: Path, tiny_model: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_model, tmp_path / "models" / "broken"))
    content = bytearray((folder / "weights.safetensors").read_bytes())
    content[-1] ^= 1
    (folder / "weights.safetensors").write_bytes(content)
    said = (
        f"{folder}: weights.safetensors has been changed or damaged (its SHA-256 is not the manifest's); "
        "get or train the model again"
    )
    assert locate(tiny / "lima-0.png", "--model", folder, "--format", "json").mistake == said
    assert run("evaluate", folder, tiny / "photos.csv").mistake == said
    assert run("models", "show", folder).mistake == said
    result = run("models", "list", folder.parent, "--format", "json")
    assert (result.code, [one["name"] for one in result.document["models"]]) == (1, ["compact", "prior"])
    assert result.err == f"left out: {said}\n"
