"""Which photos a model learned from: recognised under any name, private, absent or whole, never compared with lists."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from safetensors.numpy import load_file

from whereshot.foundation.errors import InputError, ModelError, OutputError
from whereshot.foundation.progress import silent
from whereshot.locate.geolocator import Geolocator
from whereshot.models import manifest, model_folder, onnx_export
from whereshot.models.learned_photos import FILE, LearnedPhotos, digest_photos, in_words, separate
from whereshot.models.model_folder import ModelFolder
from whereshot.photos import picture_bytes
from whereshot.photos.batches import content_digest
from whereshot.photos.records import Records
from whereshot.photos.sources import SOURCES
from whereshot.training import learn


@pytest.fixture(scope="module")
def records(tiny: Path) -> Records:
    return SOURCES["table"]([tiny / "photos.csv"], {}, silent).records


@pytest.fixture(scope="module")
def learned(records: Records, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Half of the photos of each town, learned; not to be changed."""
    return learn.learn(records[np.arange(0, 48, 2)], tmp_path_factory.mktemp("learned") / "mine").folder


def jpeg(path: Path, seed: int, **options: object) -> Path:
    pixels = np.random.default_rng(seed).integers(0, 255, (6, 8, 3), np.uint8)
    Image.fromarray(pixels).resize((80, 60)).save(path, "JPEG", **options)
    return path


def test_what_is_recognised(tmp_path: Path) -> None:
    one, other = jpeg(tmp_path / "one.jpg", 1), jpeg(tmp_path / "other.jpg", 2)
    known = LearnedPhotos.of([one, tmp_path / "gone.jpg", None])
    assert len(known) == 3
    copied = shutil.copy(one, tmp_path / "another name.jpg")
    tagged = jpeg(tmp_path / "tagged.jpg", 1, comment=b"a remark")
    again = jpeg(tmp_path / "compressed anew.jpg", 1, quality=60)
    found = known.contains(digest_photos([one, copied, tagged, again, other, tmp_path / "gone.jpg", None]))
    assert found.tolist() == [True, True, True, False, False, False, False]


def test_digests_are_salted(learned: Path, records: Records) -> None:
    path = records.strings("image")[0]
    one, two = LearnedPhotos.of([path]), LearnedPhotos.of([path])
    assert one.salt != two.salt and not np.array_equal(one.files, two.files)
    plain = content_digest(path)
    content = (learned / FILE).read_bytes() + (learned / model_folder.PHOTOS).read_bytes()
    assert plain not in content and plain.hex().encode() not in content
    assert hashlib.sha256(Path(path).read_bytes()).digest() not in content


def test_learn_and_train_know_their_photos(learned: Path, tiny_model: Path, records: Records) -> None:
    paths = digest_photos(records.strings("image"))
    assert ModelFolder(learned).learned.contains(paths).tolist() == [True, False] * 24
    assert ModelFolder(tiny_model).learned.contains(paths).all()
    assert len(Geolocator.load("prior").model.learned) == len(Geolocator.load().model.learned) == 0


def test_the_private_file_may_be_absent_and_never_changed(learned: Path, tmp_path: Path, records: Records) -> None:
    folder = Path(shutil.copytree(learned, tmp_path / "mine"))
    content = bytearray((folder / FILE).read_bytes())
    content[-1] ^= 1
    (folder / FILE).write_bytes(content)
    with pytest.raises(ModelError, match=rf"{FILE} has been changed or damaged"):
        ModelFolder(folder)
    (folder / FILE).unlink()
    assert ModelFolder(folder).learned is None
    separated = separate([ModelFolder(folder).learned], records.strings("image"))
    assert separated.to_json() == {"given": 48, "learned": None, "left_out": 0}
    assert separated.in_words() == "it is not known which of the 48 photos the model learned from"
    with pytest.raises(OutputError, match=rf"has no {FILE}, so it is not known which photos it learned from"):
        learn.learn(records, folder)
    assert learn.learn(records[:3], folder, overwrite=True).photos == 3


@pytest.mark.parametrize("kind", ["learned", "trained", "older library"])
def test_nothing_that_is_handed_on_has_it(
    kind: str, learned: Path, tiny_model: Path, records: Records, tmp_path: Path
) -> None:
    pytest.importorskip("onnx", reason="needs onnx (extra export)")
    folder = {"trained": tiny_model, "learned": learned}.get(kind) or as_before(learned, records, tmp_path / "older")
    out = onnx_export.export(folder, tmp_path / "out")
    assert not (out / FILE).exists() and FILE not in json.loads((out / "manifest.json").read_text())["sha256"]
    assert FILE not in [path.name for path in ModelFolder(folder).files()]
    if kind != "trained":
        assert "digest" not in ModelFolder(out).photos.column_names
    assert ModelFolder(out).learned is None


def as_before(folder: Path, records: Records, out: Path) -> Path:
    """A library as earlier versions wrote it: with plain digests beside the photos."""
    old = ModelFolder(folder)

    def fill(beside: Path) -> None:
        for path in old.files():
            shutil.copyfile(path, beside / path.name)
        place = dict(zip(records.strings("id"), records.strings("image"), strict=True))
        digests = [content_digest(place[name]).hex() for name in old.photos["id"].to_pylist()]
        pq.write_table(old.photos.append_column("digest", pa.array(digests)), beside / model_folder.PHOTOS)

    manifest.write_files(out, fill)
    return out


def test_an_older_library_is_read_and_added_to(learned: Path, records: Records, tmp_path: Path) -> None:
    older = as_before(learned, records, tmp_path / "older")
    assert ModelFolder(older).learned.contains(digest_photos(records.strings("image"))).tolist() == [True, False] * 24
    more = learn.learn(records, older)
    assert (more.photos, more.new) == (48, 24)
    assert "digest" not in ModelFolder(older).photos.column_names
    assert load_file(older / FILE)["files"].shape == (48, 16)


def test_copies_are_counted_and_listed(records: Records, tmp_path: Path) -> None:
    table = records[:3].table
    copied = str(shutil.copy(records.strings("image")[0], tmp_path / "copy.png"))
    images = [*records.strings("image")[:2], copied]
    given = Records(table.set_column(table.column_names.index("image"), "image", pa.array(images)))
    said: list[str] = []
    done = learn.learn(given, tmp_path / "mine", say=said.append)
    assert (done.photos, done.copies, done.to_json()["copies"]) == (2, 1, 1)
    assert said[0] == "copies dropped: 1 (the same file as another photo, whose position counts)"
    (reject,) = done.rejects.to_pylist()
    ids = given.strings("id")
    assert (reject["id"], reject["reason"]) == (ids[0], "copy of another photo")
    assert reject["detail"] == f"the same file as {ids[2]}, which is learned"
    card = (tmp_path / "mine" / "README.md").read_text()
    assert "1 were rejected, of which 1 as copies: files that were given more than once." in card
    assert f"{FILE} states by salted digests which photos it learned from" in card


def test_words() -> None:
    assert in_words(5, 0, 0) == "the model learned from none of the 5 photos"
    assert in_words(5, None, 2).endswith("; 2 that another one learned from are left out")
    with pytest.raises(InputError, match="the model learned from all 1 photos; give others, or --include-learned"):
        separate([LearnedPhotos.of([__file__])], [__file__])
    assert separate([LearnedPhotos.of([__file__]), None], [__file__], include=True).learned is None


def test_each_photo_is_read_once_for_any_number_of_models(
    records: Records, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = records.strings("image")
    models = [LearnedPhotos.of(paths[:3]), LearnedPhotos.of(paths[2:5]), None]
    read: list[object] = []
    contents = picture_bytes.contents
    monkeypatch.setattr(picture_bytes, "contents", lambda path: read.append(path) or contents(path))
    counted: list[tuple[int, str]] = []

    def track(items: Iterable[Any], total: int, what: str) -> Iterator[Any]:
        counted.append((total, what))
        yield from items

    separated = separate(models, paths, track=track)
    assert sorted(map(str, read)) == sorted(map(str, paths))
    assert counted == [(48, "reading photos")]
    assert (separated.learned, separated.left_out) == (None, 5)
    assert separated.kept.tolist() == list(range(5, 48))


def test_digests_of_files_are_those_of_the_cache_of_features(records: Records, tmp_path: Path) -> None:
    paths = [*records.strings("image")[:3], str(tmp_path / "gone.jpg"), None]
    found = digest_photos(paths)
    assert found.file_digests() == [*map(content_digest, paths[:3]), None, None]
    assert found.take(np.array([1])).file_digests() == [content_digest(paths[1])]
