"""Engines: Arrow in, Arrow out. The same job runs on this machine or on Spark, and ends with the same shards."""

from __future__ import annotations

from whereshot.engine.base import Shards, Written, shard_path, write_unit

__all__ = ["Shards", "Written", "shard_path", "write_unit"]
