"""Which photos a model learned from: digests in a private file of its folder, to tell these photos from others.

    learned-photos.safetensors    salt (32,), and for each photo a row of ``files`` and of ``pictures``, (n, 16) each

A digest names a photo by the bytes of its file; a second one names it by what codes its pixels (``picture_data``), so a
copy whose metadata alone was changed is recognised as well. A copy that was compressed or scaled anew is not:
``whereshot audit`` compares pictures. Both are keyed by a random salt of the model's own, so lists of digests that
others made cannot be compared with them. The file is for the owner of the model: nothing that is handed on has it.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from whereshot.foundation.errors import ImageError, InputError, ModelError
from whereshot.photos import picture_bytes, picture_data

FILE = "learned-photos.safetensors"
"""Its name in a model folder."""
BYTES = 16
"""Length of a digest."""


@dataclass(frozen=True)
class LearnedPhotos:
    """Salted digests (n, 16) of the files and of the pictures in them, in the order of the model's own photos."""

    salt: bytes
    files: NDArray[np.uint8]
    pictures: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.files)

    @classmethod
    def of(cls, paths: Sequence[str | Path | None], salt: bytes | None = None) -> LearnedPhotos:
        """The digests of photos, of which one that cannot be read matches nothing; without a salt a new one."""
        salt = secrets.token_bytes(32) if salt is None else salt
        rows = [_digests(path, salt) for path in paths]
        files, pictures = (np.array([row[at] for row in rows], np.uint8).reshape(-1, BYTES) for at in (0, 1))
        return cls(salt, files, pictures)

    @classmethod
    def read(cls, folder: Path) -> LearnedPhotos | None:
        """Those of a model folder; None where it has none. Raises ModelError for a damaged file."""
        path = folder / FILE
        if not path.is_file():
            return None
        try:
            arrays = load_file(path)
            return cls(arrays["salt"].tobytes(), arrays["files"], arrays["pictures"])
        except (SafetensorError, KeyError, OSError) as error:
            raise ModelError(f"{path}: is damaged; remove it, or learn or train the model again") from error

    @classmethod
    def of_digests(cls, digests: Sequence[bytes]) -> LearnedPhotos:
        """Of photos whose files' digests (``dataset.content_digest``) alone are known, as older libraries kept them."""
        salt = secrets.token_bytes(32)
        files = np.array([_salted(digest, salt) for digest in digests], np.uint8).reshape(-1, BYTES)
        return cls(salt, files, np.zeros_like(files))

    def to_bytes(self) -> bytes:
        """The content of the private file."""
        salt = np.frombuffer(self.salt, np.uint8)
        return save({"salt": salt, "files": self.files, "pictures": self.pictures})

    def take(self, rows: NDArray[np.int64]) -> LearnedPhotos:
        """Some of the photos, in this order."""
        return LearnedPhotos(self.salt, self.files[rows], self.pictures[rows])

    def joined(self, other: LearnedPhotos) -> LearnedPhotos:
        """These and then others of the same salt."""
        files, pictures = np.concatenate([self.files, other.files]), np.concatenate([self.pictures, other.pictures])
        return LearnedPhotos(self.salt, files, pictures)

    def contains(self, paths: Sequence[str | Path | None]) -> NDArray[np.bool_]:
        """Which of some photos (n,) are among these, or are copies of one with the same coded picture."""
        others = LearnedPhotos.of(paths, self.salt)
        found = np.zeros(len(others), bool)
        for own, asked in ((self.files, others.files), (self.pictures, others.pictures)):
            known = {row.tobytes() for row in own if row.any()}
            found |= np.array([row.tobytes() in known for row in asked], bool)
        return found


def _digests(path: str | Path | None, salt: bytes) -> tuple[list[int], list[int]]:
    """The salted digests of a photo's file and of the picture in it; zeros where there is none to be read."""
    nothing = [0] * BYTES
    try:
        content = b"" if path is None else picture_bytes.contents(path)
    except ImageError:
        content = b""
    if not content:
        return nothing, nothing
    coded = picture_data.digest(content)
    file = hashlib.blake2b(content, digest_size=BYTES).digest()
    return _salted(file, salt), nothing if coded is None else _salted(coded, salt)


def _salted(digest: bytes, salt: bytes) -> list[int]:
    return list(hashlib.blake2b(digest, key=salt, digest_size=BYTES).digest())


@dataclass(frozen=True)
class Sifted:
    """Photos that are to test a model: how many were ``given``, how many of them it ``learned`` from (None where that
    is not known of every model), how many are ``left_out`` for it, and which rows (n,) are ``kept``."""

    given: int
    learned: int | None
    left_out: int
    kept: NDArray[np.int64]

    def to_json(self) -> dict[str, int | None]:
        """The counts as a plain document; ``learned`` is null where it is not known."""
        return {"given": self.given, "learned": self.learned, "left_out": self.left_out}

    def in_words(self) -> str:
        """The same in one sentence."""
        return in_words(self.given, self.learned, self.left_out)


def in_words(given: int, learned: int | None, left_out: int) -> str:
    """How many of the given photos a model learned from, and what became of them, in one sentence."""
    if learned is None:
        known = f"; {left_out} that another one learned from are left out" if left_out else ""
        return f"it is not known which of the {given} photos the model learned from{known}"
    if learned == 0:
        return f"the model learned from none of the {given} photos"
    what = "they are left out (--include-learned counts them)" if left_out else "they count, as --include-learned asks"
    return f"the model learned from {learned} of the {given} photos; {what}"


def sift(
    models: Sequence[LearnedPhotos | None], paths: Sequence[str | Path | None], *, include: bool = False
) -> Sifted:
    """Find the photos that one of some models learned from, and leave them out unless ``include``.

    None stands for a model of which it is not known. Raises InputError where no photo is left.
    """
    known = [model for model in models if model is not None]
    learned = np.zeros(len(paths), bool)
    for model in known:
        if len(model):
            learned |= model.contains(paths)
    count = int(learned.sum())
    if len(paths) and count == len(paths) and not include:
        raise InputError(f"the model learned from all {count} photos; give others, or --include-learned")
    kept = np.arange(len(paths)) if include else np.flatnonzero(~learned)
    return Sifted(len(paths), count if len(known) == len(models) else None, len(paths) - len(kept), kept)
