"""What lines stand on: blocks, features, and that goods, signs and a page are told apart in drawn pictures."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from whereshot.evidence import surfaces
from whereshot.evidence.base import SURFACES, Box, Line
from whereshot.training.drawn_surfaces import draw


def at(*box: int, text: str = "TEXT") -> Line:
    left, top, right, bottom = box
    return Line(text, 0.9, (left, top, right, bottom))


def test_lines_close_together_are_one_block_and_far_ones_another() -> None:
    lines = [at(100, 100, 300, 130), at(100, 140, 280, 170), at(600, 500, 640, 510)]
    found = surfaces.blocks_of(lines)
    assert [block.rows for block in found] == [(0, 1), (2,)]
    assert found[0].box == (100, 100, 300, 170)


@given(st.lists(st.tuples(*[st.integers(0, 500)] * 2, *[st.integers(1, 200)] * 2), min_size=1, max_size=12))
def test_every_line_is_in_one_block(boxes: list[tuple[int, int, int, int]]) -> None:
    lines = [at(x, y, x + width, y + height) for x, y, width, height in boxes]
    rows = [row for block in surfaces.blocks_of(lines) for row in block.rows]
    assert sorted(rows) == list(range(len(lines)))


def test_a_line_of_no_block_has_the_surfaces_of_the_nearest_block() -> None:
    lines = [at(0, 0, 100, 30), at(900, 0, 1000, 30), at(800, 100, 820, 105)]
    blocks = [surfaces.TextBlock((0,), lines[0].box), surfaces.TextBlock((1,), lines[1].box)]
    found = surfaces.spread(lines, lines, blocks, [{"sign": 1.0}, {"package": 1.0}])
    assert [line.surfaces for line in found] == [{"sign": 1.0}, {"package": 1.0}, {"package": 1.0}]


def shape(*texts: str) -> dict[str, float]:
    lines = [at(100, 100 + 40 * number, 400, 130 + 40 * number, text=text) for number, text in enumerate(texts)]
    (block,) = surfaces.blocks_of(lines)
    return dict(zip(surfaces.FEATURES, surfaces.words_and_shape((800, 600), lines, block).tolist(), strict=False))


def test_words_of_goods_and_of_signs_are_counted_by_line() -> None:
    assert shape("EKOLOGISK MJÖLK", "1,5 %", "Net 500 g")["goods"] == pytest.approx(np.log(4))
    assert shape("Rathausplatz")["goods"] == 0
    assert shape("Rue de la Gare", "Parking")["places"] == pytest.approx(np.log(3))
    assert shape("HOTEL")["capitals"] == 1 and shape("hotel")["capitals"] == 0


@pytest.mark.parametrize("box", [(0, 0, 5, 5), (0, 0, 800, 600), (780, 590, 800, 600), (300, 0, 310, 600)])
def test_the_square_around_a_block_lies_in_the_picture(box: Box) -> None:
    picture = Image.fromarray(np.random.default_rng(1).integers(0, 256, (600, 800, 3), dtype=np.uint8))
    assert surfaces.square(picture, box).size == (surfaces.LOOK_SIDE, surfaces.LOOK_SIDE)


def test_a_picture_is_shrunk_to_a_bounded_size_and_never_enlarged() -> None:
    assert max(surfaces.shrunk(Image.new("RGB", (3000, 10))).size) == surfaces.KEPT_SIDE
    assert surfaces.shrunk(Image.new("RGB", (40, 30))).size == (40, 30)


def test_the_surfaces_are_a_probability_whatever_the_features() -> None:
    for seed in range(20):
        values = np.random.default_rng(seed).normal(0, 5, len(surfaces.FEATURES) + surfaces.CHANNELS)
        found = surfaces.surfaces_of(values)
        assert set(found) == set(SURFACES)
        assert sum(found.values()) == pytest.approx(1.0)


def test_the_features_of_a_block_fit_the_weights() -> None:
    picture = Image.fromarray(np.random.default_rng(2).integers(0, 256, (300, 400, 3), dtype=np.uint8))
    lines = [at(40, 40, 200, 70, text="Rue de la Gare")]
    (block,) = surfaces.blocks_of(lines)
    found = surfaces.features(picture, lines, block)
    pooled = surfaces.backbone_features(surfaces.square(picture, block.box))
    assert found.shape == surfaces.fitted_weights().weights.shape
    assert found[-surfaces.CHANNELS :].tolist() == pooled.tolist()
    assert found[: len(surfaces.FEATURES)][surfaces.FEATURES.index("places")] == pytest.approx(np.log(2))


def test_the_groups_that_are_copied_belong_to_surfaces_and_to_outputs_of_the_layer() -> None:
    weights, constants = surfaces.layer()
    outputs = len(SURFACES) + len(surfaces.COPIED)
    assert (weights.shape, constants.shape) == ((surfaces.CHANNELS, outputs), (outputs,))
    assert set(surfaces.COPY_OF) <= set(SURFACES) and set(surfaces.COPY_OF.values()) <= set(surfaces.COPIED)


def test_every_class_that_is_copied_is_one_of_imagenet() -> None:
    pytest.importorskip("torch")
    from whereshot.models.networks import backbone

    known = backbone._timm().data.ImageNetInfo()
    names = {known.index_to_description(number).split(",")[0] for number in range(1000)}
    copied = [name for group in surfaces.COPIED.values() for name in group.split(", ")]
    assert set(copied) - names == set()


def test_lines_keep_their_place_and_get_surfaces() -> None:
    picture = Image.fromarray(np.random.default_rng(1).integers(0, 256, (300, 400, 3), dtype=np.uint8))
    lines = [at(200, 200, 600, 260), at(1500, 1000, 1560, 1010)]
    found = surfaces.judge_lines(picture, lines, scale=0.2)
    assert [line.box for line in found] == [line.box for line in lines]
    assert all(line.surfaces is not None and sum(line.surfaces.values()) == pytest.approx(1.0) for line in found)
    assert surfaces.judge_lines(picture, []) == []


def probability_of_a_sign(surface: str, seed: int) -> float:
    """How far the same words are taken for a sign, drawn on a thing under a blue sky."""
    texts = ["Nepovolaným vstup", "přísně zakázán", "Město Olomouc"]
    y = np.linspace(0, 1, 480)[:, None, None]
    sky = np.where(y > 0.6, [110, 105, 95], np.array([90, 140, 220]) * (1 - y) + np.array([210, 225, 240]) * y)
    photo = Image.fromarray(np.broadcast_to(sky, (480, 640, 3)).astype(np.uint8))
    scene = draw(surface, texts, photo, np.random.default_rng(seed))
    left, top, right, bottom = scene.text_box
    height = (bottom - top) // 3
    lines = [
        at(left, top + row * height, right, top + row * height + 4 * height // 5, text=text)
        for row, text in enumerate(texts)
    ]
    (judged,) = {line.surfaces["sign"] for line in surfaces.judge_lines(scene.picture, lines) if line.surfaces}
    return judged


def test_the_same_words_are_taken_for_a_sign_on_signs_and_not_on_goods() -> None:
    goods, signs = ([probability_of_a_sign(surface, seed) for seed in range(8)] for surface in ("package", "sign"))
    assert np.mean(goods) < 0.4 and max(goods) < 0.9
    assert np.mean(signs) > 0.8
