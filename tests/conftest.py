"""Fixtures made by code: pictures whose EXIF says what a test wants, a small model; the shared data if it is there."""

from __future__ import annotations

import os
import shutil
import struct
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pillow_heif
import pytest
from PIL import ExifTags, Image, ImageDraw, ImageFont
from PIL.TiffImagePlugin import IFDRational

from command_line import Result, Run
from full_disk import Disk

pillow_heif.register_heif_opener()

# processes that tests start, those of Spark too, import the modules beside this file
os.environ["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]).rstrip(
    os.pathsep
)
os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch and SciPy: small work is slower on many threads

# how long an example takes says how busy the machine is
hypothesis.settings.register_profile(
    "whereshot", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("whereshot")

SHARED = Path(__file__).parents[1].parent / "shared"

MakePicture = Callable[..., Path]

FuseWorld = Callable[..., Any]
RankCountries = Callable[..., list[tuple[str, float]]]


LONGEST = (
    "server/test_page_browser.py",
    "server/test_static_site.py",
    "test_footprint.py",
    "training/test_train.py",
    "foundation/jobs/test_spark.py",
    "models/networks/test_backbone.py",
    "cli/test_outputs_of_commands.py",
    "posterior/test_background.py",
    "training/test_refine_run.py",
    "training/test_learn.py",
)
"""The longest files. They begin first, so that no process works alone at the end. make test shows durations."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put the longest files first, unless the order shall be random."""
    if config.pluginmanager.hasplugin("randomly"):
        return
    place = {Path(__file__).parent / name: number for number, name in enumerate(LONGEST)}
    gone = [str(path) for path in place if not path.is_file()]
    if gone:
        raise pytest.UsageError(f"LONGEST in tests/conftest.py names a file that is not there: {gone[0]}")
    items.sort(key=lambda item: place.get(item.path, len(place)))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Let every test draw the same numbers from torch, whatever ran before it."""
    if "torch" in sys.modules:
        # without its traceback of each call, which takes longer than many tests
        sys.modules["torch"].default_generator.manual_seed(0)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real photos and tables beside the checkout."""
    if not (SHARED / "data").is_dir():
        pytest.skip("needs the photos and tables of shared/data beside the checkout")
    return SHARED


def sexagesimal(degrees: float) -> tuple[float, float, float]:
    """Degrees, minutes and seconds of a magnitude, as cameras write them."""
    minutes, seconds = divmod(round(abs(degrees) * 3600, 4), 60)
    return (*divmod(minutes, 60), seconds)


def exif(
    latitude: float | None = None,
    longitude: float | None = None,
    *,
    taken_at: str | None = None,
    offset: str | None = None,
    orientation: int | None = None,
    make: str | None = None,
    model: str | None = None,
    gps: dict[int, Any] | None = None,
) -> Image.Exif:
    """EXIF with a position in rationals and a time; ``gps`` replaces single GPS tags, None removes one."""
    tags = {
        ExifTags.Base.Orientation: orientation,
        ExifTags.Base.Make: make,
        ExifTags.Base.Model: model,
    }
    details = {ExifTags.Base.DateTimeOriginal: taken_at, ExifTags.Base.OffsetTimeOriginal: offset}
    position: dict[int, Any] = {}
    if latitude is not None and longitude is not None:
        position = {
            ExifTags.GPS.GPSLatitude: sexagesimal(latitude),
            ExifTags.GPS.GPSLatitudeRef: "S" if latitude < 0 else "N",
            ExifTags.GPS.GPSLongitude: sexagesimal(longitude),
            ExifTags.GPS.GPSLongitudeRef: "W" if longitude < 0 else "E",
        }
    position |= gps or {}
    written = Image.Exif()
    for holder, values in (
        (written, tags),
        (written.get_ifd(ExifTags.IFD.Exif), details),
        (written.get_ifd(ExifTags.IFD.GPSInfo), position),
    ):
        holder.update({tag: value for tag, value in values.items() if value is not None})
    return written


def signed_exif(
    latitude: float | None, longitude: float | None, tag: int, parts: tuple[int, ...], **tags: Any
) -> bytes:
    """EXIF whose GPS ``tag`` holds signed whole numbers (SRATIONAL), which Pillow reads but does not write."""
    unsigned = tuple(IFDRational(part % 2**32, 1) for part in parts)
    data = exif(latitude, longitude, gps={**tags.pop("gps", {}), tag: unsigned}, **tags).tobytes()
    order = {b"II": "<", b"MM": ">"}[data[6:8]]
    head, own, tail = data.partition(struct.pack(f"{order}HHL", tag, 5, len(parts)))
    assert own
    return head + struct.pack(f"{order}HHL", tag, 10, len(parts)) + tail


@pytest.fixture(scope="session")
def jpeg_with_position() -> MakePicture:
    """Writes a small picture with EXIF; the format is that of the name: .jpg, .heic, .png, .webp, ..."""

    def make(path: Path, latitude: float | None = None, longitude: float | None = None, **tags: Any) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        picture = Image.new("RGB", (48, 32), (40, 90, 160))
        picture.paste((90, 80, 60), (0, 20, 48, 32))  # ground below the sky: of one colour it would be empty
        picture.save(path, exif=exif(latitude, longitude, **tags).tobytes())
        return path

    return make


@pytest.fixture
def rng() -> np.random.Generator:
    """The same random numbers in every run."""
    return np.random.default_rng(20240501)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command in this process, as the installed script does. To start a process takes a second."""
    from whereshot.cli import main

    def run(*arguments: Any) -> Result:
        monkeypatch.setattr(sys, "argv", ["whereshot", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as exit:
            main()
        return Result(int(exit.value.code or 0), *capsys.readouterr())

    return run


def line(text: str) -> Any:
    """A line as the reader of signs gives it."""
    from whereshot.evidence import Line

    return Line(text, 0.95, (0, 0, 100, 20))


@pytest.fixture(scope="session")
def fuse_world() -> FuseWorld:
    """The photo-density prior after cues."""
    from whereshot.evidence import fuse
    from whereshot.posterior.prior import density_prior

    prior = density_prior()
    return lambda cues: fuse(prior, cues)


@pytest.fixture(scope="session")
def rank_countries(fuse_world: FuseWorld) -> RankCountries:
    """Countries by probability after cues on the photo-density prior, (code, probability), likeliest first."""
    from whereshot.posterior.masses import country_masses

    def rank(cues: list[Any]) -> list[tuple[str, float]]:
        return country_masses(fuse_world(cues).posterior)[0]

    return rank


TOWNS: dict[str, tuple[float, float, tuple[int, int, int]]] = {
    "lima": (-12.05, -77.04, (230, 30, 30)),
    "nairobi": (-1.29, 36.82, (40, 60, 220)),
    "paris": (48.85, 2.35, (230, 210, 30)),
    "sydney": (-33.87, 151.2, (30, 200, 40)),
    "tokyo": (35.68, 139.76, (200, 40, 210)),
    "york": (40.71, -74.0, (30, 210, 220)),
}
"""A few places, each with the colour that all its photos have."""

RUN = """
name = "tiny"
out = "model"

[data]
train = "photos.csv"

[backbone]
name = "test_efficientnet"

[preprocess]
size = 64

[partition]
levels = [{ max = 16 }, { max = 8 }]

[optimizer]
epochs = 6
batch_size = 16
learning_rate = 0.01

[calibration]
folds = 2
"""


@pytest.fixture(scope="session", autouse=True)
def own_homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test reads or writes the user's own caches and models."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data")))
        yield


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with eight photos of each town, ``photos.csv`` about them, and ``run.toml``.

    Each photo has noise, and is lighter at its top, as a sky is: of noise alone nobody could tell a place.
    """
    folder = tmp_path_factory.mktemp("tiny")
    rng = np.random.default_rng(5)
    sky = np.linspace(20, -20, 64)[:, None, None]
    rows = ["path,latitude,longitude,group"]
    for town, (latitude, longitude, colour) in TOWNS.items():
        for number in range(8):
            pixels = np.clip(rng.normal(colour, 25, (64, 64, 3)) + sky, 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / f"{town}-{number}.png")
            spot = np.array([latitude, longitude]) + rng.normal(0, 0.003, 2)
            rows.append(f"{town}-{number}.png,{spot[0]:.5f},{spot[1]:.5f},{town}-{number // 2}")
    (folder / "photos.csv").write_text("\n".join(rows) + "\n")
    (folder / "run.toml").write_text(RUN)
    return folder


@pytest.fixture(scope="session")
def tiny_learned(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder called "mine", learned from these; not to be changed."""
    from whereshot.foundation.progress import silent
    from whereshot.photos.sources import SOURCES
    from whereshot.training import learn

    records = SOURCES["table"]([tiny / "photos.csv"], {}, silent).records
    return learn.learn(records, tmp_path_factory.mktemp("learned") / "mine").folder


@pytest.fixture(scope="session")
def tiny_model(tiny: Path) -> Path:
    """A model folder, trained on these; not to be changed."""
    from whereshot.foundation import settings_file
    from whereshot.training import train

    return train.train(settings_file.load(tiny / "run.toml", train.Run))


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Disk]:
    """A small disk, which a test can fill up."""
    made = Disk(tmp_path_factory.mktemp("disk") / "mount")
    yield made
    made.remove()


@pytest.fixture
def place(disk: Disk) -> Iterator[Path]:
    """An empty folder on the disk."""
    folder = disk.folder / "place"
    folder.mkdir()
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give an empty folder as the only one in which programs are looked up; forget what was found before and after."""
    monkeypatch.setenv("PATH", str(tmp_path))
    from whereshot.evidence import tesseract
    from whereshot.evidence.foreign_lines import readers
    from whereshot.evidence.ocr import shared_reader

    cached = (tesseract.installed, readers, shared_reader)
    for function in cached:
        function.cache_clear()
    yield tmp_path
    for function in cached:
        function.cache_clear()


def _font(script: str) -> Path:
    """Return a bold font of a script; skip where none is installed."""
    font = next(Path("/usr/share/fonts").rglob(f"NotoSans{script}-Bold.ttf"), None)
    if font is None:
        pytest.skip(f"no {script} font")
    return font


def _sign(script: str, *texts: str) -> Image.Image:
    """Return a picture of a blue sign with lines in a script; skip where no font for it is installed."""
    font = _font(script)
    noise = np.random.default_rng(0).integers(90, 150, (480, 720, 3), dtype=np.uint8)
    picture = Image.fromarray(noise)
    draw = ImageDraw.Draw(picture)
    draw.rectangle((110, 120, 610, 360), fill=(20, 60, 150))
    for row, text in enumerate(texts):
        draw.text((150, 140 + 100 * row), text, font=ImageFont.truetype(str(font), 58), fill="white")
    return picture


@pytest.fixture
def thai_sign() -> Image.Image:
    """Return a picture of a blue sign with two Thai lines; skip where no Thai font is installed."""
    return _sign("Thai", "ร้านอาหาร", "ถนนสุขุมวิท")


@pytest.fixture
def thai_plate() -> Image.Image:
    """Return a picture of a dark plate, hardly larger than its Thai word, on a light wall."""
    font = _font("Thai")
    picture = Image.new("RGB", (720, 480), (205, 200, 190))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((262, 214, 474, 282), fill=(120, 40, 40), outline=(250, 250, 250), width=3)
    draw.text((270, 205), "สนามบิน", font=ImageFont.truetype(str(font), 52), fill="white")
    return picture


@pytest.fixture
def khmer_sign() -> Image.Image:
    """Return a picture of a blue sign with two Khmer lines, which the package does not read."""
    return _sign("Khmer", "ភោជនីយដ្ឋាន", "ភ្នំពេញ ផ្សារថ្មី")
