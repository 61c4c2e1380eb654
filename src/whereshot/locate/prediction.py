"""A Prediction: where a photo was taken, how sure that is, and why. It can be written as a document, words or a map."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

import numpy as np

from whereshot.earth import sphere
from whereshot.earth.sphere import DISTANCES_KM
from whereshot.evidence import unread_scripts
from whereshot.evidence.base import Box
from whereshot.evidence.unread_scripts import UnreadScript
from whereshot.foundation.errors import InputError
from whereshot.locate import wording, words
from whereshot.locate.within_probabilities import WithinProbabilities
from whereshot.posterior import notebook_map

WITHIN_KM = DISTANCES_KM
CONFIDENT_TO = dict(zip(WITHIN_KM, ("street", "city", "region", "country", "continent"), strict=True))
CONFIDENT = 0.9


@dataclass(frozen=True)
class Place:
    """A place with its names. Names that are not known are None."""

    name: str | None = None
    region: str | None = None
    country: str | None = None
    country_code: str | None = None

    def __str__(self) -> str:
        return ", ".join(part for part in (self.name, self.region, self.country) if part) or wording.NO_PLACE


@dataclass(frozen=True)
class Candidate:
    """One of the likely places; ``probability`` is the mass within 25 km of it."""

    latitude: float
    longitude: float
    probability: float
    place: Place


@dataclass(frozen=True)
class Evidence:
    """One finding in a photo, and how it changed the answer.

    Attributes:
        kind: the kind of evidence, as "text/language", "exif", "album" or "picture".
        what: what was read or recorded; "" for requested evidence that cannot be used.
        means: its meaning, or why it cannot be used.
        nats: the part of the change of the answer's log probability that the finding made; above 0 it made the answer
            likelier. The parts of all findings sum to the whole change.
        box: left, top, right and bottom in pixels of the upright picture, None where it stands nowhere in the picture.
        surface: what the text most likely stands on, a name of ``evidence.base.SURFACES``; None for other findings.
    """

    kind: str
    what: str
    means: str
    nats: float = 0.0
    box: Box | None = None
    surface: str | None = None

    @property
    def moved(self) -> bool:
        """Whether it was used and moved the answer. Writing that is not read moves it too, by its script."""
        return self.what != "" and self.kind != "picture" and abs(self.nats) >= wording.SILENT_NATS

    @property
    def moved_nothing(self) -> bool:
        """Whether it was used and did not move the answer.

        This is false for evidence that cannot be used or read: its reason is always shown.
        """
        return self.what != "" and self.kind not in ("picture", unread_scripts.KIND) and not self.moved

    def in_words(self) -> str:
        """Return a sentence: the finding, its meaning, and how much likelier it made the answer."""
        if self.kind == "picture":
            return wording.ONLY_PRIOR.format(means=words.sentence(self.means))
        if self.what == "":
            return wording.UNUSABLE.format(means=words.sentence(self.means))
        return words.moved(self.kind, self.what, self.means, self.nats, wording.ANSWER)


@dataclass(frozen=True)
class ReadLine:
    """A line of text that was read in another script than Latin.

    ``confidence`` is the confidence of the reader (0 to 1), ``box`` the position in pixels of the upright picture.
    ``latin`` is the text in Latin letters, "" where it is not known (Chinese and Japanese).
    """

    script: str
    text: str
    confidence: float
    box: Box
    latin: str = ""


@dataclass(frozen=True)
class SureOf:
    """The finest named place that holds at least 90 % of the probability (``locate.sureness`` computes it)."""

    level: str
    """"street", "city", "region" or "country"."""
    name: str
    """The name of the town, region or country; for a street the town that it lies in."""
    country_code: str
    probability: float

    def in_words(self) -> str:
        """Return a sentence, such as "Sure of the city: Dubai, United Arab Emirates (93 %)."."""
        country = words.country_name(self.country_code)
        name = self.name if self.level == "country" else wording.IN_COUNTRY.format(name=self.name, country=country)
        return wording.SURE[self.level].format(name=name, percent=words.percent(self.probability))


class Answered(NamedTuple):
    """The answer in degrees, and the radius of the circle that holds the probability ``level``."""

    latitude: float
    longitude: float
    radius_km: float
    level: float


@dataclass(frozen=True)
class Prediction:
    """Where a photo was taken, how sure that is, and why.

    * ``radius_km`` is the radius of the circle around the answer that holds the probability ``level``.
    * ``within`` is the probability that the answer is at most 1, 25, 200, 750 and 2500 km off, by the distance as text.
    * ``confident_to`` is the finest of street (1 km), city, region, country and continent (2500 km) whose distance has
      a probability of at least 90 %; None where there is none. It is a distance, and names no place.
    * ``sure_of`` is the finest named street, city, region or country that holds at least 90 %; None where no country
      does.
    * ``limited_to`` is the name of the area that the user limited the answer to; None without one.
    * ``recorded`` is the position that the camera recorded. It is evidence only where the user asks for it.
    * ``unread_scripts`` are the scripts of writing that was seen and not read, each with its probability, its number of
      lines and the box around them.
    * ``writing`` are the lines of text that were read in other scripts than Latin, from top to bottom.
    * ``error`` is why there is no answer. Then all other fields except ``id``, ``path`` and ``recorded`` are empty.
    """

    id: str
    path: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    radius_km: float | None = None
    level: float | None = None
    within: WithinProbabilities = field(default_factory=WithinProbabilities)
    confident_to: str | None = None
    place: Place | None = None
    countries: tuple[tuple[str, float], ...] = ()
    candidates: tuple[Candidate, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    unread_scripts: tuple[UnreadScript, ...] = ()
    writing: tuple[ReadLine, ...] = ()
    recorded: tuple[float, float] | None = None
    sure_of: SureOf | None = None
    limited_to: str | None = None
    error: str | None = None

    @property
    def answered(self) -> Answered:
        """The position and its circle. Raises InputError, with the error, for a photo without an answer."""
        if self.latitude is None or self.longitude is None or self.radius_km is None or self.level is None:
            raise InputError(f"{self.id}: has no answer ({self.error})")
        return Answered(self.latitude, self.longitude, self.radius_km, self.level)

    def to_document(self) -> dict[str, Any]:
        """Return the prediction as a JSON document, as ``whereshot locate --format json`` prints it."""
        document = asdict(self)
        if self.limited_to is None:
            del document["limited_to"]
        document["within"] = self.within.to_document()
        document["unread_scripts"] = [script._asdict() for script in self.unread_scripts]
        document["countries"] = [{"country_code": code, "probability": share} for code, share in self.countries]
        if self.recorded is not None:
            document["recorded"] = dict(zip(("latitude", "longitude"), self.recorded, strict=True))
        return document

    def in_words(self, *, all_evidence: bool = False) -> list[str]:
        """Return the answer as plain sentences; the error alone where there is no answer.

        Evidence that did not move the answer is left out, except with ``all_evidence``.
        """
        if self.error is not None:
            return [self.error]
        title, rest = self.headline()
        lines = [self.position_words(), f"{title}. {rest}".rstrip(), self._share_words()]
        lines += self.writing_words()
        lines += self.evidence_words(all_evidence=all_evidence)
        return lines if self.recorded is None else [*lines, self.recorded_words()]

    def position_words(self) -> str:
        """Return the position of the answer in degrees with its place, such as "48.8566, 2.3522 (Paris, France)"."""
        return f"{self.latitude:.4f}, {self.longitude:.4f} ({self.place})"

    def _share_words(self) -> str:
        """Return a sentence on the probabilities within three distances, and on the circle."""
        circle = words.circle_words(self.answered.level, self.answered.radius_km)
        shares = (
            wording.WITHIN.format(percent=words.percent(self.within[km]), distance=f"{km} km") for km in (25, 200, 750)
        )
        return f"{', '.join(shares)}; {circle}."

    def headline(self) -> tuple[str, str]:
        """Return how sure the answer is: a title such as "Probably Dubai, United Arab Emirates (55 %)", and the rest.

        The title names a place only as exactly as the answer is sure or probable. The rest are sentences, or "".
        """
        if self.error is not None:
            return wording.NO_ANSWER, self.error
        near = next((km for km, share in self.within.items() if share >= CONFIDENT), None)
        within = self._within_words(near) if near is not None else ""
        probable = self.probable_words()
        if self.sure_of is not None:
            broad = self.sure_of.level in ("region", "country")
            rest = self._elsewhere_words(self.sure_of.country_code) or (f"{probable}." if broad and probable else "")
            return self.sure_of.in_words().removesuffix("."), rest
        if self.limited_to is not None and not probable and near not in WITHIN_KM[:2]:
            title = wording.LIMITED.format(name=self.limited_to)
        elif near is not None and (not probable or near in WITHIN_KM[:2]):
            title = self._around(near)
        else:
            title = probable or wording.NOT_SURE
        named = self.countries[0][0] if probable == title and self._probable_place() is None else None
        parts = (within, self._country_words(), self._elsewhere_words(named))
        return title, " ".join(part for part in parts if part)

    def probable_words(self) -> str:
        """Return "Probably", and the place that holds at least 50 %, else the country that does; "" where none does.

        A country is not named where the answer is sure of one, or limited to an area.
        """
        place = self._probable_place()
        if place is not None:
            country = "" if self.sure_of is not None else place.place.country
            name = str(place.place.name)
            if country and country != name:
                name = wording.IN_COUNTRY.format(name=name, country=country)
            return wording.PROBABLY.format(name=name, percent=words.percent(place.probability))
        if (
            self.sure_of is None
            and self.limited_to is None
            and self.countries
            and self.countries[0][1] >= wording.PROBABLE
        ):
            code, share = self.countries[0]
            return wording.PROBABLY.format(name=words.country_name(code), percent=words.percent(share))
        return ""

    def _probable_place(self) -> Candidate | None:
        """Return the likeliest place where it has a name and holds at least 50 %."""
        place = max(self.candidates, key=lambda one: one.probability, default=None)
        if place is None or place.probability < wording.PROBABLE or place.place.name is None:
            return None
        return place

    def _elsewhere_words(self, country_code: str | None) -> str:
        """Return a sentence with the answer's place where it lies in another country than the named one; else ""."""
        place, near_km = self.place or Place(), WITHIN_KM[1]
        if None in (country_code, place.country_code) or place.country_code == country_code:
            return ""
        percent = words.percent(self.within.get(near_km, 0.0))
        name = ", ".join(dict.fromkeys(part for part in (place.name, place.country) if part))
        return wording.LIKELIEST_PLACE.format(name=name, percent=percent, distance=f"{near_km} km")

    def _around(self, near_km: int) -> str:
        """Return "Around", and the name of the answer's town, region or country that fits a distance in km."""
        place = self.place or Place()
        fine = place.name if near_km in WITHIN_KM[:2] else place.region if near_km == WITHIN_KM[2] else None
        name = fine or place.country
        return wording.AROUND.format(name=name) if name else words.sentence(wording.NO_PLACE)

    def _within_words(self, km: int) -> str:
        """Return a sentence on the probability within a distance."""
        share, distance = words.percent(self.within[km]), words.distance_words(km)
        return words.sentence(wording.WITHIN_ALONE.format(percent=share, distance=distance))

    def _country_words(self) -> str:
        """Return a sentence with the three likeliest countries; "" where there are none, or the user gave the one."""
        if self.limited_to is not None and self.countries and self.countries[0][1] >= wording.NEARLY_CERTAIN:
            return ""
        likely = ", ".join(
            wording.COUNTRY_SHARE.format(country=words.country_name(code), percent=words.percent(share))
            for code, share in self.countries[:3]
        )
        return wording.BY_COUNTRY.format(countries=likely) if likely else ""

    def recorded_words(self) -> str:
        """Return one sentence on the position that the camera recorded, how far off it is, and whether it was used.

        "" where the camera recorded none.
        """
        if self.recorded is None:
            return ""
        recorded = self.recorded
        is_used = any(item.kind == "exif" and item.what for item in self.evidence)
        off_km = sphere.distance_km(np.array(recorded), np.array(self.answered[:2]))
        off = wording.OFF_ANSWER.format(
            distance=words.distance_words(float(off_km)), used="" if is_used else wording.NOT_USED
        )
        return f"{wording.RECORDED_BY_CAMERA}: {recorded[0]:.5f}, {recorded[1]:.5f} ({off})."

    def writing_words(self) -> list[str]:
        """Return a sentence for each script other than Latin in which lines were read."""
        return [
            words.writing(script, [(line.text, line.latin) for line in self.writing if line.script == script])
            for script in dict.fromkeys(line.script for line in self.writing)
        ]

    def evidence_words(self, *, all_evidence: bool = False) -> list[str]:
        """Return a sentence for each piece of evidence that moved the answer; with ``all_evidence`` for every piece."""
        return [item.in_words() for item in self.evidence if all_evidence or not item.moved_nothing]

    def _repr_html_(self) -> str:
        """Return a small map of the likely places with the answer in words, which notebooks show."""
        name = self.path or self.id
        lines = [name, *self.in_words()]
        if self.error is not None:
            return notebook_map.document(map(notebook_map.paragraph, lines))
        spots = np.array([(one.latitude, one.longitude) for one in self.candidates]).reshape(-1, 2)
        svg = notebook_map.world_svg(spots, np.array([one.probability for one in self.candidates]), name)
        return notebook_map.document([notebook_map.figure(svg, lines)])
