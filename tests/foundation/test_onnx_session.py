"""Networks run on one thread, from a path or from bytes, and bad files leave nothing on stderr."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from whereshot.foundation.onnx_session import has_int8_instructions, open_session
from whereshot.foundation.package_data import read_bytes

NETWORK = "evidence/data/line_scripts.onnx"


def test_a_path_and_its_bytes_are_one_network_on_one_thread(tmp_path: Path) -> None:
    path = tmp_path / "network.onnx"
    path.write_bytes(read_bytes(NETWORK))
    lines = np.random.default_rng(1).normal(size=(1, 1, 32, 64)).astype(np.float32)
    answers = []
    for network in (str(path), path.read_bytes()):
        session = open_session(network)
        options = session.get_session_options()
        assert (options.intra_op_num_threads, options.inter_op_num_threads) == (1, 1)
        answers.append(session.run(None, {"lines": lines, "widths": np.array([64], np.float32)})[0])
    np.testing.assert_array_equal(*answers)


@pytest.mark.parametrize("content", [b"", b"no network"])
def test_a_bad_file_raises_and_prints_nothing(content: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Exception, match=r"(?i)load|protobuf|model"):
        open_session(content)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("processor : 0\nflags\t\t: fpu sse avx2 avx512_vnni\n", True),
        ("processor : 0\nflags\t\t: fpu avx2 avx_vnni amx_int8\n", True),
        ("processor : 0\nflags\t\t: fpu sse avx2 avx512f\n", False),
        ("processor : 0\nFeatures : fp asimd\n", False),
        ("", False),
    ],
)
def test_the_flags_of_the_cpu_say_whether_it_has_int8_instructions(
    content: str, expected: bool, tmp_path: Path
) -> None:
    (tmp_path / "cpuinfo").write_text(content)
    assert has_int8_instructions(tmp_path / "cpuinfo") is expected


def test_without_a_description_of_the_cpu_there_are_no_int8_instructions(tmp_path: Path) -> None:
    assert has_int8_instructions(tmp_path / "cpuinfo") is False
