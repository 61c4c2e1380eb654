"""The HTML page of ``query``: photos that look alike, with a map of their places, in one file without network."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from whereshot.earth import sphere
from whereshot.locate import lookalikes
from whereshot.locate.lookalikes import Lookalike, LookalikeGallery
from whereshot.models.nearest_photos import Metric
from whereshot.photos import images


def to_html(photo: images.Source, gallery: LookalikeGallery, metric: Metric, found: list[Lookalike]) -> str:
    """Return one self-contained page: the photo, the most similar photos with their distances, and their places."""
    from whereshot.report import single_page  # loads borders and a drawing library, which only pages need
    from whereshot.report.map_names import map_names

    cards = [
        {
            "rank": lookalike.rank,
            "alike": _alike(lookalike),
            "distance": _distance(lookalike, metric),
            "name": Path(lookalike.image or lookalike.id).name,
            "place": "position not known" if lookalike.latitude is None else str(lookalike.place),
            "latitude": lookalike.latitude,
            "longitude": lookalike.longitude,
            "thumbnail": single_page.thumbnail(lookalike.image),
        }
        for lookalike in found
    ]
    photos = f"{len(gallery.photos.ids):,} photos"
    name = images.printable(Path(images.describe(photo)).name)
    asked = {"name": name, "thumbnail": single_page.thumbnail(photo)}
    spots = [(one.latitude, one.longitude) for one in found if one.latitude is not None]
    data = {
        "photo": asked,
        "cards": cards,
        "note": f"The most similar of {photos}. {lookalikes.meaning(found)}",
        "credits": f"Compared by {gallery.model}. Borders: Natural Earth. Names: GeoNames, CC BY 4.0.",
        "borders": single_page.borders(),
        "names": map_names(np.array(spots, np.float64).reshape(-1, 2)),
        "earth_km": sphere.EARTH_KM,
    }
    return single_page.whole("lookalikes.html", data)


def _alike(found: Lookalike) -> str:
    """Return how similar a photo looks: a word, or only its distance in a gallery of too few photos."""
    return f"distance {found.distance:.4f}" if found.similarity is None else found.similarity.word


def _distance(found: Lookalike, metric: Metric) -> str:
    """Return what the word comes from: the share of pairs that are less alike, and the distance with its kind."""
    unit = f"{'cosine' if metric == 'cosine' else 'Euclidean'} distance; 0 is the same picture"
    kind = f"{found.distance:.4f} ({unit})"
    return f"({unit})" if found.similarity is None else f"{found.similarity.in_words()}; {kind}"
