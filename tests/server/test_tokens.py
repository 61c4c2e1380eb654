"""Tokens of a file: which requests they allow, and which files are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from whereshot.foundation.errors import InputError
from whereshot.server.tokens import Tokens

TOKEN = "d4c74594d841139328695756648b6bd6"


def test_tokens_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "tokens"
    path.write_text(f"{TOKEN}\n{TOKEN[::-1]}\n")
    tokens = Tokens.read(path)
    assert tokens.allow(f"Bearer {TOKEN}".encode()) and tokens.allow(f"bearer {TOKEN[::-1]}".encode())
    for wrong in (None, b"", b"Bearer", f"Basic {TOKEN}".encode(), f"Bearer {TOKEN[:-1]}".encode(), TOKEN.encode()):
        assert not tokens.allow(wrong)


@pytest.mark.parametrize(
    ("content", "said"),
    [("", "no token in this file"), ("short\n", "at least 16 letters"), ("é" * 20, "not plain text")],
)
def test_token_files_that_would_not_protect(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "tokens").write_text(content, "utf-8")
    with pytest.raises(InputError, match=said):
        Tokens.read(tmp_path / "tokens")
    with pytest.raises(InputError, match="the tokens cannot be read"):
        Tokens.read(tmp_path / "nothing")
