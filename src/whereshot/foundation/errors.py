"""The error tree: what went wrong, which value, what was expected, what to do.

    WhereshotError            every error a user can cause or meet; one line, CLI exit 2, HTTP 4xx
    |-- InputError            an argument, a coordinate, a table or a file that is not what was asked for
    |   |-- ImageError        a picture that cannot be read, is too large or is not a picture
    |   `-- ConfigError       a TOML file with a wrong key or value
    |-- ModelError            a model folder that is missing, incomplete, changed or from another version
    |-- OutputError           a place that cannot be written
    `-- MissingExtraError     an optional dependency that is not installed

Everything that is not a WhereshotError is a bug of ours and keeps its traceback.
"""

from __future__ import annotations

import difflib
import importlib
import unicodedata
from collections.abc import Iterable
from types import ModuleType


class WhereshotError(Exception):
    """Base of every error that is the input's or the environment's, not the program's."""


class InputError(WhereshotError):
    """An argument, coordinate, table or file is not what was asked for."""


class ImageError(InputError):
    """A picture cannot be decoded, exceeds a limit or is not a picture."""


class ConfigError(InputError):
    """A TOML file has an unknown key or a value of the wrong kind."""


class ModelError(WhereshotError):
    """A model folder is missing, incomplete, altered or of an unknown version."""


class OutputError(WhereshotError):
    """An output file or folder cannot be written."""


class MissingExtraError(WhereshotError):
    """An optional dependency is needed and not installed."""


def require(module: str, *, extra: str) -> ModuleType:
    """Import an optional dependency, or say in one line how to install it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise missing_extra(error.name or module, extra) from error


def install_command(extra: str) -> str:
    """The command that installs an optional dependency, to run in the source folder (whereshot is on no index).

    >>> print(install_command("spark"))
    pip install '.[spark]'
    """
    return f"pip install '.[{extra}]'"


def missing_extra(module: str, extra: str) -> MissingExtraError:
    """The error for an optional dependency that is not installed. Every such text is made here."""
    command = install_command(extra)
    return MissingExtraError(f"{module} is not installed; run in the source folder: {command}")


def visible(text: str) -> str:
    r"""Text for one line of a terminal: control characters and line breaks, as file names may hold, as escapes.

    >>> print(visible("a\nb\x1b[2J"))
    a\nb\x1b[2J
    """
    if text.isprintable():
        return text
    hidden = ("Cc", "Cf", "Zl", "Zp")
    return "".join(
        char.encode("unicode_escape").decode() if unicodedata.category(char) in hidden else char for char in text
    )


def nearest_name(wrong: str, known: Iterable[str]) -> str:
    """A hint that names the closest known spelling, or all of them: ``did you mean 'x'?``."""
    known = sorted(known)
    close = difflib.get_close_matches(wrong, known, n=1, cutoff=0.5)
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(known)}"
