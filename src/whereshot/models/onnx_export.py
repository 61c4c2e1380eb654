"""Export a torch network as network.onnx and network.json, which give the same outputs without torch.

network.json describes how a picture becomes the input of the network, and what the outputs mean. Writing needs
torch and the package onnx; reading needs neither.
"""

from __future__ import annotations

import datetime
import json
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from whereshot.foundation import output_files, settings_file
from whereshot.foundation.errors import ModelError, OutputError, first_line, require
from whereshot.foundation.tables import write_parquet
from whereshot.foundation.version import VERSION
from whereshot.models import manifest, model_folder
from whereshot.models.description import BackboneDescription, ModelDescription
from whereshot.photos import preprocess
from whereshot.photos.preprocess import Preprocess

if TYPE_CHECKING:
    import torch

    from whereshot.models.networks import Backbone

OPSET = 17
_FEW = 256  # arrays with fewer numbers stay in float32
_MEANING = {
    "pooled": "features of a photo, (photos, dim), not scaled",
    "features": "features of a photo, (photos, dim), of unit length",
    "logits": "scores of the cells of all levels, coarse to fine, (photos, cells): a softmax per level",
    "encoding": "encodings of a photo, (photos, dim), of unit length, to compare with those of places",
    "offset": "km east and north of the chosen cell's centroid, (photos, 2)",
    "offset_cell": "number of the finest cell that the offset is for, (photos, 1)",
    "components": "latitude, longitude, log weight and spread in km of the heaviest places, (photos, places, 4)",
}


def export(model: str | Path, out: Path, *, overwrite: bool = False) -> Path:
    """Write a model with network.onnx and network.json as the model folder ``out``; return its path.

    Raises ModelError for a model without a network or with a network that cannot be traced, OutputError where ``out``
    cannot be written.
    """
    folder = model_folder.ModelFolder(model)
    if out.exists() and not (overwrite and manifest.is_model(out)):
        raise OutputError(
            f"{out}: exists already; choose another out" + ", or give --overwrite" * manifest.is_model(out)
        )
    described = folder.description
    if folder.onnx is None:
        network = folder.network()
        names = _outputs_of(network)
        content = to_onnx(of_photos(network, names), described.preprocess, names)
        document = describe(described.preprocess, names, {"cells per level": list(folder.hierarchy.sizes)})
    else:
        content = folder.onnx.read_bytes()
        document = json.loads((folder.path / model_folder.ONNX_DOCUMENT).read_text("utf-8"))

    def fill(beside: Path) -> None:
        for path in folder.files():
            output_files.copy_file(path, beside / path.name)
        # an older library has digests in this column
        if folder.memory_settings is not None and "digest" in folder.photos.column_names:
            write_parquet(folder.photos.drop_columns(["digest"]), beside / model_folder.PHOTOS)
        output_files.write_bytes(beside / model_folder.ONNX, content)
        output_files.write_text(beside / model_folder.ONNX_DOCUMENT, json.dumps(document, indent=1) + "\n")

    manifest.write_files(out, fill)
    return out


def _outputs_of(network: Any) -> list[str]:
    import torch

    with torch.inference_mode():
        return list(network.from_features(torch.zeros(1, network.backbone.dim)))


def write_backbone(
    out: Path,
    name: str,
    backbone: Backbone,
    settings: Preprocess,
    training: Mapping[str, Any],
    extra_files: Mapping[str, str | bytes],
) -> None:
    """Write a backbone in half precision as a model folder. Alone it answers with the prior; ``learn`` can use it.

    Batch norms are folded into the convolutions, also in ``backbone`` itself. Raises OutputError.
    """
    fold(backbone, settings)
    content = to_onnx(of_photos(backbone, ["pooled"]), settings, ["pooled"], half=True)
    described = backbone.settings
    description = ModelDescription(
        format=manifest.FORMAT,
        name=name,
        created=datetime.datetime.now(datetime.UTC).replace(microsecond=0),
        version=VERSION,
        backbone=BackboneDescription(
            name=described.name, options=described.options, trained=True, identity=backbone.identity
        ),
        preprocess=settings,
        readouts=(),
        training=dict(training),
    )

    def fill(beside: Path) -> None:
        settings_file.save(description, beside / "model.toml")
        output_files.write_bytes(beside / model_folder.ONNX, content)
        document = describe(settings, ["pooled"], {})
        output_files.write_text(beside / model_folder.ONNX_DOCUMENT, json.dumps(document, indent=1) + "\n")
        for file, held in extra_files.items():
            output_files.write_bytes(beside / file, held if isinstance(held, bytes) else held.encode())

    manifest.write_files(out, fill)


def describe(settings: Preprocess, outputs: Sequence[str], more: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content of network.json: the input of the network, how to make it of a picture, and the outputs."""
    steps = [
        "turn upright by EXIF, convert to RGB",
        f"resize ({settings.interpolation}, antialiased)"
        + (
            f" so that the shorter side is {settings.resize} and both are the nearest multiples of "
            f"{preprocess.WHOLE_STRIDE}, the longer at most {preprocess.WHOLE_LONGEST} times {settings.resize}"
            if settings.whole
            else f" so that the shorter side is {settings.resize}, cut {settings.crops} squares of {settings.size} "
            "evenly along the longer side (one, the middle, where the sides differ by 5 % or less)"
        ),
        "divide by 255, subtract mean, divide by std, per channel; channels first",
    ]
    return {
        "input": {"name": "pixels", "type": "float32", "shape": ["photos", "crops", 3, "height", "width"]},
        "preprocess": settings.model_dump(mode="json") | {"steps": steps},
        "outputs": {name: _MEANING[name] for name in outputs},
        "postprocess": dict(more),
    }


def to_onnx(module: torch.nn.Module, settings: Preprocess, outputs: Sequence[str], *, half: bool = False) -> bytes:
    """Return a module from (photos, crops, 3, h, w) to ``outputs`` as the bytes of an ONNX file.

    ``half`` stores large weights in half precision. Raises MissingExtraError without the package onnx, ModelError where
    torch cannot export the module.
    """
    torch, onnx = require("torch", extra="torch"), require("onnx", extra="export")
    axes: dict[str, dict[int, str]] = {"pixels": {0: "photos", 1: "crops"}} | {name: {0: "photos"} for name in outputs}
    if settings.whole:
        axes["pixels"] |= {3: "height", 4: "width"}
    width = settings.size + preprocess.WHOLE_STRIDE * settings.whole
    example = torch.zeros(2, settings.crops, 3, settings.size, width)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        module.eval()(example)  # values that heads compute once become constants
        path = str(Path(folder) / "network.onnx")
        try:
            torch.onnx.export(
                module,
                (example,),
                path,
                input_names=["pixels"],
                output_names=list(outputs),
                dynamic_axes=axes,
                opset_version=OPSET,
                dynamo=False,
            )
        except (RuntimeError, torch.onnx.errors.OnnxExporterError) as error:
            raise ModelError(f"the network cannot be exported ({first_line(error)})") from error
        model = onnx.load(path)
    if half:
        _halve(model.graph)
    del model.metadata_props[:]
    for node in model.graph.node:
        node.doc_string = ""
    result: bytes = model.SerializeToString()
    return result


def _halve(graph: Any) -> None:
    """Store large weights in half precision. ONNX Runtime converts them to float32 once, when it loads the file."""
    onnx = require("onnx", extra="export")
    casts = []
    for weights in graph.initializer:
        array = onnx.numpy_helper.to_array(weights)
        if array.dtype == np.float32 and array.size >= _FEW:
            name = weights.name
            weights.CopyFrom(onnx.numpy_helper.from_array(array.astype(np.float16), f"{name}_half"))
            casts.append(onnx.helper.make_node("Cast", [f"{name}_half"], [name], to=onnx.TensorProto.FLOAT))
    nodes = list(graph.node)
    del graph.node[:]
    graph.node.extend([*casts, *nodes])


def fold(backbone: Backbone, settings: Preprocess) -> None:
    """Move the scale of each batch norm into the convolution before it, and round all weights to half precision.

    The batch norm then only adds a bias. The names and shapes of the weights do not change.
    """
    import torch
    from torch import nn

    after: dict[int, nn.Conv2d] = {}
    pairs: list[tuple[nn.Conv2d, Any]] = []
    kept: list[Any] = []  # keeps tensors alive, so that no id is used twice

    def made(module: nn.Module, _: Any, output: torch.Tensor) -> None:
        kept.append(output)
        if isinstance(module, nn.Conv2d):
            after[id(output)] = module

    def taken(module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        if id(inputs[0]) in after:
            pairs.append((after[id(inputs[0])], module))

    hooks = []
    for module in backbone.modules():
        if isinstance(module, nn.Conv2d):
            hooks.append(module.register_forward_hook(made))
        elif isinstance(module, nn.modules.batchnorm._BatchNorm):
            hooks.append(module.register_forward_pre_hook(taken))
    with torch.no_grad():
        backbone.eval()(torch.zeros(1, 3, settings.size, settings.size))
        for hook in hooks:
            hook.remove()
        for conv, norm in pairs:
            gain = norm.weight / (norm.running_var + norm.eps).sqrt()
            conv.weight.mul_(gain[:, None, None, None])
            norm.bias.sub_(norm.running_mean * gain)
            norm.weight.fill_(1.0)
            norm.running_mean.zero_()
            norm.running_var.fill_(1.0 - norm.eps)
        for tensor in backbone.parameters():
            tensor.copy_(tensor.half().float())


def of_photos(network: Any, names: Sequence[str]) -> torch.nn.Module:
    """Return a network, or a backbone alone, as a module from (photos, crops, 3, h, w) to the named outputs."""
    from torch import nn

    class OfPhotos(nn.Module):
        """A network on (photos, crops, 3, h, w). The crops of a photo have equal weight."""

        def __init__(self, network: Any, names: Sequence[str]) -> None:
            super().__init__()
            self.network, self.names = network, list(names)

        def forward(self, pixels: torch.Tensor) -> tuple[torch.Tensor, ...]:
            """Return the named outputs of pixels (photos, crops, 3, h, w)."""
            backbone = getattr(self.network, "backbone", self.network)
            pooled = backbone(pixels.flatten(0, 1))
            pooled = pooled.reshape(pixels.shape[0], pixels.shape[1], -1).mean(dim=1)
            if backbone is self.network:
                return (pooled,)
            outputs = self.network.from_features(self.network.scaling(pooled))
            return tuple(outputs[name] for name in self.names)

    return OfPhotos(network, names).eval()
