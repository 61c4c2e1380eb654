"""The commands of a recording, in their order: each takes inputs that ``inputs`` made or files of an earlier one.

Paths are relative to the folder of the recording, so that no answer holds a path of one build only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

FORMATS = ("table", "json", "geojson", "csv", "html")
GROUPS = ("cells", "hours", "refine", "models")
COMMANDS = (
    "locate", "check", "explain", "query", "batch", "serve", "gallery", "learn", "train", "calibrate", "refine",
    "hours", "export", "models", "ingest", "curate", "audit", "fetch", "pack", "cells", "evaluate", "refine fit",
    "refine apply", "refine switch", "refine tracks", "hours fit", "models list", "models show", "models get",
    "cells build", "cells show", "cells export", "cells compare", "cells kinds", "cells presets",
)  # fmt: skip
MAKERS = ("learn", "train", "export-onnx", "refine-fit", "cells-build")
"""How the names of steps begin that make models, refiners and cells."""
PARTITIONS = {
    "s2": ["max=100", "min=3"],
    "s2-level": ["level=4", "min=2"],
    "quadtree": ["max=200"],
    "combinatorial": ["parts=[{kind='s2-level', level=3}, {kind='voronoi', cells=12}]"],
    "mesh": ["max=150", "min=5", "nodes=9"],
    "regions": ["file=regions.json", "min=5"],
    "semantic": ["file=regions.json", "max=60", "min=10"],
    "voronoi": ["cells=40"],
}
"""Every kind of partition -> the settings that it is recorded with."""


WRONG = {
    "no-command": "look",
    "no-photo": "locate",
    "missing": "locate nowhere.jpg",
    "option": "locate few --wrong",
    "top": "locate few --top 0",
    "level": "locate few --no-text --level 1.5",
    "format": "locate few --format xml",
    "within": "locate few --no-text --within -3",
    "region": "locate few --no-text --region Atlantis",
    "model": "locate few --model nowhere",
    "hours": "locate few --no-text --hours album.toml",
    "claim": "check library/00.jpg --no-text --claim Xyzzyville",
    "claim-position": "check few --claim 91,200",
    "method": "explain library/00.jpg --method guess --no-text",
    "gallery": "query library/00.jpg --gallery nowhere",
    "source": "ingest tabel known/photos.csv --out x",
    "table": "ingest table tiny/run.toml --out x",
    "column": "ingest table made/points.csv --out x --column latitude=NOPE",
    "kind": "cells build made/points.csv --kind hexagon --out x.parquet",
    "cells-missing": "cells build made/points.csv --kind mesh --out x.parquet",
    "setting": "cells build made/points.csv --set max=none --out x.parquet",
    "cells": "cells show hours.toml --out x",
    "preset": "cells build made/points.csv --preset nothing --out x",
    "run": "train nowhere.toml",
    "run-setting": "train tiny/run.toml --set optimizer.epochs=-1 --overwrite",
    "standing": "train tiny/run.toml",
    "truth": "evaluate --predictions made/predictions.csv --truth made/points.csv",
    "both": "evaluate --draws 10",
    "learn-empty": "learn few --out x",
    "export": "export prior --onnx --out x",
    "refiner": "refine fit hours.toml",
    "batch": "batch hours.toml --out x",
    "get": "--offline models get geoclip",
    "show": "models show nowhere",
    "serve-host": "serve --host 0.0.0.0 --port 0",
    "serve-gallery": "serve --gallery nowhere --port 0",
    "pack": "pack nowhere --out x",
    "audit": "audit nowhere nowhere",
    "curate": "curate nowhere --out x",
    "fetch": "fetch nowhere --out x",
    "few-hours": "hours fit known/photos.csv --out x.toml",
    "out-folder": "locate few --no-text --out few",
    "out-page": "locate few --no-text --out nowhere/x/y.json",
    "flickr-key": "ingest flickr made/queries.toml --out x --set accuracy=99",
    "budget": "ingest table x --out x --yes",
}
"""Name -> a command that cannot be done."""


@dataclass(frozen=True)
class Step:
    """One command. ``cores`` is how many it may use: with more than one, photos are looked at by processes."""

    name: str
    arguments: tuple[str, ...]
    cores: int = 1


def step(name: str, words: str, *more: str, cores: int = 1) -> Step:
    """A step from words divided by blanks, and arguments that hold blanks themselves."""
    return Step(name, (*words.split(), *more), cores)


def steps() -> Iterator[Step]:
    """All of them."""
    yield from help_pages()
    yield from prepared()
    yield from cells()
    yield from learned()
    yield from located()
    yield from judged()
    yield from trained()
    yield from scored()
    yield from refused()


def help_pages() -> Iterator[Step]:
    """What each command says of itself."""
    yield step("help", "--help")
    yield step("help-nothing", "")
    for name in COMMANDS:
        yield step(f"help-{name.replace(' ', '-')}", f"{name} --help")
    for name in GROUPS:
        yield step(f"help-{name}-nothing", name)


def prepared() -> Iterator[Step]:
    """From files to records."""
    yield step("ingest-folder", "ingest folder library --out records/library --format json")
    yield step("ingest-table", "ingest table known/photos.csv --out records/known")
    yield step(
        "ingest-table-where", "ingest table known/photos.csv --out records/some.parquet --where country_code!=HR"
    )
    columns = "--column latitude=LAT --column longitude=LON"
    yield step(
        "ingest-table-column", f"ingest table made/points.csv --out records/points.parquet {columns} --format json"
    )
    yield step("ingest-yfcc", "ingest yfcc made/yfcc.tsv --out records/yfcc --format json")
    yield step("ingest-osv5m", "ingest osv5m made/osv5m --out records/osv5m --format json")
    flickr = "ingest flickr made/queries.toml --out records/flickr --endpoint {pictures}"
    yield step("ingest-flickr", f"{flickr} --format json")
    yield step("ingest-flickr-again", flickr)
    yield step("fetch", "fetch made/urls.parquet --out fetched --allow-private --attempts 1 --format json")
    curate = "curate records/known --out curated --verify --faces 0.035 --duplicates --balance 4 --balance-by cell"
    yield step("curate", f"{curate} --format json")
    yield step("curate-table", "curate records/library --out curated-library --verify --min-side 100")
    audit = "audit records/known records/known --report audit-same --out audit-left"
    yield step("audit", f"{audit} --format json --drop", "same look")
    yield step("audit-table", "audit records/known photos/photos.csv --no-pictures --report audit")
    yield step("pack", "pack records/known --out packed --size 96 --workers 1 --format json")
    yield step("hours-fit", "hours fit made/times.parquet --out hours.toml --format json")
    yield step("hours-fit-table", "hours fit made/times.parquet --out hours-again.toml")
    yield step("refine-tracks", "refine tracks made/times.parquet --by user --out album.toml --format json")


def cells() -> Iterator[Step]:
    """Every kind of partition: built, drawn, written for other programs, compared."""
    built = []
    for kind, settings in PARTITIONS.items():
        path = f"cells/{kind}.parquet"
        given = [word for setting in settings for word in ("--set", setting)]
        yield step(
            f"cells-build-{kind}", f"cells build made/points.csv --kind {kind} --out {path} --format json", *given
        )
        yield step(f"cells-export-{kind}", f"cells export {path} --out cells/{kind}.geojson")
        yield step(f"cells-show-{kind}", f"cells show {path} --out cells/{kind}.html")
        built.append(path)
    yield step(
        "cells-export-geoparquet", "cells export cells/s2.parquet --out cells/s2-geo.parquet --format geoparquet"
    )
    yield step("cells-show-maps", "cells show cells/mesh.parquet --out maps --zoom 48,11,1500")
    levels = "--set max=50 --set min=2"
    yield step("cells-build-preset", f"cells build made/points.csv --preset geoestimation {levels} --out cells/levels")
    compare = f"cells compare {' '.join(built)} --on made/others.csv"
    yield step("cells-compare", f"{compare} --format json")
    yield step("cells-compare-table", f"{compare} --hierarchy cells/s2.parquet+cells/s2-level.parquet")
    yield step(
        "cells-compare-build", "cells compare --on made/others.csv --build s2:max=100 --preset osv5m-quadtree:max=150"
    )
    populate = "--refine-on made/points.csv --populate-with made/others.csv"
    yield step("cells-build-populate", f"cells build {populate} --set max=150 --out cells/populated.parquet")
    for name in ("kinds", "presets"):
        yield step(f"cells-{name}", f"cells {name}")
        yield step(f"cells-{name}-json", f"cells {name} --format json")


def learned() -> Iterator[Step]:
    """A model of the user's own places, from a table and from a library, and what is known of models."""
    yield step("learn", "learn known/photos.csv --out learned --format json", cores=2)
    yield step("learn-more", "learn library --out learned-library --one-crop")
    yield step("learn-again", "learn library --out learned-library --one-crop")
    yield step("models-list", "models list")
    yield step("models-list-json", "models list . --format json")
    for model in ("learned", "compact", "prior"):
        yield step(f"models-show-{model}", f"models show {model}")
        yield step(f"models-show-{model}-json", f"models show {model} --format json")


def located() -> Iterator[Step]:
    """Answers in every format, with text and without, by every model."""
    yield step("locate", "locate photos --format json --posterior posterior.parquet")
    for form in FORMATS:
        yield step(f"locate-{form}-learned", f"locate photos --no-text --model learned --format {form}")
        yield step(f"locate-{form}", f"locate few --format {form} --out answers/few.{form}")
    yield step(
        "locate-known", "locate known --no-text --model learned --format json --posterior known.parquet", cores=2
    )
    yield step("locate-text-learned", "locate few --model learned --top 2 --within 100 --level 0.5")
    yield step("locate-region", "locate photos/test_a --no-text --model learned --region Japan --format json")
    yield step("locate-exif", "locate library --no-text --use-exif --format json")
    yield step("locate-exif-table", "locate library --no-text --use-exif")
    yield step("locate-album", "locate library --no-text --album --album-model album.toml --format json")
    yield step("locate-hours", "locate library --no-text --hours hours.toml --model learned --format json")
    for form in FORMATS:
        yield step(f"locate-broken-{form}", f"locate broken --no-text --format {form}")
    yield step("batch", "batch photos/photos.csv --out batched --model learned --no-text --format json")
    yield step("batch-again", "batch photos/photos.csv --out batched --model learned --no-text")
    yield step("batch-text", "batch few --out batched-few --unit 3 --top 3")
    yield step("explain", "explain library/00.jpg --model learned --no-text --out heat.png --format json")
    yield step("explain-table", "explain library/01.jpg --model learned --no-text --of 2 --out heat-2.png")
    for form in ("table", "json", "html"):
        yield step(f"query-{form}", f"query library/02.jpg --model learned --format {form}")
    yield step("query-folder", "query library/02.jpg --gallery library --metric l2 --top 3 --format json")
    yield step(
        "gallery",
        "gallery known/photos.csv --include-learned --model learned --no-text --photos 8 --out gallery --format json",
    )


def judged() -> Iterator[Step]:
    """Claims of towns, regions, countries and positions."""
    claims = (("spain", "Spain"), ("town", "Altafulla"), ("region", "Bavaria"), ("position", "41.14,1.37"))
    for name, claim in claims:
        yield step(f"check-{name}", "check {sign} --format json", "--claim", claim)
    yield step("check-table", "check {sign}", "--claim", "Tokyo")
    for form in ("table", "json"):
        exif = f"check library/00.jpg --no-text --use-exif --model learned --format {form}"
        yield step(f"check-learned-{form}", exif, "--claim", "France")


def trained() -> Iterator[Step]:
    """A tiny training, its model in use, and refiners."""
    yield step("train", "train tiny/run.toml")
    yield step("train-set", "train tiny/run.toml --set out=../tiny-mesh --set partition.kind=voronoi", *TRAINED_LEVELS)
    yield step("calibrate-model", "calibrate tiny-model tiny/photos.csv --include-learned --format json")
    yield step("calibrate-model-table", "calibrate learned photos/photos.csv --include-learned --out calibrated.json")
    yield step("export-onnx", "export tiny-model --onnx --out tiny-onnx")
    yield step("locate-trained", "locate tiny --no-text --model tiny-model --format json --posterior trained.parquet")
    yield step("locate-onnx", "locate tiny --no-text --model tiny-onnx --format csv")
    yield step("models-show-trained", "models show tiny-model --format json")
    yield step(
        "explain-gradcam", "explain tiny/paris-0.png --model tiny-model --method gradcam --no-text --out cam.png"
    )
    for name in ("refiner", "refiner-hours"):
        apply = f"refine apply {name} made/times.parquet --posterior made/posterior.parquet --out {name}.parquet"
        yield step(f"refine-fit-{name}", f"refine fit tiny/{name}.toml")
        yield step(f"refine-apply-{name}", f"{apply} --format json")
    experts = "--expert indoor=refiner.parquet --expert outdoor=made/posterior.parquet"
    yield step("refine-switch", f"refine switch made/times.parquet {experts} --out switched.parquet --mixture")


TRAINED_LEVELS = ("--set", "partition.levels=[{cells=4}]")


def scored() -> Iterator[Step]:
    """Scores of a model, of tables of predictions, and of distributions; pages with figures."""
    draws = "--draws 200"
    truth = f"--truth made/truth.csv {draws}"
    posterior = "--posterior known.parquet"
    yield step("evaluate", f"evaluate learned photos/photos.csv --include-learned {draws} --format json")
    yield step("evaluate-table", f"evaluate tiny-model tiny/photos.csv --include-learned {draws} --beside prior")
    rivals = "--predictions ours=made/predictions.csv --predictions theirs=made/rivals.csv"
    report = "--report report --latex --problems problems.csv"
    yield step("evaluate-predictions", f"evaluate {rivals} {truth} {report} --cluster group --format json")
    yield step("evaluate-posterior", f"evaluate {posterior} {truth} --threshold lt --radius 6378.137")
    yield step("evaluate-posterior-json", f"evaluate {posterior} {truth} --report report-posterior --format json")
    yield step("calibrate", f"calibrate {posterior} --truth made/truth.csv --out calibration.json --format json")
    yield step("evaluate-calibrated", f"evaluate {posterior} {truth} --calibration calibration.json --format json")


def refused() -> Iterator[Step]:
    """What is wrong, and what is said about it."""
    for name, words in WRONG.items():
        yield step(f"wrong-{name}", words)
