"""Keys of the bucket of YFCC100M: both spellings of the hash, from the address or from a given hash."""

from __future__ import annotations

import hashlib

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from whereshot.photos.sources import yfcc_keys


def key(hash_: str) -> str:
    return f"data/images/{hash_[:3]}/{hash_[3:6]}/{hash_}.jpg"


def short_of(digest: str) -> str:
    """Each byte as "%x" writes it."""
    return "".join(f"{byte:x}" for byte in bytes.fromhex(digest))


def md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


@given(st.lists(st.text("ab/:é1", max_size=12), max_size=12))
def test_both_spellings_follow_from_the_address(urls: list[str]) -> None:
    column = pa.array(urls, pa.string())
    long, short = yfcc_keys.object_keys(column)
    assert long.to_pylist() == [key(md5(url)) for url in urls]
    assert short.to_pylist() == [key(short_of(md5(url))) for url in urls]
    assert [bytes(digits).decode() for digits in yfcc_keys.md5_hex(column)] == [md5(url) for url in urls]


@given(st.lists(st.tuples(st.binary(min_size=16, max_size=16), st.booleans()), min_size=1, max_size=6))
def test_a_whole_hash_goes_before_the_address(hashes: list[tuple[bytes, bool]]) -> None:
    texts = [data.hex().upper() if is_upper else data.hex() for data, is_upper in hashes]
    long, short = yfcc_keys.object_keys(pa.array(["http://a.org/1.jpg"] * len(texts)), pa.array(texts))
    assert long.to_pylist() == [key(data.hex()) for data, _ in hashes]
    assert short.to_pylist() == [key(short_of(data.hex())) for data, _ in hashes]


def test_short_and_broken_hashes() -> None:
    """A short hash does not tell where its zeros were; where it is that of the address, the address does."""
    url = next(f"http://a.org/{n}.jpg" for n in range(100) if len(short_of(md5(f"http://a.org/{n}.jpg"))) < 32)
    own, other = short_of(md5(url)), "a" + "b" * 30
    given_ = pa.array([own, other, None, "", "nonsense", "0" * 33])
    long, short = yfcc_keys.object_keys(pa.array([url] * 6), given_)
    assert long.to_pylist() == [key(md5(url)), key(other), *[key(md5(url))] * 4]
    assert short.to_pylist() == [key(own), key(other), *[key(own)] * 4]
