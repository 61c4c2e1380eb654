"""Take screenshots of what people see: the page, the HTML answer, similar photos and the report, in real Chromium.

Every situation of web/screenshots.mjs is taken at 1440 x 900 and 390 x 844 pixels, light and dark; pages that people
print also as PDF. It needs Chromium, `make web`, and a table of photos with their positions.

python scripts/take_screenshots.py TABLE.csv --out web/screenshots [--only html] [--keep FOLDER]
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import ExifTags, Image

ROOT = Path(__file__).parents[1]
SIGN = ROOT / "examples" / "village-sign.jpg"
SIGHT = ROOT / "examples" / "red-bridge.jpg"
BARCELONA = {1: "N", 2: (41.0, 24.0, 0.0), 3: "E", 4: (2.0, 11.0, 0.0)}
SETTLE_MS = 3000
"""Time for the map to stand still, in milliseconds."""


def run(*words: str | Path, may_fail: bool = False) -> None:
    """Run a command of whereshot. Exits where it fails, unless single photos may fail."""
    done = subprocess.run([sys.executable, "-m", "whereshot.cli", *map(str, words)], capture_output=True, text=True)
    if done.returncode not in ((0, 1) if may_fail else (0,)):
        sys.exit(f"whereshot {words[0]}: {done.stderr}")


def draw_inputs(folder: Path) -> dict[str, object]:
    """Write a photo with a recorded position, and broken files; return the paths of all pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    recorded = folder / "holiday.jpg"
    with Image.open(SIGN) as picture:
        exif = Image.Exif()
        exif.get_ifd(ExifTags.IFD.GPSInfo).update(BARCELONA)
        picture.save(recorded, exif=exif)
    notes, cut = folder / "notes.jpg", folder / "cut-off.jpg"
    notes.write_text("no picture")
    cut.write_bytes(SIGN.read_bytes()[:20_000])
    return {"recorded": str(recorded), "unsure": str(SIGHT), "sure": str(SIGN), "broken": [str(notes), str(cut)]}


def make_pages(table: Path, photos: list[str], inputs: dict[str, object], folder: Path) -> dict[str, str]:
    """Write the pages of locate, query and evaluate, and a gallery, unless they are there; return the pages' paths."""
    answers, alike, report = folder / "answers.html", folder / "lookalikes.html", folder / "report"
    broken = inputs["broken"]
    assert isinstance(broken, list)
    if not answers.is_file():
        mixed = [*photos[:34], inputs["recorded"], inputs["unsure"], *broken]
        run("locate", *map(str, mixed), "--format", "html", "--out", answers, may_fail=True)
    if not (folder / "all.parquet").is_file():
        run("locate", *photos, "--posterior", folder / "all.parquet", may_fail=True)
    if not alike.is_file():
        run("query", photos[0], "--gallery", table, "--top", "8", "--format", "html", "--out", alike)
    if not report.is_dir():
        known = ("--posterior", f"signs={folder / 'all.parquet'}", "--truth", table, "--truth-column", "id=image")
        run("evaluate", *known, "--report", report, may_fail=True)
    if not (folder / "gallery").is_dir():
        run("gallery", table, "--out", folder / "gallery", "--photos", "40", may_fail=True)
    return {"answers": str(answers), "lookalikes": str(alike), "report": str(report / "report.html")}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table", type=Path, help="photos with positions: a table with columns of paths and degrees")
    parser.add_argument("--out", type=Path, default=ROOT / "web" / "screenshots", help="folder of the pictures")
    parser.add_argument("--only", nargs="*", default=[], help="situations whose name has one of these parts")
    parser.add_argument("--keep", type=Path, help="folder of the pages, which a further run uses again")
    given = parser.parse_args()
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        sys.exit("needs Chromium")
    from whereshot.foundation.progress import silent
    from whereshot.photos.sources import SOURCES

    photos = SOURCES["table"]([given.table], {}, silent).records.strings("image")
    given.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.keep or Path(temporary)
        inputs = draw_inputs(folder / "inputs")
        pages = make_pages(given.table, [path for path in photos if path], inputs, folder)
        command = [sys.executable, "-m", "whereshot.cli", "serve", "--port", "0", "--workers", "1", "--gallery"]
        with subprocess.Popen([*command, folder / "gallery"], stderr=subprocess.PIPE, text=True) as server:
            try:
                assert server.stderr is not None
                url = next(found for line in server.stderr if (found := re.search(r"http://[^\s/]+", line))).group()
                wanted = {"url": f"{url}/", "out": str(given.out), "chromium": chromium, "only": given.only}
                wanted |= {"photos": photos, "pages": pages, "settle_ms": SETTLE_MS, **inputs}
                document = Path(temporary) / "screens.json"
                document.write_text(json.dumps(wanted), "utf-8")
                environment = {**os.environ, "WHERESHOT_SCREENS": str(document)}
                sys.exit(subprocess.run(["node", "screenshots.mjs"], cwd=ROOT / "web", env=environment).returncode)
            finally:
                server.terminate()


if __name__ == "__main__":
    main()
