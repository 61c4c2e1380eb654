"""Hashes of a picture: copies stay near, other pictures are far away."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from curating import picture
from whereshot.photos import images
from whereshot.photos.curate import hashes


def jpeg(shown: Image.Image, quality: int) -> Image.Image:
    buffer = io.BytesIO()
    shown.save(buffer, "JPEG", quality=quality)
    return images.open_rgb(buffer.getvalue(), min_side=hashes.DECODED_SIDE)


def test_the_look_survives_what_happens_to_copies() -> None:
    for seed in range(5):
        shown = picture(seed, (800, 600))
        own = [np.uint64(hashed(shown)) for hashed in (hashes.look_hash, hashes.edge_hash)]
        for copy in (jpeg(shown, 95), jpeg(shown, 30), shown.resize((200, 150)), shown.resize((1200, 900))):
            assert hashes.distance(own[0], np.uint64(hashes.look_hash(copy))) <= 4
            assert hashes.distance(own[1], np.uint64(hashes.edge_hash(copy))) <= 6
        other = picture(seed + 10, (800, 600))
        assert hashes.distance(own[0], np.uint64(hashes.look_hash(other))) > 16
        assert hashes.distance(own[1], np.uint64(hashes.edge_hash(other))) > 16
