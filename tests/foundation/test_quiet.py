"""What libraries think of a damaged picture does not reach stderr; what the user must know does."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

BAD_TAG = struct.pack("<HHII", 0x0112, 3, 0x7FFFFFFF, 0)
"""An orientation that says to be two thousand million values long."""


@pytest.fixture
def damaged(tmp_path: Path) -> list[str]:
    """A JPEG with broken EXIF, of which Pillow warns, and a TIFF with broken rows, of which libtiff prints a line."""
    jpeg, tiff = tmp_path / "exif.jpg", tmp_path / "rows.tif"
    picture = Image.new("RGB", (96, 64), (40, 90, 160))
    picture.save(jpeg)
    exif = b"Exif\0\0II*\0" + struct.pack("<IH", 8, 5) + BAD_TAG * 5
    segment = b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif
    data = jpeg.read_bytes()
    jpeg.write_bytes(data[:2] + segment + data[2:])
    picture.save(tiff, compression="tiff_lzw")
    rows = bytearray(tiff.read_bytes())
    rows[20:40] = b"\xff" * 20
    tiff.write_bytes(rows)
    return [str(jpeg), str(tiff)]


def locate(*arguments: str, python: tuple[str, ...] = (), **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *python, "-m", "whereshot.cli", "locate", "--no-text", "--use-exif", *arguments]
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONWARNINGS"}
    return subprocess.run(command, capture_output=True, text=True, env=clean | environment, check=False)


def test_only_the_failed_photo_is_said(damaged: list[str]) -> None:
    ran = locate("--format", "json", *damaged)
    assert ran.returncode == 1
    assert ran.stderr.splitlines() == [f"failed: {damaged[1]}: the picture is damaged (decoder error -2)"]


def test_warnings_stay_where_the_user_asks_for_them(damaged: list[str]) -> None:
    for asked in ({"python": ("-W", "default")}, {"PYTHONWARNINGS": "default"}):
        assert "UserWarning" in locate("--format", "json", damaged[0], **asked).stderr


def test_processes_that_are_started_are_quiet_too() -> None:
    code = """if True:
        import subprocess, sys
        from whereshot.foundation import quiet
        quiet.ignore_warnings()
        warn = "import warnings; warnings.warn('of a library')"
        subprocess.run([sys.executable, "-c", warn], check=True)
        exec(warn)
    """
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONWARNINGS"}
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=clean, check=True)
    assert ran.stderr == ""


def test_caches_of_libraries_are_removed_unless_the_user_names_their_folder(tmp_path: Path) -> None:
    code = """if True:
        import os, pathlib, sys
        from whereshot.foundation import quiet
        quiet.keep_caches_temporary()
        for name in quiet.CACHE_VARIABLES:
            os.makedirs(os.environ[name], exist_ok=True)
            pathlib.Path(os.environ[name], "kept").touch()
    """
    from whereshot.foundation import quiet

    mine = tmp_path / "mine"
    clean = {name: value for name, value in os.environ.items() if name not in quiet.CACHE_VARIABLES}
    clean["TMPDIR"] = str(tmp_path / "temporary")
    (tmp_path / "temporary").mkdir()
    for given in ({}, {"MPLCONFIGDIR": str(mine)}):
        subprocess.run([sys.executable, "-c", code], env=clean | given, check=True)
        assert list((tmp_path / "temporary").iterdir()) == []
    assert (mine / "kept").is_file()


SPANS = """if True:
    from opentelemetry import trace
    from starlette.testclient import TestClient
    from whereshot.server.app import Service, make_app
    from whereshot.server.batching import Batcher
    from whereshot.server.metrics import Metrics

    started = []

    class Tracer(trace.NoOpTracer):
        def start_span(self, name, *positional, **named):
            started.append(name)
            return super().start_span(name, *positional, **named)

    class Collector(trace.TracerProvider):
        def get_tracer(self, *positional, **named):
            return Tracer()

    trace.set_tracer_provider(Collector())
    service, metrics = Service({"name": "compact"}), Metrics()
    app = make_app(service, Batcher([], service.limits, metrics), metrics)
    print(TestClient(app, base_url="http://any.example").get("/healthz").status_code, started)
"""


def test_a_collector_of_traces_is_not_told_of_requests() -> None:
    """FastAPI tells OpenTelemetry of each request where the environment sets up a collector."""
    pytest.importorskip("fastapi")
    pytest.importorskip("opentelemetry")
    ran = subprocess.run([sys.executable, "-c", SPANS], capture_output=True, text=True, check=True)
    assert ran.stdout == "200 []\n"
