"""Open a network for ONNX Runtime on one thread of the CPU."""

from __future__ import annotations

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
