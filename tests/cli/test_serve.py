"""The command serve: what it refuses before it serves anything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from command_line import Run
from whereshot.server import security


def test_others_are_not_let_in_without_a_token(run: Run) -> None:
    refused = run("serve", "--host", "0.0.0.0")
    assert refused.mistake == (
        "0.0.0.0 can be reached by others, so requests need a token: give --token-file FILE, or keep 127.0.0.1"
    )
    assert len(refused.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("given_", "said"),
    [
        ({"coarse": -3.0}, "--coarse is a number of km above 0"),
        ({"max_mb": 0.0}, "--max-mb is a positive number"),
        ({"tiles": "nothing"}, "tiles is an address"),
        ({"gallery": Path("nothing")}, "nothing: not a gallery .gallery.json is missing or damaged."),
        ({"model": "nothing"}, "nothing"),
        ({"host": "192.0.2.1", "token_file": Path(security.__file__)}, "a token has at least 16 letters"),
        ({"host": "::", "token_file": None}, ":: can be reached by others"),
    ],
)
def test_what_is_wrong_is_told_before_anything_is_served(given_: dict[str, Any], said: str) -> None:
    from whereshot.cli.serve import serve

    with pytest.raises(Exception, match=said) as raised:
        serve(**{"host": "127.0.0.1", "port": 0, **given_})
    assert "\n" not in str(raised.value)
