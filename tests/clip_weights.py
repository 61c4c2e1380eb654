"""Random weights of a small CLIP, named as Hugging Face's hub names them."""

from __future__ import annotations

import torch


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
