"""Heat by Grad-CAM: the last feature map of a convolutional network, weighted by the gradient of a place's log mass.

Source: Selvaraju et al. 2017. The readout itself is in NumPy. For the gradient, the same mixture is computed in torch,
with the cells at the centroids of their photos.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from whereshot.earth import sphere
from whereshot.foundation.errors import InputError
from whereshot.models.readout.gallery import Gallery
from whereshot.models.readout.mixture import MixtureSettings
from whereshot.posterior.base import Posterior
from whereshot.posterior.place_shape import circle_mass

if TYPE_CHECKING:
    import torch

    from whereshot.earth.partition import Hierarchy
    from whereshot.models.networks import Network


def weigh(last_map: torch.Tensor, score: Callable[[torch.Tensor], torch.Tensor]) -> NDArray[np.float64]:
    """Return the heat (n, h, w) of maps (n, channels, h, w).

    Each channel is weighted by its mean gradient of the scalar ``score``. Negative values become 0, as published.
    """
    import torch

    last_map = last_map.detach().requires_grad_(True)
    with torch.enable_grad():
        (gradient,) = torch.autograd.grad(score(last_map), last_map)
    heat = (gradient.mean(dim=(2, 3), keepdim=True) * last_map).sum(dim=1).clamp(min=0)
    return heat.detach().double().cpu().numpy()


def heat_of_crops(
    network: Network,
    crops: torch.Tensor,
    log_mass: Callable[[dict[str, torch.Tensor]], torch.Tensor],
) -> NDArray[np.float64]:
    """Return the heat (n, h, w) of one photo's crops (n, 3, H, W).

    ``log_mass`` computes the log mass of the place from the network's outputs. Raises InputError for a network without
    a feature map.
    """
    import torch

    body: Any = network.backbone.network  # networks of timm have more methods than a module of torch
    if not hasattr(body, "forward_features") or not hasattr(body, "forward_head"):
        raise InputError("gradcam needs a convolutional network; take --method rollout or occlusion")
    with torch.inference_mode():
        found = body.forward_features(crops)
    found = found.clone()
    if found.ndim != 4:
        raise InputError(
            "gradcam needs a network with a feature map; this network has tokens; take --method rollout or occlusion"
        )
    channels_last = found.shape[1] != body.num_features and found.shape[-1] == body.num_features

    def score(last_map: torch.Tensor) -> torch.Tensor:
        features = body.forward_head(last_map.permute(0, 2, 3, 1) if channels_last else last_map)
        return log_mass(network.from_features(network.scaling(features.mean(dim=0, keepdim=True))))

    return weigh(found.permute(0, 3, 1, 2) if channels_last else found, score)


def log_mass_near(
    center: NDArray[np.float64],
    km: float,
    hierarchy: Hierarchy,
    gallery: Gallery,
    settings: MixtureSettings,
    prior: Posterior,
) -> Callable[[dict[str, torch.Tensor]], torch.Tensor]:
    """Return a function from a network's outputs to the log mass of the mixture within ``km`` of ``center`` (2,)."""
    import torch

    def inside(places: NDArray[np.float64], spread_km: NDArray[np.float64]) -> torch.Tensor:
        share = circle_mass(sphere.distance_km(center[None], places), spread_km, km)
        return torch.from_numpy(np.log(np.maximum(share, 1e-300)))

    finest = hierarchy.finest
    of_cells = inside(
        finest.centers, np.maximum(finest.spread_km * settings.cells.spread_scale, settings.cells.floor_km)
    )
    of_gallery = inside(gallery.points, np.maximum(gallery.accuracy_km, settings.gallery.floor_km))
    of_prior = torch.logsumexp(torch.from_numpy(prior.log_mass[0]) + inside(prior.places, prior.spread_km), 0)
    parents, sizes = torch.from_numpy(hierarchy.parents()), list(hierarchy.sizes)
    known = torch.from_numpy(gallery.features).double()

    def cells(logits: torch.Tensor) -> torch.Tensor:
        total = torch.zeros(len(finest), dtype=torch.float64)
        for level, own in enumerate(torch.split(logits[0].double(), sizes)):
            log_probability, parent = own.log_softmax(0), parents[:, level]
            average = torch.full_like(total, -np.log(len(own)))
            total = total + torch.where(parent >= 0, log_probability[parent.clamp(min=0)], average)
        return torch.logsumexp((total / settings.cells.temperature).log_softmax(0) + of_cells, 0)

    def log_mass(outputs: dict[str, torch.Tensor]) -> torch.Tensor:
        cosine = known @ outputs["features"][0].double()
        parts = {"prior": of_prior}
        if "cells" in settings.gate.offset:
            parts["cells"] = cells(outputs["logits"])
        if "gallery" in settings.gate.offset:
            votes = (cosine / settings.gallery.temperature).log_softmax(0)
            parts["gallery"] = torch.logsumexp(votes + of_gallery, 0)
        gate: dict[str, Any] = {
            name: offset + settings.gate.slope[name] * cosine.max() for name, offset in settings.gate.offset.items()
        }
        gate["prior"] = torch.zeros_like(cosine[0])
        names = list(parts)
        shares = torch.stack([gate[name] for name in names]).log_softmax(0)
        return torch.logsumexp(shares + torch.stack([parts[name] for name in names]), 0)

    return log_mass
