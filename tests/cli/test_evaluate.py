"""evaluate and calibrate as scripts use them: models, anyone's tables, and one line for every mistake."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from command_line import Run
from whereshot.earth import sphere
from whereshot.posterior.base import Posterior
from whereshot.posterior.parquet import write
from whereshot.posterior.samples import sample

KEPT = ["photos", "failed", "accuracy", "geoscore", "mean_km", "median_km", "nll", "coverage", "intervals", "protocol"]


# --- models


def test_evaluate_with_a_report(run: Run, tiny: Path, tiny_model: Path, tmp_path: Path) -> None:
    report = tmp_path / "report"
    given = [tiny_model, tiny / "photos.csv", "--include-learned"]
    result = run("evaluate", *given, "--report", report, "--format", "json", "--draws", 50)
    document = result.document
    assert result.code == 0
    kept = ["photos", "failed", "accuracy", "geoscore", "mean_km", "median_km", "nll", "coverage", "intervals"]
    assert {*kept, "protocol", "baselines"} <= document.keys()
    assert (document["photos"], document["failed"], document["accuracy"]["25"]) == (48, 0, 1.0)
    assert json.loads((report / "report.json").read_text()) == document
    table = (report / "report.md").read_text().splitlines()
    assert table[0].startswith("| method | within 1 km, % | within 25 km, % |")
    assert table[2].startswith("| tiny, radii for known places | ")
    assert f"wrote {report}: report.md, report.json, report.html" in result.err
    page = (report / "report.html").read_text()
    assert "trained on" in page and "<img" not in page and not (report / "report.tex").exists()
    told = document["protocol"]
    assert told["track"] == "gallery: pixels, and photos or positions kept to compare with"
    assert told["audit"] == "100.0 % of photos within 1 km of a training photo's place; pictures not compared"
    counted = "the model learned from 48 of the 48 photos; they count, as --include-learned asks"
    assert told["learned photos"] == counted and counted in (report / "report.md").read_text()
    assert document["learned_photos"] == {"given": 48, "learned": 48, "left_out": 0}
    assert f"{tiny / 'photos.csv'}: {counted}" in result.err


def test_photos_that_were_learned_do_not_count(run: Run, tiny: Path, tiny_model: Path, tmp_path: Path) -> None:
    said = "the model learned from all 48 photos; give others, or --include-learned"
    photos = tiny / "photos.csv"
    assert run("evaluate", tiny_model, photos).mistake == said
    assert run("calibrate", tiny_model, photos).mistake == said
    assert run("gallery", photos, "--model", tiny_model, "--out", tmp_path / "none").mistake == said
    table = tmp_path / "photos.csv"
    with Image.open(tiny / "lima-0.png") as image:
        image.transpose(Image.Transpose.FLIP_TOP_BOTTOM).save(tmp_path / "new.png")
    table.write_text(f"path,latitude,longitude\n{tiny / 'lima-0.png'},-12.05,-77.04\nnew.png,-12.05,-77.04\n")
    left = "the model learned from 1 of the 2 photos; they are left out (--include-learned counts them)"
    result = run("evaluate", tiny_model, table, "--beside", "prior", "--draws", 50, "--format", "json")
    assert (result.document["photos"], result.document["protocol"]["learned photos"]) == (1, left)
    assert result.document["learned_photos"] == {"given": 2, "learned": 1, "left_out": 1}
    prior = run("evaluate", "prior", table, "--draws", 50, "--format", "json").document
    assert prior["protocol"]["learned photos"] == "the model learned from none of the 2 photos"
    out = tmp_path / "gallery"
    shown = run("gallery", table, "--model", tiny_model, "--out", out, "--no-text", "--format", "json")
    assert (shown.code, shown.document["shown"], shown.document["photos"]) == (0, 1, 1)
    assert f"{table}: {left}" in shown.err
    counts = json.loads((out / "gallery.json").read_text())["scores"]["learned_photos"]
    assert counts == {"given": 2, "learned": 1, "left_out": 1}
    both = run(
        "gallery",
        table,
        "--model",
        tiny_model,
        "--out",
        out,
        "--no-text",
        "--include-learned",
        "--overwrite",
        "--format",
        "json",
    ).document
    assert both["shown"] == 2 and both["learned_photos"] == {"given": 2, "learned": 1, "left_out": 0}


def test_evaluate_counts_what_failed(run: Run, tiny: Path, tmp_path: Path) -> None:
    table = tmp_path / "photos.csv"
    rows = ["path,latitude,longitude", f"{tiny / 'lima-0.png'},-12,-77", "gone.jpg,1,2", f"{tiny / 'lima-1.png'},95,2"]
    table.write_text("\n".join(rows) + "\n")
    result = run("evaluate", "prior", table)
    assert result.code == 1
    assert result.out.splitlines()[0].startswith("2 photos, 1 of them without an answer. In brackets: intervals, 95 %")
    assert result.out.splitlines()[2].split() == ["prior", "alone"]
    lines = result.err.splitlines()
    assert f"{table}: 1 of 3 rows have no usable position and are left out" in lines
    assert lines[-1] == "1 of 2 photos could not be read and count as misses"


def test_evaluate_refuses(run: Run, tiny: Path, tmp_path: Path) -> None:
    assert run("evaluate", "nowhere", tiny / "photos.csv").mistake == "nowhere: no such model folder"
    gone = tmp_path / "gone"
    assert run("evaluate", "prior", gone).mistake == f"{gone}: no such file or folder"


def test_two_models_side_by_side(run: Run, tiny: Path, tiny_model: Path) -> None:
    result = run(
        "evaluate",
        tiny_model,
        tiny / "photos.csv",
        "--beside",
        "prior",
        "--draws",
        50,
        "--format",
        "json",
        "--include-learned",
    )
    document = result.document
    names = [document["name"], *(row["name"] for row in document["baselines"])]
    assert names[:2] == ["tiny, radii for known places", "prior alone"]
    (win, tie, loss) = document["comparisons"][0]["win_tie_loss"]
    assert (document["comparisons"][0]["second"], win, tie, loss) == ("prior alone", 48, 0, 0)
    low, high = document["comparisons"][0]["differences"]["geoscore"][1:]
    assert 0 < low < high
    assert document["protocol"]["beside"] == "prior"


# --- anyone's tables


@pytest.fixture
def files(tmp_path: Path, rng: np.random.Generator) -> Path:
    """truth.csv of 40 photos, predictions a.csv and b.csv, and spread.parquet; one answer of a.csv is no number."""
    around = np.stack([rng.uniform(-50, 50, (40, 5)), rng.uniform(-170, 170, (40, 5))], axis=-1)
    posterior = Posterior(around, rng.normal(0, 2, (40, 5)), 10 ** rng.uniform(0, 2, (40, 5)))
    truth = sample(posterior, 1, rng)[:, 0]
    ids = [f"{row:02d}" for row in range(40)]
    write(posterior, tmp_path / "spread.parquet", ids)
    tables = {"truth": truth, "a": sphere.move(truth, 40.0, 100.0), "b": posterior.mode()}
    for name, points in tables.items():
        rows = [f"{key},{a:.6f},{b:.6f},u{row // 2}" for row, (key, (a, b)) in enumerate(zip(ids, points, strict=True))]
        if name == "a":
            rows[7] = "07,here,3,u3"
        (tmp_path / f"{name}.csv").write_text("id,latitude,longitude,user\n" + "\n".join(rows) + "\n")
    return tmp_path


def test_predictions_are_scored(run: Run, files: Path) -> None:
    result = run("evaluate", "--predictions", files / "a.csv", "--truth", files / "truth.csv", "--format", "json")
    document = result.document
    assert result.code == 1
    assert {*KEPT} <= document.keys()
    assert (document["name"], document["photos"], document["failed"]) == ("a", 40, 1)
    assert document["accuracy"]["200"] == document["accuracy"]["750"] == 39 / 40
    assert document["nll"] is None and document["coverage"] == {}
    named = "a.csv: row 8 (id 07): latitude is not a number: 'here'; counted as a miss"
    assert document["notes"] == [named] and named in result.err.splitlines()
    assert result.err.splitlines()[-1] == "1 of 40 photos have no usable answer and count as misses"
    assert document["protocol"]["bootstrap_by"] == "user"
    seven = run("evaluate", "--predictions", files / "a.csv", "--truth", files / "truth.csv").out
    assert [line.split("  ")[0] for line in seven.splitlines()[3:10]] == [
        *(
            "within 1 km",
            "within 25 km",
            "within 200 km",
            "within 750 km",
            "within 2,500 km",
            "median error",
            "GeoScore",
        )
    ]
    assert seven.endswith("\nAll scores and the protocol: --all. Figures: --report DIR.\n")
    table = run("evaluate", "--predictions", files / "a.csv", "--truth", files / "truth.csv", "--all")
    assert table.out.splitlines()[2].startswith("| a | 0.0 [0.0, 0.0] | 0.0 [0.0, 0.0] | 97.5 [")


def test_a_report_of_tables(run: Run, files: Path) -> None:
    given = ["--predictions", files / "a.csv", "--truth", files / "truth.csv", "--draws", 20]
    result = run("evaluate", *given, "--all", "--report", files / "r", "--latex", "--problems", files / "problems.csv")
    assert f"wrote {files / 'r'}: report.md, report.json, report.html, report.tex" in result.err.splitlines()
    assert r"\begin{tabular}" in (files / "r" / "report.tex").read_text()
    assert (files / "problems.csv").read_text().splitlines() == [
        "file,row,id,what,counted",
        "a.csv,8,07,latitude is not a number: 'here',counted as a miss",
    ]
    text = (files / "r" / "report.md").read_text()
    assert text.startswith(result.out)
    assert "| a.csv: row 8 (id 07): latitude is not a number: 'here'; counted as a miss |" in text


def test_the_protocol_tells_how_intervals_are_drawn(run: Run, files: Path) -> None:
    given = ["--predictions", files / "a.csv", "--truth", files / "truth.csv", "--draws", 20, "--format", "json"]
    told = run("evaluate", *given).document["protocol"]
    assert told["drawn"] == "each user whole, 20 of them"
    assert told["recentred"].startswith("moved by the draws' bias, so that they centre on the score: kl, entropy_true")
    assert told["track"] == "not stated (--track)"
    assert told["audit"] == "none: what it was trained on is not known"
    assert run("evaluate", *given, "--track", "text").document["protocol"]["track"].startswith("text: text read")


@pytest.fixture
def small_benchmark(files: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A benchmark of the forty photos."""
    from whereshot.photos import test_sets

    keys = [f"{row:02d}" for row in range(40)]
    field = (test_sets.Published("Theirs", "its authors", "image", (1.0, 2.0, 3.0, 4.0, 5.0)),)
    one = test_sets.Benchmark("forty", "Forty", 40, "Numbers.", r"(\d+)(?:\.jpg)?", test_sets.digest(keys), field)
    monkeypatch.setattr(test_sets, "benchmarks", lambda: {"forty": one})
    return files


def test_a_benchmark_is_held_to_its_photos(run: Run, small_benchmark: Path) -> None:
    files = small_benchmark
    rows = (files / "b.csv").read_text().splitlines()
    (files / "few.csv").write_text("\n".join(rows[:31]) + "\n")
    given = ["--truth", files / "truth.csv", "--benchmark", "forty", "--draws", 20]
    result = run(
        "evaluate", "--predictions", files / "few.csv", *given, "--report", files / "r", "--track", "image", "--all"
    )
    assert result.code == 1
    assert result.out.splitlines()[3].startswith("| Theirs (published) | 1.0 | 2.0 | 3.0 | 4.0 | 5.0 |")
    assert "track image: the pixels of the photo alone; benchmark Forty, all 40 photos, by the hash" in result.out
    missing = (files / "r" / "missing.csv").read_text().splitlines()
    assert missing[1:] == [f"few.csv,,{row},no prediction,counted as a miss" for row in range(30, 40)]
    document = json.loads((files / "r" / "report.json").read_text())
    assert (document["photos"], document["failed"], document["benchmark"]["track"]) == (40, 10, "image")
    assert document["benchmark"]["published"][0]["source"] == "its authors"
    truth = (files / "truth.csv").read_text().splitlines()
    (files / "truth.csv").write_text("\n".join(truth[:40]) + "\n")
    said = run("evaluate", "--predictions", files / "b.csv", *given).mistake
    assert said.startswith("Forty has 40 photos; these are 39; give the whole published table as --truth")


def test_missing_pictures_are_listed_and_are_misses(run: Run, small_benchmark: Path, tiny: Path) -> None:
    files = small_benchmark
    rows = [f"{row:02d}.jpg,1,1,{tiny / 'lima-0.png'}" for row in range(38)] + ["38.jpg,1,1,gone.jpg"]
    (files / "have.csv").write_text("id,latitude,longitude,path\n" + "\n".join(rows) + "\n")
    given = ["prior", files / "have.csv", "--benchmark", "forty", "--draws", 20]
    assert "these are 39; give the whole published table" in run("evaluate", *given).mistake
    result = run("evaluate", *given, "--truth", files / "truth.csv", "--report", files / "r", "--all")
    assert result.err.splitlines()[-1] == "2 of 40 photos could not be read and count as misses"
    missing = (files / "r" / "missing.csv").read_text().splitlines()
    assert missing[1:] == ["have.csv,,38,not read,counted as a miss", "have.csv,,39,no picture,counted as a miss"]
    assert "track image: the pixels" in result.out


def test_protocols_are_chosen_and_told(run: Run, files: Path) -> None:
    pair = ["--predictions", files / "b.csv", "--truth", files / "truth.csv", "--format", "json"]
    plain = run("evaluate", *pair).document
    told = plain["protocol"]
    assert (told["radius_km"], told["threshold"], told["distance"]) == (6371.0088, "<=", "great circle (haversine)")
    osv = run("evaluate", *pair, "--radius", 6371, "--threshold", "lt", "--geoscore-rounded", "--draws", 20).document
    told = osv["protocol"]
    assert (told["radius_km"], told["threshold"]) == (6371.0, "<")
    assert told["geoscore"].endswith("each rounded") and "20 draws" in told["intervals"]
    assert osv["mean_km"] == pytest.approx(plain["mean_km"] * 6371 / 6371.0088, rel=1e-9)
    geodesic = run("evaluate", *pair, "--distance", "geodesic").document
    assert geodesic["protocol"]["distance"] == "geodesic on the ellipsoid WGS84"
    assert 1e-6 < abs(geodesic["mean_km"] / plain["mean_km"] - 1) < 0.005


def test_distributions_are_scored(run: Run, files: Path) -> None:
    given = ["--posterior", files / "spread.parquet", "--truth", files / "truth.csv", "--format", "json"]
    document = run("evaluate", *given).document
    assert document["name"] == "spread"
    assert document["nll"] < math.log(4 * math.pi) and set(document["coverage"]) == {"50", "80", "90", "95"}
    assert {"ece_200", "brier_25", "region_area_90_km2", "recall_10000_km2"} <= document["scores"].keys()
    assert {"reliability_200", "risk_200", "recall_by_area"} <= document["curves"].keys()
    with_points = run("evaluate", "--predictions", files / "b.csv", *given).document
    assert (with_points["name"], with_points["nll"]) == ("b", pytest.approx(document["nll"]))


def test_files_side_by_side(run: Run, files: Path) -> None:
    pair = ["--predictions", f"near={files / 'a.csv'}", "--predictions", files / "b.csv"]
    document = run("evaluate", *pair, "--truth", files / "truth.csv", "--format", "json").document
    (comparison,) = document["comparisons"]
    assert (comparison["first"], comparison["second"]) == ("near", "b")
    assert sum(comparison["win_tie_loss"]) == 40
    assert 0 <= comparison["wilcoxon_p"] <= 1
    difference = comparison["differences"]["accuracy_200"]
    assert difference[0] == pytest.approx(document["accuracy"]["200"] - document["baselines"][0]["accuracy"]["200"])


def test_tables_need_no_torch(files: Path) -> None:
    code = (
        "import sys; sys.modules['torch'] = None; from whereshot.cli import main; "
        f"sys.argv = ['whereshot', 'evaluate', '--predictions', {str(files / 'b.csv')!r}, "
        f"'--posterior', {str(files / 'spread.parquet')!r}, '--truth', {str(files / 'truth.csv')!r}]; main()"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "evaluate takes MODEL RECORDS, or --predictions FILE --truth FILE"),
        (["prior"], "evaluate takes MODEL RECORDS, or --predictions FILE --truth FILE"),
        (
            ["prior", "truth.csv", "--truth", "truth.csv"],
            "--truth goes with --predictions or --posterior; a model is scored on RECORDS",
        ),
        (
            ["prior", "truth.csv", "--predictions", "a.csv"],
            "give either a model or --predictions and --posterior, not both",
        ),
        (["--predictions", "a.csv"], "predictions are scored against the true positions: give --truth FILE"),
        (["--predictions", "gone.csv", "--truth", "truth.csv"], "gone.csv: no such file"),
        (
            ["--predictions", "a.csv", "--predictions", "a.csv", "--truth", "truth.csv"],
            "two files are called 'a'; give them names as NAME=FILE",
        ),
        (
            ["--predictions", "a.csv", "--truth", "truth.csv", "--radius", "3959"],
            "radius 3959 km is not the Earth's; known: 6371.0088, 6371, 6372.795, 6378.137",
        ),
        (["--predictions", "a.csv", "--truth", "truth.csv", "--latex"], "--latex goes with --report DIR"),
        (
            ["--predictions", "a.csv", "--truth", "truth.csv", "--benchmark", "im2gps"],
            "IM2GPS has 237 photos; these are 40; give the whole published table as --truth: missing photos count as "
            "misses",
        ),
        (
            ["--predictions", "a.csv", "--truth", "truth.csv", "--benchmark", "imagenet"],
            "no benchmark 'imagenet'; known: im2gps, im2gps3k, osv5m, yfcc26k, yfcc4k",
        ),
        (
            ["--predictions", "a.csv", "--truth", "truth.csv", "--cluster", "album"],
            "truth.csv: no column 'album' to group photos by",
        ),
    ],
)
def test_evaluate_refuses_what_does_not_fit(
    run: Run,
    files: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(files)
    assert run("evaluate", *arguments).mistake == said


# --- calibrate


def test_calibrate_on_distributions(run: Run, files: Path) -> None:
    out = files / "calibration.json"
    given = ["--posterior", files / "spread.parquet", "--truth", files / "truth.csv"]
    result = run("calibrate", *given, "--by", "confidence", "--out", out, "--format", "json")
    assert (result.code, result.err) == (0, f"wrote {out}\n")
    document = result.document
    assert json.loads(out.read_text()) == document
    assert (document["photos"], document["by"], document["circles"]["90"]["all"] > 0) == (40, "confidence", True)
    told = run("calibrate", *given).out.splitlines()
    assert told[0] == "40 held-out photos"
    assert told[-1].startswith("Assumption: the held-out and the new photos are exchangeable")


def test_a_calibration_is_applied(run: Run, files: Path) -> None:
    """Circles that are corrected on the very photos hold at least their level of them."""
    given = ["--posterior", files / "spread.parquet", "--truth", files / "truth.csv"]
    out = files / "calibration.json"
    assert run("calibrate", *given, "--by", "confidence", "--out", out).code == 0
    document = run("evaluate", *given, "--calibration", out, "--format", "json").document
    assert document["protocol"]["calibration"] == "calibration.json"
    for level in ("50", "80", "90"):
        assert float(level) / 100 <= document["coverage"][level] <= float(level) / 100 + 0.1
    (files / "other.json").write_text("{}")
    said = run("evaluate", *given, "--calibration", files / "other.json").mistake
    assert said == "not a calibration: it has no 'circles'; make one with: whereshot calibrate"


def test_calibrate_a_model(run: Run, tiny: Path, tiny_model: Path) -> None:
    result = run("calibrate", tiny_model, tiny / "photos.csv", "--include-learned")
    assert result.code == 0
    lines = result.out.splitlines()
    assert lines[0] == "48 held-out photos"
    assert [line.split(":")[0] for line in lines[1:3]] == [
        "temperature of level 1 (4 cells)",
        "temperature of level 2 (6 cells)",
    ]


def test_calibrate_refuses(run: Run, files: Path) -> None:
    assert run("calibrate").mistake == "calibrate takes MODEL RECORDS, or --posterior FILE --truth FILE"
    assert (
        run("calibrate", "prior", files / "truth.csv").mistake
        == "the prior has nothing to calibrate; give a model folder"
    )
    given = ["--posterior", files / "spread.parquet", "--truth", files / "truth.csv"]
    assert (
        run("calibrate", *given, "--by", "album").mistake
        == f"{files / 'truth.csv'}: no column 'album' to group photos by"
    )
