"""What the hub is asked for in tests, and the one line that refuses it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from whereshot.foundation.errors import InputError, ModelError, OutputError
from whereshot.models import hub


def files_of(model: Path) -> dict[str, bytes]:
    """Whatever lies in the folder, as someone puts it up who left the private file in."""
    return {path.name: path.read_bytes() for path in model.iterdir()}


def refused(name: str, **settings: Any) -> str:
    with pytest.raises((ModelError, OutputError, InputError)) as caught:
        hub.get(name, **settings)
    assert "\n" not in str(caught.value)
    return str(caught.value)
