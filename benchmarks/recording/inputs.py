"""The photos, tables and run files that every recording begins with: the same bytes for every build."""

from __future__ import annotations

import csv
import datetime
import json
import random
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import ExifTags, Image

SETS = ("test_a", "sunsets", "signs_dev", "portable_dev", "scene_dev", "scripts_dev")
SEED = 20240501
START = datetime.datetime(2021, 6, 1, 6, tzinfo=datetime.UTC)
TOWNS = {
    "lima": (-12.05, -77.04, (230, 30, 30)),
    "nairobi": (-1.29, 36.82, (40, 60, 220)),
    "paris": (48.85, 2.35, (230, 210, 30)),
    "sydney": (-33.87, 151.2, (30, 200, 40)),
    "tokyo": (35.68, 139.76, (200, 40, 210)),
    "york": (40.71, -74.0, (30, 210, 220)),
}
"""Places of the made-up photos: latitude, longitude, and the colour of all photos there."""

RUN = """name = "tiny"
out = "../tiny-model"

[data]
train = "photos.csv"
validation = 0.3
split_by = "group"

[backbone]
name = "test_efficientnet"

[preprocess]
size = 64

[partition]
levels = [{ max = 16 }, { max = 8 }]

[optimizer]
epochs = 2
batch_size = 16
learning_rate = 0.01

[calibration]
folds = 2
"""
REFINER_RUN = """name = "mine"
out = "../refiner"
posterior = "../made/posterior.parquet"
records = "../made/times.parquet"

[refiner]
kind = "user-mean"
"""
NETWORK_RUN = """name = "hours"
out = "../refiner-hours"
posterior = "../made/posterior.parquet"
records = "../made/times.parquet"

[refiner]
kind = "posting-time"
settings = { phases = [{ optimizer = "adam", learning_rate = 0.01, epochs = 2 }], width = 8, validation = 0.3 }
"""
QUERIES = """keywords = ["vienna", "austria"]
min_upload = 2010-01-01
max_upload = 2010-02-01
"""
YFCC_COLUMNS = (
    "photo_id", "user", "nickname", "taken", "uploaded", "camera", "title", "description", "tags", "machine_tags",
    "longitude", "latitude", "accuracy", "page_url", "url", "license", "license_url", "server", "farm", "secret",
    "secret_original", "extension", "marker",
)  # fmt: skip


def make(folder: Path, shared: Path, photos: int, pictures_url: str) -> None:
    """Fill a folder with inputs.

    ``photos`` (at least 6) are spread over SETS by a seeded choice. ``pictures_url`` is where ``fetch`` finds them.
    """
    chance = random.Random(SEED)
    source = shared / "data" / "photos"
    rows = choose(source, photos, chance)
    copy_photos(source, folder / "photos", rows)
    write_table(folder / "photos" / "photos.csv", [row for row in rows if row["latitude"]])
    copy_photos(source, folder / "few", rows[:: max(1, len(rows) // 7)][:7], flat=True)
    known = choose_known(source, 96, chance)
    copy_photos(source, folder / "known", known)
    write_table(folder / "known" / "photos.csv", known)
    make_library(folder / "library", source, known[:16])
    make_broken(folder / "broken", source / rows[0]["path"])
    make_tiny(folder / "tiny")
    make_records(folder / "made", shared / "data" / "tables", known, pictures_url)
    make_sources(folder / "made", chance)


def choose(source: Path, count: int, chance: random.Random) -> list[dict[str, str]]:
    """Rows of ``count`` photos, as many of each set as possible."""
    chosen: list[dict[str, str]] = []
    for number, name in enumerate(SETS):
        rows = read_table(source / f"{name}.csv")
        share = count // len(SETS) + (number < count % len(SETS))
        chosen += chance.sample(rows, min(share, len(rows)))
    return chosen


def choose_known(source: Path, count: int, chance: random.Random) -> list[dict[str, str]]:
    """Rows of training photos, by whole groups, so that most places have several photos."""
    groups: dict[str, list[dict[str, str]]] = {}
    for row in read_table(source / "train.csv"):
        groups.setdefault(row["group_id"], []).append(row)
    several = [rows[:6] for _, rows in sorted(groups.items()) if len(rows) > 2]
    chance.shuffle(several)
    return [row for rows in several for row in rows][:count]


def read_table(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def write_table(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write a CSV file with the columns of all rows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    names = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def copy_photos(source: Path, target: Path, rows: list[dict[str, str]], flat: bool = False) -> None:
    """Copy the photos of rows, with their folder or without it."""
    for row in rows:
        path = target / (Path(row["path"]).name if flat else row["path"])
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / row["path"], path)


def sexagesimal(degrees: float) -> tuple[float, float, float]:
    """Degrees, minutes and seconds of a magnitude, as cameras write them."""
    minutes, seconds = divmod(round(abs(degrees) * 3600, 3), 60)
    whole, minutes = divmod(minutes, 60)
    return whole, minutes, seconds


def exif(latitude: float | None, longitude: float | None, taken_at: datetime.datetime, is_utc: bool) -> Image.Exif:
    """EXIF with a time, and with a position where there is one."""
    tags = Image.Exif()
    details = tags.get_ifd(ExifTags.IFD.Exif)
    details[ExifTags.Base.DateTimeOriginal] = taken_at.strftime("%Y:%m:%d %H:%M:%S")
    if is_utc:
        details[ExifTags.Base.OffsetTimeOriginal] = "+00:00"
    if latitude is not None and longitude is not None:
        tags.get_ifd(ExifTags.IFD.GPSInfo).update(
            {
                ExifTags.GPS.GPSLatitude: sexagesimal(latitude),
                ExifTags.GPS.GPSLatitudeRef: "S" if latitude < 0 else "N",
                ExifTags.GPS.GPSLongitude: sexagesimal(longitude),
                ExifTags.GPS.GPSLongitudeRef: "W" if longitude < 0 else "E",
            }
        )
    return tags


def make_library(folder: Path, source: Path, rows: list[dict[str, str]]) -> None:
    """A library: EXIF in most photos, an XMP sidecar, Google's JSON, photos without a position between them."""
    folder.mkdir(parents=True)
    for number, row in enumerate(rows):
        with Image.open(source / row["path"]) as picture:
            small = picture.convert("RGB").resize((320, 240))
        latitude, longitude = float(row["latitude"]), float(row["longitude"])
        taken_at = START + datetime.timedelta(minutes=9 * number)
        has_position = number % 4 != 3
        tags = exif(latitude if has_position else None, longitude, taken_at, is_utc=number % 5 != 0)
        path = folder / f"{number:02d}.jpg"
        small.save(path, quality=88, exif=tags)
        if number == 3:
            path.with_suffix(".xmp").write_text(sidecar(latitude, longitude), "utf-8")
        if number == 7:
            document = {"title": path.name, "geoData": {"latitude": latitude, "longitude": longitude, "altitude": 0}}
            document["photoTakenTime"] = {"timestamp": str(int(taken_at.timestamp()))}
            path.with_name(f"{path.name}.json").write_text(json.dumps(document), "utf-8")
    with Image.open(folder / "00.jpg") as picture:
        picture.save(folder / "picture.png")
        picture.save(folder / "picture.webp")
        picture.rotate(90, expand=True).save(folder / "turned.tiff")


def sidecar(latitude: float, longitude: float) -> str:
    """An XMP file with a position in degrees and minutes."""
    north, east = ("N" if latitude >= 0 else "S"), ("E" if longitude >= 0 else "W")
    places = [f"{int(abs(value))},{abs(value) % 1 * 60:.6f}" for value in (latitude, longitude)]
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:exif="http://ns.adobe.com/exif/1.0/" '
        f'exif:GPSLatitude="{places[0]}{north}" exif:GPSLongitude="{places[1]}{east}"/></rdf:RDF></x:xmpmeta>\n'
    )


def make_broken(folder: Path, photo: Path) -> None:
    """Files that are no whole picture, beside one that is."""
    folder.mkdir()
    data = photo.read_bytes()
    (folder / "cut.jpg").write_bytes(data[: len(data) // 3])
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "words.jpg").write_text("no picture\n")
    (folder / "whole.jpg").write_bytes(data)
    Image.new("RGB", (300, 200), (128, 128, 128)).save(folder / "blank.png")


def make_tiny(folder: Path) -> None:
    """Eight made-up photos of each town, a table about them, and run files."""
    folder.mkdir()
    rng = np.random.default_rng(5)
    rows = []
    for town, (latitude, longitude, colour) in TOWNS.items():
        for number in range(8):
            pixels = np.clip(rng.normal(colour, 25, (64, 64, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / f"{town}-{number}.png")
            moved = np.array([latitude, longitude]) + rng.normal(0, 0.003, 2)
            place = {"latitude": f"{moved[0]:.5f}", "longitude": f"{moved[1]:.5f}"}
            rows.append({"path": f"{town}-{number}.png", **place, "group": f"{town}-{number // 2}"})
    write_table(folder / "photos.csv", rows)
    for name, text in (("run", RUN), ("refiner", REFINER_RUN), ("refiner-hours", NETWORK_RUN)):
        (folder / f"{name}.toml").write_text(text)


def make_records(folder: Path, tables: Path, known: list[dict[str, str]], pictures_url: str) -> None:
    """Positions, times, predictions, posteriors, and records with urls."""
    folder.mkdir()
    rng = np.random.default_rng(SEED)
    everywhere = read_table(tables / "geoclip_coordinates_100K.csv")
    for name, count in (("points", 4000), ("others", 1500), ("gallery-points", 300)):
        write_table(folder / f"{name}.csv", [everywhere[row] for row in rng.choice(len(everywhere), count, False)])
    write_times(folder / "times.parquet", rng)
    paths = [row["path"] for row in known]
    truth = [
        {"id": f"known/{row['path']}", **{key: row[key] for key in ("latitude", "longitude", "group_id")}}
        for row in known
    ]
    write_table(folder / "truth.csv", truth)
    for name, degrees in (("predictions", 2.0), ("rivals", 9.0)):
        moved = [{**row, "latitude": float(row["latitude"]) * 0.9 + rng.normal(0, degrees)} for row in truth]
        rows = [{key: row[key] for key in ("id", "latitude", "longitude")} for row in moved]
        write_table(folder / f"{name}.csv", rows[: len(rows) - 3])
    table = {
        "id": [str(number) for number in range(24)],
        "latitude": [float(row["latitude"]) for row in known[:24]],
        "longitude": [float(row["longitude"]) for row in known[:24]],
        "url": [f"{pictures_url}/{path}" for path in [*paths[:22], "train/none.jpg", "words.jpg"]],
    }
    pq.write_table(pa.table(table), folder / "urls.parquet")


def write_times(path: Path, rng: np.random.Generator) -> None:
    """Records of 600 photos of 40 users on their ways, with scenes, and posteriors of them on four places."""
    count = 600
    user = np.arange(count) // 15
    homes = np.array([place[:2] for place in TOWNS.values()])[user % len(TOWNS)]
    points = homes + np.cumsum(rng.normal(0, 0.01, (count, 2)), axis=0) * 0.2
    hours = user * 500 + np.arange(count) % 15 * 0.7 + rng.random(count)
    times = pa.array([START + datetime.timedelta(hours=float(hour)) for hour in hours], pa.timestamp("us", tz="UTC"))
    scenes = rng.dirichlet(np.ones(3), count)
    ids = [f"photo {row}" for row in range(count)]
    columns = {
        "id": ids, "latitude": points[:, 0], "longitude": points[:, 1], "taken_at": times, "posted_at": times,
        "user": [f"user {one}" for one in user], "scene_indoor": scenes[:, 0], "scene_natural": scenes[:, 1],
        "scene_urban": scenes[:, 2],
    }  # fmt: skip
    pq.write_table(pa.table(columns), path)
    places = [place[:2] for place in list(TOWNS.values())[:4]]
    masses = rng.dirichlet(np.ones(len(places)), count)
    posterior = {
        "id": np.repeat(ids, len(places)), "latitude": [place[0] for place in places] * count,
        "longitude": [place[1] for place in places] * count, "mass": masses.ravel(),
        "spread_km": np.full(masses.size, 25.0),
    }  # fmt: skip
    pq.write_table(pa.table(posterior), path.with_name("posterior.parquet"))


def make_sources(folder: Path, chance: random.Random) -> None:
    """Files of the sources: a dump of YFCC100M, queries for Flickr, addresses, and a folder as OSV-5M has it."""
    lines = []
    for number in range(60):
        row = dict.fromkeys(YFCC_COLUMNS, "")
        row |= {"photo_id": str(4_000_000_000 + number), "user": f"{number % 9}@N00", "camera": "Canon+EOS"}
        row |= {"taken": f"2010-04-{1 + number % 28:02d} 11:00:49.0", "uploaded": str(1_272_811_190 + 60 * number)}
        row |= {"title": f"On+the+Wall+{number}", "tags": "b%26w,hadrian%27s+wall", "accuracy": "12"}
        row |= {"latitude": f"{chance.uniform(-60, 70):.6f}", "longitude": f"{chance.uniform(-180, 180):.6f}"}
        row |= {"url": f"http://farm5.staticflickr.com/4036/{number}_03a71b7bbb.jpg", "extension": "jpg"}
        row |= {"license": "Attribution License", "marker": str(int(number % 10 == 7)), "page_url": "http://x/y"}
        row |= {"latitude": ""} if number % 11 == 5 else {}
        lines.append("\t".join(row[name] for name in YFCC_COLUMNS))
    (folder / "yfcc.tsv").write_text("\n".join([*lines, lines[0], "broken\tline"]) + "\n")
    (folder / "queries.toml").write_text(QUERIES)
    wds = folder / "osv5m"
    rows = []
    for number in range(20):
        row = {"id": str(100 + number), "latitude": chance.uniform(-60, 70), "longitude": chance.uniform(-180, 180)}
        rows.append({**row, "country": "FR" if number % 2 else "US", "region": "Somewhere", "city": "", "climate": 3})
        picture = wds / "images" / "train" / "00" / f"{100 + number}.jpg"
        picture.parent.mkdir(parents=True, exist_ok=True)
        if number != 4:
            Image.new("RGB", (32, 24), (number * 9, 90, 40)).save(picture)
    write_table(wds / "train.csv", rows)
