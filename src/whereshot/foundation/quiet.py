"""Keeps libraries quiet: no remarks on stderr, which is for answers and errors, and no files of their own that stay."""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import os
import shutil
import sys
import tempfile
import warnings

CACHE_VARIABLES = ("MPLCONFIGDIR", "TORCHINDUCTOR_CACHE_DIR")
"""Where matplotlib keeps a list of fonts, and where torch makes a folder as soon as timm is imported."""


def ignore_warnings() -> None:
    """Show no Python warnings, in this process and in the Python processes that it starts.

    Where the user asked for warnings, by ``python -W`` or by the variable PYTHONWARNINGS, they stay.
    """
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
        os.environ["PYTHONWARNINGS"] = "ignore"


def keep_caches_temporary() -> None:
    """Give caches of libraries a temporary folder, which is removed when this process ends.

    Processes that this one starts use it as well. A folder that the user named by a variable stays as it is.
    """
    unset = [name for name in CACHE_VARIABLES if name not in os.environ]
    if unset:
        folder = tempfile.mkdtemp(prefix="whereshot-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        os.environ.update({name: os.path.join(folder, name.lower()) for name in unset})


def silence_libtiff() -> None:
    """Stop libtiff from printing what it thinks of a damaged picture; Pillow raises an error for it anyway.

    Does nothing where Pillow's libtiff cannot be found.
    """
    from PIL import _imaging

    with contextlib.suppress(OSError, AttributeError):
        library = ctypes.CDLL(_imaging.__file__)  # which finds the functions of the libraries that Pillow uses
        for function in (library.TIFFSetErrorHandler, library.TIFFSetWarningHandler):
            function.argtypes, function.restype = [ctypes.c_void_p], ctypes.c_void_p
            function(None)
