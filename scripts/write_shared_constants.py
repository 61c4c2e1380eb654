"""Write web/src/shared.ts: the numbers and sentences that Python and the web page share, each taken from its module.

    python scripts/write_shared_constants.py            # write the file
    python scripts/write_shared_constants.py --check    # exit with 1 and one line where the file is old

To share another value, add its Python name to ``SHARED``. Every public name of ``locate.wording`` is shared.
"""

from __future__ import annotations

import importlib
import json
import sys
from operator import attrgetter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
FILE = ROOT / "web" / "src" / "shared.ts"
RUN = "python scripts/write_shared_constants.py"
WORDING = "locate.wording"

SHARED = {
    "earth.sphere": {
        "EARTH_KM": "EARTH_KM",
        "HALF_CIRCUMFERENCE_KM": "HALF_CIRCUMFERENCE_KM",
    },
    "photos.images": {
        "MAX_PIXELS": "MAX_PIXELS",
        "SUFFIXES": "PICTURE_SUFFIXES",
    },
    "photos.emptiness": {
        "NOTHING": "NOTHING_TO_SEE",
        "CELLS": "COARSE_CELLS",
        "LEAST_SIDE": "LEAST_SIDE",
        "EVEN_RANGE": "EVEN_RANGE",
        "NOISE_CORRELATION": "NOISE_CORRELATION",
        "NOISE_KURTOSIS": "NOISE_KURTOSIS",
    },
    "photos.preprocess": {
        "SQUARE_RATIO": "SQUARE_RATIO",
        "LONGEST_RATIO": "LONGEST_RATIO",
        "WHOLE_STRIDE": "WHOLE_STRIDE",
        "WHOLE_LONGEST": "WHOLE_LONGEST",
    },
    "posterior.place_shape": {
        "GOLDEN_DEGREES": "GOLDEN_DEGREES",
        "R2_STEPS": "R2_STEPS",
    },
    "posterior.place_set": {
        "WIDE_KM": "WIDE_KM",
    },
    "posterior.base": {
        "MIN_SPREAD_KM": "MIN_SPREAD_KM",
    },
    "posterior.circles": {
        "EXACT_PLACES": "EXACT_PLACES",
    },
    "posterior.candidates": {
        "CANDIDATES": "CANDIDATES",
        "FOCUSED": "FOCUSED",
        "CELL_LEVEL": "CANDIDATE_CELL_LEVEL",
        "FAR": "FAR",
        "NEAR_KM": "NEAR_KM",
        "GEOSCORE_KM": "GEOSCORE_KM",
        "GEOSCORE_MOST": "GEOSCORE_MOST",
    },
    "posterior.decision": {
        "DECIDE_WITHIN_KM": "DECIDE_WITHIN_KM",
        "THEN_WITHIN_KM": "THEN_WITHIN_KM",
    },
    "posterior.same_place": {
        "CORRELATION": "ALBUM_CORRELATION",
        "HEAVY": "ALBUM_HEAVY",
        "LIGHT": "ALBUM_LIGHT",
        "POINTS": "ALBUM_POINTS",
    },
    "posterior.map_cells": {
        "MOST_CELLS": "MOST_CELLS",
        "POINTS": "MAP_POINTS",
        "FINEST_LEVEL": "FINEST_LEVEL",
        "COARSEST_LEVEL": "COARSEST_LEVEL",
        "REGIONS": "REGIONS",
        "LEAST_MASS": "LEAST_MASS",
        "COARSER": "COARSER",
        "FEWEST_POINTS": "FEWEST_POINTS",
        "STRAIGHT_LEVEL": "STRAIGHT_LEVEL",
    },
    "models.readout.memory": {
        "NEAREST": "NEAREST",
        "TINY": "TINY",
    },
    "locate.prediction": {
        "CONFIDENT": "CONFIDENT",
        "CONFIDENT_TO": "CONFIDENT_TO",
    },
    "locate.answers": {
        "CANDIDATE_KM": "CANDIDATE_KM",
        "WIDEST_CANDIDATE_KM": "WIDEST_CANDIDATE_KM",
        "LEAST_SHARE": "LEAST_COUNTRY_SHARE",
    },
    "server.media_types": {
        "LINES": "LINES_TYPE",
    },
    "locate.options": {
        "LocateOptions.level": "LEVEL",
        "LocateOptions.top": "TOP",
    },
    "server.static_site": {
        "FORMAT": "SITE_FORMAT",
    },
}
"""By module: the name in Python, also of an attribute of a class, and the name in TypeScript."""

HEAD = f"""/**
 * Numbers and sentences that the page and Python share. Made by scripts/write_shared_constants.py: do not edit.
 * To change a value, change it in Python and run: {RUN}
 */
"""

TAIL = """
/** The distances in km at which answers are measured, as the keys of `within` spell them. */
export const DISTANCES = Object.keys(CONFIDENT_TO) as Distance[];
export type Distance = keyof typeof CONFIDENT_TO;
/** The level whose distance has 90 %. */
export type ConfidentTo = (typeof CONFIDENT_TO)[Distance];
/** The share of the probability that a region of the map holds. */
export type Region = (typeof REGIONS)[number];
"""


def literal(value: Any) -> str:
    """Return a value as a TypeScript literal, on one line: numbers, texts, tuples, sets and dicts. Raises TypeError."""
    if isinstance(value, (set, frozenset)):
        value = sorted(value)
    if isinstance(value, (tuple, list)):
        return f"[{', '.join(literal(part) for part in value)}] as const"
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{json.dumps(str(key))}: {literal(part)}' for key, part in value.items())} }} as const"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, (str, int, float)):
        raise TypeError(f"{value!r} cannot be written as TypeScript; share numbers, texts, tuples and dicts of these")
    return json.dumps(value, ensure_ascii=False)


def wording_names() -> dict[str, str]:
    """Return the public names of the module with the sentences, by themselves."""
    module = importlib.import_module(f"whereshot.{WORDING}")
    return {name: name for name in vars(module) if name.isupper() and not name.startswith("_")}


def shared_file() -> str:
    """Return the text of shared.ts as it follows from the package."""
    lines = [HEAD]
    for module_name, names in {**SHARED, WORDING: wording_names()}.items():
        module = importlib.import_module(f"whereshot.{module_name}")
        lines.append(f"// whereshot.{module_name}")
        lines += [f"export const {ours} = {literal(attrgetter(name)(module))};" for name, ours in names.items()]
        lines.append("")
    return "\n".join(lines) + TAIL


def main(arguments: list[str]) -> int:
    """Write or check the file. Return the exit code: 1 where the check finds an old file."""
    if arguments not in ([], ["--check"]):
        print(f"usage: {RUN} [--check]", file=sys.stderr)
        return 2
    text, there = shared_file(), FILE.read_text("utf-8") if FILE.is_file() else ""
    if arguments and text != there:
        print(f"{FILE.relative_to(ROOT)} is not what Python says; run: {RUN}", file=sys.stderr)
        return 1
    if text != there:
        FILE.write_text(text, "utf-8")
        print(f"wrote {FILE.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
