"""Pictures to readings: lines with boxes in the picture's own pixels, and pictures that cannot be read."""

from __future__ import annotations

from pathlib import Path

from whereshot.evidence import read_photos

EXAMPLE = Path(__file__).parents[2] / "examples" / "village-sign.jpg"


def test_the_example_picture_is_read() -> None:
    (reading,) = read_photos([EXAMPLE])
    assert "ALTAFULLA" in {one.text for one in reading.lines}
    left, top, right, bottom = next(one.box for one in reading.lines if one.text == "ALTAFULLA")
    assert 240 < left < right < 790 and 320 < top < bottom < 460
    assert reading.size == (1024, 768) and reading.not_a_photo is None


def test_an_unreadable_picture_gives_an_empty_reading(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_text("no picture")
    (reading,) = read_photos([tmp_path / "a.jpg"])
    assert reading.lines == () and reading.size is None
