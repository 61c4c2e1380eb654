"""Location encoders: their maths is that of the papers, GeoCLIP's is the package's, and small weights are harmless."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.special import sph_harm_y

from whereshot.models.networks import locations
from whereshot.models.networks.locations import ENCODERS, Fourier, FourierSettings, Harmonics, HarmonicsSettings

SMALL = {
    "fourier": FourierSettings(sigmas=(1.0, 8.0), features=8, width=16, depth=1, dim=12),
    "harmonics": HarmonicsSettings(degrees=6, width=16, depth=1, dim=12),
}


@pytest.fixture
def positions(rng: np.random.Generator) -> np.ndarray:
    return np.stack([np.degrees(np.arcsin(rng.uniform(-1, 1, 40))), rng.uniform(-180, 180, 40)], axis=1)


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
    mapped = locations.equal_earth(inputs, locations.GEOCLIP_SCALE)
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
