"""Fixtures of the tests of refiners."""

from __future__ import annotations

from refiner_cases import world

__all__ = ["world"]
