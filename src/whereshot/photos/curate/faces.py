"""``--faces``: measure the share of a picture that faces cover. Above a limit, reject the photo or mask its people.

Faces are found by OpenCV's cascade haarcascade_frontalface_alt2, a "tree-based 20x20 gentle adaboost frontal face
detector" (Lienhart, Kuranov and Pisarevsky 2003); haarcascade_frontalface_default, another cascade of OpenCV, is 24x24
and uses discrete AdaBoost. OpenCV 5 has no cascades.
"""

from __future__ import annotations

import hashlib
import io
import os
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from PIL import Image

from whereshot.foundation import output_files
from whereshot.foundation.errors import InputError, MissingExtraError
from whereshot.photos.curate.base import CuratedPhoto, Reject, Settings, Step

FACES = "faces"
SHARE = 0.035
ACTIONS = ("drop", "mask")

CASCADE = "haarcascade_frontalface_alt2.xml"
LONGEST_SIDE = 640
"""Pictures are searched at this number of pixels: faces that cover some percent of a picture are large."""
SCALE, NEIGHBOURS, LEAST_FACE = 1.1, 5, 32
"""Step from one size of faces to the next; how often a face must be found; the least side of one in pixels.

Steps of 1.2 are faster, but the area of a face is then wrong by a sixth, which is too much to compare with a limit.
With three neighbours, three times as many walls and leaves count as faces. A face of 32 pixels is 0.33 % of 640 x 480.
"""

MASK_QUALITY = 95


def check(settings: Settings, _: Any) -> None:
    """Raise InputError for a share or an action that cannot be used."""
    share, action = settings.get("share", SHARE), settings.get("action", "drop")
    if not 0 <= share <= 1:
        raise InputError(f"--faces must be a share between 0 and 1; got {share:g}")
    if action not in ACTIONS:
        raise InputError(f"--faces-action must be drop or mask; got {action!r}")
    _cascade()


def judge(photo: CuratedPhoto, settings: Settings) -> Reject | None:
    """Measure the share. Where it is above the limit, refuse the photo or replace it by a masked copy."""
    limit, action = settings.get("share", SHARE), settings.get("action", "drop")
    found = find(photo.picture(LONGEST_SIDE))
    share = covered(found)
    photo.columns["face_share"] = share
    if share <= limit:
        return None
    if action == "drop":
        text = f"{len(found)} faces cover {share:.1%} of it; {limit:.1%} is most"
        return Reject(FACES, f"{photo.record['image']}: {text}")
    photo.columns["image"] = _write(photo, mask(photo.picture(None), found, _seed(photo.data)))
    return None


def find(picture: Image.Image) -> NDArray[np.float64]:
    """Return the boxes (n, 4) of the faces in a picture: left, top, width, height as shares of its width and height."""
    import cv2

    scale = LONGEST_SIDE / max(picture.size)
    if scale < 1:
        size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
        picture = picture.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
    grey = cv2.cvtColor(np.asarray(picture), cv2.COLOR_RGB2GRAY)
    boxes = _cascade().detectMultiScale(grey, SCALE, NEIGHBOURS, minSize=(LEAST_FACE, LEAST_FACE))
    height, width = grey.shape
    boxes = np.asarray(boxes, np.float64).reshape(-1, 4)
    result: NDArray[np.float64] = boxes[np.lexsort(boxes.T)] / [width, height, width, height]
    return result


def covered(boxes: NDArray[np.float64], side: int = 1000) -> float:
    """Return the share of a picture that boxes (n, 4) cover together. Overlaps count once."""
    grid = np.zeros((side, side), bool)
    for left, top, width, height in np.rint(boxes * side).astype(int):
        grid[max(top, 0) : top + height, max(left, 0) : left + width] = True
    return float(grid.mean())


def people(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the boxes (n, 4) of the people with these faces: three faces wide, from the hair to the feet.

    An adult is about seven and a half heads tall. The box of a face reaches from the eyebrows to the chin.
    """
    left, top, width, height = boxes.T
    return np.stack([left - width, top - 0.6 * height, 3 * width, 10 * height], axis=1)


def mask(picture: Image.Image, boxes: NDArray[np.float64], seed: int) -> Image.Image:
    """Return a copy in which the people with faces in ``boxes`` (n, 4) are replaced by uniform random values."""
    pixels = np.array(picture)
    height, width = pixels.shape[:2]
    rng = np.random.default_rng(seed)
    for box in people(boxes):
        left, top = np.clip(np.floor(box[:2] * [width, height]), 0, [width, height]).astype(int)
        right, bottom = np.clip(np.ceil((box[:2] + box[2:]) * [width, height]), 0, [width, height]).astype(int)
        part = pixels[top:bottom, left:right]
        part[...] = rng.integers(0, 256, part.shape, dtype=np.uint8)
    return Image.fromarray(pixels)


def _seed(data: bytes) -> int:
    """Return the seed of the noise, which is the same in every run."""
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "big")


def _write(photo: CuratedPhoto, picture: Image.Image) -> str:
    """Save a masked copy, complete or not at all, and return its path."""
    name = hashlib.blake2b(photo.data, digest_size=16).hexdigest()
    if photo.folder is None:
        raise RuntimeError("masked copies need a folder, which the step declares as its own")
    path = photo.folder / name[:2] / f"{name}.jpg"
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=MASK_QUALITY)
    output_files.make_folder(path.parent)
    output_files.write_bytes(path, buffer.getvalue())
    return str(path)


@cache
def _cascade() -> Any:
    import cv2

    if not hasattr(cv2, "CascadeClassifier"):
        raise MissingExtraError(
            f"OpenCV {cv2.__version__} has no cascades of faces; install: pip install 'opencv-python-headless<5'"
        )
    cv2.setNumThreads(1)  # several processes do the work
    folder: str = getattr(cv2, "data").haarcascades  # noqa: B009  # missing in OpenCV's types
    cascade = cv2.CascadeClassifier(os.path.join(folder, CASCADE))
    if cascade.empty():
        raise MissingExtraError(f"OpenCV does not contain {CASCADE}; install: pip install 'opencv-python-headless<5'")
    return cascade


STEP = Step(
    judge=judge, check=check, adds=pa.schema([("face_share", pa.float64())]), needs_picture=lambda settings: True
)
