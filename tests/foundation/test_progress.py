"""Progress passes everything on, in order and lazily, and never touches stdout."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest

from waiting import PATIENCE_S, wait_until
from whereshot.foundation import progress


@pytest.mark.parametrize("track", [progress.silent, progress.bar, progress.late_bar])
@pytest.mark.parametrize("n", [0, 1, 5])
def test_items_pass_in_order(track: progress.Track, n: int) -> None:
    assert list(track(iter(range(n)), n, "counting")) == list(range(n))


@pytest.mark.parametrize("track", [progress.silent, progress.bar, progress.late_bar])
def test_items_are_taken_one_by_one(track: progress.Track) -> None:
    """Work that is tracked may be endless or large: nothing is read ahead."""
    taken = []

    def source() -> Iterator[int]:
        for item in range(3):
            taken.append(item)
            yield item

    items = track(source(), 3, "reading")
    assert taken == []
    assert next(items) == 0
    assert taken == [0]
    items.close()  # leaving early must not raise, nor leave a bar running
    assert list(track([7], 1, "after an early end")) == [7]


def test_silent_says_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    list(progress.silent(range(3), 3, "reading positions"))
    assert capfd.readouterr() == ("", "")


def test_bar_reports_on_stderr_only(capfd: pytest.CaptureFixture[str]) -> None:
    """stdout belongs to the answer (one JSON document); a log file gets one line, no control codes."""
    list(progress.bar(range(3), 3, "reading positions"))
    out, err = capfd.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert err.startswith("reading positions ")
    assert "3/3" in err
    assert "\x1b" not in err


@pytest.mark.parametrize("track", [progress.silent, progress.bar, progress.late_bar])
def test_an_error_in_the_work_passes_through(track: progress.Track) -> None:
    def source() -> Iterator[int]:
        yield 1
        raise KeyError("photo 2")

    with pytest.raises(KeyError, match="photo 2"):
        list(track(source(), 2, "reading"))


@pytest.mark.parametrize("slow", [False, True])
def test_quick_work_needs_no_bar(
    slow: bool, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "PATIENCE_S", 0.0 if slow else 60.0)
    assert list(progress.late_bar(range(4), 4, "drawing")) == [0, 1, 2, 3]
    out, err = capfd.readouterr()
    assert out == ""
    assert ("drawing, the rest" in err) == ("3/3" in err) == slow


@pytest.mark.parametrize("slow", [False, True])
def test_waiting_says_what_for(slow: bool, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "PATIENCE_S", 0.01 if slow else 2 * PATIENCE_S)
    shown: list[str] = []

    def is_shown() -> bool:
        out, err = capfd.readouterr()
        shown.append(out + err)
        return "".join(shown) == "building ...\n"

    with pytest.raises(KeyError), progress.waiting("building"):
        if slow:
            wait_until(is_shown, "it says what it waits for")
        raise KeyError("passes through")
    assert capfd.readouterr() == ("", "")


def test_late_work_is_reported_with_the_track_that_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """Quick work is not reported at all, and a library function that was given no track stays silent."""
    reported: list[tuple[int, str]] = []

    def track(items: Iterable[int], total: int, what: str) -> Iterator[int]:
        reported.append((total, what))
        yield from items

    assert list(progress.late(range(5), 5, "weighing", track)) == list(range(5)) and reported == []
    monkeypatch.setattr(progress, "PATIENCE_S", -1.0)
    assert list(progress.late(range(5), 5, "weighing", track)) == list(range(5))
    assert reported == [(4, "weighing, the rest")]
