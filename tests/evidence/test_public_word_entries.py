"""Keys and countries of public words as the file writes them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whereshot.evidence.public_word_entries import decode_countries, encode_countries, written_key


@given(st.dictionaries(st.sampled_from(["CL", "AR", "PE", "XK"]), st.floats(0.02, 1.0), min_size=1))
def test_likelihoods_keep_their_order_as_text(likelihoods: dict[str, float]) -> None:
    decoded = decode_countries(encode_countries(likelihoods))
    assert decoded.keys() == likelihoods.keys()
    assert max(decoded.values()) == 1
    peak = max(likelihoods.values())
    assert all(decoded[code] == pytest.approx(value / peak, abs=0.0051) for code, value in likelihoods.items())


def test_short_keys_are_written_as_on_the_sign() -> None:
    assert written_key("S.A.C.") == "=S.A.C"
    assert written_key("Sdn") == "=Sdn"
