"""The command curate: counts on stdout, one line and exit 2 where nothing comes of it."""

from __future__ import annotations

from pathlib import Path

from command_line import Run
from curating import picture, rejects_of, write_records
from whereshot.photos.records import Records


def test_curate_says_what_stays_and_why_the_rest_goes(run: Run, tmp_path: Path) -> None:
    rows = []
    for number in range(6):
        path = tmp_path / f"{number}.jpg"
        picture(number % 4).save(path)  # the last two are copies
        rows.append({"id": f"p{number}", "image": str(path), "latitude": 1.0, "longitude": 2.0, "scene_indoor": 0.9})
    rows[0] |= {"scene_indoor": 0.1}
    for row in rows:
        row |= {"scene_natural": 0.9 - row["scene_indoor"], "scene_urban": 0.1}
    source = write_records(tmp_path / "in.parquet", rows)
    steps = [
        "--verify",
        "--faces",
        0.035,
        "--scene",
        "indoor",
        "--duplicates",
        "--balance",
        2,
        "--balance-by",
        "country",
    ]
    done = run("curate", source, "--out", tmp_path / "out", *steps, "--format", "json")
    assert done.code == 0, done.err
    document = done.document
    assert document.pop("seconds") > 0
    assert document == {
        "rows": 6,
        "kept": 2,
        "rejected": {"balance": 2, "duplicate bytes": 1, "other scene": 1},
    }
    assert len(Records.read(tmp_path / "out")) == 2
    assert rejects_of(tmp_path / "out")["p5"] == ("duplicate bytes", f"the same bytes as 'p1' ({tmp_path / '1.jpg'})")
    again = run("curate", source, "--out", tmp_path / "out", *steps)
    assert again.out.startswith(f"2 of 6 kept in {tmp_path / 'out'} (")
    assert "  rejected: 1 duplicate bytes\n" in again.out


def test_what_is_wrong_is_one_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"x")
    source = write_records(tmp_path / "in.parquet", [{"id": "a", "image": str(tmp_path / "a.jpg")}])
    for arguments, message in (
        ((), "nothing to do; give a step, as --verify or --duplicates"),
        (("--look-bits", 3), "--look-bits goes with --duplicates"),
        (("--verify", "--engine", "flink"), "no engine 'flink'; known: local, spark"),
        (("--verify",), f"none of 1 photos is left: 1 too small; see {tmp_path / 'out' / 'rejects'}"),
    ):
        assert run("curate", source, "--out", tmp_path / "out", *arguments).mistake == message
