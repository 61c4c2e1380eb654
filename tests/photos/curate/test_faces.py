"""The step faces: the share of a picture that faces cover, and what happens above the limit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from curating import clean, picture, rejects_of, saved, write_records
from whereshot.foundation.errors import InputError
from whereshot.photos import images
from whereshot.photos.curate import MASKED, faces
from whereshot.photos.records import Records


@pytest.fixture(scope="module")
def portrait() -> Image.Image:
    """A real face: Grace Hopper, public domain, which Matplotlib brings."""
    matplotlib = pytest.importorskip("matplotlib", reason="needs matplotlib (extra draw)")
    return images.open_rgb(Path(matplotlib.get_data_path(), "sample_data", "grace_hopper.jpg"))


def with_people(portrait: Image.Image, *faces_at: tuple[int, int], scale: float = 1.0) -> Image.Image:
    shown = Image.new("RGB", (1600, 1000), (120, 150, 120))
    size = (round(portrait.width * scale), round(portrait.height * scale))
    for place in faces_at:
        shown.paste(portrait.resize(size), place)
    return shown


def test_the_cascade_is_gentle_adaboost_on_20_by_20() -> None:
    import cv2

    text = Path(cv2.data.haarcascades, faces.CASCADE).read_text()
    assert "20x20 gentle adaboost frontal face detector" in text[:300]
    assert faces._cascade().getOriginalWindowSize() == (20, 20)


def test_the_share_is_that_of_all_faces_at_any_size(portrait: Image.Image) -> None:
    shares = {}
    for scale in (0.5, 1.0):
        for places in ([(100, 50)], [(100, 50), (900, 50)]):
            found = faces.find(with_people(portrait, *places, scale=scale))
            assert len(found) == len(places)
            shares[scale, len(places)] = faces.covered(found)
    assert shares[1.0, 2] == pytest.approx(2 * shares[1.0, 1], rel=0.15)
    assert shares[1.0, 1] == pytest.approx(4 * shares[0.5, 1], rel=0.25)
    # the face is about 230 pixels wide in the portrait of 512 x 600
    assert shares[1.0, 1] == pytest.approx(230**2 / 1.6e6, rel=0.3)
    assert len(faces.find(picture(3, (640, 480)))) == 0
    assert faces.covered(np.array([[0.1, 0.1, 0.5, 0.5], [0.1, 0.1, 0.5, 0.5]])) == pytest.approx(0.25, abs=0.002)


def test_faces_are_dropped_strictly_above_the_share_or_masked(portrait: Image.Image, tmp_path: Path) -> None:
    rows = [saved(tmp_path / "one.jpg", with_people(portrait, (300, 100)), quality=95)]
    rows.append(saved(tmp_path / "none.jpg", picture(4, (640, 400))))
    source = write_records(tmp_path / "in.parquet", rows)
    found = clean(source, tmp_path / "probe", faces={"share": 1.0})
    assert found["kept"] == 2
    share = Records.read(tmp_path / "probe").numbers("face_share")[0]
    assert clean(source, tmp_path / "at", faces={"share": share})["rejected"] == {}
    assert clean(source, tmp_path / "above", faces={"share": share - 1e-9})["rejected"] == {"faces": 1}
    assert rejects_of(tmp_path / "above")["one"][1] == (
        f"{tmp_path}/one.jpg: 1 faces cover {share:.1%} of it; {share:.1%} is most"
    )

    assert clean(source, tmp_path / "mask", faces={"share": 0.01, "action": "mask"})["kept"] == 2
    one, none = Records.read(tmp_path / "mask").strings("image")
    assert none == rows[1]["image"]
    assert str(tmp_path / "mask" / MASKED) in str(one)
    before, after = (np.asarray(images.open_rgb(path), float) for path in (rows[0]["image"], one))
    differs = np.abs(before - after).max(axis=2) > 60
    assert before.shape == after.shape
    assert not differs[:, :200].any() and not differs[:, 1300:].any()  # beside the person
    assert differs[400:, 500:800].mean() > 0.5  # the uniform below the face as well
    assert len(faces.find(images.open_rgb(str(one)))) == 0
    clean(source, tmp_path / "again", faces={"share": 0.01, "action": "mask"})
    again = Records.read(tmp_path / "again").strings("image")[0]
    assert Path(str(again)).read_bytes() == Path(str(one)).read_bytes()


def test_faces_settings_that_cannot_be(tmp_path: Path) -> None:
    source = write_records(tmp_path / "in.parquet", [saved(tmp_path / "a.jpg", picture(1))])
    for given_, message in (
        ({"share": 1.5}, "--faces must be a share between 0 and 1; got 1.5"),
        ({"share": 0.1, "action": "blur"}, "--faces-action must be drop or mask; got 'blur'"),
    ):
        with pytest.raises(InputError) as caught:
            clean(source, tmp_path / "out", faces=given_)
        assert str(caught.value) == message
