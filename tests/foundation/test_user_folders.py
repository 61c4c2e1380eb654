"""Folders in the user's home: by the XDG variables, else under the home."""

from __future__ import annotations

from pathlib import Path

import pytest

from whereshot.foundation.user_folders import cache_folder, data_folder


@pytest.mark.parametrize(
    ("folder_of", "variable", "usual"),
    [(cache_folder, "XDG_CACHE_HOME", ".cache"), (data_folder, "XDG_DATA_HOME", ".local/share")],
)
def test_a_variable_names_the_folder_and_an_empty_one_does_not(
    folder_of, variable: str, usual: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv(variable, str(tmp_path / "own"))
    assert folder_of("models") == tmp_path / "own" / "whereshot" / "models"
    monkeypatch.setenv(variable, "")
    assert folder_of("models") == tmp_path / usual / "whereshot" / "models"
    monkeypatch.delenv(variable)
    assert folder_of("models") == tmp_path / usual / "whereshot" / "models"
    assert not any(tmp_path.iterdir())
