"""Build the table of telephone numbers as each country writes them (read by evidence.phone_forms).

    pip install phonenumbers==9.0.43
    python scripts/build_phone_forms.py     # writes src/whereshot/evidence/data/phone_forms.parquet

The forms come from the metadata of phonenumbers (libphonenumber, Apache-2.0). A row is a form of one country: the
lengths of the groups of digits, what stands between them, the first digits, the prefix of calls inside the country, and
the patterns of fixed-line and of mobile numbers with the count of their blocks. The table also has a row for each
country calling code.
"""

from __future__ import annotations

import itertools
import random
import re
from typing import Any

import pyarrow as pa
import shipped_table

TRIES = 40
"""Random numbers that are tried of each block of numbers."""


def groups_of(pattern: str) -> list[tuple[int, int]] | None:
    """Return the least and most digits of each group of a pattern; None where a group has no fixed length."""
    groups = []
    for body in re.findall(r"\(((?:[^()]|\([^()]*\))*)\)", pattern):
        low = high = 0
        for atom in re.finditer(r"(?:\\d|\[[^\]]*\]|\d)(?:\{(\d+)(?:,(\d+))?\})?|(.)", body):
            if atom.group(3):
                return None
            low += int(atom.group(1) or 1)
            high += int(atom.group(2) or atom.group(1) or 1)
        groups.append((low, high))
    return groups or None


def separators_of(form: str) -> str:
    """Return what stands between the groups of a form: "\\\\1 \\\\2-\\\\3" gives " -"."""
    between = re.findall(r"\\\d(.*?)(?=\\\d|$)", form)[:-1]
    return "".join((text.strip(" ()") or " ")[0] for text in between)


def pattern_of(*kinds: Any) -> str:
    """Return a regular expression for the national numbers of some kinds; "" where a country has none."""
    found = (kind.national_number_pattern for kind in kinds if kind is not None)
    return "|".join(dict.fromkeys(pattern for pattern in found if pattern not in (None, "NA")))


def count_blocks(pattern: str, *kinds: Any) -> int:
    """Return how many blocks of numbers a country uses: pairs of a length and the first two digits; at least 1.

    A block counts where one of some random numbers of it is valid.
    """
    rng, compiled = random.Random(0), re.compile(pattern)
    lengths = {length for kind in kinds if kind is not None for length in kind.possible_length if length > 2}
    found = 0
    for length, first in itertools.product(sorted(lengths), range(100)):
        rests = (f"{rng.randrange(10 ** (length - 2)):0{length - 2}d}" for _ in range(TRIES))
        found += any(compiled.fullmatch(f"{first:02d}{rest}") for rest in rests)
    return max(found, 1)


def rows() -> list[tuple[str | int, ...]]:
    import phonenumbers
    from phonenumbers.phonemetadata import PhoneMetadata

    found = []
    for code in sorted(phonenumbers.SUPPORTED_REGIONS):
        metadata = PhoneMetadata.metadata_for_region(code)
        if metadata is None:
            continue
        formats = metadata.number_format
        main = phonenumbers.region_code_for_country_code(metadata.country_code)
        if not formats and main != code:
            formats = PhoneMetadata.metadata_for_region(main).number_format
        fixed = pattern_of(metadata.fixed_line, metadata.toll_free)
        mobile = pattern_of(metadata.mobile)
        blocks = count_blocks(fixed, metadata.fixed_line), count_blocks(mobile, metadata.mobile)
        valid = fixed, mobile, *blocks, metadata.national_prefix or ""
        for form in formats:
            groups = groups_of(form.pattern)
            if groups is None or len(groups) < 2:
                continue
            rule = form.national_prefix_formatting_rule or ""
            prefix = "".join(char for char in rule.replace(r"\1", "") if char.isdigit())
            found.append(
                (
                    code,
                    str(metadata.country_code),
                    prefix,
                    " ".join(f"{low}-{high}" for low, high in groups),
                    ("(" if "(" in rule or form.format.startswith("(") else "") + separators_of(form.format),
                    (form.leading_digits_pattern or [""])[-1],
                    *valid,
                )
            )
        if not formats:
            found.append((code, str(metadata.country_code), "", "", "", "", *valid))
    return found


def main() -> None:
    names = (
        "country_code",
        "calling_code",
        "prefix",
        "groups",
        "separators",
        "first_digits",
        "fixed",
        "mobile",
        "fixed_blocks",
        "mobile_blocks",
        "dialled_first",
    )
    columns = dict(zip(names, map(list, zip(*rows(), strict=True)), strict=True))
    table = pa.table({name: pa.array(values).dictionary_encode() for name, values in columns.items()})
    shipped_table.write("phone_forms", table, use_dictionary=True)


if __name__ == "__main__":
    main()
