"""The error tree, and the two helpers that phrase what to do."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

import pytest

import whereshot
from whereshot.foundation import errors


def test_every_error_is_a_whereshot_error() -> None:
    """The CLI and the server catch one class: whatever escapes it would be a bare traceback."""
    classes = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, Exception)]
    assert {error.__name__ for error in classes} == {
        "WhereshotError",
        "InputError",
        "ImageError",
        "UnknownFormatError",
        "ConfigError",
        "ModelError",
        "OutputError",
        "MissingExtraError",
    }
    assert all(issubclass(error, errors.WhereshotError) for error in classes)
    assert issubclass(errors.ImageError, errors.InputError)
    assert issubclass(errors.UnknownFormatError, errors.ImageError)
    assert issubclass(errors.ConfigError, errors.InputError)
    assert not issubclass(errors.OutputError, errors.InputError)


def test_every_error_is_drawn_in_the_docstring() -> None:
    for name, value in vars(errors).items():
        if isinstance(value, type) and issubclass(value, Exception):
            assert name in (errors.__doc__ or "")


def test_require_gives_the_module() -> None:
    assert errors.require("json", extra="any").dumps([1]) == "[1]"


def test_require_names_package_and_extra() -> None:
    with pytest.raises(errors.MissingExtraError) as caught:
        errors.require("no_such_package_here", extra="spark")
    assert str(caught.value) == (
        "no_such_package_here is not installed; run in the source folder: pip install '.[spark]'"
    )
    assert isinstance(caught.value.__cause__, ImportError)


def test_require_names_the_package_that_a_package_misses(tmp_path, monkeypatch) -> None:
    """torch may be there and its dependency not: the message must name what is really missing."""
    (tmp_path / "half_installed_package.py").write_text("import no_such_dependency_here\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(errors.MissingExtraError, match=r"^no_such_dependency_here is not installed"):
        errors.require("half_installed_package", extra="torch")
    assert "half_installed_package" not in sys.modules


def test_require_lets_other_faults_through(tmp_path, monkeypatch) -> None:
    """A package that is there and broken is not a missing extra."""
    (tmp_path / "broken_package_here.py").write_text("1 / 0\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ZeroDivisionError):
        errors.require("broken_package_here", extra="torch")


@pytest.mark.parametrize(
    ("wrong", "known", "hint"),
    [
        ("latitud", ["longitude", "latitude"], "did you mean 'latitude'?"),
        ("batchsize", ["batch_size", "epochs"], "did you mean 'batch_size'?"),
        ("zzz", ["b", "a", "c"], "known: a, b, c"),
        ("", ["b", "a"], "known: a, b"),
    ],
)
def test_nearest_name(wrong: str, known: list[str], hint: str) -> None:
    assert errors.nearest_name(wrong, known) == hint
    assert errors.nearest_name(wrong, iter(known)) == hint  # read only once


TEXTS = ("README.md", "CONTRIBUTING.md", "Makefile", "docs", "src", "web/src", "benchmarks", "scripts", "runs")
WRITTEN = {".md", ".py", ".toml", ".ts", ".tsx", ".html", ""}


def texts() -> list[Path]:
    """Every file of the source tree that people read, the built page left out."""
    root = Path(__file__).parents[2]
    found = [path for name in TEXTS for path in [root / name, *(root / name).rglob("*")]]
    return [path for path in found if path.is_file() and path.suffix in WRITTEN and "site" not in path.parts]


NOT_ON_THE_INDEX = re.compile(r"install (-\S+ )*['\"]?whereshot\b|\bwhereshot\[[a-z]")


def test_no_text_installs_a_name_that_is_not_on_the_index() -> None:
    """`pip install whereshot` would install whatever a stranger publishes under that name."""
    assert len(texts()) > 200
    wrong = [
        f"{path.name}: {found.group()}"
        for path in texts()
        for found in NOT_ON_THE_INDEX.finditer(path.read_text("utf-8"))
    ]
    assert wrong == []


@pytest.mark.parametrize("text", ["pip install whereshot", "pip install 'whereshot[serve]'", "needs whereshot[torch]"])
def test_the_check_of_the_name_sees(text: str) -> None:
    assert NOT_ON_THE_INDEX.search(text)


def test_only_one_function_words_a_missing_extra() -> None:
    root = Path(whereshot.__file__).parent
    wording = [path.name for path in sorted(root.rglob("*.py")) if "is not installed;" in path.read_text("utf-8")]
    assert wording == ["errors.py"]


EXTRA = re.compile(r"""(?:require\([^)]*extra=|install_command\(|missing_extra\([^)]*, )["']([a-z0-9]+)["']""")


def test_every_extra_that_is_asked_for_exists() -> None:
    """The command in an error installs nothing where pyproject.toml has no such extra."""
    root = Path(whereshot.__file__).parent
    asked = {extra for path in root.rglob("*.py") for extra in EXTRA.findall(path.read_text("utf-8"))}
    declared = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))
    assert {"serve", "torch", "spark"} <= asked <= set(declared["project"]["optional-dependencies"])


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("क्\u200dष", "क्\u200dष"),
        ("a\u200db", r"a\u200db"),
        ("\u200dک", r"\u200dک"),
        ("שלום\u202e", r"שלום\u202e"),
        ("\u2068שלום", r"\u2068שלום"),
    ],
)
def test_joiners_stay_where_words_are_written_with_them(text: str, shown: str) -> None:
    assert errors.visible(text) == shown
