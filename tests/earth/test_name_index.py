"""Keys of names, and the search for misread ones in one machine word a name."""

from __future__ import annotations

import numpy as np
import pytest

from whereshot.earth.name_index import _letters, edit_distances, letter_signatures, name_keys
from whereshot.earth.towns import Gazetteer, gazetteer


@pytest.fixture(scope="module")
def towns() -> Gazetteer:
    return gazetteer()


def edit_distance(a: str, b: str) -> int:
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        previous, row = row, [i]
        for j, y in enumerate(b, 1):
            row.append(min(row[-1] + 1, previous[j] + 1, previous[j - 1] + (x != y)))
    return row[-1]


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Vilanova i la Geltrú", "vilanovailageltru"),
        ("SANT-PERE de  Ribes", "santperederibes"),
        ("København", "kobenhavn"),
        ("Łódź", "lodz"),
        ("Großräschen", "grossraschen"),
        ("ΑΘΉΝΑ", "αθηνα"),
        ("Πειραιάς", "πειραιασ"),
        ("Йошкар-Ола", "иошкарола"),
        ("서울", "서울"),
        ("が", "が"),
        ("ＴＯＫＹＯ", "tokyo"),
        ("İstanbul", "istanbul"),
        ("Iğdır", "igdir"),
        ("Kaʻaʻawa", "kaaawa"),
        ("القاهرة", "القاهره"),
        ("two\nlines", "twolines"),
        ("--- ", ""),
        ("", ""),
    ],
)
def test_keys(name: str, key: str) -> None:
    assert name_keys([name]) == [key]
    assert name_keys([key]) == [key]  # folding what is folded changes nothing


def test_keys_of_many_are_those_of_each(towns: Gazetteer) -> None:
    some = [*towns.names[:: len(towns) // 500], "", "\n", "a\n\nb"]
    assert name_keys(some) == [name_keys([name])[0] for name in some]
    assert name_keys([]) == []


def test_edit_distances_against_the_table() -> None:
    rng = np.random.default_rng(3)
    for size, length in ((1, 1), (3, 5), (9, 8), (20, 22), (64, 60), (7, 0)):
        pattern = "".join(rng.choice(list("abcé東"), size))
        texts = ["".join(rng.choice(list("abcé東"), length)) for _ in range(30)]
        matrix = np.array([_letters(text) for text in texts]).reshape(30, length)
        expected = [edit_distance(pattern, text) for text in texts]
        assert edit_distances(_letters(pattern), matrix).tolist() == expected


def test_signatures_change_by_few_bits() -> None:
    rng = np.random.default_rng(4)
    for _ in range(200):
        word = rng.integers(97, 123, 12).astype(np.uint16)
        wrong, place = word.copy(), int(rng.integers(12))
        wrong[place] = rng.integers(97, 123)
        shorter = np.delete(word, place)
        bits = [
            int(np.bitwise_count(letter_signatures(word[None])[0] ^ letter_signatures(x[None])[0]))
            for x in (wrong, shorter)
        ]
        assert bits[0] <= 2 and bits[1] <= 1
