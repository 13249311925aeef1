"""Tiers of a quarter or year on the running hop: late usage, closes in any order, any batching."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ops.state_hash import state_hash
from schemas.money import parse_decimal
from state.tables import Tables
from streams.contribution import Series
from tests.builders import reference_dir, tables
from tests.hop_makers import AccrueBench, block

# A quarter's first 10 texts cost 1, more 0.50 and 3 once, above 40 they cost 0.10; 60 are
# committed. Agreement E ends in the middle of it, after 46 days of 92. A year's, of an agreement
# settled by day, likewise, with 5 due if there is none.
PRICES = """\
tiers: [{up_to: 10, price: 1}, {up_to: 40, price: 0.5, flat: 3}, {price: 0.1}]"""
AGREEMENTS = f"""\
- agreement: M
  partner: ALFA
  model: wholesale
  versions:
    - version: 1
      valid_from: 2026-01-01
      zone: UTC
      currency: EUR
      rounding: {{place: line, mode: half_up, decimals: 2}}
      items:
        - {{item: texts, role: ingress, service: sms, flow: receivable,
           price: {{kind: tiers, each: quarter, per: event, at_least: 60, {PRICES}}}}}
- agreement: E
  partner: ALFA
  model: wholesale
  versions:
    - version: 1
      valid_from: 2026-01-01
      valid_upto: 2026-11-16
      zone: UTC
      currency: EUR
      rounding: {{place: line, mode: half_up, decimals: 2}}
      items:
        - {{item: texts, role: ingress, service: sms, flow: receivable,
           price: {{kind: tiers, each: quarter, per: event, at_least: 60, {PRICES}}}}}
- agreement: D
  partner: ALFA
  model: wholesale
  versions:
    - version: 1
      valid_from: 2026-01-01
      zone: Europe/Berlin
      currency: EUR
      period: day
      rounding: {{place: statement, mode: half_up, decimals: 2}}
      items:
        - {{item: texts, role: ingress, service: sms, flow: receivable,
           price: {{kind: tiers, each: year, from: 2026-11, per: event, flat_on_zero: true,
                   tiers: [{{up_to: 10, price: 1, flat: 5}}, {{price: 0.25}}]}}}}
"""
MONTHS = ("2026-10", "2026-11", "2026-12", "2027-01")
DAYS = ("2026-11-01", "2026-11-02", "2026-12-31", "2027-10-31", "2027-11-01")
TEXTS = Series("M", 1, "texts", "", "EUR", "2026-10", "")
HOUR = 498_192

# Usage of a period, or a close of it, or a pause until which everything is one batch.
Act = tuple[str, str, int]


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Tables:
    """Both agreements."""
    keys = "kind,key,agreement,valid_from,valid_upto\nroute,TG-001,M,,\n"
    directory = tmp_path_factory.mktemp("known")
    return tables(reference_dir(directory, agreements=AGREEMENTS, attribution=keys))


def acts(periods: Sequence[str]) -> st.SearchStrategy[list[Act]]:
    """Usage late and early, closes in any order."""
    of = st.sampled_from(periods)
    used = st.tuples(st.just("use"), of, st.integers(-5, 30))
    closed = st.tuples(st.just("close"), of, st.just(0))
    return st.lists(st.one_of(used, used, closed), max_size=12)


def happen(bench: AccrueBench, agreement: str, course: Sequence[Act], *, apart: bool) -> None:
    """Let a course of events happen, each in a batch of its own, or only closes."""
    at = 0
    for what, period, count in course:
        if what == "close":
            bench.loop.step()
            bench.close(agreement, period)
            continue
        series = TEXTS._replace(agreement=agreement, original=period)
        bench.put(block(at, (series, HOUR, (1, count, 0, 0))))
        at += 1
        if apart:
            bench.loop.step()
    bench.loop.step()


def worths(bench: AccrueBench) -> dict[tuple[str, str], tuple[int, int]]:
    """Accrued and shortfall of each row in cents, by original and booked period."""
    return {
        (r["original"], m["booked"]): (
            r["amount_micros"] // 10_000,
            (r["shortfall_micros"] or 0) // 10_000,
        )
        for m in bench.messages()
        if m["hour"] is None
        for r in m["rows"]
    }


def test_late_usage_moves_later_periods(known: Tables) -> None:
    """8 in October, 4 in November, then 2 more of October, all closed but December.

    October: 8.00. November: 2 x 1 + 3 + 2 x 0.50 = 6.00. The late two push November up: October
    has 2.00 more, November 4 x 0.50 + 3 = 5.00, so 1.00 less. Of 60, 46 are missing: F(60) = 10 +
    3 + 15 + 2 = 30.00, of which 15.00 have accrued.
    """
    bench = AccrueBench(known)
    course = [("use", "2026-10", 8), ("close", "2026-10", 0), ("use", "2026-11", 4)]
    happen(bench, "M", course, apart=True)
    assert worths(bench) == {("2026-10", "2026-10"): (800, 0), ("2026-11", "2026-11"): (600, 0)}
    bench.close("M", "2026-11")
    bench.put(block(2, (TEXTS, HOUR, (1, 2, 0, 0))))
    bench.loop.step()
    assert worths(bench) == {
        ("2026-10", "2026-10"): (800, 0),
        ("2026-11", "2026-11"): (600, 0),
        ("2026-10", "2026-12"): (200, 0),
        ("2026-11", "2026-12"): (-100, 0),
        ("2026-12", "2026-12"): (0, 1_500),
    }
    bench.close("M", "2026-12")
    [*_, document] = bench.statements()
    assert [
        (n["original_period"], n["quantity"], n["span"], n["amount"]) for n in document["lines"]
    ] == [
        ("2026-10", 2, "2026-10..2026-12", "2.000000"),
        ("2026-11", 0, "2026-10..2026-12", "-1.000000"),
        ("2026-12", 0, "2026-10..2026-12", "0.000000"),
        ("2026-12", 0, "2026-10..2026-12", "15.000000"),
    ]
    assert (document["lines"][-1]["used"], document["lines"][-1]["days"]) == (14, "92/92")


def test_an_open_period_behind_a_closed_one_takes_no_more(known: Tables) -> None:
    """November is closed first: what comes of October is then booked in December.

    So November's statement, which stands on October's 8, stays what it is: 2 x 1 + 3 + 1 = 6.00.
    """
    bench = AccrueBench(known)
    course = [("use", "2026-10", 8), ("use", "2026-11", 4), ("close", "2026-11", 0)]
    happen(bench, "M", [*course, ("use", "2026-10", 2)], apart=True)
    assert worths(bench) == {
        ("2026-10", "2026-10"): (800, 0),
        ("2026-11", "2026-11"): (600, 0),
        ("2026-10", "2026-12"): (200, 0),
        ("2026-11", "2026-12"): (-100, 0),
        ("2026-12", "2026-12"): (0, 1_500),
    }


def test_a_year_without_usage_owes_its_flat_amount_once(known: Tables) -> None:
    """Closed days owe nothing, but the last one of the year: 5.00."""
    bench = AccrueBench(known)
    for day in ("2026-11-01", "2027-10-31", "2027-11-01"):
        bench.close("D", day)
    totals = [[(t["receivable"]) for t in d["totals"]] for d in bench.statements()]
    assert totals == [[], ["5.000000"], []]


def test_recovered_is_live(known: Tables) -> None:
    """A new process goes on where the other stopped: its rows below and above are known."""
    bench = AccrueBench(known)
    course = [("use", "2026-10", 8), ("use", "2026-11", 4), ("close", "2026-10", 0)]
    happen(bench, "M", course, apart=True)
    digest = state_hash(bench.hop)
    bench.loop.close()
    again = AccrueBench(known, bench.broker)
    assert state_hash(again.hop) == digest
    again.settle(block(2, (TEXTS, HOUR, (1, 2, 0, 0))))
    assert worths(again)["2026-11", "2026-11"] == (500, 0)


@pytest.mark.parametrize(("agreement", "least"), [("M", 60), ("E", 30)])
@settings(max_examples=50)
@given(acts(MONTHS))
def test_all_statements_are_the_whole_of_a_quarter(
    known: Tables, agreement: str, least: int, course: list[Act]
) -> None:
    """Whatever is closed when: a closed period stays as stated, and all together is F(total).

    Once December has been looked at, what the quarter misses is there too, once.
    """
    bench = AccrueBench(known)
    happen(bench, agreement, course, apart=True)
    found = worths(bench)
    _stated_stays(bench)
    curve = bench.hop.book.terms(TEXTS).curve
    for periods in (MONTHS[:3], MONTHS[3:]):
        total = sum(n for what, period, n in course if what == "use" and period in periods)
        rows = [cents for (original, _), cents in found.items() if original in periods]
        assert sum(c for c, _ in rows) == curve.exact(total) * 100
        missed = curve.exact(least) - curve.exact(total) if total < least else Fraction(0)
        is_due = any(booked == MONTHS[2] for _, booked in found) and periods == MONTHS[:3]
        assert sum(s for _, s in rows) == (missed * 100 if is_due else 0)


@given(acts(DAYS))
def test_all_statements_are_the_whole_of_a_year_of_days(known: Tables, course: list[Act]) -> None:
    """The same by day, where the statement rounds: 365 days on one counter, flat once."""
    bench = AccrueBench(known)
    happen(bench, "D", course, apart=True)
    found = worths(bench)
    _stated_stays(bench)
    curve = bench.hop.book.terms(TEXTS._replace(agreement="D")).curve
    total = sum(n for what, period, n in course if what == "use" and period in DAYS[:4])
    rows = [cents for (original, _), cents in found.items() if original in DAYS[:4]]
    is_due = total or any(booked == DAYS[3] for _, booked in found)
    assert sum(c for c, _ in rows) == (curve.exact(total) * 100 if is_due else 0)
    assert all(short == 0 for _, short in rows)


@settings(max_examples=30)
@given(acts(MONTHS))
def test_batches_do_not_matter(known: Tables, course: list[Act]) -> None:
    """What lies between two closes in one batch or in many: the same money and statements."""
    apart, together = AccrueBench(known), AccrueBench(known)
    happen(apart, "M", course, apart=True)
    happen(together, "M", course, apart=False)
    assert worths(apart) == worths(together)
    money = [[d["lines"] for d in bench.statements()] for bench in (apart, together)]
    assert money[0] == money[1]
    assert state_hash(apart.hop) == state_hash(together.hop)


def _stated_stays(bench: AccrueBench) -> None:
    """What accruals say of closed periods is what their statements said."""
    live: dict[tuple[str, str], int] = {}
    for (original, booked), (accrued, shortfall) in worths(bench).items():
        live[original, booked] = accrued + shortfall
    for document in bench.statements():
        stated: dict[tuple[str, str], int] = {}
        for line in document["lines"]:
            key = (line["original_period"], document["period"])
            stated[key] = stated.get(key, 0) + parse_decimal(line["amount"], 6) // 10_000
        closed = {key: cents for key, cents in live.items() if key[1] == document["period"]}
        assert stated == closed
