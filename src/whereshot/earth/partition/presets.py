"""Partitions as papers and projects describe them, as data: ``PRESETS`` by name.

The settings are the published settings. The cells also depend on the photos, so their number can differ from the
published number.
"""

from __future__ import annotations

from typing import Any, NamedTuple


class Preset(NamedTuple):
    """The kind of partition, its settings (one dictionary per level, coarse to fine), and their source."""

    kind: str
    settings: tuple[dict[str, Any], ...]
    source: str
    published: str
    needs_file: str = ""
    """The borders that the user must give as the setting ``file``; "" where none are needed."""

    @property
    def levels(self) -> int:
        """The number of partitions that it makes."""
        return len(self.settings)


_GEOESTIMATION = "Mueller-Budack, Pustu-Iren and Ewerth 2018, Geolocation Estimation of Photos, ECCV"
_DELAUNAY = "Johns, Rounds and Henry 2017, Multi-modal Geolocation Estimation Using Deep Neural Networks"
_PIGEON = "Haas et al. 2024, PIGEON, CVPR"
_SECOND_ORDER = "second-order divisions of all countries, with the country as their parent"

PRESETS: dict[str, Preset] = {
    "planet": Preset(
        "s2",
        ({"max": 10_000, "min": 50},),
        "Weyand, Kostrikov and Philbin 2016, PlaNet, ECCV: t1 = 10,000 and t2 = 50",
        "26,263 cells of 91 million photos",
    ),
    "geoestimation-coarse": Preset(
        "s2",
        ({"max": 5000, "min": 50, "min_level": 2, "max_level": 12},),
        _GEOESTIMATION,
        "3,298 cells of 4.7 million photos",
    ),
    "geoestimation-middle": Preset(
        "s2",
        ({"max": 2000, "min": 50, "min_level": 2, "max_level": 12},),
        _GEOESTIMATION,
        "7,202 cells of 4.7 million photos",
    ),
    "geoestimation-fine": Preset(
        "s2",
        ({"max": 1000, "min": 50, "min_level": 2, "max_level": 12},),
        _GEOESTIMATION,
        "12,893 cells of 4.7 million photos",
    ),
    "geoestimation": Preset(
        "s2",
        tuple({"max": most, "min": 50, "min_level": 2, "max_level": 12} for most in (5000, 2000, 1000)),
        f"{_GEOESTIMATION}: the three levels of f*",
        "3,298, 7,202 and 12,893 cells of 4.7 million photos",
    ),
    "deep-locations": Preset(
        "s2",
        tuple({"max": most, "min": 5, "min_level": 2, "max_level": 30} for most in (500, 200, 100)),
        "DeepLocations, trained on 154,000 photos of YFCC100M",
        "three levels; how many cells is not known here",
    ),
    "delaunay-coarse": Preset(
        "mesh",
        ({"max": 8000, "min": 1000},),
        f"{_DELAUNAY}: the coarse mesh",
        "538 triangles; refined on 2 million photos of Flickr, populated with all",
    ),
    "delaunay-fine": Preset(
        "mesh",
        ({"max": 5000, "min": 500},),
        f"{_DELAUNAY}: the fine mesh",
        "6,565 triangles",
    ),
    "delaunay-fineP": Preset(
        "mesh",
        ({"max": 10_000, "min": 50},),
        f"{_DELAUNAY}: the fine mesh with PlaNet's limits",
        "4,771 triangles",
    ),
    "osv5m-quadtree": Preset(
        "quadtree",
        ({"max": 999, "max_depth": 10, "extent": "photos"},),
        "Astruc et al. 2024, OpenStreetView-5M, CVPR: quadtree_10_1000, which splits at 1,000 photos",
        "11,399 cells of 4.9 million photos",
    ),
    "denmark-129": Preset(
        "regions",
        ({"cells": 129},),
        "a project on Google Street View of Denmark with a vision transformer, 2023",
        "129 cells: municipalities, the largest cut by k-means",
        needs_file="Denmark's 99 municipalities; the largest are cut by k-means where the photos are",
    ),
    "california-2": Preset(
        "regions",
        ({"cells": 2, "only": ["California"]},),
        "a classifier of northern against southern California on Google Street View; its border is not published",
        "2 cells",
        needs_file="first-order divisions, such as Natural Earth's ne_50m_admin_1_states_provinces: California is cut "
        "by k-means into a north and a south; or, with only=[], the two halves themselves",
    ),
    "world-admin1": Preset(
        "regions",
        ({"max": 5000, "min": 50},),
        "first-order divisions as cells, with the limits of geoestimation-coarse",
        "not published",
        needs_file="first-order divisions of all countries, such as Natural Earth's ne_10m_admin_1_states_provinces",
    ),
    "pigeon": Preset(
        "semantic",
        ({"max": 60, "min": 30},),
        f"{_PIGEON}: semantic cells of street views",
        "2,203 cells of 100,000 places",
        needs_file=_SECOND_ORDER,
    ),
    "pigeotto": Preset(
        "semantic",
        ({"max": 2000, "min": 1000, "optics": [(300, 0.05), (400, 0.005), (1000, 0.0001)]},),
        f"{_PIGEON}: semantic cells of Flickr's photos",
        "2,076 cells of 4.2 million photos",
        needs_file=_SECOND_ORDER,
    ),
}
"""Published ways to divide the Earth, by name."""
