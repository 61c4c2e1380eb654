"""Attention that is followed through the layers of a vision transformer."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from whereshot.foundation.errors import InputError
from whereshot.locate.explain import rollout
from whereshot.models import networks


@given(st.integers(1, 4), st.integers(1, 3), st.integers(2, 9), st.integers(0, 10**6))
def test_rows_of_rolled_attention_sum_to_one(layers: int, heads: int, tokens: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    attention = [rng.dirichlet(np.ones(tokens), (2, heads, tokens)) for _ in range(layers)]
    rolled = rollout.rollout(attention)
    assert rolled.shape == (2, tokens, tokens)
    np.testing.assert_allclose(rolled.sum(axis=-1), 1.0, rtol=1e-12)
    assert (rolled >= 0).all()


def test_attention_is_followed_from_layer_to_layer() -> None:
    """The first layer looks from 1 to 2, the second from 0 to 1: what 0 reads comes from 2 as well."""
    first, second = np.eye(3)[None, None].repeat(2, axis=0).astype(float).copy()
    first, second = first[None], second[None]
    first[0, 0, 1], second[0, 0, 0] = [0, 0, 1], [0, 1, 0]
    np.testing.assert_allclose(rollout.rollout([first, second])[0, 0], [0.5, 0.25, 0.25])


def test_fused_attention_is_switched_off_to_be_seen_and_on_again() -> None:
    backbone = networks.create(networks.BackboneSettings(name="test_vit"))
    vit = backbone.network
    crops = torch.randn(2, 3, 160, 160, generator=torch.Generator().manual_seed(3))
    layers = [block.attn for block in vit.blocks]
    for layer in layers:
        layer.fused_attn = True
    with torch.inference_mode():
        before = vit(crops)
    with rollout.seen_attention(vit) as seen, torch.inference_mode():
        np.testing.assert_allclose(vit(crops), before, atol=1e-4)
    assert len(seen) == len(layers)
    assert all(torch.allclose(layer.sum(-1), torch.ones(())) for layer in seen)
    assert all(layer.fused_attn for layer in layers)
    with torch.inference_mode():
        vit(crops)
    assert len(seen) == len(layers)  # nobody listens any more
    heat = rollout.heat_of_crops(vit, crops)
    assert heat.shape == (2, 10, 10) and (heat > 0).all() and (heat.sum(axis=(1, 2)) < 100).all()
    with pytest.raises(InputError, match=r"^rollout needs a vision transformer; take --method gradcam or occlusion$"):
        rollout.heat_of_crops(networks.create(networks.BackboneSettings(name="test_efficientnet")).network, crops)
