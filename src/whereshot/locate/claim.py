"""Judge whether a claimed place is plausible for a photo.

The verdict compares the probability of the claim with its prior and with the best other place. It also has the rank of
the claim and the evidence for and against it.

Text in the picture can be misread, or stand on goods from elsewhere; then it has no information about the place. So
text counts, for a claim and against it, only with the probability t that it belongs to the place
(``evidence.local_writing``): P = (1 - t) P(without the text) + t P(with all evidence). English alone counts for a claim
but never against one. The limits beyond which a claim is unlikely are in ``data/verdict.toml``.
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
from whereshot.locate import wording, words
from whereshot.locate.claimed_place import Claim, Others
from whereshot.locate.geolocator import Geolocator
from whereshot.locate.options import LocateOptions
from whereshot.locate.photo_evidence import Explained
from whereshot.photos.photo import PhotoLike
from whereshot.posterior.base import Posterior

THIN_NATS = 1.0
"""Evidence that changes the claim's log probability by less than this counts neither for the claim nor against it."""
STRONG_NATS = 2.0
"""A claim is plausible only if the photo favours the best other place by at most this many nats."""
NOTED_NATS = 0.4
"""Text is named as a reason for or against the claim if it changes the claim's log probability by more than this."""

LEAST_LOCAL = 0.5
"""Text makes a claim plausible only if it belongs to the place with at least this probability."""


@functools.cache
def fitted_strength() -> tuple[float, float]:
    """Return the limits in nats, against the prior and against the best other place, from which a claim is unlikely."""
    fitted = read_toml("locate/data/verdict.toml")["unlikely"]
    return float(fitted["against_prior_nats"]), float(fitted["against_best_other_nats"])


@dataclass(frozen=True)
class Verdict:
    """The judgement on a claim. Values in nats are natural logs of likelihood ratios."""

    claim: Claim
    probability: float
    unread: float
    """The claim's probability without the text in the picture."""
    prior: float
    others: Others
    evidence: tuple[WeighedCue, ...]
    """Every cue, and by how many nats it changed the probability of the claim."""
    writing: Writing
    """How far the text in the picture can count against the claim."""
    after: Posterior = field(repr=False)
    """The posterior after all evidence."""
    not_a_photo: str | None = None
    """Why the picture is not a photo; then the answer is the prior. None for a photo."""
    recorded: tuple[float, float] | None = None
    """The position that the camera recorded, whether it was used or not."""
    recorded_off_km: float | None = None
    """Distance in km of the recorded position from the claim; 0 inside a claimed area."""
    used_exif: bool = False
    """Whether the recorded position was used as evidence."""
    remarks: tuple[str, ...] = ()
    """Why evidence that was requested could not be used."""

    @functools.cached_property
    def rank(self) -> int:
        """The claim's rank among all places of its kind; the likeliest place has rank 1."""
        return self.claim.rank(self.after)

    @property
    def against_prior(self) -> float:
        """How far the photo raised the probability of the claim over its prior, in nats; negative where it fell."""
        return _log_ratio(self.probability, self.prior)

    @property
    def against_best(self) -> float:
        """How far the photo favours the claim over the best other place, in nats: the log of their likelihood ratio.

        The priors do not count. So a village is not unlikely only because a city is photographed more often.
        """
        return self.against_prior - _log_ratio(self.others.probability, self.others.prior)

    @property
    def surely_against_prior(self) -> float:
        """Like ``against_prior``, but text counts only as far as it belongs to the place."""
        return self._guarded(self.writing.weight)[0]

    @property
    def surely_against_best(self) -> float:
        """Like ``against_best``, but text counts only as far as it belongs to the place."""
        return self._guarded(self.writing.weight)[1]

    def _guarded(self, weight: float) -> tuple[float, float]:
        """Return the nats against the prior, and against the best other place, where text counts with this weight."""
        claimed, other = ((1 - weight) * place.unread + weight * place.probability for place in (self, self.others))
        against_prior = _log_ratio(claimed, self.prior)
        return against_prior, against_prior - _log_ratio(other, self.others.prior)

    @property
    def word(self) -> str:
        """The verdict in one word: "plausible", "unlikely" or "can't tell"."""
        for_prior, for_best = self._guarded(self.writing.local)
        if for_prior >= THIN_NATS and for_best >= -STRONG_NATS and self._is_local:
            return "can't tell" if self.record_contradicts else "plausible"
        if self.record_contradicts or self.is_unlikely_by(*fitted_strength()):
            return "unlikely"
        return "can't tell"

    @property
    def _is_local(self) -> bool:
        """Whether the picture speaks for the claim, or text that probably belongs to the place (``LEAST_LOCAL``)."""
        return self.writing.local >= LEAST_LOCAL or _log_ratio(self.unread, self.prior) >= THIN_NATS

    @property
    def record_contradicts(self) -> bool:
        """Whether the recorded position was used and contradicts the claim. Text cannot outweigh that."""
        return self.used_exif and _log_ratio(self.unread, self.prior) <= -fitted_strength()[0]

    def is_unlikely_by(self, prior_nats: float, best_nats: float) -> bool:
        """Return whether the photo counts against the claim by these nats, both to the prior and to the best other."""
        return self.surely_against_prior <= -prior_nats and self.surely_against_best <= -best_nats

    @property
    def decided_by(self) -> str:
        """What decides the verdict, as a sentence without a full stop."""
        share = "over 99 %" if self.writing.local >= 0.995 else f"{100 * self.writing.local:.0f} %"
        if self.word == "can't tell":
            return self._undecided(share)
        read_nats = abs(_log_ratio(self.probability, self.unread))
        recorded_nats = max((abs(one.nats) for one in self.evidence if one.cue.kind == "exif"), default=0.0)
        if self.used_exif and (self.record_contradicts or recorded_nats >= read_nats):
            return "the recorded position decides"
        if read_nats >= THIN_NATS:
            return f"what was read decides; it belongs to the place with a probability of {share}"
        return "what the picture looks like decides"

    def _undecided(self, share: str) -> str:
        """Return why the verdict is "can't tell"; ``share`` is the probability that the text belongs to the place."""
        if self.record_contradicts:
            return "the recorded position speaks against the claim, and what was read speaks for it"
        read_nats = _log_ratio(self.probability, self.unread)
        if abs(read_nats) < NOTED_NATS:
            return "nothing speaks clearly for the claim or against it"
        if read_nats < 0 and self.writing.only_english:
            return "what was read is English, which is written all over the world: alone it speaks against no place"
        return (
            f"what was read speaks {'for' if read_nats > 0 else 'against'} the claim, but may be misread, or stand on "
            f"goods or guests' menus: it belongs to the place with a probability of {share}"
        )

    def to_json(self) -> dict[str, Any]:
        """Return the verdict as one JSON document."""
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

    def in_words(self) -> list[str]:
        """Return the verdict in plain words, line by line."""
        nats, others = self.against_prior, self.others
        lines = [f"{self.claim.name}: {self.word}"]
        if self.not_a_photo is not None:
            lines.append(f"  {words.sentence(self.not_a_photo)}; only where photos are usually taken counts.")
        if abs(nats) < wording.SILENT_NATS:
            moved = "the photo did not move it"
        else:
            moved = (
                f"the photo made it {words.times(nats)} {'likelier' if nats > 0 else 'less likely'} than it was before"
            )
        lines.append(f"  {words.percent(self.probability)}, rank {self.rank}; {moved}.")
        if abs(self.against_best) < wording.SILENT_NATS:
            side = "the photo speaks as much for the one as for the other"
        else:
            side = f"the photo speaks {words.times(self.against_best)} as much for "
            side += "the claim" if self.against_best > 0 else "it as for the claim"
        lines.append(f"  The best other place, {others.best}, has {words.percent(others.probability)}; {side}.")
        lines.append(f"  {words.sentence(self.decided_by)}.")
        for weighed in self.evidence:
            cue = weighed.cue
            lines.append("  " + words.moved(cue.kind, cue.what, cue.means, weighed.nats, wording.CLAIM))
        lines += [f"  {words.sentence(remark)}." for remark in self.remarks]
        if not any(weighed.cue.kind.startswith("text") for weighed in self.evidence):
            lines.append("  Nothing was read in the picture.")
        if self.recorded is not None:
            off = self.recorded_off_km or 0.0
            where = "inside it" if off == 0 else f"{words.distance_words(off)} from the claim"
            used = "" if self.used_exif else "; it was not used (--use-exif lets it speak)"
            lines.append(f"  The camera recorded {self.recorded[0]:.5f}, {self.recorded[1]:.5f}, {where}{used}.")
        return lines


def check(locator: Geolocator, photo: PhotoLike, claim: Claim, options: LocateOptions | None = None) -> Verdict:
    """Judge a claim by the evidence that ``options`` name.

    A recorded position is always shown, and used only with ``use_exif``. Raises ImageError.
    """
    return judge(claim, locator.explain(photo, options), locator.prior)


def judge(claim: Claim, found: Explained, prior: Posterior) -> Verdict:
    """Judge a claim, given the posterior and evidence of a photo. ``prior`` is the density of photos."""
    after = found.posterior
    unread, moved, writing = after, [], Writing()
    if found.fused is not None:
        unread = found.fused.only(lambda cue: not is_text(cue)).posterior
        moved = found.fused.weigh(claim.mass)
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
