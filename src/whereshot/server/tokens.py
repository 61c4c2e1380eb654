"""A file of tokens -> whether a request may be answered; compared in constant time."""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path

from whereshot.foundation.errors import InputError

SHORTEST = 16
"""Letters of a token; a shorter one can be guessed."""


class Tokens:
    """The tokens of a file, one a line; kept as hashes, so that comparing takes the same time for any guess."""

    def __init__(self, hashes: list[bytes]) -> None:
        self._hashes = hashes

    @classmethod
    def read(cls, path: Path) -> Tokens:
        """Raises InputError for a file that cannot be read, is empty or holds a short token."""
        try:
            lines = path.read_text("ascii").split()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "not plain text"
            raise InputError(f"{path}: the tokens cannot be read ({reason})") from error
        if not lines:
            raise InputError(f"{path}: no token in this file; put one in, such as: openssl rand -hex 24")
        if any(len(line) < SHORTEST for line in lines):
            raise InputError(f"{path}: a token has at least {SHORTEST} letters; make one by: openssl rand -hex 24")
        return cls([_hash(line.encode()) for line in lines])

    def allow(self, authorization: bytes | None) -> bool:
        """Whether an Authorization header carries one of them, as "Bearer TOKEN"."""
        kind, _, token = (authorization or b"").partition(b" ")
        given = _hash(token.strip())
        found = [hmac.compare_digest(given, known) for known in self._hashes]
        return kind.lower() == b"bearer" and any(found)


def _hash(token: bytes) -> bytes:
    return hashlib.sha256(token).digest()
