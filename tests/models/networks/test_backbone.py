"""Backbones of the published models by timm's name: each builds, gives features, and is known block by block.

On torch's meta device a network has shapes and no numbers, so that the largest takes no memory.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from whereshot.models.networks import BackboneSettings, create, default_preprocess
from whereshot.models.networks.backbone import Backbone, _build
from whereshot.photos import preprocess

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
