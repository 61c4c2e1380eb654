"""What the package ships is there and can be read."""

from __future__ import annotations

from pathlib import Path

import pytest

import whereshot
from whereshot.foundation import package_data

PACKAGE = Path(whereshot.__file__).parent
TABLES = sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.parquet"))
SETTINGS = sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.toml"))


@pytest.mark.parametrize("path", TABLES)
def test_every_table_has_rows(path: str) -> None:
    least = 3 if path == "earth/data/disputed.parquet" else 100
    assert len(package_data.read_table(path)) >= least


@pytest.mark.parametrize("path", SETTINGS)
def test_every_settings_file_says_something(path: str) -> None:
    assert package_data.read_toml(path)


def test_the_package_ships_what_its_modules_read() -> None:
    assert {f"earth/data/{name}.parquet" for name in ("countries", "regions", "towns")} <= {*TABLES}
    assert {"posterior/data/photo_density.parquet", "evidence/data/speakers.parquet"} <= {*TABLES}
    assert {"evidence/data/language.toml", "evidence/data/cues.toml", "evidence/data/reliability.toml"} <= {*SETTINGS}
    assert {"locate/data/verdict.toml", "evidence/data/local_writing.toml"} <= {*SETTINGS}


def test_the_package_stays_small() -> None:
    """All that comes with it, the network included: at most 28 MB."""
    shipped = [path for path in PACKAGE.glob("*/data/**/*") if path.is_file()]
    assert 8e6 < sum(path.stat().st_size for path in shipped) < 28e6
