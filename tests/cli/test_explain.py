"""The command explain: words, JSON and a picture of what carried the answer."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from command_line import Run


def test_explain_writes_a_picture_and_says_so(run: Run, tiny: Path, tiny_model: Path, tmp_path: Path) -> None:
    out = tmp_path / "heat.png"
    result = run("explain", tiny / "lima-0.png", "--model", tiny_model, "--no-text", "--out", out, "--format", "json")
    assert result.code == 0 and result.document["method"] == "occlusion"
    assert result.err.splitlines()[-1] == f"wrote {out}"
    with Image.open(out) as picture:
        assert picture.width >= 64


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["--out", "heat.jpg"], "--out writes a .png file; got heat.jpg"), (["--method", "gradcams"], "gradcam")],
)
def test_explain_refuses(run: Run, tiny: Path, tiny_model: Path, arguments: list[str], message: str) -> None:
    assert message in run("explain", tiny / "lima-0.png", "--model", tiny_model, "--no-text", *arguments).mistake
