"""model.toml: what a model is made of, and what it was trained on."""

from __future__ import annotations

import datetime
from typing import Any

from pydantic import Field

from whereshot.foundation.settings_file import Settings
from whereshot.photos.preprocess import Preprocess


class BackboneDescription(Settings):
    """How the backbone was built. Its weights lie in the model folder."""

    name: str
    options: dict[str, Any] = Field(default_factory=dict)
    trained: bool
    identity: str
    """Hash of the weights that training started from."""


class ModelDescription(Settings):
    """The content of model.toml: what the network is, and what it was trained on."""

    format: int
    name: str
    created: datetime.datetime
    version: str
    backbone: BackboneDescription
    preprocess: Preprocess
    readouts: tuple[str, ...] = ("mixture", "cells", "gallery")
    """Names of the readouts, the whole model first. Without any, the prior alone answers."""
    scaling_power: float = 1.0
    head: str | None = None
    head_settings: dict[str, Any] = Field(default_factory=dict)
    levels: int = 0
    training: dict[str, Any] = Field(default_factory=dict)
