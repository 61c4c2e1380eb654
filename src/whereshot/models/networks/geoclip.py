"""Location encoder and image head of GeoCLIP (Vivanco Cepeda, Nayak and Shah 2023), from the package ``geoclip``.

The package is searched but not imported, because its import needs transformers and the network. Its weights are zip
archives of raw little-endian float32 arrays in the order of the layers. Only the arrays are read; the pickled table of
contents beside them is never opened.
"""

from __future__ import annotations

import importlib.util
import zipfile
from pathlib import Path

import numpy as np
import torch
from torch import nn

from whereshot.foundation.errors import ModelError, missing_extra
from whereshot.models.networks.locations import Fourier, FourierSettings, flush_denormals

TOWER_DIM = 768
"""Length of the projected features of CLIP ViT-L/14."""
DIM = 512
"""Length of the encodings."""


def package_folder() -> Path:
    """Return the folder of the package geoclip, with weights and gallery. Raises MissingExtraError."""
    found = importlib.util.find_spec("geoclip")
    if found is None or not found.submodule_search_locations:
        raise missing_extra("geoclip", "geoclip")
    return Path(found.submodule_search_locations[0]) / "model"


def location_encoder() -> Fourier:
    """Return the location encoder, frozen, with denormal weights set to zero. Raises MissingExtraError, ModelError."""
    encoder = Fourier(FourierSettings())
    _fill(encoder, "location_encoder_weights.pth")
    flush_denormals(encoder)
    return encoder.eval().requires_grad_(False)


def image_head() -> nn.Sequential:
    """Return the layers from CLIP's projected features (n, 768) to encodings (n, 512)."""
    head = _empty_head()
    _fill(head, "image_encoder_mlp_weights.pth")
    return head.eval()


def _empty_head() -> nn.Sequential:
    return nn.Sequential(nn.Linear(TOWER_DIM, TOWER_DIM), nn.ReLU(), nn.Linear(TOWER_DIM, DIM))


class ImageTower(nn.Module):
    """Turns pictures (n, 3, h, w) into encodings (n, 512), not normalised: CLIP's projected class token, then the head.

    ``network`` is timm's CLIP vision transformer with 768 outputs.
    """

    tower = "vit_large_patch14_clip_quickgelu_224"
    classes = TOWER_DIM

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.clip, self.head, self.num_features = network, _empty_head(), DIM

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the encodings (n, 512) of pictures (n, 3, h, w)."""
        result: torch.Tensor = self.head(self.clip(images))
        return result

    def adapt(self, state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Return weights with the names of this module, from its own weights or from the weights of CLIP on the hub.

        The weights on the hub have no head; the head of the package is added. Raises MissingExtraError, ModelError.
        """
        if not any(name.startswith("vision_model.") for name in state):
            return state
        try:
            clip = timm_names(state)
        except KeyError as error:
            raise ModelError(f"CLIP's weights lack {error.args[0]!r}") from None
        head = {f"head.{name}": tensor for name, tensor in image_head().state_dict().items()}
        return {f"clip.{name}": tensor for name, tensor in clip.items()} | head


def timm_names(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Convert the vision tower of CLIP from the layout of Hugging Face to the layout of timm's vision transformer."""
    vision = "vision_model"
    renamed = {
        "cls_token": state[f"{vision}.embeddings.class_embedding"].reshape(1, 1, -1),
        "pos_embed": state[f"{vision}.embeddings.position_embedding.weight"][None],
        "patch_embed.proj.weight": state[f"{vision}.embeddings.patch_embedding.weight"],
        "head.weight": state["visual_projection.weight"],
        "head.bias": torch.zeros(len(state["visual_projection.weight"])),
    }
    for ours, theirs in (("norm_pre", "pre_layrnorm"), ("norm", "post_layernorm")):
        renamed |= {f"{ours}.{kind}": state[f"{vision}.{theirs}.{kind}"] for kind in ("weight", "bias")}
    same = {"norm1": "layer_norm1", "norm2": "layer_norm2", "attn.proj": "self_attn.out_proj"}
    same |= {"mlp.fc1": "mlp.fc1", "mlp.fc2": "mlp.fc2"}
    number = 0
    while f"{vision}.encoder.layers.{number}.layer_norm1.weight" in state:
        layer = f"{vision}.encoder.layers.{number}"
        for kind in ("weight", "bias"):
            parts = [state[f"{layer}.self_attn.{part}_proj.{kind}"] for part in "qkv"]
            renamed[f"blocks.{number}.attn.qkv.{kind}"] = torch.cat(parts)
            for ours, theirs in same.items():
                renamed[f"blocks.{number}.{ours}.{kind}"] = state[f"{layer}.{theirs}.{kind}"]
        number += 1
    return {name: tensor.float() for name, tensor in renamed.items()}


def logit_scale() -> float:
    """Return the factor on cosines before the softmax: the exponential of the trained logarithm."""
    return float(np.exp(_arrays(package_folder() / "weights" / "logit_scale_weights.pth")[0].item()))


def _fill(module: nn.Module, name: str) -> None:
    """Copy the arrays of an archive into the tensors of a module, in order. Raises ModelError."""
    path = package_folder() / "weights" / name
    arrays, tensors = _arrays(path), module.state_dict()
    sizes = [array.size for array in arrays]
    if sizes != [tensor.numel() for tensor in tensors.values()]:
        raise ModelError(f"{path}: its {len(arrays)} arrays do not fit GeoCLIP's layers; install geoclip 1.3")
    module.load_state_dict(
        {
            key: torch.from_numpy(array.reshape(tensor.shape))
            for (key, tensor), array in zip(tensors.items(), arrays, strict=True)
        }
    )


def _arrays(path: Path) -> list[np.ndarray]:
    """Return the float32 arrays of an archive of torch, in the order in which they were saved. Raises ModelError."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if Path(name).parent.name == "data"]
            ordered = sorted(names, key=lambda name: int(Path(name).name))
            return [np.frombuffer(archive.read(name), "<f4").astype(np.float32) for name in ordered]
    except (OSError, zipfile.BadZipFile, ValueError) as error:
        raise ModelError(f"{path}: cannot be read ({error}); install geoclip again") from error
