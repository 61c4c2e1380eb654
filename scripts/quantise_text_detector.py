"""Make evidence/data/text_detector_int8.onnx: the text detector in RapidOCR's wheel, in whole numbers of 8 bits.

    python scripts/quantise_text_detector.py            # takes a minute

The scales of the activations are those of photos of the shared table that may train what is shipped. The file has a
second output, ``features``, from which ``train_text_look.py`` learns where text may be. Needs onnx.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import onnxruntime
import rapidocr
from onnx import helper, version_converter
from onnxruntime import quantization
from rendered_lines import PHOTOS, photo_names

from whereshot.evidence.text_look import FEATURES

OUT = Path(__file__).parents[1] / "src" / "whereshot" / "evidence" / "data" / "text_detector_int8.onnx"
SOURCE = Path(rapidocr.__file__).parent / "models" / "PP-OCRv6_det_small.onnx"
COUNT, SIZE_PX = 40, (512, 384)
"""Number of photos, and the width and height at which the detector sees them."""
OPSET = 17
OPERATORS = ["Conv", "Add", "Concat", "Resize", "MaxPool", "GlobalAveragePool", "Mul"]
"""What is computed in whole numbers."""


def simplified(source: Path, folder: Path) -> onnx.ModelProto:
    """Return a network after ONNX Runtime folded its constants, with each Gelu as one operator."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(folder / "basic.onnx")
    onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
    model = version_converter.convert_version(onnx.load(folder / "basic.onnx"), OPSET)
    join_gelus(model.graph)
    for number in reversed(range(len(model.opset_import))):
        if model.opset_import[number].domain not in ("", "com.microsoft"):
            del model.opset_import[number]
    return model


def join_gelus(graph: onnx.GraphProto) -> None:
    """Replace x / sqrt 2, Erf, + 1, and two products by one Gelu of ONNX Runtime."""
    made_by = {name: node for node in graph.node for name in node.output}
    used_by: dict[str, list[Any]] = {}
    for node in graph.node:
        for name in node.input:
            used_by.setdefault(name, []).append(node)
    joined, dropped = {}, set()
    for number, erf in enumerate(node for node in graph.node if node.op_type == "Erf"):
        division = made_by[erf.input[0]]
        steps = [division, erf, used_by[erf.output[0]][0]]
        for _ in range(2):
            steps.append(used_by[steps[-1].output[0]][0])
        assert [node.op_type for node in steps] == ["Div", "Erf", "Add", "Mul", "Mul"]
        *others, last = steps
        joined[last.output[0]] = helper.make_node(
            "Gelu", [division.input[0]], [last.output[0]], domain="com.microsoft", name=f"Gelu.{number}"
        )
        dropped |= {node.output[0] for node in others}
    kept = [joined.get(node.output[0], node) for node in graph.node if node.output[0] not in dropped]
    del graph.node[:]
    graph.node.extend(kept)


def give_features(graph: onnx.GraphProto) -> None:
    """Make the input of the detector's head, in whole numbers, a second output: (1, 96, height / 4, width / 4)."""
    joined = [node.output[0] for node in graph.node if node.op_type == "Concat"][-1]
    (own,) = (node.output[0] for node in graph.node if node.op_type == "QuantizeLinear" and node.input[0] == joined)
    for node in graph.node:
        for names in (node.input, node.output):
            names[:] = [FEATURES if name == own else name for name in names]
    graph.output.append(helper.make_tensor_value_info(FEATURES, onnx.TensorProto.UINT8, (1, 96, "rows", "columns")))


class Photos(quantization.CalibrationDataReader):
    """Photos as the detector takes them, one after another."""

    def __init__(self, name: str) -> None:
        self._values = self._read(name)

    def get_next(self) -> dict[str, Any] | None:
        return next(self._values, None)

    def _read(self, name: str) -> Iterator[dict[str, Any]]:
        for path in photo_names(COUNT):
            pixels = cv2.resize(cv2.imread(str(PHOTOS / path)), SIZE_PX, interpolation=cv2.INTER_CUBIC)
            yield {name: np.ascontiguousarray((pixels.astype(np.float32) / 127.5 - 1).transpose(2, 0, 1)[None])}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=OUT)
    out = parser.parse_args().out
    with tempfile.TemporaryDirectory() as folder:
        model = simplified(SOURCE, Path(folder))
        onnx.save(model, Path(folder) / "simple.onnx")
        quantization.quantize_static(
            Path(folder) / "simple.onnx", out, Photos(model.graph.input[0].name), per_channel=True,
            quant_format=quantization.QuantFormat.QDQ, activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8, op_types_to_quantize=OPERATORS,
        )  # fmt: skip
    made = onnx.load(out)
    give_features(made.graph)
    onnx.save(made, out)
    print(f"{out}: {out.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
