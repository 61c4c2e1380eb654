"""The interface of an API of street pictures, which Street View and Mapillary implement."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Protocol

import pyarrow as pa

from whereshot.photos.records import SCHEMA
from whereshot.photos.sources.addresses import Address
from whereshot.photos.sources.budget import Budget

PANORAMAS = pa.schema(
    [
        *SCHEMA,
        ("panorama", pa.string()),
        ("captured", pa.string()),
        ("heading", pa.float64()),
        ("cell", pa.string()),
        ("unit", pa.string()),
        ("address", pa.string()),
    ]
)
"""One row for each picture to request: ``album`` is its panorama or sequence, ``captured`` the date of the API."""


@dataclass(frozen=True)
class Viewpoint:
    """A panorama or a single picture by its id, and its position in degrees."""

    id: str
    latitude: float
    longitude: float
    columns: dict[str, Any] = field(default_factory=dict)
    """The columns of PANORAMAS that the provider knows."""


class Provider(Protocol):
    """An API of street pictures, used in an ``async with``.

    ``price_usd`` is the price of one picture; ``headings`` is the number of pictures of one viewpoint; ``variant``
    states what distinguishes pictures of the same viewpoint, such as their size.
    """

    name: str
    price_usd: float
    headings: int
    variant: str

    async def __aenter__(self) -> Provider: ...
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    async def look(self, address: Address) -> Viewpoint | None:
        """Return the viewpoint nearest to an address, at no price; None where there is none. Raises RefusedError."""
        ...

    async def picture(self, row: dict[str, Any], budget: Budget) -> bytes:
        """Return the JPEG of a row of PANORAMAS; every request with a price is first taken from the budget.

        Raises RefusedError.
        """
        ...
