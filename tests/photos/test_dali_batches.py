"""DALI behind the loader's interface: the same batches as ours but for a little, the same errors, on the CPU."""

from __future__ import annotations

import importlib.util
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from conftest import exif
from whereshot.foundation.errors import InputError, MissingExtraError
from whereshot.photos import picture_bytes
from whereshot.photos.batches import batches
from whereshot.photos.dali_batches import Dali
from whereshot.photos.images import Source
from whereshot.photos.preprocess import Preprocess

HAS_DALI = importlib.util.find_spec("nvidia") is not None and importlib.util.find_spec("nvidia.dali") is not None
needs_dali = pytest.mark.skipif(not HAS_DALI, reason="needs DALI (extra dali)")

RAW = {"mean": (0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0)}


@pytest.mark.skipif(HAS_DALI, reason="needs an environment without DALI")
def test_without_dali_it_is_said_how_to_get_it() -> None:
    with pytest.raises(MissingExtraError, match=r"run in the source folder: pip install '.\[dali\]'"):
        Dali()


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> list[Source | None]:
    """JPEGs wide, tall, grey, progressive, turned, CMYK, in a tar; a PNG; none, cut short, not a picture, no file."""
    folder = tmp_path_factory.mktemp("dali")
    y, x = np.mgrid[0:600, 0:800]
    waves = 127 + 60 * np.sin(x / 31) + 60 * np.cos(y / 23)
    wide = Image.fromarray(np.stack([waves, 255 - waves, x / 4], axis=-1).astype(np.uint8))
    tall, grey, cmyk = wide.rotate(90, expand=True), wide.convert("L"), wide.convert("CMYK")
    turned = exif(1.0, 2.0, orientation=6).tobytes()
    for name, picture, options in (
        ("wide.jpg", wide, {}),
        ("tall.jpg", tall, {}),
        ("grey.jpg", grey, {}),
        ("progressive.jpg", wide, {"progressive": True}),
        ("turned.jpg", wide, {"exif": turned}),
        ("cmyk.jpg", cmyk, {}),
        ("a.png", wide, {}),
        ("slim.jpg", wide.crop((0, 0, 800, 20)), {}),
    ):
        picture.save(folder / name, **({"quality": 92} | options if name.endswith("jpg") else {}))
    whole = (folder / "wide.jpg").read_bytes()
    (folder / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "text.jpg").write_text("no picture")
    (folder / "shard.tar").write_bytes(bytes(512) + whole)
    names = ("wide", "tall", "grey", "progressive", "turned", "cmyk", "cut", "text", "missing", "slim")
    return [
        *(folder / f"{name}.jpg" for name in names),
        folder / "a.png",
        picture_bytes.member(folder / "shard.tar", 512, len(whole)),
        whole,
        None,
    ]


@needs_dali
@pytest.mark.parametrize("random_crops", [None, (3, 1)])
@pytest.mark.parametrize("crops", [1, 3])
@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
def test_batches_are_ours_but_for_a_little(
    sources: list, random_crops: tuple[int, int] | None, crops: int, interpolation: str
) -> None:
    settings = Preprocess(size=112, resize=128, crops=crops, interpolation=interpolation, **RAW)  # type: ignore[arg-type]
    order = np.random.default_rng(0).permutation(len(sources))
    load = Dali("cpu", threads=1)
    given = {"batch_size": 5, "order": order, "random_crops": random_crops}
    ours, theirs = list(batches(sources, settings, **given)), list(load(sources, settings, **given))  # type: ignore[arg-type]
    assert len(ours) == len(theirs)
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(one.rows, other.rows)
        np.testing.assert_array_equal(one.owner, other.owner)
        assert one.errors == other.errors
        assert other.crops.dtype == np.float32 and one.crops.shape == other.crops.shape
        for left, right in zip(one.crops, other.crops, strict=True):
            assert np.abs(left - right).mean() * 255 < 1.5
            assert abs((left - right).mean()) * 255 < 0.5


@needs_dali
def test_one_broken_picture_that_looks_whole_spoils_no_batch(sources: list, tmp_path: Path) -> None:
    whole = bytearray(sources[0].read_bytes())
    table = whole.index(b"\xff\xc4") + 5
    whole[table : table + 16] = b"\xff" * 16  # a Huffman table that cannot be
    (tmp_path / "hollow.jpg").write_bytes(whole)
    settings, given = Preprocess(size=64, resize=64, **RAW), [sources[0], tmp_path / "hollow.jpg", sources[1]]
    (one,), (other,) = batches(given, settings), Dali("cpu")(given, settings)
    assert one.errors.keys() == other.errors.keys()
    np.testing.assert_array_equal(one.rows, other.rows)
    assert np.abs(one.crops - other.crops).mean() * 255 < 1.5


@needs_dali
def test_settings_of_one_loader_may_change(sources: list) -> None:
    load = Dali("cpu")
    for size, batch_size in ((64, 2), (32, 2), (64, 3), (64, 2)):
        made = list(load(sources[:4], Preprocess(size=size, resize=size), batch_size=batch_size))
        assert [len(batch.rows) for batch in made] == {2: [2, 2], 3: [3, 1]}[batch_size]
        assert made[0].crops.shape[1:] == (3, size, size)
    assert list(load([], Preprocess())) == []
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64), "white").save(buffer, "JPEG")
    (batch,) = load([buffer.getvalue(), Image.new("RGB", (64, 64), "white")], Preprocess(size=32, resize=32, **RAW))
    assert batch.crops.min() > 0.99


@needs_dali
def test_devices_that_are_not_here() -> None:
    with pytest.raises(InputError, match="device must be 'cpu' or 'gpu'; got 'tpu'"):
        Dali("tpu")
    if Dali().device == "cpu":
        with pytest.raises(InputError, match="device 'gpu' cannot be used here; DALI finds none"):
            Dali("gpu")
