"""Caches of libraries: a temporary folder that only exists where a library uses it, and never after the command."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from whereshot.foundation.library_caches import CACHE_VARIABLES

USED = """if True:
    import os, pathlib
    from whereshot.foundation import library_caches
    library_caches.keep_temporary()
    for name in library_caches.CACHE_VARIABLES:
        os.makedirs(os.environ[name], exist_ok=True)
        pathlib.Path(os.environ[name], "kept").touch()
"""
UNUSED = """if True:
    import os
    from whereshot.foundation import library_caches
    library_caches.keep_temporary()
    print(os.listdir(os.environ["TMPDIR"]))
"""
MATPLOTLIB = """if True:
    from whereshot.foundation import library_caches
    library_caches.keep_temporary()
    import os, matplotlib
    print(matplotlib.get_cachedir() == os.environ["MPLCONFIGDIR"])
"""


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    """The folder for temporary files of the processes below."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    return folder


def ran(code: str, temporary: Path, **given: str) -> str:
    """Run code in a process that names no cache but those given, and return what it prints."""
    clean = {name: value for name, value in os.environ.items() if name not in CACHE_VARIABLES}
    environment = clean | {"TMPDIR": str(temporary)} | given
    return subprocess.run(
        [sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True
    ).stdout


def test_a_cache_is_removed_at_the_end(temporary: Path) -> None:
    ran(USED, temporary)
    assert list(temporary.iterdir()) == []


def test_a_cache_that_the_user_names_stays(temporary: Path, tmp_path: Path) -> None:
    ran(USED, temporary, MPLCONFIGDIR=str(tmp_path / "mine"))
    assert list(temporary.iterdir()) == []
    assert (tmp_path / "mine" / "kept").is_file()


def test_no_folder_is_made_where_no_library_needs_it(temporary: Path) -> None:
    assert ran(UNUSED, temporary) == "[]\n"


def test_matplotlib_makes_its_folder_itself(temporary: Path) -> None:
    pytest.importorskip("matplotlib", reason="needs matplotlib (extra draw)")
    assert ran(MATPLOTLIB, temporary) == "True\n"
    assert list(temporary.iterdir()) == []
