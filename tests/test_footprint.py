"""What commands leave on the machine and whom they ask: nothing beyond what the user asked for.

Every command runs once with an empty home and an empty temporary folder. Those that open connections or start processes
run alone; the others run in one process, and with the slow tests each of them alone too. Where the machine allows a
network of its own (Linux, root, the programs unshare and ip), look-ups and connections of native libraries are seen.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.main import get_command

import footprint_cases
from footprint_cases import CASES, Case, folder_of
from footprint_watch import Footprint, native_missing, watch, watch_all, watch_together
from whereshot.cli import app

EXAMPLE = Path(__file__).parents[1] / "examples" / "village-sign.jpg"
IMPORTED = "import whereshot, onnxruntime"


ALONE = {name: case for name, case in CASES.items() if not case.slow and not case.together}
TOGETHER = {name: case for name, case in CASES.items() if case.together}
SPARK = {name: case for name, case in CASES.items() if case.slow}
GROUP = "together"
"""The name of what the process of all TOGETHER did."""


def need_libraries() -> None:
    """Skip, and say what is missing, where a library is missing that some command needs."""
    for module in ("torch", "matplotlib", "onnx", "fastapi", "uvicorn", "aiohttp"):
        pytest.importorskip(module, reason=f"needs {module}")


@pytest.fixture(scope="module")
def footprints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Footprint]:
    """What every case of ALONE did, and all of TOGETHER as GROUP."""
    need_libraries()
    work = tmp_path_factory.mktemp("footprint")
    return run_cases(work, ALONE) | {GROUP: watch_together(work, work / "given", list(TOGETHER))}


@pytest.fixture(scope="module")
def lonely_footprints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Footprint]:
    """What every case of TOGETHER did alone."""
    need_libraries()
    before = {case.after: CASES[case.after] for case in TOGETHER.values() if case.after is not None}
    return run_cases(tmp_path_factory.mktemp("footprint"), before | TOGETHER)


def run_cases(work: Path, cases: dict[str, Case]) -> dict[str, Footprint]:
    """Write the inputs and run cases."""
    given = work / "given"
    given.mkdir()
    footprint_cases.write_inputs(given, EXAMPLE)
    return watch_all(work, given, cases)


def needs_native() -> None:
    """Skip, and say what is missing, where native look-ups are not seen."""
    if native_missing() is not None:
        pytest.skip(native_missing())


def commands(group: typer.core.TyperGroup, words: tuple[str, ...] = ()) -> Iterator[str]:
    """The words of every command of the program."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*words, name))
        else:
            yield " ".join((*words, name))


def test_every_command_has_a_case() -> None:
    known = set(commands(get_command(app)))
    assert len(known) > 30
    assert known - set(CASES) == set()


@pytest.mark.parametrize("name", ALONE)
def test_a_command_leaves_and_asks_nothing_else(name: str, footprints: dict[str, Footprint]) -> None:
    check_case(CASES[name], footprints[name])


def test_commands_in_one_process_leave_and_ask_nothing_else(footprints: dict[str, Footprint]) -> None:
    seen = footprints[GROUP]
    assert seen.status == 0, seen.stderr
    assert seen.strays(may_cache=any(case.caches for case in TOGETHER.values())) == []
    writing = {folder_of(name) for name, case in TOGETHER.items() if any("{out}" in part for part in case.command)}
    assert {path.split("/")[0] for path in seen.asked} == writing
    assert "Warning" not in seen.stderr and "Traceback" not in seen.stderr


@pytest.mark.slow
@pytest.mark.parametrize("name", TOGETHER)
def test_a_command_alone_leaves_and_asks_nothing_else(name: str, lonely_footprints: dict[str, Footprint]) -> None:
    check_case(CASES[name], lonely_footprints[name])


@pytest.mark.slow
@pytest.mark.parametrize("name", SPARK)
def test_spark_leaves_and_asks_nothing_else(name: str, tmp_path: Path) -> None:
    pytest.importorskip("pyspark", reason="needs PySpark: pip install '.[spark]' in the source folder")
    check_case(CASES[name], run_cases(tmp_path, {name: CASES[name]})[name])


def check_case(case: Case, seen: Footprint) -> None:
    """Fail where a command did something that nobody asked for."""
    assert seen.status == case.status, seen.stderr
    assert seen.strays(case.named, case.caches) == []
    assert any("{out}" in part for part in case.command) == bool(seen.asked) or case.status
    assert "Warning" not in seen.stderr and "Traceback" not in seen.stderr


def test_worker_processes_are_watched(footprints: dict[str, Footprint]) -> None:
    for name in ("learn", "batch", "serve"):
        assert footprints[name].processes >= 2, name


def test_a_server_that_the_user_names_is_the_only_one_that_is_asked(footprints: dict[str, Footprint]) -> None:
    for name in ("fetch", "ingest flickr", "ingest mapillary", "ingest streetview", "models get"):
        assert footprints[name].addresses == ("127.0.0.1",), name
        assert footprints[name].names == (), name


def test_the_package_leaves_nothing_when_a_program_imports_it(tmp_path: Path) -> None:
    seen = watch([sys.executable, "-c", f"{IMPORTED}; whereshot.Geolocator.load()"], tmp_path)
    assert (seen.status, seen.stderr, seen.strays()) == (0, "", [])


def test_a_switch_that_the_user_set_is_left_alone() -> None:
    code = "import os, whereshot; print(os.environ['ORT_DISABLE_TELEMETRY'])"
    for given, wanted in (({}, "1\n"), ({"ORT_DISABLE_TELEMETRY": "0"}, "0\n")):
        environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"} | given
        ran = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
        assert ran.stdout == wanted


def test_files_that_stay_are_seen(tmp_path: Path) -> None:
    """Were the watch blind, the tests above would pass on anything."""
    code = (
        "import os, pathlib, tempfile; pathlib.Path.home().joinpath('.mark').touch(); tempfile.mkdtemp(prefix='mark');"
        " open('mark', 'w').close(); print(os.getcwd())"
    )
    seen = watch([sys.executable, "-c", code], tmp_path / "work")
    assert seen.left[0] == "home/.mark"
    assert seen.left[1].startswith("temporary/mark")
    assert seen.left[2:] == ("here/mark",)
    assert seen.stdout.strip() == str(tmp_path / "work" / "here")


def test_files_elsewhere_and_programs_are_seen(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    code = f"import subprocess; open({str(outside)!r}, 'w').close(); subprocess.run(['true'])"
    seen = watch([sys.executable, "-c", code], tmp_path / "work")
    assert seen.strays() == [f"writes {outside}"]
    assert seen.programs == ("true",)


def test_look_ups_and_connections_of_python_are_seen(tmp_path: Path) -> None:
    code = """if True:
        import contextlib, multiprocessing, socket
        with contextlib.suppress(OSError):
            socket.getaddrinfo("name.invalid", 80)
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.2", 9))
    """
    seen = watch([sys.executable, "-c", code], tmp_path)
    assert seen.strays(frozenset({"127.0.0.9"})) == ["looks up name.invalid", "connects to 127.0.0.2"]
    assert seen.strays(frozenset({"name.invalid", "127.0.0.2"})) == []


def test_look_ups_and_connections_of_native_code_are_seen(tmp_path: Path) -> None:
    needs_native()
    code = """if True:
        import ctypes, os
        library = ctypes.CDLL(None)
        library.getaddrinfo(b"native.invalid", None, None, ctypes.byref(ctypes.c_void_p()))
        address = (2).to_bytes(2, "little") + (443).to_bytes(2, "big") + bytes([192, 0, 2, 7]) + bytes(8)
        library.connect(library.socket(2, 1, 0), address, len(address))
    """
    seen = watch([sys.executable, "-c", code], tmp_path)
    assert seen.strays() == ["looks up native.invalid", "connects to 192.0.2.7"]
