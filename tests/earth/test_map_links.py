"""Positions in links of maps, as browsers and telephones copy them."""

from __future__ import annotations

import pytest

from whereshot.earth.coordinates import read_pair
from whereshot.earth.map_links import is_link, pair_of_link


@pytest.mark.parametrize(
    ("link", "pair"),
    [
        ("48.8566,2.3522,17z", "48.8566, 2.3522"),
        ("https://www.google.com/maps/@48.8566,2.3522,17z", "48.8566, 2.3522"),
        (
            "https://www.google.com/maps/place/X/@48.1,2.2,17z/data=!3m1!4b1!8m2!3d48.8584!4d2.2945!16s",
            "48.8584, 2.2945",
        ),
        ("https://www.google.com/maps?q=48.8566,2.3522", "48.8566, 2.3522"),
        ("https://www.google.com/maps/search/?api=1&query=48.8566%2C2.3522", "48.8566, 2.3522"),
        ("https://www.google.com/maps/search/48.8566,+2.3522", "48.8566, 2.3522"),
        ("google.com/maps/@-33.85,151.2,15z", "-33.85, 151.2"),
        ("https://maps.apple.com/?ll=48.8566,2.3522&q=Paris", "48.8566, 2.3522"),
        ("https://www.openstreetmap.org/?mlat=48.85&mlon=2.35#map=5/1/2", "48.85, 2.35"),
        ("https://www.openstreetmap.org/#map=17/48.8566/2.3522", "48.8566, 2.3522"),
        ("https://www.bing.com/maps?cp=48.85~2.35&lvl=11", "48.85, 2.35"),
        ("https://yandex.com/maps/?ll=37.6%2C55.75&z=11", "55.75, 37.6"),
        ("geo:48.2,16.37?z=3", "48.2, 16.37"),
        ("https://maps.app.goo.gl/abc", None),
        ("48.8566, 2.3522", None),
        ("Paris", None),
    ],
)
def test_the_position_of_a_link(link: str, pair: str | None) -> None:
    assert pair_of_link(link) == pair
    if pair is not None:
        assert read_pair(link) == tuple(map(float, pair.split(", ")))


def test_what_is_a_link() -> None:
    assert is_link("https://maps.app.goo.gl/abc")
    assert not is_link("Orange, Texas")
