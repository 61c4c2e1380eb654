"""The step scene: recorded probabilities are believed, a classifier fills the gaps, other scenes are refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from curating import clean, rejects_of, saved, write_records
from whereshot.foundation.errors import InputError
from whereshot.photos import images
from whereshot.photos.curate import scene
from whereshot.photos.records import Records


def classifier(path: Path, classes: int, side: int = 8) -> Path:
    """A model whose first three values follow the mean of red, green and blue, and whose others are 0."""
    onnx = pytest.importorskip("onnx", reason="needs onnx (extra export)")
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
            "'b,1,x,0' is not a class with 0 or 1 for indoor, natural, urban",
        ),
    ):
        with pytest.raises(InputError, match=told):
            clean(bare, tmp_path / "bare", scene=given_)
