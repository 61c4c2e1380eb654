"""The version of this package. The build, ``whereshot --version`` and model folders all read it here."""

from __future__ import annotations

VERSION = "0.1.0"
"""The version in the form of semver.org: major.minor.patch."""
