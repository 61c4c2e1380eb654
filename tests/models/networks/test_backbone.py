"""Backbones of the published models by timm's name: each builds, gives features, and is known block by block.

On torch's meta device a network has shapes and no numbers, so that the largest takes no memory.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from api_server import ApiServer, as_json
from whereshot.foundation.errors import ConfigError, InputError, ModelError
from whereshot.models.networks import (
    BackboneSettings,
    create,
    default_preprocess,
)
from whereshot.models.networks.backbone import Backbone, _build
from whereshot.photos import preprocess
from whereshot.photos.preprocess import Preprocess

PUBLISHED = {
    "mobilenetv3_large_100.ra_in1k": (224, 1280, 18),
    "resnetv2_101.a1h_in1k": (224, 2048, 34),
    "inception_v4.tf_in1k": (299, 1536, 20),
    "vit_base_patch16_224.augreg_in21k": (224, 768, 13),
    "swin_large_patch4_window7_224.ms_in22k": (224, 1536, 25),
    "vit_large_patch14_clip_quickgelu_224.openai": (224, 1024, 25),
    "vit_base_patch14_dinov2.lvd142m": (518, 768, 13),
}
"""Pixels of a side, features and blocks of each."""


def without_numbers(name: str) -> Backbone:
    settings = BackboneSettings(name=name)
    with torch.device("meta"):
        return Backbone(settings, _build(settings, from_hub=False), "none").eval()


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_published_backbone_is_known(name: str) -> None:
    size, dim, blocks = PUBLISHED[name]
    backbone = without_numbers(name)
    features = backbone(torch.empty(2, 3, size, size, device="meta"))
    assert features.shape == (2, dim) == (2, backbone.dim)
    block_of = backbone.blocks()
    assert block_of.keys() == dict(backbone.network.named_parameters()).keys()
    assert set(block_of.values()) == set(range(blocks))
    with torch.device("meta"):
        assert default_preprocess(backbone.settings).size == size
    backbone.train_last(2)
    learning = {name for name, parameter in backbone.network.named_parameters() if parameter.requires_grad}
    assert learning == {name for name, block in block_of.items() if block >= blocks - 2}
    assert 0 < len(learning) < len(block_of)


@pytest.mark.parametrize(
    ("name", "options", "size"),
    [
        ("mobilenetv3_large_100", {}, 64),
        ("vit_tiny_patch16_224", {"img_size": 32}, 32),
        ("vit_small_patch14_dinov2", {"img_size": 28}, 28),
    ],
)
def test_light_ones_run_and_repeat(name: str, options: dict, size: int) -> None:
    settings = BackboneSettings(name=name, options=options)
    images = torch.rand(2, 3, size, size, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        one, same = (create(settings, seed=4)(images) for _ in range(2))
        other = create(settings, seed=5)(images)
    assert torch.equal(one, same) and not torch.equal(one, other)
    assert one.isfinite().all() and one.shape[1] == create(settings).dim


def test_the_tower_of_geoclip_has_its_own_layers_on_top() -> None:
    settings = BackboneSettings(name="geoclip", options={"tower": "test_vit"})
    backbone = create(settings)
    blocks = backbone.blocks()
    top = max(blocks.values())
    assert {name for name, block in blocks.items() if block == top} == {
        name for name in blocks if not name.startswith("clip.")
    }


def test_validation_at_336_pixels_is_the_central_224(tmp_path: Path, rng: np.random.Generator) -> None:
    """As published: resized to 336, of which the central 224 are cut; against Pillow doing just that."""
    picture = Image.fromarray(rng.integers(0, 256, (30, 40, 3), dtype=np.uint8)).resize((800, 600))
    settings = default_preprocess(BackboneSettings(name="vit_base_patch16_224"), size=224, resize=336)
    found = preprocess.pixels(picture, settings)
    resized = picture.resize((448, 336), Image.Resampling.BICUBIC)
    expected = np.asarray(resized.crop((112, 56, 336, 280)))
    assert found.shape == (1, 224, 224, 3)
    assert np.abs(found[0].astype(int) - expected).mean() < 1.0


TINY = BackboneSettings(name="test_efficientnet")


def test_backbone_features_and_their_size() -> None:
    backbone = create(TINY)
    assert not any(module.training for module in backbone.modules())
    with torch.inference_mode():
        assert backbone(torch.zeros(2, 3, 64, 64)).shape == (2, backbone.dim) == (2, 256)


def test_random_weights_are_those_of_the_seed() -> None:
    torch.manual_seed(1)
    first = create(TINY)
    drawn = torch.rand(1)
    torch.manual_seed(2)
    again, other = create(TINY), create(TINY, seed=1)
    assert first.identity == again.identity != other.identity
    for name, tensor in first.state_dict().items():
        assert torch.equal(tensor, again.state_dict()[name])
    torch.manual_seed(1)  # and the caller's random numbers are left alone
    assert torch.equal(torch.rand(1), drawn)


def test_batch_norm_stays_in_evaluation_mode() -> None:
    backbone = create(TINY)
    before = {name: tensor.clone() for name, tensor in backbone.named_buffers()}
    assert any(name.endswith("running_mean") for name in before)
    backbone.train()
    assert backbone.training
    backbone(torch.rand(4, 3, 64, 64))
    for name, tensor in backbone.named_buffers():
        assert torch.equal(tensor, before[name]), name
    norms = [module for module in backbone.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    assert norms
    assert not any(module.training for module in norms)


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """Weights of a network that is not the random one, with a classifier that is not wanted."""
    state = create(TINY, seed=7).network.state_dict()
    path = tmp_path / "weights.safetensors"
    save_file({**state, "classifier.weight": torch.zeros(1000, 256), "classifier.bias": torch.zeros(1000)}, path)
    return path


def with_weights(path: Path) -> BackboneSettings:
    return BackboneSettings(name=TINY.name, weights=path)


def test_weights_from_a_file(weights: Path) -> None:
    backbone = create(with_weights(weights))
    assert backbone.identity == hashlib.blake2b(weights.read_bytes(), digest_size=16).hexdigest()
    picture = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        assert torch.equal(backbone(picture), create(TINY, seed=7)(picture))


def test_features_key_tells_what_features_depend_on(weights: Path) -> None:
    settings = [
        TINY,
        BackboneSettings(name="test_efficientnet_gn"),
        BackboneSettings(name=TINY.name, options={"pad_type": "same"}),
        with_weights(weights),
        BackboneSettings(name=TINY.name, weights=weights, options={"pad_type": "same"}),
    ]
    keys = [create(one).features_key for one in settings]
    assert len(set(keys)) == len(settings)
    assert create(settings[-1]).features_key == keys[-1]


def refused(error: type[Exception], settings: BackboneSettings) -> str:
    with pytest.raises(error) as caught:
        create(settings)
    return str(caught.value)


def test_weights_that_do_not_fit_are_named(weights: Path, tmp_path: Path) -> None:
    state = load_file(weights)
    gone = tmp_path / "gone.safetensors"
    assert refused(ModelError, with_weights(gone)) == f"{gone}: no such weights file"

    few = tmp_path / "few.safetensors"
    save_file({name: tensor for name, tensor in state.items() if not name.startswith("conv_")}, few)
    lost = sorted(
        name for name in create(TINY).network.state_dict() if name.startswith("conv_") and "num_batches" not in name
    )
    assert (
        refused(ModelError, with_weights(few))
        == f"{few}: {len(lost)} weights of the network are missing, first {lost[0]!r}"
    )

    odd = tmp_path / "odd.safetensors"
    save_file({**state, "conv_stem.weight": torch.zeros(3, 3)}, odd)
    wanted = tuple(state["conv_stem.weight"].shape)
    assert refused(ModelError, with_weights(odd)) == f"{odd}: 'conv_stem.weight' is (3, 3), the network has {wanted}"

    text = tmp_path / "text.safetensors"
    text.write_text("these are no weights at all")
    assert refused(ModelError, with_weights(text)).startswith(f"{text}: not a safetensors file (")
    assert refused(ModelError, with_weights(tmp_path)).startswith(f"{tmp_path}: not a safetensors file (")


def test_wrong_names_and_options() -> None:
    near = BackboneSettings(name="mobilnetv2_100")
    assert refused(InputError, near) == "no backbone 'mobilnetv2_100' in timm; did you mean 'mobilenetv2_100'?"
    far = BackboneSettings(name="!!")
    assert refused(InputError, far) == "no backbone '!!' in timm; timm.list_models() lists all names"
    assert refused(InputError, BackboneSettings(name="test_resnet", options={"nope": 1})) == (
        "backbone test_resnet: wrong option (ResNet.__init__() got an unexpected keyword argument 'nope')"
    )
    assert refused(InputError, BackboneSettings(name="test_resnet.nope")) == (
        "backbone test_resnet.nope: Invalid pretrained tag (nope) for test_resnet."
    )


def test_a_tag_of_timm_is_part_of_a_name() -> None:
    assert create(BackboneSettings(name="test_efficientnet.r160_in1k")).dim == 256


def test_weights_that_the_hub_does_not_give(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    constants = pytest.importorskip("huggingface_hub.constants", reason="needs huggingface_hub (extra torch)")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    said = refused(ModelError, BackboneSettings(name="test_resnet", weights="hub"))
    assert said.startswith("backbone test_resnet: no weights from the hub (")
    assert said.endswith("); run it again, or name a file of weights in backbone.weights")


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("hung up", r"Server disconnected without sending a response\."),
        ("html", "illegal status line: .*"),
    ],
)
def test_a_hub_that_breaks_off_is_one_line(
    fault: str, reason: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its client lets the errors of its HTTP library through, which are no OSError."""
    constants = pytest.importorskip("huggingface_hub.constants", reason="needs huggingface_hub (extra torch)")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    with ApiServer(lambda *_: as_json({}), [fault] * 20) as server:
        monkeypatch.setattr(constants, "ENDPOINT", server.url)
        template = constants.HUGGINGFACE_CO_URL_TEMPLATE.replace("https://huggingface.co", server.url)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        said = refused(ModelError, BackboneSettings(name="test_resnet", weights="hub"))
        assert server.asked
    line = rf"backbone test_resnet: no weights from the hub \({reason}\); run it again, or name a file of weights in .*"
    assert re.fullmatch(line, said)


def test_default_preprocess_is_what_timm_documents() -> None:
    half = (0.5, 0.5, 0.5)
    documented = default_preprocess(BackboneSettings(name="test_vit2"))
    assert documented == Preprocess(size=160, resize=160, interpolation="bicubic", mean=half, std=half)
    changed = default_preprocess(TINY, size=64, crops=3)
    assert (changed.size, changed.resize, changed.crops) == (64, 64, 3)
    assert changed.mean == pytest.approx((0.485, 0.456, 0.406))
    assert default_preprocess(TINY, size=64, resize=72).resize == 72


def test_default_preprocess_refuses() -> None:
    with pytest.raises(ConfigError, match=r"^preprocess: unknown key 'sise'; did you mean 'size'\?$"):
        default_preprocess(TINY, sise=64)
    with pytest.raises(InputError, match=r"^no backbone 'test_resnt' in timm; did you mean 'test_resnet'\?$"):
        default_preprocess(BackboneSettings(name="test_resnt"))


def test_a_fresh_process_makes_the_same_backbone() -> None:
    """And timm loads there, whatever the torchvision beside it was built for; random weights are the same too."""
    code = (
        "from whereshot.models import networks\n"
        "print(networks.create(networks.BackboneSettings(name='test_efficientnet')).identity)\n"
        "import timm\n"
        "print(timm.is_model('test_efficientnet'))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert result.stdout.split() == [create(TINY).identity, "True"]
