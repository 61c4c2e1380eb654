"""Read and write the folder of a model.

It holds model.toml, weights.safetensors, cells-*.parquet, gallery.*, calibration.toml, README.md, and manifest.json
with the hash of each file. The folder is written beside its place and renamed. A folder with a changed byte is refused.
There is no pickle. learned-photos.safetensors states which photos the model learned from. It is private: its owner may
remove it.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from whereshot.foundation import output_files, settings_file, tables
from whereshot.foundation.errors import ConfigError, InputError, ModelError, nearest_name, require
from whereshot.foundation.tables import write_parquet
from whereshot.models import catalog, learned_photos, manifest
from whereshot.models.description import ModelDescription
from whereshot.models.learned_photos import LearnedPhotos
from whereshot.models.readout import encoded_places
from whereshot.models.readout.encoded_places import Places
from whereshot.models.readout.gallery import Gallery
from whereshot.models.readout.library import Library
from whereshot.models.readout.memory import Memory, MemorySettings
from whereshot.models.readout.mixture import Calibration, MixtureSettings
from whereshot.models.readout.whitening import Whitening
from whereshot.posterior.base import Posterior

if TYPE_CHECKING:
    from whereshot.earth.partition import Hierarchy
    from whereshot.models.networks import Network

ONNX = "network.onnx"
ONNX_DOCUMENT = "network.json"
LOCATIONS = "head.locations."
"""Prefix of the names of the weights of a location encoder."""
PHOTOS = "photos.parquet"
"""File with the photos of a learned library."""
USUAL = "usual.safetensors"
"""File with the mean feature of many photos, for libraries that are too small to estimate it."""
COMPACT = "compact"
"""The model that comes with the package."""


def write(
    folder: Path,
    description: ModelDescription,
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

    manifest.write_files(folder, fill)


def _arrays(network: Network) -> dict[str, NDArray[Any]]:
    return {name: tensor.detach().cpu().contiguous().numpy() for name, tensor in network.state_dict().items()}


def _compact(array: NDArray[Any]) -> NDArray[Any]:
    """Return an array in half precision where that changes no value, else as it is."""
    if array.dtype != np.float32 or array.size < 256:
        return array
    with np.errstate(over="ignore"):
        half = array.astype(np.float16)
    return half if np.array_equal(half.astype(np.float32), array) else array


def find(name_or_folder: str | Path) -> Path:
    """Return the folder of a model: the given folder, else the user's or the package's model of that name.

    Raises ModelError for a repository of the hub that was not fetched.
    """
    folder = Path(name_or_folder)
    if folder.exists():
        return folder
    if str(name_or_folder) == COMPACT:
        return Path(str(resources.files("whereshot"))) / "models" / "data" / COMPACT
    if catalog.is_hub_name(name_or_folder):
        return catalog.find_fetched(catalog.HubName.parse(str(name_or_folder)))
    named = catalog.user_models() / folder
    return named if len(folder.parts) == 1 and manifest.is_model(named) else folder


class ModelFolder:
    """A model folder, given by its path or name. All hashes are checked; each part is read at its first use.

    Raises ModelError.
    """

    def __init__(self, folder: str | Path) -> None:
        self.path = find(folder)
        self.hashes = manifest.verify(self.path)
        try:
            self.description = settings_file.load(self.path / "model.toml", ModelDescription)
            calibrated = self.path / "calibration.toml"
            self.calibration = (
                settings_file.load(calibrated, Calibration) if "mixture" in self.description.readouts else None
            )
            remembered = self.path / "memory.toml"
            self.memory_settings = (
                settings_file.load(remembered, MemorySettings) if "memory" in self.description.readouts else None
            )
            """Of a library of photos that was learned; None for a model without one."""
        except ConfigError as error:
            raise ModelError(str(error)) from error

    @property
    def mixtures(self) -> dict[str, MixtureSettings]:
        """The calibrated readouts by name. Raises ModelError for a model without a calibration."""
        if self.calibration is None:
            raise ModelError(f"{self.path}: was not calibrated, so it has no such readout")
        return self.calibration.mixtures

    @property
    def onnx(self) -> Path | None:
        """The path of the network for ONNX Runtime; None where there is none."""
        path = self.path / ONNX
        return path if path.is_file() else None

    def files(self) -> list[Path]:
        """Return all files that may be copied to a new folder: not the manifest, and not the private file."""
        left = (manifest.MANIFEST, learned_photos.FILE)
        return sorted(path for path in self.path.iterdir() if path.is_file() and path.name not in left)

    @functools.cached_property
    def learned(self) -> LearnedPhotos | None:
        """The photos that the model learned from; None where not known. Raises ModelError for a damaged file."""
        found = LearnedPhotos.read(self.path)
        if (
            found is None and self.memory_settings is not None and "digest" in self.photos.column_names
        ):  # older libraries have the digests of files in their table
            found = LearnedPhotos.of_file_digests([bytes.fromhex(text) for text in self.photos["digest"].to_pylist()])
        return found

    @property
    def known_photos(self) -> LearnedPhotos:
        """Return the photos that the model learned from. Raises ModelError where they are not known."""
        if self.learned is None:
            raise ModelError(
                f"{self.path}: has no {learned_photos.FILE}, so it is not known which photos it learned from"
            )
        return self.learned

    @functools.cached_property
    def hierarchy(self) -> Hierarchy:
        """The cells of every level."""
        from whereshot.earth import partition  # the import takes 0.3 s; a learned library does not need it

        try:
            files = [self.path / f"cells-{number}.parquet" for number in range(self.description.levels)]
            return partition.Hierarchy(tuple(map(partition.load, files)))
        except InputError as error:
            raise ModelError(str(error)) from error

    @functools.cached_property
    def photos(self) -> pa.Table:
        """The table of photos of a learned library: id, image, latitude, longitude, accuracy_km, place, ..."""
        return pq.ParquetFile(self.path / PHOTOS).read()  # pq.read_table would import pandas

    @functools.cached_property
    def arrays(self) -> dict[str, NDArray[Any]]:
        """The arrays of a library: pooled and features (m, d), hubness (m,), mean and factor of the whitening."""
        return load_file(self.path / "photos.safetensors")

    def memory(self, prior: Posterior) -> Memory:
        """Return the readout of a learned library. Raises ModelError for another model."""
        if self.memory_settings is None:
            raise ModelError(f"{self.path}: has no library of photos, so it has no readout 'memory'")
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
        """Return the factors that correct the radii of a readout, by kind of photo."""
        if self.memory_settings is not None:
            return self.memory_settings.radius_factor
        return self.calibration.mixtures[readout].radius_factor if self.calibration else {}

    @functools.cached_property
    def gallery(self) -> Gallery:
        """The features and positions of the training photos."""
        table = pq.read_table(self.path / "gallery.parquet")
        features = load_file(self.path / "gallery.safetensors")["features"]
        points = np.stack([table["latitude"].to_numpy(), table["longitude"].to_numpy()], axis=1)
        images = table["image"].to_pylist() if "image" in table.column_names else None
        return Gallery(features, points, table["accuracy_km"].to_numpy(), images=images)

    @functools.cached_property
    def places(self) -> Places | None:
        """The readout that finds places by their encodings, for an aligned and calibrated model; else None.

        The encodings of the places are cached on disk.
        """
        if self.calibration is None or "places" not in self.calibration.mixtures:
            return None
        weights = load_file(self.path / "weights.safetensors")
        return encoded_places.places_of_gallery(
            {name.removeprefix(LOCATIONS): value for name, value in weights.items() if name.startswith(LOCATIONS)},
            self.gallery,
            self.hierarchy,
            cache=encoded_places.encodings_cache(),
        )

    @property
    def usual(self) -> NDArray[np.float32] | None:
        """The mean feature (d,) of many photos; None where it is not known."""
        path = self.path / USUAL
        return load_file(path)["mean"] if path.is_file() else None

    def network(self) -> Network:
        """Return the network in evaluation mode, on the CPU. Needs torch."""
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
        except (KeyError, RuntimeError) as error:  # another version of timm may build a different backbone
            reason = str(error).strip().splitlines()[-1].strip()
            raise ModelError(
                f"{self.path}: weights.safetensors does not fit the {described.backbone.name} of this timm ({reason})"
            ) from error
        return network.eval()

    def training_points(self) -> NDArray[np.float64]:
        """The positions (m, 2) of the training photos."""
        if self.memory_settings is not None:
            return np.stack([tables.numbers(self.photos[name]) for name in ("latitude", "longitude")], axis=1)
        return self.gallery.points
