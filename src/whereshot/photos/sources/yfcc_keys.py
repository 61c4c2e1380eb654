"""Make the keys of photos in the bucket of YFCC100M from download addresses, in both spellings of the bucket."""

from __future__ import annotations

import hashlib
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

PREFIX, SUFFIX = "data/images/", ".jpg"

_HASH = r"^[0-9a-f]{16,32}$"


def object_keys(urls: pa.Array, hashes: pa.Array | None = None) -> tuple[pa.Array, pa.Array]:
    """Return the key of every photo in both spellings: two digits for every byte, and no leading zeros.

    The hash is the given hash, in either spelling, or else the MD5 of the download address.
    """
    digests = md5_hex(urls)
    long, short = _text_of(digests), _without_zeros(digests)
    if hashes is not None:
        hashes = pc.ascii_lower(hashes)
        given = pc.if_else(pc.match_substring_regex(hashes, _HASH), hashes, pa.scalar(None, pa.string()))
        is_whole = pc.fill_null(pc.equal(pc.binary_length(given), 32), False)
        whole = pc.if_else(is_whole, given, pa.scalar("0" * 32))
        given_short = pc.if_else(is_whole, _without_zeros(_digits(whole)), given)
        # the short spelling does not show where zeros were left out; the hash of the photo's address has all zeros
        agrees = pc.equal(given_short, short)
        given_long = pc.if_else(is_whole, given, pc.if_else(agrees, long, given))
        long, short = pc.coalesce(given_long, long), pc.coalesce(given_short, short)
    return _key(long), _key(short)


def md5_hex(texts: pa.Array) -> NDArray[np.uint8]:
    """Return the MD5 of every text, as its 32 hexadecimal digits (n, 32) in ASCII."""
    digest = partial(hashlib.md5, usedforsecurity=False)
    digests = b"".join([digest(text).digest() for text in texts.cast(pa.binary()).to_pylist()])
    return _DIGITS_OF[np.frombuffer(digests, np.uint8)].reshape(-1, 32)


_DIGITS_OF = np.frombuffer(bytes(range(256)).hex().encode(), np.uint8).reshape(256, 2)


def _digits(hashes: pa.Array) -> NDArray[np.uint8]:
    """Return texts of 32 digits as an array (n, 32)."""
    text = b"".join(hashes.cast(pa.binary()).to_pylist())
    return np.frombuffer(text, np.uint8).reshape(-1, 32)


def _text_of(digits: NDArray[np.uint8]) -> pa.Array:
    offsets = np.arange(0, 32 * len(digits) + 1, 32, dtype=np.int32)
    return pa.Array.from_buffers(
        pa.string(), len(digits), [None, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(digits))]
    )


def _without_zeros(digits: NDArray[np.uint8]) -> pa.Array:
    """Return the hash as "%x" of each byte writes it: a byte below 16 has one digit."""
    stays = np.ones(digits.shape, bool)
    stays[:, ::2] = digits[:, ::2] != ord("0")
    offsets = np.concatenate([[0], np.cumsum(stays.sum(axis=1))]).astype(np.int32)
    return pa.Array.from_buffers(
        pa.string(), len(digits), [None, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(digits[stays]))]
    )


def _key(hashes: pa.Array) -> pa.Array:
    first, second = pc.binary_slice(hashes.cast(pa.binary()), 0, 3), pc.binary_slice(hashes.cast(pa.binary()), 3, 6)
    parts = (pc.binary_join_element_wise(PREFIX, first.cast(pa.string()), ""), second.cast(pa.string()), hashes)
    return pc.binary_join_element_wise(pc.binary_join_element_wise(*parts, "/"), SUFFIX, "")
