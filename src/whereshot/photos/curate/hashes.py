"""Hashes that are equal for equal photos: of their bytes, and (64 bits) of how they look.

The look is the classic perceptual hash (Zauner 2010, "Implementation and benchmarking of perceptual image hash
functions"): grey, 32 x 32, cosine transform, the 64 lowest frequencies above or below their median. Among a million
photos some of different places agree in it by chance, so a second hash has to agree as well, which errs elsewhere:
which of two neighbours on 9 x 8 pixels is brighter. How far both may differ was measured on real photos:
docs/results-duplicates.md.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE = 32
DECODED_SIDE = 64
"""Enough of a JPEG to make 32 x 32 of it."""

_ROW, _COLUMN = np.indices((SIDE, SIDE)).reshape(2, -1)
_ORDER = np.lexsort((_ROW, _ROW + _COLUMN))[1:65]
"""The 64 lowest frequencies without the mean, by the sum of their two numbers."""
_WEIGHTS = np.uint64(1) << np.arange(64, dtype=np.uint64)


def content_hash(data: bytes) -> str:
    """BLAKE2b of a picture's bytes, as 32 hexadecimal digits."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def look_hash(picture: Image.Image) -> int:
    """64 bits of a picture, at least DECODED_SIDE wide and high or its own size, which change little when it is
    scaled, encoded again or made brighter."""
    import cv2

    grey = cv2.cvtColor(np.asarray(picture), cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    found = cv2.dct(small.astype(np.float32)).ravel()[_ORDER]
    return int(_WEIGHTS[found > np.median(found)].sum())


def edge_hash(picture: Image.Image) -> int:
    """64 bits of a picture: whether each of 9 x 8 pixels is darker than its right neighbour."""
    import cv2

    grey = cv2.cvtColor(np.asarray(picture), cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (9, 8), interpolation=cv2.INTER_AREA).astype(np.int16)
    return int(_WEIGHTS[(small[:, 1:] > small[:, :-1]).ravel()].sum())


def distance(a: NDArray[np.uint64], b: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """In how many of the 64 bits hashes differ.

    >>> int(distance(np.uint64(0b1011), np.uint64(0b0010)))
    2
    """
    return np.bitwise_count(np.bitwise_xor(a, b))
