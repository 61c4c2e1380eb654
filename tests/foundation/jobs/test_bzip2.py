"""bzip2 files are read from any byte on."""

from __future__ import annotations

import bz2
from pathlib import Path

import numpy as np
import pytest

from whereshot.foundation.errors import InputError
from whereshot.foundation.jobs import (
    Unit,
    bzip2,
    split,
    units,
)


def texts(found: list[Unit]) -> list[bytes]:
    return [line for unit in found for batch in units.batches(unit) for line in batch["line"].to_pylist()]


@pytest.mark.parametrize("streams", [1, 7])
def test_a_bzip2_file_is_cut_anywhere(tmp_path: Path, rng: np.random.Generator, streams: int) -> None:
    words = rng.integers(97, 123, (150_000, 8), dtype=np.uint8)
    words[:, 7] = ord("\n")
    words[1000:60_000, 7] = ord("x")  # a line longer than a block
    text = words.tobytes()
    part = len(text) // streams + 1
    data = b"".join(bz2.compress(text[start : start + part], 1) for start in range(0, len(text), part))
    path = tmp_path / "in.bz2"
    path.write_bytes(data)
    assert b"".join(bzip2.blocks(path, 0)) == text
    for unit_bytes in (5 * 9_973, 5 * 250_001, 10**9):
        found = split([path], unit_bytes=unit_bytes)
        assert texts(found) == text.splitlines(keepends=True)
    assert len(split([path], unit_bytes=5 * 9_973)) > 50


def test_a_bzip2_file_that_is_none(tmp_path: Path, rng: np.random.Generator) -> None:
    path = tmp_path / "in.bz2"
    path.write_bytes(b"id\tlatitude\n")
    with pytest.raises(InputError, match=r"in\.bz2: not a bzip2 file"):
        texts(split([path]))
    data = bytearray(bz2.compress(rng.bytes(200_000)))
    path.write_bytes(data[:-100])
    with pytest.raises(InputError, match=r"in\.bz2: ends in the middle of a block of bzip2; fetch it again"):
        texts(split([path]))
    data[60_000] ^= 255
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"in\.bz2: the block of bzip2 at byte 4 is damaged; fetch the file again"):
        texts(split([path]))
