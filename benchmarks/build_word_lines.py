"""Write the lines of benchmarks/words.py: sentences with a word that is also the name of a town, and a neutral twin.

    pip install gender-guesser==0.4.0 Django Faker==40.54.0 && npm install @faker-js/faker@10.6.0
    python benchmarks/build_word_lines.py LISTS.json

LISTS.json has lists of @faker-js/faker (MIT): "surname" by locale, "brand" (vehicles, airlines, artists) and "food".
Lists that the rules use: evidence/data/words.parquet (wordfreq), worldwide.toml and Faker. Lists that they do not use:
gender-guesser's first names, @faker-js/faker, the texts of Django's administration (BSD) and the proverbs below. Every
line is drawn with the seed below; half of the lines come from lists that the rules do not use.
"""

from __future__ import annotations

import csv
import importlib.metadata
import json
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from whereshot.earth.towns import gazetteer
from whereshot.evidence.known_languages import NUMBER
from whereshot.evidence.lexicon import fold, lexicon
from whereshot.evidence.worldwide_words import is_worldwide

SEED = 16
FILE = Path(__file__).with_name("word_lines.tsv")
WORD_FRAMES = {
    "ca": ("La paraula del dia és {}", "cadira"),
    "cs": ("Slovo dne je {}", "židle"),
    "cy": ("Gair y dydd yw {}", "cadair"),
    "da": ("Dagens danske ord er {}", "stol"),
    "de": ("Das Wort des Tages ist {}", "Stuhl"),
    "en": ("The word of the day is {}", "chair"),
    "es": ("La palabra del día es {}", "silla"),
    "et": ("Tänase päeva sõna on {}", "laud"),
    "fi": ("Tämän päivän sana on {}", "tuoli"),
    "fr": ("Le mot du jour est {}", "chaise"),
    "hr": ("Riječ dana danas je {}", "stolica"),
    "hu": ("A mai nap szava ez: {}", "szék"),
    "id": ("Kata untuk hari ini adalah {}", "kursi"),
    "is": ("Orð dagsins í dag er {}", "stóll"),
    "it": ("La parola del giorno è {}", "sedia"),
    "lt": ("Šios dienos žodis yra {}", "kėdė"),
    "lv": ("Šīs dienas vārds ir {}", "krēsls"),
    "ms": ("Perkataan untuk hari ini ialah {}", "kerusi"),
    "nl": ("Het woord van de dag is {}", "stoel"),
    "no": ("Dagens norske ord er {}", "stol"),
    "pl": ("Słowo dnia to dzisiaj {}", "krzesło"),
    "pt": ("A palavra do dia é {}", "cadeira"),
    "ro": ("Cuvântul zilei de azi este {}", "scaun"),
    "sk": ("Dnešné slovo dňa je {}", "stolička"),
    "sl": ("Današnja beseda dneva je {}", "stol"),
    "sq": ("Fjala e ditës së sotme është {}", "karrige"),
    "sv": ("Dagens svenska ord är {}", "stol"),
    "tl": ("Ang salita para sa araw na ito ay {}", "upuan"),
    "tr": ("Bugünün kelimesi {} olacak", "sandalye"),
    "vi": ("Từ của ngày hôm nay là {}", "ghế"),
}
"""By language: a sentence for any word, and a neutral noun."""
NAME_FRAMES = {
    "en": ("Happy birthday, dear {}, from all of us", "mother"),
    "de": ("Alles Gute zum Geburtstag, {}, wünschen wir alle", "Mutter"),
    "fr": ("Joyeux anniversaire {}, de la part de nous tous", "maman"),
    "es": ("Feliz cumpleaños {}, de parte de todos", "madre"),
    "it": ("Buon compleanno {}, da tutti noi", "mamma"),
    "pt": ("Feliz aniversário {}, com carinho de todos nós", "mãe"),
    "nl": ("Gefeliciteerd met je verjaardag, lieve {}", "moeder"),
    "sv": ("Grattis på födelsedagen, kära {}", "mamma"),
    "da": ("Tillykke med fødselsdagen, kære {}", "mor"),
    "pl": ("Wszystkiego najlepszego, droga {}", "mamo"),
    "fi": ("Hyvää syntymäpäivää, rakas {}", "äiti"),
    "cs": ("Všechno nejlepší k narozeninám, milá {}", "maminko"),
}
FOOD_FRAMES = {
    "en": ("Our soup of the day comes with fresh {} and bread", "onions"),
    "de": ("Heute gibt es Suppe mit frischem {} und Brot", "Gemüse"),
    "fr": ("La soupe du jour est servie avec {} et du pain", "oignons"),
    "es": ("La sopa del día se sirve con {} y pan", "cebolla"),
    "it": ("La zuppa del giorno con {} e pane", "cipolla"),
}
BRAND_FRAMES = {
    "en": ("Your new {} is waiting for you in our showroom", "car"),
    "de": ("Ihr neuer {} wartet bei uns auf Sie", "Wagen"),
    "fr": ("Votre nouvelle {} vous attend chez nous", "voiture"),
    "es": ("Su nuevo {} le espera en nuestra tienda", "coche"),
    "it": ("La tua nuova {} ti aspetta da noi", "macchina"),
    "pl": ("Twój nowy {} czeka na ciebie u nas", "samochód"),
    "nl": ("Uw nieuwe {} staat voor u klaar", "auto"),
}
HOST_FRAMES = {
    "en": ("Order online today at www.{}.com", "example"),
    "de": ("Jetzt online bestellen unter www.{}.com", "example"),
    "fr": ("Commandez en ligne sur www.{}.com", "example"),
    "es": ("Haga su pedido en www.{}.com", "example"),
}
PROVERBS = {
    "ca": ("Qui dia passa, any empeny", "Val més un ocell a la mà que cent volant"),
    "cs": ("Bez práce nejsou koláče", "Ranní ptáče dál doskáče"),
    "cy": ("Nid aur yw popeth melyn", "Gwell hwyr na hwyrach"),
    "da": ("Brændt barn skyer ilden", "Morgenstund har guld i mund"),
    "de": ("Ende gut, alles gut", "Wo ein Wille ist, ist auch ein Weg", "Stille Wasser sind tief"),
    "en": (
        "Practice makes perfect",
        "Home is where the heart is",
        "Still waters run deep",
        "Rome was not built in a day",
    ),
    "es": ("Más vale tarde que nunca", "A buen entendedor, pocas palabras", "Agua que no has de beber, déjala correr"),
    "et": ("Hommik on õhtust targem", "Kus suitsu, seal tuld"),
    "fi": ("Oma tupa, oma lupa", "Ei savua ilman tulta"),
    "fr": ("Petit à petit, l'oiseau fait son nid", "Tout est bien qui finit bien", "Après la pluie, le beau temps"),
    "hr": ("Tko rano rani, dvije sreće grabi", "Bolje spriječiti nego liječiti"),
    "hu": ("Ki korán kel, aranyat lel", "Lassan járj, tovább érsz"),
    "id": ("Sedikit demi sedikit, lama lama menjadi bukit", "Air tenang menghanyutkan"),
    "is": ("Blindur er bóklaus maður", "Morgunstund gefur gull í mund"),
    "it": (
        "Chi dorme non piglia pesci",
        "Tra il dire e il fare c'è di mezzo il mare",
        "Chi va piano va sano e va lontano",
    ),
    "lt": ("Be darbo nėra duonos", "Devynis kartus pamatuok, dešimtą kirpk"),
    "lv": ("Darbs dara darītāju", "Kas ar uguni spēlējas, tas apdedzinās"),
    "ms": ("Sikit sikit lama lama jadi bukit", "Biar lambat asalkan selamat"),
    "nl": ("Oost west, thuis best", "De appel valt niet ver van de boom", "Eind goed al goed"),
    "no": ("Borte bra men hjemme best", "Brent barn skyr ilden"),
    "pl": ("Gość w dom, Bóg w dom", "Bez pracy nie ma kołaczy"),
    "pt": ("Devagar se vai ao longe", "Mais vale um pássaro na mão do que dois a voar"),
    "ro": ("Buturuga mică răstoarnă carul mare", "Graba strică treaba"),
    "sk": ("Kto druhému jamu kope, sám do nej padá", "Bez práce nie sú koláče"),
    "sl": ("Rana ura, zlata ura", "Počasi se daleč pride"),
    "sq": ("Uji fle, hasmi nuk fle", "Guri i rëndë në vend të vet"),
    "sv": ("Borta bra men hemma bäst", "Bränt barn skyr elden"),
    "tl": ("Kung may tiyaga, may nilaga", "Ang hindi marunong lumingon sa pinanggalingan"),
    "tr": ("Damlaya damlaya göl olur", "Sakla samanı gelir zamanı"),
    "vi": ("Có công mài sắt, có ngày nên kim", "Gần mực thì đen, gần đèn thì rạng"),
}
SCREEN_LANGUAGES = (*(code for code in WORD_FRAMES if code not in ("ms", "no", "tl")), "nb")
_WORD = re.compile(r"[^\W\d_]{4,}")
Row = tuple[str, str, str, str, str]


def is_town(word: str) -> bool:
    """Whether a word is a name of towns, and not written the same all over the world."""
    return len(fold(word)) >= 4 and word.isalpha() and not is_worldwide(word) and len(gazetteer().named(word)) > 0


def draw(random: np.random.Generator, words: Iterable[str], count: int) -> list[str]:
    """``count`` of the words that are towns, or all of them where there are fewer."""
    towns = sorted({word for word in words if is_town(word)})
    return [towns[row] for row in random.permutation(len(towns))[:count]]


def listed_words(language: str) -> Iterator[str]:
    """The words of a language in evidence/data/words.parquet."""
    from whereshot.foundation.package_data import read_table

    number = NUMBER[language]
    table = read_table("evidence/data/words.parquet", ["plain", "accented", "languages"])
    codes = {code for code in table["languages"].unique().to_pylist() if language in code.split()}
    assert number < len(lexicon().is_listed)
    for row in table.to_pylist():
        if row["languages"] in codes:
            yield row["accented"] or row["plain"]


def framed(kind: str, source: str, frames: dict, words: list[str], random: np.random.Generator) -> Iterator[Row]:
    languages = list(frames)
    for number, word in enumerate(words):
        language = languages[number % len(languages)]
        frame, neutral = frames[language]
        word = word.lower() if kind == "host" else word.capitalize()
        yield kind, language, source, frame.format(word), frame.format(neutral)


def neutral_twin(text: str, language: str) -> str | None:
    """A text with its longest town exchanged for the neutral noun of the language; None where it has no town."""
    towns = sorted((word for word in _WORD.findall(text) if is_town(word)), key=len)
    neutral = WORD_FRAMES.get("no" if language == "nb" else language, ("", ""))[1]
    if not towns or not neutral:
        return None
    capital = neutral.capitalize() if towns[-1][0].isupper() else neutral
    return re.sub(rf"\b{towns[-1]}\b", capital, text)


def screen_texts(language: str) -> list[str]:
    """Texts of Django's administration that have a town's name and 2 to 7 words."""
    from gettext import GNUTranslations

    django = Path(importlib.metadata.distribution("Django").locate_file("django"))
    texts: set[str] = set()
    for catalog in ("contrib/admin", "contrib/auth", "conf"):
        path = django / catalog / "locale" / language / "LC_MESSAGES" / "django.mo"
        if path.is_file():
            with path.open("rb") as file:
                found = GNUTranslations(file)._catalog
            texts |= {(key if language == "en" else text) for key, text in found.items() if isinstance(text, str)}
            texts |= {key for key in found if isinstance(key, str)} if language == "en" else set()
    return sorted(text for text in texts if re.fullmatch(r"[^%\n<>{}]{8,60}", text) and 2 <= len(text.split()) <= 7)


def rows(lists: dict) -> Iterator[Row]:
    random = np.random.default_rng(SEED)
    for language, (frame, neutral) in WORD_FRAMES.items():
        noun = str.capitalize if language == "de" else str
        for word in draw(random, listed_words(language), 8):
            yield "word", language, "words.parquet", frame.format(noun(word)), frame.format(neutral)
    import faker.providers.person.de_DE
    import faker.providers.person.en_US
    import faker.providers.person.es_ES
    import faker.providers.person.it_IT

    lands = [getattr(faker.providers.person, land).Provider for land in ("de_DE", "en_US", "es_ES", "it_IT")]
    own = [name for land in lands for name in land.first_names]
    yield from framed("name", "Faker", NAME_FRAMES, draw(random, own, 70), random)
    guesser = Path(importlib.metadata.distribution("gender-guesser").locate_file("gender_guesser/data/nam_dict.txt"))
    others = [line[3:29].strip() for line in guesser.read_text("utf-8").splitlines() if not line.startswith("#")]
    yield from framed("name", "gender-guesser", NAME_FRAMES, draw(random, others, 70), random)
    surnames = [name for names in lists["surname"].values() for name in names]
    yield from framed("name", "@faker-js/faker", NAME_FRAMES, draw(random, surnames, 40), random)
    yield from framed("food", "@faker-js/faker", FOOD_FRAMES, draw(random, lists["food"], 30), random)
    yield from framed("brand", "@faker-js/faker", BRAND_FRAMES, draw(random, lists["brand"], 60), random)
    from whereshot.foundation.package_data import read_toml

    brands = read_toml("evidence/data/worldwide.toml")["brands"].split()
    towns = [word for word in brands if word.isalpha() and len(word) > 3 and len(gazetteer().named(word))]
    yield from framed("brand", "worldwide.toml", BRAND_FRAMES, towns[:40], random)
    yield from framed("host", "worldwide.toml", HOST_FRAMES, towns[:20], random)
    yield from framed("host", "@faker-js/faker", HOST_FRAMES, draw(random, [*lists["brand"], *surnames], 40), random)
    for language, texts in PROVERBS.items():
        for text in texts:
            twin = neutral_twin(text, language)
            if twin is not None:
                yield "saying", language, "proverbs", text, twin
    for language in SCREEN_LANGUAGES:
        found = [(text, neutral_twin(text, language)) for text in screen_texts(language)]
        found = [(text, twin) for text, twin in found if twin is not None]
        for row in random.permutation(len(found))[:5]:
            text, twin = found[row]
            yield "screen", language, "Django", text, twin


def main() -> None:
    lists = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    with FILE.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter="\t", lineterminator="\n")
        writer.writerow(("kind", "language", "list", "text", "neutral"))
        writer.writerows(rows(lists))


if __name__ == "__main__":
    main()
