"""Learning one's own places: from a folder to answers, more photos later, few photos, and what stands in the way."""

from __future__ import annotations

import gc
import multiprocessing
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from whereshot.foundation.errors import InputError, ModelError, OutputError, WhereshotError
from whereshot.foundation.progress import silent
from whereshot.locate.answers import answer_rows
from whereshot.locate.geolocator import Geolocator, Prediction
from whereshot.locate.options import LocateOptions
from whereshot.models import features, runtime
from whereshot.models.model_folder import ModelFolder
from whereshot.photos.records import Records
from whereshot.photos.sources import SOURCES
from whereshot.posterior.base import Posterior
from whereshot.posterior.widening import Widening
from whereshot.training import learn


@pytest.fixture(scope="module")
def records(tiny: Path) -> Records:
    return SOURCES["table"]([tiny / "photos.csv"], {}, silent).records


@pytest.fixture(scope="module")
def learned(records: Records, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Half of the photos of each town, learned; not to be changed."""
    out = tmp_path_factory.mktemp("learned") / "mine"
    learn.learn(records[np.arange(0, 48, 2)], out)
    return out


def test_known_photos_are_found_and_others_left_to_the_prior(learned: Path, tiny: Path) -> None:
    locator = Geolocator.load(learned)
    known = locator.locate(str(tiny / "lima-0.png"), text=False)[0]
    assert known.within[25] > 0.5 and known.place is not None and known.place.country_code == "PE"
    noise = np.random.default_rng(1).integers(0, 255, (80, 90, 3)).astype(np.uint8)
    from PIL import Image

    strange = locator.locate(Image.fromarray(noise), text=False)[0]
    assert strange.within[25] < 0.2 and strange.confident_to is None


def test_more_photos_later_are_the_only_new_ones(learned: Path, records: Records, tmp_path: Path) -> None:
    out = Path(shutil.copytree(learned, tmp_path / "mine"))
    said: list[str] = []
    more = learn.learn(records, out, cache=tmp_path / "no cache", say=said.append)
    assert (more.photos, more.new) == (48, 24)
    assert said[0] == "48 photos, 24 of them new; calibrating on photos held out"
    again = learn.learn(records[:3], out, cache=tmp_path / "no cache either")
    assert (again.photos, again.new) == (48, 0)
    assert not (tmp_path / "no cache either").exists()  # nothing was looked at
    whole = learn.learn(records, tmp_path / "at once")
    one, other = ModelFolder(out), ModelFolder(tmp_path / "at once")
    order = [np.argsort(model.photos["id"].to_pylist()) for model in (one, other)]
    np.testing.assert_allclose(
        one.arrays["pooled"][order[0]].astype(float), other.arrays["pooled"][order[1]].astype(float), atol=1e-3
    )
    assert whole.photos == 48


def test_a_position_that_is_told_anew_counts(records: Records, tmp_path: Path) -> None:
    learn.learn(records[:4], tmp_path / "mine")
    table = records[:1].table
    moved = table.set_column(table.column_names.index("latitude"), "latitude", pa.array([10.0]))
    again = learn.learn(Records(moved), tmp_path / "mine")
    assert (again.photos, again.new) == (4, 0)
    assert 10.0 in ModelFolder(tmp_path / "mine").photos["latitude"].to_pylist()


@pytest.mark.parametrize("count", [1, 2, 5])
def test_few_photos_are_told_and_work(records: Records, tiny: Path, tmp_path: Path, count: int) -> None:
    said: list[str] = []
    learned = learn.learn(records[:count], tmp_path / "few", say=said.append)
    assert learned.photos == count and not learned.calibrated
    assert f"{count} photos are few: the model recognises only near repetitions of them" in said
    one_place = "all photos are of one place: the model can only judge whether a photo looks like it" in said
    assert one_place == (learned.places == 1) and (count > 1 or one_place)
    same, other = Geolocator.load(tmp_path / "few").locate(
        [str(tiny / "lima-0.png"), str(tiny / "tokyo-0.png")], text=False
    )
    assert same.within[25] > 0.5 > other.within[25]
    assert "it trusts only near repetitions of a known photo" in (tmp_path / "few" / "README.md").read_text()


def test_what_cannot_be_read_is_listed(records: Records, tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    table = records[:3].table
    images = pa.array([*records[:2].strings("image"), str(tmp_path / "broken.jpg")])
    broken = Records(table.set_column(table.column_names.index("image"), "image", images))
    learned = learn.learn(broken, tmp_path / "mine")
    assert learned.photos == 2 and learned.rejects["reason"].to_pylist() == ["unreadable picture"]
    assert (tmp_path / "mine" / "rejects.parquet").is_file()
    with pytest.raises(InputError, match=r"none of 1 pictures could be read; first: .*broken.jpg"):
        learn.learn(broken[2:], tmp_path / "nothing")
    with pytest.raises(InputError, match="there is no photo with a position to learn from"):
        learn.learn(records[:0], tmp_path / "nothing")


def test_what_stands_in_the_way(records: Records, learned: Path, tiny_model: Path, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    with pytest.raises(OutputError, match="exists and is not a model folder; choose another out"):
        learn.learn(records, tmp_path / "full")
    trained = Path(shutil.copytree(tiny_model, tmp_path / "trained"))
    with pytest.raises(OutputError, match="holds a model that was not learned"):
        learn.learn(records, trained)
    mine = Path(shutil.copytree(learned, tmp_path / "mine"))
    with pytest.raises(OutputError, match="was learned with other features"):
        learn.learn(records, mine, one_crop=True)
    with pytest.raises(ModelError, match="has no features to learn with; use compact"):
        learn.learn(records, tmp_path / "other", model=tiny_model)
    with pytest.raises(InputError, match="known_share lies between 0 and 1; got 1"):
        learn.learn(records, tmp_path / "other", known_share=1)
    assert learn.learn(records[:2], mine, one_crop=True, overwrite=True).photos == 2


def test_answers_without_torch(learned: Path, tiny: Path) -> None:
    code = (
        "import sys\nfrom whereshot.locate.geolocator import Geolocator\n"
        f"Geolocator.load({str(learned)!r}).locate({str(tiny / 'lima-0.png')!r}, text=False)\n"
        "print(*sorted({'torch', 'timm', 'matplotlib', 'onnx'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch, tiny: Path) -> list[str]:
    """Photos that count as many, so that processes look at them; one is no picture."""
    monkeypatch.setattr(runtime, "WORTH_A_PROCESS", 4)
    monkeypatch.setattr("whereshot.foundation.processes.cores", lambda: 2)
    return [*map(str, sorted(tiny.glob("*.png"))[:20]), str(tiny / "photos.csv")]


def agree(found: list[Prediction], expected: list[Prediction]) -> bool:
    """The same answers; cosines of several photos at once are rounded otherwise than those of one."""
    told = [[(one.id, one.latitude, one.longitude, one.place, one.error) for one in some] for some in (found, expected)]
    shares = [[list(one.within.values()) for one in some if one.within] for some in (found, expected)]
    return told[0] == told[1] and np.allclose(*shares, atol=2e-4)


def test_processes_stay_for_the_next_photos_and_end_when_the_locator_is_closed(learned: Path, many: list[str]) -> None:
    alone = [Geolocator.load(learned).locate(photo, text=False)[0] for photo in many]
    with Geolocator.load(learned) as locator:
        assert agree(locator.locate(many, text=False), alone)
        at_work = {process.pid for process in multiprocessing.active_children()}
        assert len(at_work) == 2
        assert agree(locator.locate(many[::-1], text=False), alone[::-1])
        assert {process.pid for process in multiprocessing.active_children()} == at_work
        first = next(locator.locate_each(many, LocateOptions(text=False)))  # a reader that leaves keeps nobody waiting
        assert agree([first.prediction], alone[:1])
    assert not multiprocessing.active_children()
    assert agree(locator.locate(many[:9], text=False), alone[:9])  # and starts them again
    assert multiprocessing.active_children()
    del locator
    gc.collect()
    assert not multiprocessing.active_children()


def test_a_killed_process_is_told_and_replaced(learned: Path, many: list[str]) -> None:
    with Geolocator.load(learned) as locator:
        before = locator.locate(many, text=False)
        for process in multiprocessing.active_children():
            process.kill()
        with pytest.raises(WhereshotError, match="a worker process ended without a result"):
            locator.locate(many, text=False)
        assert locator.locate(many, text=False) == before


def test_real_photos_are_answered_as_with_all_places_written_out(learned: Path, shared: Path) -> None:
    photos = sorted(map(str, (shared / "data" / "photos" / "test_a").glob("*.jpg")))[:12]
    one, _, errors = Geolocator.load(learned).posterior(photos)
    assert not errors
    written_out = Posterior(one.places, one.log_mass, one.spread_km)
    assert answer_rows(one, widening=Widening(1.5)) == answer_rows(written_out, widening=Widening(1.5))


def test_one_photo_is_answered_without_what_is_slow_to_import(learned: Path, tiny: Path) -> None:
    code = (
        "import sys; from whereshot.cli import main\n"
        f"sys.argv = ['whereshot', 'locate', {str(tiny / 'lima-0.png')!r}, '--no-text', '--model', {str(learned)!r}]\n"
        "try:\n    main()\n"
        "except SystemExit as end:\n    print(end.code, *sorted({'scipy', 'pandas', 'torch', 'duckdb', 'matplotlib', "
        "'rapidocr', 'whereshot.earth.partition', 'whereshot.photos.sources', 'whereshot.earth.areas'} "
        "& set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout.splitlines()[-1] == "0", result.stdout + result.stderr


KILLED = """
import os, signal, sys
from pathlib import Path
from whereshot.training import learn
from whereshot.models import runtime
from whereshot.foundation.progress import silent
from whereshot.photos.sources import SOURCES

def track(items, total, what):
    for number, item in enumerate(items):
        if number == 40 and what == "computing features":
            os.kill(os.getpid(), signal.SIGKILL)
        yield item

records = SOURCES["table"]([Path(sys.argv[1])], {}, silent).records
learn.learn(records, Path(sys.argv[2]), workers=1, track=track)
"""


def test_a_killed_run_goes_on_where_it_was(tiny: Path, records: Records, tmp_path: Path) -> None:
    out = tmp_path / "mine"
    arguments = [sys.executable, "-c", KILLED, str(tiny / "photos.csv"), str(out)]
    killed = subprocess.run(arguments, capture_output=True, text=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert not out.exists() and (tmp_path / "mine.learning").is_dir()
    said: list[str] = []
    counted: dict[str, int] = {}

    def track(items: Iterable[Any], total: int, what: str) -> Iterator[Any]:
        counted[what] = total
        yield from items

    done = learn.learn(records, out, workers=1, say=said.append, track=track)
    assert said[0] == "continuing: 32 of 48 photos were looked at before"
    assert (done.photos, counted) == (48, {"reading photos": 48, "computing features": 16})
    assert not (tmp_path / "mine.learning").exists()


def test_a_cache_of_one_s_own_gets_large_shards(
    records: Records, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the state folder, which a kill may leave behind, is written every few photos."""
    monkeypatch.setattr(learn, "SHARD_PHOTOS", 2)
    learn.learn(records[:7], tmp_path / "mine", cache=tmp_path / "cache")
    assert len(list((tmp_path / "cache").rglob("*.parquet"))) == 1


def test_each_photo_is_digested_once(records: Records, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "content_digest", None)  # not called: the digests are known
    done = learn.learn(records[:5], tmp_path / "mine")
    assert (done.photos, len(done.rejects)) == (5, 0)
