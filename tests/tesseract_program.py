"""The program tesseract in tests: skip where it is not installed, or put another one in its place."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from whereshot.evidence import tesseract


def skip_without(*scripts: str) -> None:
    """Skip a test where tesseract, or its data for a script, is not installed."""
    if shutil.which("tesseract") is None:
        pytest.skip("tesseract is not installed")
    hint = tesseract.install_hint(scripts)
    if hint is not None:
        pytest.skip(hint)


def program(folder: Path, listed: str, otherwise: str = "exit 1") -> None:
    """Write a program that lists data as tesseract does, and otherwise runs a command of the shell."""
    lines = ["#!/bin/sh", f'[ "$1" = --list-langs ] && printf "{listed}" && exit 0', otherwise, ""]
    (folder / "tesseract").write_text("\n".join(lines))
    (folder / "tesseract").chmod(0o755)
