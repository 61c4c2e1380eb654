"""Draw maps of cells as PNG with matplotlib: the world in the Equal Earth projection, and a zoomed map in Lambert's.

Both projections keep areas, so that cells can be compared. Colours show photos per km² on a log scale. They are
ColorBrewer's YlGnBu, which colour-blind people can read too. It is light where photos are few, so that borders are
visible.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray
from PIL import Image
from shapely.geometry.base import BaseGeometry

from whereshot.earth import place_names, polygons, sphere
from whereshot.earth.countries import countries
from whereshot.earth.projections import Projection, equal_earth, lambert
from whereshot.foundation import output_files
from whereshot.foundation.errors import InputError, require
from whereshot.report.cell_atlas import Atlas

ZOOM_CELLS = 80
"""Approximate number of cells that the zoomed map shows by default."""
ZOOM_KM = (20.0, 3000.0)
_DENSE_KM = 250.0
_STEP_DEGREES = 1.0
_SEA, _LAND, _LINE, _FRAME = "#dadde0", "#f7f7f5", "#1d2429", "#6b767e"
_NO_PHOTOS = "#a0a4a8"
_DPI = 110


class Zoom(NamedTuple):
    """The part of the world within ``km`` of a position."""

    latitude: float
    longitude: float
    km: float

    @classmethod
    def parse(cls, text: str) -> Zoom:
        """Parse ``LAT,LON,KM`` as a user types it. Raises InputError."""
        try:
            latitude, longitude, km = (float(part) for part in text.split(","))
        except ValueError:
            raise InputError(f"a zoom is LAT,LON,KM, as 48.86,2.35,300; got {text!r}") from None
        ((latitude, longitude),) = sphere.points([[latitude, longitude]]).tolist()
        if not 0.01 <= km <= 10_000:
            raise InputError(f"the radius of a zoom is a number of km from 0.01 to 10000; got {km:g}")
        return cls(latitude, longitude, km)

    @classmethod
    def densest(cls, atlas: Atlas) -> Zoom:
        """Return a zoom around the cell with most photos within 250 km; most cells, where photos are not counted.

        Its radius includes about ``_CELLS`` cells.
        """
        centers, counts = atlas.partition.centers, atlas.partition.counts
        counts = counts if counts.any() else np.ones(len(counts), np.int64)
        nearest = sphere.Nearest(centers)
        photos = [counts[near].sum() for near in nearest.within(centers, _DENSE_KM)]
        middle = centers[int(np.argmax(photos))]
        km, _ = nearest.query(middle[None], k=min(ZOOM_CELLS, len(centers)))
        latitude, longitude = middle.tolist()
        return cls(latitude, longitude, float(f"{np.clip(1.2 * np.max(km), *ZOOM_KM):.2g}"))


def draw_world(atlas: Atlas, path: str | Path) -> None:
    """Write the map of all cells as PNG. Raises MissingExtraError without matplotlib, OutputError."""
    figure, axes = _sheet((12, 6.9))
    outline = shapely.segmentize(polygons.WORLD, _STEP_DEGREES)
    _add(axes, [outline], equal_earth, facecolor=_SEA, edgecolor="none")
    borders = [country.geometry for country in countries().all]
    _add(axes, borders, equal_earth, facecolor=_LAND, edgecolor="none")
    width = float(np.clip(12 / math.sqrt(len(atlas.partition)), 0.08, 0.4))
    drawn = _add_cells(axes, atlas, np.arange(len(atlas.partition)), atlas.polygons, equal_earth, width)
    _add(axes, borders, equal_earth, facecolor="none", edgecolor=_LINE, linewidth=0.35)
    _add(axes, [outline], equal_earth, facecolor="none", edgecolor=_FRAME, linewidth=0.6)
    _finish(figure, axes, drawn, f"{atlas.name}\n{atlas.facts}", path)


def draw_zoom(atlas: Atlas, path: str | Path, zoom: Zoom | None = None) -> None:
    """Write the zoomed map as PNG, by default of the densest part. Raises MissingExtraError, OutputError."""
    zoom = zoom or Zoom.densest(atlas)
    figure, axes = _sheet((8, 8))
    half = 2 * math.sin(zoom.km / sphere.EARTH_KM / 2)
    # the map is square: cells up to its corners are drawn, and the axes cut off the rest
    reach_km = 2 * sphere.EARTH_KM * math.asin(min(1.0, math.sqrt(2) * half / 2))
    reach_km = min(reach_km * 1.02, 0.95 * sphere.HALF_CIRCUMFERENCE_KM)
    around = polygons.circle((zoom.latitude, zoom.longitude), reach_km, 360)
    shapely.prepare(around)
    step = min(_STEP_DEGREES, zoom.km / 1000)
    project = lambert(zoom.latitude, zoom.longitude)
    borders = [
        shapely.intersection(country.geometry, around)
        for country in countries().all
        if shapely.intersects(around, country.geometry)
    ]
    seen = np.flatnonzero(shapely.intersects(around, atlas.polygons))
    cells = shapely.intersection(shapely.segmentize(atlas.polygons[seen], step), around)
    axes.set_facecolor(_SEA)
    _add(axes, borders, project, facecolor=_LAND, edgecolor="none")
    drawn = _add_cells(axes, atlas, seen, cells, project, 0.4)
    _add(axes, borders, project, facecolor="none", edgecolor=_LINE, linewidth=0.9)
    axes.set(xlim=(-half, half), ylim=(-half, half))
    _scale_bar(axes, zoom.km, half)
    (where,) = place_names.place_names([[zoom.latitude, zoom.longitude]])
    near = ", ".join(part for part in (where.name, where.country) if part)
    sheet = shapely.box(-half, -half, half, half)
    on_sheet = shapely.make_valid(shapely.transform(cells, lambda corners: project(polygons.swap_axes(corners))))
    count = int(shapely.intersects(sheet, on_sheet).sum())
    title = f"{atlas.name}{': ' if near else ''}{near}\n{count:,} of {len(atlas.partition):,} cells · "
    title += f"up to {zoom.km:,.4g} km round {zoom.latitude:.2f}, {zoom.longitude:.2f}"
    _finish(figure, axes, drawn, title, path)


def _sheet(inches: tuple[float, float]) -> tuple[Any, Any]:
    """Return a figure that needs no display, and its axes."""
    require("matplotlib", extra="draw")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=inches, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.set_aspect("equal")
    axes.set(xticks=[], yticks=[])
    for side in axes.spines.values():
        side.set_visible(False)
    return figure, axes


def _path(geometry: BaseGeometry, project: Projection) -> Any:
    """Return all rings of the polygons of a geometry as one path, with holes."""
    from matplotlib.path import Path as Outline

    parts = [part for part in shapely.get_parts(geometry) if part.geom_type == "Polygon"]
    rings = [polygons.corners_of(ring) for part in parts for ring in shapely.get_rings(part)]
    if not rings:
        return Outline(np.empty((0, 2)))
    codes = np.full(sum(map(len, rings)), Outline.LINETO)
    ends = np.cumsum([len(ring) for ring in rings])
    codes[np.concatenate([[0], ends[:-1]])] = Outline.MOVETO
    codes[ends - 1] = Outline.CLOSEPOLY
    return Outline(project(np.concatenate(rings)), codes)


def _add(axes: Any, shapes: Any, project: Projection, **style: Any) -> Any:
    from matplotlib.collections import PathCollection

    collection = PathCollection([_path(shape, project) for shape in shapes], **style)
    axes.add_collection(collection)
    axes.autoscale_view()
    return collection


def _add_cells(
    axes: Any, atlas: Atlas, rows: NDArray[np.int64], shapes: NDArray[np.object_], project: Projection, width: float
) -> Any:
    """Draw the cells in the colours of their density; cells without photos are grey."""
    from matplotlib import colormaps
    from matplotlib.colors import LogNorm

    low, high = atlas.density_range
    if low >= high:
        low, high = low / 2, high * 2
    drawn = _add(
        axes,
        shapely.segmentize(shapes, _STEP_DEGREES),
        project,
        edgecolor="#4a5258",
        linewidth=width,
        cmap=colormaps["YlGnBu"].with_extremes(bad=_NO_PHOTOS),
        norm=LogNorm(low, high),
    )
    density = atlas.density[rows]
    drawn.set_array(np.ma.masked_less_equal(density, 0))
    return drawn


def _scale_bar(axes: Any, km: float, half: float) -> None:
    """Draw a scale bar of a round number of km at the lower left."""
    power = 10 ** math.floor(math.log10(km / 2))
    length = max(step * power for step in (1, 2, 5) if step * power <= km / 2)
    x, y, size = -0.93 * half, -0.93 * half, length / sphere.EARTH_KM
    axes.plot([x, x + size], [y, y], color=_LINE, linewidth=3, solid_capstyle="butt")
    label = {"boxstyle": "round,pad=0.2", "facecolor": "white", "edgecolor": "none", "alpha": 0.8}
    axes.text(x, y + 0.03 * half, f"{length:,g} km", fontsize=9, color=_LINE, bbox=label)


def _finish(figure: Any, axes: Any, drawn: Any, title: str, path: str | Path) -> None:
    """Add title and colour bar, and write the file with 256 colours, which halves its size."""
    figure.suptitle(title, fontsize=11, x=0.02, ha="left")
    bar = figure.colorbar(drawn, ax=axes, orientation="horizontal", fraction=0.04, pad=0.02, shrink=0.7, extend="both")
    empty = "; dark grey: no photos" if np.ma.getmaskarray(drawn.get_array()).any() else ""
    bar.set_label(f"photos per km² (log scale{empty})", fontsize=9)
    bar.ax.tick_params(labelsize=8)
    bar.outline.set_visible(False)
    figure.set_dpi(_DPI)
    figure.canvas.draw()
    picture = Image.fromarray(np.asarray(figure.canvas.buffer_rgba())).convert("RGB")
    with output_files.new_file(path) as beside:
        picture.quantize(256, dither=Image.Dither.NONE).save(beside, "PNG", optimize=True)
