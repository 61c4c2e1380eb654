"""How a process's memory goes back to the system, where the C library can be told."""

from __future__ import annotations

import contextlib
import ctypes

_MMAP_THRESHOLD = -3  # glibc's M_MMAP_THRESHOLD
_LARGE = 128 * 1024


def return_large_buffers() -> None:
    """Let every large buffer be a mapping of its own, which is gone when it is freed.

    glibc begins so, but learns from the first large buffer that is freed to keep those up to 32 MB, and uploads then
    leave the process as large as it ever was.
    """
    with contextlib.suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL(None).mallopt(_MMAP_THRESHOLD, _LARGE)
