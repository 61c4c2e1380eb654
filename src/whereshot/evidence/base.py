"""The types of evidence: lines of text, the facts about a photo, and cues.

A cue holds what was found, its meaning, and what it implies about the place: a likelihood for each country, a list of
proposed places, or a likelihood for every place. ``fusion`` applies cues to a posterior.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from whereshot.earth import sphere
from whereshot.foundation.errors import InputError
from whereshot.photos.recorded import Recorded

CARRIED_KM = 25.0
"""Km. An answer at most this far from a proposed place is carried by it."""
SILENT_NATS = 0.05
"""Nats. A cue that changes the answer by less, about 5 %, counts as a cue without effect."""

Box = tuple[int, int, int, int]
"""Left, top, right and bottom in pixels of the upright picture."""


Corners = tuple[tuple[float, float], tuple[float, float], tuple[float, float], tuple[float, float]]
"""Top left, top right, bottom right, bottom left of a line as it is read; (x, y) in pixels of the upright picture."""

SURFACES = ("sign", "vehicle", "package", "clothing", "print", "screen", "overlay")
"""What text can stand on: a sign or a building, a vehicle, a package or a bottle, clothing, a book or paper, a screen.

An overlay is not part of the scene: it is a credit or a date that was written over the picture."""


@dataclass(frozen=True)
class Line:
    """A line of text that was read: its text, the confidence of the reader (0 to 1), and its box in the picture.

    ``corners`` are the corners of the detected box, which can be tilted; None where they are not known. ``surfaces``
    are the probabilities of what the line stands on, by the names of ``SURFACES``; None where that was not judged.
    ``script`` is what the line is written in, by the names of ``line_scripts.CLASSES``; None where that was not judged.
    """

    text: str
    confidence: float
    box: Box
    corners: Corners | None = None
    surfaces: Mapping[str, float] | None = None
    script: str | None = None

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


def box_around(boxes: Iterable[Box]) -> Box:
    """Return the smallest box around all boxes; there must be at least one box.

    >>> box_around([(0, 5, 10, 20), (3, 1, 30, 9)])
    (0, 1, 30, 20)
    """
    left, top, right, bottom = zip(*boxes, strict=True)
    return min(left), min(top), max(right), max(bottom)


def mean_surfaces(lines: Sequence[Line]) -> dict[str, float] | None:
    """Return the mean of the lines' surface probabilities, over the lines that were judged; None if no line was."""
    judged = [line.surfaces for line in lines if line.surfaces is not None]
    if not judged:
        return None
    return {name: sum(surfaces.get(name, 0.0) for surfaces in judged) / len(judged) for name in SURFACES}


@dataclass(frozen=True)
class Proposal:
    """A place that a cue proposes.

    Half of the place's probability lies within ``spread_km`` of its center. ``weight`` is relative to the other places
    of the same cue.
    """

    name: str
    latitude: float
    longitude: float
    country_code: str
    spread_km: float
    weight: float


@dataclass(frozen=True)
class Cue:
    """One finding in a photo and what it implies about the place.

    ``kind`` names the sort of evidence, ``what`` quotes the finding, and ``means`` explains it in words. ``trust`` is
    the key of its reliability in ``reliability.toml``; the reliability is multiplied by ``discount`` (0 to 1). ``box``
    is its position in the picture. ``surfaces`` are the probabilities of what its lines stand on (``mean_surfaces``),
    None where that was not judged. ``languages`` are, for a language cue, the names of the languages that make the text
    likely in each country, by code; None for other cues. ``means_by`` explains, for a cue of several places, the
    finding by the place that is meant. Exactly one of these three is given:

    * ``countries``: relative likelihoods by country code; a missing code has likelihood 0.
    * ``proposals``: the places that the cue proposes.
    * ``log_likelihood``: a function from places (k, 2) to log likelihoods (k,). It needs no reliability.

    Raises InputError where none or several of them are given, where a weight is negative or infinite, where all weights
    are 0, and where the discount is not from 0 to 1.
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
    languages: Mapping[str, str] | None = None
    means_by: Callable[[Proposal], str] | None = field(default=None, compare=False, repr=False)

    def meant_at(self, answer: NDArray[np.float64]) -> Cue:
        """Return the cue with the meaning by the proposed place that carries an answer (2,), if one does."""
        if self.means_by is None:
            return self
        places = np.array([(proposal.latitude, proposal.longitude) for proposal in self.proposals])
        away = sphere.distance_km(answer, places)
        nearest = int(away.argmin())
        carries = away[nearest] <= max(CARRIED_KM, self.proposals[nearest].spread_km)
        return replace(self, means=self.means_by(self.proposals[nearest])) if carries else self

    def reason(self, country_code: str | None, country: str | None, nats: float, alone: float) -> str:
        """Return what the cue means for an answer in a country, whose probability it changed by ``nats``.

        A language cue can speak for a country by another language than the one that it looks like most. Then the reason
        names that language. It says that the text speaks against the country only where the text does so alone, by
        ``alone`` nats; beside other cues it can also lower a country that it fits, because it fits others better.
        """
        language = None if self.languages is None or country_code is None else self.languages.get(country_code)
        if language is None or abs(nats) < SILENT_NATS:
            return self.means
        if nats < 0:
            against = "speaks against" if alone <= -SILENT_NATS else "fits other countries better than"
            return f"{self.means}, which {against} {country}"
        return self.means if language in self.means else f"{self.means}; part of it looks like {language}"

    def __post_init__(self) -> None:
        given_names = [
            name
            for name, given in (
                ("countries", bool(self.countries)),
                ("proposals", bool(self.proposals)),
                ("log_likelihood", self.log_likelihood is not None),
            )
            if given
        ]
        if len(given_names) != 1:
            raise InputError(
                f"cue {self.kind!r} ({self.what!r}) must give one of countries, proposals or log_likelihood; "
                f"it gives {' and '.join(given_names) or 'none'}"
            )
        weights = [*(self.countries or {}).values(), *(proposal.weight for proposal in self.proposals)]
        if weights and not (all(0 <= weight < math.inf for weight in weights) and sum(weights) > 0):
            raise InputError(f"cue {self.kind!r} ({self.what!r}) needs weights of 0 or more, not all 0")
        if not 0 <= self.discount <= 1:
            raise InputError(f"cue {self.kind!r} ({self.what!r}) needs a discount from 0 to 1; got {self.discount:g}")


@dataclass(frozen=True)
class PhotoFacts:
    """What evidence may use: the lines of text in the picture, the data that the camera recorded, and ``unread`` lines.

    An unread line is in a script that was not read: its text is "".
    """

    lines: tuple[Line, ...] = ()
    recorded: Recorded = field(default_factory=Recorded)
    unread: tuple[Line, ...] = ()


EvidenceKind = Callable[[PhotoFacts], list[Cue]]
"""A kind of evidence: a function that returns all its cues for one photo."""
