"""A model is a folder: model.toml, weights.safetensors, cells-*.parquet, gallery.*, calibration.toml, README.md, and
manifest.json with the hash of each. Written beside and renamed; a folder with a changed byte is refused. No pickle.

learned-photos.safetensors, which says which photos it learned from, is private: it may be missing, never changed.
"""

from __future__ import annotations

import datetime
import functools
import hashlib
import json
import os
from collections.abc import Callable, Mapping
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pydantic import Field
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from whereshot.foundation import output_files, settings_file, tables
from whereshot.foundation.errors import ConfigError, InputError, ModelError, nearest_name, require
from whereshot.foundation.settings_file import Settings
from whereshot.foundation.tables import write_parquet
from whereshot.models import catalog, learned_photos
from whereshot.models.learned_photos import LearnedPhotos
from whereshot.models.readout.encoded_places import PlaceEncoder, Places, kept_encodings
from whereshot.models.readout.gallery import Gallery
from whereshot.models.readout.memory import Library, Memory, MemorySettings
from whereshot.models.readout.mixture import Calibration, MixtureSettings
from whereshot.models.readout.whitening import Whitening
from whereshot.photos.preprocess import Preprocess
from whereshot.photos.records import Records
from whereshot.posterior.base import Posterior

if TYPE_CHECKING:
    from whereshot.earth.partition import Hierarchy
    from whereshot.models.networks import Network

FORMAT = 1
MANIFEST = "manifest.json"
ONNX = "network.onnx"
ONNX_DOCUMENT = "network.json"
MOST_PLACES = 100_000
"""Places of a gallery that are encoded: as many as GeoCLIP's has."""
LOCATIONS = "head.locations."
"""What the names of a location encoder's weights begin with."""
PHOTOS = "photos.parquet"
"""The photos of a library that was learned."""
USUAL = "usual.safetensors"
"""The mean of the features of many photos, for libraries that are too small to have one."""
COMPACT = "compact"
"""The model that comes with the package."""


class BackboneDescription(Settings):
    """The backbone as it was built; its weights are in the folder."""

    name: str
    options: dict[str, Any] = Field(default_factory=dict)
    trained: bool
    identity: str
    """Hash of the weights it started from."""


class Description(Settings):
    """model.toml: what the network is and what it was trained on."""

    format: int
    name: str
    created: datetime.datetime
    version: str
    backbone: BackboneDescription
    preprocess: Preprocess
    readouts: tuple[str, ...] = ("mixture", "cells", "gallery")
    """What can answer, the whole model first; none leaves the answer to the prior."""
    scaling_power: float = 1.0
    head: str | None = None
    head_settings: dict[str, Any] = Field(default_factory=dict)
    levels: int = 0
    training: dict[str, Any] = Field(default_factory=dict)


def write(
    folder: Path,
    description: Description,
    network: Network,
    hierarchy: Hierarchy,
    gallery: Gallery,
    calibration: Calibration,
    extra_files: Mapping[str, str | bytes] = {},
) -> None:
    """Write a whole model folder, replacing an older one. Raises OutputError."""

    def fill(beside: Path) -> None:
        settings_file.save(description, beside / "model.toml")
        settings_file.save(calibration, beside / "calibration.toml")
        save_file({name: _compact(tensor) for name, tensor in _arrays(network).items()}, beside / "weights.safetensors")
        for number, level in enumerate(hierarchy.levels):
            level.save(beside / f"cells-{number}.parquet")
        save_file({"features": gallery.features.astype(np.float16)}, beside / "gallery.safetensors")
        positions = {
            "latitude": gallery.points[:, 0],
            "longitude": gallery.points[:, 1],
            "accuracy_km": gallery.accuracy_km,
        }
        if gallery.images is not None:
            positions["image"] = pa.array(gallery.images, pa.string())
        write_parquet(pa.table(positions), beside / "gallery.parquet")
        for name, content in extra_files.items():
            output_files.write_bytes(beside / name, content if isinstance(content, bytes) else content.encode())

    write_files(folder, fill)


def write_files(folder: Path, fill: Callable[[Path], None]) -> None:
    """Let ``fill`` put files into a new folder, add their hashes, and put it in the place of ``folder``.

    Raises OutputError; until all is written an older folder stays as it is.
    """
    with output_files.new_folder(folder, failures=(SafetensorError,)) as beside:
        fill(beside)
        hashes = {path.name: _sha256(path) for path in sorted(beside.iterdir())}
        manifest = json.dumps({"format": FORMAT, "sha256": hashes}, indent=1) + "\n"
        output_files.write_text(beside / MANIFEST, manifest)


def _arrays(network: Network) -> dict[str, NDArray[Any]]:
    return {name: tensor.detach().cpu().contiguous().numpy() for name, tensor in network.state_dict().items()}


def _compact(array: NDArray[Any]) -> NDArray[Any]:
    """Half precision where nothing is lost by it: weights that came in half precision."""
    if array.dtype != np.float32 or array.size < 256:
        return array
    with np.errstate(over="ignore"):
        half = array.astype(np.float16)
    return half if np.array_equal(half.astype(np.float32), array) else array


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def verified(folder: Path) -> dict[str, str]:
    """The hashes of all files that ``write_files`` put into a folder. Raises ModelError where one is not as it was."""
    if not folder.is_dir():
        raise ModelError(catalog.not_here(str(folder)))
    try:
        manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
        found, hashes = manifest["format"], dict(manifest["sha256"])
    except FileNotFoundError:
        raise ModelError(f"{folder}: not a model folder (it has no {MANIFEST})") from None
    except (OSError, ValueError, KeyError, TypeError):
        raise ModelError(f"{folder}: {MANIFEST} is damaged; get or train the model again") from None
    if found != FORMAT:
        raise ModelError(f"{folder}: {MANIFEST} names model format {found!r}; this version reads {FORMAT}")
    for name, expected in hashes.items():
        if not (folder / name).is_file():
            if name == learned_photos.FILE:  # its owner may remove it before the model is handed on
                continue
            raise ModelError(f"{folder}: {name} is missing; get or train the model again")
        if _sha256(folder / name) != expected:
            raise ModelError(
                f"{folder}: {name} has been changed or damaged (its SHA-256 is not the manifest's); "
                "get or train the model again"
            )
    return hashes


def is_model(folder: str | Path) -> bool:
    """Whether a folder looks like a model."""
    return (Path(folder) / MANIFEST).is_file()


def find(name_or_folder: str | Path) -> Path:
    """The folder itself, or the model of that name, the user's or the package's, where there is no such folder here.

    Raises ModelError for a name of the hub that was not fetched.
    """
    folder = Path(name_or_folder)
    if folder.exists():
        return folder
    if str(name_or_folder) == COMPACT:
        return Path(str(resources.files("whereshot"))) / "models" / "data" / COMPACT
    if catalog.is_hub_name(name_or_folder):
        return catalog.find_fetched(catalog.HubName.parse(str(name_or_folder)))
    named = catalog.user_models() / folder
    return named if len(folder.parts) == 1 and is_model(named) else folder


class ModelFolder:
    """A model folder, or the user's model of that name, its hashes checked; parts are read when first asked for.

    Raises ModelError.
    """

    def __init__(self, folder: str | Path) -> None:
        self.path = find(folder)
        self.hashes = verified(self.path)
        try:
            self.description = settings_file.load(self.path / "model.toml", Description)
            calibrated = self.path / "calibration.toml"
            self.calibration = (
                settings_file.load(calibrated, Calibration) if "mixture" in self.description.readouts else None
            )
            remembered = self.path / "memory.toml"
            self.memory_settings = settings_file.load(remembered, MemorySettings) if self.is_memory else None
        except ConfigError as error:
            raise ModelError(str(error)) from error

    @property
    def mixtures(self) -> dict[str, MixtureSettings]:
        """The calibrated readouts by name. Raises ModelError for a model that was not calibrated."""
        if self.calibration is None:
            raise ModelError(f"{self.path}: was not calibrated, so it has no such readout")
        return self.calibration.mixtures

    @property
    def is_memory(self) -> bool:
        """Whether it was learned from a library of photos, which it holds."""
        return "memory" in self.description.readouts

    @property
    def onnx(self) -> Path | None:
        """The network for ONNX Runtime, where there is one."""
        path = self.path / ONNX
        return path if path.is_file() else None

    def files(self) -> list[Path]:
        """All files that may be handed on: neither the manifest, which is made anew, nor the private file."""
        left = (MANIFEST, learned_photos.FILE)
        return sorted(path for path in self.path.iterdir() if path.is_file() and path.name not in left)

    @functools.cached_property
    def learned(self) -> LearnedPhotos | None:
        """Which photos it learned from; None where that is not known. Raises ModelError for a damaged file."""
        found = LearnedPhotos.read(self.path)
        if found is None and self.is_memory and "digest" in self.photos.column_names:  # as older libraries kept them
            found = LearnedPhotos.of_digests([bytes.fromhex(text) for text in self.photos["digest"].to_pylist()])
        return found

    @property
    def known_photos(self) -> LearnedPhotos:
        """Which photos it learned from. Raises ModelError where that is not known."""
        if self.learned is None:
            raise ModelError(
                f"{self.path}: has no {learned_photos.FILE}, so it is not known which photos it learned from"
            )
        return self.learned

    @functools.cached_property
    def hierarchy(self) -> Hierarchy:
        """The cells of every level."""
        from whereshot.earth import partition  # a third of a second, which a library of one's own photos does not need

        try:
            files = [self.path / f"cells-{number}.parquet" for number in range(self.description.levels)]
            return partition.Hierarchy(tuple(map(partition.load, files)))
        except InputError as error:
            raise ModelError(str(error)) from error

    @functools.cached_property
    def photos(self) -> pa.Table:
        """The photos of a library that was learned: id, image, latitude, longitude, accuracy_km, place, ..."""
        return pq.ParquetFile(self.path / PHOTOS).read()  # pq.read_table would import pandas

    @functools.cached_property
    def arrays(self) -> dict[str, NDArray[Any]]:
        """Arrays of a library: pooled and features (m, d), hubness (m,), and whitening's mean and factor."""
        return load_file(self.path / "photos.safetensors")

    def memory(self, prior: Posterior) -> Memory:
        """The readout of a library that was learned."""
        if self.memory_settings is None:
            raise ModelError(f"{self.path}: holds no library of photos, so it has no readout 'memory'")
        arrays = self.arrays
        library = Library(
            arrays["features"].astype(np.float32),
            self.training_points(),
            tables.numbers(self.photos["accuracy_km"]),
            tables.numbers(self.photos["place"]),
            arrays["hubness"],
        )
        return Memory(library, Whitening(arrays["mean"], arrays["factor"]), self.memory_settings, prior)

    def radius_factors(self, readout: str = "mixture") -> dict[str, float]:
        """What a readout's radii are multiplied with, by the kind of photo."""
        if self.memory_settings is not None:
            return self.memory_settings.radius_factor
        return self.calibration.mixtures[readout].radius_factor if self.calibration else {}

    @functools.cached_property
    def gallery(self) -> Gallery:
        """The training photos' features and positions."""
        table = pq.read_table(self.path / "gallery.parquet")
        features = load_file(self.path / "gallery.safetensors")["features"]
        points = np.stack([table["latitude"].to_numpy(), table["longitude"].to_numpy()], axis=1)
        images = table["image"].to_pylist() if "image" in table.column_names else None
        return Gallery(features, points, table["accuracy_km"].to_numpy(), images=images)

    @functools.cached_property
    def places(self) -> Places | None:
        """What finds places by their encodings, of an aligned model that was calibrated so; encodings are kept."""
        if self.calibration is None or "places" not in self.calibration.mixtures:
            return None
        weights = load_file(self.path / "weights.safetensors")
        return places_of_gallery(
            {name.removeprefix(LOCATIONS): value for name, value in weights.items() if name.startswith(LOCATIONS)},
            self.gallery,
            self.hierarchy,
            cache=encodings_cache(),
        )

    @property
    def usual(self) -> NDArray[np.float32] | None:
        """The mean (d,) of the features of many photos, where it is known."""
        path = self.path / USUAL
        return load_file(path)["mean"] if path.is_file() else None

    def network(self) -> Network:
        """The network in evaluation mode, on the CPU. Needs torch."""
        torch = require("torch", extra="torch")
        from whereshot.models import networks

        described = self.description
        if described.head not in networks.HEADS:
            raise ModelError(
                f"{self.path}: no head {described.head!r}; {nearest_name(str(described.head), networks.HEADS)}"
            )
        kind = networks.HEADS[described.head]
        backbone = networks.create(
            networks.BackboneSettings(name=described.backbone.name, options=described.backbone.options),
            load_weights=False,
        )
        settings = settings_file.parse(described.head_settings, kind.settings, name=f"{self.path}/model.toml")
        network = networks.Network(
            backbone,
            networks.FeatureScaling(backbone.dim, described.scaling_power),
            kind.head(backbone.dim, self.hierarchy, settings),
        )
        wanted = network.state_dict()
        try:
            state = {
                name: torch.from_numpy(np.ascontiguousarray(array)).to(wanted[name].dtype)
                for name, array in load_file(self.path / "weights.safetensors").items()
            }
            network.load_state_dict(state)
        except (KeyError, RuntimeError) as error:  # another version of timm may build the backbone otherwise
            reason = str(error).strip().splitlines()[-1].strip()
            raise ModelError(
                f"{self.path}: weights.safetensors does not fit the {described.backbone.name} of this timm ({reason})"
            ) from error
        return network.eval()

    def training_points(self) -> NDArray[np.float64]:
        """Positions (m, 2) of the training photos."""
        if self.is_memory:
            return np.stack([tables.numbers(self.photos[name]) for name in ("latitude", "longitude")], axis=1)
        return self.gallery.points


def encodings_cache() -> Path:
    """Where encodings of places are kept: ``$XDG_CACHE_HOME/whereshot/encodings``, by default under ``~/.cache``."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "whereshot" / "encodings"


def places_of_gallery(
    weights: Mapping[str, NDArray[Any]], gallery: Gallery, hierarchy: Hierarchy, *, cache: Path | None = None
) -> Places:
    """The places of a gallery, of many a random choice, and the cells' centroids, encoded by an encoder's weights."""
    encoder, known = PlaceEncoder(weights), gallery.places
    if len(known) > MOST_PLACES:
        known = known[np.random.default_rng(0).permutation(len(known))[:MOST_PLACES]]
    known = np.unique(np.concatenate([known, hierarchy.finest.centers]), axis=0)
    return Places(encoder, known, kept_encodings(encoder.weights, known, encoder.encode, cache))


def gallery_of(features: NDArray[np.floating], records: Records) -> Gallery:
    """A gallery of some records' features (n, d)."""
    named = "accuracy_km" in records.table.column_names
    accuracy = records.numbers("accuracy_km") if named else np.zeros(len(records))
    return Gallery(features, records.points, accuracy, images=records.strings("image"))
