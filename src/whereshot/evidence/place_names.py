"""Lines of text in, cues that name places out: towns on signs, tolerant of misread letters, wary of brand names.

A name's trust is one of three kinds, each with its fitted reliability: *named* where the words around it say that a
place is meant ("Ajuntament d'Altafulla", "21073 Hamburg", "www.stockholm.se"), *plain*, and *weak* where it is also an
ordinary word, part of another name, a street's namesake or the lone name of a world city, as on T-shirts.
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
MOST_TOWNS = 24
"""Towns of one name that are kept, the largest ones."""
LEAST_LETTERS = 4
LEAST_LETTERS_FUZZY = 6
LEAST_LETTERS_TWO_ERRORS = 12
WORLD_CITY = 900_000
"""Inhabitants from which a city's name alone is as likely a brand, a shirt or a destination."""
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
    """A name as it was read, the towns that it may mean, misread letters, and how far it is to be trusted."""

    text: str
    towns: np.ndarray
    errors: int
    trust: str
    box: Box | None


def place_cues(lines: Sequence[Line], languages: Mapping[str, float]) -> list[Cue]:
    """One cue for each place named; the same place named twice counts once, by its best mention."""
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
    others = {1: "", 2: ", or the other place so called"}.get(
        len(proposals), f", or one of {len(proposals) - 1} other places so called"
    )
    means = f"the place {first.name} ({first.country_code}){others}"
    discount = MISREAD_DISCOUNT**mention.errors
    return Cue("text/place", mention.text, means, mention.trust, discount, proposals=proposals, box=mention.box)


def _rank(mention: Mention) -> tuple[int, int]:
    """Best mentions first: by trust, then by how few letters were misread."""
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
    shouted = line.text.upper() == line.text
    used = np.zeros(len(words), dtype=bool)
    for length in range(min(_LONGEST_NAME_WORDS, len(words)), 0, -1):
        for start in range(len(words) - length + 1):
            span = slice(start, start + length)
            if used[span].any():
                continue
            text = written[words[start].start() : words[start + length - 1].end()]
            if all(is_worldwide(word.group()) for word in words[span]):
                continue
            written_as_name = sum(char.isalpha() for char in text) >= LEAST_LETTERS and (shouted or text[0].isupper())
            if not written_as_name and not _is_ideographic(text):
                continue
            towns, errors = _towns_of(text, length)
            if len(towns) == 0:
                continue
            used[span] = True
            before, after = written[: words[start].start()], written[words[start + length - 1].end() :]
            trust = _trust(text, towns, errors, before, after, shouted, languages, alone)
            if trust is not None:
                yield Mention(text, towns, errors, trust, line.box)


def _towns_of(text: str, words: int) -> tuple[np.ndarray, int]:
    """Towns of a name: exactly, else with misread letters where the name is long enough to tell."""
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
    largest_hamlet = 400_000 if least > 1 and short else 5000  # a misread word is near some hamlet's name
    near = near[known.populations[near] >= largest_hamlet]
    return _largest(near), least


def _largest(towns: np.ndarray) -> np.ndarray:
    towns = np.asarray(towns, np.int64)
    order = np.argsort(-gazetteer().populations[towns], kind="stable")
    return towns[order[:MOST_TOWNS]]


def _is_ideographic(text: str) -> bool:
    return len(text) >= 2 and all("\u3040" <= char <= "\u9fff" or "\uac00" <= char <= "\ud7af" for char in text)


def _is_ordinary(text: str, towns: np.ndarray, languages: Mapping[str, float]) -> bool:
    """Whether a name is rather an ordinary word: more frequent in a likely language than a town of its size is."""
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
    shouted: bool,
    languages: Mapping[str, float],
    alone: bool,
) -> str | None:
    """The kind of trust, or None where the word is no name at all."""
    if _PLACE_COMES.search(before) or _PLACE_FOLLOWS.search(after):
        return "text/place/named" if errors == 0 or len(text) >= 8 else "text/place/plain"
    if _is_ordinary(text, towns, languages):
        return None
    letters = sum(char.isalpha() for char in text)
    largest = int(gazetteer().populations[towns].max())
    namesake = bool(_NOT_A_PLACE_COMES.search(before) or _STREET_FOLLOWS.search(after))
    other_name = not shouted and bool(re.match(r"\s+[A-ZÀ-Þ]\w+", after)) and " " not in text
    if namesake or other_name or (alone and largest >= WORLD_CITY):
        return "text/place/weak"
    if errors or (letters < 6 and largest < 100_000) or largest < 2000:
        return "text/place/weak"
    return "text/place/plain"
