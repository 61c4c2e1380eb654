"""Which photos a model learned from: salted digests in a private file of its folder.

    learned-photos.safetensors    salt (32,), and for each photo a row of ``files`` and of ``pictures``, (n, 16) each

The first digest names a photo by the bytes of its file. The second names it by the bytes that code its pixels
(``picture_data``), so a copy is recognised even if its metadata changed. A copy that was compressed or scaled again is
not recognised: ``whereshot audit`` compares pictures. Both digests are keyed by a random salt of the model, so nobody
can compare them with digests made elsewhere. The file is for the owner of the model: exports leave it out.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from whereshot.foundation import processes
from whereshot.foundation.errors import ImageError, InputError, ModelError
from whereshot.foundation.progress import Track, silent
from whereshot.photos import picture_bytes, picture_data

FILE = "learned-photos.safetensors"
"""Name of the private file in a model folder."""
BYTES = 16
"""Length of a digest in bytes."""


@dataclass(frozen=True)
class PhotoDigests:
    """Digests (n, 16) without a salt: of the files, and of the coded pictures in them; zeros for what is unreadable."""

    files: NDArray[np.uint8]
    pictures: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.files)

    def take(self, rows: NDArray[np.int64]) -> PhotoDigests:
        """Return the digests of some of the photos, in this order."""
        return PhotoDigests(self.files[rows], self.pictures[rows])

    def file_digests(self) -> list[bytes | None]:
        """Return the digest of each file as ``batches.content_digest`` gives it; None for an unreadable file."""
        return [row.tobytes() if row.any() else None for row in self.files]


def digest_photos(paths: Sequence[str | Path | None], *, track: Track = silent) -> PhotoDigests:
    """Read every photo once and return its digests. Several threads read; ``track`` counts photos."""
    with ThreadPoolExecutor(max_workers=processes.cores()) as pool:
        rows = list(track(pool.map(_digests, paths), total=len(paths), what="reading photos"))
    files, pictures = (np.array([row[at] for row in rows], np.uint8).reshape(-1, BYTES) for at in (0, 1))
    return PhotoDigests(files, pictures)


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
        """Read photos and return their salted digests; see ``of_digests``."""
        return cls.of_digests(digest_photos(paths), salt)

    @classmethod
    def of_digests(cls, digests: PhotoDigests, salt: bytes | None = None) -> LearnedPhotos:
        """Salt digests, by default with a new random salt. An unreadable photo never matches another one."""
        salt = secrets.token_bytes(32) if salt is None else salt
        return cls(salt, _salt_rows(digests.files, salt), _salt_rows(digests.pictures, salt))

    @classmethod
    def read(cls, folder: Path) -> LearnedPhotos | None:
        """Read the private file of a model folder; None where there is none. Raises ModelError for a damaged file."""
        path = folder / FILE
        if not path.is_file():
            return None
        try:
            arrays = load_file(path)
            return cls(arrays["salt"].tobytes(), arrays["files"], arrays["pictures"])
        except (SafetensorError, KeyError, OSError) as error:
            raise ModelError(f"{path}: is damaged; remove it, or learn or train the model again") from error

    @classmethod
    def of_file_digests(cls, digests: Sequence[bytes]) -> LearnedPhotos:
        """Salt digests of files alone (``batches.content_digest``), which older libraries kept in their table."""
        files = np.array([list(digest) for digest in digests], np.uint8).reshape(-1, BYTES)
        return cls.of_digests(PhotoDigests(files, np.zeros_like(files)))

    def to_bytes(self) -> bytes:
        """Return the content of the private file."""
        salt = np.frombuffer(self.salt, np.uint8)
        return save({"salt": salt, "files": self.files, "pictures": self.pictures})

    def take(self, rows: NDArray[np.int64]) -> LearnedPhotos:
        """Return some of the photos, in this order."""
        return LearnedPhotos(self.salt, self.files[rows], self.pictures[rows])

    def append(self, other: LearnedPhotos) -> LearnedPhotos:
        """Return these photos followed by others that have the same salt."""
        files, pictures = np.concatenate([self.files, other.files]), np.concatenate([self.pictures, other.pictures])
        return LearnedPhotos(self.salt, files, pictures)

    def contains(self, photos: PhotoDigests) -> NDArray[np.bool_]:
        """Return which photos (n,) are among these, or are copies with the same coded picture as one of these."""
        others = LearnedPhotos.of_digests(photos, self.salt)
        found = np.zeros(len(others), bool)
        for own, other in ((self.files, others.files), (self.pictures, others.pictures)):
            known = {row.tobytes() for row in own if row.any()}
            found |= np.array([row.tobytes() in known for row in other], bool)
        return found


def _digests(path: str | Path | None) -> tuple[list[int], list[int]]:
    """Return the digests of a photo's file and of the picture in it; zeros for what cannot be read."""
    nothing = [0] * BYTES
    try:
        content = b"" if path is None else picture_bytes.contents(path)
    except ImageError:
        content = b""
    if not content:
        return nothing, nothing
    coded = picture_data.digest(content)
    return list(hashlib.blake2b(content, digest_size=BYTES).digest()), nothing if coded is None else list(coded)


def _salt_rows(digests: NDArray[np.uint8], salt: bytes) -> NDArray[np.uint8]:
    """Return salted digests (n, 16); a row of zeros, which stands for an unreadable photo, stays zero."""
    salted = np.zeros((len(digests), BYTES), np.uint8)
    for row in np.flatnonzero(digests.any(axis=1)):
        digest = hashlib.blake2b(digests[row].tobytes(), key=salt, digest_size=BYTES).digest()
        salted[row] = np.frombuffer(digest, np.uint8)
    return salted


@dataclass(frozen=True)
class SeparatedPhotos:
    """Photos that will test a model, sorted by whether the model learned from them.

    ``given`` photos came in; the model ``learned`` from so many of them (None if this is not known of every model);
    ``left_out`` are not used; ``kept`` (n,) are the rows to use.
    """

    given: int
    learned: int | None
    left_out: int
    kept: NDArray[np.int64]

    def to_json(self) -> dict[str, int | None]:
        """Return the counts as a JSON document; ``learned`` is null where it is not known."""
        return {"given": self.given, "learned": self.learned, "left_out": self.left_out}

    def in_words(self) -> str:
        """Return the counts as one sentence."""
        return in_words(self.given, self.learned, self.left_out)


def in_words(given: int, learned: int | None, left_out: int) -> str:
    """Return one sentence: how many of the given photos a model learned from, and whether they are left out."""
    if learned is None:
        known = f"; {left_out} that another one learned from are left out" if left_out else ""
        return f"it is not known which of the {given} photos the model learned from{known}"
    if learned == 0:
        return f"the model learned from none of the {given} photos"
    what = "they are left out (--include-learned counts them)" if left_out else "they count, as --include-learned asks"
    return f"the model learned from {learned} of the {given} photos; {what}"


def separate(
    models: Sequence[LearnedPhotos | None],
    paths: Sequence[str | Path | None],
    *,
    include: bool = False,
    track: Track = silent,
) -> SeparatedPhotos:
    """Find the photos that at least one of the models learned from, and leave them out unless ``include``.

    None stands for a model whose learned photos are not known. Each photo is read once, whatever the number of models;
    ``track`` counts them. Raises InputError where no photo is left.
    """
    known = [model for model in models if model is not None]
    learned = np.zeros(len(paths), bool)
    if any(len(model) for model in known):
        digests = digest_photos(paths, track=track)
        for model in known:
            learned |= model.contains(digests)
    count = int(learned.sum())
    if len(paths) and count == len(paths) and not include:
        raise InputError(f"the model learned from all {count} photos; give others, or --include-learned")
    kept = np.arange(len(paths)) if include else np.flatnonzero(~learned)
    return SeparatedPhotos(len(paths), count if len(known) == len(models) else None, len(paths) - len(kept), kept)
