"""A run file's contradictions are told before any work, in one line."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from whereshot.foundation import settings_file
from whereshot.foundation.errors import ConfigError, MissingExtraError
from whereshot.training import run_file
from whereshot.training.run_file import Run, check

TRAINED = ["backbone.trained=true", "data.validation=0.2"]
ALIGNED = ["head.kind=align", 'head.settings={locations="fourier"}']


def run_of(tiny: Path, *changes: str) -> Run:
    return settings_file.load(tiny / "run.toml", Run, changes)


@pytest.mark.parametrize(
    ("changes", "processes", "said"),
    [
        (
            ["augment.flip=0.5"],
            1,
            "augment needs a trained backbone, and this one is frozen; set backbone.trained",
        ),
        (
            ["optimizer.layer_decay=0.8"],
            1,
            "optimizer.layer_decay needs a trained backbone, and this one is frozen; set backbone.trained",
        ),
        ([], 2, "several processes cannot train a frozen backbone; start without torchrun, "),
        (
            [*TRAINED, "optimizer.accumulate=3"],
            1,
            "optimizer.batch_size 16 cannot be shared evenly by 3 parts; set a multiple of 3",
        ),
        (
            [*TRAINED, "optimizer.accumulate=2"],
            3,
            "optimizer.batch_size 16 cannot be shared evenly by 2 parts on 3 processes; set a multiple of 6",
        ),
        ([*TRAINED, *ALIGNED], 2, "the contrastive loss compares the photos of a step with each other, which cannot "),
        ([*ALIGNED, "optimizer.accumulate=2"], 1, "the contrastive loss compares the photos of a step with each other"),
        (["sampling.level=2"], 1, "sampling.level: the partition has 2 levels, the coarsest is 0; got 2"),
        (["sampling.level=-3"], 1, "sampling.level: the partition has 2 levels, the coarsest is 0; got -3"),
    ],
)
def test_contradictions(tiny: Path, changes: list[str], processes: int, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check(run_of(tiny, *changes), processes)
    assert str(caught.value).startswith(said) and "\n" not in str(caught.value)


@pytest.mark.parametrize("changes", [[], TRAINED, [*TRAINED, "optimizer.accumulate=4", "augment.flip=0.5"], ALIGNED])
def test_what_can_be_done_passes(tiny: Path, changes: list[str]) -> None:
    check(run_of(tiny, *changes))


@pytest.mark.skipif(importlib.util.find_spec("nvidia") is not None, reason="needs an environment without DALI")
def test_a_loader_that_is_not_installed_is_told_before_the_work(tiny: Path) -> None:
    with pytest.raises(MissingExtraError, match=r"pip install '.\[dali\]'"):
        check(run_of(tiny, *TRAINED, "data.loader=dali"))


@pytest.mark.parametrize("trained", [True, False, 1, 7])
def test_a_backbone_is_trained_whole_or_not_or_by_its_last_blocks(tiny: Path, trained: bool | int) -> None:
    run = run_of(tiny, f"backbone.trained={str(trained).lower()}")
    assert run.backbone.trained == trained and type(run.backbone.trained) is type(trained)
    again = settings_file.parse(dict(run.model_dump(mode="json", exclude_none=True)), Run, name="run")
    assert again.backbone.trained == trained and type(again.backbone.trained) is type(trained)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("backbone.trained=0", "'backbone.trained': expected true (the whole backbone), false, or the number of last"),
        ("backbone.trained=last", "to train, at least 1; got 'last'"),
        ("search.space={a={low=1,high=0.1}}", "'search.space.a': low must be below high; got 1 and 0.1"),
        ("search.space={a={low=1,high=2,choices=[1,2]}}", "'search.space.a': give low and high, or choices"),
        ("search.space={a={low=1,high=inf}}", "'search.space.a.high': input should be a finite number; got inf"),
        ("optimizer.learning_rate=inf", "'optimizer.learning_rate': input should be a finite number; got inf"),
        ("optimizer.ema=nan", "'optimizer.ema': input should be "),
        ("search.space={a={low=1}}", "'search.space.a': give low and high, or choices"),
        ("search.space={a={low=0,high=1,log=true}}", "'search.space.a': log needs a low above 0; got 0"),
        ("search.space={a={choices=[1]}}", "'search.space.a.choices': list should have at least 2 items"),
        ("optimizer.then=[{kind='sgd',batch_size=3}]", "unknown key 'optimizer.then.0.batch_size'"),
        ("sampling.balanse=1", "unknown key 'sampling.balanse'; did you mean 'balance'?"),
    ],
)
def test_wrong_settings(tiny: Path, change: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        run_of(tiny, change)
    assert said in str(caught.value) and "\n" not in str(caught.value)


WRONG = """
name = "x"
out = "out"
sead = 1
[data]
train = "photos.csv"
splitby = "group"
[backbone]
name = "x"
[partition]
kind = "s2"
levels = [{max = 10, minn = 1}]
[head]
kind = "classify"
settings = {drop_out = 0.5}
[optimizer]
learning_rat = 3
"""


def test_all_wrong_keys_are_named_at_once(tmp_path: Path) -> None:
    """Also in the tables whose keys depend on a kind, each with the nearest right one."""
    path = tmp_path / "run.toml"
    path.write_text(WRONG)
    with pytest.raises(ConfigError) as caught:
        run_file.load(path)
    assert set(str(caught.value).replace("; did you mean", " -> did you mean").split("; ")) == {
        f"{path}: unknown key 'sead' -> did you mean 'seed'?",
        f"{path}: unknown key 'data.splitby' -> did you mean 'split_by'?",
        f"{path}: unknown key 'optimizer.learning_rat' -> did you mean 'learning_rate'?",
        "partition.levels.0: unknown key 'minn' -> did you mean 'min'?",
        "head.settings: unknown key 'drop_out' -> did you mean 'dropout'?",
    }


def test_one_wrong_key_of_a_kind_is_named_alone(tmp_path: Path) -> None:
    path = tmp_path / "run.toml"
    right = WRONG.replace("sead = 1\n", "").replace('splitby = "group"\n', "").replace("learning_rat = 3\n", "")
    path.write_text(right.replace(", minn = 1", ""))
    with pytest.raises(ConfigError) as caught:
        run_file.load(path)
    assert str(caught.value) == "head.settings: unknown key 'drop_out'; did you mean 'dropout'?"
