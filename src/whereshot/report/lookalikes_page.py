"""The HTML page of ``query``: photos that look alike, in one file without network."""

from __future__ import annotations

from pathlib import Path

from whereshot.earth import sphere
from whereshot.locate.lookalikes import Lookalike, LookalikeGallery
from whereshot.models.nearest_photos import Metric
from whereshot.photos import images


def to_html(photo: images.Source, gallery: LookalikeGallery, metric: Metric, found: list[Lookalike]) -> str:
    """Return one self-contained page: the photo, the most similar photos with their distances, and their places."""
    from whereshot.report import single_page  # loads borders and a drawing library, which only pages need

    cards = [
        {
            "rank": lookalike.rank,
            "distance": f"{lookalike.distance:.4f}",
            "name": Path(lookalike.image or lookalike.id).name,
            "place": "position not known" if lookalike.latitude is None else str(lookalike.place),
            "latitude": lookalike.latitude,
            "longitude": lookalike.longitude,
            "thumbnail": single_page.thumbnail(lookalike.image),
        }
        for lookalike in found
    ]
    unit = "1 - cosine" if metric == "cosine" else "Euclidean distance"
    note = (
        f"Nearest of {len(gallery.photos.ids)} photos by features of {gallery.model} ({unit}). Borders: Natural Earth."
    )
    name = images.printable(Path(images.describe(photo)).name)
    asked = {"name": name, "thumbnail": single_page.thumbnail(photo)}
    data = {"photo": asked, "cards": cards, "note": note, "borders": single_page.borders(), "earth_km": sphere.EARTH_KM}
    return single_page.whole("lookalikes.html", data)
