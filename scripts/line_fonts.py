"""Fonts of rendered lines: which installed families have the letters of a script, and which are kept for tests.

The fonts come from ``DEBIAN_PACKAGES`` (Debian 12). ``find_fonts`` looks at the letters that a font has: what
fontconfig says about languages is not enough. A family is kept apart with all its widths and weights and its "UI" and
"Looped" variants, for every script that it has.
"""

from __future__ import annotations

import functools
import hashlib
import json
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import line_texts
from fontTools.ttLib import TTCollection, TTFont

from whereshot.evidence.line_scripts import CLASSES
from whereshot.evidence.text_segments import script_of

DEBIAN_PACKAGES = """
culmus culmus-fancy fonts-adf-universalis fonts-adf-verana fonts-arphic-gbsn00lp fonts-arphic-gkai00mp
fonts-arphic-uming fonts-arundina fonts-baekmuk fonts-bebas-neue fonts-beng-extra fonts-bpg-georgian fonts-comfortaa
fonts-cwtex-ming fonts-cwtex-yen fonts-dancingscript fonts-dejavu fonts-deva-extra fonts-dosis fonts-dustin
fonts-farsiweb fonts-freefont-ttf fonts-gargi fonts-gemunu-libre fonts-gfs-artemisia fonts-gfs-complutum
fonts-gfs-didot fonts-gfs-neohellenic fonts-gubbi fonts-gujr-extra fonts-guru-extra fonts-hanazono fonts-hosny-amiri
fonts-indic fonts-inter fonts-ipafont-gothic fonts-ipafont-mincho fonts-jura fonts-kacst fonts-kacst-one
fonts-khmeros fonts-klee fonts-lao fonts-lato fonts-league-spartan fonts-liberation fonts-linuxlibertine
fonts-lklug-sinhala fonts-lobster fonts-lohit-beng-bengali fonts-lohit-deva fonts-lohit-gujr fonts-lohit-guru
fonts-lohit-knda fonts-lohit-mlym fonts-lohit-orya fonts-lohit-taml fonts-lohit-telu fonts-meera-taml
fonts-motoya-l-maruberi fonts-nafees fonts-nakula fonts-nanum fonts-navilu fonts-noto-cjk fonts-noto-core
fonts-noto-extra fonts-oldstandard fonts-open-sans fonts-opendin fonts-orya-extra fonts-pagul fonts-paktype
fonts-paratype fonts-play fonts-quattrocento fonts-reggae fonts-roadgeek fonts-roboto-unhinted fonts-sahadeva
fonts-samyak-deva fonts-samyak-gujr fonts-samyak-orya fonts-samyak-taml fonts-sarai fonts-senamirmir-washra
fonts-sil-abyssinica fonts-sil-annapurna fonts-sil-charis fonts-sil-harmattan fonts-sil-lateef fonts-sil-mondulkiri
fonts-sil-padauk fonts-sil-scheherazade fonts-smc-anjalioldlipi fonts-smc-chilanka fonts-smc-dyuthi
fonts-smc-gayathri fonts-smc-karumbi fonts-smc-manjari fonts-smc-meera fonts-smc-rachana fonts-smc-uroob
fonts-telu-extra fonts-teluguvijayam fonts-tlwg-garuda-ttf fonts-tlwg-kinnari-ttf fonts-tlwg-loma-ttf
fonts-tlwg-norasi-ttf fonts-tlwg-purisa-ttf fonts-tlwg-sawasdee-ttf fonts-tlwg-umpush-ttf fonts-tlwg-waree-ttf
fonts-ubuntu-title fonts-ukij-uyghur fonts-unfonts-core fonts-urw-base35 fonts-vlgothic fonts-woowa-bm
fonts-wqy-microhei fonts-wqy-zenhei fonts-yanone-kaffeesatz fonts-yusei-magic
"""
"""The packages whose fonts were used; install them, or unpack them into a folder."""
LETTERS_TESTED = {"Han": 600, "Hangul": 400}
"""The most frequent letters of a script that a font must have; 60 for the other scripts."""
LEAST_LETTERS = {"Han": 0.93, "Latin": 0.9}
"""The share of them that a font must have; 0.98 for the other scripts."""
UNFIT = re.compile(
    r"emoji|symbol|math|music|mono$|dingbat|braille|hieroglyph|sym$|OpenSymbol|rashi|nastaliq|ancient|unjoined|blank"
    r"|tifinagh|keyboard|hanazono|hanamin|^d05|StandardSymbols|esint|wasy|Cdr|Zapf(?:Dingbats)",
    re.IGNORECASE,
)  # fmt: skip
"""Families without ordinary letters. Nastaliq is another way of writing, which the classifier is not trained for."""
HELD_OUT_SHARE = 0.25
SHARED_SCRIPTS = 3
"""A family with more scripts than this is used for training: FreeSans, Noto Sans CJK, Lohit, DejaVu Sans."""
GROUPS = (
    "UKIJ", "KhmerOSmuol", "NanumSquare", "NanumGothic", "PakTypeNaskh", "GFSNeohellenic", "GFSArtemisia", "PTC", "PTF",
    "PTS", "PTZ", "PTN", "PTM", "LinLibertine", "NotoSansCJK", "Nimbus", "BMEuljiro",
)  # fmt: skip
"""Beginnings of names whose fonts are one family."""


class Face(NamedTuple):
    """A font file, and the number of the face in it."""

    path: str
    index: int

    def lacks(self, text: str) -> bool:
        """Return whether a letter, digit or sign of a text has no glyph; it would be drawn as an empty box."""
        glyphs = _glyphs(self.path, self.index)
        return any(ord(char) not in glyphs for char in text if char not in DRAWN_WITHOUT_GLYPH)


DRAWN_WITHOUT_GLYPH = " \u200b\u200c\u200d"
"""Spaces and joiners, which are shaped and not drawn."""


@functools.lru_cache(maxsize=400)
def _glyphs(path: str, index: int) -> frozenset[int]:
    return frozenset(TTFont(path, fontNumber=index, lazy=True).getBestCmap())


def family_of(path: Path) -> str:
    """Return the family of a font file, without its weight, width and variants."""
    stem = re.split(r"[-_\[]", path.stem)[0]
    stem = re.sub(
        r"(?:UI|It|Bd|Display|SemiCondensed|ExtraCondensed|Condensed|Narrow|Cond|Looped|Bold|Italic|Oblique|Regular|Medium|Light"
        r"|Thin|Book|Heavy|Black|Slanted|Rounded|Square|Unjoined|PSMT|MT)+$",
        "", stem,
    )  # fmt: skip
    stem = re.sub(r"^NotoLooped", "NotoSans", stem.replace(" ", "")) or path.stem
    return next((group for group in GROUPS if stem.startswith(group)), stem)


@functools.cache
def _letters(script: str) -> tuple[int, ...]:
    words = line_texts.words_by_script()[script]
    counts = Counter("".join(words[:: max(1, len(words) // 20000)]))
    wanted = [ord(char) for char, _ in counts.most_common(3000) if script_of(char) == script]
    return tuple(wanted[: LETTERS_TESTED.get(script, 60)])


def _scripts_of(cmap: dict[int, str]) -> list[str]:
    found = []
    for script in CLASSES:
        if script == "none":
            continue
        letters = tuple(map(ord, "0123456789,.-:")) if script == "digits" else _letters(script)
        have = sum(letter in cmap for letter in letters) / len(letters)
        if have >= LEAST_LETTERS.get(script, 0.98):
            found.append(script)
    return found


def find_fonts(folders: Sequence[Path], cache: Path | None = None) -> dict[str, dict[str, list[Face]]]:
    """Return the faces by script and family. The result is kept in the file ``cache``."""
    if cache is not None and cache.is_file():
        loaded = json.loads(cache.read_text("utf-8"))
        return {s: {f: [Face(*face[:2]) for face in faces] for f, faces in fs.items()} for s, fs in loaded.items()}
    found: dict[str, dict[str, list[Face]]] = {}
    files = sorted(file for folder in folders for file in folder.rglob("*") if file.suffix in (".ttf", ".otf", ".ttc"))
    seen: set[str] = set()
    for file in files:
        family = family_of(file)
        if UNFIT.search(family) or file.name in seen:
            continue
        seen.add(file.name)
        try:
            fonts = TTCollection(file, lazy=True).fonts if file.suffix == ".ttc" else [TTFont(file, lazy=True)]
            cmap = fonts[0].getBestCmap() or {}
        except Exception as error:  # a broken font file is left out
            print(f"{file}: {error}")
            continue
        for script in _scripts_of(cmap):
            faces = found.setdefault(script, {}).setdefault(family, [])
            faces += [Face(str(file), index) for index in range(min(len(fonts), 4))]
    if cache is not None:
        cache.write_text(json.dumps(found), "utf-8")
    return found


def held_out(fonts: dict[str, dict[str, list[Face]]]) -> set[str]:
    """Return the families that are kept for tests: in every script a quarter of those that it shares with few others.

    Their hash decides which. At least one family is kept for tests, but never the only family of a script.
    """
    scripts = Counter(family for script, families in fonts.items() if script != "digits" for family in families)
    kept: set[str] = set()
    for script, families in sorted(fonts.items(), key=lambda pair: (len(pair[1]), pair[0])):
        if script == "digits":
            continue
        own = sorted((f for f in families if scripts[f] <= SHARED_SCRIPTS), key=_hash)
        wanted = max(1, round(HELD_OUT_SHARE * len(families))) - len(kept & set(families))
        free = [family for family in own if family not in kept]
        if len(families) > 1:
            kept |= set(free[: max(0, wanted)])
    return kept


def _hash(family: str) -> int:
    return int.from_bytes(hashlib.blake2b(family.encode(), digest_size=8).digest(), "big")


def split(fonts: dict[str, dict[str, list[Face]]], part: str) -> dict[str, dict[str, list[Face]]]:
    """Return the families of one part, "train" or "test", by script."""
    kept = held_out(fonts)
    return {
        script: {family: faces for family, faces in families.items() if (family in kept) == (part == "test")}
        for script, families in fonts.items()
    }
