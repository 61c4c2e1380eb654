"""Make records from Flickr's search, with the urls of 1024-pixel JPEGs, which ``whereshot fetch`` downloads.

The method of Hays and Efros 2008, "IM2GPS": search photos with positions by lists of keywords and places. The API shows
at most the first 4,000 results of a query. So the range of upload times is halved until each block has at most 4,000. A
block that was written is not requested again. A block with missing pages is requested again by the next run.
"""

from __future__ import annotations

import asyncio
import datetime
import math
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from whereshot.foundation.errors import InputError, require
from whereshot.foundation.jobs import Shards, shard_path
from whereshot.foundation.tables import REJECTS, Reject, rejects_table
from whereshot.photos.fetch.base import SERVER_ERROR, Manners, RefusedError
from whereshot.photos.records import SCHEMA
from whereshot.photos.reject_reasons import API_ERROR, BROKEN_ROW
from whereshot.photos.sources import base, row_conditions
from whereshot.photos.sources.flickr_queries import PRESETS, Query, Search, load, queries_of
from whereshot.photos.sources.seen_ids import SeenIds

ENDPOINT = "https://api.flickr.com/services/rest/"
KEY = "WHERESHOT_FLICKR_KEY"
PER_HOUR = 3600
"""Requests per hour that the terms of the API allow with one key."""

MANNERS = Manners(connections=4, connections_per_host=4, rate_per_host=PER_HOUR / 3600, redirects=0)
MOST_RESULTS = 4000
PER_PAGE = 250
"""Results on a page; the API never returns more for queries by place."""

EXTRAS = "geo,date_taken,date_upload,owner_name,tags,license,media,url_l"

NO_PHOTO = "not a photo"
COARSE = "coarse position"
HIDDEN_BY_LIMIT = "beyond the results that are shown"

LICENSES = {
    "0": "All Rights Reserved", "1": "CC BY-NC-SA 2.0", "2": "CC BY-NC 2.0", "3": "CC BY-NC-ND 2.0", "4": "CC BY 2.0",
    "5": "CC BY-SA 2.0", "6": "CC BY-ND 2.0", "7": "No known copyright restrictions",
    "8": "United States Government Work", "9": "CC0 1.0", "10": "Public Domain Mark 1.0", "11": "CC BY 4.0",
    "12": "CC BY-SA 4.0", "13": "CC BY-ND 4.0", "14": "CC BY-NC 4.0", "15": "CC BY-NC-SA 4.0", "16": "CC BY-NC-ND 4.0",
}  # fmt: skip

OUTPUT = pa.schema(
    [*SCHEMA, ("taken_at_is_local", pa.bool_()), ("accuracy", pa.int8()), ("query", pa.string())],
)
"""The columns of the records. ``accuracy`` is Flickr's: 16 is a street, 11 a city, 1 the world."""

_BAD_KEY = "100"


class _Block(NamedTuple):
    """Uploads of one query within the seconds [start, stop], both inclusive."""

    query: int
    start: int
    stop: int

    @property
    def unit(self) -> str:
        return f"{self.query:04d}-{self.start:010d}-{self.stop:010d}"

    def halves(self) -> tuple[_Block, _Block]:
        middle = (self.start + self.stop) // 2
        return self._replace(stop=middle), self._replace(start=middle + 1)


def collect(order: base.Order) -> base.Collected:
    """Fill a folder with the photos that the queries of one TOML file, or of a preset, find. See ``base.Collector``."""
    require("aiohttp", extra="fetch")
    from whereshot.photos.fetch.api import key_from

    if len(order.inputs) != 1:
        raise InputError(f"flickr takes one file of queries, or a preset ({', '.join(PRESETS)})")
    search = load(order.inputs[0], order.settings)
    key = key_from(KEY, "a key of Flickr's API (https://www.flickr.com/services/apps/create)")
    conditions = row_conditions.parse(order.where)
    settings = {**search.model_dump(mode="json"), "where": [str(condition) for condition in conditions]}
    with (
        Shards(order.out, "ingest flickr", settings, overwrite=order.overwrite) as shards,
        asyncio.Runner() as runner,
    ):
        job = _Job(search, shards, conditions, order, key)
        try:
            runner.run(job.open())
            asked = queries_of(search)
            for number in order.track(range(len(asked)), total=len(asked), what="asking Flickr"):
                runner.run(job.query(number, asked[number]))
        finally:
            runner.run(job.close())
        return base.Collected(shards.summary(), job.notes())


class _Job:
    """One run over all queries."""

    def __init__(
        self, search: Search, shards: Shards, conditions: list[row_conditions.Condition], order: base.Order, key: str
    ) -> None:
        self._search, self._shards, self._conditions = search, shards, conditions
        self._order, self._key = order, key
        done = {_block(unit): written for unit, written in shards.done.items()}
        self._failed = {block for block, written in done.items() if API_ERROR in written.rejected}
        self._whole = set(done) - self._failed
        self._done: dict[int, list[_Block]] = {}
        for block in done:
            self._done.setdefault(block.query, []).append(block)
        self._seen = SeenIds()
        self._seen.add_shards(shard_path(shards.folder, block.unit) for block in sorted(self._whole))

    async def open(self) -> None:
        from whereshot.photos.fetch.api import Api

        manners = self._order.manners_of(MANNERS)
        self._api = Api(
            self._order.endpoint or ENDPOINT,
            manners,
            secret=self._key,
            variable=KEY,
            parameters={"api_key": self._key, "format": "json", "nojsoncallback": "1"},
        )
        await self._api.__aenter__()

    async def close(self) -> None:
        await self._api.__aexit__(None, None, None)

    def notes(self) -> tuple[str, ...]:
        failed = sum(API_ERROR in written.rejected for written in self._shards.done.values())
        return (f"{failed} blocks are incomplete; the same command requests them again",) if failed else ()

    async def query(self, number: int, query: Query) -> None:
        """Process all blocks of a query in the order of time; a block with too many results is halved."""
        edges = [
            int(datetime.datetime.combine(day, datetime.time(), datetime.UTC).timestamp())
            for day in (self._search.min_upload, self._search.max_upload)
        ]
        waiting: list[tuple[_Block, bool]] = [(_Block(number, edges[0], edges[1] - 1), False)]
        while waiting:
            block, is_replaced = waiting.pop()
            if is_replaced:  # its photos are in the two halves now
                self._shards.write(block.unit, OUTPUT.empty_table(), REJECTS.empty_table())
            elif block in self._whole:
                continue
            elif self._was_halved(block) or not await self._block(block, query):
                first, second = block.halves()
                replaced = [(block, True)] if block in self._failed else []
                waiting += [*replaced, (second, False), (first, False)]

    def _was_halved(self, block: _Block) -> bool:
        """Return whether an earlier run halved this block.

        The number of results may have changed since then; the block stays halved.
        """
        return any(
            other != block and block.start <= other.start and other.stop <= block.stop
            for other in self._done.get(block.query, ())
        )

    async def _block(self, block: _Block, query: Query) -> bool:
        """Write a block; False where it has too many results for one."""
        try:
            first = await self._page(block, query, 1)
        except RefusedError as error:
            self._write(block, query, [], [self._failure(block, query, 1, error)])
            return True
        total = _whole(first.get("total"))
        if total > MOST_RESULTS and block.stop > block.start:
            return False
        pages = range(2, min(math.ceil(total / PER_PAGE), MOST_RESULTS // PER_PAGE) + 1)
        rest = await asyncio.gather(*(self._answer(block, query, page) for page in pages))
        photos = [*_photos(first)]
        lost: list[Reject] = []
        for page, answer in zip(pages, rest, strict=True):
            if isinstance(answer, RefusedError):
                lost.append(self._failure(block, query, page, answer))
            else:
                photos += _photos(answer)
        if total > MOST_RESULTS:
            sentence = f"{query.name!r}: {total} photos of one second, of which the API shows {MOST_RESULTS}"
            lost.append((None, None, HIDDEN_BY_LIMIT, sentence))
        self._write(block, query, photos, lost)
        return True

    async def _answer(self, block: _Block, query: Query, page: int) -> dict[str, Any] | RefusedError:
        try:
            return await self._page(block, query, page)
        except RefusedError as error:
            return error

    async def _page(self, block: _Block, query: Query, page: int) -> dict[str, Any]:
        parameters = {
            **query.parameters,
            "method": "flickr.photos.search",
            "min_upload_date": str(block.start),
            "max_upload_date": str(block.stop),
            "sort": "date-posted-asc",
            "extras": EXTRAS,
            "per_page": str(PER_PAGE),
            "page": str(page),
        }
        result: dict[str, Any] = (await self._api.json("/", parameters, _check))["photos"]
        return result

    def _failure(self, block: _Block, query: Query, page: int, error: RefusedError) -> tuple[None, None, str, str]:
        span = " to ".join(datetime.datetime.fromtimestamp(t, datetime.UTC).isoformat() for t in block[1:])
        return None, None, API_ERROR, f"{query.name!r}, uploads of {span}, page {page}: {error.detail}"

    def _write(self, block: _Block, query: Query, photos: list[Any], rejects: list[Reject]) -> None:
        broken = [photo for photo in photos if not isinstance(photo, dict) or not photo.get("id")]
        rejects += [(None, None, BROKEN_ROW, f"{query.name!r}: not a photo: {str(one)[:80]!r}") for one in broken]
        photos = [photo for photo in photos if photo not in broken] if broken else photos
        rows = [_row(photo, query.name) for photo in photos]
        latitude = np.array([_number(photo.get("latitude")) for photo in photos], dtype=float)
        longitude = np.array([_number(photo.get("longitude")) for photo in photos], dtype=float)
        reasons, details = base.judge_positions(latitude, longitude)
        usable: list[dict[str, Any]] = []
        for photo, row, reason, detail in zip(photos, rows, reasons, details, strict=True):
            if photo.get("media", "photo") != "photo":
                reason, detail = NO_PHOTO, f"its kind is {photo['media']!r}"
            elif not reason and (row["accuracy"] or 0) < self._search.accuracy:
                reason, detail = COARSE, f"accuracy {row['accuracy']}; at least {self._search.accuracy} was asked for"
            if reason:
                rejects.append((row["id"], None, reason, detail))
            else:
                usable.append(row)
        kept, unselected = row_conditions.select(pa.Table.from_pylist(usable, schema=OUTPUT), self._conditions)
        new = self._seen.add(kept["id"].to_pylist())
        repeated = base.repeats(kept.filter(pa.array(~new)))
        lost = pa.concat_tables([rejects_table(rejects), unselected, repeated])
        self._shards.write(block.unit, kept.filter(pa.array(new)), lost)


def _check(document: dict[str, Any]) -> None:
    """Raise for an answer that reports a failure: at once for a wrong key, else such that the request is repeated."""
    from whereshot.photos.fetch.api import LaterError

    if document.get("stat") == "ok" and isinstance(document.get("photos"), dict):
        return
    code, message = str(document.get("code", "")), str(document.get("message", "no message"))[:120]
    if code == _BAD_KEY:
        raise InputError(f"Flickr does not accept the key in {KEY} ({message})")
    raise LaterError(SERVER_ERROR, f"Flickr says: {message} (code {code or 'none'})")


def _block(unit: str) -> _Block:
    return _Block(*map(int, unit.split("-")))


def _photos(page: dict[str, Any]) -> list[Any]:
    found = page.get("photo")
    return found if isinstance(found, list) else []


def _row(photo: dict[str, Any], query: str) -> dict[str, Any]:
    taken_at = _moment(photo.get("datetaken")) if str(photo.get("datetakenunknown", "0")) in ("0", "") else None
    if str(photo.get("datetakengranularity", "0")) != "0":  # only the month, the year or "about" is known
        taken_at = None
    posted_s = _whole(photo.get("dateupload"))
    return {
        "id": str(photo["id"]),
        "latitude": _number(photo.get("latitude")),
        "longitude": _number(photo.get("longitude")),
        "url": photo.get("url_l") or _built_url(photo),
        "user": _text(photo.get("owner")),
        "taken_at": taken_at,
        "taken_at_is_local": True if taken_at else None,
        "posted_at": datetime.datetime.fromtimestamp(posted_s, datetime.UTC) if 0 < posted_s < 2**33 else None,
        "title": _text(photo.get("title")),
        "tags": str(photo.get("tags") or "").split() or None,
        "license": LICENSES.get(str(photo.get("license"))),
        "source": "flickr",
        "accuracy": min(_whole(photo.get("accuracy")), 16) or None,
        "query": query,
    }


def _built_url(photo: dict[str, Any]) -> str | None:
    """Return the address of the JPEG whose longer side has 1,024 pixels, by Flickr's rules."""
    server, secret = photo.get("server"), photo.get("secret")
    if not secret or server in (None, "", "0", 0):
        return None
    return f"https://live.staticflickr.com/{server}/{photo['id']}_{secret}_b.jpg"


def _text(value: Any) -> str | None:
    value = value.get("_content") if isinstance(value, dict) else value
    return str(value) if value not in (None, "") else None


def _moment(text: Any) -> datetime.datetime | None:
    try:
        moment = datetime.datetime.strptime(str(text), "%Y-%m-%d %H:%M:%S")
    except ValueError:
        return None
    return moment.replace(tzinfo=datetime.UTC) if moment.year > 1825 else None  # before photography: an unset clock


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return math.nan


def _whole(value: Any) -> int:
    number = _number(value)
    return int(number) if math.isfinite(number) else 0
