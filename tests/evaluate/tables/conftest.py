"""Fixtures of the tests of tables."""

from __future__ import annotations

from prediction_tables import places, truth

__all__ = ["places", "truth"]
