"""About 3,000 first-order divisions of the world as a GeoJSON file, made of what the package ships; no data to fetch.

The true borders are not at hand, so each division is what lies nearest to its largest towns, within its country: about
as many, as large and as ragged as the true ones. Good for timing and comparing, not for maps of the divisions.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import shapely
import shapely.geometry

from whereshot.earth.countries import Country, countries
from whereshot.earth.towns import gazetteer

TOWNS = 40
"""Of a division, at most: the largest."""


def write(path: Path) -> int:
    """Write the file, features with ``name`` and ``parent``; how many they are."""
    towns = gazetteer()
    code, region = np.array(towns.country_codes), np.array(towns.regions)
    features = []
    for country in countries().all:
        own = np.flatnonzero(code == country.code)
        own = own[np.argsort(-towns.populations[own], kind="stable")]
        kept: dict[str, list[int]] = {}
        for index in own.tolist():
            members = kept.setdefault(str(region[index]), [])
            if len(members) < TOWNS:
                members.append(index)
        features += _divide(country, kept, towns.points)
    document = {"type": "FeatureCollection", "features": features}
    path.write_text(json.dumps(document), "utf-8")
    return len(features)


def _divide(country: Country, towns_of: dict[str, list[int]], points: np.ndarray) -> list[dict]:
    """Return the divisions of one country as features."""
    if len(towns_of) < 2:
        return [_feature(next(iter(towns_of), country.name), country, country.geometry)]
    chosen = np.concatenate([np.array(members) for members in towns_of.values()])
    division = np.repeat(np.arange(len(towns_of)), [len(members) for members in towns_of.values()])
    spots, first = np.unique(points[chosen][:, ::-1], axis=0, return_index=True)
    if len(spots) < 2:
        return [_feature(next(iter(towns_of)), country, country.geometry)]
    around = shapely.voronoi_polygons(shapely.multipoints(spots), extend_to=shapely.box(*country.geometry.bounds))
    cells = shapely.get_parts(around)
    tree = shapely.STRtree(cells)
    town, cell = tree.query(shapely.points(spots), predicate="intersects")
    owner = np.full(len(cells), -1)
    owner[cell] = division[first[town]]
    features = []
    for number, name in enumerate(towns_of):
        shape = shapely.intersection(shapely.union_all(cells[owner == number]), country.geometry)
        parts = [part for part in shapely.get_parts(shape) if part.geom_type == "Polygon" and part.area > 1e-6]
        if parts:
            features.append(_feature(name or country.name, country, shapely.union_all(parts)))
    return features


def _feature(name: str, country: Country, shape: shapely.Geometry) -> dict:
    properties = {"name": name, "parent": country.name}
    return {"type": "Feature", "properties": properties, "geometry": shapely.geometry.mapping(shape)}
