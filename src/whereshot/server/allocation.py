"""Return the memory of large buffers to the system, where the C library allows it."""

from __future__ import annotations

import contextlib
import ctypes

_MMAP_THRESHOLD = -3  # glibc's M_MMAP_THRESHOLD
_LARGE = 128 * 1024


def return_large_buffers() -> None:
    """Make every large buffer a mapping of its own, which goes back to the system when it is freed.

    This is the default of glibc only until the first large buffer is freed. After that glibc keeps buffers of up to
    32 MB, and the process stays as large as its largest uploads.
    """
    with contextlib.suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL(None).mallopt(_MMAP_THRESHOLD, _LARGE)
