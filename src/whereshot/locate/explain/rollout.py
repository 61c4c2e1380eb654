"""A vision transformer's attention -> heat: through all its layers, from what it reads out back to the patches.

Attention rollout, Abnar and Zuidema 2020. It is about the picture alone, not about any place.
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
    """Attention of each layer (n, heads, tokens, tokens) -> through all of them (n, tokens, tokens).

    Heads are averaged, and half stays with each token by the skip connection; rows sum to one.
    """
    rolled = np.eye(attention[0].shape[-1])[None]
    for layer in attention:
        step = 0.5 * np.asarray(layer, np.float64).mean(axis=1) + 0.5 * np.eye(layer.shape[-1])
        rolled = (step / step.sum(axis=-1, keepdims=True)) @ rolled
    return rolled


def attend(network: Any, crops: torch.Tensor) -> NDArray[np.float64]:
    """Heat (n, h, w) of crops (n, 3, H, W) by a network of timm's; what a patch carries of all, in percent.

    Raises InputError for a network whose attention is not between all its patches.
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
    """The attention (n, heads, tokens, tokens) of each layer that runs inside.

    timm computes it fused with what follows, so that it can nowhere be seen; that is switched off meanwhile.
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
