"""The plain decoder: its loss is the distance on the sphere, and it learns a region."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from whereshot.earth import sphere
from whereshot.models.networks import locations
from whereshot.models.networks.locations import Fourier
from whereshot.models.networks.position_decoder import PositionDecoder, PositionDecoderSettings, geodesic_km, noisy


def test_geodesic_loss(rng: np.random.Generator) -> None:
    a, b = (np.stack([rng.uniform(-80, 80, 30), rng.uniform(-180, 180, 30)], axis=1) for _ in range(2))
    found = geodesic_km(torch.tensor(sphere.xyz(a)), torch.tensor(sphere.xyz(b)))
    np.testing.assert_allclose(found.numpy(), sphere.distance_km(a, b), rtol=1e-9)
    inputs = torch.tensor(sphere.xyz(a)[:5], requires_grad=True)
    other = torch.tensor(sphere.xyz(b)[:5])
    assert torch.autograd.gradcheck(lambda x: geodesic_km(x, other), (inputs,), eps=1e-7, atol=1e-2)
    same = inputs.detach().clone().requires_grad_()
    for other in (same.detach(), -same.detach()):
        (gradient,) = torch.autograd.grad(geodesic_km(same, other).sum(), same)
        assert gradient.isfinite().all()


def test_position_decoder_learns_and_keeps_to_its_region(encoder: Fourier, grid: NDArray) -> None:
    encodings = locations.encode(encoder, grid[:300])
    settings = PositionDecoderSettings(width=64, depth=2, steps=250, batch_size=64, learning_rate=3e-3, cosine=0.99)

    def trained() -> PositionDecoder:
        torch.manual_seed(0)
        return PositionDecoder(64, settings).fit(encodings, grid[:300], np.ones(300))

    first = trained()
    error = sphere.distance_km(first.positions(3 * encodings.numpy()), grid[:300])
    assert error.mean() < 0.25 * sphere.distance_km(grid[:300], grid[:300].mean(axis=0)).mean()
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), trained().parameters(), strict=True))


def test_noise_has_the_cosine_that_is_asked_for() -> None:
    unit = torch.nn.functional.normalize(torch.randn(50, 30, generator=torch.Generator().manual_seed(0)), dim=1)
    for cosine in (0.9, 0.5):
        turned = noisy(unit, cosine, torch.Generator().manual_seed(1))
        torch.testing.assert_close((turned * unit).sum(1), torch.full((50,), cosine))
        torch.testing.assert_close(turned.norm(dim=1), torch.ones(50))
