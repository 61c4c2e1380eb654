"""A photo is opened once, and answers the same however it is given and however it is stored."""

from __future__ import annotations

import io
import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from conftest import exif
from whereshot.evidence.base import Line
from whereshot.evidence.ocr import Seen
from whereshot.evidence.read_photos import read_photo
from whereshot.foundation.errors import ImageError
from whereshot.photos import images, picture_bytes
from whereshot.photos.photo import Photo


def scene() -> Image.Image:
    """A picture of 300 x 64 pixels that looks different from every side."""
    rows, columns = np.mgrid[0:64, 0:300]
    return Image.fromarray(np.stack([rows * 4, columns * 255 // 299, (rows + columns) % 256], axis=2).astype(np.uint8))


def stored(form: str, orientation: int = 6) -> bytes:
    """A picture file with a position and an orientation tag."""
    buffer = io.BytesIO()
    scene().save(buffer, form, exif=exif(1.5, 2.5, orientation=orientation))
    return buffer.getvalue()


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The sources that have been opened so far."""
    seen: list[object] = []
    original = images.opened

    def count(source: images.Source, *given: object, **named: object) -> Image.Image:
        seen.append(source)
        return original(source, *given, **named)  # type: ignore[arg-type]  # handed on as they came

    monkeypatch.setattr(images, "opened", count)
    return seen


def test_a_file_is_opened_once(tmp_path: Path, opened: list[object]) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(stored("JPEG"))
    photo = Photo(path)
    assert opened == [] and photo.name == str(path) == photo.path
    picture = photo.rgb()
    assert photo.size == picture.size == (64, 300)
    assert photo.recorded.position == (1.5, 2.5) and photo.format == "JPEG"
    assert opened == [path]


@pytest.mark.parametrize("given", ["path", "text", "tar", "bytes", "picture"])
def test_every_source(tmp_path: Path, given: str) -> None:
    data, path = stored("JPEG"), tmp_path / "photo.jpg"
    path.write_bytes(data)
    (tmp_path / "shard.tar").write_bytes(b"x" * 512 + data)
    sources: dict[str, images.Source] = {
        "path": path,
        "text": str(path),
        "tar": picture_bytes.member(tmp_path / "shard.tar", 512, len(data)),
        "bytes": data,
        "picture": Image.open(path),
    }
    photo = Photo.of(sources[given])
    assert Photo.of(photo) is photo
    assert photo.size == (64, 300) and photo.recorded.position == (1.5, 2.5)
    assert np.array_equal(np.asarray(photo.rgb()), np.asarray(images.open_rgb(path)))
    assert (photo.path is None) == (given in ("bytes", "picture"))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "jpeg"])
def test_a_turned_tiff_is_turned_once(orientation: int, compression: str) -> None:
    buffer, tags = io.BytesIO(), Image.Exif()
    tags[ExifTags.Base.Orientation] = orientation
    scene().save(buffer, "TIFF", exif=tags, compression=compression)
    tiff, jpeg = buffer.getvalue(), stored("JPEG", orientation)
    for source in (tiff, Image.open(io.BytesIO(tiff))):
        photo = Photo(source)
        assert photo.size == Photo(jpeg).size == ((64, 300) if orientation > 4 else (300, 64))
        picture = photo.rgb()
        assert picture.size == photo.size == Photo(tiff).rgb(min_side=20).size
        difference = np.asarray(picture, np.int64) - np.asarray(Photo(jpeg).rgb())
        assert np.abs(difference).mean() < 8, "JPEG loses a little, a turn would lose all"


def test_boxes_of_text_in_a_turned_tiff_are_those_of_the_jpeg() -> None:
    """Whatever the format, a line that the reader finds lies at the same place of the upright picture."""

    class OneLine:
        def see_tiles(self, tiles: object) -> Seen:
            return Seen([Line("HOTEL", 0.9, (5, 10, 25, 20))], [Line("", 0.9, (5, 30, 25, 40), script="Thai")])

    readings = [read_photo(stored(form), OneLine()) for form in ("JPEG", "TIFF")]  # type: ignore[arg-type]
    assert readings[0].size == readings[1].size == (64, 300)
    for lines in zip(*[[*reading.lines, *reading.unread] for reading in readings], strict=True):
        assert lines[0].box == lines[1].box
    assert [len(reading.unread) for reading in readings] == [1, 1]


def test_pixels_are_kept_only_when_asked(opened: list[object]) -> None:
    photo = Photo(stored("JPEG"))
    assert photo.rgb(32) is not photo.rgb(32)
    kept = photo.rgb(32, keep=True)
    assert photo.rgb(32) is kept and photo.rgb() is not kept and len(opened) == 4
    photo.drop_pixels()
    assert photo.rgb(32) is not kept


def test_only_the_source_goes_to_another_process() -> None:
    photo = Photo(stored("JPEG"), name="lyon.jpg")
    photo.rgb(keep=True)
    content = pickle.dumps(photo)
    assert len(content) < len(stored("JPEG")) + 500, "no pixels"
    copy = pickle.loads(content)
    assert copy.size == photo.size and copy.name == "lyon.jpg"


def test_errors_begin_with_the_name_and_are_not_tried_again(tmp_path: Path, opened: list[object]) -> None:
    missing = Photo(tmp_path / "none.jpg")
    for _ in range(2):
        with pytest.raises(ImageError, match=r"none\.jpg: no such file"):
            _ = missing.size
    with pytest.raises(ImageError, match=r"none\.jpg: no such file"):
        missing.rgb()
    assert len(opened) == 1
    for wrong in (b"", b"no picture"):
        with pytest.raises(ImageError, match=r"^lyon\.jpg: "):
            _ = Photo(wrong, name="lyon.jpg").recorded
    with pytest.raises(ImageError, match=r"^lyon\.jpg: the picture is damaged"):
        Photo(stored("JPEG")[:2000], name="lyon.jpg").rgb()


def test_a_png_that_ends_early_has_no_size_and_says_so() -> None:
    """Pillow reads a PNG to its end to look for EXIF: what it raises then is an ImageError here."""
    photo = Photo(stored("PNG")[:200], name="cut.png")
    with pytest.raises(ImageError, match=r"^cut\.png: "):
        _ = photo.size
