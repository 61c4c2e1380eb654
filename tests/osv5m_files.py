"""Rows and tables like those of OSV-5M, for tests."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

HEADER = next(
    csv.reader(
        [
            "id,latitude,longitude,thumb_original_url,country,sequence,captured_at,lon_bin,lat_bin,cell,region,sub-region,"
            "city,land_cover,road_index,drive_side,climate,soil,dist_sea,quadtree_10_5000,quadtree_10_25000,"
            "quadtree_10_1000,quadtree_10_50000,quadtree_10_12500,quadtree_10_500,quadtree_10_2500,unique_region,"
            "unique_sub-region,unique_city,unique_country,creator_username,creator_id"
        ]
    )
)
"""The first line of train.csv, as it is published."""

COUNTRIES = ("US", "CA", "NZ", "HR")


def row(number: int, **changed: Any) -> dict[str, Any]:
    made = {
        "id": 10**15 + number * 7919,
        "latitude": -43.8 + number / 1000,
        "longitude": -176.6 + number / 100,
        "thumb_original_url": f"https://scontent.example/{number}.jpg",
        "country": COUNTRIES[number % 4],
        "sequence": f"seq{number // 5}",
        "captured_at": 1_507_560_881_000 + number,
        "lon_bin": 8.0,
        "lat_bin": 0.0,
        "cell": "(0, 8)",
        "region": "Chatham Islands",
        "sub-region": "",
        "city": 'Waitangi, "old"',
        "land_cover": 4.0,
        "dist_sea": 0.0068841378890803,
        "quadtree_10_1000": number % 11,
        "unique_city": "Waitangi_NaN_Chatham Islands_NZ",
        "creator_username": "roadroid" if number % 3 else "",
        "creator_id": 11133622109171,
    }
    return {**made, **changed}


def write_csv(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, HEADER)
        writer.writeheader()
        writer.writerows(rows)
    return path
