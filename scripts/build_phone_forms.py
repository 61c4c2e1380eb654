"""Build the table of telephone numbers as each country writes them (read by evidence.phone_forms).

    pip install phonenumbers==9.0.43
    python scripts/build_phone_forms.py     # writes src/whereshot/evidence/data/phone_forms.parquet

The forms come from the metadata of phonenumbers (libphonenumber, Apache-2.0). A row is a form of one country: the
lengths of the groups of digits, what stands between them, the first digits, and the prefix of calls inside the country.
The table also has a row for each country calling code.
"""

from __future__ import annotations

import re

import pyarrow as pa
import shipped_table


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


def rows() -> list[tuple[str, str, str, str, str, str, str]]:
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
        valid = "|".join(
            dict.fromkeys(
                part.national_number_pattern
                for part in (metadata.fixed_line, metadata.mobile, metadata.toll_free)
                if part is not None and part.national_number_pattern not in (None, "NA")
            )
        )
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
                    valid,
                )
            )
        if not formats:
            found.append((code, str(metadata.country_code), "", "", "", "", valid))
    return found


def main() -> None:
    names = ("country_code", "calling_code", "prefix", "groups", "separators", "first_digits", "valid")
    columns = dict(zip(names, map(list, zip(*rows(), strict=True)), strict=True))
    table = pa.table({name: pa.array(values).dictionary_encode() for name, values in columns.items()})
    shipped_table.write("phone_forms", table, use_dictionary=True)


if __name__ == "__main__":
    main()
