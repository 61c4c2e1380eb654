"""The page of photos that look alike: one HTML file without network."""

from __future__ import annotations

from pathlib import Path

from whereshot.earth import sphere
from whereshot.locate.lookalikes import Lookalike, LookalikeGallery
from whereshot.models.nearest_photos import Metric
from whereshot.photos import images


def to_html(photo: images.Source, gallery: LookalikeGallery, metric: Metric, found: list[Lookalike]) -> str:
    """One self-contained page: the photo, those most like it with their distances, and where they were taken."""
    from whereshot.report import single_page  # borders and a drawing library, for pages alone

    cards = [
        {
            "rank": one.rank,
            "distance": f"{one.distance:.4f}",
            "name": Path(one.image or one.id).name,
            "place": "position not known" if one.latitude is None else str(one.place),
            "latitude": one.latitude,
            "longitude": one.longitude,
            "thumbnail": single_page.thumbnail(one.image),
        }
        for one in found
    ]
    unit = "1 - cosine" if metric == "cosine" else "Euclidean distance"
    note = (
        f"Nearest of {len(gallery.photos.ids)} photos by features of {gallery.model} ({unit}). Borders: Natural Earth."
    )
    name = images.printable(Path(images.describe(photo)).name)
    asked = {"name": name, "thumbnail": single_page.thumbnail(photo)}
    data = {"photo": asked, "cards": cards, "note": note, "borders": single_page.borders(), "earth_km": sphere.EARTH_KM}
    return single_page.whole("lookalikes.html", data)
