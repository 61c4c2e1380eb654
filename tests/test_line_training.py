"""Training on rendered lines: batches of a thread, shards, the printed curve, and words kept apart for tests."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("fontTools")

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

import line_training  # noqa: E402
import rendered_lines  # noqa: E402
import train_line_readers  # noqa: E402
import train_line_scripts  # noqa: E402

from whereshot.evidence.line_scripts import CLASSES  # noqa: E402


def test_batches_come_in_their_order_and_end() -> None:
    assert list(line_training.ahead(iter(range(20)))) == list(range(20))


def test_an_error_of_the_batches_is_raised_where_they_are_used() -> None:
    def batches() -> Iterator[int]:
        yield 1
        raise OSError("the shard is damaged")

    ready = line_training.ahead(batches())
    assert next(ready) == 1
    with pytest.raises(OSError, match="the shard is damaged"):
        next(ready)


def test_a_training_without_lines_says_so(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    for batches in (
        train_line_readers.of_all(tmp_path, {"Thai": "ก"}, rng),
        train_line_scripts.batches(tmp_path, rng),
    ):
        with pytest.raises(SystemExit, match=r"^train_line_\w+: .* in .*; draw some with the step render$"):
            next(line_training.ahead(batches))


def test_the_lines_of_a_shard_come_back_with_what_belongs_to_them(tmp_path: Path) -> None:
    lines = [np.full((40, width), width, np.uint8) for width in (9, 1, 30)]
    line_training.write_shard(tmp_path / "Thai0001.npz", lines, texts=np.array(["ก", "ข", ""]))
    read, arrays = line_training.read_shard(tmp_path / "Thai0001.npz")
    assert [line.tolist() for line in read] == [line.tolist() for line in lines]
    assert {name: values.tolist() for name, values in arrays.items()} == {"texts": ["ก", "ข", ""]}


def test_the_curve_has_a_row_for_every_doubling_and_the_last(capsys: pytest.CaptureFixture[str]) -> None:
    curve = [(lines, lines / 100, {"loss": 1.0}) for lines in range(3_000, 60_000, 3_000)]
    line_training.print_curve({"curve": curve, "seen": curve[-1][0]}, ["loss", "right"])
    rows = capsys.readouterr().out.splitlines()[2:]
    assert [row.split(" | ")[0] for row in rows] == ["| 12,000", "| 21,000", "| 42,000", "| 57,000"]
    assert rows[0] == "| 12,000 | 2 | 1.00 |  |"


def test_scripts_in_tables_of_the_training_are_classes() -> None:
    assert set(rendered_lines.VERTICAL) | set(train_line_readers.WEIGHTS) | set(train_line_scripts.COMMON) <= {*CLASSES}
    assert train_line_scripts.SHARES.sum() == pytest.approx(1)
