"""Settings files: what a user mistypes is named, and paths mean what the place they stand in says."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import Field, ValidationError

from whereshot.foundation import settings_file
from whereshot.foundation.errors import ConfigError, OutputError
from whereshot.foundation.settings_file import ConfigPath, Settings


class Data(Settings):
    """A section."""

    train: ConfigPath | None = None
    more: list[ConfigPath] = Field(default_factory=list)
    image_size: int = 224


class Stage(Settings):
    """One of several sections."""

    epochs: int = 1


class Run(Settings):
    """A whole file."""

    name: str
    learning_rate: float = 1e-3
    shuffle: bool = True
    data: Data = Data()
    stages: list[Stage] = Field(default_factory=list)
    later: list[Stage] | None = None
    heads: dict[str, Stage] = Field(default_factory=dict)


@pytest.fixture
def write(tmp_path: Path):
    """Writes a settings file and gives its path."""

    def write(text: str, name: str = "run.toml") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        return path

    return write


def refused(path: Path, *overrides: str) -> str:
    with pytest.raises(ConfigError) as caught:
        settings_file.load(path, Run, overrides)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_file(write) -> None:
    path = write('name = "first"\nlearning_rate = 1\n[data]\nimage_size = 320\n[[stages]]\nepochs = 5\n[[stages]]\n')
    run = settings_file.load(path, Run)
    assert run == Run(name="first", learning_rate=1.0, data=Data(image_size=320), stages=[Stage(epochs=5), Stage()])
    with pytest.raises(ValidationError):
        run.name = "changed"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('name = "a"\nlearning_rat = 1', "unknown key 'learning_rat'; did you mean 'learning_rate'?"),
        ('name = "a"\n[data]\nimagesize = 1', "unknown key 'data.imagesize'; did you mean 'image_size'?"),
        ('name = "a"\n[data]\nzzz = 1', "unknown key 'data.zzz'; known: image_size, more, train"),
        ('name = "a"\n[[stages]]\nepoch = 1', "unknown key 'stages.0.epoch'; did you mean 'epochs'?"),
        ('name = "a"\n[[later]]\n[[later]]\nepoch = 1', "unknown key 'later.1.epoch'; did you mean 'epochs'?"),
        ('name = "a"\n[heads.one]\nepoch = 1', "unknown key 'heads.one.epoch'; did you mean 'epochs'?"),
        ("", "'name' is missing"),
        ("name = 3", "'name': input should be a valid string; got 3"),
        (
            'name = "a"\n[data]\nimage_size = "big"',
            "'data.image_size': input should be a valid integer, unable to parse string as an integer; got 'big'",
        ),
        (
            'name = "a"\n[data]\nimage_size = 2.5',
            "'data.image_size': input should be a valid integer, got a number with a fractional part; got 2.5",
        ),
        ('name = "a"\ndata = 1', "'data': input should be a valid dictionary or instance of Data; got 1"),
    ],
)
def test_one_problem(write, text: str, problem: str) -> None:
    path = write(text)
    assert refused(path) == f"{path}: {problem}"


def test_all_problems_at_once(write) -> None:
    """Nobody likes to learn of them one run at a time."""
    path = write('nam = "a"\nshuffle = "maybe"')
    message = refused(path)
    assert f"{path}: 'name' is missing" in message
    assert f"{path}: unknown key 'nam'; did you mean 'name'?" in message
    assert f"{path}: 'shuffle': input should be a valid boolean" in message


def test_files_that_are_none(write, tmp_path: Path) -> None:
    missing = tmp_path / "none.toml"
    assert refused(missing) == f"{missing}: no such file"
    assert refused(tmp_path).startswith(f"{tmp_path}: cannot be read (")
    broken = write('name = "a\n')
    assert refused(broken).startswith(f"{broken}: not valid TOML: ")
    assert "line 1" in refused(broken)
    twice = write('name = "a"\nname = "b"\n')
    assert refused(twice).startswith(f"{twice}: not valid TOML: Cannot overwrite a value")
    latin = tmp_path / "latin.toml"
    latin.write_bytes('name = "Zürich"'.encode("latin-1"))
    assert refused(latin).startswith(f"{latin}: cannot be read (")


def test_overrides(write) -> None:
    path = write('name = "a"\n[data]\nimage_size = 320\n')
    run = settings_file.load(
        path, Run, ["data.image_size=64", "learning_rate=2e-4", "name=plain words", "shuffle=false", "heads.x.epochs=3"]
    )
    assert (run.data.image_size, run.learning_rate, run.name, run.shuffle) == (64, 2e-4, "plain words", False)
    assert run.heads == {"x": Stage(epochs=3)}
    assert settings_file.load(path, Run, ['name="3"']).name == "3"  # quoted: text
    assert settings_file.load(path, Run, ["name=a=b"]).name == "a=b"  # only the first sign counts
    assert settings_file.load(path, Run, ["name=one", "name=two"]).name == "two"  # the last one counts


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("name", "--set takes section.key=value; got 'name'"),
        ("=3", "--set takes section.key=value; got '=3'"),
        ("name.first=3", "--set name.first=3: 'name' is a value, not a section"),
    ],
)
def test_overrides_that_are_none(write, override: str, message: str) -> None:
    assert refused(write('name = "a"\n'), override) == message


def test_an_unknown_override_is_refused_by_name(write) -> None:
    path = write('name = "a"\n')
    assert refused(path, "data.size=3") == f"{path}: unknown key 'data.size'; did you mean 'image_size'?"


def test_paths_in_the_file_are_relative_to_the_file(write, tmp_path: Path, monkeypatch) -> None:
    path = write('name = "a"\n[data]\ntrain = "../records"\nmore = ["x", "/y/z"]\n', "runs/run.toml")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    data = settings_file.load(path, Run).data
    assert data.train == tmp_path / "records"
    assert data.more == [tmp_path / "runs" / "x", Path("/y/z")]
    monkeypatch.chdir(tmp_path)
    assert settings_file.load("runs/run.toml", Run).data == data  # however the file is named


def test_paths_on_the_command_line_are_relative_to_the_current_folder(write, tmp_path: Path, monkeypatch) -> None:
    path = write('name = "a"\n[data]\ntrain = "records"\nmore = ["x"]\n', "runs/run.toml")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    data = settings_file.load(path, Run, ["data.train=../other", 'data.more=["b", "../c"]']).data
    assert data.train == tmp_path / "other"
    assert data.more == [elsewhere / "b", tmp_path / "c"]
    assert settings_file.load(path, Run, ["data.train=mine"]).data.more == [
        tmp_path / "runs" / "x"
    ]  # only what was set


def test_home_folder(write, monkeypatch) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    assert settings_file.load(write('name = "a"\n'), Run, ["data.train=~/photos"]).data.train == Path(
        "/home/somebody/photos"
    )


def test_a_path_of_the_wrong_kind(write) -> None:
    path = write('name = "a"\n[data]\ntrain = 3\n')
    assert refused(path).startswith(f"{path}: 'data.train': ")
    assert refused(path).endswith("; got 3")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3),
        ("3.5", 3.5),
        ("true", True),
        ("[1, 2]", [1, 2]),
        ('"3"', "3"),
        ("plain", "plain"),
        ("a/b.c", "a/b.c"),
        (" spaced ", "spaced"),
        ("", ""),
        ("{a = 'b'}", {"a": "b"}),
    ],
)
def test_toml_values(text: str, value: object) -> None:
    assert settings_file.toml_value(text) == value


def test_round_trip(tmp_path: Path) -> None:
    run = Run(
        name='Straße "7"\n',
        learning_rate=1e-7,
        data=Data(train=tmp_path / "a"),
        stages=[Stage(epochs=2)],
        heads={"x.y": Stage()},
    )
    path = tmp_path / "saved.toml"
    settings_file.save(run, path)
    assert settings_file.load(path, Run) == run
    assert "later" not in path.read_text("utf-8")  # None has no TOML


def test_saving_where_nothing_can_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError) as caught:
        settings_file.save(Run(name="a"), tmp_path / "file" / "run.toml")
    assert (
        str(caught.value)
        == f"{tmp_path / 'file' / 'run.toml'}: cannot be written ({tmp_path / 'file'} is a file); choose another place"
    )


def test_parse_without_a_file(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert (
        settings_file.parse({"name": "a", "data": {"train": "x"}}, Run, name="model.toml").data.train == tmp_path / "x"
    )
    with pytest.raises(ConfigError) as caught:
        settings_file.parse({}, Run, name="model.toml")
    assert str(caught.value) == "model.toml: 'name' is missing"
