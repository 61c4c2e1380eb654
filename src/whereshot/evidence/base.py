"""The types of evidence: lines read, what was seen with a photo, and cues, which say what that means for its place.

A cue says what was noticed, what it was taken to mean, and how likely that makes each country, some places, or every
place. ``fusion`` applies cues to a posterior.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from whereshot.foundation.errors import InputError
from whereshot.photos.recorded import Recorded

Box = tuple[int, int, int, int]
"""left, top, right, bottom in pixels of the upright picture."""


Corners = tuple[tuple[float, float], tuple[float, float], tuple[float, float], tuple[float, float]]
"""Top left, top right, bottom right, bottom left of a line as it is read; (x, y) in pixels of the upright picture."""

SURFACES = ("sign", "vehicle", "package", "clothing", "print", "screen", "overlay")
"""What text stands on: a sign or a building, a vehicle, a package or a bottle, clothing, a book or paper, a screen, or
nothing of the scene: a credit or a date that was written over the picture."""


@dataclass(frozen=True)
class Line:
    """A line of text as it was read, how sure the reader is (0 to 1), and where it stands in the picture.

    ``corners`` are the corners of the detector's box, which may be tilted; None where they are not known. ``surfaces``
    are the probabilities of what the line stands on, by the names of ``SURFACES``; None where that was not judged.
    """

    text: str
    confidence: float
    box: Box
    corners: Corners | None = None
    surfaces: Mapping[str, float] | None = None

    def scaled(self, factor: float, left: float = 0.0, top: float = 0.0) -> Line:
        """Return the line moved by ``left`` and ``top`` pixels, then in a picture ``factor`` times as large."""
        x0, y0, x1, y1 = self.box
        box = (
            round((x0 + left) * factor),
            round((y0 + top) * factor),
            round((x1 + left) * factor),
            round((y1 + top) * factor),
        )
        if self.corners is None:
            return replace(self, box=box)
        a, b, c, d = (((x + left) * factor, (y + top) * factor) for x, y in self.corners)
        return replace(self, box=box, corners=(a, b, c, d))


def mean_surfaces(lines: Sequence[Line]) -> dict[str, float] | None:
    """Return the mean of the lines' surface probabilities, over the lines that were judged; None if no line was."""
    judged = [line.surfaces for line in lines if line.surfaces is not None]
    if not judged:
        return None
    return {name: sum(surfaces.get(name, 0.0) for surfaces in judged) / len(judged) for name in SURFACES}


@dataclass(frozen=True)
class Proposal:
    """A place that a cue proposes, half of which lies within ``spread_km``, with its weight among the cue's places."""

    name: str
    latitude: float
    longitude: float
    country_code: str
    spread_km: float
    weight: float


@dataclass(frozen=True)
class Cue:
    """One thing noticed, which speaks either of countries, or of some places, or of every place.

    ``trust`` names its reliability in ``reliability.toml``, of which ``discount`` is the share that is left.
    ``countries`` are relative likelihoods by country code, zero where missing; ``proposals`` the places it proposes;
    ``log_likelihood`` gives the log likelihood (k,) of places (k, 2) and needs no reliability. ``surfaces`` are the
    probabilities of what its lines stand on (``mean_surfaces``), None where that was not judged. Raises InputError for
    a cue that says none of these, or more than one, and for weights that are no weights.
    """

    kind: str
    what: str
    means: str
    trust: str
    discount: float = 1.0
    countries: Mapping[str, float] | None = None
    proposals: tuple[Proposal, ...] = ()
    log_likelihood: Callable[[NDArray[np.float64]], NDArray[np.float64]] | None = None
    box: Box | None = None
    surfaces: Mapping[str, float] | None = None

    def __post_init__(self) -> None:
        said = [
            name
            for name, given in (
                ("countries", bool(self.countries)),
                ("proposals", bool(self.proposals)),
                ("log_likelihood", self.log_likelihood is not None),
            )
            if given
        ]
        if len(said) != 1:
            raise InputError(
                f"cue {self.kind!r} ({self.what!r}) must give one of countries, proposals or log_likelihood; "
                f"it gives {' and '.join(said) or 'none'}"
            )
        weights = [*(self.countries or {}).values(), *(proposal.weight for proposal in self.proposals)]
        if weights and not (all(0 <= weight < math.inf for weight in weights) and sum(weights) > 0):
            raise InputError(f"cue {self.kind!r} ({self.what!r}) needs weights of 0 or more, not all 0")
        if not 0 <= self.discount <= 1:
            raise InputError(f"cue {self.kind!r} ({self.what!r}) needs a discount from 0 to 1; got {self.discount:g}")


@dataclass(frozen=True)
class PhotoFacts:
    """What evidence may use: the lines read in the picture, and what the camera recorded."""

    lines: tuple[Line, ...] = ()
    recorded: Recorded = field(default_factory=Recorded)


Evidence = Callable[[PhotoFacts], list[Cue]]
"""One kind of evidence: everything it notices about one photo."""
