"""The pages that may send photos: the pages of this server, and of the host names that its owner allows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

SAFE_METHODS = ("GET", "HEAD")
"""Methods that change nothing and carry no photo. Every page may ask with them; no other page can read the answer."""
_ORIGIN = re.compile(r"(https?)://([a-z0-9._-]+|\[[0-9a-f:.]+\])(:\d+)?")
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


def foreign_page(
    method: str, headers: Iterable[tuple[bytes, bytes]], host: str, allowed: Sequence[str] = ()
) -> str | None:
    """Return in words why a request comes from a page of another site, or None where it does not.

    ``headers`` are the headers of the request, with names in small letters. ``host`` is its Host header. ``allowed``
    are further names of this server without ports, such as the public name of a reverse proxy that does not pass on
    Host. A browser sends Origin with every POST, and newer ones Sec-Fetch-Site as well; programs send neither, and
    pass.

    >>> foreign_page("POST", [(b"origin", b"http://localhost:8000")], "localhost:8000")
    >>> foreign_page("POST", [(b"origin", b"null")], "localhost:8000")
    'a page of another site (null) may not send photos here'
    """
    if method in SAFE_METHODS:
        return None
    values = [(name, value.decode("latin-1").strip()) for name, value in headers]
    if any(name == b"sec-fetch-site" and value.lower() == "cross-site" for name, value in values):
        return "a page of another site may not send photos here"
    for origin in (value for name, value in values if name == b"origin"):
        if not _is_own(origin, host, allowed):
            return f"a page of another site ({origin[:100]}) may not send photos here"
    return None


def _is_own(origin: str, host: str, allowed: Sequence[str]) -> bool:
    """Whether an Origin names this server. The scheme is not compared: a proxy with TLS speaks HTTP to this server."""
    found = _ORIGIN.fullmatch(origin.lower())
    if found is None:
        return False
    scheme, name, port = found.groups(default="")
    default = _DEFAULT_PORTS[scheme]
    return name in allowed or (name + port).removesuffix(default) == host.lower().removesuffix(default)
