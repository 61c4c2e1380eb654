"""The command query: the formats of its answer, and what it refuses before it looks at a gallery."""

from __future__ import annotations

from pathlib import Path

import pytest

from command_line import Run


@pytest.fixture
def gallery(tiny: Path, tmp_path: Path) -> Path:
    """Three photos to compare with."""
    folder = tmp_path / "gallery"
    folder.mkdir()
    for name in ("lima-1.png", "paris-1.png", "tokyo-1.png"):
        (folder / name).write_bytes((tiny / name).read_bytes())
    return folder


def test_the_same_photos_in_every_format(run: Run, tiny: Path, gallery: Path, tmp_path: Path) -> None:
    asked = ("query", tiny / "lima-0.png", "--gallery", gallery, "--top", 2)
    document = run(*asked, "--format", "json").document
    names = [Path(found["image"]).name for found in document["nearest"]]
    assert names[0] == "lima-1.png" and len(names) == 2
    table = run(*asked).out
    page = tmp_path / "page.html"
    result = run(*asked, "--format", "html", "--out", page)
    assert (result.code, result.out) == (0, "") and f"wrote {page}" in result.err
    for name in names:
        assert name in table and name in page.read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--format", "geojson"], "'geojson' is not one of"),
        (["--metric", "l1"], "'l1' is not one of"),
        (["--top", 0], "greater than or equal to 1"),
    ],
)
def test_query_refuses(run: Run, tiny: Path, gallery: Path, arguments: list[object], message: str) -> None:
    assert message in run("query", tiny / "lima-0.png", "--gallery", gallery, *arguments).mistake


def test_a_photo_that_cannot_be_read_is_refused_first(run: Run, gallery: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.jpg").write_bytes(b"no picture")
    assert "bad.jpg" in run("query", tmp_path / "bad.jpg", "--gallery", tmp_path / "nowhere").mistake
