"""GeoCLIP's parts give what the package geoclip and CLIP's published layers give."""

from __future__ import annotations

import importlib
import sys
import types
from pathlib import Path

import numpy as np
import pytest
import torch

from clip_weights import hub_state
from whereshot.foundation import errors
from whereshot.models.networks import geoclip
from whereshot.models.networks.locations import Fourier


@pytest.fixture
def positions(rng: np.random.Generator) -> np.ndarray:
    return np.stack([np.degrees(np.arcsin(rng.uniform(-1, 1, 40))), rng.uniform(-180, 180, 40)], axis=1)


@pytest.fixture(scope="session")
def geoclip_encoder() -> Fourier:
    try:
        return geoclip.location_encoder()
    except errors.MissingExtraError:
        pytest.skip("needs the package geoclip (extra geoclip)")


def package_encoder(monkeypatch: pytest.MonkeyPatch) -> torch.nn.Module:
    """The package's own encoder with its own weights; its face, which wants transformers, is left out."""
    try:
        importlib.import_module("pandas")
    except ImportError:  # only its gallery is read by it
        monkeypatch.setitem(sys.modules, "pandas", types.ModuleType("pandas"))
    face = types.ModuleType("geoclip_without_face")
    face.__path__ = [str(geoclip.package_folder())]
    monkeypatch.setitem(sys.modules, face.__name__, face)
    for name in ("misc", "rff", "rff.functional", "rff.layers", "location_encoder"):
        monkeypatch.delitem(sys.modules, f"{face.__name__}.{name}", raising=False)
    return importlib.import_module(f"{face.__name__}.location_encoder").LocationEncoder().eval()


def test_geoclip_is_the_package_s(
    geoclip_encoder: Fourier, positions: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = package_encoder(monkeypatch)
    inputs = torch.tensor(positions, dtype=torch.float32)
    with torch.inference_mode():
        wanted, found = theirs(inputs), geoclip_encoder(inputs)
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)
    assert torch.nn.functional.cosine_similarity(found, wanted).min() > 1 - 1e-6

    before = list(theirs.state_dict().values())
    after = list(geoclip_encoder.state_dict().values())
    denormal = sum(int(((old != 0) & (old.abs() < torch.finfo(torch.float32).tiny)).sum()) for old in before)
    assert denormal == 96_859
    for old, new in zip(before, after, strict=True):  # every weight, but for these
        assert torch.equal(torch.where(old.abs() < torch.finfo(torch.float32).tiny, 0.0, old), new)


def test_geoclip_s_image_head_is_the_package_s(geoclip_encoder: Fourier) -> None:
    weights = geoclip.package_folder() / "weights"
    wanted = torch.load(weights / "image_encoder_mlp_weights.pth", weights_only=True)
    found = geoclip.image_head().state_dict()
    assert wanted.keys() == found.keys()
    for name, tensor in wanted.items():
        assert torch.equal(tensor, found[name]), name
    scale = torch.load(weights / "logit_scale_weights.pth", weights_only=True)
    assert geoclip.logit_scale() == pytest.approx(scale.exp().item(), rel=1e-6)


def test_geoclip_that_is_not_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.delitem(sys.modules, "geoclip", raising=False)
    importlib.invalidate_caches()
    with pytest.raises(errors.MissingExtraError) as caught:
        geoclip.location_encoder()
    assert str(caught.value) == ("geoclip is not installed; run in the source folder: pip install '.[geoclip]'")
    weights = tmp_path / "geoclip" / "model" / "weights"
    weights.mkdir(parents=True)
    (tmp_path / "geoclip" / "__init__.py").touch()
    (weights / "location_encoder_weights.pth").write_bytes(b"no archive")
    importlib.invalidate_caches()
    with pytest.raises(errors.ModelError, match=r"location_encoder_weights.pth: cannot be read \(File is not a zip"):
        geoclip.location_encoder()


def reference_clip(state: dict[str, torch.Tensor], images: torch.Tensor, heads: int) -> torch.Tensor:
    """CLIP's vision tower as its paper and Hugging Face's code have it, from weights of the hub's names."""
    functional = torch.nn.functional

    def linear(name: str, x: torch.Tensor) -> torch.Tensor:
        return functional.linear(x, state[f"{name}.weight"], state[f"{name}.bias"])

    def norm(name: str, x: torch.Tensor) -> torch.Tensor:
        return functional.layer_norm(x, x.shape[-1:], state[f"{name}.weight"], state[f"{name}.bias"], 1e-5)

    kernel = state["vision_model.embeddings.patch_embedding.weight"]
    patches = functional.conv2d(images, kernel, stride=kernel.shape[-1]).flatten(2).transpose(1, 2)
    token = state["vision_model.embeddings.class_embedding"].expand(len(images), 1, -1)
    x = torch.cat([token, patches], dim=1) + state["vision_model.embeddings.position_embedding.weight"]
    x = norm("vision_model.pre_layrnorm", x)
    layer = 0
    while f"vision_model.encoder.layers.{layer}.mlp.fc1.weight" in state:
        name = f"vision_model.encoder.layers.{layer}"
        y = norm(f"{name}.layer_norm1", x)
        split = [linear(f"{name}.self_attn.{part}_proj", y).unflatten(2, (heads, -1)).transpose(1, 2) for part in "qkv"]
        attention = (split[0] @ split[1].transpose(2, 3) / split[0].shape[-1] ** 0.5).softmax(-1) @ split[2]
        x = x + linear(f"{name}.self_attn.out_proj", attention.transpose(1, 2).flatten(2))
        y = linear(f"{name}.mlp.fc1", norm(f"{name}.layer_norm2", x))
        x = x + linear(f"{name}.mlp.fc2", y * torch.sigmoid(1.702 * y))
        layer += 1
    return norm("vision_model.post_layernorm", x[:, 0]) @ state["visual_projection.weight"].T


def test_the_tower_is_clip_s(geoclip_encoder: Fourier, tmp_path: Path) -> None:
    from safetensors.torch import save_file

    from whereshot.models.networks import BackboneSettings, create

    state = hub_state()
    save_file(state, tmp_path / "clip.safetensors")
    options = {"embed_dim": 32, "depth": 2, "num_heads": 2, "img_size": 28}
    tower = create(BackboneSettings(name="geoclip", weights=tmp_path / "clip.safetensors", options=options))
    images = torch.randn(3, 3, 28, 28, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        wanted = reference_clip(state, images, 2)
        torch.testing.assert_close(tower.network.clip(images), wanted, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(tower(images), geoclip.image_head()(wanted), rtol=1e-4, atol=1e-4)
    assert tower.dim == 512

    del state["visual_projection.weight"]
    save_file(state, tmp_path / "clip.safetensors")
    with pytest.raises(errors.ModelError, match=r"^CLIP's weights lack 'visual_projection.weight'$"):
        create(BackboneSettings(name="geoclip", weights=tmp_path / "clip.safetensors", options=options))
