"""The commands refine fit, apply, switch and tracks: what they refuse, and the file of tracks."""

from __future__ import annotations

from pathlib import Path

import pytest

from command_line import Run
from whereshot.evidence.neighbours import AlbumModel


@pytest.fixture
def walk(tmp_path: Path) -> Path:
    """A table of 150 photos, five minutes and about a kilometre apart."""
    rows = ["id,latitude,longitude,taken_at"]
    for number in range(150):
        hour, minute = divmod(5 * number, 60)
        rows.append(f"p{number},{48.0 + 0.009 * number:.4f},2.35,2024-05-01T{hour:02d}:{minute:02d}:00Z")
    (tmp_path / "walk.csv").write_text("\n".join(rows) + "\n")
    return tmp_path / "walk.csv"


def test_tracks_end_to_end(run: Run, walk: Path, tmp_path: Path) -> None:
    out = tmp_path / "walk.toml"
    document = run("refine", "tracks", walk, "--out", out, "--format", "json").document
    spreads = list(document["spread_km_by_hours"].values())
    assert document["pairs"] > 0 and spreads == sorted(spreads)
    assert AlbumModel.load(out).pairs == document["pairs"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["tracks", "WALK", "--out", "walk.json"], "--out names a .toml file; got walk.json"),
        (["apply", "refiner", "WALK", "--out", "a.csv"], "--out names a .parquet file; got a.csv"),
        (
            ["apply", "refiner", "WALK", "--out", "a.parquet", "--posterior", "b.parquet", "--model", "compact"],
            "give either --posterior or --model",
        ),
        (["switch", "WALK", "--out", "a.parquet", "--expert", "indoor"], "--expert takes name=value; got 'indoor'"),
    ],
)
def test_refine_refuses(run: Run, walk: Path, arguments: list[str], message: str) -> None:
    assert message in run("refine", *(str(walk) if word == "WALK" else word for word in arguments)).mistake
