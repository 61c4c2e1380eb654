"""Public words, numbers and areas as evidence outside Europe: street photos, and drawn signs of 40 countries.

    pip install airportsdata==20260905 babel==2.18.0 holidays==0.109
    python benchmarks/public_words.py --drawn 400 --readings FOLDER > docs/results-public-words.md
    python benchmarks/public_words.py --fit --readings FOLDER      # the share of travellers, cross-validated

Without ``--drawn`` the signs are lines of text alone.

The photos are those of the shared development tables. ``--readings FOLDER`` keeps what was read in each photo and drawn
sign, so that a second run reads nothing, and a run that was stopped goes on. The words of the signs come from lists
that the tables do not use: cities, states and airports without an IATA code of airportsdata (MIT), public holidays of
holidays (MIT), prices of Unicode CLDR by way of Babel. The posterior starts from the photo density of the world; there
is no visual model. The default reliabilities are used.
"""

from __future__ import annotations

import argparse
import functools
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from readings import PHOTOS, KeptEntries, read_table, reading_of, rows_of

from whereshot.earth import sphere
from whereshot.evidence import EVIDENCE, Cue, Line, PhotoFacts
from whereshot.evidence.fusion import PosteriorBeforeCues
from whereshot.evidence.ocr import shared_reader
from whereshot.evidence.read_photos import read_photo
from whereshot.evidence.text_takers import log_correction
from whereshot.foundation.progress import bar
from whereshot.foundation.tables import hashed_share
from whereshot.locate.answers import answer_rows
from whereshot.posterior.masses import country_masses
from whereshot.posterior.prior import density_prior

TABLES = ("scene_dev", "signs_dev", "portable_dev")
# fmt: off
COUNTRIES = (
    "US", "CA", "MX", "GT", "CR", "PA", "CO", "EC", "PE", "BO", "CL", "AR", "UY", "PY",
    "BR", "DO", "JM", "TT", "AU", "NZ", "FJ", "ZA", "KE", "TZ", "UG", "NG", "GH", "SN",
    "MA", "EG", "IN", "PK", "BD", "LK", "VN", "ID", "MY", "PH", "SG", "TR",
)
# fmt: on
SIGNS_PER_COUNTRY = 10
LOCALES = {
    **dict.fromkeys(COUNTRIES, "en"),
    **dict.fromkeys(("MX", "GT", "CR", "PA", "CO", "EC", "PE", "BO", "CL", "AR", "UY", "PY", "DO"), "es"),
    "BR": "pt",
    "SN": "fr",
    "MA": "fr",
    "VN": "vi",
    "ID": "id",
    "TR": "tr",
}
"""The language of the signs of each country, by ISO 639-1."""
WORDS = {
    "en": ("Closed on {}", "Welcome to {}", "only {}", "Airport {}"),
    "es": ("Cerrado {}", "Bienvenidos a {}", "solo {}", "Aeropuerto {}"),
    "pt": ("Fechado {}", "Bem-vindo a {}", "somente {}", "Aeroporto {}"),
    "fr": ("Fermé {}", "Bienvenue à {}", "seulement {}", "Aéroport {}"),
    "vi": ("Đóng cửa {}", "Chào mừng đến {}", "chỉ {}", "Sân bay {}"),
    "id": ("Tutup {}", "Selamat datang di {}", "hanya {}", "Bandara {}"),
    "tr": ("{} kapalıyız", "{} hoş geldiniz", "sadece {}", "{} Havalimanı"),
}
"""Sentences for a holiday, a town, a price and an airport."""
SURE = 0.9
CLAIM_KM = {"street": 1.0, "city": 25.0, "region": 200.0, "country": 750.0}


@dataclass(frozen=True)
class Sample:
    """The lines of one picture and the truth; ``point`` is None where the position is not known."""

    group: str
    country_code: str
    point: NDArray[np.float64] | None
    lines: tuple[Line, ...]


class Judged(NamedTuple):
    """What was answered: the rank of the right country, the error, whether it was sure and wrong, the likelihood."""

    rank: int
    error_km: float
    is_wrong: bool | None
    nll: float


class Scale:
    """The prior, and scores of cues on it."""

    def __init__(self) -> None:
        self.before = PosteriorBeforeCues.of(density_prior())

    def judge(self, sample: Sample, cues: Sequence[Cue]) -> Judged:
        """Return how the answer from these cues compares with the truth."""
        posterior = self.before.fuse(cues).posterior
        (answer,) = answer_rows(posterior)
        part = self.judge_country(sample, cues)
        sure_of_country = answer.countries[0][1] >= SURE and part.rank != 0
        if sample.point is None:
            return part._replace(is_wrong=sure_of_country)
        error = float(sphere.distance_km(np.array([answer.latitude, answer.longitude]), sample.point))
        claimed = CLAIM_KM.get(answer.confident_to or "", np.inf)
        return part._replace(error_km=error, is_wrong=sure_of_country or error > claimed)

    def judge_country(self, sample: Sample, cues: Sequence[Cue]) -> Judged:
        """Return the rank of the right country and the likelihood, which is quick: no position is decided."""
        posterior = self.before.fuse(cues).posterior
        codes = [code for code, _ in country_masses(posterior)[0]]
        rank = codes.index(sample.country_code) if sample.country_code in codes else 999
        nll = np.nan if sample.point is None else -float(posterior.log_density(sample.point[None])[0])
        return Judged(rank, np.nan, None, nll)


def photo_samples(name: str, folder: Path | None) -> list[Sample]:
    """Return the lines that are read in the photos of a table; they are kept in ``folder``."""
    return [
        Sample(
            photo.row["group_id"],
            photo.row["country_code"],
            photo.position,
            () if photo.reading.not_a_photo else photo.reading.lines,
        )
        for photo in read_table(name, folder)
    ]


@functools.cache
def airport_rows() -> tuple[dict[str, str], ...]:
    """Return the airports of airportsdata; they are read once."""
    import airportsdata

    return tuple(airportsdata.load().values())


def sign_texts(code: str, rng: np.random.Generator) -> Iterator[list[str]]:
    """Yield the lines of ten signs of a country: four of towns in states, two airports, two holidays, two prices.

    The airports have no IATA code, because the table of the package is made from those that have one. A country without
    such an airport has two more towns.
    """
    import holidays
    from babel.core import negotiate_locale
    from babel.localedata import locale_identifiers
    from babel.numbers import format_currency, get_territory_currencies

    language = LOCALES[code]
    closed, welcome, only, airport = WORDS[language]
    rows = [row for row in airport_rows() if row["country"] == code and row["city"] and row["name"]]
    rows = [rows[number] for number in rng.permutation(len(rows))] * SIGNS_PER_COUNTRY
    # without a language, the package takes the one of the environment
    native = holidays.country_holidays(code).default_language
    own = holidays.country_holidays(code, years=2025, language=native)
    feasts = [name.split(";")[0].split("(")[0].strip() for name in dict.fromkeys(own.values())]
    feasts = [feasts[number] for number in rng.permutation(len(feasts))] * 2
    currency = get_territory_currencies(code)[0]
    prices = [
        float(rng.integers(3, 90)) * (1000 if currency in ("CLP", "COP", "IDR", "VND", "PYG") else 5) for _ in "ab"
    ]
    own_locale = negotiate_locale([f"{language}_{code}", language], locale_identifiers()) or "en"
    for row in rows[:4]:
        yield [welcome.format(row["city"]), row["subd"]]
    airfields = [row for row in rows[: len(rows) // SIGNS_PER_COUNTRY] if not row["iata"]]
    for row in airfields[:2]:
        yield [airport.format(row["name"].removesuffix(" Airport")), row["city"]]
    for row in rows[4 : 6 - len(airfields[:2])]:
        yield [welcome.format(row["city"]), row["subd"]]
    for feast, row in zip(feasts[:2], rows[6:8], strict=True):
        yield [closed.format(feast), row["city"]]
    for price, row in zip(prices, rows[8:10], strict=True):
        yield [only.format(format_currency(price, currency, locale=own_locale)), row["city"], row["subd"]]


def drawn(texts: Sequence[str], photo: Path, rng: np.random.Generator) -> Image.Image:
    """Return a photo with a sign of these lines on it."""
    picture = Image.open(photo).convert("RGB").resize((1024, 768))
    brush = ImageDraw.Draw(picture)
    font = ImageFont.truetype("DejaVuSans-Bold.ttf", int(rng.integers(34, 46)))
    widest = max(brush.textlength(text, font=font) for text in texts)
    if widest > 940:
        font = font.font_variant(size=int(font.size * 940 / widest))
        widest = 940
    height = 1.5 * font.size
    left, top = rng.uniform(20, 1000 - widest), rng.uniform(20, 740 - height * len(texts))
    dark, light = [(20, 60, 30), (20, 40, 110), (30, 30, 30)][rng.integers(3)], (245, 245, 240)
    brush.rectangle((left - 14, top - 10, left + widest + 14, top + height * len(texts) + 6), fill=dark, outline=light)
    for number, text in enumerate(texts):
        brush.text((left, top + number * height), text, font=font, fill=light)
    return picture


def sign_samples(count: int) -> list[Sample]:
    """Return signs of the 40 countries as lines that are read without errors."""
    rng = np.random.default_rng(17)
    per_country = max(1, count // len(COUNTRIES))
    samples = []
    for code in COUNTRIES:
        for number, texts in enumerate(list(sign_texts(code, rng))[:: max(1, SIGNS_PER_COUNTRY // per_country)]):
            rows = enumerate(text for text in texts if text)
            lines = tuple(Line(text, 0.95, (20, 20 + 60 * row, 600, 70 + 60 * row)) for row, text in rows)
            samples.append(Sample(f"{code}{number}", code, None, lines))
    return samples


def drawn_samples(count: int, folder: Path | None) -> list[Sample]:
    """Return the same signs as they are read where they are drawn on photos of train.csv; kept in ``folder``."""
    backgrounds = [row["path"] for row in rows_of("train")]
    kept = KeptEntries(folder, "drawn_signs")
    samples = []
    for number, sample in enumerate(bar(sign_samples(count), total=count, what="reading drawn signs")):
        entry = kept.get(sample.group)
        if entry is None:
            rng = np.random.default_rng([17, number])
            with tempfile.TemporaryDirectory() as temporary:
                path = Path(temporary) / "sign.jpg"
                photo = PHOTOS / backgrounds[rng.integers(len(backgrounds))]
                drawn([line.text for line in sample.lines], photo, rng).save(path, quality=92)
                entry = kept.keep(sample.group, asdict(read_photo(str(path), shared_reader())))
        reading = reading_of(entry)
        samples.append(replace(sample, lines=() if reading.not_a_photo else reading.lines))
    return samples


def row_of(name: str, samples: Sequence[Sample], judged: Sequence[Judged]) -> str:
    """Return one row of the table."""
    rank = np.array([one.rank for one in judged])
    by_country = defaultdict(list)
    for sample, value in zip(samples, rank, strict=True):
        by_country[sample.country_code].append(value == 0)
    mean = np.mean([np.mean(values) for values in by_country.values()])
    error = np.array([one.error_km for one in judged])
    placed = error[np.isfinite(error)]
    near = f"{100 * (placed <= 25).mean():.0f}" if len(placed) else "-"
    nll = np.array([one.nll for one in judged])
    nll = nll[np.isfinite(nll)]
    wrong = str(sum(one.is_wrong for one in judged)) if any(one.is_wrong is not None for one in judged) else "-"
    return (
        f"| {name} | {len(samples)} | {100 * (rank == 0).mean():.0f} | {100 * (rank < 3).mean():.0f} | "
        f"{100 * mean:.0f} | "
        f"{near} | {f'{nll.mean():.2f}' if len(nll) else '-'} | {wrong} |"
    )


def table(title: str, samples: Sequence[Sample], scale: Scale, ablate: bool) -> None:
    """Print how good the answers are with all cues, and without each kind of cue where that is asked for."""
    started = time.process_time()
    cues = [EVIDENCE["text"](PhotoFacts(sample.lines)) for sample in samples]
    spent = (time.process_time() - started) / max(1, len(samples))
    print(f"\n## {title}\n")
    print("| evidence | pictures | country first | among three | mean of countries | 25 km | NLL | sure and wrong |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    print(row_of("all cues", samples, [scale.judge(*pair) for pair in zip(samples, cues, strict=True)]))
    for trust in sorted({cue.trust for own in cues for cue in own}) if ablate else ():
        rest = [[cue for cue in own if cue.trust != trust] for own in cues]
        named = sum(any(cue.trust == trust for cue in own) for own in cues)
        print(
            row_of(
                f"without {trust} ({named})",
                samples,
                [scale.judge_country(*pair) for pair in zip(samples, rest, strict=True)],
            )
        )
    print(f"\n{1000 * spent:.0f} ms a picture for its cues, reading left out.")


def with_travellers(cues: Sequence[Cue], share: float) -> list[Cue]:
    """Return the cues with another share of travellers in the language cue."""
    fitted, wanted = log_correction(), log_correction(share)
    changed = []
    for cue in cues:
        if cue.kind == "text/language" and cue.countries is not None:
            factor = {code: float(np.exp(wanted.get(code, 0.0) - fitted.get(code, 0.0))) for code in cue.countries}
            cue = replace(cue, countries={code: value * factor[code] for code, value in cue.countries.items()})
        changed.append(cue)
    return changed


def fit(samples: Sequence[Sample], scale: Scale) -> None:
    """Print the mean loss by share of travellers, and the loss where each fold takes the best share of the others."""
    placed = [sample for sample in samples if sample.point is not None]
    cues = [EVIDENCE["text"](PhotoFacts(sample.lines)) for sample in placed]
    shares = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1.0])
    loss = np.array(
        [
            [scale.judge_country(sample, with_travellers(own, share)).nll for share in shares]
            for sample, own in zip(placed, cues, strict=True)
        ]
    )
    for share, mean in zip(shares, loss.mean(axis=0), strict=True):
        print(f"travellers {share:.1f}: NLL {mean:.3f}")
    fold = (hashed_share([sample.group for sample in placed], seed=1) * 5).astype(int)
    best = {number: int(loss[fold != number].mean(axis=0).argmin()) for number in np.unique(fold)}
    held_out = float(np.mean([loss[row, best[number]] for row, number in enumerate(fold)]))
    print(
        f"five folds take {sorted(float(shares[row]) for row in best.values())}: NLL {held_out:.3f} on the other fold"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--readings", type=Path, help="folder that keeps what was read in the photos")
    parser.add_argument("--tables", nargs="*", default=list(TABLES), help="tables of photos")
    parser.add_argument("--signs", type=int, default=400, help="signs as lines of text; 0 for none")
    parser.add_argument("--drawn", type=int, default=0, help="signs that are drawn on photos and read")
    parser.add_argument("--ablate", nargs="*", default=["scene_dev"], help="tables, or signs, without each kind of cue")
    parser.add_argument("--fit", action="store_true", help="fit the share of travellers on the tables")
    arguments = parser.parse_args()
    if not PHOTOS.is_dir():
        sys.exit(f"public_words: no photos at {PHOTOS}")
    scale = Scale()
    photos = {name: photo_samples(name, arguments.readings) for name in arguments.tables}
    if arguments.fit:
        fit([sample for samples in photos.values() for sample in samples], scale)
        return
    print("# Public words, numbers and areas as evidence\n\nMade by `python benchmarks/public_words.py --signs "
          f"{arguments.signs} --drawn {arguments.drawn}`. Percent.")  # fmt: skip
    for name, samples in photos.items():
        table(f"Photos of {name}.csv", samples, scale, name in arguments.ablate)
    if arguments.signs:
        table("Signs as lines of text", sign_samples(arguments.signs), scale, "signs" in arguments.ablate)
    if arguments.drawn:
        table("Signs drawn on photos and read", drawn_samples(arguments.drawn, arguments.readings), scale, False)


if __name__ == "__main__":
    main()
