"""The options of a form: how they are read, and how wrong ones are refused."""

from __future__ import annotations

import pytest

from http_client import JPEG, ask, is_problem
from serving_process import Server
from whereshot.foundation.errors import InputError
from whereshot.locate.options import LocateOptions
from whereshot.server.options import Options, read_options


@pytest.mark.parametrize(
    ("fields", "status", "said"),
    [
        ({"tops": "3"}, 400, "no option 'tops'; did you mean 'top'?"),
        ({"top": "0"}, 400, "top is a whole number from 1 to 50; got '0'"),
        ({"top": "²"}, 400, "top is a whole number"),
        ({"level": "1"}, 400, "level lies between 0 and 1; got '1'"),
        ({"level": "nan"}, 400, "level lies between 0 and 1; got 'nan'"),
        ({"within_km": "-1"}, 400, "within_km is a number above 0"),
        ({"within_km": "inf"}, 400, "within_km is a number above 0"),
        ({"text": "maybe"}, 400, "text is true or false; got 'maybe'"),
        ({"region": "/etc/hosts.json"}, 400, "region is the name of a country"),
        ({"region": "Atlantis"}, 400, "no country or region 'Atlantis'; did you mean"),
        ({"coarse_km": "1e9"}, 400, "coarse_km is a number above 0, at most 2000"),
    ],
)
def test_wrong_options_are_named(server: Server, fields: dict[str, str], status: int, said: str) -> None:
    is_problem(ask(server, JPEG, **fields), status, said)


def test_options_are_read() -> None:
    given_ = {
        "top": "3",
        "within_km": "25",
        "level": "0.5",
        "text": "FALSE",
        "region": " Bavaria ",
        "map": "",
        "use_exif": "true",
    }
    assert read_options(given_) == Options(
        LocateOptions(top=3, within_km=25.0, level=0.5, text=False, use_exif=True), region="Bavaria"
    )
    assert read_options({}) == Options()


def test_a_client_may_ask_for_coarser_answers_only() -> None:
    assert read_options({"coarse_km": "5"}, 20.0).coarse_km == 20.0
    assert read_options({"coarse_km": "50"}, 20.0).coarse_km == 50.0
    assert read_options({}, 20.0).coarse_km == 20.0


@pytest.mark.parametrize("region", ["../secret", "a.geojson", "a\\b", "~root", "x" * 101, "a\nb"])
def test_a_region_is_never_a_file(region: str) -> None:
    with pytest.raises(InputError, match="region is the name of a country"):
        read_options({"region": region})
