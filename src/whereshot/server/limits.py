"""What one request, and all of them together, may take: bytes, pixels, photos, places in the queue, seconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Limits:
    """Every bound of the server; each is tested by going beyond it."""

    photo_bytes: int = 20 * MEGABYTE
    request_bytes: int = 100 * MEGABYTE
    """All of one request's body."""
    photos: int = 20
    """In one request."""
    pixels: int = 100 * MEGABYTE
    """Of one picture."""
    held_bytes: int = 600 * MEGABYTE
    """Uploads held in memory at a time, of all clients."""
    queue: int = 128
    """Photos that may wait for their turn; beyond these the answer is 429."""
    connections: int = 1024
    header_s: float = 10.0
    """Until a request's headers are complete."""
    idle_s: float = 10.0
    """Without a byte of an upload, or without one of an answer taken."""
    upload_s: float = 120.0
    """Until an upload is complete."""
    photo_s: float = 60.0
    """Of work on one photo, a quarter more for each that is answered with it."""
    shutdown_s: float = 60.0
    """Until what was taken has to be finished."""

    def told(self) -> dict[str, Any]:
        """What a client should know before it sends anything."""
        return {
            "files": self.photos,
            "bytes": self.photo_bytes,
            "request_bytes": self.request_bytes,
            "pixels": self.pixels,
            "seconds": self.upload_s,
        }


FIELDS = 16
"""Option fields of a form: more than there are options."""
FIELD_BYTES = 1000
HEADER_BYTES = 16_384
"""All headers of a request, with its first line."""
TOO_LONG_HEADERS = f"the headers of the request have more than {HEADER_BYTES:,} bytes, the limit"
