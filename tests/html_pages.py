"""HTML pages that this package writes, opened in a real Chromium, and driven by a script."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from waiting import PATIENCE_S

DRIVER = """<script>
const wait = () => new Promise(done => setTimeout(done, 100)), tiles = [...document.querySelectorAll(".tile")];
const press = key => document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
const button = text => [...document.querySelectorAll("button")].find(one => one.textContent.startsWith(text));
const visible = () => tiles.filter(tile => tile.checkVisibility()).length;
const text = id => document.getElementById(id).textContent;
const onScreen = ([lat, lon]) => { const [x, y] = map.toScreen(lat, lon), { width, height } = map.canvas;
  return x > 0 && y > 0 && x < width && y < height; };
addEventListener("load", async () => {
  const result = document.createElement("pre"); result.id = "result";
  result.textContent = JSON.stringify(await (async () => { SCRIPT })()); document.body.append(result);
});
</script>"""


def browse(page: str, folder: Path, *flags: str) -> tuple[str, str]:
    """The document as a browser builds it from the page, and what it logs."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("needs Chromium to open the page")
    path = folder / "page.html"
    path.write_text(page, "utf-8")
    usual = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    more = "--disable-component-update --disable-sync --virtual-time-budget=4000 --enable-logging=stderr --dump-dom"
    command = [chromium, *usual.split(), *more.split(), *flags, f"--user-data-dir={folder / 'profile'}", path.as_uri()]
    result = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S)
    assert result.returncode == 0, result.stderr
    return result.stdout, "\n".join(line for line in result.stderr.splitlines() if "CONSOLE" in line)


def drive(page: str, folder: Path, script: str, size: str = "1000,640") -> dict:
    """The result of a script in the page, which can use ``wait`` for the next turn of the browser."""
    steps = DRIVER.replace("SCRIPT", script) + "</body>"
    document, console = browse(page.replace("</body>", steps), folder, f"--window-size={size}")
    assert console == "", console
    (text,) = re.findall(r'<pre id="result">(.*?)</pre>', document, flags=re.DOTALL)
    return json.loads(html.unescape(text))
