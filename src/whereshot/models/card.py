"""The card of a model, README.md of its folder: data, licences, intended use, limits, scores, what it does not know.

Every model has a card: built-in models, models made here, and models known by name. A card must have all sections.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from whereshot.earth.sphere import DISTANCES_KM
from whereshot.foundation.errors import InputError
from whereshot.models.catalog import Known
from whereshot.models.description import ModelDescription
from whereshot.models.learned_photos import FILE
from whereshot.models.readout.memory import MemorySettings
from whereshot.models.readout.mixture import Calibration

SECTIONS = (
    "Model",
    "Data",
    "Licences",
    "Intended use",
    "Limits",
    "Scores",
    "What it does not know",
)
"""The sections of a card, in this order."""
NOT_FOR = (
    "Not for finding, following or exposing people, nor as the only reason for a decision about a person: see "
    "docs/responsible-use.md."
)
ELSEWHERE = "For a photo of another place the answer is vague on purpose: it shows only where photos are usually taken."
PRIVATE = (
    f"{FILE} states by salted digests which photos it learned from: remove that file before you share the folder; "
    "whereshot export leaves it out."
)
_Z = 1.96


@dataclass(frozen=True)
class Card:
    """A title and its sections in Markdown, by their names."""

    title: str
    sections: Mapping[str, str]

    def __post_init__(self) -> None:
        missing = [name for name in SECTIONS if not self.sections.get(name, "").strip()]
        unknown = [name for name in self.sections if name not in SECTIONS]
        if missing or unknown:
            raise InputError(
                f"{self.title}: a card has the sections {', '.join(SECTIONS)}; "
                f"missing: {', '.join(missing) or 'none'}; unknown: {', '.join(unknown) or 'none'}"
            )

    def to_markdown(self) -> str:
        """Return the card as Markdown."""
        parts = [f"## {name}\n\n{self.sections[name].strip()}\n" for name in SECTIONS]
        return "\n".join([f"# {self.title}\n", *parts])


def missing_sections(markdown: str) -> list[str]:
    """Return the sections that are missing or empty in a card."""
    found = dict(re.findall(r"^## (.+?)\n+((?:(?!^## ).*\n?)*)", markdown, flags=re.MULTILINE))
    return [name for name in SECTIONS if not found.get(name, "").strip()]


def share_interval(share: float, number: int) -> tuple[float, float]:
    """Return the 95 % interval of a share of ``number`` independent photos (Wilson 1927)."""
    middle = (share + _Z**2 / (2 * number)) / (1 + _Z**2 / number)
    half = _Z / (1 + _Z**2 / number) * math.sqrt(share * (1 - share) / number + _Z**2 / (4 * number**2))
    return max(0.0, middle - half), min(1.0, middle + half)


def of_learned(description: ModelDescription, settings: MemorySettings) -> Card:
    """Return the card of a learned library."""
    training = description.training
    return Card(
        description.name,
        {
            "Model": f"A personal whereshot model, learned {description.created:%Y-%m-%d} with whereshot "
            f"{description.version}: photos vote by how similar they look, with a separate probability that the photo "
            "shows none of their places. "
            f"Backbone: {training['backbone']} ({description.backbone.name}), not changed by learning.",
            "Data": f"{training['photos']} photos of {training['places']} places, given by the person who learned the "
            f"model; {training['rejected']} were rejected{_copies(training)}. It contains features and positions of "
            f"these photos, not the pictures: keep it as private as the photos. {PRIVATE}",
            "Licences": f"Those of the photos, which whereshot does not know, and those of the backbone "
            f"{training['backbone']}: whereshot models show {training['backbone']}.",
            "Intended use": f"Photos of places that these photos show, mostly by the same people. {NOT_FOR}",
            "Limits": f"Its probabilities are right where {100 * settings.known_share:g} % of the photos to locate "
            "show a place of this library (known_share). For photos of other people it is too sure.",
            "Scores": _learned_scores(settings),
            "What it does not know": f"All other places. {ELSEWHERE} How a place looks in another season, at night or "
            "from another side, unless a photo of the library shows it.",
        },
    )


def _copies(training: Mapping[str, Any]) -> str:
    """Return how many of the rejected photos were copies; "" where none were."""
    count = training.get("copies", 0)
    return f", of which {count} as copies: files that were given more than once" if count else ""


def _learned_scores(settings: MemorySettings) -> str:
    counts = settings.photos
    if settings.confidence is None:
        return (
            f"Too few photos could be held out ({counts.get('known', 0)} of known places, {counts.get('other', 0)} of "
            "others) to fit or to score its confidence: it trusts only near repetitions of a known photo."
        )
    rows = [("known", "of places that it knows"), ("other", "with all within 25 km held out too")]
    lines = ["| photos held out | number | negative log-likelihood (nats per steradian) |", "|---|---|---|"]
    for kind, words in rows:
        lines.append(f"| {words} | {counts[kind]} | {_with(settings.nll[kind], settings.nll_interval.get(kind))} |")
    if settings.right is not None:
        share, low, high = (100 * value for value in settings.right)
        lines += ["", f"Of the known places {share:.0f} % ({low:.0f} to {high:.0f}) are found within 25 km."]
    return "\n".join(
        [
            *lines,
            "",
            f"Radii are multiplied by {settings.radius_factor['either']:.2f}, so that 90 % circles hold 90 % of both "
            "kinds, with equal weight. 95 % intervals by bootstrap over the groups that were held out together. These "
            "are its own photos: other photos are harder. Score it on yours with: whereshot evaluate DIR RECORDS.",
        ]
    )


def of_trained(description: ModelDescription, sizes: Sequence[int], calibration: Calibration) -> Card:
    """Return the card of a trained model whose levels have ``sizes`` cells."""
    mixture, training = calibration.mixtures["mixture"], description.training
    lines = [
        "| held-out photos | number | negative log-likelihood (nats per steradian) | factor on radii |",
        "|---|---|---|---|",
    ]
    names = {"seen": "places that it knows", "unseen": "places kept apart"}
    for kind, factor in mixture.radius_factor.items():
        nll = _with(mixture.nll[kind], mixture.nll_interval.get(kind))
        lines.append(f"| {names[kind]} | {calibration.photos[kind]} | {nll} | {factor:.2f} |")
    trained = "trained along" if description.backbone.trained else "frozen"
    return Card(
        description.name,
        {
            "Model": f"A whereshot model, trained {description.created:%Y-%m-%d} with whereshot {description.version}. "
            f"Backbone: {description.backbone.name} ({trained}); head: {description.head} over "
            f"{' / '.join(map(str, sizes))} cells. The run file is run.toml, the log train.jsonl.",
            "Data": f"{training['photos']} photos of {training['places']} places; {training['rejected']} were rejected "
            f"(rejects.parquet). run.toml names the table. {PRIVATE}",
            "Licences": "Those of the photos and of the backbone's weights, which run.toml names. whereshot does not "
            "know them: state them here before you share this model.",
            "Intended use": f"Photos like those it was trained on. {NOT_FOR}",
            "Limits": "Its calibration was fitted on photos held out from the same table, and is right for similar "
            "photos. For other photos fit it again with: whereshot calibrate DIR RECORDS.",
            "Scores": "\n".join(
                [
                    *lines,
                    "",
                    "95 % intervals by bootstrap over places. Score it on others with: whereshot evaluate DIR RECORDS.",
                ]
            ),
            "What it does not know": f"All places that its photos do not show. {ELSEWHERE}",
        },
    )


def of_known(name: str, known: Known, published: Sequence[Mapping[str, Any]]) -> Card:
    """Return the card of a model that is known by name, with the scores that its authors published."""
    size = "" if known.size is None else f" {known.size / 1e6:,.0f} MB."
    paper = "" if known.paper is None else f" {known.paper}."
    source = "" if known.repository is None else f" Weights: {known.repository}"
    if known.revision is not None:
        source += f" at revision {known.revision}"
    built_in = known.kind == "built in"
    use = (
        "To learn with: whereshot learn PHOTOS --model " + name
        if known.kind == "backbone"
        else "Where a photo was taken: whereshot locate PHOTO --model " + name
    )
    return Card(
        name,
        {
            "Model": f"{_sentence(known.summary)}.{paper}{source}{'.' if source else ''}{size}",
            "Data": known.data or ("Positions of 100,000 Flickr photos (MP-16)." if built_in else "See its authors."),
            "Licences": f"{_sentence(known.licence)}.",
            "Intended use": f"{_sentence(known.why)}. {NOT_FOR}" if known.why else f"{use}. {NOT_FOR}",
            "Limits": known.limits or "Those that its authors state; nothing was measured here.",
            "Scores": _published_scores(published, known),
            "What it does not know": "Whether the photo shows a place of its data; changes since its data were taken; "
            "anything that is not in the picture.",
        },
    )


def _published_scores(published: Sequence[Mapping[str, Any]], known: Known) -> str:
    if not published:
        kind = "features alone have no score: " if known.kind == "backbone" else ""
        return f"None were published; {kind}whereshot evaluate scores a model made with it."
    lines = []
    for row in published:
        scores = []
        for km in DISTANCES_KM:
            share = row.get(f"accuracy_{km}")
            if share is not None:
                low, high = share_interval(share / 100, row["photos"])
                scores.append(f"{share:g} % ({100 * low:.1f} to {100 * high:.1f}) within {km} km")
        scores += [f"GeoScore {row['geoscore']:g}"] if "geoscore" in row else []
        scores += [f"{row['mean_km']:,g} km on average"] if "mean_km" in row else []
        lines.append(f"* {row['benchmark']}, {row['photos']:,} photos: {', '.join(scores)}. Source: {row['source']}.")
    about = "95 % intervals by Wilson from the published shares; means have no interval. Nothing was measured here."
    return "\n".join([*lines, "", f"As published. {about}"])


def of_backbone(name: str, repository: str, commit: str, licence: str, known: Known | None) -> Card:
    """Return the card of a network that was fetched as the backbone of learned models."""
    about = _sentence(known.summary) if known else "A timm network that gives features for learning"
    return Card(
        name,
        {
            "Model": f"{about}. Fetched from {repository} at revision {commit}; in half precision, for ONNX Runtime. "
            "Alone it answers with the prior: where photos are usually taken.",
            "Data": (known.data if known else "") or f"What its authors trained it on: see {repository}.",
            "Licences": f"Weights: {licence}, as its repository states.",
            "Intended use": f"To learn with: whereshot learn PHOTOS --model {name}. {NOT_FOR}",
            "Limits": (known.limits if known else "") or "Its features may describe objects rather than places.",
            "Scores": "Features alone have no score; nothing was measured here, so there are no intervals. "
            "whereshot evaluate scores a model that was learned with it.",
            "What it does not know": "All places, until a model is learned with it.",
        },
    )


def _with(value: float, interval: Sequence[float] | None) -> str:
    return f"{value:.2f}" + ("" if interval is None else f" ({interval[0]:.2f} to {interval[1]:.2f})")


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
