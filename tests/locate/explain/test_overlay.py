"""The picture under its heat: colours, frames and lines of text."""

from __future__ import annotations

import numpy as np
from PIL import Image

from whereshot.locate.explain import overlay
from whereshot.locate.explain.base import HeatMap


def test_the_ends_of_the_legend_are_in_plain_words() -> None:
    odds = HeatMap(np.zeros((2, 2)), "nats of its odds lost when hidden", is_odds=True)
    assert overlay.ends(odds, -0.5, 2.0) == ("1.6 times likelier", "7.4 times less likely", "when hidden")
    assert overlay.ends(odds, 0.0, 2.0)[0] == "no change"
    assert overlay.ends(HeatMap(np.zeros((2, 2)), "% of the attention"), 0.0, 3.0) == ("0", "3", "% of the attention")


def test_colours_lie_on_the_heat() -> None:
    values = np.zeros((4, 8))
    values[1, 6], values[2, 1] = 1.0, -1.0
    picture = Image.new("RGB", (800, 400), (128, 128, 128))
    sheet = overlay.draw(picture, HeatMap(values, "nats"), ["Hà Nội 東京 title"], [(10, 300, 60, 390)])
    drawn = np.asarray(sheet).astype(int)
    orange, purple, plain, frame = drawn[150, 650], drawn[250, 150], drawn[60, 400], drawn[300, 30]
    assert orange[0] > orange[2] + 60 and purple[2] > purple[1] + 30
    assert np.ptp(plain) < 8
    assert frame[2] > frame[0] + 150
    assert sheet.size[0] == 800 and sheet.size[1] > 430
    unseen = np.where(values == 0, np.nan, values)
    assert np.asarray(overlay.draw(picture, HeatMap(unseen, "nats"), []))[60, 400].mean() < plain.mean() - 30
    assert overlay.draw(Image.new("RGB", (3, 2)), None, ["nothing"]).size[0] == 480
    assert overlay._drawable("Hà Nội, Łódź, Ærø 東京") == "Ha Noi, Lodz, Aero ??"
    assert overlay._drawable('Read "გორი": Łódź') == 'Read "gori": Lodz'
