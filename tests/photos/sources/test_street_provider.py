"""What every API of street pictures gives fits the table that pictures are asked for from."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from api_server import ApiServer
from street_picture_apis import HASTY, MAPILLARY_TOKEN, STREETVIEW_KEY, Graph, Streets
from whereshot.photos.sources.addresses import Address
from whereshot.photos.sources.base import Order
from whereshot.photos.sources.mapillary import Mapillary, MapillarySettings
from whereshot.photos.sources.street_provider import PANORAMAS, Provider, Viewpoint
from whereshot.photos.sources.streetview import StreetView, StreetViewSettings


@pytest.mark.parametrize("name", ["streetview", "mapillary"])
def test_columns_of_a_viewpoint_fit_the_table(name: str) -> None:
    with ApiServer(Streets() if name == "streetview" else Graph()) as server:
        order = Order([Path("addresses.csv")], Path("out"), endpoint=server.url, manners=HASTY)
        provider: Provider = (
            StreetView(StreetViewSettings(), STREETVIEW_KEY, order)
            if name == "streetview"
            else Mapillary(MapillarySettings(), MAPILLARY_TOKEN, order)
        )

        async def look() -> Viewpoint | None:
            async with provider:
                return await provider.look(Address("a", 48.2, 16.0002))

        view = asyncio.run(look())
    assert view is not None and abs(view.latitude - 48.2) < 0.001
    row: dict[str, Any] = {"id": view.id, **view.columns}
    assert set(row) <= set(PANORAMAS.names)
    assert pa.Table.from_pylist([row], schema=PANORAMAS).to_pylist()[0].items() >= row.items()
    assert provider.headings >= 1 and provider.price_usd >= 0 and provider.variant
