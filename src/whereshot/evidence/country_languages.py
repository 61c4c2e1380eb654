"""Which languages public texts use in each country, and how likely a recognised language makes each country.

``data/speakers.parquet`` holds the shares; ``scripts/build_languages.py`` makes it from Unicode CLDR, by way of Babel.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from whereshot.evidence.known_languages import CODES, LANGUAGES, NUMBER, PRIOR
from whereshot.evidence.language import NATIVE_FOREIGN, LanguageParameters
from whereshot.evidence.line_scripts import KNOWN_CLASSES
from whereshot.evidence.text_segments import NATIVE_SCRIPTS, USES_SCRIPT
from whereshot.foundation.package_data import read_table
from whereshot.posterior.masses import country_masses
from whereshot.posterior.prior import density_prior

TEXTS_IN_VIEW = 3
"""Number of texts in a typical street photo. Where most text is in foreign scripts, another text of the photo often is
not."""

LEAST_SHARE = 0.2
"""Share of public text from which a language belongs to a country."""

TAKEN_FOR = (("gl", "es", 0.5), ("gl", "pt", 0.3))
"""Rows of a small language without a word list, a large language, and a share. A short text in the large language often
looks like the small one: short Spanish looks Galician by its letters. So a text is at least this share as likely in the
large language as in the small one."""


class CountryLanguages(NamedTuple):
    """The share of public text in each language, for c countries and n languages."""

    countries: tuple[str, ...]
    """ISO 3166 codes."""
    share: NDArray[np.float64]
    """P(language | country) (c, n) of the known languages."""
    unknown_share: NDArray[np.float64]
    """Share (c,) of all other languages."""


@functools.cache
def country_languages() -> CountryLanguages:
    """Return the shares of languages by country; they are read once."""
    table = read_table("evidence/data/speakers.parquet").to_pydict()
    countries = tuple(dict.fromkeys(table["country_code"]))
    row = {code: number for number, code in enumerate(countries)}
    share, unknown = np.zeros((len(countries), len(CODES))), np.zeros(len(countries))
    for country, code, part in zip(table["country_code"], table["language"], table["share"], strict=True):
        if code in NUMBER:
            share[row[country], NUMBER[code]] += part
        else:
            unknown[row[country]] += part
    return CountryLanguages(countries, share, unknown)


@functools.cache
def _has_known_script() -> NDArray[np.bool_]:
    """Return which languages (n,) are written in scripts that RapidOCR knows."""
    result: NDArray[np.bool_] = np.any([USES_SCRIPT[script] for script in sorted(KNOWN_CLASSES - {"digits"})], axis=0)
    return result


@functools.cache
def _is_native() -> NDArray[np.bool_]:
    """Return which languages (n,) are written in native scripts only."""
    return np.array([NATIVE_SCRIPTS.issuperset(language.scripts) for language in LANGUAGES.values()])


@functools.cache
def _share_of_known_scripts() -> NDArray[np.float64]:
    """Return the share (c,) of public text that is in scripts that RapidOCR knows."""
    known = country_languages()
    share: NDArray[np.float64] = known.share[:, _has_known_script()].sum(axis=1) + known.unknown_share
    return np.clip(share, 1e-3, 1.0)


@functools.lru_cache(1024)
def languages_of(codes: tuple[str, ...]) -> frozenset[str] | None:
    """Return the codes of the languages that have at least ``LEAST_SHARE`` of the public text in any of some countries.

    Returns None where as much of it may be in a language that is not known.
    """
    known = country_languages()
    rows = [row for row, code in enumerate(known.countries) if code in codes]
    if not rows or (known.unknown_share[rows] >= LEAST_SHARE).any():
        return None
    return frozenset(CODES[number] for number in np.flatnonzero((known.share[rows] >= LEAST_SHARE).any(axis=0)))


def share_of_script(script: str) -> dict[str, float]:
    """Return the share of public text that is in a script of ``USES_SCRIPT``, by country code."""
    known = country_languages()
    share = known.share[:, USES_SCRIPT[script]].sum(axis=1)
    return dict(zip(known.countries, share.tolist(), strict=True))


@functools.cache
def photos_of_script(script: str) -> float:
    """Return the share of all photos that are taken where a native script has ``LEAST_SHARE`` of the public text.

    The photo density says where photos are taken. 1 for a script that no known language has.
    """
    if script not in USES_SCRIPT:
        return 1.0
    countries = {code for code, part in share_of_script(script).items() if part >= LEAST_SHARE}
    return sum(mass for code, mass in photos_of_country().items() if code in countries) or 1.0


@functools.cache
def photos_of_country() -> dict[str, float]:
    """Return the share of all photos that are taken in each country, by its code, from the photo density."""
    return dict(country_masses(density_prior())[0])


def log_seen() -> dict[str, float]:
    """Return the log of the share of photos with text that show text in a script that RapidOCR knows, by country code.

    With a share s of such text, at least one of n texts in view is such text with the probability 1 - (1 - s)^n.
    """
    seen = np.log(1 - (1 - _share_of_known_scripts()) ** TEXTS_IN_VIEW)
    return dict(zip(country_languages().countries, seen.tolist(), strict=True))


def country_log_likelihood(languages: Mapping[str, float]) -> dict[str, float]:
    """Return the natural log of P(text | country) by ISO 3166 code, relative to a text without information (0).

    ``languages`` is P(language | text) by code, as ``language.identify`` returns it. It is divided by the prior and
    averaged over the languages of each country. Text in a script that RapidOCR knows is compared with the languages of
    such scripts only: writing in a foreign script, read or not, is a text of its own. A small share of the public text
    of every country can be in any language, so no country is ruled out. Codes outside ``LANGUAGES`` are ignored. An
    empty mapping gives 0 everywhere.
    """
    known, given, ratio = country_languages(), _given(languages), _ratio_to_prior(languages)
    native = float(given[_is_native()].sum() / given.sum()) if given.sum() > 0 else 0.0
    foreign = LanguageParameters.fitted().foreign * (1 - native * (1 - NATIVE_FOREIGN))
    is_known = _has_known_script()
    of_known = float(given[is_known].sum() / given.sum()) if given.sum() > 0 else 1.0
    all_text = known.share @ ratio + known.unknown_share * _share_of_scripts(given)
    known_text = (known.share[:, is_known] @ ratio[is_known] + known.unknown_share) / _share_of_known_scripts()
    likelihood = (1 - foreign) * (of_known * known_text + (1 - of_known) * all_text) + foreign
    return dict(zip(known.countries, np.log(likelihood).tolist(), strict=True))


def _given(languages: Mapping[str, float]) -> NDArray[np.float64]:
    """Return P(language | text) (n,) from its values by code."""
    return np.array([max(0.0, languages.get(code, 0.0)) for code in CODES])


def _ratio_to_prior(languages: Mapping[str, float]) -> NDArray[np.float64]:
    """Return P(language | text) / P(language) (n,), with ``TAKEN_FOR``; 1 for a text without information."""
    given = _given(languages)
    ratio: NDArray[np.float64] = given / given.sum() / PRIOR if given.sum() > 0 else np.ones(len(CODES))
    for small, large, share in TAKEN_FOR:
        ratio[NUMBER[large]] = max(ratio[NUMBER[large]], share * ratio[NUMBER[small]])
    return ratio


def _share_of_scripts(given: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share (c,) of each country's text that is in the scripts of a text, among the foreign ones.

    ``given`` is P(language | text) (n,). The unknown languages of a country are written in the scripts of its known
    languages: no unknown language of Nigeria is written in Georgian letters.
    """
    known = country_languages().share
    by_script = [uses for script, uses in USES_SCRIPT.items() if script not in KNOWN_CLASSES]
    weights = np.array([given[uses].sum() for uses in by_script])
    if weights.sum() == 0 or np.allclose(given / given.sum(), PRIOR, atol=1e-9):  # the script is not known
        return np.ones(len(known))
    shares = np.array([known[:, uses].sum(axis=1) for uses in by_script]) / np.maximum(known.sum(axis=1), 1e-12)
    return np.asarray(weights @ shares / weights.sum())


def leading_languages(languages: Mapping[str, float]) -> dict[str, str]:
    """Return, by ISO 3166 code, the language that makes a text most likely in each country.

    ``languages`` is P(language | text) by code, as ``language.identify`` returns it.
    """
    known = country_languages()
    best = (known.share * _ratio_to_prior(languages)).argmax(axis=1)
    return {country: CODES[number] for country, number in zip(known.countries, best.tolist(), strict=True)}
