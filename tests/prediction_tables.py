"""Tables of predictions and of the truth, for the tests of the evaluation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

from whereshot.evaluate import Answers, Truth
from whereshot.evaluate.tables import Problems, read_answers, read_truth

N = 30


@pytest.fixture
def places(rng: np.random.Generator) -> NDArray:
    """Where thirty photos were taken: all over, none where its latitude could be its longitude."""
    return np.stack([rng.uniform(-60, 60, N), rng.uniform(60, 170, N) * rng.choice([-1, 1], N)], axis=1)


def write(path: Path, columns: dict[str, Any]) -> Path:
    """A table in the format of its name."""
    if path.suffix == ".parquet":
        pq.write_table(pa.table(columns), path)
        return path
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    if path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        path.write_text("\n".join([",".join(columns), *(",".join(map(str, row.values())) for row in rows)]) + "\n")
    return path


def table(points: NDArray, **more: Any) -> dict[str, Any]:
    return {
        "id": [f"{row:03d}" for row in range(len(points))],
        "latitude": points[:, 0].tolist(),
        "longitude": points[:, 1].tolist(),
        **more,
    }


@pytest.fixture
def truth(places: NDArray, tmp_path: Path) -> Truth:
    return read_truth(write(tmp_path / "truth.csv", table(places)), {}, None, Problems())


def read(path: Path, truth: Truth, **columns: str) -> tuple[Answers, Problems]:
    problems = Problems()
    return read_answers(path, truth, columns, "them", problems), problems
