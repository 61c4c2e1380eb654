"""Hash photos to find duplicates: by the bytes of the file, and by the look of the picture (64 bits).

The look hash is the classic perceptual hash (Zauner 2010, "Implementation and benchmarking of perceptual image hash
functions"): grey, 32 x 32 pixels, cosine transform, and whether each of the 64 lowest frequencies is above their
median. Among a million photos, some photos of different places agree in it by chance. So a second hash must agree too,
the edge hash: which of two neighbours is brighter, on 9 x 8 pixels. The numbers of bits in which copies can differ were
measured on real photos: docs/results-duplicates.md.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE = 32
DECODED_SIDE = 64
"""Shorter side to which a JPEG is decoded; it is enough for 32 x 32 pixels."""

_ROW, _COLUMN = np.indices((SIDE, SIDE)).reshape(2, -1)
_ORDER = np.lexsort((_ROW, _ROW + _COLUMN))[1:65]
"""The 64 lowest frequencies without the mean, by the sum of their two numbers."""
_WEIGHTS = np.uint64(1) << np.arange(64, dtype=np.uint64)


def content_hash(data: bytes) -> str:
    """Return the BLAKE2b hash of a picture's bytes, as 32 hexadecimal digits."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def look_hash(picture: Image.Image) -> int:
    """Return 64 bits that change little where a picture is scaled, encoded again or made brighter.

    The picture is decoded to at least DECODED_SIDE pixels on each side, or is smaller originally.
    """
    import cv2

    grey = cv2.cvtColor(np.asarray(picture), cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    found = cv2.dct(small.astype(np.float32)).ravel()[_ORDER]
    return int(_WEIGHTS[found > np.median(found)].sum())


def edge_hash(picture: Image.Image) -> int:
    """Return 64 bits of a picture: for each of 8 x 8 pairs of neighbours, whether the left pixel is darker."""
    import cv2

    grey = cv2.cvtColor(np.asarray(picture), cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (9, 8), interpolation=cv2.INTER_AREA).astype(np.int16)
    return int(_WEIGHTS[(small[:, 1:] > small[:, :-1]).ravel()].sum())


def distance(a: NDArray[np.uint64], b: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """Return in how many of the 64 bits hashes differ.

    >>> int(distance(np.uint64(0b1011), np.uint64(0b0010)))
    2
    """
    return np.bitwise_count(np.bitwise_xor(a, b))
