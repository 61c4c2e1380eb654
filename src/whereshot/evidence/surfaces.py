"""What the lines of one picture stand on: a sign, a vehicle, a package, clothing, print, a screen, or an overlay.

Lines that stand close together are a block, and a block stands on one thing. Three things are used:

* the picture around the block: the network of ``compact`` computes features of it, and a small linear layer of our own
  (``surfaces.safetensors``, trained by ``scripts/train_surfaces.py``) gives the probability of each surface. Details
  that this layer does not see, such as the edges of a carton, count by a direct weight of each feature;
* the shape of the block: how high and how unlike its lines are, and how much of the picture it covers;
* its words: quantities, ingredients and trade marks are on goods, street names and warnings on signs.

``surfaces.toml`` has the weights, and ``sign_look.safetensors`` the weights of the network's features;
``benchmarks/surfaces.py --fit`` fits both.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from safetensors.numpy import load

from whereshot.evidence.base import SURFACES, Box, Line, box_around
from whereshot.evidence.reliability import fitted_reliabilities
from whereshot.foundation.package_data import read_bytes, read_toml
from whereshot.models import model_folder, runtime
from whereshot.photos.batches import Batch

LOOK_SIDE = 128
"""Pixels of a side of the square around a block that the network looks at."""
MOST_BLOCKS = 3
"""Blocks that are looked at, the largest ones; other lines get the surfaces of the nearest of them."""
SURROUNDINGS = 2.0
"""Side of that square, in longer sides of the block."""
LEAST_SQUARE = 0.3
"""The least side of that square, as a share of the picture's shorter side."""
KEPT_SIDE = 640
"""Longer side to which a picture is shrunk for this."""
GAP = 0.9
"""Lines nearer than this, in heights of the smaller line, belong to one block."""
GOODS = re.compile(
    r"(?<![\w.,])\d+(?:[.,]\d+)?\s?(?:g|gr|kg|mg|ml|cl|dl|l|lt|oz|fl|kcal|kj|cal|x\s?\d+)\b|\d\s?[%°]|®|™|©"
    r"|ingr[eé]d|zutaten|ingredien|nutri|nährwert|n[aä]ring|calor|energ|best before|mindestens haltbar|à consommer"
    r"|bäst före|consumir|best\.? by|\bexp\b|\bnet\b|\bvol\b|\balc\b|alk\b|flavou?r|sabor|smak|organic|eko|\bbio\b"
    r"|vegan|gluten|la[ck]to|sugar|zucker|a[zç][uú]car|socker|brewed|cerve[jz]a|bier\b|\bbeer|\böl\b|vodka|whisk|wein"
    r"|wine|vino|juice|saft|jus\b|jugo|suco|milk|milch|mjölk|mælk|leche|leite|lait|yog|choco|coffee|kaffe|premium"
    r"|original|isbn|since \d{4}|shake|serving|pack|fresh|natural|quality",
    re.IGNORECASE,
)
"""Matches text on goods: quantities, shares, ingredients, dates, tastes, trade marks."""
PLACES = re.compile(
    r"\b(?:stra(?:ß|ss)e|street|road|avenue|av\.|rue|calle|carrer|via|platz|plaza|place|square|park|parking|hotel|museum"
    r"|mus[eé]o|musée|caf[eé]|restaurant\w*|bar|bank|police|polizei|polic[ií]a|school|schule|escuela|université?|station"
    r"|bahnhof|gare|airport|exit|salida|sortie|ausgang|open|closed|ge[oö]ffnet|abierto|ouvert|private|no\s\w+ing"
    r"|verboten|prohibido|interdit|achtung|danger|warning|welcome|km|stop|ajuntament|mairie|rathaus|kommune?)\b",
    re.IGNORECASE,
)
"""Matches text on signs and buildings."""
COPIED = {
    "goods": "beer bottle, wine bottle, pop bottle, water bottle, carton, packet, pill bottle, water jug, milk can"
    ", lotion, sunscreen, hair spray, eggnog, chocolate sauce, can opener, bucket, face powder, crate, diaper, pretzel"
    ", plate, beer glass, coffee mug, red wine, hotdog, espresso, ice cream, burrito, cocktail shaker",
    "signs": "street sign, scoreboard, mailbox, cinema, palace, restaurant, barbershop, traffic light, monastery"
    ", gas pump, parking meter, bakery, bookshop, tobacco shop, butcher shop, toyshop",
    "pages": "menu, book jacket, comic book, web site, crossword puzzle, envelope, binder, notebook",
    "vehicles": "minibus, school bus, trolleybus, minivan, moving van, police van, fire engine, garbage truck, pickup"
    ", tow truck, trailer truck, cab, ambulance, streetcar, recreational vehicle",
    "clothes": "jersey, sweatshirt, cardigan, apron, bib",
    "screens": "monitor, screen, television, laptop, cellular telephone, hand-held computer, web site"
    ", desktop computer",
}
"""Groups of ImageNet's classes whose probability the layer copies from a network that knows them."""
COPY_OF = {"vehicle": "vehicles", "package": "goods", "clothing": "clothes", "print": "pages", "screen": "screens"}
"""The group of each surface that has one."""
UNKNOWN_LOOKS = 0.02
"""The probability that is assumed for the surface without a group: overlays."""
DRAWN_WEIGHT, COPIED_WEIGHT = 0.3, 0.7
"""Weight of drawn pictures and of ImageNet's classes when surfaces other than signs are separated."""
CHANNELS = 1280
"""Features of the network of ``compact``."""
FEATURES = (
    "goods",
    "places",
    "lines",
    "height",
    "unlike",
    "covered",
    "capitals",
    "confidence",
    "digits",
    *(f"drawn_{name}" for name in SURFACES),
    *(f"looks_like_{name}" for name in COPIED),
)


@dataclass(frozen=True)
class TextBlock:
    """Lines that stand on one thing: their numbers, and the box around them."""

    rows: tuple[int, ...]
    box: Box

    @property
    def area(self) -> int:
        """The area of the box in pixels."""
        return (self.box[2] - self.box[0]) * (self.box[3] - self.box[1])


def blocks_of(lines: Sequence[Line]) -> list[TextBlock]:
    """Return the blocks of lines, the largest first. Every line is in one block."""
    groups: list[list[int]] = []
    for row, line in enumerate(lines):
        touching = [group for group in groups if any(_is_near(line.box, lines[other].box) for other in group)]
        groups = [group for group in groups if group not in touching] + [
            [row, *(n for group in touching for n in group)]
        ]
    blocks = [TextBlock(tuple(sorted(group)), box_around(lines[row].box for row in group)) for group in groups]
    return sorted(blocks, key=lambda block: -block.area)


def _is_near(a: Box, b: Box) -> bool:
    """Return whether two boxes touch after each is widened by ``GAP`` heights of the lower one."""
    gap = GAP * min(a[3] - a[1], b[3] - b[1])
    return max(a[0], b[0]) - min(a[2], b[2]) <= gap and max(a[1], b[1]) - min(a[3], b[3]) <= gap


def shrunk(image: Image.Image) -> Image.Image:
    """Return a small copy of a picture (RGB), which is enough for ``judge_lines``."""
    scale = min(1.0, KEPT_SIDE / max(image.size))
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.BOX, reducing_gap=1.0)


def judge_lines(picture: Image.Image, lines: Sequence[Line], scale: float = 1.0) -> list[Line]:
    """Return the lines with the probabilities of their surfaces.

    ``picture`` is RGB and may be small; the lines' boxes times ``scale`` are its pixels.
    """
    if not lines:
        return []
    placed = [line.scaled(scale) for line in lines]
    blocks = blocks_of(placed)[:MOST_BLOCKS]
    return spread(placed, lines, blocks, [surfaces_of(features(picture, placed, block)) for block in blocks])


def spread(
    placed: Sequence[Line], lines: Sequence[Line], blocks: Sequence[TextBlock], judged: Sequence[Mapping[str, float]]
) -> list[Line]:
    """Return ``lines`` with the surfaces of their block; lines of no block get the surfaces of the nearest block."""
    block_of = {row: number for number, block in enumerate(blocks) for row in block.rows}
    found = []
    for row, (at, line) in enumerate(zip(placed, lines, strict=True)):
        distances = [_distance(at.box, block.box) for block in blocks]
        found.append(replace(line, surfaces=judged[block_of.get(row, int(np.argmin(distances)))]))
    return found


def _distance(a: Box, b: Box) -> float:
    return math.hypot(a[0] + a[2] - b[0] - b[2], a[1] + a[3] - b[1] - b[3])


def features(picture: Image.Image, lines: Sequence[Line], block: TextBlock) -> NDArray[np.float64]:
    """Return the features (1302,) that show the surface of a block: ``FEATURES``, then the network's around it."""
    pooled = backbone_features(square(picture, block.box))
    return joined(words_and_shape(picture.size, lines, block), pooled)


def joined(shape: NDArray[np.float64], pooled: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the features of a block (1302,), from those of its words and shape (9,) and of the network (1280,)."""
    return np.concatenate([shape, looks_of(pooled), pooled])


def words_and_shape(size: tuple[int, int], lines: Sequence[Line], block: TextBlock) -> NDArray[np.float64]:
    """Return the features of a block that need no pixels; ``size`` is the picture's width and height.

    goods, places: counts of the picture's lines with such text; lines: count of the block's lines; as log(1 + n).
    height: log of the median height of a line in heights of the picture. unlike: log of the ratio of the tallest line
    to the median one. covered: the block's share of the picture, as its square root. capitals: the share of capital
    letters. confidence: the reader's, mean. digits: their share.
    """
    own = [lines[row] for row in block.rows]
    text = "".join(line.text for line in own)
    letters = [char for char in text if char.isalpha()]
    heights = np.array([max(1, min(line.box[3] - line.box[1], line.box[2] - line.box[0])) for line in own])
    return np.array(
        [
            math.log1p(sum(GOODS.search(line.text) is not None for line in lines)),
            math.log1p(sum(PLACES.search(line.text) is not None for line in lines)),
            math.log1p(len(own)),
            math.log(float(np.median(heights)) / size[1]),
            math.log(float(heights.max() / np.median(heights))),
            math.sqrt(block.area / (size[0] * size[1])),
            sum(char.isupper() for char in letters) / max(len(letters), 1),
            float(np.mean([line.confidence for line in own])),
            sum(char.isdigit() for char in text) / max(len(text), 1),
        ]
    )


def square(picture: Image.Image, box: Box) -> Image.Image:
    """Return the block and its surroundings as a square picture of ``LOOK_SIDE`` pixels."""
    width, height = picture.size
    shorter = min(width, height)
    side = min(max(SURROUNDINGS * max(box[2] - box[0], box[3] - box[1]), LEAST_SQUARE * shorter), shorter)
    x = min(max((box[0] + box[2]) / 2, side / 2), width - side / 2)
    y = min(max((box[1] + box[3]) / 2, side / 2), height - side / 2)
    cut = (x - side / 2, y - side / 2, x + side / 2, y + side / 2)
    return picture.resize((LOOK_SIDE, LOOK_SIDE), Image.Resampling.BILINEAR, box=cut, reducing_gap=2.0)


def looks_of(pooled: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what features (1280,) look like, (13,): the log probability of each surface, and of each group copied."""
    weights, constants = layer()
    outputs = pooled @ weights + constants
    count = len(SURFACES)
    peak = outputs[:count].max()
    total = peak + math.log(float(np.exp(outputs[:count] - peak).sum()))
    return np.asarray(np.concatenate([outputs[:count] - total, np.minimum(outputs[count:], 0.0)]), np.float64)


def backbone_features(image: Image.Image) -> NDArray[np.float64]:
    """Return the features (1280,) of a square picture by the network of ``compact``: roots, of length 1."""
    compute, mean, std = _backbone()
    pixels = np.asarray((np.asarray(image, np.float32) / 255 - mean) / std, np.float32).transpose(2, 0, 1)[None]
    pooled = compute(_batch(pixels))["pooled"][0].astype(np.float64)
    roots = np.sqrt(np.maximum(pooled, 0))
    return np.asarray(roots / max(float(np.linalg.norm(roots)), 1e-9), np.float64)


def _batch(pixels: NDArray[np.float32]) -> Batch:
    return Batch(np.array([0]), pixels, np.array([0]), {}, np.array([False]))


@functools.cache
def _backbone() -> tuple[runtime.OnnxCompute, NDArray[np.float32], NDArray[np.float32]]:
    folder = model_folder.ModelFolder(model_folder.COMPACT)
    settings = folder.description.preprocess
    mean, std = np.array(settings.mean, np.float32), np.array(settings.std, np.float32)
    return runtime.OnnxCompute(str(folder.onnx)), mean, std


@functools.cache
def layer() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the weights (1280, 13) and constants (13,) of the linear layer, for the outputs of ``looks_of``."""
    stored = load(read_bytes("evidence/data/surfaces.safetensors"))
    return stored["weights"].astype(np.float64), stored["constants"].astype(np.float64)


@dataclass(frozen=True)
class SignWeights:
    """The weights of the features (1302,) and the constant of the log odds of a sign; the assumed shares."""

    weights: NDArray[np.float64]
    constant: float
    shares: Mapping[str, float]


@functools.cache
def fitted_weights() -> SignWeights:
    """Return the fitted weights."""
    document = read_toml("evidence/data/surfaces.toml")
    weights = [document["weights"][name] for name in FEATURES]
    pooled = load(read_bytes("evidence/data/sign_look.safetensors"))["weights"].astype(np.float64)
    return SignWeights(np.r_[weights, pooled], float(document["constant"]), fitted_reliabilities().shares)


def surfaces_of(values: NDArray[np.float64], weights: SignWeights | None = None) -> dict[str, float]:
    """Return the probability of each surface by a block's features (1302,), as ``joined`` makes them.

    The weights separate signs from all other surfaces. The other surfaces are separated by the look of the picture and
    by their assumed shares.
    """
    fitted = weights or fitted_weights()
    sign = 1 / (1 + math.exp(-float(np.clip(values @ fitted.weights + fitted.constant, -20, 20))))
    of = dict(zip(FEATURES, values[: len(FEATURES)].tolist(), strict=True))
    others = {}
    for name in SURFACES[1:]:
        copied = of.get(f"looks_like_{COPY_OF.get(name)}", math.log(UNKNOWN_LOOKS))
        others[name] = fitted.shares[name] * math.exp(DRAWN_WEIGHT * of[f"drawn_{name}"] + COPIED_WEIGHT * copied)
    total = sum(others.values())
    return {"sign": sign, **{name: (1 - sign) * value / total for name, value in others.items()}}
