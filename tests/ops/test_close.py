"""A close is looked at before it is made: what would be closed, and what not and why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ops.close import closable, joined
from state.tables import Tables
from tests.builders import PARTNERS, reference_dir, tables
from tests.ops.books import AGREEMENTS, ATTRIBUTION, reference

ROWS = [
    {"agreement": "W-1", "booked": "2024-11"},
    {"agreement": "M-1", "booked": "2024-12"},
]
STATED = [{"agreement": "W-1", "period": "2024-10", "number": "W-1-000001"}]


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Tables:
    """The three agreements of the books, which all settle by month."""
    return tables(reference(tmp_path_factory.mktemp("close") / "reference"))


def choose(known: Tables, period: str, *named: str) -> Any:  # noqa: ANN401 - a Choice
    """What a close would do."""
    return closable(known, STATED, ROWS, period, named)


def test_all_agreements_with_usage_are_closed(known: Tables) -> None:
    """Those without are left open and not mentioned."""
    choice = choose(known, "2024-11")
    assert (list(choice.agreements), list(choice.remarks)) == (["W-1"], [])


def test_a_named_agreement_is_closed_with_or_without_usage(known: Tables) -> None:
    """Once, however often it is named."""
    assert list(choose(known, "2024-11", "S-1", "W-1", "S-1").agreements) == ["S-1", "W-1"]


@pytest.mark.parametrize(
    ("period", "name", "remark"),
    [
        ("2024-10", "W-1", "W-1: 2024-10 was closed with statement W-1-000001"),
        ("2024-11", "W1", "there is no agreement W1 in the reference; is it W-1?"),
        ("2024-11", "Unheard", "there is no agreement Unheard in the reference"),
        ("2024-11-01", "W-1", "write it like 2026-11"),
    ],
)
def test_what_cannot_be_closed_is_remarked(
    known: Tables, period: str, name: str, remark: str
) -> None:
    """Closed before, unknown, or no period at all."""
    choice = choose(known, period, name)
    assert list(choice.agreements) == []
    assert remark in choice.remarks[0]


def test_the_hint_has_what_is_open(known: Tables) -> None:
    """Periods with usage that have no statement yet; none when there is none."""
    assert choose(known, "2030-01").hint == "open periods with usage are 2024-11, 2024-12"
    nothing = closable(known, STATED, [{"agreement": "W-1", "booked": "2024-10"}], "2030-01", None)
    assert nothing.hint == "there is no open period with usage"


def test_what_was_closed_with_others_is_said(known: Tables) -> None:
    """One that a deal joins with what was asked for; not one that was asked for itself."""
    choice = choose(known, "2024-11", "W-1")
    closed = [{"agreement": "M-1"}, {"agreement": "W-1"}]
    told = joined(choice, closed, lambda _: ["M-1", "W-1"])
    assert list(told) == ["M-1: closed together with W-1, as a deal joins them"]


def test_a_partner_in_test_has_nothing_to_close(tmp_path: Path) -> None:
    """M-1 and S-1 are BRAVO's."""
    partners = PARTNERS.replace("country: NO", "test: true")
    directory = reference_dir(
        tmp_path, partners=partners, agreements=AGREEMENTS, attribution=ATTRIBUTION
    )
    known = tables(directory)
    choice = choose(known, "2024-11", "W-1", "M-1")
    assert list(choice.agreements) == ["W-1"]
    assert list(choice.remarks) == ["M-1: BRAVO is in test, and nothing is settled with it"]
