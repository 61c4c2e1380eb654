"""Measure what knowing the surface of text is worth: by kind of photo, and with the same words on goods and on signs.

    python benchmarks/surfaces.py --cache FOLDER > docs/results-surfaces.md     # cross-validated by group
    python benchmarks/surfaces.py --cache FOLDER --fit       # fit surfaces.toml and sign_look.safetensors

What is read in each picture is kept in FOLDER. The photos are those of the shared development tables. The drawn
pictures are made here from seeds: words on goods, and the same words on a sign, in photos that may be used. There is no
picture model; the answers start from the photo density. What is fitted is fitted on photos of other groups than
those that it is measured on.
"""

from __future__ import annotations

import argparse
import base64
import functools
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tomli_w
from numpy.typing import NDArray
from PIL import Image
from readings import PHOTOS, KeptEntries, position_of, rows_of
from ridge import fit_logistic
from safetensors.numpy import save

from whereshot.earth import place_names, sphere
from whereshot.earth.place_extents import town_extent
from whereshot.evidence import EVIDENCE, Cue, Line, PhotoFacts, surfaces
from whereshot.evidence.base import SURFACES
from whereshot.evidence.fusion import PosteriorBeforeCues
from whereshot.evidence.ocr import LARGEST_SIDE, Reader, shared_reader, tiles_of
from whereshot.evidence.read_photos import read_photo
from whereshot.evidence.reliability import Reliabilities, fitted_reliabilities
from whereshot.foundation import output_files
from whereshot.foundation.progress import bar
from whereshot.foundation.tables import hashed_share
from whereshot.locate.answers import answer_rows
from whereshot.locate.prediction import SureOf
from whereshot.models.card import share_interval
from whereshot.photos.photo import Photo
from whereshot.posterior.base import Posterior
from whereshot.posterior.masses import country_masses
from whereshot.posterior.prior import density_prior, prior_widening
from whereshot.training.drawn_surfaces import draw

ROOT = Path(__file__).parents[1]
WEIGHTS = ROOT / "src" / "whereshot" / "evidence" / "data" / "surfaces.toml"
SIGN_LOOK = ROOT / "src" / "whereshot" / "evidence" / "data" / "sign_look.safetensors"
TABLES = ("signs_dev", "scene_dev", "portable_dev", "scripts_dev")
DRAWN_SIZE = (640, 480)
DRAWN_DETECTOR = 512
"""Shorter side at which drawn pictures are read; their letters are large."""
FIT_SEED, TEST_SEED = 1, 2
FIT_COUNT, FIT_OTHERS = 400, 20
"""Drawn pictures that the weights are fitted on, beside the photos: of signs and of packages each, and of each other
surface."""
GOODS = ("package",)
"""What the pictures of goods that the answers are measured on are drawn as; the same words stand on a sign too."""
DRAWN_WORTH, OTHER_WORTH = 0.9, 0.2
"""How many photos a drawn sign or package counts for in that fit, and a drawing of another surface."""
DIRECTIONS = 80
"""Along so many principal directions of all pictures the network's features are weighted directly."""
RIDGE = 10.0
FOLDS = 5
SHARES = {
    "sign": 0.65,
    "vehicle": 0.03,
    "package": 0.2,
    "clothing": 0.02,
    "print": 0.05,
    "screen": 0.03,
    "overlay": 0.02,
}
"""The assumed share of what text in photos stands on: roughly the mixture of the photos that are fitted on."""
SURE_KM = {"street": 1.0, "city": 25.0, "region": 200.0, "country": 750.0}
WORDS = {
    "de": "Frische Vollmilch / aus unserer Region | Bitte Abstand halten / Zutritt verboten"
    " | Stadt Ingolstadt | Gemeinde Oberstdorf | www.bauernhof-huber.de",
    "sv": "Nybakat bröd / varje morgon | Var god håll avstånd / Obehöriga äga ej tillträde"
    " | Göteborgs Stad | Umeå kommun | www.skansenbageri.se",
    "es": "Elaborado con ingredientes / de nuestra tierra | Prohibido el paso / a toda persona ajena"
    " | Ayuntamiento de Zaragoza | Ayuntamiento de Murcia | www.quesosdelvalle.es",
    "it": "Pasta fresca fatta / ogni giorno a mano | Vietato l'accesso / alle persone non autorizzate"
    " | Comune di Bergamo | Comune di Matera | www.lattefresco.it",
    "fr": "Fabriqué avec le lait / de nos montagnes | Défense d'entrer / sous peine d'amende"
    " | Mairie de Grenoble | Ville de Quimper | www.fromagerie-du-lac.fr",
    "pt": "Feito com leite fresco / das nossas vacas | Entrada proibida / a pessoas estranhas"
    " | Câmara Municipal de Braga | Município de Évora | www.adegavelha.pt",
    "pl": "Świeże mleko prosto / od naszych krów | Zakaz wstępu / osobom nieupoważnionym"
    " | Gmina Zakopane | Miasto Toruń | www.piekarnia-kowal.pl",
    "cs": "Čerstvé mléko / od našich krav | Nepovolaným vstup / přísně zakázán"
    " | Město Olomouc | Obec Lednice | www.pekarna-novak.cz",
    "hu": "Friss tej a mi / teheneinktől minden nap | Idegeneknek belépni / szigorúan tilos"
    " | Szeged város | Eger város | www.pekseg-kis.hu",
    "fi": "Tuoretta maitoa / joka aamu tilalta | Pääsy kielletty / asiattomilta aina"
    " | Tampereen kaupunki | Oulun kaupunki | www.leipomo-laine.fi",
    "da": "Friskbagt brød / hver eneste morgen | Adgang forbudt / for uvedkommende"
    " | Aarhus Kommune | Odense Kommune | www.bageriet-jensen.dk",
    "nl": "Verse melk van / onze eigen koeien | Verboden toegang / voor onbevoegden"
    " | Gemeente Utrecht | Gemeente Groningen | www.bakkerij-visser.nl",
    "tr": "Taze sütümüz her / gün çiftlikten gelir | Yetkisiz kişilerin / girmesi yasaktır"
    " | Konya Belediyesi | Bursa Belediyesi | www.firin-yilmaz.com.tr",
    "ro": "Lapte proaspăt de la / vacile noastre | Accesul interzis / persoanelor străine"
    " | Primăria Sibiu | Comuna Bran | www.brutaria-pop.ro",
    "hr": "Svježe mlijeko s / naših pašnjaka | Zabranjen pristup / nezaposlenim osobama"
    " | Općina Vis | Grad Zadar | www.pekara-horvat.hr",
}
"""Words of each language, written for this benchmark: two sentences of two lines, two municipalities and a host."""


@dataclass(frozen=True)
class Picture:
    """One picture with what was read in it; ``position`` is None where only the country is known."""

    name: str
    kind: str
    """Its table, or "drawn goods" or "drawn signs"."""
    surface: str
    group: str
    country_code: str
    position: NDArray[np.float64] | None
    lines: tuple[Line, ...]
    unread: tuple[Line, ...]
    """Lines in scripts that no recogniser reads."""
    not_a_photo: bool
    blocks: tuple[surfaces.TextBlock, ...]
    """In pixels of the small picture, like ``small``."""
    small: tuple[int, int]
    scale: float
    """Pixels of the small picture for each pixel of the lines' boxes."""
    pooled: NDArray[np.float64]
    language: str = ""
    """The language of the words of a drawn picture."""

    @property
    def features(self) -> list[NDArray[np.float64]]:
        """The features of each block that is looked at."""
        placed = [line.scaled(self.scale) for line in (*self.lines, *self.unread)]
        shapes = [surfaces.words_and_shape(self.small, placed, block) for block in self.blocks]
        return [surfaces.joined(shape, pooled) for shape, pooled in zip(shapes, self.pooled, strict=True)]


class DrawnPicture(NamedTuple):
    """A picture to draw: words of a language on a surface, in the photo of a row of the table."""

    name: str
    surface: str
    language: str
    row: dict[str, str]
    draw: Callable[[], Image.Image]


def drawn_pictures(seed: int, count: int, kinds: Sequence[str] = GOODS) -> Iterator[DrawnPicture]:
    """Yield ``count`` pictures of each surface of ``kinds`` and of signs: the same words in the same photo on all."""
    rows = [row for row in rows_of("train") if row["use"] == "ship"]
    half = [row for number, row in enumerate(rows) if number % 2 == seed % 2]  # no photo is in both sets
    for number in range(count):
        rng = np.random.default_rng([seed, number])
        language = sorted(WORDS)[int(rng.integers(len(WORDS)))]
        row = half[int(rng.integers(len(half)))]
        parts = WORDS[language].split(" | ")
        chosen = [parts[at] for at in rng.permutation(5)[: int(rng.integers(1, 4))]]
        texts = [text for part in chosen for text in part.split(" / ")]
        for surface in dict.fromkeys((*kinds, "sign")):
            own = np.random.default_rng(
                [seed, number, {"package": 0, "sign": 1}.get(surface, SURFACES.index(surface) + 2)]
            )
            draw_it = functools.partial(_drawn, surface, texts, row["path"], own)
            yield DrawnPicture(f"{seed}-{number}-{surface}", surface, language, row, draw_it)


def _drawn(surface: str, texts: Sequence[str], path: str, rng: np.random.Generator) -> Image.Image:
    photo = Image.open(PHOTOS / path).convert("RGB").resize(DRAWN_SIZE)
    return draw(surface, texts, photo, rng).picture


def read_drawn_to_fit(cache: Path) -> list[Picture]:
    """Return the drawn pictures that the weights are fitted on: of every surface, most of them signs and packages."""
    others = read_drawn(FIT_SEED, FIT_OTHERS, cache, SURFACES)
    return list({picture.name: picture for picture in (*others, *read_drawn(FIT_SEED, FIT_COUNT, cache))}.values())


def entry_of(
    picture: Image.Image, lines: Sequence[Line], unread: Sequence[Line], width: int, **known: object
) -> dict[str, object]:
    """What is kept of a picture; ``width`` is its width in the pixels of the lines' boxes."""
    small = surfaces.shrunk(picture)
    scale = small.width / width
    blocks = surfaces.blocks_of([line.scaled(scale) for line in (*lines, *unread)])[: surfaces.MOST_BLOCKS]
    pooled = [surfaces.backbone_features(surfaces.square(small, block.box)) for block in blocks]
    packed = np.array(pooled).reshape(len(blocks), surfaces.CHANNELS).astype(np.float16)
    return {
        **known,
        "small": small.size,
        "scale": scale,
        "lines": [_kept_line(line) for line in lines],
        "unread": [_kept_line(line) for line in unread],
        "blocks": [[block.rows, block.box] for block in blocks],
        "pooled": base64.b64encode(packed.tobytes()).decode(),
    }


def _kept_line(line: Line) -> list[object]:
    return [line.text, line.confidence, line.box, line.corners, line.script]


def _lines_of(kept: Sequence[Any]) -> tuple[Line, ...]:
    return tuple(Line(text, sure, tuple(box), corners, None, script) for text, sure, box, corners, script in kept)


def picture_of(entry: dict[str, Any], **known: Any) -> Picture:
    """A picture from what was kept of it."""
    pooled = np.frombuffer(base64.b64decode(entry["pooled"]), np.float16).reshape(-1, surfaces.CHANNELS)
    blocks = [surfaces.TextBlock(tuple(rows), tuple(box)) for rows, box in entry["blocks"]]
    return Picture(
        lines=_lines_of(entry["lines"]),
        unread=_lines_of(entry["unread"]),
        blocks=tuple(blocks),
        small=tuple(entry["small"]),
        scale=entry["scale"],
        pooled=pooled.astype(np.float64),
        **known,
    )


def read_table(name: str, cache: Path) -> Iterator[Picture]:
    """The photos of a table; what was read in each is kept in the cache."""
    kept, rows = KeptEntries(cache, name), rows_of(name)
    for row in bar(rows, total=len(rows), what=f"reading {name}"):
        entry = kept.get(row["path"])
        if entry is None:
            photo = Photo.of(str(PHOTOS / row["path"]))
            reading = read_photo(photo, shared_reader())
            image, width = photo.rgb(min_side=LARGEST_SIDE), photo.size[0]
            empty = reading.not_a_photo is not None
            entry = kept.keep(row["path"], entry_of(image, reading.lines, reading.unread, width, not_a_photo=empty))
        yield picture_of(
            entry,
            name=row["path"],
            kind=name,
            surface=row.get("surface", "sign"),
            group=row["group_id"],
            country_code=row["country_code"],
            position=position_of(row),
            not_a_photo=entry["not_a_photo"],
        )


def read_drawn(seed: int, count: int, cache: Path, kinds: Sequence[str] = GOODS) -> Iterator[Picture]:
    """Yield drawn pictures of these surfaces and of signs; what was read in each is kept in the cache."""
    kept = KeptEntries(cache, f"drawn{seed}")
    reader = Reader(threads=1, detector_side=DRAWN_DETECTOR)
    asked = list(drawn_pictures(seed, count, kinds))
    for one in bar(asked, total=len(asked), what="reading drawn pictures"):
        entry = kept.get(one.name)
        if entry is None:
            image = one.draw()
            seen = reader.see_tiles(tiles_of(image))
            entry = kept.keep(one.name, entry_of(image, seen.lines, seen.unread, image.width))
        yield picture_of(
            entry,
            name=one.name,
            kind="drawn signs" if one.surface == "sign" else "drawn goods",
            surface=one.surface,
            group=one.row["path"],
            country_code=one.row["country_code"],
            position=position_of(one.row),
            not_a_photo=False,
            language=one.language,
        )


# ---- what a block stands on


def fit_weights(pictures: Sequence[Picture]) -> surfaces.SignWeights:
    """Fit a ridge logistic regression of "a sign or not" on the largest block of every picture.

    There are more features than pictures, so the network's features are weighted only along the principal directions of
    the pictures.
    """
    telling = [picture for picture in pictures if picture.blocks]
    is_drawn = np.array([picture.kind.startswith("drawn") for picture in telling])
    every = np.array([picture.features[0] for picture in telling])
    named, pooled = np.split(every, [len(surfaces.FEATURES)], axis=1)
    directions = np.linalg.svd(pooled - pooled.mean(axis=0), full_matrices=False)[2][:DIRECTIONS].T
    raw = np.hstack([named, pooled @ directions])
    truth = np.array([picture.surface == "sign" for picture in telling], float)
    is_other = is_drawn & ~np.isin([picture.surface for picture in telling], (*GOODS, "sign"))
    worth = np.where(is_other, OTHER_WORTH, np.where(is_drawn, DRAWN_WORTH, 1.0))
    slopes, constant = fit_logistic(raw, truth, RIDGE, worth)
    on_named, on_directions = np.split(slopes, [len(surfaces.FEATURES)])
    weights = np.r_[on_named, directions @ on_directions]
    return surfaces.SignWeights(weights, constant, SHARES)


def judged(picture: Picture, weights: surfaces.SignWeights) -> list[Line]:
    """The lines of a picture with their surfaces, as ``surfaces.judge_lines`` gives them; the unread ones last."""
    found = [surfaces.surfaces_of(values, weights) for values in picture.features]
    lines = (*picture.lines, *picture.unread)
    return surfaces.spread([line.scaled(picture.scale) for line in lines], lines, picture.blocks, found)


# ---- what a cue on it is worth


def on_signs() -> dict[str, float]:
    """The reliability of each trust on signs, as it is shipped."""
    return {
        trust: row["sign"] if isinstance(row, Mapping) else row for trust, row in fitted_reliabilities().table.items()
    }


@dataclass(frozen=True)
class Case:
    """One picture, its cues, and the surfaces of its largest block."""

    picture: Picture
    cues: tuple[Cue, ...]
    shares: Mapping[str, float]


class Scale:
    """The photo density, and what cues make of it."""

    def __init__(self) -> None:
        self.prior = density_prior()
        self.before = PosteriorBeforeCues.of(self.prior)

    def posterior(self, case: Case, reliabilities: Reliabilities) -> Posterior:
        return self.before.fuse(case.cues, reliabilities).posterior if case.cues else self.prior

    def nll(self, case: Case, reliabilities: Reliabilities) -> float:
        """Nats per steradian at the position; where only the country is known, nats of the country."""
        return nll_of(self.posterior(case, reliabilities), case.picture)


def nll_of(posterior: Posterior, picture: Picture) -> float:
    if picture.position is not None:
        return -float(posterior.log_density(picture.position[None])[0])
    return -float(np.log(max(dict(country_masses(posterior)[0]).get(picture.country_code, 0.0), 1e-9)))


# ---- the results


@dataclass(frozen=True)
class Answer:
    """How right and how sure one answer is."""

    first: bool
    five: bool
    error_km: float | None
    inside: bool | None
    sure: str | None
    """The finest of street, city, region and country that it is confident to."""
    right: bool
    """Whether a sure answer is right: the position is that near, or the country is the right one."""
    nll: float
    countries: tuple[tuple[str, float], ...]
    named: str | None
    """The level of what it is sure of by name (``sure_of``)."""
    named_right: bool
    """Whether the photo was taken there."""


def answer_of(posterior: Posterior, picture: Picture) -> Answer:
    fields = answer_rows(posterior, widening=prior_widening())[0]
    answered = fields.answered
    ranked = [code for code, _ in fields.countries]
    sure = fields.confident_to if fields.confident_to in SURE_KM else None
    error = None
    if picture.position is not None:
        error = float(sphere.distance_km([[answered.latitude, answered.longitude]], picture.position[None])[0])
    right = bool(ranked) and ranked[0] == picture.country_code
    if error is not None and sure is not None:
        right = error <= SURE_KM[sure]
    return Answer(
        first=picture.country_code in ranked[:1],
        five=picture.country_code in ranked[:5],
        error_km=error,
        inside=None if error is None else error <= answered.radius_km,
        sure=sure,
        right=right,
        nll=nll_of(posterior, picture),
        countries=tuple(fields.countries[:2]),
        named=None if fields.sure_of is None else fields.sure_of.level,
        named_right=fields.sure_of is not None and is_there(fields.sure_of, np.array(answered[:2]), picture, error),
    )


def is_there(sure: SureOf, answer: NDArray[np.float64], picture: Picture, error_km: float | None) -> bool:
    """Whether a picture was taken in what an answer is sure of. Where only its country is known, that decides."""
    if picture.position is None or error_km is None:
        return picture.country_code == sure.country_code
    if sure.level == "street":
        return error_km <= SURE_KM["street"]
    if sure.level == "city":
        town = town_extent(int(place_names.town_index(answer[None])[0]))
        return float(sphere.distance_km(np.array(town[:2]), picture.position)) <= town.radius_km
    place = place_names.place_names(picture.position[None])[0]
    return place.country_code == sure.country_code and sure.name in (place.region, place.country)


def percent(count: int, total: int) -> str:
    """A share in percent with its 95 % interval (Wilson)."""
    if not total:
        return "none"
    low, high = share_interval(count / total, total)
    return f"{100 * count / total:.0f} ({100 * low:.0f} to {100 * high:.0f})"


def row_of(name: str, answers: Sequence[Answer], before: Sequence[Answer]) -> str:
    placed = [answer for answer in answers if answer.error_km is not None]
    sure, sure_before = [[one for one in found if one.sure] for found in (answers, before)]
    inside = sum(bool(answer.inside) for answer in placed)
    near = sum(answer.error_km <= 25 for answer in placed if answer.error_km is not None)
    cells = [
        str(len(answers)),
        percent(sum(one.first for one in before), len(before)),
        percent(sum(one.first for one in answers), len(answers)),
        percent(sum(one.five for one in answers), len(answers)),
        percent(near, len(placed)),
        f"{len(sure_before)}, {sum(not one.right for one in sure_before)}",
        f"{len(sure)}, {sum(not one.right for one in sure)}",
        percent(inside, len(placed)),
        f"{np.mean([one.nll for one in before]):.2f}",
        f"{np.mean([one.nll for one in answers]):.2f}",
    ]
    return f"| {name} | {' | '.join(cells)} |"


def cases_of(pictures: Sequence[Picture], weights: Sequence[surfaces.SignWeights]) -> list[Case]:
    found = []
    for picture, own in bar(list(zip(pictures, weights, strict=True)), total=len(pictures), what="finding cues"):
        lines = judged(picture, own)
        read = len(picture.lines)
        facts = PhotoFacts(tuple(lines[:read]), unread=tuple(lines[read:]))
        cues = [] if picture.not_a_photo else EVIDENCE["text"](facts)
        shares = lines[picture.blocks[0].rows[0]].surfaces if picture.blocks else None
        found.append(Case(picture, tuple(cues), shares or {}))
    return found


def folds_of(pictures: Sequence[Picture], seed: int) -> NDArray[np.int64]:
    return (hashed_share([picture.group for picture in pictures], seed=seed) * FOLDS).astype(int)


def weights_by_fold(pictures: Sequence[Picture], drawn: Sequence[Picture], fold_of: NDArray[np.int64]) -> list[Any]:
    """For each picture weights that were fitted on other folds, and on drawn pictures."""
    by_fold = {
        fold: fit_weights([*(one for one, own in zip(pictures, fold_of, strict=True) if own != fold), *drawn])
        for fold in np.unique(fold_of)
    }
    return [by_fold[fold] for fold in fold_of]


def print_results(scale: Scale, real: Sequence[Case], drawn: Sequence[Case]) -> None:
    """The document."""
    print("# What text stands on\n")
    print(
        f"Made by `python benchmarks/surfaces.py --drawn {len(drawn) // 2}`: {len(real)} photos of {', '.join(TABLES)}"
    )
    print(
        f"and {len(drawn)} drawn pictures. What text stands on is judged with weights of other folds (five, by group);"
    )
    print("no drawn picture was fitted on. The reliabilities are those that ship. Before: every line counts as a sign.")
    print("Circles are those of the answers, widened (`results-circles.md`).")
    print(
        "Percent with 95 % intervals (Wilson); NLL in nats per steradian, or of the country where only it is known.\n"
    )
    old, new = Reliabilities(on_signs()), fitted_reliabilities()
    print_judging(real, drawn)
    print(
        "\n| photos | n | country first before | after | among five | 25 km | sure, and wrong: before | after "
        "| in 90 % circle | NLL before | after |\n|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|"
    )
    every: list[Answer] = []
    wrong: list[str] = []
    for name in (*TABLES, "drawn goods", "drawn signs"):
        known = [case for case in (*real, *drawn) if case.picture.kind == name and case.picture.country_code]
        after = [answer_of(scale.posterior(case, new), case.picture) for case in known]
        before = [answer_of(scale.posterior(case, old), case.picture) for case in known]
        print(row_of(name, after, before), flush=True)
        if not name.startswith("drawn"):
            every += after
            wrong += [
                f"* {case.picture.name} ({case.picture.country_code}), sure of the {one.sure}: {one.countries}; "
                + "; ".join(f"{cue.kind} {cue.means}" for cue in case.cues)
                for case, one in zip(known, after, strict=True)
                if one.sure
                if not one.right or case.picture.surface != "sign"
            ]
        elif name == "drawn signs":
            kept = sum(bool(a.sure) for a, b in zip(after, before, strict=True) if b.sure)
            share = percent(kept, sum(bool(one.sure) for one in before))
            print(f"\nOf the drawn signs that were sure before, still sure: {kept}, {share} %.")
    print_sure(every)
    print("\nSure and wrong, or sure of text that is not on a sign:\n")
    print("\n".join(wrong) or "none")


def print_sure(answers: Sequence[Answer]) -> None:
    """How often the sure answers on photos are right: by name (``sure_of``), and by distance (``confident_to``)."""
    print("\nSure answers on photos, and how many of them are right. By name: the photo was taken in the street, city,")
    print("region or country that `sure_of` names. By distance: it was taken as near as `confident_to` says.\n")
    print("| sure of the | by name | right | by distance | right |\n|---|---:|---:|---:|---:|")
    for level in (*SURE_KM, None):
        named = [one.named_right for one in answers if one.named is not None and level in (None, one.named)]
        near = [one.right for one in answers if one.sure is not None and level in (None, one.sure)]
        right = [percent(sum(found), len(found)) for found in (named, near)]
        print(f"| {level or 'all together'} | {len(named)} | {right[0]} | {len(near)} | {right[1]} |")


def print_judging(real: Sequence[Case], drawn: Sequence[Case]) -> None:
    """How well the largest block's surface is judged."""
    print(
        "| text on | pictures | taken for a sign (more than 50 %) | mean probability of a sign |\n|---|---:|---:|---:|"
    )
    for name, cases in (("", real), ("drawn ", drawn)):
        for surface in SURFACES:
            shares = [case.shares["sign"] for case in cases if case.picture.surface == surface and case.picture.blocks]
            if shares:
                taken = sum(share > 0.5 for share in shares)
                print(f"| {name}{surface} | {len(shares)} | {percent(taken, len(shares))} | {np.mean(shares):.2f} |")


def write_files(weights: surfaces.SignWeights, count: int) -> None:
    """Write the weights."""
    origin = (
        f"benchmarks/surfaces.py --fit on {count} photos of {', '.join(TABLES)}, {FIT_COUNT} drawn pairs of a package "
        f"and a sign, {FIT_OTHERS} drawn pictures of each other surface"
    )
    named, pooled = np.split(weights.weights, [len(surfaces.FEATURES)])
    document: dict[str, Any] = {
        "provenance": origin,
        "constant": round(weights.constant, 4),
        "weights": {name: round(float(value), 4) for name, value in zip(surfaces.FEATURES, named, strict=True)},
    }
    output_files.write_bytes(SIGN_LOOK, save({"weights": pooled.astype(np.float32)}, metadata={"provenance": origin}))
    head = "# Log odds that a block of lines stands on a sign: a constant, and a weight for each feature.\n\n"
    output_files.write_text(WEIGHTS, head + tomli_w.dumps(document))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fit", action="store_true", help="fit on all photos and write both files")
    parser.add_argument("--cache", type=Path, help="keep what was read here")
    parser.add_argument("--drawn", type=int, default=500, help="pairs of drawn pictures")
    arguments = parser.parse_args()
    if not PHOTOS.is_dir():
        sys.exit(f"surfaces: no photos at {PHOTOS}")
    with tempfile.TemporaryDirectory() as temporary:
        cache = Path(temporary) if arguments.cache is None else arguments.cache
        cache.mkdir(parents=True, exist_ok=True)
        real = [picture for table in TABLES for picture in read_table(table, cache)]
        drawn_to_fit = read_drawn_to_fit(cache)
        drawn = [] if arguments.fit else list(read_drawn(TEST_SEED, arguments.drawn, cache))
    if arguments.fit:
        write_files(fit_weights([*real, *drawn_to_fit]), len(real))
        return
    cases = cases_of(real, weights_by_fold(real, drawn_to_fit, folds_of(real, seed=1)))
    print_results(Scale(), cases, cases_of(drawn, [fit_weights([*real, *drawn_to_fit])] * len(drawn)))


if __name__ == "__main__":
    main()
