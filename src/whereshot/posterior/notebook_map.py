"""A small map of the world as inline SVG, which notebooks show for a posterior and for a prediction.

The map is in degrees: x is the longitude, y the latitude with north up. It needs no network and no JavaScript.
"""

from __future__ import annotations

import functools
import html
import math
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from whereshot.earth import sphere
from whereshot.foundation.errors import JOINERS

LAND_STEP_DEGREES = 0.7
"""Borders are simplified to about this distance: a pixel of the map."""
LEAST_LAND_SQUARE_DEGREES = 1.0
"""Smaller islands are left out."""
MOST_PLACES = 300
"""A map shows at most this many of the heaviest places of a posterior."""
MOST_ROWS = 4
"""A posterior of more rows is shown by its first ones."""
LARGEST_RADIUS, SMALLEST_RADIUS = 8.0, 0.6
"""Radii of the discs, in degrees on the map: of a place with all the mass, and of the lightest one."""
LAND = "#c9c4b8"
SEA = "#eef2f5"
MARK = "#b3261e"


@functools.cache
def land_path() -> str:
    """Return the outlines of all countries as the data of an SVG path, in tenths of a degree."""
    import shapely

    from whereshot.earth.countries import countries

    rings = []
    for country in countries().all:
        shape = shapely.simplify(country.geometry, LAND_STEP_DEGREES, preserve_topology=False)
        for part in shapely.get_parts(shape):
            if part.area < LEAST_LAND_SQUARE_DEGREES:
                continue
            corners = shapely.get_coordinates(part.exterior)[:-1]
            rings.append("M" + "L".join(f"{x:.1f} {-y:.1f}" for x, y in corners.tolist()) + "Z")
    return "".join(rings)


def world_svg(places: sphere.Points, mass: NDArray[np.float64], title: str) -> str:
    """Return an SVG map with a disc for each place (k, 2), whose area grows with its mass (k,), from 0 to 1.

    ``title`` is read out to people who do not see the map; it may hold any characters.
    """
    discs = []
    for (latitude, longitude), share in zip(places.tolist(), mass.tolist(), strict=True):
        radius = max(SMALLEST_RADIUS, LARGEST_RADIUS * math.sqrt(min(max(share, 0.0), 1.0)))
        discs.append(f'<circle cx="{longitude:.2f}" cy="{-latitude:.2f}" r="{radius:.2f}"/>')
    name = html.escape(printable(title))
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="-180 -90 360 180" width="480" height="240" role="img" '
        f'style="background:{SEA};max-width:100%"><title>{name}</title>'
        f'<path d="{land_path()}" fill="{LAND}" stroke="{SEA}" stroke-width="0.3"/>'
        f'<g fill="{MARK}" fill-opacity="0.55">{"".join(discs)}</g></svg>'
    )


def posterior_html(rows: Sequence[tuple[sphere.Points, NDArray[np.float64]]], count: int, summary: str) -> str:
    """Return the first rows of a posterior, places (k, 2) and masses (k,), as maps with the heaviest place in words.

    ``count`` is the number of all rows, ``summary`` what the posterior is called.
    """
    figures = []
    for number, (places, mass) in enumerate(rows):
        order = np.argsort(-mass, kind="stable")[:MOST_PLACES]
        latitude, longitude = places[order[0]].tolist()
        share = 100 * float(mass[order[0]])
        words = f"Row {number}. Heaviest place: {latitude:.4f}, {longitude:.4f} with {share:.3g} % of the mass."
        figures.append(figure(world_svg(places[order], mass[order], words), [words]))
    more = [f"{count - len(rows):,} more rows are not shown."] if count > len(rows) else []
    return document([*figures, *map(paragraph, [summary, *more])])


def figure(svg: str, lines: Sequence[str]) -> str:
    """Return a map with lines of text under it; the text may hold any characters."""
    return f'<figure style="margin:0 0 8px">{svg}<figcaption>{"".join(map(paragraph, lines))}</figcaption></figure>'


def paragraph(text: str) -> str:
    """Return text as a paragraph of HTML, in which every special character is escaped."""
    return f'<p style="margin:2px 0">{html.escape(printable(text))}</p>'


def document(parts: Iterable[str]) -> str:
    """Return pieces of HTML as one element."""
    return f'<div class="whereshot">{"".join(parts)}</div>'


def printable(text: str) -> str:
    """Return text without the characters that XML does not allow, such as control characters and lone surrogates."""
    return "".join(char if char.isprintable() or char in JOINERS else "�" for char in text)
