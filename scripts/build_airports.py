"""Build the table of airports (read by evidence.airports) from the Python package airportsdata (MIT).

    pip install airportsdata==20260905
    python scripts/build_airports.py     # writes src/whereshot/evidence/data/airports.parquet

The table has the airports with an IATA code. Left out are names that are short or one ordinary word,
and names of which the largest town is within ``NEAR_KM``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import airportsdata
import numpy as np
import pyarrow as pa
import shipped_table

from whereshot.earth import sphere
from whereshot.earth.country_names import english_names
from whereshot.earth.name_index import name_keys
from whereshot.earth.towns import gazetteer
from whereshot.evidence.airports import Airport, own_name
from whereshot.evidence.lexicon import lexicon
from whereshot.evidence.town_spans import largest_towns

NEAR_KM = 60.0
LEAST_LETTERS = 5


def parts_of(name: str, city: str) -> Iterator[str]:
    """Yield the names in a name: "Karachi / Jinnah" is two, and "London Heathrow" is "Heathrow" in London too."""
    for part in re.split(r"[/()]| - ", name):
        if part.strip():
            yield part.strip()
        if city and part.strip().startswith(f"{city} "):
            yield part.strip().removeprefix(city).strip()


def is_left_out(airport: Airport) -> bool:
    """Return whether the name of an airport is short, one ordinary word, or that of a town near it."""
    name = own_name(airport.name)
    key = name_keys([name])[0]
    if len(key) < LEAST_LETTERS or key.isdigit():
        return True
    if " " not in name and lexicon().find(name.lower()) is not None:
        return True
    largest = largest_towns(gazetteer().named(name))[:1]
    distance = sphere.distance_km(gazetteer().points[largest], np.array([airport.latitude, airport.longitude]))
    return bool((distance <= NEAR_KM).any())


def main() -> None:
    rows = [
        Airport(part, row["country"], round(row["lat"], 3), round(row["lon"], 3))
        for row in airportsdata.load("IATA").values()
        for part in parts_of(row["name"], row["city"])
        if row["country"] in english_names()
    ]
    kept = sorted({row for row in rows if not is_left_out(row)})
    print(f"{len(rows)} names, {len(kept)} kept")
    shipped_table.write(
        "airports",
        pa.table(
            {
                "name": [row.name for row in kept],
                "country": pa.array([row.country_code for row in kept]).dictionary_encode(),
                "latitude": pa.array([row.latitude for row in kept], pa.float32()),
                "longitude": pa.array([row.longitude for row in kept], pa.float32()),
            }
        ),
        use_dictionary=["country"],
        column_encoding={"name": "DELTA_BYTE_ARRAY", "latitude": "BYTE_STREAM_SPLIT", "longitude": "BYTE_STREAM_SPLIT"},
    )


if __name__ == "__main__":
    main()
