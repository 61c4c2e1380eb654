"""Image backbones of timm: pictures (n, 3, h, w) become pooled features (n, dim).

Weights come from a local file or from the hub, or are random.
"""

from __future__ import annotations

import difflib
import hashlib
import os
from pathlib import Path
from typing import Annotated, Any, Literal

import torch
from pydantic import BeforeValidator, Field
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from whereshot.foundation import download, settings_file
from whereshot.foundation.errors import ConfigError, InputError, ModelError, one_line, require
from whereshot.foundation.settings_file import ConfigPath, Settings
from whereshot.models.networks.base import FeatureNetwork
from whereshot.models.networks.geoclip import ImageTower
from whereshot.photos.preprocess import Preprocess

TOWERS: dict[str, type[ImageTower]] = {"geoclip": ImageTower}
"""Backbones with further layers on a timm network. The option "tower" names another timm network."""

_torchvision_schemas: torch.library.Library | None = None


def _timm() -> Any:
    """Import timm, first declaring what a CPU-only torch lacks.

    The registry's torchvision is built for CUDA. Beside a CPU torch its compiled operators do not load, and its
    import (timm's too) then fails with "operator torchvision::nms does not exist". Declaring the two schemas
    that it looks for lets the import pass; the operators themselves stay unusable, and nothing here uses them.
    """
    global _torchvision_schemas
    import importlib.util

    if download.is_offline():  # must be set before the hub's client is imported, which then uses its cache only
        os.environ["HF_HUB_OFFLINE"] = "1"
    missing = not hasattr(torch.ops.torchvision, "nms")
    compiled_for_cuda = torch.version.cuda is None and importlib.util.find_spec("torchvision") is not None
    if missing and compiled_for_cuda and _torchvision_schemas is None:
        library = torch.library.Library("torchvision", "DEF")  # type: ignore[no-untyped-call]  # torch gives it no types
        for name in ("nms", "qnms"):
            schema = f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
            library.define(schema)  # type: ignore[no-untyped-call]  # torch gives it no types
        _torchvision_schemas = library
    return require("timm", extra="torch")


def _how_much(trained: Any) -> Any:
    if isinstance(trained, bool) or (isinstance(trained, int) and trained >= 1):
        return trained
    raise ValueError("expected true (the whole backbone), false, or the number of last blocks to train, at least 1")


class BackboneSettings(Settings):
    """The network that turns a picture into features, and where its weights come from.

    ``name`` is a name of timm. For weights from the hub it may have a tag: "mobilenetv2_100.ra_in1k".
    """

    name: str
    weights: Annotated[Literal["hub", "random"] | ConfigPath, Field(union_mode="left_to_right")] = "random"
    options: dict[str, Any] = Field(default_factory=dict)
    """Further arguments of ``timm.create_model`` that the weights need, for example ``pad_type = "same"``."""
    trained: Annotated[bool | int, BeforeValidator(_how_much)] = False
    """Whether training changes the backbone: true, false, or the number of last blocks to train.

    The features of a frozen backbone are cached.
    """


class Backbone(FeatureNetwork):
    """A timm network without its classifier; ``identity`` is the hash of its initial weights."""

    def __init__(self, settings: BackboneSettings, network: nn.Module, identity: str) -> None:
        super().__init__()
        self.settings = settings
        self.network = network
        self.identity = identity
        self.dim = int(getattr(network, "num_features"))  # noqa: B009  # of timm's networks, not of torch's modules
        pooled = getattr(network, "head_hidden_size", None)
        if pooled:
            self.dim = int(pooled)

    @property
    def features_key(self) -> str:
        """A short text of all that the features depend on besides the picture: name, options and weights."""
        built = f"{self.settings.name} {sorted(self.settings.options.items())} {self.identity}"
        return hashlib.blake2b(built.encode(), digest_size=16).hexdigest()

    def blocks(self) -> dict[str, int]:
        """Return the block number of each parameter by its name; the stem is block 0.

        Blocks are timm's finest groups: transformer blocks or residual blocks. The last norm belongs to the last block.
        """
        tower = isinstance(self.network, ImageTower)
        network = self.network.clip if tower else self.network
        matcher: Any = getattr(network, "group_matcher")  # noqa: B009  # of timm's networks, not of torch's modules
        groups: dict[str, int] = _timm().models.group_parameters(network, matcher(coarse=False), reverse=True)
        if not tower:
            return groups
        top = max(groups.values()) + 1
        inner = {f"clip.{name}": block for name, block in groups.items()}
        return {name: inner.get(name, top) for name, _ in self.network.named_parameters()}

    def train_last(self, count: int) -> None:
        """Freeze all but the last ``count`` blocks. Raises ConfigError where the network has fewer blocks."""
        blocks = self.blocks()
        total = max(blocks.values()) + 1
        if count > total:
            name = self.settings.name
            raise ConfigError(f"backbone.trained = {count}: {name} has {total} blocks; take fewer, or true for all")
        for name, parameter in self.network.named_parameters():
            parameter.requires_grad_(blocks[name] >= total - count)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the features (n, dim) of pictures (n, 3, h, w)."""
        result: torch.Tensor = self.network(images)
        return result

    def train(self, mode: bool = True) -> Backbone:
        """Set the training mode. Batch norms keep their statistics, because batches are small and biased."""
        super().train(mode)
        for module in self.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.eval()
        return self


def default_preprocess(settings: BackboneSettings, **changes: Any) -> Preprocess:
    """Return the preprocessing that timm documents for a network, with ``changes``.

    Raises InputError for a name that timm does not know, ConfigError for a wrong change.
    """
    network = _build(settings, from_hub=False)
    data = _timm().data.resolve_data_config(model=network.clip if isinstance(network, ImageTower) else network)
    size = data["input_size"][1]
    known = {
        "size": size,
        "resize": size,
        "interpolation": data["interpolation"] if data["interpolation"] in ("bilinear", "bicubic") else "bicubic",
        "mean": data["mean"],
        "std": data["std"],
    }
    if "size" in changes:
        changes.setdefault("resize", changes["size"])
    return settings_file.parse(known | changes, Preprocess, name="preprocess")


def create(settings: BackboneSettings, *, load_weights: bool = True, seed: int = 0) -> Backbone:
    """Build a backbone. Without ``load_weights`` a model folder loads the weights later.

    Random weights depend on the ``seed`` alone. Raises InputError for a name that timm does not know, ModelError for
    weights that do not fit or cannot be fetched.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = _build(settings, from_hub=load_weights and settings.weights == "hub")
    identity = "unset"
    if load_weights and isinstance(settings.weights, Path):
        identity = _load_file(network, settings.weights)
    elif load_weights:
        identity = _state_digest(network)
    backbone = Backbone(settings, network, identity).eval()
    if settings.trained and settings.trained is not True:
        backbone.train_last(settings.trained)
    return backbone


def _build(settings: BackboneSettings, *, from_hub: bool) -> nn.Module:
    timm = _timm()
    options = {key: value for key, value in settings.options.items() if key != "num_classes"}
    name, classes, tower = settings.name, 0, TOWERS.get(settings.name)
    if tower is not None:
        if from_hub:
            raise InputError(f"backbone {name}: the hub's weights come with: whereshot models get {name}")
        name, classes = options.pop("tower", tower.tower), tower.classes
    if not timm.is_model(name):
        close = difflib.get_close_matches(name, [*timm.list_models(), *TOWERS], n=1, cutoff=0.5)
        hint = f"did you mean {close[0]!r}?" if close else "timm.list_models() lists all names"
        raise InputError(f"no backbone {name!r} in timm; {hint}")
    try:
        network = timm.create_model(name, pretrained=from_hub, num_classes=classes, **options)
    except TypeError as error:
        raise InputError(f"backbone {settings.name}: wrong option ({error})") from error
    except Exception as error:  # the errors of the hub's client, its HTTP library and timm have no common base
        reason = one_line(error)
        if from_hub:
            hint = "run it again, or name a file of weights in backbone.weights"
            raise ModelError(f"backbone {settings.name}: no weights from the hub ({reason}); {hint}") from error
        if isinstance(error, (OSError, RuntimeError)):
            raise InputError(f"backbone {settings.name}: {reason}") from error
        raise
    return network if tower is None else tower(network)


def _load_file(network: nn.Module, path: Path) -> str:
    """Load a safetensors file without its classifier; return the hash of the file. Raises ModelError."""
    try:
        state = load_file(path)
    except FileNotFoundError:
        raise ModelError(f"{path}: no such weights file") from None
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{path}: not a safetensors file ({error})") from error
    if isinstance(network, ImageTower):
        state = network.adapt(state)
    wanted = network.state_dict()
    missing = sorted(wanted.keys() - state.keys() - {k for k in wanted if k.endswith("num_batches_tracked")})
    if missing:
        raise ModelError(f"{path}: {len(missing)} weights of the network are missing, first {missing[0]!r}")
    for name, tensor in wanted.items():
        if name in state and state[name].shape != tensor.shape:
            raise ModelError(f"{path}: {name!r} is {tuple(state[name].shape)}, the network has {tuple(tensor.shape)}")
    network.load_state_dict({k: v for k, v in state.items() if k in wanted}, strict=False)
    return hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()


def _state_digest(network: nn.Module) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for name, tensor in sorted(network.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
