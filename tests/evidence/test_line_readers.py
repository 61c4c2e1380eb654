"""Reading lines in many scripts with networks of our own."""

from __future__ import annotations

import numpy as np
import pytest

from whereshot.evidence.line_readers import GROUPS, SCRIPTS_READ, SignHead, decode, group_of, steps_of
from whereshot.evidence.line_scripts import CLASSES

HEAD = SignHead(("a", "b", " "), np.zeros((4, 1), np.float32), np.zeros(4, np.float32))


def _logits(numbers: list[int]) -> np.ndarray:
    return np.where(np.arange(4) == np.array(numbers)[:, None], 9.0, 0.0).astype(np.float32)


@pytest.mark.parametrize(
    ("numbers", "text"),
    [([0, 1, 1, 0, 2], "ab"), ([1, 0, 1], "aa"), ([0, 0], ""), ([1, 3, 2], "a b"), ([3, 3], "")],
)
def test_repeats_are_one_sign_unless_a_blank_stands_between(numbers: list[int], text: str) -> None:
    read, confidence = decode(_logits(numbers), HEAD, "Georgian")
    assert read == text
    assert (confidence > 0.99) if text else (confidence == 0.0)


def test_each_script_has_one_group_and_a_class() -> None:
    scripts = [script for scripts in GROUPS.values() for script in scripts]
    assert len(set(scripts)) == len(scripts)
    assert set(scripts) <= set(CLASSES)
    assert set(scripts) >= SCRIPTS_READ
    assert all(script in GROUPS[group_of(script)] for script in scripts)


@pytest.mark.parametrize(("width_px", "steps"), [(8, 4), (9, 6), (160, 80)])
def test_two_steps_for_four_pixels(width_px: int, steps: int) -> None:
    assert steps_of(width_px) == steps
