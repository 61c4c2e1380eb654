"""GeoCLIP as published -> a model folder: CLIP's tower from the hub, all else from the package geoclip."""

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
from whereshot.models.readout.encodings import PlacesSettings
from whereshot.models.readout.gallery import Gallery, GallerySettings
from whereshot.models.readout.mixture import Calibration, Gate, MixtureSettings

CERTAIN = 30.0
"""Log odds of a gallery against the prior: the published model knows no prior."""


def fetch_tower(fetching: Fetching = Fetching()) -> Path:  # noqa: B008
    """GeoCLIP's tower: in the hub client's own cache if it has it, else fetched. Raises ModelError, OutputError."""
    one = catalog.known()["geoclip"]
    cache = os.environ.get("HF_HUB_CACHE") or Path(os.environ.get("HF_HOME", "~/.cache/huggingface")) / "hub"
    repository, revision, file, size = one.source
    snapshot = Path(cache).expanduser() / f"models--{repository.replace('/', '--')}" / "snapshots" / revision
    if (snapshot / file).is_file():
        return snapshot / file
    wanted = Wanted(f"{endpoint()}/{repository}/resolve/{revision}/{file}", size, one.sha256)
    place = _on_its_way() / file
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
    """GeoCLIP as published: CLIP and the package's head for pictures, its 100,000 places as the gallery.

    ``card`` is its README.md; ``options`` of the tower and a smaller number of ``places`` are for trying it out. Raises
    MissingExtraError, ModelError, OutputError.
    """
    for needed in ("geoclip", "torch"):  # looked for, not imported: to say that there is no network takes no time
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
    if tower.parent == _on_its_way():
        shutil.rmtree(tower.parent, ignore_errors=True)


def _on_its_way() -> Path:
    return catalog.downloads() / "geoclip"


def _as_published(scale: float) -> Calibration:
    """A softmax over the gallery, or over the cells, and no prior to speak of; nothing is fitted.

    "places" is the gallery with half of the votes lifted to the tops of the cosine, which the paper does not do.
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
