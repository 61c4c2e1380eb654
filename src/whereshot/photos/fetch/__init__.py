"""Download the pictures of records with urls into a folder; a picture that cannot be downloaded becomes a reject.

A portion of records is complete when its Parquet shard is written; a picture, when it has its final name. So an
interrupted run can be continued. It does not download a picture twice, and ends with the same rows.
"""

from __future__ import annotations

import asyncio
import hashlib
import queue
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from whereshot.foundation import output_files
from whereshot.foundation.errors import ImageError, InputError, require
from whereshot.foundation.jobs import Shards
from whereshot.foundation.progress import Track, silent
from whereshot.foundation.tables import rejects_table
from whereshot.photos.fetch import base, verify
from whereshot.photos.fetch.base import Manners, RefusedError
from whereshot.photos.record_stream import Portion, RecordFiles
from whereshot.photos.reject_reasons import DUPLICATE_ID

__all__ = ["Manners", "RefusedError", "fetch"]

PORTION_ROWS = 2000
PORTIONS_AHEAD = 2
"""Portions that are downloaded at the same time, so that a few slow photos of one portion do not delay the others."""


def fetch(
    records: str | Path,
    out: str | Path,
    manners: Manners | None = None,
    *,
    retry: bool = False,
    overwrite: bool = False,
    track: Track = silent,
) -> dict[str, Any]:
    """Download the picture of every record into ``out``; return {"rows", "kept", "rejected", "seconds"} of all runs.

    ``out`` becomes a folder of Records whose ``image`` is the downloaded file; its folder ``rejects/`` has the rejects.
    With ``retry`` the rejects of an earlier run are tried again, and its pictures are only checked. Raises InputError
    where there are no urls, and OutputError where nothing can be written.
    """
    require("aiohttp", extra="fetch")
    source, out = RecordFiles(records, PORTION_ROWS), Path(out)
    if not source.has_column("url"):
        raise InputError(f"{records}: no column 'url' that says where the pictures are")
    source.check_apart(out)
    settings = {"portion_rows": source.portion_rows}
    if retry and not overwrite:
        Shards(out, "fetch", settings, source.shards).close()  # raises where the folder has pictures of another job
    with Shards(out, "fetch", settings, source.shards, overwrite=overwrite or retry) as shards:
        kept = _Pictures(out, overwrite)
        ticks: queue.SimpleQueue[int | None] = queue.SimpleQueue()
        job = _Job(source, shards, kept, manners or Manners(), ticks)
        thread = threading.Thread(target=job.run, name="fetch")
        thread.start()
        try:
            for _ in track(_each(ticks), total=source.rows, what="fetching pictures"):
                pass
        finally:
            job.stop()
            thread.join()
        if job.error is not None:
            raise job.error
        return shards.summary()


def _each(ticks: queue.SimpleQueue[int | None]) -> Iterator[int]:
    while (count := ticks.get()) is not None:
        yield from range(count)


class _Pictures:
    """The files of a folder's pictures."""

    def __init__(self, folder: Path, overwrite: bool) -> None:
        self._images = folder.absolute() / "images"
        if overwrite:
            shutil.rmtree(self._images, ignore_errors=True)

    def stem(self, name: str) -> Path:
        """Return the place of a record's picture without its suffix. Every id has a place, and no two ids have the
        same.
        """
        digest = hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
        return self._images / digest[:2] / digest

    def find(self, name: str) -> Path | None:
        """Return the whole picture that an earlier run downloaded, or None."""
        stem = self.stem(name)
        for suffix in verify.SUFFIXES:
            path = stem.with_suffix(suffix)
            try:
                verify.check_picture(path.read_bytes(), str(path))
                return path
            except (OSError, RefusedError, ImageError):
                continue
        return None

    def keep(self, name: str, data: bytes, suffix: str) -> Path:
        """Write a picture, complete or not at all; its portion waits until it is on the disk. Raises OutputError."""
        path = self.stem(name).with_suffix(suffix)
        output_files.make_folder(path.parent)
        output_files.write_bytes(path, data, is_synced=False)
        return path


class _Job:
    """One run over all portions, on an event loop in a thread of its own."""

    def __init__(
        self,
        source: RecordFiles,
        shards: Shards,
        pictures: _Pictures,
        manners: Manners,
        ticks: queue.SimpleQueue[int | None],
    ) -> None:
        self._source, self._shards, self._pictures = source, shards, pictures
        self._manners, self._ticks = manners, ticks
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._stopped = False
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            asyncio.run(self._main())
        except asyncio.CancelledError:
            pass
        except BaseException as error:
            self.error = error
        finally:
            self._ticks.put(None)

    def stop(self) -> None:
        """End the run if it is not over yet."""
        self._stopped = True
        if self._loop is not None and self._task is not None and not self._loop.is_closed():
            try:
                self._loop.call_soon_threadsafe(self._task.cancel)
            except RuntimeError:  # the loop was closed in the meantime
                return

    async def _main(self) -> None:
        from whereshot.photos.fetch.client import Client

        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        if self._stopped:
            return
        under_way: set[asyncio.Task[None]] = set()
        async with Client(self._manners) as client:
            for portion in self._source.portions():
                if portion.unit in self._shards.done:
                    self._ticks.put(len(portion.records))
                    continue
                under_way.add(asyncio.create_task(self._portion(client, portion)))
                if len(under_way) >= PORTIONS_AHEAD:
                    done, under_way = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
                    for task in done:
                        task.result()
            await asyncio.gather(*under_way)

    async def _portion(self, client: Any, portion: Portion) -> None:
        ids, urls = portion.records.strings("id"), portion.records.strings("url")
        rows = zip(ids, urls, portion.repeats, strict=True)
        found = await asyncio.gather(*(self._fetch_one(client, own, url, again) for own, url, again in rows))
        good = [row for row, outcome in enumerate(found) if isinstance(outcome, Path)]
        images = [str(found[row]) for row in good]
        bad = [
            (name, None, outcome.reason, outcome.detail)
            for name, outcome in zip(ids, found, strict=True)
            if isinstance(outcome, RefusedError)
        ]
        kept = portion.records[good].table
        kept = kept.set_column(kept.column_names.index("image"), "image", pa.array(images, pa.string()))
        await client.in_thread(output_files.sync_files, images)  # all together, before the manifest records them
        self._shards.write(portion.unit, kept, rejects_table(bad))

    async def _fetch_one(self, client: Any, name: str | None, url: str | None, repeats: bool) -> Path | RefusedError:
        try:
            if repeats:
                return RefusedError(DUPLICATE_ID, f"id {name!r} stands in an earlier row")
            if not (url or "").strip():
                return RefusedError(base.NO_URL, "the record has no url")
            there: Path | None = await client.in_thread(self._pictures.find, name)
            if there is not None:
                return there
            try:
                data, suffix = await client.picture(url)
            except RefusedError as error:
                return RefusedError(error.reason, error.detail)
            path: Path = await client.in_thread(self._pictures.keep, name, data, suffix)
            return path
        finally:
            self._ticks.put(1)
