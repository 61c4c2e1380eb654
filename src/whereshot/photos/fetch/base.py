"""Settings of downloads (pace, patience, limits), and the reasons why a picture is refused."""

from __future__ import annotations

from dataclasses import dataclass

from whereshot.foundation.errors import InputError

NO_URL = "no url"
BROKEN_URL = "broken url"
PRIVATE = "private address"
ROBOTS = "robots.txt"
NOT_FOUND = "not found"
REFUSED = "refused"
SERVER_ERROR = "server error"
NO_CONNECTION = "no connection"
REDIRECTS = "redirects"
NO_PICTURE = "not a picture"
PLACEHOLDER = "photo no longer available"
TOO_LARGE = "too large"
WRONG_LENGTH = "wrong length"
DAMAGED = "damaged picture"


class RefusedError(Exception):
    """A picture cannot be downloaded: ``reason`` is a short text for counting, ``detail`` the whole sentence."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason, self.detail = reason, detail


@dataclass(frozen=True)
class Manners:
    """How requests are sent: user agent, limits of connections and rate, retries, and limits of size."""

    user_agent: str = "whereshot"
    connections: int = 32
    connections_per_host: int = 6
    rate_per_host: float = 0.0
    """Requests per second to one host; 0 for no limit other than the number of connections."""
    attempts: int = 5
    timeout_s: float = 60.0
    """Limit in seconds of one attempt, from the connection to the last byte."""
    back_off_s: float = 1.0
    """Pause in seconds before the second attempt; it doubles before each further attempt."""
    longest_pause_s: float = 120.0
    """Longest pause in seconds. A server that requests a longer one is not asked again."""
    redirects: int = 5
    most_bytes: int = 64 * 1024**2
    allow_private: bool = False

    def __post_init__(self) -> None:
        for name in ("connections", "connections_per_host", "attempts", "most_bytes"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} must be at least 1; got {getattr(self, name)}")
        for name in ("rate_per_host", "back_off_s", "longest_pause_s", "redirects"):
            if not getattr(self, name) >= 0:
                raise InputError(f"{name} must not be negative; got {getattr(self, name)}")
        if not self.timeout_s > 0:
            raise InputError(f"timeout_s must be above 0; got {self.timeout_s}")
        if not self.user_agent.strip() or not self.user_agent.isprintable() or not self.user_agent.isascii():
            raise InputError(f"the user agent must be plain text; got {self.user_agent!r}")
