"""The settings of partitions along borders, and the regions of the file that they name."""

from __future__ import annotations

from typing import Self

import numpy as np
import shapely
from pydantic import Field, model_validator
from shapely.geometry.base import BaseGeometry

from whereshot.earth import border_files, polygons
from whereshot.earth.partition import base
from whereshot.foundation.errors import InputError, nearest_name
from whereshot.foundation.settings_file import ConfigPath


class RegionSettings(base.PartitionSettings):
    """One cell per region of a file, then more for the largest: ``cells`` in all, or at most ``max`` photos in each.

    A region with at most ``min`` photos joins the neighbour of the same parent that has the fewest; without such a
    neighbour it is dropped. No split makes a cell with ``min`` photos or fewer, and every cell has land; both rules
    come before ``max``, so a stretch of coast can keep many photos that lie far out at sea. Photos up to ``stray_km``
    outside all regions belong to the nearest region. ``only`` keeps the regions of these names or parents.
    """

    file: ConfigPath
    layer: str | None = None
    name: str | None = None
    parent: str | None = None
    only: tuple[str, ...] = ()
    cells: int | None = Field(None, ge=1)
    max: int | None = Field(None, ge=1)
    stray_km: float = Field(50.0, ge=0)
    seed: int = Field(0, ge=0)

    @model_validator(mode="after")
    def _one_goal(self) -> Self:
        if self.cells is not None and self.max is not None:
            raise ValueError("give cells or max, not both")
        base.check_limits(self.min, self.max)
        return self


def read_disjoint(settings: RegionSettings) -> border_files.Borders:
    """Return the chosen regions of the file, each without the area of earlier regions.

    A region with nothing left is noted.

    Raises InputError for a wrong file, and for a name in ``only`` that the file does not have.
    """
    columns = {"layer": settings.layer, "name": settings.name, "parent": settings.parent}
    found = _chosen(border_files.read(settings.file, **columns), settings)
    shapes = _disjoint(found.shapes)
    rows = [row for row, shape in enumerate(shapes) if not shape.is_empty]
    covered = [found.names[row] for row, shape in enumerate(shapes) if shape.is_empty]
    notes = list(found.notes)
    if covered:
        notes.append(f"left out, as earlier regions cover them: {border_files.listed(covered)}")
    names, parents = ([column[row] for row in rows] for column in found[:2])
    return border_files.Borders(names, parents, [shapes[row] for row in rows], notes)


def _chosen(found: border_files.Borders, settings: RegionSettings) -> border_files.Borders:
    """Return only the regions whose name or parent is chosen."""
    if not settings.only:
        return found
    known = {*found.names, *found.parents} - {""}
    for wanted in settings.only:
        if wanted not in known:
            raise InputError(f"{settings.file}: no region {wanted!r}; {nearest_name(wanted, known)[:200]}")
    rows = [
        row
        for row, names in enumerate(zip(found.names, found.parents, strict=True))
        if not set(settings.only).isdisjoint(names)
    ]
    return border_files.Borders(
        [found.names[row] for row in rows],
        [found.parents[row] for row in rows],
        [found.shapes[row] for row in rows],
        found.notes,
    )


def _disjoint(shapes: list[BaseGeometry]) -> list[BaseGeometry]:
    """Return the polygons, each without the area of earlier polygons.

    So positions are assigned exactly as the cells are drawn.
    """
    array = np.array(shapes, dtype=object)
    shapely.prepare(array)
    first, second = shapely.STRtree(array).query(array, predicate="intersects")
    pairs = np.stack([first, second], axis=1)[first < second]
    if len(pairs) == 0:
        return shapes
    overlap = ~shapely.touches(array[pairs[:, 0]], array[pairs[:, 1]])
    result = list(shapes)
    for one, other in pairs[overlap][np.argsort(pairs[overlap][:, 0], kind="stable")].tolist():
        result[other] = polygons.areas_only(shapely.difference(result[other], result[one]))
    return result
