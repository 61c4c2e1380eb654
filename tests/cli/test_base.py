"""What the commands share: pairs of options, results of jobs, and tables with positions."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from waiting import PATIENCE_S
from whereshot.cli import base
from whereshot.foundation.errors import InputError


def test_pairs_keep_a_value_with_an_equals_sign() -> None:
    assert base.pairs(["latitude=LAT", " key = a=b "], "--set") == {"latitude": "LAT", "key": "a=b"}
    assert base.pairs(None, "--set") == {}


@pytest.mark.parametrize("text", ["latitude", "=LAT", "latitude="])
def test_other_forms_of_pairs_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="--column takes name=value; got"):
        base.pairs([text], "--column")


def test_a_job_that_kept_nothing_is_an_error_with_its_reasons() -> None:
    document = {"rows": 3, "kept": 0, "rejected": {"no position": 2, "unreadable": 1}, "seconds": 0.1}
    with pytest.raises(InputError, match="none of 3 rows can be used: 2 no position, 1 unreadable; see rejects"):
        base.print_kept(document, Path("out"), Path("rejects"), "table")


def test_a_job_lists_what_it_rejected(capsys: pytest.CaptureFixture[str]) -> None:
    document = {"rows": 3, "kept": 2, "rejected": {"no position": 1}, "seconds": 0.1}
    base.print_kept(document, Path("out"), Path("rejects"), "table")
    assert capsys.readouterr().out.splitlines() == [
        "2 of 3 kept in out (0.1 s)",
        "  rejected: 1 no position",
        "  listed in rejects",
    ]


def test_rows_without_a_position_are_left_out_and_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "photos.csv"
    table.write_text("id,LAT,LON\na,48.86,2.35\nb,,\nc,35.68,139.76\n")
    records = base.read_records(table, ["latitude=LAT", "longitude=LON"])
    assert np.allclose(records.points, [[48.86, 2.35], [35.68, 139.76]])
    assert "1 of 3 rows have no usable position and are left out" in capsys.readouterr().err


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a pseudo-terminal")
def test_words_from_right_to_left_are_set_off_on_a_screen_only(capfd: pytest.CaptureFixture[str]) -> None:
    program = "from whereshot.cli import base; base.print_words('Read \"שלום 12\": x'); base.say('שלום')"
    ours, theirs = os.openpty()
    subprocess.run([sys.executable, "-c", program], stdout=theirs, stderr=theirs, check=True, timeout=PATIENCE_S)
    os.close(theirs)
    shown = os.read(ours, 1000).decode()
    os.close(ours)
    assert sorted(shown.splitlines()) == ['Read "\u2068שלום 12\u2069": x', "\u2068שלום\u2069"]
    piped = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, timeout=PATIENCE_S)
    assert (piped.stdout.decode().strip(), piped.stderr.decode().strip()) == ('Read "שלום 12": x', "שלום")


def test_an_answer_goes_to_stdout_or_into_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    base.print_answer("two\nlines", None)
    assert capsys.readouterr() == ("two\nlines\n", "")
    base.print_answer("two\nlines", tmp_path / "answer.txt")
    assert (tmp_path / "answer.txt").read_text() == "two\nlines\n"
    assert capsys.readouterr() == ("", f"wrote {tmp_path / 'answer.txt'}\n")
