"""Make a model folder of GeoCLIP as published: CLIP's image tower from the hub, the rest from the package geoclip."""

from __future__ import annotations

import datetime
import importlib.util
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.csv

from whereshot.earth import partition
from whereshot.earth.partition import Hierarchy
from whereshot.foundation import download, settings_file
from whereshot.foundation.download import Wanted
from whereshot.foundation.errors import ModelError, missing_extra
from whereshot.foundation.version import VERSION
from whereshot.models import catalog, manifest, model_folder
from whereshot.models.description import BackboneDescription, ModelDescription
from whereshot.models.hub.base import Fetching, endpoint
from whereshot.models.readout.cells import CellsSettings
from whereshot.models.readout.encoded_places import PlacesSettings
from whereshot.models.readout.gallery import Gallery, GallerySettings
from whereshot.models.readout.mixture import Calibration, Gate, MixtureSettings

CERTAIN = 30.0
"""Log odds of the gallery against the prior. It is high, because the published model has no prior."""


def fetch_tower(fetching: Fetching = Fetching()) -> Path:  # noqa: B008
    """Return the file of GeoCLIP's image tower, from the cache of the hub's client, or downloaded.

    Raises ModelError, OutputError.
    """
    one = catalog.known()["geoclip"]
    cache = os.environ.get("HF_HUB_CACHE") or Path(os.environ.get("HF_HOME", "~/.cache/huggingface")) / "hub"
    repository, revision, file, size = one.source
    snapshot = Path(cache).expanduser() / f"models--{repository.replace('/', '--')}" / "snapshots" / revision
    if (snapshot / file).is_file():
        return snapshot / file
    wanted = Wanted(f"{endpoint()}/{repository}/resolve/{revision}/{file}", size, one.sha256)
    place = _download_folder() / file
    hint = f"; or give --tower FILE ({file} of {repository})"
    if not place.is_file():
        download.check_online("geoclip", hint)
        fetching.say(f"fetching {size / 1e9:.1f} GB from {repository} at {revision[: catalog.SHORT]}")
    return download.fetch(wanted, place, what="geoclip", hint=hint, track=fetching.track)


def make(
    out: Path,
    card: str,
    fetching: Fetching,
    *,
    options: Mapping[str, Any] | None = None,
    places: int | None = None,
) -> None:
    """Write the model folder of GeoCLIP as published: CLIP and the head for pictures, 100,000 places as the gallery.

    ``card`` is the text of README.md. ``options`` of the tower and a smaller number of ``places`` are for tests. Raises
    MissingExtraError, ModelError, OutputError.
    """
    # the package is not imported here, so that an error about the network comes at once
    for needed in ("geoclip", "torch"):
        if importlib.util.find_spec(needed) is None:
            raise missing_extra(needed, needed)
    tower = fetching.tower or fetch_tower(fetching)
    if not tower.is_file():
        raise ModelError(f"{tower}: no such weights file")
    from whereshot.models import networks
    from whereshot.models.networks import geoclip, locations
    from whereshot.models.networks.align import Align, AlignSettings

    package = geoclip.package_folder()
    settings = networks.BackboneSettings(name="geoclip", weights=tower, options=dict(options or {}))
    backbone = networks.create(settings)
    table = pyarrow.csv.read_csv(package / "gps_gallery" / "coordinates_100K.csv")
    points = np.stack([table["LAT"].to_numpy(), table["LON"].to_numpy()], axis=1)[:places]
    scale = geoclip.logit_scale()
    head_settings = {"locations": "geoclip", "dense": False, "temperature": 1 / scale, "queue": 0}
    hierarchy = Hierarchy((partition.build("s2", points, {"max": 500, "max_level": 12}),))
    parsed = settings_file.parse(head_settings, AlignSettings, name="head.settings")
    head = Align(backbone.dim, hierarchy, parsed)
    network = networks.Network(backbone, networks.FeatureScaling(backbone.dim), head)
    fetching.say(f"encoding {len(points)} places")
    encodings = locations.encode(head.locations, points).numpy()
    gallery = Gallery(encodings, points, np.zeros(len(points)))
    calibration = _as_published(scale)
    described = ModelDescription(
        format=manifest.FORMAT,
        name="geoclip",
        created=datetime.datetime.now(datetime.UTC).replace(microsecond=0),
        version=VERSION,
        backbone=BackboneDescription(
            name=settings.name, options=settings.options, trained=False, identity=backbone.identity
        ),
        preprocess=networks.default_preprocess(settings),
        readouts=tuple(calibration.mixtures),
        scaling_power=1.0,
        head="align",
        head_settings=head_settings,
        levels=1,
        training={"gallery": len(points), "places": len(gallery.places)},
    )
    model_folder.write(out, described, network.eval(), hierarchy, gallery, calibration, {"README.md": card})
    if tower.parent == _download_folder():
        shutil.rmtree(tower.parent, ignore_errors=True)


def _download_folder() -> Path:
    return catalog.downloads() / "geoclip"


def _as_published(scale: float) -> Calibration:
    """Return a calibration that fits nothing: a softmax over the gallery or the cells, with hardly any prior.

    The mixture "places" is the gallery, but half of the votes go to the maxima of the cosine. The paper does not do so.
    """
    gallery, places = GallerySettings(temperature=1 / scale), PlacesSettings(temperature=1 / scale)
    by_part = {"mixture": "gallery", "gallery": "gallery", "cells": "cells", "places": "places"}
    return Calibration(
        mixtures={
            name: MixtureSettings(
                cells=CellsSettings(),
                gallery=gallery,
                places=places,
                gate=Gate(offset={part: CERTAIN}, slope={part: 0.0}),
            )
            for name, part in by_part.items()
        }
    )
