"""``--scene``: indoor, natural or urban, from columns of the records or from an ONNX classifier of Places365.

The classifier gives three values (indoor, natural, urban), or 365; then the published table of the hierarchy must lie
beside it, which assigns each class to the three. A class of two of them counts half for each, as in the published
tables of im2gps (Mueller-Budack et al. 2018).
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from PIL import Image

from whereshot.foundation.errors import InputError, one_line
from whereshot.foundation.onnx_session import open_session
from whereshot.photos.curate.base import CuratedPhoto, Reject, Settings, Step
from whereshot.photos.scenes import SCENE_COLUMNS, SCENES

OTHER, UNKNOWN = "other scene", "scene unknown"
WANTED = (*SCENES, "outdoor")

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Mean and deviation of the pixels of ImageNet, with which the published classifiers of Places365 were trained."""
DEFAULT_SIDE = 224
RESIZED = 256 / 224


def check(settings: Settings, has_column: Callable[[str], bool]) -> None:
    """Raise InputError where the scene is unknown, or where records have neither columns of scenes nor a classifier."""
    if settings["wanted"] not in WANTED:
        raise InputError(f"--scene must be {', '.join(WANTED)}; got {settings['wanted']!r}")
    model, hierarchy = settings.get("model"), settings.get("hierarchy")
    if model is not None:
        _classifier(model, hierarchy)
    elif hierarchy is not None:
        raise InputError("--scene-hierarchy goes with --scene-model")
    elif not all(map(has_column, SCENE_COLUMNS)):
        raise InputError(
            f"--scene needs the columns {', '.join(SCENE_COLUMNS)}, or a classifier: --scene-model places365.onnx"
        )


def judge(photo: CuratedPhoto, settings: Settings) -> Reject | None:
    """Reject a photo that is not of the wanted scene; its probabilities become columns of its record."""
    recorded = [photo.record.get(column) for column in SCENE_COLUMNS]
    known: list[float] = [share for share in recorded if share is not None]
    if len(known) < len(SCENE_COLUMNS) and settings.get("model") is None:
        return Reject(UNKNOWN, "the record has no probabilities of scenes; classify it with --scene-model")
    if len(known) < len(SCENE_COLUMNS):
        known = classify(photo.picture(DEFAULT_SIDE * 3 // 2), settings["model"], settings.get("hierarchy")).tolist()
    photo.columns |= dict(zip(SCENE_COLUMNS, known, strict=True))
    if is_wanted(known, settings["wanted"]):
        return None
    shares = ", ".join(f"{kind} {share:.2f}" for kind, share in zip(SCENES, known, strict=True))
    return Reject(OTHER, f"{shares}; {settings['wanted']} is wanted")


def is_wanted(shares: list[float], wanted: str) -> bool:
    """Return whether the likeliest of (indoor, natural, urban) is the wanted scene.

    "outdoor" is wanted where natural and urban together are likelier than indoor.

    >>> is_wanted([0.4, 0.3, 0.3], "indoor"), is_wanted([0.4, 0.3, 0.3], "outdoor")
    (True, True)
    """
    indoor, natural, urban = shares
    if wanted == "outdoor":
        return natural + urban > indoor
    return shares[SCENES.index(wanted)] == max(shares)


def classify(picture: Image.Image, model: str, hierarchy: str | None = None) -> NDArray[np.float64]:
    """Return the probabilities (3,) of indoor, natural and urban. Raises InputError where the model cannot be used."""
    session, side, matrix = _classifier(model, hierarchy)
    scale = RESIZED * side / min(picture.size)
    size = (max(side, round(picture.width * scale)), max(side, round(picture.height * scale)))
    picture = picture.resize(size, Image.Resampling.BILINEAR)
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    pixels = np.asarray(picture.crop((left, top, left + side, top + side)), np.float32) / 255
    values = ((pixels - np.array(MEAN, np.float32)) / np.array(DEVIATION, np.float32)).transpose(2, 0, 1)[None]
    (outputs,) = session.run([session.get_outputs()[0].name], {session.get_inputs()[0].name: values})
    found = np.asarray(outputs, np.float64).ravel()
    if len(found) != len(matrix):
        raise InputError(f"{model}: gives {len(found)} values where {_expected(hierarchy, len(matrix))}")
    is_distribution = (found >= 0).all() and abs(found.sum() - 1) < 1e-3
    if not is_distribution:
        found = np.exp(found - found.max())
    result: NDArray[np.float64] = found / found.sum() @ matrix
    return result


def read_hierarchy(path: str | Path) -> NDArray[np.float64]:
    """Return the share (classes, 3) of each class in indoor, natural and urban, from the published table.

    The table has one class per line, in the order of the classifier: its name, then 1 or 0 for each of the three. Lines
    before the first such line are headings. Raises InputError.
    """
    rows = []
    try:
        with open(path, encoding="utf-8-sig") as file:  # lines may end with CR alone
            for line in csv.reader(file):
                flags = line[1:4]
                if len(flags) == 3 and all(flag.strip() in ("0", "1") for flag in flags):
                    rows.append([float(flag) for flag in flags])
                elif rows and any(line):
                    raise InputError(
                        f"{path}: {','.join(line)[:60]!r} is not a class with 0 or 1 for {', '.join(SCENES)}"
                    )
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read ({error})") from error
    matrix = np.array(rows).reshape(-1, 3)
    if not len(matrix) or not matrix.any(axis=1).all():
        raise InputError(f"{path}: every class must belong to one of {', '.join(SCENES)}; is it the right table?")
    result: NDArray[np.float64] = matrix / matrix.sum(axis=1, keepdims=True)
    return result


@cache
def _classifier(model: str, hierarchy: str | None) -> tuple[Any, int, NDArray[np.float64]]:
    """Return the session of a model, the side of its pictures, and the shares (classes, 3) of its classes."""
    if not Path(model).is_file():
        raise InputError(f"{model}: no such file; --scene-model takes an ONNX file")
    try:
        session = open_session(model)
    except Exception as error:  # exceptions of onnxruntime have no base class of their own
        raise InputError(f"{model}: not a model in ONNX ({one_line(error, 120)})") from error
    matrix = np.eye(3) if hierarchy is None else read_hierarchy(hierarchy)
    shape = session.get_inputs()[0].shape
    if len(shape) != 4 or (shape[1] not in (3, None) and not isinstance(shape[1], str)):
        raise InputError(f"{model}: takes {shape}; pictures of (1, 3, side, side) were expected")
    classes = session.get_outputs()[0].shape[-1]
    if isinstance(classes, int) and classes != len(matrix):
        raise InputError(f"{model}: gives {classes} values where {_expected(hierarchy, len(matrix))}")
    return session, shape[2] if isinstance(shape[2], int) else DEFAULT_SIDE, matrix


def _expected(hierarchy: str | None, count: int) -> str:
    if hierarchy is None:
        return "three (indoor, natural, urban) were expected; name the table of its classes with --scene-hierarchy"
    return f"{hierarchy} has {count} classes"


STEP = Step(
    judge=judge,
    check=check,
    adds=pa.schema([(column, pa.float64()) for column in SCENE_COLUMNS]),
    reads=SCENE_COLUMNS,
    needs_picture=lambda settings: settings.get("model") is not None,
    files=lambda settings: tuple(settings[key] for key in ("model", "hierarchy") if settings.get(key)),
)
