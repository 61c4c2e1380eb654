"""Memory of the server: python benchmarks/serving_memory.py writes docs/results-serving-memory.md. Linux only.

One server with one process, the default model, and text reading as by default. It is asked for photos of several sizes,
one after the other. After each the table has the resident memory of the server and of the process, and the highest
that either had.
"""

from __future__ import annotations

import argparse
import io
import re
import subprocess
import sys
from pathlib import Path

import httpx
import numpy as np
from PIL import Image

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "docs" / "results-serving-memory.md"
SIGN = ROOT / "examples" / "village-sign.jpg"
LARGE = ((4000, 3000, "JPEG"), (12_000, 8000, "JPEG"), (12_000, 8000, "WEBP"))


def enlarged(width: int, height: int, form: str) -> bytes:
    """The example picture at another size."""
    out = io.BytesIO()
    with Image.open(SIGN) as sign:
        sign.resize((width, height), Image.Resampling.BILINEAR).save(
            out, form, **({"quality": 85} if form == "JPEG" else {})
        )
    return out.getvalue()


def noise(side: int) -> bytes:
    """Return a picture without text."""
    out = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (side, side, 3), np.uint8)).save(out, "JPEG")
    return out.getvalue()


def memory_mb(pid: int) -> tuple[float, float]:
    """Resident memory of a process now, and the most it ever had."""
    told = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return tuple(int(told[name].split()[0]) / 1000 for name in ("VmRSS", "VmHWM"))


def start_server() -> tuple[subprocess.Popen[str], str]:
    """A server with one process, on a port that is free. It says its address once the process has the model."""
    command = [sys.executable, "-m", "whereshot.cli", "serve", "--port", "0", "--workers", "1"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    for line in process.stderr:
        if found := re.search(r"answers on (http://\S+)", line):
            return process, found.group(1)
    raise SystemExit("the server did not start")


def measure() -> list[str]:
    """The rows of the table."""
    process, address = start_server()
    rows = []
    try:
        (worker,) = map(int, Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split())

        def add(name: str) -> None:
            (server, server_most), (model, model_most) = memory_mb(process.pid), memory_mb(worker)
            rows.append(f"| {name} | {server:.0f} | {server_most:.0f} | {model:.0f} | {model_most:.0f} |")

        def ask(name: str, photos: list[bytes]) -> None:
            files = [("photos", (f"{number}.jpg", photo)) for number, photo in enumerate(photos)]
            response = httpx.post(f"{address}/v1/locate", files=files, timeout=600, trust_env=False)
            if response.status_code != 200:
                raise SystemExit(f"{name}: {response.text[:200]}")
            add(name)

        add("started, before any photo")
        ask("a photo without text, 0.1 megapixels", [noise(300)])
        ask("a sign, 0.8 megapixels", [SIGN.read_bytes()])
        ask("20 signs in one request", [SIGN.read_bytes()] * 20)
        for width, height, form in LARGE:
            ask(f"{form}, {width * height / 1e6:.0f} megapixels", [enlarged(width, height, form)])
        ask("a photo without text once more", [noise(300)])
    finally:
        process.terminate()
        process.wait(60)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    text = "\n".join(
        [
            "# Memory of the server",
            "",
            "Made by `python benchmarks/serving_memory.py`: the model compact, text read, `--workers 1`. MB of",
            "resident memory after each request, and the most until then.",
            "",
            "| | server | most | process with the model | most |",
            "|---|---|---|---|---|",
            *measure(),
            "",
        ]
    )
    options.out.write_text(text, "utf-8")
    print(text)


if __name__ == "__main__":
    main()
