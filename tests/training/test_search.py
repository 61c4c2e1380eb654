"""The search: every trial a training, the best first, a kill without a trace, ranges that make no sense refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytest.importorskip("optuna", reason="needs optuna (extra search)")

from whereshot.foundation import settings_file
from whereshot.foundation.errors import ConfigError, InputError, OutputError
from whereshot.training import search
from whereshot.training.run_file import Run

FAST = ["optimizer.epochs=2", "data.validation=0.3", "data.split_by=group"]
SPACE = 'search.space={"optimizer.learning_rate"={low=1e-6,high=0.1,log=true},"optimizer.batch_size"={choices=[8,16]}}'


def run_of(tiny: Path, out: Path, *changes: str) -> Run:
    return settings_file.load(tiny / "run.toml", Run, [f"out={out}", *FAST, *changes])


def settings(trials: list[search.Trial]) -> list[dict]:
    return [trial.settings for trial in trials]


def test_the_best_is_first_and_its_run_file_is_written(tiny: Path, tmp_path: Path) -> None:
    run = run_of(tiny, tmp_path / "model", SPACE)
    found, best = search.search(run, 4)
    losses = [trial.loss for trial in found]
    assert len(found) == 4 and losses == sorted(losses) and losses[0] < losses[-1]
    assert all(1e-6 <= each["optimizer.learning_rate"] <= 0.1 for each in settings(found))
    assert {each["optimizer.batch_size"] for each in settings(found)} <= {8, 16}
    again = settings_file.load(best, Run)
    assert again.optimizer.learning_rate == found[0].settings["optimizer.learning_rate"]
    assert again == search.with_settings(run, found[0].settings)
    lines = search.table(found)
    assert re.fullmatch(r" +\d+\.\d{4}  +\d  optimizer.learning_rate = \S+, optimizer.batch_size = \d+", lines[1])
    assert not (tmp_path / "model").exists()


def test_a_kill_leaves_no_trace(tiny: Path, tmp_path: Path) -> None:
    """Stopped in the midst of the third trial: it is trained again, and the rest is what it would have been."""
    whole, _ = search.search(run_of(tiny, tmp_path / "whole"), 4)
    begun: list[str] = []

    def track(items, total, what):  # type: ignore[no-untyped-def]
        for item in items:
            if what == "training":
                begun.append(what)
                if len(begun) == 6:  # the second epoch of the third trial
                    raise KeyboardInterrupt
            yield item

    run = run_of(tiny, tmp_path / "killed")
    with pytest.raises(KeyboardInterrupt):
        search.search(run, 4, track=track)
    said: list[str] = []
    found, _ = search.search(run, 4, say=said.append)
    assert [text.split(":")[0] for text in said[1:]] == ["trial 3 of 4", "trial 4 of 4"]
    assert found == whole
    assert search.search(run, 3)[0] == whole  # there are more already
    with pytest.raises(ConfigError, match=r"was started with other settings; give --overwrite to start again"):
        search.search(run_of(tiny, tmp_path / "killed", "optimizer.epochs=3"), 4)
    assert len(search.search(run_of(tiny, tmp_path / "killed", "optimizer.epochs=1"), 1, overwrite=True)[0]) == 1


def test_a_rate_that_is_too_high_is_a_row_with_its_reason(tiny: Path, tmp_path: Path) -> None:
    space = 'search.space={"optimizer.learning_rate"={low=1e30,high=1e31}}'
    found, best = search.search(run_of(tiny, tmp_path / "model", space), 1)
    assert found[0].loss is None and "the loss became" in found[0].reason
    assert "the loss became" in search.table(found)[1]
    assert not best.exists()


def test_by_default_the_learning_rate_is_searched(tiny: Path, tmp_path: Path) -> None:
    (name,), (range_,) = zip(*search.space_of(run_of(tiny, tmp_path / "model")).items(), strict=True)
    assert name == "optimizer.learning_rate" and range_.log
    assert (range_.low, range_.high) == pytest.approx((0.01 / 30, 0.3))


@pytest.mark.parametrize(
    ("change", "trials", "error", "said"),
    [
        ("data.validation=0", 2, ConfigError, "a search compares validation losses; set data.validation above 0"),
        ("optimizer.epochs=2", 0, InputError, "a search has at least 1 trial; got 0"),
        (
            'search.space={"backbone.name"={choices=["a","b"]}}',
            2,
            ConfigError,
            "search.space: 'backbone.name' cannot be searched; known prefixes: optimizer., ",
        ),
        (
            'search.space={"optimizer.learning_rat"={low=1.0,high=2.0}}',
            2,
            ConfigError,
            "search.space: unknown key 'optimizer.learning_rat'; did you mean 'learning_rate'?",
        ),
        (
            'search.space={"optimizer.warmup"={low=0.0,high=1.0}}',
            2,
            ConfigError,
            "search.space: 'optimizer.warmup': input should be less than 1; got 1.0",
        ),
    ],
)
def test_what_cannot_be_searched(
    tiny: Path, tmp_path: Path, change: str, trials: int, error: type[Exception], said: str
) -> None:
    with pytest.raises(error) as caught:
        search.search(run_of(tiny, tmp_path / "model", change), trials)
    assert str(caught.value).startswith(said)
    assert not (tmp_path / "model.search").exists()


def test_a_journal_that_is_damaged(tiny: Path, tmp_path: Path) -> None:
    run = run_of(tiny, tmp_path / "model", "optimizer.epochs=1")
    search.search(run, 1)
    journal = tmp_path / "model.search" / "study.log"
    journal.write_text("dear\n" + journal.read_text())
    with pytest.raises(
        InputError, match=r"study.log: is not a journal of trials \(.*\); start again with --overwrite$"
    ):
        search.search(run, 1)


def test_a_folder_that_cannot_be_made(tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("dear")
    with pytest.raises(OutputError, match=r"cannot be written \(.*file is a file\)"):
        search.search(run_of(tiny, tmp_path / "file" / "model"), 1)
