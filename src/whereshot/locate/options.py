"""The options of locating photos: one list, checked in one place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from whereshot.evidence.foreign_lines import BUILTIN, check_reader
from whereshot.evidence.reliability import check_shares
from whereshot.foundation.errors import InputError

if TYPE_CHECKING:
    from whereshot.earth.areas import Region
    from whereshot.evidence.neighbours import AlbumModel
    from whereshot.evidence.time import HourModel


OBJECTS = ("region", "hours", "album", "surface_shares")
"""The options that are not numbers, switches or names."""


@dataclass(frozen=True)
class LocateOptions:
    """How photos are located.

    Raises InputError for a value that is out of range, and MissingExtraError for a reader that is not installed.

    >>> LocateOptions(top=1, within_km=200.0).level
    0.9
    """

    top: int = 5
    """Number of candidates that a prediction lists, at least 1."""
    level: float = 0.9
    """Probability that the circle must hold, between 0 and 1."""
    within_km: float | None = None
    """Choose the place that is most likely right to within this distance in km.

    By default: most likely right to within 25 km, and among such places most likely right to within 1 km.
    """
    region: Region | None = None
    """The area that the answer is restricted to."""
    text: bool = True
    """Whether text in the pictures is read."""
    use_exif: bool = False
    """Whether a position that the camera recorded is evidence."""
    hours: HourModel | None = None
    """Makes the hour at which a photo was taken evidence."""
    album: AlbumModel | None = None
    """Makes recorded positions evidence for photos that were taken shortly before or after."""
    surface_shares: Mapping[str, float] | None = None
    """The assumed shares of the surfaces of text, by the names of ``evidence.base.SURFACES``; they sum to 1.

    By default the shares of ``evidence/data/reliability.toml``, where 65 % of the texts stand on signs and buildings.
    Give your own for photos of another kind, as {"package": 0.9, "sign": 0.1} for photos of goods.
    """
    reader: str = BUILTIN
    """The reader of text: "builtin", or "tesseract", a program that also reads scripts that the package cannot read."""

    def plain(self) -> dict[str, int | float | bool | str | None]:
        """Return the options that are numbers, switches and names, by name: all but region, hours, album and
        surface_shares.

        They can be written as JSON, and ``LocateOptions(**plain)`` reads them. Raises InputError where an option that
        cannot be written is set.
        """
        values = {option.name: getattr(self, option.name) for option in fields(self)}
        for name in OBJECTS:
            if values.pop(name) is not None:
                raise InputError(f"{name} cannot be used here; leave it out")
        return values

    def __post_init__(self) -> None:
        """Refuse values that are out of range."""
        if self.top < 1:
            raise InputError(f"top must be at least 1; got {self.top}")
        if not 0 < self.level < 1:
            raise InputError(f"level lies between 0 and 1; got {self.level:g}")
        if self.within_km is not None and not self.within_km > 0:
            raise InputError(f"within must be a positive number of km; got {self.within_km:g}")
        if self.surface_shares is not None:
            check_shares(self.surface_shares)
        check_reader(self.reader)
