"""Is a claimed place plausible for a photo? The claim's probability against the prior's and against the best other
place, its rank, and the evidence for and against it.

What is read may stand on goods or be misread, and then all of it says nothing. So a claim is unlikely only where it
stays so with the probability that the writing belongs to the place: P = (1 - t) P(nothing read) + t P(all evidence),
with t from ``evidence.local_writing``. How unlikely it must be is in ``data/verdict.toml``.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, field
from typing import Any

from whereshot.evidence import WeighedCue
from whereshot.evidence.fusion import LEAST_PROBABILITY
from whereshot.evidence.local_writing import Writing, is_text, judge_writing
from whereshot.foundation.package_data import read_toml
from whereshot.locate.claimed_place import Claim, Others
from whereshot.locate.geolocator import Geolocator
from whereshot.locate.photo_evidence import Explained
from whereshot.photos import images
from whereshot.posterior.base import Posterior

THIN_NATS = 1.0
"""Evidence that moves a claim by less than this says nothing for it, nor against it."""
STRONG_NATS = 2.0
"""By how much the photo may speak more for another place than for a claim that is plausible."""


@functools.cache
def fitted_strength() -> tuple[float, float]:
    """Nats against the prior and against the best other place from which a claim is unlikely."""
    fitted = read_toml("locate/data/verdict.toml")["unlikely"]
    return float(fitted["against_prior_nats"]), float(fitted["against_best_other_nats"])


@dataclass(frozen=True)
class Verdict:
    """What the photo says of a claim; nats are natural logs of likelihood ratios."""

    claim: Claim
    probability: float
    unread: float
    """The claim's probability with nothing read in the picture."""
    prior: float
    others: Others
    evidence: tuple[WeighedCue, ...]
    """Every cue, and by how many nats it moved the claim."""
    writing: Writing
    """How far what was read may speak against the claim."""
    after: Posterior = field(repr=False)
    """After all evidence."""
    not_a_photo: str | None = None
    """Why the picture is taken for none, in which case the prior alone answers."""
    recorded: tuple[float, float] | None = None
    """The position that the camera recorded, whether it was used or not."""
    recorded_off_km: float | None = None
    """Its distance from the claim; 0 inside a claimed area."""
    used_exif: bool = False
    remarks: tuple[str, ...] = ()
    """What was asked for and could not be used."""

    @functools.cached_property
    def rank(self) -> int:
        """The claim's rank among all of its kind."""
        return self.claim.rank(self.after)

    @property
    def against_prior(self) -> float:
        """How far the photo moved the claim, in nats."""
        return _log_ratio(self.probability, self.prior)

    @property
    def against_best(self) -> float:
        """What the photo says for the claim against the best other place, in nats: their likelihood ratio.

        A village is not unlikely because a city is photographed more.
        """
        return self.against_prior - _log_ratio(self.others.probability, self.others.prior)

    @property
    def surely_against_prior(self) -> float:
        """The same as ``against_prior``, allowing for writing that does not belong to the place."""
        return _log_ratio(self._allowing(self.unread, self.probability), self.prior)

    @property
    def surely_against_best(self) -> float:
        """The same as ``against_best``, allowing for writing that does not belong to the place."""
        other = self._allowing(self.others.unread, self.others.probability)
        return self.surely_against_prior - _log_ratio(other, self.others.prior)

    def _allowing(self, unread: float, probability: float) -> float:
        weight = self.writing.weight
        return (1 - weight) * unread + weight * probability

    @property
    def word(self) -> str:
        """ "plausible", "unlikely" or "can't tell"."""
        if self.against_prior >= THIN_NATS and self.against_best >= -STRONG_NATS:
            return "can't tell" if self.record_contradicts else "plausible"
        if self.record_contradicts or self.is_unlikely_by(*fitted_strength()):
            return "unlikely"
        return "can't tell"

    @property
    def record_contradicts(self) -> bool:
        """Whether the recorded position was used, and speaks against the claim; no writing makes up for that."""
        return self.used_exif and _log_ratio(self.unread, self.prior) <= -fitted_strength()[0]

    def is_unlikely_by(self, prior_nats: float, best_nats: float) -> bool:
        """Whether the photo speaks against the claim so strongly, against the prior and the best other place."""
        return self.surely_against_prior <= -prior_nats and self.surely_against_best <= -best_nats

    @property
    def decided_by(self) -> str:
        """What decides the verdict, as a sentence without its full stop."""
        share = "over 99 %" if self.writing.local >= 0.995 else f"{100 * self.writing.local:.0f} %"
        if self.word == "can't tell":
            if self.record_contradicts:
                return "the recorded position speaks against the claim, and what was read speaks for it"
            against = self.against_prior <= -THIN_NATS and self.unread > self.probability
            if against and self.writing.only_english:
                return "what was read is English, which is written all over the world: alone it speaks against no place"
            if against:
                return (
                    "what was read speaks against the claim, but may be misread, or stand on goods or guests' menus: "
                    f"it belongs to the place with a probability of {share}"
                )
            return "nothing speaks clearly for the claim or against it"
        read_nats = abs(_log_ratio(self.probability, self.unread))
        recorded_nats = max((abs(one.nats) for one in self.evidence if one.cue.kind == "exif"), default=0.0)
        if self.used_exif and (self.record_contradicts or recorded_nats >= read_nats):
            return "the recorded position decides"
        if read_nats >= THIN_NATS:
            return f"what was read decides; it belongs to the place with a probability of {share}"
        return "what the picture looks like decides"

    def to_json(self) -> dict[str, Any]:
        """One document."""
        recorded = None
        if self.recorded is not None:
            latitude, longitude = self.recorded
            recorded = {
                "latitude": latitude,
                "longitude": longitude,
                "off_km": None if self.recorded_off_km is None else round(self.recorded_off_km, 3),
                "used": self.used_exif,
            }
        return {
            "claim": self.claim.text,
            "name": self.claim.name,
            "verdict": self.word,
            "probability": self.probability,
            "prior": self.prior,
            "nats_against_prior": _rounded(self.against_prior, 3),
            "best_other": {"name": self.others.best, "probability": self.others.probability},
            "nats_against_best_other": _rounded(self.against_best, 3),
            "rank": self.rank,
            "decided_by": self.decided_by,
            "local_writing": {
                "probability": round(self.writing.local, 4),
                "only_english": self.writing.only_english,
                "nats_against_prior": _rounded(self.surely_against_prior, 3),
                "nats_against_best_other": _rounded(self.surely_against_best, 3),
            },
            "evidence": [
                {
                    "kind": weighed.cue.kind,
                    "what": weighed.cue.what,
                    "means": weighed.cue.means,
                    "nats": _rounded(weighed.nats, 2),
                }
                for weighed in self.evidence
            ],
            "not_a_photo": self.not_a_photo,
            "recorded": recorded,
            "remarks": list(self.remarks),
        }


def check(
    locator: Geolocator, photo: images.Source, claim: Claim, *, text: bool = True, use_exif: bool = False
) -> Verdict:
    """Judge a claim. A recorded position is told, and used only with ``use_exif``. Raises ImageError."""
    return judge(claim, locator.explain(photo, text=text, use_exif=use_exif), locator.prior)


def judge(claim: Claim, found: Explained, prior: Posterior) -> Verdict:
    """Judge a claim by what is known of a photo; ``prior`` is the photo density."""
    after = found.posterior
    unread, moved, writing = after, [], Writing()
    if found.fused is not None:
        unread = found.fused.only(lambda cue: not is_text(cue)).posterior
        moved = found.fused.weigh(lambda fused: claim.mass(fused.posterior))
        writing = judge_writing(found.lines, found.fused.cues)
    spot = found.recorded
    recorded = None if spot.latitude is None or spot.longitude is None else (spot.latitude, spot.longitude)
    return Verdict(
        claim,
        probability=claim.mass(after),
        unread=claim.mass(unread),
        prior=claim.mass(prior),
        others=claim.others(after, unread, prior),
        evidence=tuple(moved),
        writing=writing,
        after=after,
        not_a_photo=found.not_a_photo,
        recorded=recorded,
        recorded_off_km=None if recorded is None else claim.off_km(recorded),
        used_exif=any(weighed.cue.kind == "exif" for weighed in moved),
        remarks=tuple(why for _, why in found.remarks),
    )


def _log_ratio(probability: float, before: float) -> float:
    return math.log(max(probability, LEAST_PROBABILITY) / max(before, LEAST_PROBABILITY))


def _rounded(value: float, digits: int) -> float:
    return round(value, digits) + 0.0  # no "-0.0"
