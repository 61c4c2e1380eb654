"""Read a TOML file into a frozen, typed settings model, and write it back.

An unknown key is an error that names the nearest known key. Paths in a file are relative to the file; paths on the
command line are relative to the current folder.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, get_args

import tomli_w
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError, ValidationInfo

from whereshot.foundation import output_files
from whereshot.foundation.errors import ConfigError, nearest_name

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails


class Settings(BaseModel):
    """Base of every settings model: it cannot be changed, and it refuses unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=False)


class _CommandLineText(str):
    """A value that came from ``--set``: its paths are relative to the current folder."""


def _resolve(value: Any, info: ValidationInfo) -> Any:
    if not isinstance(value, (str, Path)):
        return value
    base = None if isinstance(value, _CommandLineText) else (info.context or {}).get("base")
    return Path(os.path.normpath((Path(base) if base else Path.cwd()) / Path(value).expanduser()))


ConfigPath = Annotated[Path, BeforeValidator(_resolve)]
"""A path in a settings file, made absolute on reading."""

Model = TypeVar("Model", bound=Settings)


def load(path: str | Path, model: type[Model], overrides: Iterable[str] = ()) -> Model:
    """Read a TOML file into ``model``; ``overrides`` are ``section.key=value`` texts from the command line.

    Raises ConfigError naming the file, the key and the value that is wrong.
    """
    path = Path(path)
    return parse(read(path, overrides), model, name=str(path), base=path.absolute().parent)


def read(path: Path, overrides: Iterable[str] = ()) -> dict[str, Any]:
    """Read a TOML file as a dictionary and apply ``overrides``, without a check by a model. Raises ConfigError."""
    try:
        data = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read ({error})") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from error
    for override in overrides:
        _override(data, override)
    return data


def parse(data: dict[str, Any], model: type[Model], *, name: str, base: Path | None = None) -> Model:
    """Return the settings in a dictionary as a ``model``; messages call it ``name``. Raises ConfigError."""
    try:
        return model.model_validate(data, context={"base": base})
    except ValidationError as error:
        raise ConfigError("; ".join(f"{name}: {_explain(problem, model)}" for problem in error.errors())) from None


def unknown_keys(data: Any, model: type[BaseModel], *, name: str) -> list[str]:
    """Return a message for each key of a table that ``model`` does not know, with the nearest known key."""
    try:
        model.model_validate(data)
    except ValidationError as error:
        wrong = (problem for problem in error.errors() if problem["type"] == "extra_forbidden")
        return [f"{name}: {_explain(problem, model)}" for problem in wrong]
    return []


def dump(settings: Settings) -> str:
    """Return the settings as TOML text, without the keys that are None."""
    return tomli_w.dumps(settings.model_dump(mode="json", exclude_none=True))


def save(settings: Settings, path: str | Path) -> None:
    """Write the settings as a TOML file, complete or not at all. Raises OutputError."""
    output_files.write_text(path, dump(settings))


def _override(data: dict[str, Any], override: str) -> None:
    key, sign, text = override.partition("=")
    if not sign or not key.strip():
        raise ConfigError(f"--set takes section.key=value; got {override!r}")
    *sections, last = key.strip().split(".")
    for section in sections:
        data = data.setdefault(section, {})
        if not isinstance(data, dict):
            raise ConfigError(f"--set {override}: {section!r} is a value, not a section")
    data[last] = toml_value(text)


def toml_value(text: str) -> Any:
    """Return the value that TOML reads from a text, or the text itself where it is no TOML value (a word, a path)."""
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text.strip()
    return _from_command_line(value)


def _from_command_line(value: Any) -> Any:
    """Mark every text in a value, also inside lists and tables, as one from the command line."""
    if isinstance(value, str):
        return _CommandLineText(value)
    if isinstance(value, list):
        return [_from_command_line(item) for item in value]
    if isinstance(value, dict):
        return {key: _from_command_line(item) for key, item in value.items()}
    return value


def _explain(problem: ErrorDetails, model: type[BaseModel]) -> str:
    where = [str(part) for part in problem["loc"]]
    key = ".".join(where)
    if problem["type"] == "extra_forbidden":
        return f"unknown key {key!r}; {nearest_name(where[-1], _keys_at(model, where[:-1]))}"
    if problem["type"] == "missing":
        return f"{key!r} is missing"
    message = problem["msg"].removeprefix("Value error, ")
    about = f"{key!r}: " if where else ""  # else it is about several keys, which the message names
    return f"{about}{message[0].lower()}{message[1:]}; got {problem['input']!r}"


def _keys_at(model: type[BaseModel], where: list[str]) -> set[str]:
    """Return the keys that the settings model at ``where`` inside ``model`` knows."""
    for part in where:
        field = model.model_fields.get(part)
        if field is None:
            continue  # a list index or a union's tag
        for candidate in _types_in(field.annotation):
            if isinstance(candidate, type) and issubclass(candidate, BaseModel):
                model = candidate
    return set(model.model_fields)


def _types_in(annotation: Any) -> Iterator[Any]:
    """Yield an annotation and its parts: for list[A] | None itself, list[A], A and None."""
    yield annotation
    for inner in get_args(annotation):
        yield from _types_in(inner)
