"""Read any part of a bzip2 file: the text of the blocks that begin in a range of its bytes.

Blocks of bzip2 are independent. A block begins at any bit with 48 fixed bits (the digits of pi) and has a checksum. So
each block can become a file of its own, several processes can share a large file, and a reader can start in its middle.
"""

from __future__ import annotations

import bz2
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from whereshot.foundation.errors import InputError

BLOCK_MAGIC = 0x314159265359
END_MAGIC = 0x177245385090
_MAGIC_BITS = 48
_LONGEST = 1 << 20
"""Most compressed bytes of a block: 900 kB of text in which nothing repeats, and its tables."""


def blocks(path: str | Path, start: int, stop: int | None = None) -> Iterator[bytes]:
    """Yield the texts of all blocks whose first bit lies in the bytes [start, stop), in their order.

    Raises InputError where the file is not bzip2, ends early or is damaged.
    """
    with open(path, "rb") as file:
        if file.read(3) != b"BZh":
            raise InputError(f"{path}: not a bzip2 file")
        size = file.seek(0, 2)
        stop = size if stop is None else min(stop, size)
        window = _LONGEST // 4  # small at first: a caller that only needs the end of a line reads one block
        while start < stop:
            file.seek(start)
            end = min(start + window, stop)
            window = min(2 * window, 16 * _LONGEST)
            data = file.read(end - start + _LONGEST)
            whole = start + len(data) >= size
            marks = _marks(data)
            limit = 8 * (end - start)
            number = 0
            while number < len(marks) and marks[number][0] < limit:
                bit, is_block = marks[number]
                number += 1
                if not is_block:
                    continue
                text, number = _text_of(path, data, bit, marks, number, whole, start)
                if text is not None:
                    yield text
            start = end


def _text_of(
    path: str | Path, data: bytes, bit: int, marks: list[tuple[int, bool]], number: int, whole: bool, start: int
) -> tuple[bytes | None, int]:
    """Return the text of the block at ``bit``, and the number of the first mark after it.

    The 48 bits of a mark can also occur by chance, in one of 10**5 files of a gigabyte. So where a block does not end
    at the next mark, a later mark is tried; and a mark at which no block can be read is ignored.
    """
    for after in range(number, min(number + 3, len(marks))):
        text = _decoded(data, bit, marks[after][0])
        if text is not None:
            return text, after
    if not any(mark > bit for mark, _ in marks[number:]) and whole:
        raise InputError(f"{path}: ends in the middle of a block of bzip2; fetch it again")
    raise InputError(f"{path}: the block of bzip2 at byte {start + bit // 8} is damaged; fetch the file again")


def _decoded(data: bytes, start_bit: int, stop_bit: int) -> bytes | None:
    """Decode one block as a file of its own: header, block, end mark, and the checksum of the block."""
    block = _bits(data, start_bit, stop_bit)
    checksum = int.from_bytes(_bits(data, start_bit + _MAGIC_BITS, start_bit + _MAGIC_BITS + 32), "big")
    length = stop_bit - start_bit
    tail = (END_MAGIC << 32 | checksum) << (-(length + 80) % 8)
    spare = length % 8
    if spare:  # the end mark begins inside the block's last byte
        tail |= block[-1] >> (8 - spare) << (80 + (-(length + 80) % 8))
        block = block[:-1]
    end = tail.to_bytes((spare + 80 + 7) // 8, "big")
    try:
        return bz2.decompress(b"BZh9" + block + end)
    except (OSError, ValueError):
        return None


def _bits(data: bytes, start_bit: int, stop_bit: int) -> bytes:
    """Return the bits [start, stop), shifted so that the first bit is the highest bit of the first byte."""
    first, shift = divmod(start_bit, 8)
    length = (stop_bit - start_bit + 7) // 8
    taken = np.frombuffer(data, np.uint8, min(length + 1, len(data) - first), first)
    if shift:
        following = np.append(taken[1:], np.uint8(0))
        taken = (taken << np.uint8(shift)) | (following >> np.uint8(8 - shift))
    return taken[:length].tobytes()


def _marks(data: bytes) -> list[tuple[int, bool]]:
    """Return the positions in bits of all marks: of the start of a block (True) or of the end of the data (False)."""
    found = []
    for magic, is_block in ((BLOCK_MAGIC, True), (END_MAGIC, False)):
        for shift in range(8):
            shifted = magic << (8 - shift)  # 56 bits: the mark begins `shift` bits into the first byte
            text = shifted.to_bytes(7, "big")
            inner = text[1:6]  # these bytes are whole wherever the mark begins
            mask = (0xFF >> shift, 0xFF & ~(0xFF >> shift))
            at = data.find(inner)
            while at >= 0:
                before = at - 1
                if (
                    before >= 0
                    and data[before] & mask[0] == text[0] & mask[0]
                    and (not mask[1] or (at + 5 < len(data) and data[at + 5] & mask[1] == text[6] & mask[1]))
                ):
                    found.append((8 * before + shift, is_block))
                at = data.find(inner, at + 1)
    return sorted(found)
