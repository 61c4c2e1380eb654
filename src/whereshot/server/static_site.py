"""Write a model as a static web site that runs it in the visitor's browser: page, network and tables of the readout.

    index.html, assets/   the built page (``make web``), with a Content-Security-Policy
    site.json             the model, the preparation of pictures, the settings of the readout, the layout of tables.bin
    network.onnx          run by ONNX Runtime Web
    tables.bin            the arrays, gzipped
    names.bin             the names of the places, gzipped JSON

All places that can be an answer are known in advance, with their countries and names. So the site needs neither borders
nor a gazetteer. ``web/src/local`` reads these files.
"""

from __future__ import annotations

import gzip
import json
import os
import shlex
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whereshot.earth import countries as country_table
from whereshot.earth import place_names
from whereshot.earth.countries import countries
from whereshot.earth.place_extents import region_radius_km, town_extent
from whereshot.foundation import output_files
from whereshot.foundation.errors import InputError, ModelError, OutputError
from whereshot.foundation.version import VERSION
from whereshot.locate.geolocator import Geolocator
from whereshot.models import model_folder, onnx_export
from whereshot.models.model_folder import ModelFolder
from whereshot.models.readout import gallery, memory
from whereshot.models.readout.base import Readout
from whereshot.models.readout.cells import Cells
from whereshot.models.readout.gallery import MANY, Gallery
from whereshot.models.readout.memory import Memory
from whereshot.models.readout.mixture import Mixture
from whereshot.posterior.prior import prior_widening

FORMAT = 1
SITE = "site.json"
POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self' blob:; connect-src 'self'; "
    "img-src 'self' data: blob:; style-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'"
)
"""The page loads from and sends to its own server only. Scripts are files; WebAssembly and workers are allowed."""

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class WrittenSite:
    """The folder of a site, its size, and the number of bytes that a browser loads for the model."""

    folder: Path
    bytes: int
    model_bytes: int


def write(
    model: str | Path,
    out: Path,
    *,
    page: Path | None = None,
    overwrite: bool = False,
    say: Callable[[str], None] = lambda text: None,
) -> WrittenSite:
    """Write a learned or trained model as the static site ``out``. ``page`` is the built page, by default our own.

    A trained model without network.onnx is exported first, which needs torch. Raises ModelError for a model that a
    browser cannot run, InputError for a model that uses no picture, OutputError where ``out`` cannot be written.
    """
    out = Path(out)
    page, engine_bytes = _built(page)
    _check_free(out, overwrite)
    geolocator = Geolocator.load(model)
    if not geolocator.model.looks_at_pictures:
        raise InputError(
            f"{geolocator.name} uses only the text in a picture, which a site cannot read; "
            "make a model of your own: whereshot learn, whereshot train"
        )
    with output_files.new_folder(out) as beside:
        shutil.copytree(page, beside, dirs_exist_ok=True)
        index = beside / "index.html"
        output_files.write_text(index, guarded(index.read_text("utf-8")))
        loaded = engine_bytes + _put_model(geolocator, beside, engine_bytes, say)
    if geolocator.model.network_model.folder.memory_settings is not None:
        say(f"{out}: contains features and places of the photos; publish it only if you may publish their places")
    return WrittenSite(out, sum(path.stat().st_size for path in out.rglob("*") if path.is_file()), loaded)


def _put_model(geolocator: Geolocator, site: Path, engine_bytes: int, say: Callable[[str], None]) -> int:
    """Write the files that a browser needs of a model into the folder of a site; return their size in bytes."""
    model = geolocator.model.network_model
    folder = model.folder
    description, arrays = described(model.readout(), folder)
    tables, layout = packed(arrays)
    names = gzip.compress(json.dumps(names_of(arrays), ensure_ascii=False).encode(), mtime=0)
    contents = {"network.onnx": _network(folder, say), "tables.bin": tables, "names.bin": names}
    document = {
        "mode": "browser",
        "format": FORMAT,
        "model": geolocator.name,
        "version": VERSION,
        "preprocess": folder.description.preprocess.model_dump(mode="json"),
        "readout": description,
        "radius_factor": model.widening().factor,
        "prior_doubling_km": prior_widening().doubling_km,
        "files": {file.partition(".")[0]: {"path": file, "bytes": len(held)} for file, held in contents.items()},
        "engine_bytes": engine_bytes,
        "arrays": layout,
    }
    for file, held in contents.items():
        output_files.write_bytes(site / file, held)
    output_files.write_text(site / SITE, json.dumps(document, ensure_ascii=False) + "\n")
    return sum(len(held) for held in contents.values())


def summary(written: WrittenSite) -> str:
    """Return one line about a written site: its size, and the command that shows it."""
    return (
        f"{written.folder}: {written.bytes / 1e6:.0f} MB, of which a visitor's browser loads "
        f"{written.model_bytes / 1e6:.0f} MB for the model, once; to look at it: "
        f"python -m http.server --bind 127.0.0.1 --directory {shlex.quote(str(written.folder))}"
    )


def _built(page: Path | None) -> tuple[Path, int]:
    """Return the folder of the built page and the number of bytes of its WebAssembly. Raises OutputError."""
    folder = page or Path(str(resources.files("whereshot"))) / "server" / "static" / "site"
    engines = sorted(folder.glob("**/*.wasm"))
    if not (folder / "index.html").is_file() or not engines:
        raise OutputError(f"{folder}: the page is not built; in a source tree run: make web")
    return folder, sum(path.stat().st_size for path in engines)


def _check_free(out: Path, overwrite: bool) -> None:
    if not os.path.lexists(out) or (out.is_dir() and not any(out.iterdir())):
        return
    if not (out / SITE).is_file():
        raise OutputError(f"{out}: exists already and is not a site; choose another out")
    if not overwrite:
        raise OutputError(f"{out}: exists already; choose another out, or give --overwrite")


def _network(folder: ModelFolder, say: Callable[[str], None]) -> bytes:
    """Return the bytes of network.onnx; export the network where the folder has no such file."""
    if folder.onnx is not None:
        return folder.onnx.read_bytes()
    say(f"{folder.path}: has no network.onnx yet; exporting it (to keep it: whereshot export {folder.path} --onnx)")
    with tempfile.TemporaryDirectory() as scratch:
        return (onnx_export.export(folder.path, Path(scratch) / "model") / model_folder.ONNX).read_bytes()


def described(readout: Readout, folder: ModelFolder) -> tuple[dict[str, Any], Arrays]:
    """Return the entry of a readout in site.json, and its arrays. Raises ModelError where a browser cannot compute it.

    Four arrays (k,) are the places that all posteriors share: latitude, longitude, spread_km and country.
    """
    if isinstance(readout, Memory):
        description, arrays, nothing = _of_memory(readout)
    elif isinstance(readout, Mixture):
        description, arrays, nothing = _of_mixture(readout, folder)
    else:
        raise ModelError(
            f"{folder.path}: a {type(readout).__name__} readout cannot run in a browser yet; use the server"
        )
    arrays |= _of_places(readout, nothing) | {"prior_log_mass": readout.prior.log_mass[0]}
    return description, arrays


def _unfit(folder: ModelFolder, what: str) -> ModelError:
    return ModelError(f"{folder.path}: {what} cannot run in a browser yet; use the server (whereshot serve)")


def _of_memory(readout: Memory) -> tuple[dict[str, Any], Arrays, Arrays]:
    library, settings = readout.library, readout.settings
    description: dict[str, Any] = {
        "kind": "memory",
        "temperature": settings.temperature,
        "confidence": None if settings.confidence is None else settings.confidence.model_dump(mode="json"),
        "cautious": {
            "cosine": memory.CAUTIOUS_COSINE,
            "width": memory.CAUTIOUS_WIDTH,
            "most": memory.CAUTIOUS_MOST,
        },
    }
    arrays: Arrays = {
        "mean": readout.whitening.mean,
        "factor": readout.whitening.factor,
        "features": _halved(library.features),
        "hubness": library.hubness,
        "place": library.place.astype(np.int32),
        "near": library.near.indices.astype(np.int32),
        "near_start": library.near.indptr.astype(np.int32),
    }
    return description, arrays, {"pooled": np.zeros((1, len(readout.whitening.mean)), np.float32)}


def _of_mixture(readout: Mixture, folder: ModelFolder) -> tuple[dict[str, Any], Arrays, Arrays]:
    gallery = readout.gallery
    if len(gallery.features) > MANY:
        raise _unfit(folder, f"a gallery of {len(gallery.features)} photos (at most {MANY})")
    place = np.unique(gallery.points, axis=0, return_inverse=True)[1]
    description: dict[str, Any] = {
        "kind": "mixture",
        "parts": list(readout.parts),
        "gate": readout.gate.model_dump(mode="json"),
        "gallery": {"temperature": gallery.settings.temperature, "voters": gallery.settings.voters},
    }
    arrays: Arrays = {"features": _halved(gallery.features), "place": np.ravel(place).astype(np.int32)}
    nothing: Arrays = {"features": np.zeros((1, gallery.features.shape[1]), np.float32)}
    for name, part in readout.parts.items():
        if type(part) is Cells and part.settings.position in ("centroid", "center"):
            sizes = part.hierarchy.sizes
            description["cells"] = {"temperature": part.settings.temperature, "sizes": list(sizes)}
            arrays["parents"] = part.hierarchy.parents().astype(np.int32)
            nothing["logits"] = np.zeros((1, sum(sizes)), np.float32)
        elif type(part) is not Gallery:
            how = getattr(getattr(part, "settings", None), "position", type(part).__name__)
            raise ModelError(
                f"{folder.path}: {name} that answer by {how!r} cannot run in a browser yet; use the server"
            )
    return description, arrays, nothing


def _of_places(readout: Readout, outputs: Arrays) -> Arrays:
    """Return the places of all posteriors of a readout. All photos of its gallery vote, so that no place is missing."""
    if isinstance(readout, Mixture):
        all_vote = readout.gallery.settings.model_copy(update={"voters": None})
        parts = readout.parts | {"gallery": gallery.with_settings(readout.gallery, all_vote)}
        readout = Mixture({name: parts[name] for name in readout.parts}, readout.gate, readout.gallery, readout.prior)
    posterior = readout(outputs)
    return {
        "latitude": posterior.places[:, 0],
        "longitude": posterior.places[:, 1],
        "spread_km": posterior.spread_km,
        "country": countries().index_of(posterior.places).astype(np.int16),
    }


def _halved(features: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return features in half precision, where that changes no value; else as they are."""
    half = features.astype(np.float16)
    return half if np.array_equal(half.astype(features.dtype), features) else features


def packed(arrays: Mapping[str, NDArray[Any]]) -> tuple[bytes, list[dict[str, Any]]]:
    """Return arrays as one gzipped file, and the position of each in it.

    Numbers are little-endian. Each array starts at a multiple of eight bytes.
    """
    held, layout = bytearray(), []
    for name, array in arrays.items():
        held += bytes(-len(held) % 8)
        content = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
        layout.append({"name": name, "dtype": array.dtype.name, "offset": len(held), "length": array.size})
        held += content.tobytes()
    return gzip.compress(bytes(held), compresslevel=6, mtime=0), layout


def names_of(arrays: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
    """Return the content of names.bin: all countries, all names of places, and the index of each place's name.

    A name is name, region, number of the country, circle of the town (latitude, longitude, radius in km; None without a
    town), and radius of the region in km (None without a region).
    """
    known = country_table.countries()
    points = np.stack([arrays["latitude"], arrays["longitude"]], axis=1)
    names, towns = place_names.place_names(points), place_names.town_index(points)
    division = place_names.division_index(points, arrays["country"].astype(np.int64))
    rows: dict[tuple[Any, ...], int] = {}
    of_place = []
    for name, town, number in zip(names, towns.tolist(), division.tolist(), strict=True):
        country = -1 if name.country_code is None else known.number_of[name.country_code]
        extent = None if town < 0 else town_extent(town)
        region_km = None if number < 0 else round(float(region_radius_km()[number]), 3)
        of_place.append(rows.setdefault((name.name, name.region, country, extent, region_km), len(rows)))
    countries = [(country.code, country.name) for country in known.all]
    return {"countries": countries, "names": list(rows), "of_place": of_place}


def guarded(html: str) -> str:
    """Return a page with the Content-Security-Policy of the site in its head. Raises OutputError without a head."""
    if "<head>" not in html:
        raise OutputError("index.html of the page has no <head>; build it again: make web")
    return html.replace("<head>", f'<head><meta http-equiv="Content-Security-Policy" content="{POLICY}">', 1)
