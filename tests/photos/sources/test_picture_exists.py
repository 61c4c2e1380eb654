"""Is the picture there, in a folder, in a bucket or at an address; if not, the reject says why."""

from __future__ import annotations

import functools
import http.server
import io
import logging
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from command_line import Run
from whereshot.foundation import download
from whereshot.foundation.errors import InputError, ModelError, WhereshotError
from whereshot.photos.records import Records
from whereshot.photos.sources import JOBS, picture_exists, yfcc

NAMES = ("long", "short", "none", "small", "broken")


def url(name: str) -> str:
    # of these addresses every hash has a byte below 16, so that the spellings differ
    return f"http://farm1.staticflickr.com/1/{name}.jpg"


@pytest.fixture(scope="module")
def dump(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five photos with positions and one without."""
    path = tmp_path_factory.mktemp("dump") / "dump.tsv"
    rows = []
    for number, name in enumerate((*NAMES, "unplaced")):
        fields = dict.fromkeys(yfcc.COLUMNS, "") | {"photo_id": str(number), "url": url(name), "marker": "0"}
        if name != "unplaced":
            fields |= {"longitude": "16.4", "latitude": "48.2"}
        rows.append("\t".join(fields.values()) + "\n")
    path.write_text("".join(rows))
    return path


def picture() -> bytes:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).save(file, "JPEG")
    return file.getvalue()


@pytest.fixture(scope="module")
def pictures(dump: Path) -> dict[str, bytes]:
    """Key -> bytes of what the store has."""
    from whereshot.foundation.progress import silent

    records = yfcc.read([dump], {}, silent).records
    keys = dict(zip(NAMES, records.strings("object_key"), strict=True))
    short_keys = dict(zip(NAMES, records.strings("object_key_short"), strict=True))
    assert keys["short"] != short_keys["short"]
    whole = picture()
    assert len(whole) > 1025
    return {
        keys["long"]: whole,
        short_keys["short"]: whole,
        keys["small"]: whole[:1024],
        keys["broken"]: whole[:1025],
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, pictures: dict[str, bytes]) -> Path:
    root = tmp_path_factory.mktemp("store")
    for key, data in pictures.items():
        (root / key).parent.mkdir(parents=True, exist_ok=True)
        (root / key).write_bytes(data)
    return root


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture(scope="module")
def bucket(pictures: dict[str, bytes]) -> Iterator[str]:
    boto3 = pytest.importorskip("boto3", reason="needs boto3 (extra s3)")
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "AWS_ENDPOINT_URL": f"http://{host}:{port}",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
        }.items():
            patch.setenv(name, value)
        client = boto3.client("s3")
        client.create_bucket(Bucket="commons")
        for key, data in pictures.items():
            client.put_object(Bucket="commons", Key=f"mirror/{key}", Body=data)
        yield "s3://commons/mirror"
        picture_exists._store.cache_clear()
    server.stop()


@pytest.mark.parametrize("kind", ["folder", "address", "bucket"])
def test_pictures_are_looked_for(
    kind: str, request: pytest.FixtureRequest, run: Run, dump: Path, pictures: dict[str, bytes], tmp_path: Path
) -> None:
    store = str(request.getfixturevalue(kind))
    result = run("ingest", "yfcc", dump, "--out", tmp_path / "out", "--check", store, "--format", "json")
    assert result.code == 0, result.err
    assert {**result.document, "seconds": 0} == {
        "rows": 6,
        "kept": 2,
        "rejected": {"no position": 1, "picture missing": 1, "picture too small": 1, "picture undecodable": 1},
        "seconds": 0,
    }
    keys = list(pictures)
    records = Records.read(tmp_path / "out")
    assert records.strings("id") == ["0", "1"]
    assert records.strings("image") == [f"{store}/{keys[0]}", f"{store}/{keys[1]}"]
    rejects = {row["id"]: row["detail"] for row in pq.read_table(tmp_path / "out" / "rejects").to_pylist()}
    assert rejects["2"].startswith("neither data/images/")
    assert rejects["3"] == f"{store}/{keys[2]}: 1024 bytes; more than 1024 are needed"
    assert "truncated" in rejects["4"] or "broken" in rejects["4"]


def test_a_store_that_is_none() -> None:
    for store in ("/nowhere/at/all", "ftp://x/y"):
        with pytest.raises(InputError, match=f"--check {store}: no such folder, nor an address that begins with s3://"):
            picture_exists.checked(JOBS["yfcc"], store)


def test_a_store_that_does_not_answer_stops_the_job(dump: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from whereshot.foundation.jobs import split, units

    monkeypatch.setattr(picture_exists, "TRIES", 1)
    job = picture_exists.checked(JOBS["yfcc"], "http://127.0.0.1:9")
    (batch,) = units.batches(split([dump])[0])
    with pytest.raises(WhereshotError, match=r"no answer \(.*refused.*\); the same command continues from here"):
        job.function(batch, **job.settings)


def test_a_bucket_that_is_not_there(dump: Path, bucket: str) -> None:
    from whereshot.foundation.jobs import split, units

    job = picture_exists.checked(JOBS["yfcc"], "s3://nothing-here")
    (batch,) = units.batches(split([dump])[0])
    with pytest.raises(WhereshotError, match="--check s3://nothing-here: The specified bucket does not exist"):
        job.function(batch, **job.settings)


@pytest.mark.parametrize("store", ["s3://bucket", "https://store.invalid/x"])
def test_offline_no_store_is_asked(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(download.OFFLINE, "1")
    with pytest.raises(ModelError) as refused:
        picture_exists.checked(JOBS["yfcc"], store)
    assert str(refused.value) == f"--check {store}: WHERESHOT_OFFLINE or --offline forbids downloads; leave it out"
