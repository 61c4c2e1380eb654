"""Ways to divide the Earth. PARTITIONS names every kind; adding one is one file and one line."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from numpy.typing import ArrayLike
from pydantic.fields import FieldInfo

from whereshot.earth.partition import (
    combinatorial,
    mesh,
    published,
    quadtree,
    region_groups,
    region_settings,
    regions,
    s2cells,
    semantic,
    voronoi,
)
from whereshot.earth.partition.base import Hierarchy, Partition, PartitionSettings, check_areas, read_kind
from whereshot.earth.partition.presets import PRESETS, Preset
from whereshot.foundation import output_files, settings_file
from whereshot.foundation.errors import ConfigError, InputError, nearest_name


class PartitionKind(NamedTuple):
    """The settings of one kind of partition, and the function that builds it from positions (n, 2)."""

    settings: type[PartitionSettings]
    build: Callable[..., Partition]
    populates: bool = False
    """Whether ``build`` takes ``populate_with``. For other kinds, all cells are built, also empty cells, and then
    counted anew.
    """


def _combine(
    points: ArrayLike, settings: combinatorial.CombinatorialSettings, populate_with: ArrayLike | None = None
) -> Partition:
    """Build the parts, whatever their kinds, and overlay them. The parts count the positions that the combination
    counts.
    """
    aside, parts = combinatorial.off_the_borders(points), []
    counted = None if populate_with is None else combinatorial.off_the_borders(populate_with)
    for number, part in enumerate(settings.parts, start=1):
        if not isinstance(part.get("kind"), str):
            raise ConfigError(f"partition combinatorial: part {number} names no kind; known: {', '.join(PARTITIONS)}")
        own = {key: part[key] for key in part if key != "kind"}
        parts.append(build(part["kind"], aside, own, populate_with=counted))
    return combinatorial.combine(points if populate_with is None else populate_with, parts, settings)


PARTITIONS: dict[str, PartitionKind] = {
    "s2": PartitionKind(s2cells.AdaptiveSettings, s2cells.build_adaptive, populates=True),
    "s2-level": PartitionKind(s2cells.FixedSettings, s2cells.build_fixed, populates=True),
    "quadtree": PartitionKind(quadtree.QuadtreeSettings, quadtree.build),
    "combinatorial": PartitionKind(combinatorial.CombinatorialSettings, _combine, populates=True),
    "mesh": PartitionKind(mesh.MeshSettings, mesh.build_mesh),
    "regions": PartitionKind(region_settings.RegionSettings, region_groups.build),
    "semantic": PartitionKind(semantic.SemanticSettings, semantic.build),
    "voronoi": PartitionKind(voronoi.VoronoiSettings, voronoi.build),
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
    """Build a partition of ``kind`` from positions (n, 2). Raises InputError for an unknown kind or a wrong setting.

    With ``populate_with`` (m, 2), the cells are refined on ``points``, and then counted and dropped on
    ``populate_with``.
    """
    if kind not in PARTITIONS:
        raise InputError(f"no partition kind {kind!r}; {nearest_name(kind, PARTITIONS)}")
    chosen = PARTITIONS[kind]
    try:
        parsed = settings_file.parse(dict(settings), chosen.settings, name=f"partition {kind}")
    except ConfigError as error:
        if not str(error).endswith(" is missing"):
            raise
        raise ConfigError(f"{error}; settings of {kind}: {settings_of(kind)}") from None
    if populate_with is None:
        partition = chosen.build(points, parsed)
    elif chosen.populates:
        partition = chosen.build(points, parsed, populate_with)
    else:
        partition = chosen.build(points, parsed.keeping_all()).populate(populate_with, parsed.kept)
    if len(partition) == 0:
        raise InputError("no cell is left: every cell has too few photos; lower min, or give more positions")
    check_areas(partition.area_sr)
    return partition


def settings_of(kind: str) -> str:
    """Return the settings of a kind as text: ``max (a whole number), min=0, seed unset``. Settings without a value are
    required.
    """
    fields = PARTITIONS[kind].settings.model_fields.items()
    needed = [f"{name} ({_words(field)})" for name, field in fields if field.is_required()]
    known = [
        f"{name} unset" if field.default is None else f"{name}={field.default}"
        for name, field in fields
        if not field.is_required()
    ]
    return ", ".join(needed + known)


def _words(field: FieldInfo) -> str:
    words: dict[Any, str] = {int: "a whole number", float: "a number", str: "a text", Path: "a file"}
    return field.description or words.get(field.annotation, "a list")


def preset(name: str) -> Preset:
    """Return the published settings of this name. Raises InputError for an unknown name."""
    if name not in PRESETS:
        raise InputError(f"no preset {name!r}; known: {', '.join(PRESETS)}")
    return PRESETS[name]


def build_preset(
    name: str,
    points: ArrayLike,
    settings: Mapping[str, Any] | None = None,
    *,
    populate_with: ArrayLike | None = None,
) -> tuple[Partition, ...]:
    """Return every level of a preset from positions (n, 2), coarse to fine. ``settings`` are added to the published
    settings.

    Raises InputError for an unknown name, and where a preset needs a file of borders that ``settings`` do not name.
    """
    chosen, added = preset(name), settings or {}
    if chosen.needs_file and "file" not in added:
        raise InputError(f"preset {name} needs the setting file: {chosen.needs_file}")
    return tuple(build(chosen.kind, points, {**own, **added}, populate_with=populate_with) for own in chosen.settings)


def save_levels(levels: Sequence[Partition], folder: str | Path) -> None:
    """Write ``level-0.parquet`` (the coarsest), ``level-1.parquet``, ... and remove further levels of an earlier
    run.
    """
    folder = Path(folder)
    with output_files.new_files(folder) as beside:
        for number, level in enumerate(levels):
            level.save(beside / f"level-{number}.parquet")
    number = len(levels)
    while (folder / f"level-{number}.parquet").is_file():
        (folder / f"level-{number}.parquet").unlink()
        number += 1


def load_levels(path: str | Path) -> tuple[Partition, ...]:
    """Return the levels of a folder, coarse to fine, or the one partition of a file. Raises InputError."""
    path = Path(path)
    if not path.is_dir():
        return (load(path),)
    levels: list[Partition] = []
    while (path / f"level-{len(levels)}.parquet").is_file():
        levels.append(load(path / f"level-{len(levels)}.parquet"))
    if not levels:
        raise InputError(f"{path}: a folder without level-0.parquet; name a file, or a folder of levels")
    return tuple(levels)


def load(path: str | Path) -> Partition:
    """Read a partition that was saved, or a published CSV table of cells. Raises InputError."""
    if published.is_csv(path):
        return published.read(path)
    kind, table = read_kind(path)
    if kind not in _CLASSES:
        raise InputError(f"{path}: partition kind {kind!r} is not known to this version; known: {', '.join(_CLASSES)}")
    return _CLASSES[kind].from_table(table)


__all__ = [
    "PARTITIONS",
    "PRESETS",
    "Hierarchy",
    "Partition",
    "PartitionKind",
    "Preset",
    "build",
    "build_preset",
    "load",
    "load_levels",
    "preset",
    "save_levels",
    "settings_of",
]
