"""Amendments by hand: what a change that reaches back comes to, line by line."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from ops.amendment import Preview, booked
from ops.embedded import Embedded
from ops.reading import NoReferenceError, Opened
from schemas.reference import InvalidReferenceError
from streams.accrual import Book
from streams.contribution import Series
from tests.builders import tables
from tests.ops.amend_makers import (
    ROUTES,
    agreement,
    calls,
    previewed,
    settled,
    terms,
    version,
)
from tests.ops.books import MENDED, UNKNOWN, close, reference, settle

TEN_DAYS = range(21, 31)  # the last ten days of November
FIRST = agreement(version(1, "0.010"))


def amounts(found: Preview) -> dict[tuple[str, int, str, str], tuple[int, int, int]]:
    """Events, quantity and micros by agreement, version, period of the usage and booked period."""
    return {
        (e.line.agreement, e.line.version, e.line.original, e.booked): e.change[:3]
        for e in found.effects
    }


def net(found: Preview) -> int:
    """What all partners together would owe more, in micros."""
    sign = {"receivable": 1, "payable": -1}
    return sum(sign[total.flow] * total.change_micros for total in found.totals)


def test_a_price_is_raised_ten_days_back(tmp_path: Path) -> None:
    """1,000 minutes at 0.010 come to 10.00, at 0.012 to 12.00: 2.00 more.

    They move to the version that begins on the 21st: there less, here more. The minutes of the
    first of November stay where they are.
    """
    data = settled(tmp_path / "data", FIRST, calls(1, *TEN_DAYS))
    raised = agreement(
        version(1, "0.010", upto="2024-11-21"), version(2, "0.012", valid_from="2024-11-21")
    )
    found = previewed(data, terms(tmp_path / "raised", raised))
    assert amounts(found) == {
        ("ALFA-1", 1, "2024-11", "2024-11"): (-10, -60_000, -10_000_000),
        ("ALFA-1", 2, "2024-11", "2024-11"): (10, 60_000, 12_000_000),
    }
    assert net(found) == 2_000_000
    (total,) = found.totals
    assert (total.before_micros, total.after_micros) == (11_000_000, 13_000_000)


def test_another_price_under_the_same_version(tmp_path: Path) -> None:
    """A version may itself be written another way: 1,000 minutes become 2.00 dearer."""
    data = settled(tmp_path / "data", FIRST, calls(*TEN_DAYS))
    found = previewed(data, terms(tmp_path / "raised", agreement(version(1, "0.012"))))
    assert amounts(found) == {("ALFA-1", 1, "2024-11", "2024-11"): (0, 0, 2_000_000)}
    assert found.changes == ["ALFA-1 version 1: items[0].price.amount is 0.012, was 0.01"]


def test_another_table_of_tiers(tmp_path: Path) -> None:
    """1,000 minutes: 500 x 0.02 + 500 x 0.01 = 15.00; from 200 on at 0.01: 4.00 + 8.00 = 12.00."""

    def tiers(up_to: int) -> str:
        steps = f'{{up_to: {up_to}, price: "0.02"}}, {{price: "0.01"}}'
        return agreement(version(1, f"{{kind: tiers, per: minute, tiers: [{steps}]}}"))

    data = settled(tmp_path / "data", tiers(500), calls(*TEN_DAYS))
    found = previewed(data, terms(tmp_path / "sooner", tiers(200)))
    assert amounts(found) == {("ALFA-1", 1, "2024-11", "2024-11"): (0, 0, -3_000_000)}


def test_a_key_that_was_somebody_elses(tmp_path: Path) -> None:
    """From the 26th the route is BRAVO's: 5 calls less here, 5.00; there as many at 0.02, 10.00."""
    both = FIRST + agreement(version(1, "0.02"), name="BRAVO-1", partner="BRAVO")
    data = settled(tmp_path / "data", both, calls(*TEN_DAYS))
    moved = ROUTES.replace("ALFA-1,,", "ALFA-1,,2024-11-26\nroute,TG-001,BRAVO-1,2024-11-26,")
    found = previewed(data, terms(tmp_path / "moved", both, moved))
    assert amounts(found) == {
        ("ALFA-1", 1, "2024-11", "2024-11"): (-5, -30_000, -5_000_000),
        ("BRAVO-1", 1, "2024-11", "2024-11"): (5, 30_000, 10_000_000),
    }
    assert {total.partner: total.change_micros for total in found.totals} == {
        "ALFA": -5_000_000,
        "BRAVO": 10_000_000,
    }
    (change,) = found.changes
    assert change == (
        "route:TG-001 is ALFA-1 up to 2024-11-26T00:00:00Z,"
        " then BRAVO-1 from 2024-11-26T00:00:00Z, was ALFA-1"
    )


def test_a_closed_period_is_adjusted_in_the_next(tmp_path: Path) -> None:
    """November has its statement; 2.00 more for it count in December, the first open period."""
    data = settled(tmp_path / "data", FIRST, calls(*TEN_DAYS))
    close(data, "2024-11", "ALFA-1")
    found = previewed(data, terms(tmp_path / "raised", agreement(version(1, "0.012"))))
    assert amounts(found) == {("ALFA-1", 1, "2024-11", "2024-12"): (0, 0, 2_000_000)}
    assert [effect.is_adjustment for effect in found.effects] == [True]
    assert [(total.original, total.booked) for total in found.totals] == [("2024-11", "2024-12")]


def test_what_rounding_hides_is_in_the_exact_figure(tmp_path: Path) -> None:
    """100 minutes at 0.00001 come to 0.001, at 0.00002 to 0.002: to the cent both are nothing."""
    data = settled(tmp_path / "data", agreement(version(1, "0.00001")), calls(1))
    found = previewed(data, terms(tmp_path / "raised", agreement(version(1, "0.00002"))))
    (effect,) = found.effects
    assert (effect.change.amount_micros, effect.change.exact) == (0, Fraction(1, 1000))
    assert not found.totals


def test_the_same_terms_have_no_effect(tmp_path: Path) -> None:
    """Nothing differs, though a price in the future may."""
    data = settled(tmp_path / "data", FIRST, calls(*TEN_DAYS))
    later = agreement(
        version(1, "0.010", upto="2025-01-01"), version(2, "0.012", valid_from="2025-01-01")
    )
    found = previewed(data, terms(tmp_path / "later", later))
    assert found.is_nothing
    assert found.changes == [
        "ALFA-1 version 1: valid_upto is 2025-01-01, was empty",
        "ALFA-1 version 2 is new, from 2025-01-01",
    ]


def test_usage_that_waits_and_usage_that_would(tmp_path: Path) -> None:
    """The first version begins on the 26th: five calls would wait; a route listed: one would not.

    The conflicting body waits whatever the terms are.
    """
    data = tmp_path / "data"
    settle(data)
    found = previewed(data, reference(tmp_path / "mended", MENDED))
    assert dict(found.waiting.leaving) == {"unknown_route": 1}
    assert dict(found.waiting.coming) == {}
    assert {(o.outcome, o.reason): (o.before, o.after) for o in found.outcomes} == {
        ("rated", "none"): (6, 7),
        ("suspended", "unknown_route"): (1, 0),
    }
    data = settled(tmp_path / "later", FIRST, calls(*TEN_DAYS))
    begun = agreement(version(1, "0.010", valid_from="2024-11-26"))
    found = previewed(data, terms(tmp_path / "begun", begun))
    assert dict(found.waiting.coming) == {"no_agreement": 5}
    assert net(found) == -5_000_000


def test_what_was_recycled_counts_as_it_was_settled(tmp_path: Path) -> None:
    """A call under an unknown route was tried again by mended terms, and these change nothing."""
    settle(tmp_path / "data", [UNKNOWN])
    mended = reference(tmp_path / "mended", MENDED)
    with Embedded(tmp_path / "data", mended) as weir:
        assert weir.resettled == 1
    assert previewed(tmp_path / "data", mended).is_nothing
    first = previewed(tmp_path / "data", reference(tmp_path / "first"))
    # Without the route the call of 0.076 would wait again (see the books).
    assert dict(first.waiting.coming) == {"unknown_route": 1}
    assert net(first) == -76_000


def test_nothing_is_changed_by_asking(tmp_path: Path) -> None:
    """The directory holds the same files with the same content; the log is only read."""
    data = settled(tmp_path / "data", FIRST, calls(*TEN_DAYS))
    with Opened(data) as weir:
        before = list(weir.latest("accruals.v1")), weir.newest_reference()
    previewed(data, terms(tmp_path / "raised", agreement(version(1, "0.012"))))
    with Opened(data) as weir:
        assert (list(weir.latest("accruals.v1")), weir.newest_reference()) == before


def test_what_cannot_be_worked_out_is_said(tmp_path: Path) -> None:
    """A candidate that does not load, and a settlement whose reference is not there any more."""
    data = settled(tmp_path / "data", FIRST, calls(1))
    with pytest.raises(InvalidReferenceError):
        previewed(data, terms(tmp_path / "wrong", FIRST.replace("EUR", "euros")))
    with Opened(data) as weir:
        weir.reference_of(weir.newest_reference()).rename(tmp_path / "gone")
    with pytest.raises(NoReferenceError, match="put the directory back"):
        previewed(data, terms(tmp_path / "raised", agreement(version(1, "0.012"))))


def test_a_change_is_booked_by_the_first_terms_that_know_its_row(tmp_path: Path) -> None:
    """Days are no months: a row of a day is booked by the terms that had days."""
    by_month = Book(tables(terms(tmp_path / "month", FIRST)))
    daily = agreement(version(1, "0.010", terms="period: day"))
    by_day = Book(tables(terms(tmp_path / "day", daily)))
    series = Series("ALFA-1", 1, "voice-in", "", "EUR", "2024-11-30", "2024-11-30")
    closed = {("ALFA-1", "2024-11-30")}
    assert booked(series, closed, by_month, by_day) == "2024-12-01"
    assert booked(series._replace(item="gone"), closed, by_month, by_day) == "2024-11-30"
