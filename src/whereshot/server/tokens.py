"""The tokens of a file, and the check whether a request carries one of them, in constant time."""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path

from whereshot.foundation.errors import InputError

SHORTEST = 16
"""The least number of letters of a token. A shorter token can be guessed."""


class Tokens:
    """The tokens of a file, one per line. Only hashes are kept: comparing them takes equal time for every guess."""

    def __init__(self, hashes: list[bytes]) -> None:
        self._hashes = hashes

    @classmethod
    def read(cls, path: Path) -> Tokens:
        """Read the tokens of a file. Raises InputError where it cannot be read, is empty, or has a short token."""
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
        """Return whether an Authorization header carries one of the tokens, as "Bearer TOKEN"."""
        kind, _, token = (authorization or b"").partition(b" ")
        given = _hash(token.strip())
        found = [hmac.compare_digest(given, known) for known in self._hashes]
        return kind.lower() == b"bearer" and any(found)


def _hash(token: bytes) -> bytes:
    return hashlib.sha256(token).digest()
