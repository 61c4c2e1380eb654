"""Keeps remarks of libraries off stderr: what reaches the user is an error in one line, or an answer."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
import warnings


def ignore_warnings() -> None:
    """Show no Python warnings, in this process and in the Python processes that it starts.

    Where the user asked for warnings, by ``python -W`` or by the variable PYTHONWARNINGS, they stay.
    """
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
        os.environ["PYTHONWARNINGS"] = "ignore"


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
