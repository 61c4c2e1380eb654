"""Questions to a web API: answers that fail are asked again, and the key is in no message."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from api_server import Answer, ApiServer, as_json
from waiting import PATIENCE_S
from whereshot.foundation.errors import InputError
from whereshot.photos.fetch import Manners, RefusedError
from whereshot.photos.fetch.api import Api, LaterError, key_from

SECRET = "k3y with+signs/"
HASTY = Manners(allow_private=True, back_off_s=0.01, timeout_s=PATIENCE_S, attempts=3, redirects=0)


def echo(path: str, asked: dict[str, str], headers: dict[str, str]) -> Answer:
    if path.endswith("/list"):
        return as_json([1, 2])
    if path.endswith("/forbidden"):
        return as_json({}, 403)
    return as_json({"path": path, "asked": asked, "agent": headers.get("x-agent")})


def ask(server: ApiServer, path: str = "/photos", check: Any = lambda document: None) -> Any:
    async def run() -> Any:
        api = Api(
            f"{server.url}/v1/",
            HASTY,
            secret=SECRET,
            variable="MAP_KEY",
            parameters={"key": SECRET},
            headers={"X-Agent": "whereshot"},
        )
        async with api:
            return await api.json(path, {"page": 2, "text": "a b&c"}, check)

    return asyncio.run(run())


def test_the_question_and_its_answer() -> None:
    with ApiServer(echo) as server:
        answer = ask(server)
    assert answer == {
        "path": "/v1/photos",
        "asked": {"page": "2", "text": "a b&c", "key": SECRET},
        "agent": "whereshot",
    }


@pytest.mark.parametrize("fault", ["busy", "error", "cut", "html", "hung up"])
def test_faults_that_pass_are_asked_again(fault: str) -> None:
    with ApiServer(echo, [fault]) as server:
        assert ask(server)["path"] == "/v1/photos"
        assert len(server.asked) == 2


def test_an_answer_that_says_it_failed() -> None:
    def later(document: dict[str, Any]) -> None:
        raise LaterError("server error", f"sorry, {document['asked']['key']}")

    with ApiServer(echo) as server:
        with pytest.raises(RefusedError) as caught:
            ask(server, check=later)
        assert (caught.value.reason, caught.value.detail) == ("server error", "sorry, ***; tried 3 times")
        with pytest.raises(RefusedError, match=r"no JSON object but '\[1, 2\]'; tried 3 times"):
            ask(server, "/list")


@pytest.mark.parametrize("fault", ["error", "moved", "cut"])
def test_the_key_is_in_no_message(fault: str) -> None:
    with ApiServer(echo, [fault] * 3) as server, pytest.raises(RefusedError) as caught:
        ask(server)
    assert "key=***" in caught.value.detail
    assert "k3y" not in caught.value.detail


def test_a_key_that_is_refused_names_its_variable() -> None:
    with ApiServer(echo) as server, pytest.raises(InputError) as caught:
        ask(server, "/forbidden")
    assert str(caught.value).endswith("status 403: the API refuses the key in MAP_KEY")
    assert "k3y" not in str(caught.value)
    assert len(server.asked) == 1


def test_bytes_pass_a_check_of_their_own() -> None:
    seen: list[tuple[bytes, str]] = []

    async def run(server: ApiServer) -> tuple[bytes, str]:
        async with Api(server.url, HASTY, secret=SECRET, variable="MAP_KEY") as api:
            return await api.data("/list", {}, lambda data, kind: seen.append((data, kind)))

    with ApiServer(echo) as server:
        assert asyncio.run(run(server)) == (b"[1, 2]", "application/json")
    assert seen == [(b"[1, 2]", "application/json")]


def test_the_key_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAP_KEY", " abc\n")
    assert key_from("MAP_KEY", "a key") == "abc"
    for text in ("", "  "):
        monkeypatch.setenv("MAP_KEY", text)
        with pytest.raises(InputError, match=r"^MAP_KEY is not set; it holds a key: export MAP_KEY=\.\.\.$"):
            key_from("MAP_KEY", "a key")
