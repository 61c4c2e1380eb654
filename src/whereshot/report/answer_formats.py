"""The results of ``locate``, ``check``, ``query`` and ``cells export``: a table of writers for each of them.

Importing this module is light: each writer imports what it needs when it is called.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from whereshot.foundation.errors import visible

if TYPE_CHECKING:
    from whereshot.locate.claim import Verdict
    from whereshot.locate.geolocator import Located
    from whereshot.locate.lookalikes import Lookalike, LookalikeGallery
    from whereshot.locate.prediction import Prediction
    from whereshot.models.model import Model
    from whereshot.models.nearest_photos import Metric
    from whereshot.posterior.base import Posterior
    from whereshot.report.cell_atlas import Atlas


ReportFormat = Literal["table", "json"]
"""The forms in which most commands can print their result."""

PredictionFormat = Literal["table", "json", "geojson", "csv", "html"]
"""The forms in which ``locate`` can print its answers."""

LookalikeFormat = Literal["table", "json", "html"]
"""The forms in which ``query`` can print the photos that it finds."""

CellFormat = Literal["geojson", "geoparquet"]
"""The forms in which ``cells export`` can write cells."""

CELL_ENDINGS: dict[str, CellFormat] = {
    ".geojson": "geojson",
    ".json": "geojson",
    ".parquet": "geoparquet",
    ".geoparquet": "geoparquet",
}
"""The form of a file of cells by the ending of its name."""


@dataclass(frozen=True)
class LocatedPhotos:
    """The answers for several photos, in order.

    ``paths`` are the files of the photos; ``posteriors`` hold the heaviest places of each photo for the map of a page,
    or None for a photo that failed. ``model`` is the name of the model; ``only_prior`` that it looks at no picture.
    """

    model: str
    only_prior: bool
    paths: Sequence[str]
    predictions: Sequence[Prediction]
    posteriors: Sequence[Posterior | None]
    all_evidence: bool = False
    """Whether texts and pages also list evidence that did not move the answer."""

    @property
    def remark(self) -> str | None:
        """One line on a model that looks at no picture, and how to get one that does; None where there is no need."""
        from whereshot.locate import no_sights

        return no_sights.remark(self.model, self.predictions) if self.only_prior else None


@dataclass(frozen=True)
class LookalikePhotos:
    """The photos ``found`` in a gallery that look most like ``photo``, nearest first."""

    photo: str
    gallery: LookalikeGallery
    metric: Metric
    found: list[Lookalike]


def collect(
    located: Iterable[Located], model: Model, paths: Sequence[str], form: PredictionFormat, posterior_file: Path | None
) -> LocatedPhotos:
    """Locate all photos, and return the answers with what ``form`` needs of the posteriors.

    Write the whole posteriors to ``posterior_file`` (Parquet), if it is given and any photo has one.
    """
    predictions: list[Prediction] = []
    posteriors: list[Posterior | None] = []
    kept: list[tuple[str, Posterior]] = []
    for one in located:
        predictions.append(one.prediction)
        if posterior_file is not None and one.posterior is not None:
            kept.append((one.prediction.id, one.posterior))
        posteriors.append(_drawn(one.posterior) if form == "html" else None)
    if posterior_file is not None and kept:
        import pyarrow as pa

        from whereshot.foundation.tables import write_parquet
        from whereshot.posterior.parquet import to_table

        write_parquet(pa.concat_tables([to_table(posterior, [name]) for name, posterior in kept]), posterior_file)
    return LocatedPhotos(model.name, not model.looks_at_pictures, paths, predictions, posteriors)


def _drawn(posterior: Posterior | None) -> Posterior | None:
    """Return the heaviest places of a posterior, which the map of a page draws, to save memory."""
    from whereshot.report.answers_page import PLACES_DRAWN

    return None if posterior is None else posterior.top(PLACES_DRAWN)


def finite(value: Any) -> Any:
    """Return a document with None in place of NaN and infinity, which JSON does not have."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): finite(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(inner) for inner in value]
    return value


def json_text(document: Any) -> str:
    """Return a document as indented JSON. A value that JSON does not have, such as a path, becomes its text."""
    return json.dumps(finite(document), indent=1, ensure_ascii=False, default=str)


def _predictions_table(answers: LocatedPhotos) -> str:
    return "\n\n".join(_prediction_words(prediction, answers.all_evidence) for prediction in answers.predictions)


def _prediction_words(prediction: Prediction, all_evidence: bool) -> str:
    """Return the lines on one photo: its name, the answer in words, and the candidates."""
    from whereshot.locate import words

    sentences = prediction.in_words(all_evidence=all_evidence)
    lines = [visible(prediction.path or ""), *("  " + visible(line) for line in sentences)]
    for number, candidate in enumerate(prediction.candidates, start=1):
        position = f"{candidate.latitude:9.4f}, {candidate.longitude:9.4f}"
        lines.append(f"  {number}. {position}  {words.percent(candidate.probability):>9}  {candidate.place}")
    return "\n".join(lines)


def _predictions_json(answers: LocatedPhotos) -> str:
    return json_text({"model": answers.model, "predictions": [p.to_document() for p in answers.predictions]})


def _predictions_geojson(answers: LocatedPhotos) -> str:
    from whereshot.report import prediction_formats

    return json.dumps(finite(prediction_formats.to_geojson(answers.predictions)), ensure_ascii=False)


def _predictions_csv(answers: LocatedPhotos) -> str:
    from whereshot.report import prediction_formats

    return prediction_formats.to_csv(answers.predictions).rstrip("\n")


def _predictions_html(answers: LocatedPhotos) -> str:
    from whereshot.report import answers_page

    return answers_page.to_html(
        answers.predictions,
        answers.posteriors,
        answers.model,
        answers.paths,
        remark=answers.remark,
        all_evidence=answers.all_evidence,
    )


def _verdict_table(verdict: Verdict) -> str:
    return "\n".join(map(visible, verdict.in_words()))


def _lookalikes_table(answer: LookalikePhotos) -> str:
    from whereshot.locate import lookalikes

    return "\n".join(visible(line) for line in lookalikes.in_words(answer.found))


def _lookalikes_json(answer: LookalikePhotos) -> str:
    from whereshot.locate import lookalikes
    from whereshot.photos.images import printable

    return json_text(lookalikes.to_json(printable(answer.photo), answer.gallery, answer.metric, answer.found))


def _lookalikes_html(answer: LookalikePhotos) -> str:
    from whereshot.report import lookalikes_page

    return lookalikes_page.to_html(answer.photo, answer.gallery, answer.metric, answer.found)


PREDICTION_WRITERS: dict[PredictionFormat, Callable[[LocatedPhotos], str]] = {
    "table": _predictions_table,
    "json": _predictions_json,
    "geojson": _predictions_geojson,
    "csv": _predictions_csv,
    "html": _predictions_html,
}
"""Write the answers of ``locate``, by format."""

VERDICT_WRITERS: dict[ReportFormat, Callable[[Verdict], str]] = {
    "table": _verdict_table,
    "json": lambda verdict: json_text(verdict.to_json()),
}
"""Write the answer of ``check``, by format."""


def _cells_geojson(atlas: Atlas, path: Path) -> None:
    from whereshot.foundation import output_files

    output_files.write_text(path, atlas.to_geojson() + "\n")


CELL_WRITERS: dict[CellFormat, Callable[[Atlas, Path], None]] = {
    "geojson": _cells_geojson,
    "geoparquet": lambda atlas, path: atlas.write_geoparquet(path),
}
"""Write the file of ``cells export``, by format."""

LOOKALIKE_WRITERS: dict[LookalikeFormat, Callable[[LookalikePhotos], str]] = {
    "table": _lookalikes_table,
    "json": _lookalikes_json,
    "html": _lookalikes_html,
}
"""Write the answer of ``query``, by format."""
