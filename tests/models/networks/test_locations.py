"""Location encoders: their maths is that of the papers, GeoCLIP's is the package's, and small weights are harmless."""

from __future__ import annotations

import importlib
import sys
import types
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.special import sph_harm_y

from whereshot.foundation import errors
from whereshot.models.networks import geoclip, locations
from whereshot.models.networks.locations import ENCODERS, Fourier, FourierSettings, Harmonics, HarmonicsSettings

SMALL = {
    "fourier": FourierSettings(sigmas=(1.0, 8.0), features=8, width=16, depth=1, dim=12),
    "harmonics": HarmonicsSettings(degrees=6, width=16, depth=1, dim=12),
}


@pytest.fixture
def positions(rng: np.random.Generator) -> np.ndarray:
    return np.stack([np.degrees(np.arcsin(rng.uniform(-1, 1, 40))), rng.uniform(-180, 180, 40)], axis=1)


@pytest.fixture(scope="session")
def geoclip_encoder() -> Fourier:
    try:
        return geoclip.location_encoder()
    except errors.MissingExtraError:
        pytest.skip("needs the package geoclip (extra geoclip)")


def test_every_encoder_is_tried() -> None:
    assert SMALL.keys() == ENCODERS.keys()


@pytest.mark.parametrize("kind", ENCODERS)
def test_gradients_are_those_of_the_encoding(kind: str, positions: np.ndarray) -> None:
    encoder = ENCODERS[kind].encoder(SMALL[kind]).double()
    inputs = torch.tensor(positions[:4], requires_grad=True)
    assert torch.autograd.gradcheck(encoder, (inputs,), eps=1e-6, atol=1e-6)


@pytest.mark.parametrize("kind", ENCODERS)
def test_half_precision_never_gets_in(kind: str, positions: np.ndarray) -> None:
    """bfloat16 would tell a place a kilometre from where it is another encoding than its own."""
    encoder = ENCODERS[kind].encoder(SMALL[kind])
    inputs = torch.tensor(positions)
    with torch.autocast("cpu", torch.bfloat16):
        inside = encoder(inputs)
    assert inside.dtype == torch.float32
    assert torch.equal(inside, encoder(inputs))


def test_harmonics_are_those_of_scipy(positions: np.ndarray) -> None:
    degrees = 30
    found = locations.spherical_harmonics(torch.tensor(positions), degrees).numpy()
    theta, phi = np.radians(90 - positions[:, 0]), np.radians(positions[:, 1])
    for degree in range(degrees):
        for order in range(-degree, degree + 1):
            complex_one = sph_harm_y(degree, abs(order), theta, phi) * (-1) ** order
            part = complex_one.real if order >= 0 else complex_one.imag
            wanted = part * (np.sqrt(2) if order else 1)
            np.testing.assert_allclose(found[:, degree * degree + degree + order], wanted, atol=1e-12)


@pytest.mark.parametrize(
    "encoder", [Harmonics(SMALL["harmonics"]), Fourier(SMALL["fourier"].model_copy(update={"surface": "sphere"}))]
)
def test_on_the_sphere_there_is_no_date_line_and_one_pole(encoder: locations.LocationEncoder) -> None:
    west, east = torch.tensor([[10.0, -180.0], [90.0, 0.0]]), torch.tensor([[10.0, 180.0], [90.0, 123.0]])
    torch.testing.assert_close(encoder(west), encoder(east))


def test_equal_earth_keeps_areas(rng: np.random.Generator) -> None:
    """The determinant of the map's slopes, over the cosine of the latitude, is the same everywhere."""
    inputs = torch.tensor(np.stack([rng.uniform(-85, 85, 50), rng.uniform(-180, 180, 50)], axis=1), requires_grad=True)
    mapped = locations.equal_earth(inputs)
    rows = [torch.autograd.grad(mapped[:, axis].sum(), inputs, retain_graph=True)[0] for axis in (0, 1)]
    area = (rows[0][:, 1] * rows[1][:, 0] - rows[0][:, 0] * rows[1][:, 1]) / torch.deg2rad(inputs[:, 0]).cos()
    torch.testing.assert_close(area, area[:1].expand(50), rtol=1e-5, atol=0)


def test_denormals_are_flushed_and_nothing_else() -> None:
    layer = torch.nn.Linear(3, 1)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1e-40, -1e-39, 1.2e-38]]))
        layer.bias.zero_()
    assert locations.flush_denormals(layer) == 2
    torch.testing.assert_close(layer.weight.detach(), torch.tensor([[0.0, 0.0, 1.2e-38]]), rtol=0, atol=0)


# --- GeoCLIP's


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


# --- its image tower


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


def hub_state(width: int = 32, layers: int = 2, patches: int = 4, seed: int = 0) -> dict[str, torch.Tensor]:
    """Random weights of a small CLIP, named as the hub names them, with a text tower that nobody wants."""
    draw = torch.Generator().manual_seed(seed)

    def random(*shape: int) -> torch.Tensor:
        return 0.2 * torch.randn(shape, generator=draw)

    state = {
        "vision_model.embeddings.class_embedding": random(width),
        "vision_model.embeddings.position_embedding.weight": random(patches + 1, width),
        "vision_model.embeddings.patch_embedding.weight": random(width, 3, 14, 14),
        "visual_projection.weight": random(768, width),
        "text_model.final_layer_norm.weight": random(4),
        "logit_scale": random(1),
    }
    sizes = {f"self_attn.{part}": (width, width) for part in ("q_proj", "k_proj", "v_proj", "out_proj")}
    sizes |= {"mlp.fc1": (4 * width, width), "mlp.fc2": (width, 4 * width)}
    names = ["pre_layrnorm", "post_layernorm"]
    names += [f"encoder.layers.{layer}.layer_norm{number}" for layer in range(layers) for number in (1, 2)]
    for name in names:
        state |= {f"vision_model.{name}.weight": 1 + random(width), f"vision_model.{name}.bias": random(width)}
    for layer in range(layers):
        for name, size in sizes.items():
            state[f"vision_model.encoder.layers.{layer}.{name}.weight"] = random(*size)
            state[f"vision_model.encoder.layers.{layer}.{name}.bias"] = random(size[0])
    return state


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
