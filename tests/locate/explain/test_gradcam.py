"""Heat from the gradient of the mass near a place: it lies exactly on the patch that matters."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from whereshot.foundation.errors import InputError
from whereshot.locate.explain import gradcam
from whereshot.locate.geolocator import Geolocator
from whereshot.models import networks
from whereshot.models.readout import gallery as gallery_readout


class OnePatch(nn.Module):
    """A network of two channels: one is bright where the picture is, the other only where one patch of it is."""

    num_features = 2

    def forward_features(self, crops: torch.Tensor) -> torch.Tensor:
        bright = nn.functional.avg_pool2d(crops.mean(dim=1, keepdim=True), 32)
        only = torch.zeros_like(bright)
        only[..., 1, 4] = bright[..., 1, 4]
        return torch.cat([bright, only], dim=1)

    def forward_head(self, found: torch.Tensor) -> torch.Tensor:
        return found.mean(dim=(2, 3))


class Around(nn.Module):
    """What a network of ours has around such a body."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.backbone = nn.Module()
        self.backbone.network, self.scaling = body, nn.Identity()

    def from_features(self, features: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"features": features}


def test_the_gradient_finds_the_one_patch_that_matters() -> None:
    crops = torch.rand(1, 3, 224, 224, generator=torch.Generator().manual_seed(3)) + 0.5
    heat = gradcam.heat_of_crops(Around(OnePatch()), crops, lambda outputs: 3 * outputs["features"][0, 1])
    assert heat.shape == (1, 7, 7)
    assert np.flatnonzero(heat[0]).tolist() == [1 * 7 + 4]
    against = gradcam.heat_of_crops(Around(OnePatch()), crops, lambda outputs: -outputs["features"][0, 1])
    assert (against == 0).all()


def test_networks_whose_channels_come_last() -> None:
    class Last(OnePatch):
        def forward_features(self, crops: torch.Tensor) -> torch.Tensor:
            return super().forward_features(crops).permute(0, 2, 3, 1)

        def forward_head(self, found: torch.Tensor) -> torch.Tensor:
            return found.mean(dim=(1, 2))

    crops = torch.rand(1, 3, 224, 224, generator=torch.Generator().manual_seed(3)) + 0.5
    heat = gradcam.heat_of_crops(Around(Last()), crops, lambda outputs: outputs["features"][0, 1])
    assert np.flatnonzero(heat[0]).tolist() == [1 * 7 + 4]
    vit = networks.create(networks.BackboneSettings(name="test_vit"))
    with pytest.raises(InputError, match=r"^gradcam needs a network with a feature map; this network has tokens;"):
        gradcam.heat_of_crops(
            Around(vit.network), torch.zeros(1, 3, 160, 160), lambda outputs: outputs["features"].sum()
        )


def test_what_is_differentiated_is_what_is_answered(tiny_model: Path, tiny: Path) -> None:
    """The mixture in torch gives the mass that the NumPy readout gives, near and far."""
    locator = Geolocator.load(tiny_model, "cpu")
    outputs, *_ = locator.model.network_model.outputs([str(tiny / "lima-0.png")])
    posterior = locator.model.network_model.readout("mixture")(outputs)
    folder = locator.model.network_model.folder
    settings = folder.calibration.mixtures["mixture"]
    gallery = gallery_readout.with_settings(folder.gallery, settings.gallery)
    tensors = {name: torch.from_numpy(np.asarray(values)) for name, values in outputs.items()}
    for place in ([-12.05, -77.04], [48.85, 2.35]):
        center = np.array(place)
        log_mass = gradcam.log_mass_near(center, 25.0, folder.hierarchy, gallery, settings, locator.prior)
        wanted = posterior.mass_within(center[None], 25.0)[0]
        assert float(log_mass(tensors).exp()) == pytest.approx(wanted, rel=0.02, abs=1e-4)
