"""The refiner over albums of users: long albums, and a fit that was killed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from refiner_cases import fitted
from whereshot.evidence.refiners.networks import AlbumNetwork
from whereshot.evidence.refiners.user_album import _stretches


def test_long_albums_are_answered_in_stretches_and_every_photo_is_in_one() -> None:
    for count in (1, 23, 24, 25, 60):
        stretches = _stretches(np.arange(count), 24)
        assert sorted(set(np.concatenate(stretches).tolist())) == list(range(count))
        assert all(len(part) == min(24, count) for part in stretches)


def test_a_killed_fit_goes_on_to_the_same_bits(world: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    examples = world[0]
    whole = fitted("user-album", examples, seed=4)
    calls = 0
    forward = AlbumNetwork.forward

    def killed(self: AlbumNetwork, *arguments: Any) -> torch.Tensor:
        nonlocal calls
        calls += 1
        if calls > 40:
            raise KeyboardInterrupt
        return forward(self, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(AlbumNetwork, "forward", killed)
        with pytest.raises(KeyboardInterrupt):
            fitted("user-album", examples, seed=4, state=tmp_path / "state")
    assert (tmp_path / "state").is_dir()
    resumed = fitted("user-album", examples, seed=4, state=tmp_path / "state")
    for name, tensor in whole.tensors().items():
        np.testing.assert_array_equal(resumed.tensors()[name], tensor)
