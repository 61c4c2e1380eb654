"""Apply the requested kinds of evidence to the posterior of one photo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from whereshot.earth.place_names import place_names
from whereshot.evidence import (
    EVIDENCE,
    Cue,
    Fused,
    Line,
    PhotoFacts,
    Reading,
    exif,
    fuse,
    read_photos,
    time,
    unread_scripts,
)
from whereshot.evidence.look_alikes import fold_lines
from whereshot.evidence.neighbours import Album, AlbumModel, NeighbourEvidence
from whereshot.evidence.reliability import fitted_reliabilities, likeliest_surface, meaning_on_surface
from whereshot.evidence.text_segments import script_of_word
from whereshot.evidence.transliteration import in_latin
from whereshot.evidence.unread_scripts import UnreadScript
from whereshot.foundation.errors import ImageError
from whereshot.foundation.progress import Track
from whereshot.locate.answers import CANDIDATE_KM
from whereshot.locate.options import LocateOptions
from whereshot.locate.prediction import Evidence, ReadLine
from whereshot.photos.photo import Photo
from whereshot.photos.recorded import Recorded
from whereshot.posterior.base import Posterior
from whereshot.posterior.masses import Restriction
from whereshot.posterior.prior import prior_widening
from whereshot.posterior.widening import Widening

if TYPE_CHECKING:
    from whereshot.earth import areas

COARSE_GRID = 60
"""Positions of the grid over a region where the effect of each cue is measured; a coarse grid is fast."""


@dataclass(frozen=True)
class AskedEvidence:
    """The kinds of evidence that the user requested."""

    options: LocateOptions = field(default_factory=LocateOptions)
    neighbours: NeighbourEvidence = field(default_factory=NeighbourEvidence)
    """The evidence from the photos that were taken shortly before and after it."""

    def cues_of(self, seen: PhotoFacts) -> list[Cue]:
        """Return all cues of the requested kinds in a photo."""
        kinds = [kind for kind, asked in (("text", self.options.text), ("exif", self.options.use_exif)) if asked]
        cues = [cue for kind in kinds for cue in EVIDENCE[kind](seen)] + list(self.neighbours.cues)
        return cues if self.options.hours is None else [*cues, *self.options.hours.cues_of(seen)]

    def remarks_on(self, seen: PhotoFacts) -> tuple[tuple[str, str], ...]:
        """Return (kind, reason) for each requested kind whose data cannot be used."""
        found = (("exif", exif, self.options.use_exif), ("time", time, self.options.hours is not None))
        remarks = [(kind, module.remark_on(seen)) for kind, module, asked in found if asked]
        remarks.append(("album", self.neighbours.remark))
        return tuple((kind, remark) for kind, remark in remarks if remark is not None)


@dataclass(frozen=True)
class Explained:
    """A posterior of one row with its evidence, and the reasons why other evidence could not be used."""

    posterior: Posterior
    widening: Widening
    not_a_photo: str | None
    remarks: tuple[tuple[str, str], ...]
    """(kind, reason) for each requested kind of evidence that could not be used."""
    recorded: Recorded
    fused: Fused | None
    lines: tuple[Line, ...] = ()
    """The lines of text in the picture."""
    unread: tuple[Line, ...] = ()
    """Lines in scripts that were not read."""

    @property
    def unread_scripts(self) -> tuple[UnreadScript, ...]:
        """The scripts of the lines that are not read, rounded as a Prediction gives them."""
        return tuple(
            one._replace(probability=round(one.probability, 4)) for one in unread_scripts.unread_scripts(self.unread)
        )

    @property
    def writing(self) -> tuple[ReadLine, ...]:
        """The lines that were read in other scripts than Latin, as a Prediction gives them.

        The script is the script of the letters that were read, where the line looked like another script than Latin.
        """
        lines = [line for line in fold_lines(self.lines) if line.script not in (None, "Latin", "digits")]
        named = [(script_of_word([char for char in line.text if char.isalpha()]), line) for line in lines]
        return tuple(
            ReadLine(script, line.text, round(line.confidence, 4), line.box, in_latin(line.text))
            for script, line in named
            if script not in ("", "Latin")
        )

    @property
    def changed(self) -> bool:
        """Whether the evidence changed the posterior."""
        return self.fused is not None or self.not_a_photo is not None

    def evidence(self, answer: NDArray[np.float64], region: areas.Region | None) -> tuple[Evidence, ...]:
        """Return the evidence as a Prediction lists it, with how far each cue moved the answer (2,).

        Evidence that could not be used comes first, then the cues, strongest first.
        """
        restrict = None if region is None else Restriction(region, COARSE_GRID)
        unused = [("picture", self.not_a_photo), *self.remarks]
        found = [Evidence(kind, "", why) for kind, why in unused if why is not None]
        (place,) = place_names(answer[None])
        for weighed in () if self.fused is None else self.fused.weigh_near(answer, CANDIDATE_KM, restrict):
            cue, nats = weighed.cue.meant_at(answer), round(weighed.nats, 2) + 0.0  # adding 0 avoids "-0.0"
            reason = cue.reason(place.country_code, place.country, nats, weighed.alone)
            means = meaning_on_surface(replace(cue, means=reason))
            found.append(Evidence(cue.kind, cue.what, means, nats, cue.box, likeliest_surface(cue)))
        return tuple(found)


def explained(
    posterior: Posterior,
    reading: Reading,
    recorded: Recorded,
    asked: AskedEvidence,
    widening: Widening,
    prior: Posterior,
) -> Explained:
    """Apply the evidence to a posterior of one row; ``widening`` is the model's correction of radii.

    A picture that is not a photo gets the ``prior``, and only EXIF counts as its evidence.
    """
    if reading.not_a_photo is not None:
        asked = AskedEvidence(LocateOptions(text=False, use_exif=asked.options.use_exif))
        posterior, widening = prior, prior_widening()
    facts = PhotoFacts(reading.lines, recorded, reading.unread)
    cues = asked.cues_of(facts)
    fused = fuse(posterior, cues, fitted_reliabilities().with_shares(asked.options.surface_shares)) if cues else None
    if fused is not None:
        posterior = fused.posterior
    return Explained(
        posterior, widening, reading.not_a_photo, asked.remarks_on(facts), recorded, fused, facts.lines, facts.unread
    )


def readings_of(photos: Sequence[Photo | None], options: LocateOptions, track: Track) -> list[Reading]:
    """Read the text in each photo with the reader of the options; the readings are empty where they say so."""
    return read_photos(photos, options.reader, track=track) if options.text else [Reading()] * len(photos)


def recorded_of(photo: Photo | None) -> Recorded:
    """Return the data that the camera recorded; an empty record for a photo that is missing or cannot be read."""
    if photo is None:
        return Recorded()
    try:
        return photo.recorded
    except ImageError:
        return Recorded()


def album_of(photos: Sequence[Photo | None], model: AlbumModel) -> Album:
    """Return the photos as an album. Photos in it that were taken close in time are evidence for each other."""
    names = [f"photo-{row}" if one is None or one.path is None else one.name for row, one in enumerate(photos)]
    return Album(model, [recorded_of(one) for one in photos], names)
