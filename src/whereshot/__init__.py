"""whereshot tells where a photo was taken.

>>> import whereshot
>>> locator = whereshot.Geolocator.load()  # compact, which has no visual model; give a model folder for more
>>> locator.name
'compact'
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from whereshot.locate.geolocator import Geolocator
    from whereshot.locate.prediction import Prediction
    from whereshot.photos.records import Records
    from whereshot.posterior.base import Posterior

__all__ = ["Geolocator", "Posterior", "Prediction", "Records"]

for _switch in ("ORT_DISABLE_TELEMETRY", "HF_HUB_DISABLE_TELEMETRY"):
    # Some libraries record and send facts about the machine, ONNX Runtime as soon as it is imported. This package is
    # imported before them in every process, so their switches are set here. A value that the user has set stays.
    os.environ.setdefault(_switch, "1")

_HOMES = {
    "Geolocator": "whereshot.locate.geolocator",
    "Posterior": "whereshot.posterior.base",
    "Prediction": "whereshot.locate.geolocator",
    "Records": "whereshot.photos.records",
}


def __getattr__(name: str) -> Any:
    """Load public names when they are first used, so that importing the package costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module 'whereshot' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
