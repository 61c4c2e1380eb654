"""Find the photos of a gallery that look most like a given photo.

A gallery is a model folder (the photos that the model learned from), a folder of pictures, a table or Records of
photos, or a Parquet file of features. The model computes the features; for pictures they are kept between runs.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from whereshot.earth import place_names
from whereshot.foundation.errors import ImageError, InputError
from whereshot.foundation.progress import Track, silent
from whereshot.foundation.tables import reading_parquet
from whereshot.locate import similarity
from whereshot.locate.prediction import Place
from whereshot.locate.similarity import Similarity
from whereshot.models import features, manifest, model_folder, nearest_photos, runtime
from whereshot.models.model import PRIOR
from whereshot.models.model_folder import ModelFolder
from whereshot.models.nearest_photos import Metric
from whereshot.models.network_model import make_network
from whereshot.models.readout import whitening
from whereshot.photos import images
from whereshot.photos.batches import Batch
from whereshot.photos.records import Records
from whereshot.photos.sources import SOURCES, find_pictures

Scale = Callable[[NDArray[np.floating]], NDArray[np.float32]]
"""A function from pooled features (m, d) to the features that are compared."""

PAIRS = 4000
"""The number of random pairs of a gallery's photos that its usual distance comes from."""

FEATURES = "features"
"""The column of a Parquet file that holds the features: a list of numbers for each photo."""


@dataclass(frozen=True)
class Lookalike:
    """A photo of the gallery that was found: its rank from 1, its distance in feature space, and its known data.

    Fields that are not known are None.
    """

    rank: int
    distance: float
    id: str
    image: str | None
    latitude: float | None
    longitude: float | None
    place: Place | None
    similarity: Similarity | None = None
    """How similar it looks, in words; None in a gallery of too few photos."""

    def to_json(self) -> dict[str, Any]:
        """Return a JSON document; ``image_exists`` is whether the file of the picture still exists."""
        return asdict(self) | {"image_exists": self.image is not None and Path(self.image).is_file()}


@dataclass(frozen=True)
class Photos:
    """The photos of a gallery, in order: ids, paths of pictures, and positions (m, 2), NaN where not known."""

    ids: list[str]
    images: list[str | None]
    points: NDArray[np.float64]

    def take(self, rows: NDArray[np.int64]) -> Photos:
        """Return the photos in these rows."""
        return Photos([self.ids[row] for row in rows], [self.images[row] for row in rows], self.points[rows])


@dataclass(frozen=True)
class LookalikeGallery:
    """Photos with an index of their features (m, d).

    ``look`` computes the features (1, d) of a new photo and raises ImageError. ``errors`` has the errors, by id, of
    pictures that could not be read; these are not in ``photos``.
    """

    name: str
    model: str
    photos: Photos
    index: nearest_photos.Index
    look: Callable[[images.Source], NDArray[np.float32]]
    errors: dict[str, str]

    @functools.cached_property
    def _usual(self) -> NDArray[np.float64]:
        """The distances of random pairs of its photos; empty where it has too few."""
        return self.index.pair_distances(PAIRS) if len(self.photos.ids) >= similarity.LEAST_PHOTOS else np.empty(0)

    def nearest(self, photo: images.Source, top: int = 6) -> list[Lookalike]:
        """Return the ``top`` photos that look most like a photo, most similar first.

        Raises ImageError and InputError.
        """
        if top < 1:
            raise InputError(f"top must be at least 1; got {top}")
        found = self.index.nearest(self.look(photo), top)
        photos = self.photos.take(found.rows[0])
        located = np.asarray(np.isfinite(photos.points).all(axis=1))
        names = iter(place_names.place_names(photos.points[located]) if located.any() else ())
        listed = []
        for number, (spot, known) in enumerate(zip(photos.points.tolist(), located, strict=True)):
            latitude, longitude = spot if known else (None, None)
            place = Place(*next(names)) if known else None
            distance = float(found.distance[0, number])
            own = photos.ids[number], photos.images[number]
            alike = similarity.similarity(distance, self._usual)
            listed.append(Lookalike(number + 1, distance, *own, latitude, longitude, place, alike))
        return listed


def open_gallery(
    given: Path | None,
    model: str | Path | None = None,
    *,
    metric: Metric = "cosine",
    device: str | None = None,
    cache: Path | None = None,
    workers: int | None = None,
    track: Track = silent,
) -> LookalikeGallery:
    """Open a gallery. With ``given`` None it has the photos of the model itself.

    ``model`` computes the features, by default "compact"; a gallery that is a model folder uses its own features.
    Raises InputError where there is no photo to search, and ModelError.
    """
    if given is not None and manifest.is_model(given):
        if model is not None and model_folder.find(model).resolve() != given.resolve():
            raise InputError(f"{given}: its photos are compared by its own features; leave --model out")
        model, given = given, None
    if model == PRIOR:
        raise InputError(f"{PRIOR} looks at no picture; leave --model out, or name another")
    folder = ModelFolder(model_folder.COMPACT if model is None else model)
    feature_model = _FeatureModel(folder, metric, device, workers, cache, track)
    if given is None:
        return feature_model.of_model()
    if not given.exists():
        raise InputError(f"{given}: no such file or folder")
    if given.suffix.lower() in images.SUFFIXES:
        raise InputError(
            f"{given}: a picture; a gallery is a folder of photos, a table or Records of photos, or a model"
        )
    if given.suffix.lower() == ".parquet" and given.is_file() and FEATURES in _columns(given):
        return feature_model.of_features(given)
    return feature_model.of_pictures(given)


@dataclass(frozen=True)
class _FeatureModel:
    """A model that computes features of pictures. ``kind`` is the name of the output that is compared."""

    folder: ModelFolder
    metric: Metric
    device: str | None
    workers: int | None
    cache: Path | None
    track: Track

    @property
    def kind(self) -> str:
        return "pooled" if self.folder.description.head is None else "features"

    @functools.cached_property
    def _runs_on(self) -> str:
        by_onnx = self.folder.onnx is not None and self.device in (None, "cpu")
        return "cpu" if by_onnx else runtime.pick_device(self.device)

    def look(self, photo: images.Source, scale: Scale) -> NDArray[np.float32]:
        """Return the features (1, d) of a photo. Raises ImageError."""
        compute = make_network(str(self.folder.path), self._runs_on)
        settings = self.folder.description.preprocess
        for rows, outputs, errors in runtime.compute_outputs([photo], settings, lambda: compute):
            if errors:
                raise ImageError(errors[0])
            if len(rows):
                return scale(outputs[self.kind])
        raise ImageError("cannot be looked at", images.describe(photo))

    def gallery(
        self, name: str, photos: Photos, known: NDArray[np.floating], scale: Scale, errors: dict[str, str]
    ) -> LookalikeGallery:
        """Return a gallery of photos with features (m, d) that are already scaled."""
        index = nearest_photos.index_of(known, self.metric, cache=nearest_photos.default_cache())
        look = functools.partial(self.look, scale=scale)
        return LookalikeGallery(name, self.folder.description.name, photos, index, look, errors)

    def of_model(self) -> LookalikeGallery:
        """Return the gallery of the photos that the model learned from."""
        folder = self.folder
        if folder.memory_settings is not None:
            table = folder.photos
            photos = Photos(table["id"].to_pylist(), table["image"].to_pylist(), folder.training_points())
            if self.metric == "l2":
                return self.gallery(str(folder.path), photos, folder.arrays["pooled"], _as_they_are, {})
            white = whitening.Whitening(folder.arrays["mean"], folder.arrays["factor"])
            return self.gallery(str(folder.path), photos, folder.arrays["features"], white, {})
        if folder.description.head is None:
            raise InputError(
                f"{folder.description.name} has no photos of its own; give a folder of photos, a table or a model with "
                "--gallery, or with --model one that was learned"
            )
        known = folder.gallery
        names = known.images or [None] * len(known.points)
        ids = [name or f"photo-{number}" for number, name in enumerate(names)]
        photos = Photos(ids, list(names), known.points)
        return self.gallery(str(folder.path), photos, known.features, _as_they_are, {})

    def of_pictures(self, given: Path) -> LookalikeGallery:
        """Return the gallery of a folder of pictures, or of a table or Records of photos; positions can be missing."""
        photos = _pictures(given, self.track)
        if not photos.ids:
            raise InputError(f"{given}: there is no photo to search")
        settings = self.folder.description.preprocess
        known, errors = features.cached_features(
            photos.images,
            settings,
            self._identity(),
            functools.partial(_Features, str(self.folder.path), self._runs_on, self.kind),
            cache=self.cache,
            workers=self.workers or runtime.default_workers(len(photos.ids), self._runs_on),
            track=self.track,
        )
        good = np.array([row for row in range(len(photos.ids)) if row not in errors], dtype=np.int64)
        if len(good) == 0:
            raise InputError(f"{given}: none of {len(photos.ids)} pictures could be read; first: {errors[0]}")
        scale = self._scale(known[good])
        named = {photos.ids[row]: text for row, text in sorted(errors.items())}
        return self.gallery(str(given), photos.take(good), scale(known[good]), scale, named)

    def of_features(self, given: Path) -> LookalikeGallery:
        """Return the gallery of a Parquet file of photos with features that this model computed."""
        table = pq.read_table(given)
        column = table[FEATURES].combine_chunks()
        sizes = {len(value) for value in column.to_pylist() if value is not None}
        if len(table) == 0 or len(sizes) != 1 or column.null_count:
            raise InputError(f"{given}: {FEATURES} must be lists of as many numbers each, and at least one")
        known = np.array(column.to_pylist(), np.float32)
        records = Records(table.drop_columns([FEATURES]))
        photos = Photos(records.ids, records.strings("image"), _points(records))
        return self.gallery(str(given), photos, known, _as_they_are, {})

    def _identity(self) -> str:
        hashes = self.folder.hashes
        return hashes.get(model_folder.ONNX, hashes.get("weights.safetensors", ""))[:32]

    def _scale(self, pooled: NDArray[np.floating]) -> Scale:
        """Return the function that makes pooled features comparable.

        It is the whitening of a learned model, else a whitening that is fitted on the gallery.
        """
        if self.metric == "l2" or self.kind == "features":
            return _as_they_are
        if self.folder.memory_settings is not None:
            return whitening.Whitening(self.folder.arrays["mean"], self.folder.arrays["factor"])
        return whitening.fit(pooled, np.arange(len(pooled)), self.folder.usual)


class _Features:
    """A network that returns one of its outputs under the name that the cache of features expects."""

    def __init__(self, path: str, device: str, kind: str) -> None:
        self._network, self._kind = make_network(path, device), kind

    def __call__(self, batch: Batch) -> dict[str, NDArray[Any]]:
        return {"pooled": self._network(batch)[self._kind]}


def _as_they_are(values: NDArray[np.floating]) -> NDArray[np.float32]:
    return np.asarray(values, np.float32)


def _columns(path: Path) -> list[str]:
    with reading_parquet(path):
        result: list[str] = pq.read_schema(path).names
    return result


def _points(records: Records) -> NDArray[np.float64]:
    return np.stack([records.numbers(name) for name in ("latitude", "longitude")], axis=1)


def _has_pictures(folder: Path) -> bool:
    try:
        return bool(find_pictures([folder]))
    except InputError:
        return False


def _pictures(given: Path, track: Track) -> Photos:
    """Return the photos of a folder, a table or Records, also those without a position."""
    if given.is_dir() and (_has_pictures(given) or not any(given.glob("*.parquet"))):
        found = find_pictures([given])
        ingested = SOURCES["folder"]([given], {}, track)
        where = dict(zip(ingested.records.strings("id"), ingested.records.points.tolist(), strict=True))
        unknown = [np.nan, np.nan]
        spots = [where.get(images.printable(name), unknown) for name, _ in found]
        paths: list[str | None] = [str(path) for _, path in found]
        return Photos([images.printable(name) for name, _ in found], paths, np.array(spots, np.float64).reshape(-1, 2))
    if given.is_file() and given.suffix.lower() != ".parquet":
        records = SOURCES["table"]([given], {}, silent).records
    else:
        records = Records.read(given)
    return Photos(records.ids, records.strings("image"), _points(records))


def to_json(photo: str, gallery: LookalikeGallery, metric: Metric, found: list[Lookalike]) -> dict[str, Any]:
    """Return the JSON document of the command ``query``."""
    return {
        "photo": photo,
        "gallery": gallery.name,
        "model": gallery.model,
        "metric": metric,
        "photos": len(gallery.photos.ids),
        "unreadable": gallery.errors,
        "nearest": [one.to_json() for one in found],
    }


def in_words(found: list[Lookalike]) -> list[str]:
    """Return a line of text for each photo: rank, distance, similarity, position, place, picture."""
    lines = []
    width = max((len(one.similarity.word) for one in found if one.similarity), default=0)
    for one in found:
        known = one.latitude is not None
        spot = f"{one.latitude:9.4f}, {one.longitude:9.4f}  {one.place}" if known else "position not known"
        alike = f"{one.similarity.word:{width}}  " if one.similarity else ""
        lines.append(f"{one.rank:3d}. {one.distance:8.4f}  {alike}{spot}  {one.image or one.id}")
    return lines


def meaning(found: list[Lookalike]) -> str:
    """Return a sentence on what the similarities mean, or why there are none."""
    return similarity.MEANING if any(one.similarity for one in found) else similarity.TOO_FEW
