"""Manners, records and single downloads for the tests of fetch."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pyarrow as pa
import pytest

from waiting import PATIENCE_S
from whereshot.photos.fetch import Manners, RefusedError
from whereshot.photos.records import Records

HASTY = Manners(allow_private=True, back_off_s=0.01, timeout_s=PATIENCE_S, connections_per_host=16)


def write(path: Path, urls: list[str | None], ids: list[str] | None = None) -> Path:
    ids = [f"photo {number}" for number in range(len(urls))] if ids is None else ids
    table = pa.table({"id": ids, "url": pa.array(urls, pa.string()), "latitude": [float(n) for n in range(len(urls))]})
    Records(table).write(path)
    return path


def refused(url: str, manners: Manners = HASTY) -> RefusedError:
    from whereshot.photos.fetch.client import Client

    async def ask() -> None:
        async with Client(manners) as client:
            await client.picture(url)

    with pytest.raises(RefusedError) as caught:
        asyncio.run(ask())
    return caught.value
