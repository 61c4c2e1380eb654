"""The networks of refiners: padding of albums has no effect."""

from __future__ import annotations

import numpy as np
import torch

from whereshot.evidence.refiners.networks import AlbumNetwork, Inputs


def test_what_fills_an_album_up_says_nothing() -> None:
    torch.manual_seed(0)
    network = AlbumNetwork(5, 1, 7, 0.0).eval()
    inputs = Inputs(torch.randint(0, 5, (2, 3, 2)), torch.rand(2, 3, 2), torch.rand(2, 3, 1))
    length = torch.tensor([2, 3])
    said = network(inputs, length)
    other = Inputs(inputs.cell.clone(), inputs.share.clone(), inputs.more.clone())
    other.more[0, 2] = 99.0
    np.testing.assert_array_equal(network(other, length)[0, :2].detach(), said[0, :2].detach())
    shorter = network(Inputs(inputs.cell[:1, :2], inputs.share[:1, :2], inputs.more[:1, :2]), length[:1])
    np.testing.assert_allclose(shorter[0].detach(), said[0, :2].detach(), rtol=1e-5)
