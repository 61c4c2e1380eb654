"""A case for every command of whereshot: its arguments, on small made inputs, and what it may do besides its task.

``test_footprint.py`` runs them all, ``benchmarks/footprint.py`` writes what they did as a table. Only the standard
library is imported at the top: the process that runs a command in its own network imports this file as well.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from api_server import Answer, ApiServer, as_json
from file_server import FileServer

HERE = Path(__file__).parent
WHERESHOT = (sys.executable, "-m", "whereshot.cli")
THIS_MACHINE = frozenset({"127.0.0.1"})
"""The host of the servers of these cases, which the commands are told to ask."""


@dataclass(frozen=True)
class Case:
    """One run of one command.

    In ``command`` "{given}" is the folder of inputs, "{out}" the folder to write to, "{before}" that of the case
    ``after``, whose output is an input here, and "{server}" the address of a server of SERVERS.
    """

    command: tuple[str, ...]
    after: str | None = None
    server: str = "-"
    environment: dict[str, str] = field(default_factory=dict)
    named: frozenset[str] = frozenset()
    """Hosts that the user names."""
    caches: bool = False
    """Whether it may keep what it computed in whereshot's own cache."""
    status: int = 0
    about: str = ""
    """What the table says of this run, where the command alone does not say it."""
    slow: bool = False
    """Whether only ``make test-all`` and the benchmark run it."""
    together: bool = False
    """Whether ``make test`` runs it in one process with others. ``make test-all`` and the benchmark run it alone."""


def folder_of(name: str) -> str:
    """The name of the folder of a case."""
    return name.replace(" ", "-")


def _case(arguments: str, **details: Any) -> Case:
    return Case((*WHERESHOT, *arguments.split()), **details)


def serve(stay_s: float = 0.0) -> Case:
    """The server, which answers one photo and stays for some time afterwards."""
    visit = (sys.executable, "-E", str(HERE / "footprint_visit.py"), str(stay_s), "{given}/sign.jpg")
    command = (*visit, *WHERESHOT, "serve", "--port", "0", "--workers", "1")
    about = f"a photo is asked; it stays for {stay_s:g} s" if stay_s else "a photo is asked"
    return Case(command, named=THIS_MACHINE, about=about)


_FEW = "--set cells=region --set units=city --set per_cell=2"
"""Settings of street pictures that few small pictures satisfy."""

CASES: dict[str, Case] = {
    "train": _case("train {given}/run.toml --set out={out}/model", caches=True, together=True),
    "learn": _case("learn {given}/photos.csv --out {out}/mine --one-crop --workers 2", caches=True),
    "serve": serve(),
    "locate": _case("locate {given}/sign.jpg {given}/lima-0.png --format html --out {out}/answer.html"),
    "check": _case("check {given}/sign.jpg --claim Spain", together=True),
    "explain": _case(
        "explain {given}/lima-0.png --model {before}/model --method gradcam --no-text --out {out}/heat.png",
        after="train",
        together=True,
    ),
    "query": _case(
        "query {given}/lima-0.png --gallery {before}/mine --format html --out {out}/alike.html",
        after="learn",
        together=True,
    ),
    "batch": _case("batch {given}/photos.csv --out {out}/located --unit 4"),
    "gallery": _case("gallery {given}/photos.csv --out {out}/gallery --no-text", together=True),
    "ingest": _case("ingest folder {given} --out {out}/records", together=True),
    "ingest flickr": _case(
        "ingest flickr {given}/queries.toml --out {out}/records --endpoint {server}/",
        server="api",
        environment={"WHERESHOT_FLICKR_KEY": "0" * 32},
        named=THIS_MACHINE,
        status=2,
        about="the API refuses the key",
    ),
    "ingest yfcc": _case("ingest yfcc {given}/dump.tsv --out {out}/records", together=True),
    "ingest osv5m": _case("ingest osv5m {given}/osv5m --out {out}/records", together=True),
    "ingest streetview": _case(
        f"ingest streetview {{given}}/addresses.csv --out {{out}}/records --endpoint {{server}}/streetview"
        f" --yes --budget 1 --set size=128 {_FEW}",
        server="streets",
        environment={"WHERESHOT_STREETVIEW_KEY": "AIza/street+key"},
        named=THIS_MACHINE,
    ),
    "ingest mapillary": _case(
        f"ingest mapillary {{given}}/addresses.csv --out {{out}}/records --endpoint {{server}} {_FEW}",
        server="graph",
        environment={"WHERESHOT_MAPILLARY_TOKEN": "MLY|123|se cret"},
        named=THIS_MACHINE,
    ),
    "ingest yfcc spark": _case(
        "ingest yfcc {given}/dump.tsv --out {out}/records --engine spark --master local[1]",
        named=THIS_MACHINE,
        about="with Spark on this machine",
        slow=True,
    ),
    "batch spark": _case(
        "batch {given}/records.parquet --out {out}/located --engine spark --master local[1]",
        named=THIS_MACHINE,
        about="with Spark on this machine",
        slow=True,
    ),
    "curate": _case(
        "curate {given}/records.parquet --out {out}/clean --verify --duplicates --balance 5", together=True
    ),
    "audit": _case("audit {given}/photos.csv {given}/photos.csv --report {out}/audit", together=True),
    "fetch": _case(
        "fetch {given}/urls.parquet --out {out}/pictures --allow-private", server="pictures", named=THIS_MACHINE
    ),
    "pack": _case("pack {given}/records.parquet --out {out}/packed --size 32", together=True),
    "export": _case("export {before}/model --out {out}/exported --onnx", after="train", together=True),
    "export web": _case("export {before}/mine --out {out}/site --web", after="learn", together=True),
    "evaluate": _case(
        "evaluate --predictions {given}/photos.csv --truth {given}/photos.csv --report {out}/report --draws 20"
        " --column id=path --truth-column id=path",
        together=True,
    ),
    "calibrate": _case(
        "calibrate --posterior {given}/posterior.parquet --truth {given}/records.parquet --out {out}/calibration.json",
        together=True,
    ),
    "cells build": _case("cells build {given}/photos.csv --out {out}/cells.parquet --set max=8", together=True),
    "cells show": _case("cells show {before}/cells.parquet --out {out}/maps", after="cells build", together=True),
    "cells export": _case(
        "cells export {before}/cells.parquet --out {out}/cells.geojson", after="cells build", together=True
    ),
    "cells compare": _case("cells compare --on {given}/photos.csv --build s2:max=8", together=True),
    "cells kinds": _case("cells kinds", together=True),
    "cells presets": _case("cells presets", together=True),
    "hours fit": _case("hours fit {given}/track.parquet --out {out}/hours.toml", together=True),
    "refine fit": _case("refine fit {given}/refine.toml --set out={out}/refiner", together=True),
    "refine apply": _case(
        "refine apply {before}/refiner {given}/records.parquet --posterior {given}/posterior.parquet"
        " --out {out}/refined.parquet",
        after="refine fit",
        together=True,
    ),
    "refine switch": _case(
        "refine switch {given}/scenes.parquet --expert indoor={given}/posterior.parquet"
        " --expert outdoor={given}/posterior.parquet --out {out}/switched.parquet",
        together=True,
    ),
    "refine tracks": _case("refine tracks {given}/track.parquet --out {out}/album.toml", together=True),
    "models list": _case("models list", together=True),
    "models show": _case("models show compact", together=True),
    "models get": _case(
        "models get hf:me/tiny --out {out}/tiny",
        after="learn",
        server="models",
        environment={"HF_ENDPOINT": "{server}"},
        named=THIS_MACHINE,
        caches=True,
    ),
}
"""By the words of the command; a further word tells runs of one command apart."""

RUN = """
name = "tiny"
out = "model"
[data]
train = "photos.csv"
[backbone]
name = "test_efficientnet"
[preprocess]
size = 64
[partition]
levels = [{ max = 16 }, { max = 8 }]
[optimizer]
epochs = 1
batch_size = 16
[calibration]
folds = 2
"""
REFINE = """
name = "mine"
out = "refiner"
posterior = "posterior.parquet"
records = "records.parquet"
[refiner]
kind = "user-mean"
"""
QUERIES = """
keywords = ["harbour"]
min_upload = 2024-01-01
max_upload = 2024-01-02
"""


def write_inputs(folder: Path, sign: Path) -> None:
    """Write the files that "{given}" names; ``sign`` is a photo with text in it."""
    import numpy as np
    import pyarrow as pa
    from PIL import ExifTags, Image

    from whereshot.photos.records import Records
    from whereshot.photos.sources import SOURCES
    from whereshot.posterior import parquet
    from whereshot.posterior.base import Posterior

    rng = np.random.default_rng(5)
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.GPSInfo).update({1: "N", 2: (41.0, 8.0, 0.0), 3: "E", 4: (1.0, 22.0, 0.0)})
    Image.open(sign).convert("RGB").resize((640, 480)).save(folder / "sign.jpg", exif=exif.tobytes())
    rows = ["path,latitude,longitude,group"]
    towns = {"lima": (-12.05, -77.04), "paris": (48.85, 2.35), "tokyo": (35.68, 139.76)}
    for hue, (town, place) in enumerate(towns.items()):
        for number in range(8):
            pixels = np.clip(rng.normal(80 * np.eye(3)[hue] + 80, 25, (64, 64, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / f"{town}-{number}.png")
            latitude, longitude = np.array(place) + rng.normal(0, 0.003, 2)
            rows.append(f"{town}-{number}.png,{latitude:.5f},{longitude:.5f},{town}-{number // 2}")
    (folder / "photos.csv").write_text("\n".join(rows) + "\n")
    for name, text in (("run.toml", RUN), ("refine.toml", REFINE), ("queries.toml", QUERIES)):
        (folder / name).write_text(text)
    records = Records(SOURCES["table"]([folder / "photos.csv"], {}, lambda items, **_: items).records.table)
    count = len(records)
    records = records.with_column("user", pa.array([f"user {row // 2}" for row in range(count)]))
    records.write(folder / "records.parquet")
    for scene, share in (("indoor", 0.2), ("natural", 0.5), ("urban", 0.3)):
        records = records.with_column(f"scene_{scene}", pa.array(np.full(count, share)))
    records.write(folder / "scenes.parquet")
    places = np.array(list(towns.values()))
    posterior = Posterior.from_mass(places, rng.dirichlet(np.ones(3), count), np.full(3, 25.0))
    parquet.write(posterior, folder / "posterior.parquet", records.strings("id"))
    _write_track(folder / "track.parquet", rng)
    _write_sources(folder)


def _write_sources(folder: Path) -> None:
    """Write a part of YFCC100M's dump, a table of OSV-5M, and addresses for street pictures."""
    import osv5m_files
    import street_picture_apis
    import yfcc_lines

    lines = [yfcc_lines.line(photo_id=str(4_571_314_000 + number)) for number in range(20)]
    (folder / "dump.tsv").write_bytes(b"\n".join(lines) + b"\n")
    osv5m_files.write_csv(folder / "osv5m" / "train.csv", [osv5m_files.row(number) for number in range(12)])
    street_picture_apis.write_csv(folder / "addresses.csv", [street_picture_apis.address(n) for n in range(40)])


def _write_track(path: Path, rng: Any) -> None:
    """200 photos of a walk, ten minutes apart."""
    import numpy as np
    import pyarrow as pa

    from whereshot.photos.records import Records

    spots = np.array([48.85, 2.35]) + np.cumsum(rng.normal(0, 0.002, (200, 2)), axis=0)
    times = pa.array((1.7e15 + np.arange(200) * 6e8).astype(np.int64), pa.timestamp("us", tz="UTC"))
    table = {"id": [f"photo {row}" for row in range(200)], "latitude": spots[:, 0], "longitude": spots[:, 1]}
    Records(pa.table(table)).with_column("taken_at", times).write(path)


@contextlib.contextmanager
def _pictures() -> Iterator[ApiServer]:
    """A server of the pictures; writes urls.parquet, which names them, among the inputs."""
    import pyarrow as pa

    from whereshot.photos.records import Records

    given = Path(os.environ["FOOTPRINT_GIVEN"])

    def respond(path: str, _: dict[str, str], __: dict[str, str]) -> Answer:
        file = given / path.lstrip("/")
        return (200, file.read_bytes(), "image/png") if file.is_file() else (404, b"", "text/plain")

    with ApiServer(respond) as server:
        names = ["lima-0.png", "paris-0.png"]
        urls = [f"{server.url}/{name}" for name in names]
        table = {"id": names, "url": urls, "latitude": [-12.05, 48.85], "longitude": [-77.04, 2.35]}
        Records(pa.table(table)).write(given / "urls.parquet")
        yield server


@contextlib.contextmanager
def _models() -> Iterator[FileServer]:
    """A hub that has one model, the one that ``learn`` wrote."""
    folder = Path(os.environ["FOOTPRINT_BEFORE"]) / "mine"
    with FileServer() as server:
        server.add_repository("me/tiny", {path.name: path.read_bytes() for path in folder.iterdir()})
        yield server


@contextlib.contextmanager
def _api() -> Iterator[ApiServer]:
    """An API that takes no key."""
    with ApiServer(lambda *_: as_json({"stat": "fail", "code": 100, "message": "Invalid API Key"})) as server:
        yield server


@contextlib.contextmanager
def _streets() -> Iterator[ApiServer]:
    """A server of Street View's pictures."""
    from street_picture_apis import Streets

    with ApiServer(Streets()) as server:
        yield server


@contextlib.contextmanager
def _graph() -> Iterator[ApiServer]:
    """A server of Mapillary's pictures."""
    from street_picture_apis import Graph

    graph = Graph()
    with ApiServer(graph) as server:
        graph.url = server.url
        yield server


SERVERS = {"pictures": _pictures, "models": _models, "api": _api, "streets": _streets, "graph": _graph}
"""Servers that run beside a command, in its network."""
