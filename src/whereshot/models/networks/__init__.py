"""Networks, for training and export. HEADS lists all heads; a new head is one file and one line."""

from __future__ import annotations

from typing import NamedTuple

from whereshot.foundation.settings_file import Settings
from whereshot.models.networks import align, classify, mvmf
from whereshot.models.networks.auxiliary import AUXILIARIES, Auxiliary
from whereshot.models.networks.auxiliary import parse as parse_auxiliary
from whereshot.models.networks.backbone import Backbone, BackboneSettings, create, default_preprocess
from whereshot.models.networks.base import FeatureScaling, Head, Network, mean_of_crops


class HeadKind(NamedTuple):
    """A head's class, built from (feature dimension, hierarchy, settings), and its settings."""

    head: type[Head]
    settings: type[Settings]


HEADS: dict[str, HeadKind] = {
    "align": HeadKind(align.Align, align.AlignSettings),
    "classify": HeadKind(classify.Classify, classify.ClassifySettings),
    "mvmf": HeadKind(mvmf.Mvmf, mvmf.MvmfSettings),
}

__all__ = [
    "AUXILIARIES",
    "HEADS",
    "Auxiliary",
    "Backbone",
    "BackboneSettings",
    "FeatureScaling",
    "Head",
    "HeadKind",
    "Network",
    "create",
    "default_preprocess",
    "mean_of_crops",
    "parse_auxiliary",
]
