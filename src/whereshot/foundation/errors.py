"""Define the errors of whereshot. Each message says what is wrong, with which value, and what to do.

    WhereshotError            every error a user can cause or meet; one line, CLI exit 2, HTTP 4xx
    |-- InputError            an argument, a coordinate, a table or a file that is wrong
    |   |-- ImageError        a picture that cannot be read, is too large or is not a picture
    |   |   `-- UnknownFormatError  a file whose picture format is not known
    |   `-- ConfigError       a TOML file with a wrong key or value
    |-- ModelError            a model folder that is missing, incomplete, changed or from another version
    |-- OutputError           a place that cannot be written
    `-- MissingExtraError     an optional dependency that is not installed

Any other error is a bug in whereshot and keeps its traceback.
"""

from __future__ import annotations

import difflib
import importlib
import unicodedata
from collections.abc import Iterable
from types import ModuleType


class WhereshotError(Exception):
    """Base of every error that comes from the input or the environment, and not from a bug."""


class InputError(WhereshotError):
    """An argument, a coordinate, a table or a file is wrong."""


class ImageError(InputError):
    """A picture cannot be decoded, is too large, or is not a picture.

    ``reason`` says why, and ``name`` is the name of the picture where it is known; the message has both.
    """

    def __init__(self, reason: str, name: object = None) -> None:
        super().__init__(reason if name is None else f"{name}: {reason}")
        self.reason, self.name = reason, name


class UnknownFormatError(ImageError):
    """The picture format of a file is not known."""


class ConfigError(InputError):
    """A TOML file has an unknown key or a value of the wrong kind."""


class ModelError(WhereshotError):
    """A model folder is missing, incomplete, changed or of an unknown version."""


class OutputError(WhereshotError):
    """An output file or folder cannot be written."""


class MissingExtraError(WhereshotError):
    """An optional dependency is needed and not installed."""


def require(module: str, *, extra: str) -> ModuleType:
    """Import and return a module of the optional dependencies ``extra``. Raises MissingExtraError."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise missing_extra(error.name or module, extra) from error


def install_command(extra: str) -> str:
    """Return the command that installs the optional dependencies ``extra``; it runs in the source folder.

    >>> print(install_command("spark"))
    pip install '.[spark]'
    """
    return f"pip install '.[{extra}]'"


def missing_extra(module: str, extra: str) -> MissingExtraError:
    """Return the error for a module of an optional dependency that is not installed."""
    command = install_command(extra)
    return MissingExtraError(f"{module} is not installed; run in the source folder: {command}")


JOINERS = "\u200c\u200d"
"""Characters without width between letters: they keep two letters apart, or join them."""


def visible(text: str) -> str:
    r"""Return text that is safe in one line of a terminal: control characters and line breaks become escapes.

    Joiners stay after a letter that is not Latin, because Persian and Indic words are written with them.

    >>> print(visible("a\nb\x1b[2J"))
    a\nb\x1b[2J
    """
    if text.isprintable():
        return text
    hidden = ("Cc", "Cf", "Zl", "Zp")
    return "".join(
        char.encode("unicode_escape").decode()
        if unicodedata.category(char) in hidden and not (char in JOINERS and _is_foreign(before))
        else char
        for before, char in zip(f" {text}", text, strict=False)
    )


def _is_foreign(char: str) -> bool:
    """Return whether a character is a letter or a mark that is not Latin."""
    return unicodedata.category(char)[0] in "LM" and not unicodedata.name(char, "LATIN").startswith("LATIN")


def first_line(error: BaseException) -> str:
    """Return the first line of the text of a library's error, or the name of its type where it has no text.

    >>> first_line(ValueError("wrong schema\\nin row group 3")), first_line(OSError())
    ('wrong schema', 'OSError')
    """
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)


def one_line(error: BaseException, most: int | None = None) -> str:
    """Return the text of a library's error on one line, its first ``most`` characters, or the name of its type.

    >>> one_line(ValueError("wrong\\n  schema")), one_line(OSError())
    ('wrong schema', 'OSError')
    """
    return " ".join(str(error).split())[:most] or type(error).__name__


def nearest_name(wrong: str, known: Iterable[str]) -> str:
    """Return a hint with the closest known name, ``did you mean 'x'?``, or with all known names."""
    known = sorted(known)
    close = difflib.get_close_matches(wrong, known, n=1, cutoff=0.5)
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(known)}"
