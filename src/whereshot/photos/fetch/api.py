"""Send requests to a web API for JSON or bytes: within its rate limit, with retries; keys stay secret.

These count as errors, as status 500 does: an HTML page with status 200, broken JSON, and an answer that reports a
failure.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from yarl import URL

from whereshot.foundation.errors import InputError
from whereshot.photos.fetch import base
from whereshot.photos.fetch.client import Client, LaterError

__all__ = ["Api", "LaterError", "key_from"]

_HIDDEN = "***"
_LONGEST_TEXT = 80


def key_from(variable: str, what: str) -> str:
    """Return the key in an environment variable; it is never printed or saved.

    Raises InputError where it is not set.
    """
    key = os.environ.get(variable, "").strip()
    if not key:
        raise InputError(f"{variable} is not set; it holds {what}: export {variable}=...")
    return key


class Api:
    """An API at ``endpoint``. Use it in an ``async with``.

    ``secret`` is the key, which every request sends in ``parameters`` or ``headers``; it is hidden in all messages.
    ``variable`` is the environment variable of the key. With ``is_counted`` only the retries that ``manners`` define
    are sent, because each request can cost money.
    """

    def __init__(
        self,
        endpoint: str,
        manners: base.Manners,
        *,
        secret: str,
        variable: str,
        parameters: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        is_counted: bool = False,
    ) -> None:
        self._endpoint, self._secret, self._variable = endpoint, secret, variable
        self._parameters = dict(parameters or {})
        self._client = Client(manners, headers, is_counted=is_counted)

    async def __aenter__(self) -> Api:
        await self._client.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._client.__aexit__(*error)

    async def json(self, path: str, parameters: Mapping[str, Any], check: Callable[[dict[str, Any]], None]) -> Any:
        """Return the object in the answer of the API;

        ``check`` raises where the answer reports a failure. Raises RefusedError, InputError.
        """

        async def accept(data: bytes, content_type: str, _: URL) -> dict[str, Any]:
            document = _object(data, content_type)
            check(document)
            return document

        return await self._ask(path, parameters, accept)

    async def data(
        self, path: str, parameters: Mapping[str, Any], check: Callable[[bytes, str], None]
    ) -> tuple[bytes, str]:
        """Return the bytes and the content type of the API's answer;

        ``check(data, content_type)`` raises for a wrong answer.
        """

        async def accept(data: bytes, content_type: str, _: URL) -> tuple[bytes, str]:
            check(data, content_type)
            return data, content_type

        result: tuple[bytes, str] = await self._ask(path, parameters, accept)
        return result

    async def _ask(self, path: str, parameters: Mapping[str, Any], accept: Callable[..., Any]) -> Any:
        url = URL(self._endpoint.rstrip("/") + path).update_query({**parameters, **self._parameters})
        try:
            return await self._client.ask(str(url), accept)
        except InputError as error:
            raise InputError(self._hidden(str(error))) from None
        except base.RefusedError as error:
            detail = self._hidden(error.detail)
            if error.reason == base.REFUSED and detail.endswith(("status 401", "status 403")):
                raise InputError(f"{detail}: the API refuses the key in {self._variable}") from None
            raise base.RefusedError(error.reason, detail) from None

    def _hidden(self, text: str) -> str:
        in_query = URL("/").with_query(key=self._secret).raw_query_string.partition("=")[2]
        for spelling in (self._secret, in_query, quote(self._secret), quote(self._secret, safe="")):
            text = text.replace(spelling, _HIDDEN)
        return text


def _object(data: bytes, content_type: str) -> dict[str, Any]:
    try:
        document = json.loads(data)
    except ValueError:
        kind = content_type.partition(";")[0].strip()[:_LONGEST_TEXT] or "nothing that it names"
        raise LaterError(base.SERVER_ERROR, f"no JSON but {kind} with status 200") from None
    if not isinstance(document, dict):
        raise LaterError(base.SERVER_ERROR, f"no JSON object but {str(document)[:_LONGEST_TEXT]!r}")
    return document
