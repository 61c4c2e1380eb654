"""Models by name: fetched where their authors publish them, at a pinned revision, and made into model folders.

A name in, a model folder out. Only safetensors are fetched, and only when a model is asked for by its name. Whether the
hub answers is asked once, with a short patience; without it one line says so at once.
"""

from __future__ import annotations

import datetime
import importlib.util
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow.csv

from whereshot import checkpoint, config, partition
from whereshot.errors import InputError, MissingExtraError, ModelError, OutputError, nearest_name, require
from whereshot.partition import Hierarchy
from whereshot.readout import Calibration, CellsSettings, Gallery, GallerySettings, Gate, MixtureSettings

PATIENCE_S = 3.0
"""How long the hub may take to answer at all."""
CERTAIN = 30.0
"""Log odds of a gallery against the prior: the published model knows no prior."""


class Published(NamedTuple):
    """One file of a repository on the hub, as it was at one revision."""

    repository: str
    revision: str
    file: str
    size: str


CLIP = Published(
    "openai/clip-vit-large-patch14", "32bd64288804d66eefd0ccbe215aa642df71cc41", "model.safetensors", "1.7 GB"
)


def get(
    name: str,
    out: Path | None = None,
    *,
    tower: Path | None = None,
    overwrite: bool = False,
    say: Callable[[str], None] = lambda text: None,
) -> Path:
    """Make the model folder of a published model; by default among the user's models, where its name finds it.

    ``tower`` is a file that was fetched by other means. Raises InputError for an unknown name, MissingExtraError,
    ModelError where something cannot be had, OutputError where a model stands in the way.
    """
    if name not in PUBLISHED:
        raise InputError(
            f"no model is published under the name {name!r}; {nearest_name(name, PUBLISHED)}; "
            "or train one with: whereshot train RUN.toml"
        )
    out = out or checkpoint.user_models() / name
    if out.exists() and not (overwrite and checkpoint.is_model(out)):
        raise OutputError(f"{out}: exists already; choose another --out, or give --overwrite")
    PUBLISHED[name](out, tower, say)
    return out


def fetch(
    published: Published, *, name: str, endpoint: str | None = None, say: Callable[[str], None] = lambda text: None
) -> Path:
    """The file in the hub's own cache, fetched where it is not there yet. Raises ModelError in one line.

    ``endpoint`` is another hub than the client's own (which HF_ENDPOINT sets).
    """
    hub = require("huggingface_hub", extra="torch")
    from huggingface_hub import constants

    wanted = {"repo_id": published.repository, "filename": published.file, "revision": published.revision}
    known = hub.try_to_load_from_cache(**wanted, cache_dir=constants.HF_HUB_CACHE)
    if isinstance(known, str):
        return Path(known)
    by_hand = f"or give --tower FILE ({published.file} of {published.repository})"
    if constants.HF_HUB_OFFLINE:
        raise ModelError(f"{name}: HF_HUB_OFFLINE forbids to fetch its weights; unset it, {by_hand}")
    client = hub.HfApi(endpoint=endpoint, token=False)
    try:  # one question without retries: the client's download asks for half a minute
        client.model_info(published.repository, revision=published.revision, timeout=PATIENCE_S)
    except Exception as error:  # those of requests, httpx or httpx2, by the client's version
        raise ModelError(f"{name}: the hub cannot be reached ({_reason(error)}); connect, {by_hand}") from error
    say(f"fetching {published.size} from {published.repository}")
    try:
        fetched = client.hf_hub_download(**wanted, cache_dir=constants.HF_HUB_CACHE, etag_timeout=PATIENCE_S)
    except Exception as error:
        raise ModelError(f"{name}: the download broke off ({_reason(error)}); run it again to go on") from error
    return Path(fetched)


def _reason(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def make_geoclip(
    out: Path,
    tower: Path | None = None,
    say: Callable[[str], None] = lambda text: None,
    *,
    options: Mapping[str, Any] | None = None,
    places: int | None = None,
) -> None:
    """GeoCLIP as published: CLIP and the package's head for pictures, its 100,000 places as the gallery.

    ``options`` of the tower and a smaller number of ``places`` are for trying it out.
    """
    if importlib.util.find_spec("geoclip") is None:
        raise MissingExtraError("geoclip is not installed; it comes with: pip install 'whereshot[geoclip]'")
    tower = tower or fetch(CLIP, name="geoclip", say=say)
    if not tower.is_file():
        raise ModelError(f"{tower}: no such weights file")
    require("torch", extra="torch")  # only now: to say that there is no network should take no time
    from whereshot import model
    from whereshot.model import geoclip, locations
    from whereshot.model.align import Align, AlignSettings

    package = geoclip.package_folder()
    settings = model.BackboneSettings(name="geoclip", weights=tower, options=dict(options or {}))
    backbone = model.create(settings)
    table = pyarrow.csv.read_csv(package / "gps_gallery" / "coordinates_100K.csv")
    points = np.stack([table["LAT"].to_numpy(), table["LON"].to_numpy()], axis=1)[:places]
    scale = geoclip.logit_scale()
    head_settings = {"locations": "geoclip", "dense": False, "temperature": 1 / scale, "queue": 0}
    hierarchy = Hierarchy((partition.build("s2", points, {"max": 500, "max_level": 12}),))
    parsed = config.parse(head_settings, AlignSettings, name="head.settings")
    network = model.Network(backbone, model.FeatureScaling(backbone.dim), Align(backbone.dim, hierarchy, parsed))
    say(f"encoding {len(points)} places")
    encodings = locations.encode(network.head.locations, points).numpy()
    gallery = Gallery(encodings, points, np.zeros(len(points)))
    described = checkpoint.Description(
        format=checkpoint.FORMAT,
        name="geoclip",
        created=datetime.datetime.now(datetime.UTC).replace(microsecond=0),
        version=checkpoint.version(),
        backbone=checkpoint.BackboneDescription(
            name=settings.name, options=settings.options, trained=False, identity=backbone.identity
        ),
        preprocess=model.default_preprocess(settings),
        scaling_power=1.0,
        head="align",
        head_settings=head_settings,
        levels=1,
        training={"gallery": len(points), "places": len(gallery.places)},
    )
    card = CARD.format(repository=CLIP.repository, revision=CLIP.revision, places=len(points))
    out.parent.mkdir(parents=True, exist_ok=True)
    checkpoint.write(out, described, network.eval(), hierarchy, gallery, _as_published(scale), {"README.md": card})


def _as_published(scale: float) -> Calibration:
    """A softmax over the gallery, or over the cells, and no prior to speak of; nothing is fitted."""
    gallery = GallerySettings(temperature=1 / scale)
    by_part = {"mixture": "gallery", "gallery": "gallery", "cells": "cells"}
    return Calibration(
        mixtures={
            name: MixtureSettings(
                cells=CellsSettings(), gallery=gallery, gate=Gate(offset={part: CERTAIN}, slope={part: 0.0})
            )
            for name, part in by_part.items()
        }
    )


CARD = """# geoclip

GeoCLIP (Vivanco Cepeda, Nayak and Shah 2023, arXiv 2309.16020), as its authors published it.

* Image tower: {repository} at revision {revision}, and the head of the package geoclip (MIT).
* Answers: {places} places of the package's gallery (MIT), by the softmax of scaled cosines.
* Nothing here is calibrated: its probabilities and circles are the softmax's own.
* Published: 14.1 / 34.5 / 50.7 / 69.7 / 83.8 % of IM2GPS3k within 1 / 25 / 200 / 750 / 2500 km.
"""

PUBLISHED: dict[str, Callable[[Path, Path | None, Callable[[str], None]], None]] = {"geoclip": make_geoclip}
"""Every model that can be had by name."""
