"""Runs of Street View against a local server, and what they leave behind."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from api_server import ApiServer
from street_picture_apis import HASTY, SMALL
from whereshot.photos.sources import streetview
from whereshot.photos.sources.base import Collected, Order


def collect(server: ApiServer, inputs: Path, out: Path, *settings: str, **given: Any) -> Collected:
    paid = {"confirmed": True, "budget_usd": 100.0} | given
    made = [*SMALL, *settings]
    return streetview.collect(
        Order([inputs], out, settings=made, endpoint=f"{server.url}/streetview", manners=HASTY, **paid)
    )


def rejects(out: Path) -> Counter[str]:
    return Counter(
        row["reason"] for path in (out / "rejects").glob("*.parquet") for row in pq.read_table(path).to_pylist()
    )


def spent(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "paid.jsonl").read_text().splitlines()]
