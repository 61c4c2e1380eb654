"""Limits of the server: bytes, pixels, photos, places in the queue and seconds, for one request and for all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Limits:
    """Every limit of the server. A test goes beyond each of them."""

    photo_bytes: int = 20 * MEGABYTE
    request_bytes: int = 100 * MEGABYTE
    """Bytes of the whole body of one request."""
    photos: int = 20
    """Photos in one request."""
    pixels: int = 100 * MEGABYTE
    """Pixels of one picture."""
    held_bytes: int = 600 * MEGABYTE
    """Bytes of uploads in memory at the same time, of all clients together."""
    queue: int = 128
    """Photos that may wait for a worker. A further photo is refused with 429."""
    connections: int = 1024
    """Open connections at the same time."""
    header_s: float = 10.0
    """Seconds within which all headers of a request must arrive."""
    idle_s: float = 10.0
    """Seconds without a byte of an upload, or during which a client reads no byte of its answer."""
    upload_s: float = 120.0
    """Seconds within which an upload must be complete."""
    photo_s: float = 60.0
    """Seconds of work on one photo. Each further photo of the same batch adds a quarter of this."""
    shutdown_s: float = 60.0
    """Seconds within which the server finishes its accepted requests before it ends."""

    def for_clients(self) -> dict[str, Any]:
        """Return the limits that a client should know before it sends photos."""
        return {
            "files": self.photos,
            "bytes": self.photo_bytes,
            "request_bytes": self.request_bytes,
            "pixels": self.pixels,
            "seconds": self.upload_s,
        }


FIELDS = 16
"""The largest number of option fields of one form; there are fewer options than this."""
FIELD_BYTES = 1000
"""Bytes of one option field."""
HEADER_BYTES = 16_384
"""Bytes of all headers of a request, with its first line."""
TOO_LONG_HEADERS = f"the headers of the request have more than {HEADER_BYTES:,} bytes, the limit"
