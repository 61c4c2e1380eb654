"""The audit: every kind of leak is found, named by the training photo that it is of, and left out on demand."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from command_line import Run
from curating import clean, picture, rejects_of, write_records
from whereshot.foundation.errors import InputError
from whereshot.photos.curate import audit as auditing
from whereshot.photos.curate.audit import audit, read_line
from whereshot.photos.records import Records

NOON = datetime.datetime(2012, 7, 1, 12, tzinfo=datetime.UTC)


def row(name: str, latitude: float, **more: object) -> dict:
    return {"id": name, "latitude": latitude, "longitude": 10.0, **more}


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Ten training photos; one test photo for each kind of leak, and one of none."""
    folder = tmp_path_factory.mktemp("audit")

    def save(name: str, seed: int, quality: int = 95) -> str:
        picture(seed).save(folder / f"{name}.jpg", quality=quality)
        return str(folder / f"{name}.jpg")

    train = [
        row(
            f"train {number}",
            float(number),
            image=save(f"train-{number}", number),
            user=f"u{number}",
            album=f"a{number}",
            sequence=f"s{number}",
            taken_at=NOON + datetime.timedelta(hours=number),
        )
        for number in range(10)
    ]
    test = [
        row("bytes", 50.0, image=save("bytes", 3), user="v0"),
        row("look", 51.0, image=save("look", 4, quality=40), user="v1"),
        row("user", 52.0, image=save("user", 102), user="u5"),
        row("album", 53.0, image=save("album", 103), album="a6"),
        row("sequence", 54.0, image=save("sequence", 104), sequence="s7"),
        row("moment", 55.0, user="u8", taken_at=NOON + datetime.timedelta(hours=8, seconds=-59)),
        row("later", 56.0, user="u8", taken_at=NOON + datetime.timedelta(hours=8, seconds=61)),
        row("place", 9.0, image=save("place", 105)),
        row("none", 70.0, image=save("none", 106), user=None),
    ]
    return write_records(folder / "train.parquet", train), write_records(folder / "test.parquet", test)


@pytest.fixture(scope="module")
def found(sets: tuple[Path, Path]) -> auditing.Audit:
    train, test = map(Records.read, sets)
    return audit(train, test, gallery=[[0.0, 0.0], [55.000001, 10.0]])


NAMES = ["bytes", "look", "user", "album", "sequence", "moment", "later", "place", "none"]


def test_every_leak_is_found_and_named(found: auditing.Audit) -> None:
    told = {
        finding.name: {NAMES[row]: finding.sentence(row) for row in np.flatnonzero(finding.rows)}
        for finding in found.findings
    }
    bits = told["same look"]["look"].split(": ")[1]
    assert told == {
        "same bytes": {"bytes": "the same bytes as training photo 'train 3'"},
        "same look": {
            "bytes": "looks like training photo 'train 3': 0 of 64 bits differ",
            "look": f"looks like training photo 'train 4': {bits}",
        },
        "same user": {
            "user": "of user 'u5', as training photo 'train 5'",
            "moment": "of user 'u8', as training photo 'train 8'",
            "later": "of user 'u8', as training photo 'train 8'",
        },
        "same album": {"album": "of album 'a6', as training photo 'train 6'"},
        "same sequence": {"sequence": "of sequence 's7', as training photo 'train 7'"},
        "seconds apart": {"moment": "59 s apart from training photo 'train 8' of the same user"},
        "same coordinates": {"place": "at the coordinates of training photo 'train 9'"},
        "in the gallery": {"moment": "its coordinates are number 2 of the gallery"},
    }


def test_rings_line_and_report(found: auditing.Audit, tmp_path: Path) -> None:
    assert found.line == (
        "audit of 9 test photos against 10 training photos: 2 (22.2%) copies of training photos, 3 (33.3%) of its "
        "users, 2 (22.2%) of its albums or sequences, 1 (11.1%) seconds apart from one of the same user, "
        "11.1% within 1 km of one"
    )
    document = found.to_json()
    assert [ring["photos"] for ring in document["rings"]] == [1, 1, 1, 1, 1, 1, 1]
    assert document["kept"] == 2
    assert {check["name"]: check["photos"] for check in document["checks"]}["same user"] == 3
    assert "| same look | 2 | 22.2% |" in found.to_markdown()
    assert "| within 25 km | 1 | 11.1% |" in found.to_markdown()
    (tmp_path / "audit.json").write_text(json.dumps(document))
    assert read_line(tmp_path / "audit.json") == found.line
    for text in ("{}", "[]", "no"):
        (tmp_path / "audit.json").write_text(text)
        with pytest.raises(InputError, match=r"audit\.json: no audit; make one with: whereshot audit TRAIN TEST"):
            read_line(tmp_path / "audit.json")


def test_the_cleaned_set_keeps_the_rest_and_says_why_the_others_go(
    sets: tuple[Path, Path], found: auditing.Audit, tmp_path: Path
) -> None:
    test = Records.read(sets[1])
    found.write_cleaned(test, tmp_path / "clean")
    assert Records.read(tmp_path / "clean").strings("id") == ["place", "none"]
    why = rejects_of(tmp_path / "clean")
    assert {name: reason for name, (reason, _) in why.items()} == {
        "bytes": "same bytes",
        "look": "same look",
        "user": "same user",
        "album": "same album",
        "sequence": "same sequence",
        "moment": "same user",
        "later": "same user",
    }
    train = Records.read(sets[0])
    few = audit(train, test, drop=["same coordinates", "seconds apart"])
    few.write_cleaned(test, tmp_path / "clean")
    assert set(rejects_of(tmp_path / "clean")) == {"moment", "place"}
    again = audit(train, Records.read(tmp_path / "clean"), drop=["same coordinates", "seconds apart"])
    assert again.kept == again.test == 7


def test_what_curate_hashed_is_not_read_again(sets: tuple[Path, Path], tmp_path: Path) -> None:
    clean(sets[0], tmp_path / "train", duplicates={})
    train = Records.read(tmp_path / "train").with_column("image", ["/nowhere.jpg"] * 10)
    found = audit(train, Records.read(sets[1]))
    assert found.count(["same bytes"]) == 1 and found.count(["same look"]) == 2
    assert found.notes == ("2 of 9 test photos could not be read, and were not compared by picture",)


def test_what_cannot_be_checked_is_said_and_not_nought() -> None:
    bare = Records(pa.Table.from_pylist([row("a", 1.0)]))
    found = audit(bare, Records(pa.Table.from_pylist([row("b", 2.0, user="u")])))
    skipped = {finding.name: finding.skipped for finding in found.findings if finding.skipped}
    assert skipped == {
        "same bytes": "no picture of a training photo is there",
        "same look": "no picture of a training photo is there",
        "same user": "no user in the training records",
        "same album": "no album in the training and test records",
        "same sequence": "no sequence or sequence_id or group in the training and test records",
        "seconds apart": "no user in the training records",
        "in the gallery": "none was given, --gallery FILE",
    }
    assert found.line.endswith(
        "0.0% within 1 km of one; not checked: same bytes, same look, same user, same album, same sequence, "
        "seconds apart"
    )
    assert {check["photos"] for check in found.to_json()["checks"] if check["skipped"]} == {None}
    for settings, message in (
        ({"drop": ["same usr"]}, "--drop 'same usr': no such finding; did you mean 'same user'?"),
        ({"seconds": -1.0}, "--seconds must not be negative; got -1"),
        ({"look_bits": 17}, "--look-bits must be 0 to 16; got 17"),
    ):
        with pytest.raises(InputError) as caught:
            audit(bare, bare, **settings)
        assert str(caught.value) == message
    with pytest.raises(InputError, match="the test set has no photos with positions"):
        audit(bare, bare[[]])


def test_the_command_reports_and_writes(run: Run, sets: tuple[Path, Path], tmp_path: Path) -> None:
    done = run("audit", *sets, "--out", tmp_path / "clean", "--report", tmp_path / "report", "--format", "json")
    assert done.code == 0, done.err
    document = done.document
    assert document == json.loads((tmp_path / "report" / "audit.json").read_text())
    assert (tmp_path / "report" / "audit.md").read_text().startswith("9 test photos, 10 training photos\n")
    assert len(Records.read(tmp_path / "clean")) == document["kept"] == 2
    assert "wrote 2 of 9 test photos" in done.err


def test_evaluate_prints_the_line(run: Run, found: auditing.Audit, tmp_path: Path) -> None:
    (tmp_path / "audit.json").write_text(json.dumps(found.to_json()))
    (tmp_path / "truth.csv").write_text("id,latitude,longitude\na,1,2\nb,3,4\n")
    command = ["evaluate", "--draws", 9, "--format", "json"]
    command += ["--predictions", tmp_path / "truth.csv", "--truth", tmp_path / "truth.csv"]
    done = run(*command, "--audit", tmp_path / "audit.json")
    assert done.code == 0, done.err
    assert done.document["protocol"]["audit"] == found.line
    mistake = run(*command, "--audit", tmp_path / "none.json").mistake
    assert "none.json: no audit; make one with: whereshot audit TRAIN TEST --report DIR" in mistake


def test_published_tables_share_users_where_they_should(shared: Path) -> None:
    """im2gps3k with itself is wholly known; with yfcc25600 it shares few users, and places everywhere."""
    from whereshot.foundation.progress import silent
    from whereshot.photos.sources import SOURCES

    tables = shared / "data" / "tables"
    three, many = (
        SOURCES["table"]([tables / f"{name}_places365.csv"], {}, silent).records for name in ("im2gps3k", "yfcc25600")
    )
    own = audit(three, three, pictures=False)
    assert own.count(["same user"]) == own.count(["same coordinates"]) == 2997 and own.kept == 0
    found = audit(many, three, pictures=False)
    shared_users = set(many.strings("user")) & set(three.strings("user"))
    assert found.count(["same user"]) == sum(user in shared_users for user in three.strings("user")) == 864
    assert 1500 < found.within(25) < 2997
