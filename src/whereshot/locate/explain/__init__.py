"""Explain an answer: a heat map of the parts of the picture that matter, and the evidence in words.

``METHODS`` lists the methods for the heat map. "occlusion" works with every model; the others need a torch network.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.special import logit

from whereshot.foundation.errors import ImageError, InputError, nearest_name, require
from whereshot.foundation.progress import Track, silent
from whereshot.locate import wording, words
from whereshot.locate.explain import gradcam, overlay, rollout
from whereshot.locate.explain.base import NEAR_KM, HeatMap, grid_of, on_picture
from whereshot.locate.explain.occlusion import occlude
from whereshot.locate.geolocator import Geolocator
from whereshot.locate.options import LocateOptions
from whereshot.locate.prediction import Candidate, Place, Prediction
from whereshot.models.readout import gallery as gallery_readout
from whereshot.photos import preprocess
from whereshot.photos.photo import Photo, PhotoLike

LEAST_MASS = 1e-12
"""Masses are clipped to this distance from 0 and 1 before their log odds are taken."""

WHOLE = 0.98
"""From this share on, the network sees the whole picture."""

Method = Callable[[Geolocator, Image.Image, NDArray[np.float64], Track], HeatMap]
"""A function from (model, upright picture, place (2,), progress) to a heat map."""


def by_occlusion(geolocator: Geolocator, picture: Image.Image, place: NDArray[np.float64], track: Track) -> HeatMap:
    """Return the heat from hiding parts of the picture, for any model whose posterior depends on the picture."""
    settings = geolocator.model.network_model.folder.description.preprocess
    shorter = settings.resize * 3 // 2
    if min(picture.size) > shorter:  # networks see no more detail, and hiding parts of a small picture is faster
        scale = shorter / min(picture.size)
        picture = picture.resize([max(1, round(side * scale)) for side in picture.size], Image.Resampling.LANCZOS)

    def log_odds(pictures: Sequence[Image.Image]) -> NDArray[np.float64]:
        posterior, _, errors = geolocator.posterior(list(pictures))
        if posterior is None:
            raise ImageError(errors[0])
        mass = posterior.mass_within(np.repeat(place[None], len(posterior), axis=0), NEAR_KM)
        return logit(np.clip(mass, LEAST_MASS, 1 - LEAST_MASS))

    return occlude(picture, log_odds, track=track)


def by_rollout(geolocator: Geolocator, picture: Image.Image, place: NDArray[np.float64], track: Track) -> HeatMap:
    """Return the heat by attention rollout, for vision transformers. It does not depend on the place."""
    network = _network(geolocator)
    heat = functools.partial(rollout.heat_of_crops, network.backbone.network)
    return HeatMap(_of_crops(geolocator, picture, heat), "% of the attention", specific=False)


def by_gradcam(geolocator: Geolocator, picture: Image.Image, place: NDArray[np.float64], track: Track) -> HeatMap:
    """Return the heat by Grad-CAM, for convolutional networks."""
    network, folder = _network(geolocator), geolocator.model.network_model.folder
    settings = folder.mixtures["mixture"]
    gallery = gallery_readout.with_settings(folder.gallery, settings.gallery)
    log_mass = gradcam.log_mass_near(place, NEAR_KM, folder.hierarchy, gallery, settings, geolocator.prior)
    heat = functools.partial(gradcam.heat_of_crops, network, log_mass=log_mass)
    return HeatMap(_of_crops(geolocator, picture, heat), "weighted activation")


METHODS: dict[str, Method] = {"occlusion": by_occlusion, "rollout": by_rollout, "gradcam": by_gradcam}


def _network(geolocator: Geolocator) -> Any:
    folder = geolocator.model.network_model.folder
    if folder.description.head is None:
        raise InputError(f"{geolocator.name} has its network for ONNX Runtime alone; take --method occlusion")
    require("torch", extra="torch")
    return folder.network()


def _of_crops(
    geolocator: Geolocator, picture: Image.Image, heat: Callable[[Any], NDArray[np.float64]]
) -> NDArray[np.float64]:
    """Return the heat over the picture from ``heat``, which gives the heat (c, h, w) over the network's crops."""
    import torch

    settings = geolocator.model.network_model.folder.description.preprocess
    view = preprocess.fixed_view(picture.size, settings)
    crops = torch.from_numpy(preprocess.load(picture, settings))
    return on_picture(heat(crops), view, picture.size, grid_of(picture.size))


@dataclass(frozen=True)
class Explanation:
    """The explanation of an answer: the explained place with its probability, the heat map, and the evidence.

    ``number`` is the number of the explained candidate, None for the answer. ``heat`` is None where the picture does
    not influence the answer; ``why_none`` is the reason.
    """

    photo: str
    model: str
    method: str
    prediction: Prediction
    place: Candidate
    number: int | None
    heat: HeatMap | None
    why_none: str | None
    picture: Image.Image
    options: LocateOptions

    def in_words(self) -> list[str]:
        """Return the explanation in plain sentences."""
        of = "the answer" if self.number is None else f"candidate {self.number}"
        spot = f"{self.place.latitude:.4f}, {self.place.longitude:.4f} ({self.place.place})"
        lines = [f"{of[:1].upper()}{of[1:]}: {spot}, {words.percent(self.place.probability)} within {NEAR_KM:g} km"]
        lines += [f"Looked at: {', '.join(self._looked_at())}.", *self._heat_words()]
        return [*lines, *self.prediction.writing_words(), *self.prediction.evidence_words(all_evidence=True)]

    def _looked_at(self) -> list[str]:
        """Return what the answer comes from, and what was left out by an option, as parts of a sentence."""
        if self.heat is None:
            parts = []
        elif self.heat.seen_share < WHOLE:
            parts = [f"{words.percent(self.heat.seen_share)} of the picture (the network sees no more of it)"]
        else:
            parts = ["the whole picture"]
        parts.append("the text in the picture" if self.options.text else "no text (--no-text)")
        parts.append(
            "the recorded position and time" if self.options.use_exif else "no recorded position or time (--use-exif)"
        )
        return parts

    def _heat_words(self) -> list[str]:
        if self.heat is None:
            return [f"No heat map: {self.why_none}."]
        where, most = self.heat.where(), float(np.nanmax(self.heat.values, initial=0.0))
        if self.method == "occlusion":
            if most < wording.SILENT_NATS:
                return [
                    "Hiding no part of the picture makes the place less likely: it is not one part that carries it."
                ]
            lost = f"with the strongest part hidden, the place is {words.times(most)} {wording.LESS_LIKELY}"
            return [f"What speaks for it most is {where}: {lost}."]
        if not self.heat.specific:
            return [f"The network attends most {where}, whatever the place: rollout is about the picture alone."]
        return [f"What speaks for it most is {where}."]

    def to_json(self) -> dict[str, Any]:
        """Return a JSON document: the place, the heat as a small grid, the evidence and the sentences."""
        heat = None
        if self.heat is not None:
            values = [[None if np.isnan(one) else round(float(one), 4) for one in row] for row in self.heat.values]
            rows, columns = self.heat.values.shape
            heat = {"rows": rows, "columns": columns, "unit": self.heat.unit, "values": values}
            heat |= {"specific_to_place": self.heat.specific, "most": self.heat.where()}
        answered = self.prediction.to_document()
        return {
            "photo": self.photo,
            "model": self.model,
            "method": self.method,
            "candidate": self.number,
            "place": {
                "latitude": self.place.latitude,
                "longitude": self.place.longitude,
                "probability": self.place.probability,
                "name": str(self.place.place),
            },
            "within_km": NEAR_KM,
            "heat": heat,
            "why_no_heat": self.why_none,
            "evidence": answered["evidence"],
            "words": self.in_words(),
        }

    def draw(self) -> Image.Image:
        """Draw the picture with its heat map, frames around the text that was read, and a legend."""
        boxes = [item.box for item in self.prediction.evidence if item.box]
        title = [f"{self.method}, {self.model}" if self.heat is not None else self.model, *self.in_words()]
        return overlay.draw(self.picture, self.heat, title, boxes)


def explain(
    geolocator: Geolocator,
    photo: PhotoLike,
    *,
    method: str = "occlusion",
    number: int | None = None,
    options: LocateOptions | None = None,
    track: Track = silent,
) -> Explanation:
    """Explain the answer for a photo, or its candidate ``number`` (from 1).

    ``options`` are the options of the answer, which lists as many candidates as ``number`` asks for.

    Raises ImageError for a picture that cannot be read, InputError for a method or a candidate that there is not.
    """
    if method not in METHODS:
        raise InputError(f"no method {method!r}; {nearest_name(method, METHODS)}")
    if number is not None and number < 1:
        raise InputError(f"candidates are counted from 1; got {number}")
    options = options or LocateOptions()
    photo = Photo.of(photo)
    with photo.held():
        picture = photo.rgb()
        (prediction,) = geolocator.locate(photo, replace(options, top=max(options.top, number or 0)))
    if prediction.error is not None:
        raise ImageError(prediction.error)
    place, heat = _explained_candidate(prediction, number), None
    why = _why_none(geolocator, prediction)
    if why is None:
        heat = METHODS[method](geolocator, picture, np.array([place.latitude, place.longitude]), track)
    name = photo.path or "photo"
    return Explanation(name, geolocator.name, method, prediction, place, number, heat, why, picture, options)


def _explained_candidate(prediction: Prediction, number: int | None) -> Candidate:
    if number is None:
        near = prediction.within[int(NEAR_KM)]
        latitude, longitude, *_ = prediction.answered
        return Candidate(latitude, longitude, near, prediction.place or Place(None, None, None, None))
    if number > len(prediction.candidates):
        known = len(prediction.candidates)
        raise InputError(f"there is no candidate {number}: the answer has {known}" + (" one" if known == 1 else ""))
    return prediction.candidates[number - 1]


def _why_none(geolocator: Geolocator, prediction: Prediction) -> str | None:
    """Return why the picture does not influence the answer; None where it does."""
    if not geolocator.model.looks_at_pictures:
        return f"{geolocator.name} looks at no picture, and only what is read moves its answer; give --model DIR"
    if any(item.kind == "picture" for item in prediction.evidence):
        return "this is not a photo: the answer is only where photos are usually taken"
    return None
