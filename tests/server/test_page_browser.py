"""The page in a real Chromium, on a real server: web/tests, run by Playwright. Each of its tests is a test here.

Screenshots at 1440 x 900 and 390 x 844 are left in web/screenshots, which git ignores.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from waiting import PATIENCE_S
from whereshot.cli import main
from whereshot.server import page_files

WEB = Path(__file__).parents[2] / "web"
SIGN = WEB.parent / "examples" / "village-sign.jpg"
TITLES = (
    "a dropped photo has its place and its region",
    "on a phone, in the dark, it can be used and read",
    "the land is drawn before the camera arrives",
    "the keyboard alone is enough",
    "nothing serious stands in the way of a screen reader",
    "words of other scripts have their own direction and language",
    "what is not sure does not look sure",
    "no head is sure of a country that does not hold 90 %",
    "what the camera recorded is a mark of its own, with its distance, and can be left out",
    "several photos have one pooled answer, and what is no photo is explained",
    "photos of different places are shown one by one, and a broken one with its reason",
    "each of several photos has its answer as soon as it is there",
    "when the server stops in the middle of an answer, the photos that were answered are shown",
    "the gallery shows the truth, and the game compares",
    "the gallery says what the model learned from, and never more than is known",
    "a server that asks for a token is given one",
    "probabilities and distances claim no more than they say",
    "lines in other scripts are quoted by script, and their parts have a language",
    "an answer's head is only as fine as it is sure",
    "an answer in another country than the likeliest one is named",
    "a reason does not repeat the name beside it",
    "distances, scores and great circles are those of the sphere",
    "polygons end at the date line",
    "a server's problem is given in words",
)
LOCATED = (41.1429, 1.3727)
MOST_FAILURES = 3
"""After so many failures the rest does not run: each waits for minutes, and all would reach the time limit."""
NOT_RUN = f"did not run, because {MOST_FAILURES} other tests of the page failed before it"


def chromium() -> str | None:
    """The browser of this machine, if there is one."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next((found for found in map(shutil.which, names) if found), None)


def missing() -> str | None:
    """What these tests need and this machine lacks."""
    if shutil.which("node") is None or not (WEB / "node_modules" / "@playwright").is_dir():
        return "needs Node.js and `make web`, which installs Playwright"
    if not page_files.is_built(page_files.folder()):
        return "needs the page: make web"
    return None if chromium() else "needs Chromium to open the page"


pytestmark = pytest.mark.skipif(missing() is not None, reason=str(missing()))


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A gallery of one photo, taken a little beside where its sign says."""
    folder = tmp_path_factory.mktemp("gallery")
    table = folder / "photos.csv"
    table.write_text(f"id,latitude,longitude,image\nsign,{LOCATED[0] + 0.1},{LOCATED[1]},{SIGN}\n")
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as ended:
        patch.setattr(sys, "argv", ["whereshot", "gallery", str(table), "--out", str(folder / "out")])
        main()
    assert not ended.value.code
    return folder / "out"


@pytest.fixture(scope="module")
def address(gallery: Path) -> Iterator[str]:
    """A server of the page, on a port that was free."""
    command = [sys.executable, "-m", "whereshot.cli", "serve", "--port", "0", "--workers", "1", "--gallery", gallery]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        try:
            said = []
            for line in server.stderr:
                said.append(line)
                if found := re.search(r"http://\S+", line):
                    yield found.group() if found.group().endswith("/") else f"{found.group()}/"
                    break
            else:
                pytest.fail(f"the server did not start: {''.join(said)}")
        finally:
            server.terminate()


@pytest.fixture(scope="module")
def outcomes(address: str) -> dict[str, str | None]:
    """Playwright's tests by title: None where one passed, else what it complained of."""
    environment = {**os.environ, "WHERESHOT_URL": address, "CHROMIUM": chromium() or ""}
    program = str(WEB / "node_modules" / "@playwright" / "test" / "cli.js")
    command = ["node", program, "test", "--reporter=json", f"--max-failures={MOST_FAILURES}"]
    done = subprocess.run(command, cwd=WEB, env=environment, capture_output=True, text=True, timeout=2 * PATIENCE_S)
    try:
        report = json.loads(done.stdout)
    except ValueError:
        pytest.fail(f"Playwright did not run: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    found = {spec["title"]: outcome(spec) for spec in specs_of(report)}
    assert not report["errors"] or NOT_RUN in found.values(), report["errors"]
    return found


def specs_of(suite: dict[str, Any]) -> list[dict[str, Any]]:
    """The tests of a suite and of those within it."""
    return [*suite.get("specs", ()), *(spec for part in suite.get("suites", ()) for spec in specs_of(part))]


def outcome(spec: dict[str, Any]) -> str | None:
    """None where a test passed, else what was wrong, without the terminal's colours."""
    statuses = [result["status"] for test in spec["tests"] for result in test["results"]]
    if not statuses or "skipped" in statuses:
        return NOT_RUN
    if spec["ok"]:
        return None
    errors = (error for test in spec["tests"] for result in test["results"] for error in result["errors"])
    return re.sub(r"\x1b\[\d+m", "", "\n".join(error["message"] for error in errors)) or ", ".join(statuses)


def test_every_test_of_the_page_is_listed_here(outcomes: dict[str, str | None]) -> None:
    assert sorted(outcomes) == sorted(TITLES)


@pytest.mark.parametrize("title", TITLES)
def test_page(outcomes: dict[str, str | None], title: str) -> None:
    assert outcomes[title] is None, outcomes[title]
