"""Open a network for ONNX Runtime on one thread of the CPU, and find out what suits this CPU."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnxruntime


def open_session(network: str | bytes) -> onnxruntime.InferenceSession:
    """Return a session of a network: the path of its file, or the content of the file.

    It uses one thread, because several processes share the work. It logs errors only, no warnings. What ONNX Runtime
    raises on a file that it cannot read is passed on; it has no common class.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])


INT8_FLAGS = frozenset({"avx512_vnni", "avx_vnni"})
"""What Linux calls the instructions of x86 that multiply whole numbers of 8 bits and add them up."""


def has_int8_instructions(cpu_info: Path = Path("/proc/cpuinfo")) -> bool:
    """Return whether this CPU computes networks in whole numbers of 8 bits fast and without overflow.

    ``cpu_info`` is the file in which Linux describes the CPU. The answer is no on other systems and other CPUs, where
    that was not measured: such a network can be slower there, and less exact.
    """
    try:
        lines = cpu_info.read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return False
    flags = next((line.partition(":")[2].split() for line in lines if line.startswith("flags")), [])
    return not INT8_FLAGS.isdisjoint(flags)
