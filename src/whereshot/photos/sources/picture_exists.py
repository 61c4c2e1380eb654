"""Check whether the picture of each record exists in a store, and add its place; the other records become rejects.

A store is a folder, ``s3://bucket/prefix`` (boto3, which finds the endpoint and the keys itself, so AWS_ENDPOINT_URL
names any other server) or an address that begins with http. The key is looked for in both spellings of its hash.
"""

from __future__ import annotations

import io
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from whereshot.foundation import download
from whereshot.foundation.errors import InputError, WhereshotError, one_line, require
from whereshot.foundation.jobs import DETAIL_COLUMN, REASON_COLUMN, RowJob
from whereshot.photos import images

MISSING, TOO_SMALL, UNDECODABLE = "picture missing", "picture too small", "picture undecodable"

LARGEST_USELESS_BYTES = 1024
"""Files of at most this size are placeholders and error messages."""

THREADS = 16
TIMEOUT_S = 30.0
TRIES = 3

Fetch = Callable[[str], bytes | None]
"""Return the bytes of a key, None where the store has no such key. Raises OSError where the store does not answer."""


def checked(job: RowJob, store: str) -> RowJob:
    """Return the job with a further step, which looks for the picture of every kept row in a store.

    Raises InputError where the text does not name a store.
    """
    _store(store)  # a wrong store is refused here, not in the workers
    if not urllib.parse.urlsplit(store).scheme:
        store = str(Path(store).absolute())
    origin = job.function
    settings = {"origin": f"{origin.__module__}:{origin.__qualname__}", "store": store, **job.settings}
    return replace(job, function=transform, settings=settings, threads=False)


def transform(batch: pa.RecordBatch, *, origin: str, store: str, **settings: Any) -> pa.RecordBatch:
    """Return the rows of the first job; rows whose picture does not exist or cannot be used get a reason.

    ``image`` becomes the path in a folder, or else the address.
    """
    import importlib

    module, _, name = origin.partition(":")
    rows = getattr(importlib.import_module(module), name)(batch, **settings)
    asked = np.flatnonzero(pc.is_null(rows[REASON_COLUMN]).to_numpy(zero_copy_only=False))
    found = look_up(store, rows["object_key"].take(pa.array(asked)), rows["object_key_short"].take(pa.array(asked)))
    columns = {name: rows[name].to_pylist() for name in ("image", REASON_COLUMN, DETAIL_COLUMN)}
    for row, (image, reason, detail) in zip(asked.tolist(), found, strict=True):
        columns["image"][row], columns[REASON_COLUMN][row], columns[DETAIL_COLUMN][row] = image, reason, detail
    for name, values in columns.items():
        place = rows.schema.get_field_index(name)
        rows = rows.set_column(place, rows.schema.field(place), pa.array(values, pa.string()))
    return rows


Found = tuple[str | None, str | None, str | None]
"""The place of a picture or None; the reason and the detail of what is wrong, or None."""


def look_up(store: str, keys: pa.Array, short_keys: pa.Array) -> list[Found]:
    """Return for each pair of spellings the place of the picture, or why it cannot be used."""
    pairs = list(zip(keys.to_pylist(), short_keys.to_pylist(), strict=True))
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(lambda pair: _judged(store, pair), pairs))


def _judged(store: str, keys: tuple[str, str]) -> Found:
    place, fetch = _store(store)
    problem = (MISSING, f"neither {keys[0]} nor {keys[1]} is in {store}")
    for key in dict.fromkeys(keys):
        try:
            data = fetch(key)
        except OSError as error:
            # not a reject, because the store may answer later
            why = download.why_no_answer(error, TIMEOUT_S)
            why = why if download.is_timeout(error) else f"no answer ({why})"
            raise WhereshotError(f"{place(key)}: {why}; the same command continues from here") from error
        if data is None:
            continue
        flaw = flaw_of(data)
        if flaw is None:
            return place(key), None, None
        problem = (flaw[0], f"{place(key)}: {flaw[1]}")
    return None, *problem


def flaw_of(data: bytes) -> tuple[str, str] | None:
    """Return why bytes are not a usable picture: (reason, detail); None for a usable picture."""
    from PIL import Image

    if len(data) <= LARGEST_USELESS_BYTES:
        return TOO_SMALL, f"{len(data)} bytes; more than {LARGEST_USELESS_BYTES} are needed"
    try:
        with Image.open(io.BytesIO(data), formats=images.FORMATS) as picture:
            picture.load()
    except Exception as error:  # decoders raise errors of any kind
        return UNDECODABLE, one_line(error, 200)
    return None


@cache
def _store(store: str) -> tuple[Callable[[str], str], Fetch]:
    """Return how a store writes the place of a key, and how it returns the bytes of a key."""
    kind = urllib.parse.urlsplit(store).scheme
    if kind in ("http", "https", "s3"):
        download.check_online(f"--check {store}")
    if kind in ("http", "https"):
        return _address(store), _http(store)
    if kind == "s3":
        return _address(store), _s3(store)
    folder = Path(store)
    if kind or not folder.is_dir():
        raise InputError(f"--check {store}: no such folder, nor an address that begins with s3:// or https://")
    return (lambda key: str(folder.absolute() / key)), _folder(folder)


def _address(store: str) -> Callable[[str], str]:
    return lambda key: f"{store.rstrip('/')}/{key}"


def _folder(folder: Path) -> Fetch:
    def fetch(key: str) -> bytes | None:
        try:
            return (folder / key).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None

    return fetch


def _http(store: str) -> Fetch:
    def fetch(key: str) -> bytes | None:
        request = urllib.request.Request(_address(store)(key), headers={"User-Agent": "whereshot"})
        for attempt in range(TRIES):
            try:
                with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
                    result: bytes | None = answer.read()
                    return result
            except urllib.error.HTTPError as error:
                if error.code in (403, 404, 410):  # a bucket that may not be listed answers 403 for a missing key
                    return None
                if attempt == TRIES - 1:
                    raise
            except OSError:
                if attempt == TRIES - 1:
                    raise
            time.sleep(2.0**attempt)
        return None

    return fetch


def _s3(store: str) -> Fetch:
    boto3 = require("boto3", extra="s3")
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    parts = urllib.parse.urlsplit(store)
    bucket, prefix = parts.netloc, parts.path.strip("/")
    if not bucket:
        raise InputError(f"--check {store}: no bucket; expected s3://bucket/prefix")
    limits = Config(max_pool_connections=THREADS, retries={"max_attempts": TRIES, "mode": "standard"})
    client = boto3.client("s3", config=limits)

    def fetch(key: str) -> bytes | None:
        try:
            result: bytes | None = client.get_object(Bucket=bucket, Key=f"{prefix}/{key}" if prefix else key)[
                "Body"
            ].read()
            return result
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in ("NoSuchKey", "404"):
                return None
            if code in ("NoSuchBucket", "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch"):
                raise WhereshotError(f"--check {store}: {error.response['Error'].get('Message', code)}") from error
            raise OSError(str(error)) from error
        except BotoCoreError as error:
            raise OSError(str(error)) from error

    return fetch
