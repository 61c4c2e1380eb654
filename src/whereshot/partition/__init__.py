"""Ways to divide the Earth. PARTITIONS names every kind; adding one is one file and one line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from numpy.typing import ArrayLike

from whereshot import config
from whereshot.errors import ConfigError, InputError, nearest_name
from whereshot.partition import combinatorial, mesh, published, quadtree, regions, s2cells, semantic, voronoi
from whereshot.partition.base import Hierarchy, Partition, PartitionSettings, read_kind


class Kind(NamedTuple):
    """How one kind of partition is set and built from positions (n, 2)."""

    settings: type[PartitionSettings]
    build: Callable[[ArrayLike, Any], Partition]


def _combine(points: ArrayLike, settings: combinatorial.CombinatorialSettings) -> Partition:
    """Build the parts, whatever their kinds, and overlay them."""
    aside, parts = combinatorial.off_the_borders(points), []
    for number, part in enumerate(settings.parts, start=1):
        if not isinstance(part.get("kind"), str):
            raise ConfigError(f"partition combinatorial: part {number} names no kind; known: {', '.join(PARTITIONS)}")
        parts.append(build(part["kind"], aside, {key: part[key] for key in part if key != "kind"}))
    return combinatorial.combine(points, parts, settings)


PARTITIONS: dict[str, Kind] = {
    "s2": Kind(s2cells.AdaptiveSettings, s2cells.build_adaptive),
    "s2-level": Kind(s2cells.FixedSettings, s2cells.build_fixed),
    "quadtree": Kind(quadtree.QuadtreeSettings, quadtree.build),
    "combinatorial": Kind(combinatorial.CombinatorialSettings, _combine),
    "mesh": Kind(mesh.MeshSettings, mesh.build_mesh),
    "regions": Kind(regions.RegionSettings, regions.build),
    "semantic": Kind(semantic.SemanticSettings, semantic.build),
    "voronoi": Kind(voronoi.VoronoiSettings, voronoi.build),
}

_CLASSES: dict[str, type[Partition]] = {
    cls.kind: cls
    for cls in (
        s2cells.S2Cells,
        published.PublishedS2Cells,
        quadtree.Quadtree,
        combinatorial.Combination,
        mesh.DelaunayMesh,
        regions.Regions,
        voronoi.VoronoiCells,
    )
}
combinatorial.Combination.kinds = _CLASSES


def build(
    kind: str, points: ArrayLike, settings: Mapping[str, Any], *, populate_with: ArrayLike | None = None
) -> Partition:
    """Build a partition of ``kind`` from positions (n, 2); raises InputError for a wrong kind or setting.

    With ``populate_with`` (m, 2) the cells are refined on ``points``, and counted and dropped on those.
    """
    if kind not in PARTITIONS:
        raise InputError(f"no partition kind {kind!r}; {nearest_name(kind, PARTITIONS)}")
    chosen = PARTITIONS[kind]
    parsed = config.parse(dict(settings), chosen.settings, name=f"partition {kind}")
    if populate_with is None:
        partition = chosen.build(points, parsed)
    else:
        partition = chosen.build(points, parsed.keeping_all()).populate(populate_with, parsed.kept)
    if len(partition) == 0:
        raise InputError("no cell is left: every cell holds too few photos; lower min, or give more positions")
    return partition


def load(path: str | Path) -> Partition:
    """Read a partition that was saved, or a published CSV table of cells. Raises InputError."""
    if published.is_csv(path):
        return published.read(path)
    kind, table = read_kind(path)
    if kind not in _CLASSES:
        raise InputError(f"{path}: partition kind {kind!r} is not known to this version; known: {', '.join(_CLASSES)}")
    return _CLASSES[kind].from_table(table)


__all__ = ["PARTITIONS", "Hierarchy", "Kind", "Partition", "build", "load"]
