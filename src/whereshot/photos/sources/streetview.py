"""Collect pictures of Google Street View at sampled addresses; the terms of use are in docs/sources.md.

Panoramas are found by the metadata endpoint, which is free. Pictures are requested a little larger than needed and
cropped on all sides: this removes the provider's logo and the line below it, and the view stays centred.
"""

from __future__ import annotations

import asyncio
import functools
import io
import math
from dataclasses import replace
from typing import Any

from pydantic import Field, model_validator

from whereshot.foundation.errors import ImageError, InputError
from whereshot.photos import images
from whereshot.photos.fetch.base import DAMAGED, NO_PICTURE, SERVER_ERROR, Manners, RefusedError
from whereshot.photos.sources import base, street_pictures
from whereshot.photos.sources.addresses import Address, Sampling
from whereshot.photos.sources.budget import Budget
from whereshot.photos.sources.street_provider import Viewpoint

ENDPOINT = "https://maps.googleapis.com/maps/api/streetview"
KEY = "WHERESHOT_STREETVIEW_KEY"
USD_PER_PICTURE = 0.007
"""Google's list price of 7 USD for 1,000 pictures; free months and rebates are not counted."""

LARGEST = 640
"""The largest side of a picture that the API returns, in pixels."""

MANNERS = Manners(connections=16, connections_per_host=16, rate_per_host=50.0, redirects=0)
QUALITY = 95

_LATER = ("OVER_QUERY_LIMIT", "UNKNOWN_ERROR")
_NONE = ("ZERO_RESULTS", "NOT_FOUND")


class StreetViewSettings(Sampling):
    """How addresses are drawn, and the size and number of the pictures."""

    size: int = Field(default=512, ge=64)
    """The side of the cropped picture in pixels."""
    margin: int = Field(default=32, ge=24)
    """Pixels that are cropped on each side; the logo takes about 20."""
    fov: float = Field(default=90.0, gt=10, le=110)
    """The horizontal angle of the cropped picture in degrees."""
    pitch: float = Field(default=0.0, ge=-90, le=90)
    headings: int = Field(default=1, ge=1, le=8)
    """The number of pictures of a panorama, evenly spread."""

    @model_validator(mode="after")
    def _fits(self) -> StreetViewSettings:
        if self.size + 2 * self.margin > LARGEST:
            raise ValueError(f"size + 2 * margin must be at most {LARGEST}, which is all that Street View gives")
        if self.asked_fov > 120:
            raise ValueError("fov with its margins must be at most 120 degrees")
        return self

    @property
    def asked_fov(self) -> float:
        """The horizontal angle of the picture before it is cropped, in degrees."""
        whole = (self.size + 2 * self.margin) / self.size
        return 2 * math.degrees(math.atan(math.tan(math.radians(self.fov / 2)) * whole))


def collect(order: base.Order) -> base.Collected:
    """Fill a folder with pictures of Street View at addresses. See ``base.Collector``."""
    what = "a key of the Street View Static API (https://console.cloud.google.com)"
    return street_pictures.collect_with_key(order, StreetViewSettings, StreetView, KEY, what)


class StreetView:
    """The API of Street View; see ``street_provider.Provider``."""

    name = "streetview"
    price_usd = USD_PER_PICTURE

    def __init__(self, settings: StreetViewSettings, key: str, order: base.Order) -> None:
        self.headings = settings.headings
        self.variant = f"{settings.size} {settings.margin} {settings.fov:g} {settings.pitch:g}"
        self._settings, self._key = settings, key
        self._endpoint = order.endpoint or ENDPOINT
        self._manners = order.manners_of(MANNERS)

    async def __aenter__(self) -> StreetView:
        from whereshot.photos.fetch.api import Api

        api = functools.partial(Api, self._endpoint, secret=self._key, variable=KEY, parameters={"key": self._key})
        self._free = api(self._manners)
        # every request for a picture may cost money, so each is taken from the budget
        self._paid = api(replace(self._manners, attempts=1), is_counted=True)
        await self._free.__aenter__()
        await self._paid.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._paid.__aexit__(*error)
        await self._free.__aexit__(*error)

    async def look(self, address: Address) -> Viewpoint | None:
        """Return the panorama nearest to an address. Raises RefusedError."""
        parameters = {
            "location": f"{address.latitude:.7f},{address.longitude:.7f}",
            "radius": f"{self._settings.radius_m:.0f}",
            "source": "outdoor",
        }
        found = await self._free.json("/metadata", parameters, _check)
        if found["status"] in _NONE:
            return None
        place, copyright_ = found.get("location"), found.get("copyright")
        try:
            latitude, longitude, name = float(place["lat"]), float(place["lng"]), str(found["pano_id"])
        except (KeyError, TypeError, ValueError):
            raise RefusedError(SERVER_ERROR, f"a panorama without place or id: {str(found)[:80]}") from None
        columns = {"captured": found.get("date"), "user": copyright_, "license": copyright_}
        return Viewpoint(name, latitude, longitude, columns)

    async def picture(self, row: dict[str, Any], budget: Budget) -> bytes:
        """Return the cropped JPEG of a row. Raises RefusedError, also where the budget is spent."""
        settings, manners = self._settings, self._manners
        side = settings.size + 2 * settings.margin
        parameters = {
            "size": f"{side}x{side}",
            "pano": row["panorama"],
            "heading": f"{row['heading']:.1f}",
            "fov": f"{settings.asked_fov:.2f}",
            "pitch": f"{settings.pitch:g}",
            "return_error_code": "true",
        }
        pause_s = manners.back_off_s
        for attempt in range(1, manners.attempts + 1):
            budget.take(row["id"])
            try:
                data, _ = await self._paid.data("", parameters, _check_picture)
                return crop(data, settings.size, settings.margin)
            except RefusedError as error:
                may_pass = error.detail.endswith("tried once")  # for other reasons a retry cannot help
                if attempt == manners.attempts or not may_pass:
                    raise
                await asyncio.sleep(pause_s)
                pause_s *= 2
        raise RefusedError(SERVER_ERROR, f"{row['id']}: never asked")


def crop(data: bytes, size: int, margin: int) -> bytes:
    """Return the middle of a picture as a JPEG of ``size`` pixels a side. Raises RefusedError for a picture of another
    size.
    """
    try:
        picture = images.open_rgb(data)
    except ImageError as error:
        raise RefusedError(DAMAGED, str(error)) from None
    side = size + 2 * margin
    if picture.size != (side, side):
        width, height = picture.size
        raise RefusedError(NO_PICTURE, f"a picture of {width} x {height} pixels where {side} x {side} were asked for")
    buffer = io.BytesIO()
    picture.crop((margin, margin, margin + size, margin + size)).save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()


def _check(document: dict[str, Any]) -> None:
    from whereshot.photos.fetch.api import LaterError

    status, message = str(document.get("status", "")), str(document.get("error_message", "no message"))[:160]
    if status == "OK" or status in _NONE:
        return
    if status == "REQUEST_DENIED":
        raise InputError(f"Street View does not accept the key in {KEY} ({message})")
    if status in _LATER or not status:
        raise LaterError(SERVER_ERROR, f"Street View says {status or 'nothing'} ({message})")
    raise RefusedError(SERVER_ERROR, f"Street View says {status} ({message})")


def _check_picture(data: bytes, content_type: str) -> None:
    from whereshot.photos.fetch.api import LaterError

    kind = content_type.partition(";")[0].strip().lower()
    if not kind.startswith("image/"):
        raise LaterError(SERVER_ERROR, f"no picture but {kind[:80] or 'nothing that it names'} with status 200")
