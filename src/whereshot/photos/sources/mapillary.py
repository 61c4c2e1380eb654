"""Collect pictures of Mapillary at sampled addresses by version 4 of its API; see ``street_pictures``.

The picture nearest to an address is taken; panoramas are left out. The API is free. The addresses of pictures expire,
so each is requested anew before it is downloaded. The token is sent to the API only, and not to the hosts of the
pictures.
"""

from __future__ import annotations

import datetime
import math
from functools import partial
from typing import Any, Literal

import numpy as np

from whereshot.earth import sphere
from whereshot.photos.fetch.base import SERVER_ERROR, Manners, RefusedError
from whereshot.photos.sources import base, street_pictures
from whereshot.photos.sources.addresses import Address, Sampling
from whereshot.photos.sources.budget import Budget
from whereshot.photos.sources.street_provider import Viewpoint

ENDPOINT = "https://graph.mapillary.com"
TOKEN = "WHERESHOT_MAPILLARY_TOKEN"
LICENSE = "CC BY-SA 4.0"
MANNERS = Manners(connections=16, connections_per_host=16, rate_per_host=100.0, redirects=0)
"""Mapillary allows 10,000 searches in a minute; this sends at most 6,000."""

MOST_FOUND = 200
FIELDS = "id,computed_geometry,geometry,captured_at,sequence,creator,is_pano,compass_angle"
_KM_PER_DEGREE = math.radians(1) * sphere.EARTH_KM


class MapillarySettings(Sampling):
    """How addresses are drawn, and the size of the pictures."""

    width: Literal[256, 1024, 2048] = 1024
    panoramas: bool = False
    """Whether panoramas are taken too."""


def collect(order: base.Order) -> base.Collected:
    """Fill a folder with pictures of Mapillary at addresses. See ``base.Collector``."""
    what = "a token of Mapillary's API (https://www.mapillary.com/dashboard/developers)"
    return street_pictures.collect_with_key(order, MapillarySettings, Mapillary, TOKEN, what)


class Mapillary:
    """The API of Mapillary; see ``street_provider.Provider``."""

    name = "mapillary"
    price_usd = 0.0
    headings = 1

    def __init__(self, settings: MapillarySettings, token: str, order: base.Order) -> None:
        self.variant = str(settings.width)
        self._settings, self._token = settings, token
        self._endpoint = order.endpoint or ENDPOINT
        self._manners = order.manners_of(MANNERS)

    async def __aenter__(self) -> Mapillary:
        from whereshot.photos.fetch.api import Api
        from whereshot.photos.fetch.client import Client

        headers = {"Authorization": f"OAuth {self._token}"}
        self._api = Api(self._endpoint, self._manners, secret=self._token, variable=TOKEN, headers=headers)
        self._pictures = Client(self._manners)
        await self._api.__aenter__()
        await self._pictures.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._pictures.__aexit__(*error)
        await self._api.__aexit__(*error)

    async def look(self, address: Address) -> Viewpoint | None:
        """Return the picture nearest to an address. Raises RefusedError."""
        box = ",".join(f"{edge:.7f}" for edge in box_around(address, self._settings.radius_m))
        parameters = {"bbox": box, "fields": FIELDS, "limit": str(MOST_FOUND)}
        if not self._settings.panoramas:
            parameters["is_pano"] = "false"
        found = await self._api.json("/images", parameters, partial(_check, "data"))
        some = found["data"] if isinstance(found["data"], list) else []
        views = [view for one in some if (view := self._view(one)) is not None]
        if not views:
            return None
        places = [[view.latitude, view.longitude] for view in views]
        distances_km = sphere.distance_km([[address.latitude, address.longitude]], places)
        distance_km, _, nearest = min(
            (float(km), view.id, number) for number, (km, view) in enumerate(zip(distances_km, views, strict=True))
        )
        return views[nearest] if distance_km * 1000 <= self._settings.radius_m else None

    def _view(self, one: Any) -> Viewpoint | None:
        if not isinstance(one, dict) or not one.get("id") or (one.get("is_pano") and not self._settings.panoramas):
            return None
        for key in ("computed_geometry", "geometry"):
            try:
                longitude, latitude = map(float, one[key]["coordinates"])
            except (KeyError, TypeError, ValueError):
                continue
            if sphere.position_problems(np.array([latitude]), np.array([longitude]))[0]:
                continue
            return Viewpoint(str(one["id"]), latitude, longitude, _columns(one))
        return None

    async def picture(self, row: dict[str, Any], budget: Budget) -> bytes:
        """Return the picture of a row, as Mapillary gives it. Raises RefusedError."""
        budget.take(row["id"])
        field = f"thumb_{self._settings.width}_url"
        found = await self._api.json(f"/{row['id']}", {"fields": field}, partial(_check, "id"))
        if not found.get(field):
            raise RefusedError(SERVER_ERROR, f"picture {row['id']}: no {field}")
        data, _ = await self._pictures.picture(str(found[field]))
        return data


def box_around(address: Address, radius_m: float) -> tuple[float, float, float, float]:
    """Return west, south, east, north in degrees of the box around a circle; a box near the date line ends there."""
    high = radius_m / 1000 / _KM_PER_DEGREE
    wide = high / max(math.cos(math.radians(address.latitude)), 1e-3)
    south, north = max(address.latitude - high, -90.0), min(address.latitude + high, 90.0)
    return max(address.longitude - wide, -180.0), south, min(address.longitude + wide, 180.0), north


def _columns(one: dict[str, Any]) -> dict[str, Any]:
    creator, angle, milliseconds = one.get("creator"), one.get("compass_angle"), one.get("captured_at")
    taken_at = None
    if isinstance(milliseconds, (int, float)) and 9e11 < milliseconds < 5e12:
        taken_at = datetime.datetime.fromtimestamp(milliseconds / 1000, datetime.UTC)
    name = creator.get("username") or creator.get("id") if isinstance(creator, dict) else None
    return {
        "album": str(one["sequence"]) if one.get("sequence") else str(one["id"]),
        "taken_at": taken_at,
        "user": str(name) if name else None,
        "license": LICENSE,
        "heading": float(angle) if isinstance(angle, (int, float)) else None,
    }


def _check(key: str, document: dict[str, Any]) -> None:
    """Raise for an answer that reports an error or lacks ``key``."""
    from whereshot.photos.fetch.api import LaterError

    if "error" in document:
        error = document["error"]
        message = error.get("message", "no message") if isinstance(error, dict) else error
        raise LaterError(SERVER_ERROR, f"Mapillary says: {str(message)[:160]}")
    if key not in document:
        raise LaterError(SERVER_ERROR, f"Mapillary's answer has no {key!r}: {str(document)[:80]}")
