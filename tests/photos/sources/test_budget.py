"""The budget of paid requests: never a cent too much, over all runs, also after a power cut."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whereshot.photos.fetch import RefusedError
from whereshot.photos.sources.budget import Budget


def take_all(budget: Budget, most: int) -> int:
    """How many requests the budget pays for."""
    for count in range(most):
        try:
            budget.take(f"picture {count}")
        except RefusedError as error:
            assert error.reason == "over the budget"
            return count
    return most


def test_each_request_is_written_down_before_it_is_sent(tmp_path: Path) -> None:
    budget = Budget(tmp_path, 0.007, 0.02)
    assert take_all(budget, 9) == 2
    assert budget.spent_usd == 0.014
    lines = [json.loads(line) for line in (tmp_path / "paid.jsonl").read_text().splitlines()]
    assert lines == [{"asked": f"picture {number}", "usd": 0.007} for number in range(2)]
    with pytest.raises(RefusedError) as caught:
        budget.take("picture x")
    assert caught.value.detail == "picture x: 0.014 USD of the budget are spent"


def test_later_runs_go_on_from_what_is_spent(tmp_path: Path) -> None:
    assert take_all(Budget(tmp_path, 0.007, 0.02), 9) == 2
    assert take_all(Budget(tmp_path, 0.007, 0.02), 9) == 0
    again = Budget(tmp_path, 0.007, 0.028)
    assert (again.spent_usd, take_all(again, 9), again.spent_usd) == (0.014, 2, 0.028)


def test_half_a_line_counts_as_paid(tmp_path: Path) -> None:
    (tmp_path / "paid.jsonl").write_text('{"asked": "a", "usd": 0.007}\n{"asked": "b", "us\n{"asked": "c"}\n7\n')
    assert Budget(tmp_path, 0.01, 1.0).spent_usd == pytest.approx(0.037)


def test_without_a_budget_nothing_is_paid_and_free_requests_pass(tmp_path: Path) -> None:
    assert take_all(Budget(tmp_path, 0.007, None), 1) == 0
    assert take_all(Budget(tmp_path, 0.0, None), 5) == 5
    assert not (tmp_path / "paid.jsonl").exists()


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 20), st.lists(st.integers(0, 60), min_size=1, max_size=4))
def test_no_order_of_runs_spends_more_than_the_largest_budget(price: int, budgets: list[int]) -> None:
    """Prices and budgets in thousandths of a dollar."""
    with TemporaryDirectory() as folder:
        for most in budgets:
            take_all(Budget(Path(folder), price / 1000, most / 1000), 400)
        spent = Budget(Path(folder), price / 1000, None).spent_usd
    assert round(spent * 1000) == max(budgets) // price * price
