"""Query by example: the photos found look alike, whatever the gallery is, and one line says what is wrong."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from conftest import TOWNS, MakePicture
from whereshot.cli import app
from whereshot.earth import sphere
from whereshot.foundation.errors import ImageError, InputError, WhereshotError
from whereshot.foundation.progress import silent
from whereshot.locate import lookalikes
from whereshot.locate.lookalikes import open_gallery
from whereshot.models.model_folder import ModelFolder
from whereshot.photos.sources import SOURCES
from whereshot.training import learn


def same_town(found: list[lookalikes.Lookalike], town: str) -> bool:
    """Whether all photos found are of a town."""
    spots = np.array([(one.latitude, one.longitude) for one in found])
    return bool((sphere.distance_km(spots, np.array(TOWNS[town][:2])) < 5).all())


@pytest.mark.parametrize("metric", ["cosine", "l2"])
def test_a_table_of_photos_with_the_features_of_compact(tiny: Path, metric: str) -> None:
    gallery = open_gallery(tiny / "photos.csv", metric=metric)
    assert (gallery.model, len(gallery.photos.ids), gallery.errors) == ("compact", 48, {})
    found = gallery.nearest(tiny / "paris-3.png", 6)
    assert [one.rank for one in found] == [1, 2, 3, 4, 5, 6]
    assert Path(found[0].image).name == "paris-3.png"  # itself
    assert found[0].distance == pytest.approx(0, abs=1e-3)
    assert [one.distance for one in found] == sorted(one.distance for one in found)
    assert same_town(found, "paris")
    assert found[0].place.country == "France"


def test_photos_of_a_model(tiny: Path, tiny_model: Path) -> None:
    """Trained: by the features that its gallery answers with, and with the pictures' paths."""
    gallery = open_gallery(None, tiny_model)
    found = gallery.nearest(tiny / "lima-5.png", 4)
    assert same_town(found, "lima")
    assert Path(found[0].image) == tiny / "lima-5.png"
    folder = ModelFolder(tiny_model)
    rows, cosine = folder.gallery.nearest({"features": gallery.look(tiny / "lima-5.png")})
    assert folder.gallery.images[rows[0]] == found[0].image
    assert 1 - cosine[0] == pytest.approx(found[0].distance)
    assert open_gallery(tiny_model).nearest(tiny / "lima-5.png", 4) == found
    assert len(gallery.nearest(tiny / "lima-5.png", 1000)) == 48


@pytest.mark.parametrize("metric", ["cosine", "l2"])
def test_photos_that_were_learned(tiny: Path, tiny_learned: Path, metric: str) -> None:
    found = open_gallery(tiny_learned, metric=metric).nearest(tiny / "tokyo-1.png")
    assert len(found) == 6
    assert same_town(found, "tokyo")
    assert Path(found[0].image).name == "tokyo-1.png"


def test_a_folder_of_pictures_some_without_a_position_some_broken(
    tiny: Path, tmp_path: Path, jpeg_with_position: MakePicture
) -> None:
    for town in ("paris", "lima"):
        shutil.copy(tiny / f"{town}-0.png", tmp_path / f"{town}.png")
    jpeg_with_position(tmp_path / "positioned ü.jpg", 48.85, 2.35)
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    gallery = open_gallery(tmp_path, cache=tmp_path / "cache" / "features")
    assert list(gallery.errors) == ["broken.jpg"]
    found = gallery.nearest(tiny / "lima-1.png", 9)
    assert found[0].id == "lima.png"
    known = {one.id: one.latitude for one in found}
    assert known == {"lima.png": None, "paris.png": None, "positioned ü.jpg": pytest.approx(48.85)}
    before = sorted((tmp_path / "cache").rglob("*.parquet"))
    again = open_gallery(tmp_path, cache=tmp_path / "cache" / "features").nearest(tiny / "lima-1.png", 9)
    assert again == found and sorted((tmp_path / "cache").rglob("*.parquet")) == before


def test_a_file_of_features(tiny: Path, tiny_model: Path, tmp_path: Path) -> None:
    known = ModelFolder(tiny_model).gallery
    rows = [0, 9, 17, 40]
    table = pa.table(
        {
            "id": ["a", "b", "c", "d"],
            "latitude": known.points[rows, 0],
            "longitude": [*known.points[rows[:3], 1], None],
            "features": known.features[rows].tolist(),
        }
    )
    pq.write_table(table, tmp_path / "features.parquet")
    found = open_gallery(tmp_path / "features.parquet", tiny_model).nearest(known.images[9], 4)
    assert found[0].id == "b" and found[0].distance == pytest.approx(0, abs=1e-5)
    assert {one.id for one in found if one.place is None} == {"d"}
    with pytest.raises(InputError, match=r"^the index takes features \(n, 256\); got \(1, 1280\)$"):
        open_gallery(tmp_path / "features.parquet").nearest(known.images[9])
    pq.write_table(table.set_column(3, "features", [[[1.0], [1.0, 2.0], [3.0], [4.0]]]), tmp_path / "odd.parquet")
    with pytest.raises(InputError, match=r"features must be lists of as many numbers each, and at least one$"):
        open_gallery(tmp_path / "odd.parquet")


def test_what_is_no_gallery(tiny: Path, tiny_model: Path, tiny_learned: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "one.jpg").write_bytes(b"no picture")
    (tmp_path / "header.csv").write_text("path,latitude,longitude\n")
    (tmp_path / "text.parquet").write_text("no table")
    said = {
        (
            None,
            None,
        ): "compact has no photos of its own; give a folder of photos, a table or a model with --gallery, or "
        "with --model one that was learned",
        (tmp_path / "gone", None): f"{tmp_path / 'gone'}: no such file or folder",
        (tmp_path / "empty", None): f"{tmp_path / 'empty'}: no pictures in this folder",
        (tmp_path / "broken", None): f"{tmp_path / 'broken'}: none of 1 pictures could be read; first: ",
        (tmp_path / "header.csv", None): f"{tmp_path / 'header.csv'}: ",
        (tmp_path / "text.parquet", None): f"{tmp_path / 'text.parquet'}: not a readable Parquet file",
        (tiny_learned, tiny_model): f"{tiny_learned}: its photos are compared by its own features; leave --model out",
        (tmp_path / "empty", "nowhere"): "nowhere: no such model folder",
        (tmp_path / "empty", "prior"): "prior looks at no picture; leave --model out, or name another",
        (tmp_path / "broken" / "one.jpg", None): f"{tmp_path / 'broken' / 'one.jpg'}: a picture; a gallery is a folder",
    }
    for (given, model), words in said.items():
        with pytest.raises(WhereshotError) as caught:
            open_gallery(given, model)
        assert str(caught.value).startswith(words)
        assert "\n" not in str(caught.value)
    with pytest.raises(ImageError):
        open_gallery(tiny_learned).nearest(tmp_path / "broken" / "one.jpg")
    with pytest.raises(InputError, match=r"^top must be at least 1; got 0$"):
        open_gallery(tiny_learned).nearest(tiny / "lima-1.png", 0)


# --- the command


def run(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["query", *map(str, arguments)])
    return result.exit_code, result.stdout, "" if result.exception is None else str(result.exception)


def test_the_six_nearest_as_a_table_and_as_a_document(tiny: Path, tiny_learned: Path) -> None:
    code, told, _ = run(tiny / "york-2.png", "--gallery", tiny_learned)
    lines = told.splitlines()
    assert (code, len(lines)) == (0, 6)
    assert lines[0].startswith("  1.   0.00") and lines[0].endswith("york-2.png")
    assert "nearly the same picture" in lines[0]
    assert "New York" in lines[0]
    code, told, _ = run(tiny / "york-2.png", "--model", tiny_learned, "--top", 2, "--metric", "l2", "--format", "json")
    document = json.loads(told)
    assert {key: document[key] for key in ("model", "metric", "photos", "unreadable")} == {
        "model": "mine",
        "metric": "l2",
        "photos": 48,
        "unreadable": {},
    }
    assert [one["rank"] for one in document["nearest"]] == [1, 2]
    assert document["nearest"][0]["similarity"]["word"] == "nearly the same picture"
    assert document["nearest"][0]["image_exists"] is True
    assert document["nearest"][0]["place"]["country_code"] == "US"


def test_a_page_with_the_pictures_that_are_still_there(tiny: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny, tmp_path / "moved", ignore=shutil.ignore_patterns("*.toml", "model*"))
    records = SOURCES["table"]([tmp_path / "moved" / "photos.csv"], {}, silent).records[:20]
    library = learn.learn(records, tmp_path / "</script><b>").folder
    (tmp_path / "moved" / "lima-1.png").unlink()
    code, _, _ = run(tiny / "lima-1.png", "--gallery", library, "--format", "html", "--out", tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert code == 0
    data = json.loads(page.split('<script type="application/json" id="data">')[1].split("</script>")[0])
    assert data["photo"]["thumbnail"].startswith("data:image/jpeg;base64,")
    pictures = {card["name"]: card["thumbnail"] is not None for card in data["cards"]}
    assert pictures["lima-1.png"] is False
    assert sum(pictures.values()) == 5
    assert "<b>" not in page and "http" not in page.replace("http-equiv", "")


def test_what_goes_wrong_is_one_line(tiny: Path, tmp_path: Path) -> None:
    assert run(tmp_path / "gone.jpg", "--gallery", tiny / "photos.csv")[2] == f"{tmp_path / 'gone.jpg'}: no such file"
    (tmp_path / "text.jpg").write_text("no picture")
    assert "text.jpg: not a picture" in run(tmp_path / "text.jpg", "--gallery", tiny / "photos.csv")[2]
    code, _, said = run(tiny / "lima-1.png", "--gallery", tiny / "photos.csv", "--out", tmp_path)
    assert code != 0 and said == f"{tmp_path}: a folder; name a file"
