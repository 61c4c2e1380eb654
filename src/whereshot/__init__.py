"""whereshot finds where a photo was taken: a probability over the Earth, and the reasons.

>>> import whereshot
>>> locator = whereshot.Geolocator.load()  # the small model of the package; give a model folder for a better one
>>> locator.name
'compact'

All public names can be imported from here: ``from whereshot import Geolocator, Posterior``. Each is loaded when it is
first used, so that ``import whereshot`` alone loads neither NumPy nor torch.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from whereshot.foundation.version import VERSION as __version__  # noqa: N811

if TYPE_CHECKING:
    from whereshot.earth.areas import Region
    from whereshot.earth.partition.base import Partition
    from whereshot.evaluate import score
    from whereshot.evidence.neighbours import AlbumModel
    from whereshot.evidence.time import HourModel
    from whereshot.foundation.errors import (
        ConfigError,
        ImageError,
        InputError,
        MissingExtraError,
        ModelError,
        OutputError,
        WhereshotError,
    )
    from whereshot.locate.geolocator import Geolocator
    from whereshot.locate.options import LocateOptions
    from whereshot.locate.prediction import Candidate, Evidence, Place, Prediction
    from whereshot.photos.records import Records
    from whereshot.posterior.base import Posterior

__all__ = [
    "AlbumModel",
    "Candidate",
    "ConfigError",
    "Evidence",
    "Geolocator",
    "HourModel",
    "ImageError",
    "InputError",
    "LocateOptions",
    "MissingExtraError",
    "ModelError",
    "OutputError",
    "Partition",
    "Place",
    "Posterior",
    "Prediction",
    "Records",
    "Region",
    "WhereshotError",
    "__version__",
    "score",
]

for _variable in ("ORT_DISABLE_TELEMETRY", "HF_HUB_DISABLE_TELEMETRY"):
    # Some libraries record and send facts about the machine, ONNX Runtime as soon as it is imported. This package is
    # imported before them in every process, so their switches are set here. A value that the user has set stays.
    os.environ.setdefault(_variable, "1")

_ERRORS = "whereshot.foundation.errors"
_HOMES = {
    "AlbumModel": "whereshot.evidence.neighbours",
    "Candidate": "whereshot.locate.prediction",
    "ConfigError": _ERRORS,
    "Evidence": "whereshot.locate.prediction",
    "Geolocator": "whereshot.locate.geolocator",
    "HourModel": "whereshot.evidence.time",
    "ImageError": _ERRORS,
    "InputError": _ERRORS,
    "LocateOptions": "whereshot.locate.options",
    "MissingExtraError": _ERRORS,
    "ModelError": _ERRORS,
    "OutputError": _ERRORS,
    "Partition": "whereshot.earth.partition.base",
    "Place": "whereshot.locate.prediction",
    "Posterior": "whereshot.posterior.base",
    "Prediction": "whereshot.locate.prediction",
    "Records": "whereshot.photos.records",
    "Region": "whereshot.earth.areas",
    "WhereshotError": _ERRORS,
    "score": "whereshot.evaluate",
}
"""The module that defines each public name."""

if not TYPE_CHECKING:  # a type checker would take every name for one that is there

    def __getattr__(name: str) -> Any:
        """Return a public name from the module that defines it, which is loaded now. Raises AttributeError."""
        if name not in _HOMES:
            raise AttributeError(f"module 'whereshot' has no attribute {name!r}")
        import importlib

        found = globals()[name] = getattr(importlib.import_module(_HOMES[name]), name)
        return found


def __dir__() -> list[str]:
    """Return the public names and the usual attributes of a module."""
    return sorted({*globals(), *__all__})
