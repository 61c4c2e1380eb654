"""Location encoders: they turn positions (n, 2) in degrees into encodings (n, dim).

There are two kinds. One is random Fourier features, on a map as in GeoCLIP (Vivanco Cepeda et al. 2023), or on unit
vectors, which have no cut at the date line. The other is spherical harmonics (Russwurm et al. 2024). The projection and
the phases are computed in float64, because phases reach a thousand turns. Autocast is switched off: with bfloat16 the
encodings would belong to other places.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import nn

from whereshot.earth.projections import GEOCLIP_SCALE, equal_earth, spherical_harmonics, unit_vectors
from whereshot.foundation.settings_file import Settings


class FourierSettings(Settings):
    """Settings of "fourier": one perceptron over random Fourier features per value of ``sigmas``, and their sum.

    The defaults are the settings of GeoCLIP.
    """

    sigmas: tuple[float, ...] = Field((1.0, 16.0, 256.0), min_length=1)
    """Standard deviations of the frequencies, in waves per half circumference of the Earth."""
    features: int = Field(256, ge=1)
    """Number of frequencies for each sigma."""
    width: int = Field(1024, ge=1)
    depth: int = Field(3, ge=1)
    """Hidden layers."""
    dim: int = Field(512, ge=1)
    surface: Literal["equal-earth", "sphere"] = "equal-earth"
    """Coordinates of the waves: a map, as published, or unit vectors, which have no cut at the date line or a pole."""


class HarmonicsSettings(Settings):
    """Settings of "harmonics": a perceptron over all real spherical harmonics below ``degrees``."""

    degrees: int = Field(20, ge=1, le=120)
    width: int = Field(512, ge=1)
    depth: int = Field(2, ge=1)
    dim: int = Field(512, ge=1)


class LocationEncoder(nn.Module, ABC):
    """Turns positions (n, 2) in degrees into encodings (n, dim), not normalised."""

    dim: int

    @abstractmethod
    def encode(self, positions: torch.Tensor) -> torch.Tensor:
        """Compute the result of ``forward``; autocast is switched off."""

    def forward(self, positions: torch.Tensor) -> torch.Tensor:
        """Return the encodings (n, dim) of positions (n, 2) in degrees, of any float type."""
        with torch.autocast(positions.device.type, enabled=False):
            return self.encode(positions.double())


class Fourier(LocationEncoder):
    """Random Fourier features (Tancik et al. 2020) at several scales, with a perceptron for each, summed."""

    def __init__(self, settings: FourierSettings) -> None:
        super().__init__()
        self.settings, self.dim = settings, settings.dim
        inputs = 3 if settings.surface == "sphere" else 2
        self.scales = nn.ModuleList(_Scale(settings, sigma, inputs) for sigma in settings.sigmas)

    def encode(self, positions: torch.Tensor) -> torch.Tensor:
        """Return encodings (n, dim) of positions (n, 2) in degrees."""
        on_sphere = self.settings.surface == "sphere"
        surface = unit_vectors(positions) / math.pi if on_sphere else equal_earth(positions, GEOCLIP_SCALE)
        result: torch.Tensor = sum(scale(surface) for scale in self.scales)
        return result


class _Scale(nn.Module):
    """The frequencies of one standard deviation, and their perceptron."""

    frequencies: torch.Tensor

    def __init__(self, settings: FourierSettings, sigma: float, inputs: int) -> None:
        super().__init__()
        self.register_buffer("frequencies", torch.randn(settings.features, inputs) * sigma)
        self.layers = perceptron(2 * settings.features, settings.width, settings.depth, settings.dim)

    def forward(self, surface: torch.Tensor) -> torch.Tensor:
        turns = surface @ self.frequencies.double().T
        phase = (2 * math.pi) * (turns - turns.detach().round())  # whole turns would only add rounding errors
        phase = phase.to(self.frequencies.dtype)
        result: torch.Tensor = self.layers(torch.cat([phase.cos(), phase.sin()], dim=1))
        return result


class Harmonics(LocationEncoder):
    """Spherical harmonics up to a degree, by recursion, and a perceptron."""

    def __init__(self, settings: HarmonicsSettings) -> None:
        super().__init__()
        self.settings, self.dim = settings, settings.dim
        self.layers = perceptron(settings.degrees**2, settings.width, settings.depth, settings.dim)

    def encode(self, positions: torch.Tensor) -> torch.Tensor:
        """Return encodings (n, dim) of positions (n, 2) in degrees."""
        values = spherical_harmonics(positions, self.settings.degrees)
        result: torch.Tensor = self.layers(values.to(self.layers[0].weight.dtype))
        return result


def perceptron(inputs: int, width: int, depth: int, outputs: int) -> nn.Sequential:
    """Return a perceptron with ``depth`` hidden layers with ReLU, and a linear output layer."""
    layers: list[nn.Module] = []
    for _ in range(depth):
        layers += [nn.Linear(inputs, width), nn.ReLU()]
        inputs = width
    return nn.Sequential(*layers, nn.Linear(inputs, outputs))


class EncoderKind(NamedTuple):
    """The class of an encoder, and the class of its settings."""

    encoder: type[LocationEncoder]
    settings: type[Settings]


ENCODERS: dict[str, EncoderKind] = {
    "fourier": EncoderKind(Fourier, FourierSettings),
    "harmonics": EncoderKind(Harmonics, HarmonicsSettings),
}


@torch.no_grad()
def flush_denormals(module: nn.Module) -> int:
    """Set every denormal weight to zero; return how many there were.

    They do not change a sum, but processors take a hundred times as long for them.
    """
    flushed = 0
    for tensor in (*module.parameters(), *module.buffers()):
        if tensor.is_floating_point():
            denormal = (tensor != 0) & (tensor.abs() < torch.finfo(tensor.dtype).tiny)
            flushed += int(denormal.sum())
            tensor[denormal] = 0
    return flushed


@torch.inference_mode()
def encode(encoder: LocationEncoder, positions: NDArray[np.float64], *, block: int = 2048) -> torch.Tensor:
    """Return unit encodings (n, dim), float32, of positions (n, 2) in degrees, on the encoder's device."""
    device = next(encoder.parameters()).device
    parts = [torch.empty(0, encoder.dim, device=device)]
    for start in range(0, len(positions), block):
        part = torch.as_tensor(positions[start : start + block], dtype=torch.float64, device=device)
        parts.append(nn.functional.normalize(encoder(part).float(), dim=1))
    return torch.cat(parts)
