"""Folders in the user's home, as the XDG Base Directory Specification names them."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder(name: str) -> Path:
    """Return the folder ``$XDG_CACHE_HOME/whereshot/NAME``, by default under ``~/.cache``. Nothing is made."""
    return _base("XDG_CACHE_HOME", ".cache") / "whereshot" / name


def data_folder(name: str) -> Path:
    """Return the folder ``$XDG_DATA_HOME/whereshot/NAME``, by default under ``~/.local/share``. Nothing is made."""
    return _base("XDG_DATA_HOME", ".local/share") / "whereshot" / name


def _base(variable: str, default: str) -> Path:
    return Path(os.environ.get(variable) or Path.home() / default)
