"""Heat by attention rollout: the attention of a vision transformer, followed through all layers back to the patches.

Source: Abnar and Zuidema 2020. The heat depends only on the picture, not on a place.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from whereshot.foundation.errors import InputError

if TYPE_CHECKING:
    import torch


def rollout(attention: Sequence[NDArray[np.floating]]) -> NDArray[np.float64]:
    """Combine the attention of each layer (n, heads, tokens, tokens) to that through all layers (n, tokens, tokens).

    Heads are averaged. Half of the weight stays with each token, which accounts for the skip connection. Rows sum to 1.
    """
    rolled = np.eye(attention[0].shape[-1])[None]
    for layer in attention:
        step = 0.5 * np.asarray(layer, np.float64).mean(axis=1) + 0.5 * np.eye(layer.shape[-1])
        rolled = (step / step.sum(axis=-1, keepdims=True)) @ rolled
    return rolled


def heat_of_crops(network: Any, crops: torch.Tensor) -> NDArray[np.float64]:
    """Return the heat (n, h, w) of crops (n, 3, H, W) in a network of timm: each patch's percentage of the attention.

    Raises InputError for a network whose attention does not connect all patches.
    """
    import torch

    vit = getattr(network, "clip", network)
    with seen_attention(vit) as seen, torch.inference_mode():
        vit(crops)
    if not seen:
        raise InputError("rollout needs a vision transformer; take --method gradcam or occlusion")
    attention = [layer.float().cpu().numpy() for layer in seen]
    patch = vit.patch_embed.patch_size
    grid = crops.shape[2] // patch[0], crops.shape[3] // patch[1]
    first = int(getattr(vit, "num_prefix_tokens", 0))
    wanted = (len(crops), grid[0] * grid[1] + first)
    if any((len(layer), layer.shape[-1]) != wanted for layer in attention):
        raise InputError(
            "rollout needs attention between all patches, and this network has it only in windows; "
            "take --method occlusion"
        )
    rolled = rollout(attention)
    reads_token = first > 0 and getattr(vit, "global_pool", "token") == "token"
    source = rolled[:, 0] if reads_token else rolled[:, first:].mean(axis=1)
    return 100 * source[:, first:].reshape(len(crops), *grid)


@contextmanager
def seen_attention(network: Any) -> Iterator[list[torch.Tensor]]:
    """Collect the attention (n, heads, tokens, tokens) of each layer that runs in the context.

    timm normally fuses the attention with the next step, so that it cannot be read. Fusing is switched off meanwhile.
    """
    seen: list[torch.Tensor] = []
    layers = [module for module in network.modules() if hasattr(module, "fused_attn") and hasattr(module, "attn_drop")]
    fused = [layer.fused_attn for layer in layers]
    hooks = [layer.attn_drop.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0])) for layer in layers]
    for layer in layers:
        layer.fused_attn = False
    try:
        yield seen
    finally:
        for layer, was, hook in zip(layers, fused, hooks, strict=True):
            layer.fused_attn = was
            hook.remove()
