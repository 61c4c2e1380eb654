"""Keep caches of libraries out of the user's home: a command leaves only the files that the user asked for."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import uuid
from pathlib import Path

CACHE_VARIABLES = ("MPLCONFIGDIR", "TORCHINDUCTOR_CACHE_DIR")
"""Environment variables: where matplotlib keeps its list of fonts, and where torch makes a folder for timm."""


def keep_temporary() -> None:
    """Name a temporary folder as the cache of these libraries, for this process and the processes that it starts.

    A library makes the folder when it needs it; the folder is removed when this process ends. A variable that the user
    has set stays as it is.
    """
    unset = [name for name in CACHE_VARIABLES if name not in os.environ]
    if unset:
        folder = Path(tempfile.gettempdir()) / f"whereshot-{uuid.uuid4().hex}"
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        os.environ.update({name: str(folder / name.lower()) for name in unset})
