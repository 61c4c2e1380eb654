"""Steps of curation one by one: what each refuses, why, and what it leaves alone."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from curating import clean, picture, rejects_of, write_records
from whereshot.earth import s2
from whereshot.foundation.errors import ImageError, InputError
from whereshot.photos import images
from whereshot.photos.curate import MASKED, CuratedPhoto, faces, hashes, near_hashes, scene
from whereshot.photos.records import Records


def saved(path: Path, shown: Image.Image, **options: object) -> dict[str, str]:
    shown.save(path, **options)
    return {"id": path.stem, "image": str(path)}


# --- verify


def test_verify_refuses_what_shows_nothing(tmp_path: Path, rng: np.random.Generator) -> None:
    rows = [saved(tmp_path / "good.jpg", picture(1)), saved(tmp_path / "tiny.png", picture(1, (200, 63)))]
    grain = Image.fromarray(rng.normal(250, 2, (300, 400, 3)).clip(0, 255).astype(np.uint8))
    rows.append(saved(tmp_path / "cap.jpg", grain, quality=95))
    rows.append(saved(tmp_path / "cut.jpg", picture(2), quality=95))
    (tmp_path / "cut.jpg").write_bytes((tmp_path / "cut.jpg").read_bytes()[:-900])
    (tmp_path / "note.jpg").write_bytes(b"x" * 1024)
    rows.append({"id": "note", "image": str(tmp_path / "note.jpg")})
    source = write_records(tmp_path / "in.parquet", rows)
    assert clean(source, tmp_path / "out", verify={})["kept"] == 1
    why = rejects_of(tmp_path / "out")
    assert why["tiny"] == ("too small", f"{tmp_path}/tiny.png: 200 x 63; the shorter side must have 64 pixels")
    assert why["note"] == ("too small", f"{tmp_path}/note.jpg: 1024 bytes; photos have more than 1,024")
    assert why["cap"][0] == "blank" and why["cap"][1].endswith("of 255; 4 is least")
    assert why["cut"][0] == "unreadable picture" and why["cut"][1].startswith(f"{tmp_path}/cut.jpg: the picture is dam")
    assert clean(source, tmp_path / "small", verify={"min_side": 60})["kept"] == 2
    with pytest.raises(InputError, match="--min-side must be at least 1 pixel; got 0"):
        clean(source, tmp_path / "none", verify={"min_side": 0})


# --- faces


@pytest.fixture(scope="module")
def portrait() -> Image.Image:
    """A real face: Grace Hopper, public domain, which Matplotlib brings."""
    matplotlib = pytest.importorskip("matplotlib")
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


# --- scene


def classifier(path: Path, classes: int, side: int = 8) -> Path:
    """A model whose first three values follow the mean of red, green and blue, and whose others are 0."""
    onnx = pytest.importorskip("onnx")
    from onnx import TensorProto, helper, numpy_helper

    weights = np.zeros((3, classes), np.float32)
    weights[np.arange(3), np.arange(3)] = 10
    graph = helper.make_graph(
        [
            helper.make_node("GlobalAveragePool", ["input"], ["pooled"]),
            helper.make_node("Flatten", ["pooled"], ["flat"]),
            helper.make_node("MatMul", ["flat", "weights"], ["logits"]),
        ],
        "scene",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, side, side])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, classes])],
        [numpy_helper.from_array(weights, "weights")],
    )
    opset = [helper.make_opsetid("", 13)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), path)
    return path


COLOURS = {"red": (220, 30, 30), "green": (30, 220, 30), "blue": (30, 30, 220)}


def test_scenes_of_a_classifier(tmp_path: Path) -> None:
    rows = [saved(tmp_path / f"{name}.png", Image.new("RGB", (90, 70), colour)) for name, colour in COLOURS.items()]
    source = write_records(tmp_path / "in.parquet", rows)
    model = str(classifier(tmp_path / "three.onnx", 3))
    for wanted, kept in (("indoor", "red"), ("natural", "green"), ("urban", "blue")):
        clean(source, tmp_path / wanted, scene={"wanted": wanted, "model": model})
        assert Records.read(tmp_path / wanted).strings("id") == [kept]
    clean(source, tmp_path / "outdoor", scene={"wanted": "outdoor", "model": model})
    outdoor = Records.read(tmp_path / "outdoor")
    assert outdoor.strings("id") == ["green", "blue"]
    assert outdoor.numbers("scene_natural")[0] > 0.99
    assert rejects_of(tmp_path / "outdoor")["red"] == (
        "other scene",
        "indoor 1.00, natural 0.00, urban 0.00; outdoor is wanted",
    )

    # four classes, the first of which is half indoor and half urban; two headings as in the published table
    hierarchy = tmp_path / "hierarchy.csv"
    hierarchy.write_text(
        "Places,Level 1,,\ncategory,indoor,natural,man-made\n/a/a,1,0,1\n/b,0,1,0\n/c,0,0,1\n/d,1,0,0\n"
    )
    found = scene.classify(images.open_rgb(rows[0]["image"]), str(classifier(tmp_path / "f.onnx", 4)), str(hierarchy))
    np.testing.assert_allclose(found, [0.5, 0, 0.5], atol=1e-3)


def test_scenes_that_are_there_are_believed(tmp_path: Path) -> None:
    """No picture is needed, and a model is asked only about the others."""
    rows = [
        {"id": "in", "scene_indoor": 0.6, "scene_natural": 0.3, "scene_urban": 0.1},
        {"id": "out", "scene_indoor": 0.4, "scene_natural": 0.3, "scene_urban": 0.3},
        {"id": "unknown"},
    ]
    source = write_records(tmp_path / "in.parquet", rows)
    found = clean(source, tmp_path / "out", scene={"wanted": "outdoor"})
    assert Records.read(tmp_path / "out").strings("id") == ["out"]
    assert found["rejected"] == {"other scene": 1, "scene unknown": 1}
    bare = write_records(tmp_path / "bare.parquet", [{"id": "a", "image": "a.jpg"}])
    (tmp_path / "broken.onnx").write_text("no")
    odd = tmp_path / "odd.csv"
    odd.write_text("a,1,0,0\nb,1,x,0\n")
    for given_, told in (
        ({"wanted": "outdoor"}, "--scene needs the columns scene_indoor, scene_natural, scene_urban, or a classifier"),
        ({"wanted": "beach"}, "--scene must be indoor, natural, urban, outdoor; got 'beach'"),
        ({"wanted": "urban", "hierarchy": "x.csv"}, "--scene-hierarchy goes with --scene-model"),
        ({"wanted": "urban", "model": "none.onnx"}, r"none\.onnx: no such file; --scene-model takes an ONNX file"),
        ({"wanted": "urban", "model": str(tmp_path / "broken.onnx")}, r"broken\.onnx: not a model in ONNX"),
        (
            {"wanted": "urban", "model": str(classifier(tmp_path / "many.onnx", 365))},
            "gives 365 values where three .* were expected; name the table of its classes with --scene-hierarchy",
        ),
        (
            {"wanted": "urban", "model": str(tmp_path / "many.onnx"), "hierarchy": str(odd)},
            "'b,1,x,0' is no class with 0 or 1 for indoor, natural, urban",
        ),
    ):
        with pytest.raises(InputError, match=told):
            clean(bare, tmp_path / "bare", scene=given_)


# --- duplicates


def jpeg(shown: Image.Image, quality: int) -> Image.Image:
    buffer = io.BytesIO()
    shown.save(buffer, "JPEG", quality=quality)
    return images.open_rgb(buffer.getvalue(), min_side=hashes.DECODED_SIDE)


def test_the_look_survives_what_happens_to_copies() -> None:
    for seed in range(5):
        shown = picture(seed, (800, 600))
        own = [np.uint64(hashed(shown)) for hashed in (hashes.look_hash, hashes.edge_hash)]
        for copy in (jpeg(shown, 95), jpeg(shown, 30), shown.resize((200, 150)), shown.resize((1200, 900))):
            assert hashes.distance(own[0], np.uint64(hashes.look_hash(copy))) <= 4
            assert hashes.distance(own[1], np.uint64(hashes.edge_hash(copy))) <= 6
        other = picture(seed + 10, (800, 600))
        assert hashes.distance(own[0], np.uint64(hashes.look_hash(other))) > 16
        assert hashes.distance(own[1], np.uint64(hashes.edge_hash(other))) > 16


def by_hand(values: np.ndarray, near: Callable[[int, int], bool]) -> list[int]:
    kept: list[int] = []
    result = []
    for row in range(len(values)):
        before = [other for other in kept if near(other, row)]
        result.append(before[0] if before else row)
        if not before:
            kept.append(row)
    return result


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 16), st.integers(1, 60), st.sampled_from([3, 16, 1024]))
def test_leaders_are_those_of_going_through_them_in_order(seed: int, most: int, count: int, base: int) -> None:
    rng = np.random.default_rng(seed)
    centres = rng.integers(0, 2**64, 4, dtype=np.uint64)
    flips = np.bitwise_or.reduce(np.uint64(1) << rng.integers(0, 64, (count, 9), dtype=np.uint64), axis=1)
    values = centres[rng.integers(0, 4, count)] ^ (flips & rng.integers(0, 2**64, count, dtype=np.uint64))
    pairs = np.stack([values, rng.integers(0, 8, count, dtype=np.uint64)], axis=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(near_hashes, "_BASE", base)
        patch.setattr(near_hashes, "_CANDIDATES", 7)
        for hashed, limits in ((values, most), (pairs, (most, 1))):

            def near(a: int, b: int, second: bool = hashed is pairs) -> bool:
                edges = (int(pairs[a, 1]) ^ int(pairs[b, 1])).bit_count()
                return (int(values[a]) ^ int(values[b])).bit_count() <= most and (not second or edges <= 1)

            assert near_hashes.leaders(hashed, limits).tolist() == by_hand(values, near)
            half = count // 2
            expected = [next((k for k in range(half) if near(k, row)), -1) for row in range(half, count)]
            assert near_hashes.earliest(hashed[:half], hashed[half:], limits).tolist() == expected


def test_many_hashes_in_little_time_and_one_look_a_thousand_times() -> None:
    rng = np.random.default_rng(1)
    values = rng.integers(0, 2**64, 60_000, dtype=np.uint64)
    values[20_000:21_000] = values[7]
    values[40_000:41_000] = values[9] ^ (np.uint64(1) << rng.integers(0, 64, 1000, dtype=np.uint64))
    found = near_hashes.leaders(values, 6)
    assert (found[20_000:21_000] == 7).all() and (found[40_000:41_000] == 9).all()
    assert (
        np.delete(found, np.r_[20_000:21_000, 40_000:41_000])
        == np.delete(np.arange(60_000), np.r_[20_000:21_000, 40_000:41_000])
    ).all()


def test_a_chain_of_looks_keeps_what_is_unlike_all_that_stay(tmp_path: Path) -> None:
    """b is like a, c is like b but not like a: c stays, and every twin that is named stays too."""
    assert near_hashes.leaders(np.array([0, 0b111, 0b111111], np.uint64), 3).tolist() == [0, 0, 2]


# --- lots


def crowd(tmp_path: Path) -> Path:
    rows = [
        {
            "id": f"p{number}",
            "user": [None, "a", "b"][number % 3],
            "latitude": [10.0, 50.0][number % 2],
            "longitude": 5.0,
        }
        for number in range(60)
    ]
    return write_records(tmp_path / "crowd.parquet", [*rows, {"id": "nowhere", "user": "a"}])


def test_one_photo_of_each_user_and_cell(tmp_path: Path) -> None:
    found = clean(crowd(tmp_path), tmp_path / "out", one_per_user_cell={"level": 8, "seed": 1})
    assert found["rejected"] == {"same user and cell": 36, "no position": 1}
    kept = Records.read(tmp_path / "out")
    users = kept.strings("user")
    assert (users.count(None), users.count("a"), users.count("b")) == (20, 2, 2)  # of unknown users all stay
    drawn = {row["id"] for row in kept.table.to_pylist() if row["user"]}
    details = [detail for reason, detail in rejects_of(tmp_path / "out").values() if reason == "same user and cell"]
    assert {detail.split("'")[3] for detail in details} == drawn
    token = s2.token(s2.encode([[10.0, 5.0]], 8))[0]
    assert sum(f"in cell {token} of level 8" in detail for detail in details) == 18
    clean(crowd(tmp_path), tmp_path / "other", one_per_user_cell={"level": 8, "seed": 2})
    assert set(Records.read(tmp_path / "other").strings("id")) != set(kept.strings("id"))
    with pytest.raises(InputError, match="--one-per-user-cell takes a level of S2 from 0 to 30; got 31"):
        clean(crowd(tmp_path), tmp_path / "none", one_per_user_cell={"level": 31})


@pytest.mark.parametrize(("by", "kept"), [("cell", 10), ("country", 10), ("user", 15)])
def test_balance_keeps_so_many_of_each(tmp_path: Path, by: str, kept: int) -> None:
    found = clean(crowd(tmp_path), tmp_path / "out", balance={"most": 5, "by": by, "seed": 3})
    assert found["kept"] == kept
    ids = Records.read(tmp_path / "out").strings("id")
    rejected = rejects_of(tmp_path / "out")
    if by != "user":
        assert rejected.pop("nowhere") == ("no position", "it has no position")
    assert {reason for reason, _ in rejected.values()} == {"balance"}
    named = {"cell": "cell ", "country": "Belgium", "user": "user 'a'"}[by]
    assert any(f"5 photos of {named}" in detail for _, detail in rejected.values())
    # whoever was drawn among many is drawn among few
    few = [row for row in Records.read(crowd(tmp_path)).table.to_pylist() if row["id"] in ids[:7]]
    again = write_records(tmp_path / "few.parquet", few)
    assert clean(again, tmp_path / "again", balance={"most": 5, "by": by, "seed": 3})["kept"] == 7


def test_balance_by_what_is_not_there(tmp_path: Path) -> None:
    for given_, told in (
        ({"most": 0}, "--balance must be at least 1; got 0"),
        ({"most": 1, "by": "town"}, "--balance-by takes cell, country or a column of the records; 'town' is none"),
        ({"most": 1, "level": 40}, "--balance-level takes a level of S2 from 0 to 30; got 40"),
    ):
        with pytest.raises(InputError, match=told):
            clean(crowd(tmp_path), tmp_path / "out", balance=given_)


def test_a_photo_is_read_once(tmp_path: Path) -> None:
    row = saved(tmp_path / "a.jpg", picture(1))
    photo = CuratedPhoto(row)
    first = photo.picture(64)
    (tmp_path / "a.jpg").unlink()
    assert photo.picture(64) is first and photo.picture(None).size == (160, 120)
    with pytest.raises(ImageError, match="the record names no image file"):
        CuratedPhoto({"id": "x", "image": None}).picture(64)
