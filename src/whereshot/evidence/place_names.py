"""Find the names of towns in lines of text, also where letters were misread, and make cues that propose the towns.

A name has one of three kinds of trust, each with a fitted reliability:

* *named*: the words around it show that a place is meant ("Ajuntament d'Altafulla", "21073 Hamburg",
  "www.stockholm.se").
* *weak*: the place is probably not meant: a part of another name, a street that is named after a town, a misread name,
  the name of a very small town, or only the name of a very large city, as on T-shirts.
* *plain*: all others.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from whereshot.earth.towns import gazetteer
from whereshot.evidence.base import Box, Cue, Line, Proposal
from whereshot.evidence.lexicon import word_zipf
from whereshot.evidence.patterns import host_words
from whereshot.evidence.worldwide_words import is_worldwide

TRUSTS = ("text/place/named", "text/place/plain", "text/place/weak")
MISREAD_DISCOUNT = 0.6
"""The reliability of a name is multiplied by this for each misread letter."""
MOST_TOWNS = 24
"""The most towns that one name can mean; the largest towns are kept."""
LEAST_LETTERS = 4
"""Shorter names are ignored."""
LEAST_LETTERS_FUZZY = 6
"""Letters from which a name is also searched with misread letters."""
LEAST_LETTERS_TWO_ERRORS = 12
"""In a name with fewer letters, two misread letters are allowed only for a large city."""
WORLD_CITY = 900_000
"""Inhabitants from which a city's name alone is often a brand, a print on a shirt or a destination."""
_LONGEST_NAME_WORDS = 5
_WORD = re.compile(r"[^\W\d_]+(?:['’.-][^\W\d_]+)*", re.UNICODE)
_PLACE_COMES = re.compile(
    r"(?:\b(?:ajuntament|ayuntamiento|comune|mairie|ville|commune|municipality|city|town|borough|parish|village|port"
    r"|gemeente|gemeinde|stadt|hansestadt|landeshauptstadt|kreis|landkreis|kommune|kommun|concello|câmara municipal"
    r"|município|prefeitura|municipio|municipalidad|gmina|miasto|město|obec|općina|grad|občina|mesto|universit\w+"
    r"|polizei|feuerwehr|stadtwerke|bahnhof|gare|station|estaci[oó]n?|stazione|flughafen|airport|parish council)"
    r"(?:\s+(?:de|d|di|da|do|del|della|van|von|of|the|la|le|les|el|der|den|i|na))*['’]?\s*"
    r"|\b(?!(?:19|20)\d\d\b)\d{4,5}\s+|\b\d{3} \d{2}\s+)$",
    re.IGNORECASE,
)
_PLACE_FOLLOWS = re.compile(
    r"^\s*(?:,?\s*\(?(?:kommune?|council|city council|borough|stadt|airport|bahnhof|hbf|station|univers\w+|municipality"
    r"|strand|havn|stad|domkirke|cathedral|castle|zoo)\b)",
    re.IGNORECASE,
)
_NOT_A_PLACE_COMES = re.compile(
    r"(?:\b(?:made in|hotel|café|cafe|restaurant|bar|pizzeria|rue|avenue|av|via|calle|carrer|avenida|rua|platz|from"
    r"|de la rue|street|road|tour|i love|i ♥|university of|fc|the)\s+(?:de |di |d['’]|of )?)$",
    re.IGNORECASE,
)
_ELIDED = re.compile(r"\b([dlsn]|dell|nell|all|dall|sull)['’](?=[^\W\d_])", re.IGNORECASE)
_MADE_IN = re.compile(r"\b(?:made|designed|assembled|fabriqué|hergestellt|product) (?:in|of|en)\b", re.IGNORECASE)
_STREET_FOLLOWS = re.compile(
    r"^\s*(?:er)?(?:str(?:aße|asse|\.)|platz|allee|weg|road|rd|street|st\.|avenue|ave|hotel|fc|fashion|hilton|style"
    r"|pizza|paper|fog|bridge)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Mention:
    """A name as it was read, the rows of the towns that it can mean, its number of misread letters, and its trust."""

    text: str
    towns: np.ndarray
    errors: int
    trust: str
    box: Box | None


def place_cues(lines: Sequence[Line], languages: Mapping[str, float]) -> list[Cue]:
    """Return one cue for each place that is named. A place that is named twice counts once, by its best mention.

    ``languages`` is P(language | text) of all lines, by code.
    """
    best: dict[frozenset[int], Mention] = {}
    alone = sum(len(_WORD.findall(line.text)) for line in lines) <= 3
    for line in lines:
        for mention in _mentions(line, languages, alone):
            key = frozenset(mention.towns.tolist())
            known = best.get(key)
            if known is None or _rank(mention) < _rank(known):
                best[key] = mention
    return [_cue(mention) for mention in best.values()]


def _cue(mention: Mention) -> Cue:
    known = gazetteer()
    population = np.maximum(known.populations[mention.towns].astype(float), 300.0)
    weight = population**0.9
    proposals = tuple(
        Proposal(
            name=str(known.names[index]),
            latitude=float(known.points[index, 0]),
            longitude=float(known.points[index, 1]),
            country_code=str(known.country_codes[index]),
            spread_km=float(np.clip(0.02 * math.sqrt(people), 1.5, 12.0)),
            weight=float(share),
        )
        for index, people, share in zip(mention.towns, population, weight / weight.sum(), strict=True)
    )
    first = max(proposals, key=lambda proposal: proposal.weight)
    others = {1: "", 2: ", or another place of this name"}.get(
        len(proposals), f", or one of {len(proposals) - 1} other places of this name"
    )
    means = f"the place {first.name} ({first.country_code}){others}"
    discount = MISREAD_DISCOUNT**mention.errors
    return Cue("text/place", mention.text, means, mention.trust, discount, proposals=proposals, box=mention.box)


def _rank(mention: Mention) -> tuple[int, int]:
    """Return a sort key that puts the best mention first: by trust, then by the number of misread letters."""
    return TRUSTS.index(mention.trust), mention.errors


def _mentions(line: Line, languages: Mapping[str, float], alone: bool) -> Iterator[Mention]:
    known = gazetteer()
    for word in host_words(line.text):
        if len(word) >= LEAST_LETTERS:
            towns = _largest(known.named(word))
            if len(towns) and not _is_ordinary(word, towns, languages):
                yield Mention(word, towns, 0, "text/place/named", line.box)
    if _MADE_IN.search(line.text):
        return
    written = _ELIDED.sub(r"\1 ", line.text)  # "d'Altafulla" is the town after an article
    words = list(_WORD.finditer(written))
    all_capitals = line.text.upper() == line.text
    used = np.zeros(len(words), dtype=bool)
    for length in range(min(_LONGEST_NAME_WORDS, len(words)), 0, -1):
        for start in range(len(words) - length + 1):
            span = slice(start, start + length)
            if used[span].any():
                continue
            text = written[words[start].start() : words[start + length - 1].end()]
            if all(is_worldwide(word.group()) for word in words[span]):
                continue
            letters = sum(char.isalpha() for char in text)
            written_as_name = letters >= LEAST_LETTERS and (all_capitals or text[0].isupper())
            if not written_as_name and not _is_ideographic(text):
                continue
            towns, errors = _towns_of(text, length)
            if len(towns) == 0:
                continue
            used[span] = True
            before, after = written[: words[start].start()], written[words[start + length - 1].end() :]
            trust = _trust(text, towns, errors, before, after, all_capitals, languages, alone)
            if trust is not None:
                yield Mention(text, towns, errors, trust, line.box)


def _towns_of(text: str, words: int) -> tuple[np.ndarray, int]:
    """Return the towns with this name and 0, or the towns with a similar name and the number of misread letters.

    Similar names are searched only for a long name without an exact match. ``words`` is its number of words.
    """
    known = gazetteer()
    towns = _largest(known.named(text))
    if len(towns):
        return towns, 0
    if sum(char.isalpha() for char in text) < LEAST_LETTERS_FUZZY or words > 4 or (not text.isascii() and words > 3):
        return np.empty(0, np.int64), 0
    similar = known.similar(text)
    if not similar:
        return np.empty(0, np.int64), 0
    least = min(errors for _, errors in similar)
    near = np.array([index for index, errors in similar if errors == least], dtype=np.int64)
    short = sum(char.isalpha() for char in text) < LEAST_LETTERS_TWO_ERRORS
    least_people = 400_000 if least > 1 and short else 5000  # almost any misread word is similar to some small village
    near = near[known.populations[near] >= least_people]
    return _largest(near), least


def _largest(towns: np.ndarray) -> np.ndarray:
    towns = np.asarray(towns, np.int64)
    order = np.argsort(-gazetteer().populations[towns], kind="stable")
    return towns[order[:MOST_TOWNS]]


def _is_ideographic(text: str) -> bool:
    return len(text) >= 2 and all("\u3040" <= char <= "\u9fff" or "\uac00" <= char <= "\ud7af" for char in text)


def _is_ordinary(text: str, towns: np.ndarray, languages: Mapping[str, float]) -> bool:
    """Return whether a name is probably an ordinary word.

    It is where a likely language uses the word more often than the name of a town of this size.
    """
    words = text.split()
    if len(words) > 1:
        return all(_is_ordinary(word, towns, languages) for word in words)
    people = float(max(gazetteer().populations[towns].max(), 500))
    expected = math.log10(people) - 1.6
    likely = [code for code, share in languages.items() if share >= 0.05] or ["en"]
    zipf = max((word_zipf(text, code) for code in {*likely, "en"}), default=0.0)
    return zipf > expected + 0.7 and zipf > 2.5


def _trust(
    text: str,
    towns: np.ndarray,
    errors: int,
    before: str,
    after: str,
    all_capitals: bool,
    languages: Mapping[str, float],
    alone: bool,
) -> str | None:
    """Return the kind of trust in a name; None where it is an ordinary word.

    ``before`` and ``after`` are the rest of the line. ``alone`` means that the picture has at most three words.
    """
    if _PLACE_COMES.search(before) or _PLACE_FOLLOWS.search(after):
        return "text/place/named" if errors == 0 or len(text) >= 8 else "text/place/plain"
    if _is_ordinary(text, towns, languages):
        return None
    letters = sum(char.isalpha() for char in text)
    largest = int(gazetteer().populations[towns].max())
    namesake = bool(_NOT_A_PLACE_COMES.search(before) or _STREET_FOLLOWS.search(after))
    other_name = not all_capitals and bool(re.match(r"\s+[A-ZÀ-Þ]\w+", after)) and " " not in text
    if namesake or other_name or (alone and largest >= WORLD_CITY):
        return "text/place/weak"
    if errors or (letters < 6 and largest < 100_000) or largest < 2000:
        return "text/place/weak"
    return "text/place/plain"
