"""Cards: complete for everything that ships, is made or is known; intervals that hold what they say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from whereshot.foundation.errors import InputError
from whereshot.foundation.progress import silent
from whereshot.models import card, catalog, hub, model_folder
from whereshot.models.card import SECTIONS, Card, missing_sections, share_interval
from whereshot.photos.sources import SOURCES
from whereshot.training.learn import learn


@pytest.mark.parametrize("name", sorted(catalog.known()))
def test_every_known_model_has_a_whole_card(name: str) -> None:
    text = hub.describe(name).to_markdown()
    assert missing_sections(text) == []
    assert "responsible-use.md" in text
    for row in hub.published(catalog.known()[name]):
        assert row["source"] in text and f"{row['photos']:,} photos" in text


def test_what_ships_has_a_whole_card() -> None:
    text = hub.card_of(model_folder.ModelFolder(model_folder.COMPACT))
    assert missing_sections(text) == []
    assert "134 photos" in text and "81 % (74" in text and "Apache-2.0" in text


def test_what_is_trained_has_a_whole_card(tiny_model: Path) -> None:
    text = (tiny_model / "README.md").read_text("utf-8")
    assert missing_sections(text) == []
    calibration = model_folder.ModelFolder(tiny_model).calibration
    for kind, (low, high) in calibration.mixtures["mixture"].nll_interval.items():
        nll = calibration.mixtures["mixture"].nll[kind]
        assert low <= nll <= high
        assert f"{nll:.2f} ({low:.2f} to {high:.2f})" in text
    assert "48 photos" in text


def test_what_is_learned_has_a_whole_card(tiny: Path, tmp_path: Path) -> None:
    records = SOURCES["table"]([tiny / "photos.csv"], {}, silent).records
    learned = learn(records, tmp_path / "mine", workers=1, cache=tmp_path / "cache")
    text = (learned.folder / "README.md").read_text("utf-8")
    assert missing_sections(text) == []
    assert "48 photos of" in text
    settings = model_folder.ModelFolder(learned.folder).memory_settings
    if settings.right is None:
        assert "it trusts only near repetitions of a known photo" in text
    else:
        share, low, high = settings.right
        assert low <= share <= high
        assert f"{100 * share:.0f} % ({100 * low:.0f} to {100 * high:.0f}) are found within 25 km" in text


def test_a_card_without_a_section_is_refused() -> None:
    sections = dict.fromkeys(SECTIONS, "something")
    assert missing_sections(Card("mine", sections).to_markdown()) == []
    with pytest.raises(InputError, match=r"^mine: a card has the sections Model, .*; missing: Limits; unknown: none$"):
        Card("mine", {name: text for name, text in sections.items() if name != "Limits"})
    with pytest.raises(InputError, match=r"missing: Scores; unknown: none$"):
        Card("mine", sections | {"Scores": " \n"})
    with pytest.raises(InputError, match=r"missing: none; unknown: Praise$"):
        Card("mine", sections | {"Praise": "much"})
    assert missing_sections("# mine\n\n## Model\n\n## Data\n\nphotos\n") == [s for s in SECTIONS if s != "Data"]


def test_intervals_of_shares_hold_what_they_say(rng: np.random.Generator) -> None:
    for share, number in ((0.05, 117), (0.5, 40), (0.84, 2997)):
        found = rng.binomial(number, share, 2000) / number
        inside = [low <= share <= high for low, high in (share_interval(one, number) for one in found)]
        assert abs(np.mean(inside) - 0.95) < 0.03
    assert share_interval(0.0, 10)[0] == 0.0 and share_interval(1.0, 10)[1] == 1.0


def test_a_backbone_to_learn_with_is_told() -> None:
    text = card.of_backbone("tiny", "timm/tiny", "a" * 40, "mit", None).to_markdown()
    assert missing_sections(text) == []
    assert "timm/tiny at revision " + "a" * 40 in text and "Weights: mit" in text
