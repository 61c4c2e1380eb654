"""Forms: read in pieces, within limits, and refused in one way where they are damaged."""

from __future__ import annotations

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from http_client import is_problem, raw_form, sent
from serving_process import Server
from whereshot.server.limits import Limits
from whereshot.server.multipart import FormReader, Held
from whereshot.server.problems import ProblemError


def test_ten_thousand_parts_are_refused(server: Server) -> None:
    for name in ("photos", "x"):
        status, problem = sent(
            server, raw_form([(f"{name}{'' if name == 'photos' else n}", b"1") for n in range(10_000)])
        )
        assert status == 413
    assert "option fields" in problem["detail"]


@pytest.mark.parametrize(
    ("head", "body", "status", "said"),
    [
        ("application/json", b"{}", 415, "multipart/form-data"),
        ("multipart/form-data", b"--X--\r\n", 400, "names no boundary"),
        ("multipart/form-data; boundary=X", b"--Y\r\n", 400, "cannot be read"),
        ("multipart/form-data; boundary=X", b"--X--\r\n", 400, "no photo in the form"),
        ("multipart/form-data; boundary=X", b"--X\r\nA: b\r\n\r\n1\r\n--X--\r\n", 400, "has no name"),
        (
            "multipart/form-data; boundary=X",
            b'--X\r\nContent-Disposition: form-data; name="photos"\r\n\r\nabc',
            400,
            "ends before its last boundary",
        ),
        (
            "multipart/form-data; boundary=X",
            b'--X\r\nContent-Disposition: form-data; name="top"\r\n\r\n1\r\n' * 2 + b"--X--\r\n",
            400,
            "given twice",
        ),
    ],
)
def test_forms_that_are_none(server: Server, head: str, body: bytes, status: int, said: str) -> None:
    response = httpx.post(f"{server.url}/v1/locate", content=body, headers={"content-type": head}, trust_env=False)
    is_problem(response, status, said)


def form(parts: list[tuple[str, bytes]]) -> bytes:
    body = b"".join(
        b'--B\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (name.encode(), content)
        for name, content in parts
    )
    return body + b"--B--\r\n"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=300), min_size=1, max_size=4), st.integers(1, 50))
def test_a_form_is_the_same_wherever_it_is_cut(photos: list[bytes], step: int) -> None:
    photos = [photo.replace(b"\r\n--B", b"") for photo in photos]
    held = Held(10**6)
    reader = FormReader("multipart/form-data; boundary=B", Limits(), held)
    body = form([("photos", photo) for photo in photos] + [("top", b"3")])
    for start in range(0, len(body), step):
        reader.write(body[start : start + step])
    found = reader.finish()
    assert [bytes(photo.content) for photo in found.photos] == photos
    assert found.fields == {"top": "3"}
    assert held.bytes == reader.taken == len(body)


def test_memory_is_bounded_over_all_clients() -> None:
    held = Held(1000)
    first, second = (FormReader("multipart/form-data; boundary=B", Limits(), held) for _ in range(2))
    first.write(form([("photos", bytes(700))]))
    with pytest.raises(ProblemError, match="the server holds 0 MB of uploads already") as refused:
        second.write(form([("photos", bytes(700))]))
    assert refused.value.status == 429 and second.taken == 0
    held.give_back(first.taken)
    second.write(form([("photos", bytes(700))]))
