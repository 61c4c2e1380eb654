"""Pipes, devices and open files: they get the bytes and are not replaced."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from whereshot.foundation import output_files
from whereshot.foundation.errors import OutputError
from whereshot.foundation.output_streams import is_stream

WRITE = """
from whereshot.foundation import output_files
print("before")
output_files.check_file("/dev/stdout")
output_files.write_text("/dev/stdout", "the answer\\n")
print("after")
"""


def test_what_is_a_stream(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("/dev/stdout")
    streams = ["/dev/stdout", "/dev/fd/1", "/dev/null", "/proc/self/fd/2", tmp_path / "pipe", tmp_path / "link"]
    assert [is_stream(Path(path)) for path in streams] == [True] * len(streams)
    assert not any(map(is_stream, (tmp_path / "file", tmp_path, tmp_path / "gone")))


def test_standard_output_into_a_pipe_and_into_a_file(tmp_path: Path) -> None:
    run = subprocess.run([sys.executable, "-c", WRITE], capture_output=True, text=True)
    assert (run.stdout, run.stderr) == ("before\nthe answer\nafter\n", "")
    kept = tmp_path / "kept.txt"
    kept.write_text("earlier\n")
    with kept.open("a") as file:  # as the shell's >>
        subprocess.run([sys.executable, "-c", WRITE], stdout=file, check=True)
    assert kept.read_text() == "earlier\nbefore\nthe answer\nafter\n"


@pytest.mark.parametrize("path", ["/dev/stderr", "/dev/fd/2", "/proc/self/fd/2"])
def test_standard_error_gets_the_answer_while_remarks_are_hidden(path: str) -> None:
    code = f"""if True:
        import sys
        from whereshot.foundation import library_remarks, output_files
        with library_remarks.hidden():
            print("before", file=sys.stderr)
            output_files.check_file("{path}")
            output_files.write_text("{path}", "the answer\\n")
            print("after", file=sys.stderr)
    """
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (run.stdout, run.stderr) == ("", "before\nthe answer\nafter\n")


def test_an_answer_of_the_command_line_reaches_standard_error(tmp_path: Path) -> None:
    photo = Path(__file__).parents[2] / "examples" / "village-sign.jpg"
    command = ["locate", str(photo), "--no-text", "--format", "json", "--out", "/dev/stderr"]
    run = subprocess.run([sys.executable, "-m", "whereshot.cli", *command], capture_output=True, text=True, check=True)
    assert json.loads(run.stderr.removesuffix("wrote /dev/stderr\n"))["predictions"]


def test_an_open_file_of_another_process_is_not_ours(tmp_path: Path) -> None:
    """What another process has open as its number 1 is not the standard output of this process."""
    if not Path("/proc/self/fd").is_dir():
        pytest.skip("needs /proc")
    theirs = tmp_path / "theirs.txt"
    with theirs.open("wb") as file, subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=file) as other:
        place = f"/proc/{other.pid}/fd/1"
        code = f"from whereshot.foundation import output_files; output_files.write_text({place!r}, 'x')"
        run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        other.communicate()
    assert (run.stdout, run.stderr) == ("", "")
    assert theirs.read_text() == "x"


def test_a_pipe_gets_the_bytes_and_stays(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    output_files.write_bytes(pipe, b"x" * 300_000)
    reader.join()
    assert read == [b"x" * 300_000]
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert [path.name for path in tmp_path.iterdir()] == ["pipe"]


def test_a_full_device_is_one_line() -> None:
    with pytest.raises(OutputError, match=r"^/dev/full: cannot be written \(No space left on device\); make room"):
        output_files.write_text("/dev/full", "x")
