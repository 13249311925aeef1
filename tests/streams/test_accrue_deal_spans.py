"""Deals over a quarter on the running hop: late usage, closes in any order, any batching."""

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

# Texts at 10 each, of which no more than 50 a quarter are asked for and 40 at least; what texts
# and blocks count together costs 1 up to 10 and then 0.50.
AGREEMENT = """\
- agreement: Q
  partner: ALFA
  model: wholesale
  versions:
    - version: 1
      valid_from: 2026-01-01
      valid_upto: 2026-11-16
      zone: UTC
      currency: EUR
      rounding: {place: line, mode: half_up, decimals: 2}
      items: &items
        - {item: texts, role: ingress, service: sms, flow: receivable,
           price: {kind: unit, per: event, amount: 10}}
        - {item: calls, role: ingress, service: voice, flow: receivable,
           price: {kind: counted, per: event}}
        - {item: data, role: subscriber, service: data, flow: receivable,
           price: {kind: counted, per: event}}
      deals: &deals
        - {deal: fee, flow: receivable, price: {kind: fee, amount: 3}}
        - {deal: most, flow: receivable, over: [texts],
           price: {kind: tiers, each: quarter, per: amount, result: replace, at_least: 40,
                   tiers: [{percent: 100, cap: 50}]}}
        - {deal: pool, flow: receivable, over: [calls, data],
           price: {kind: tiers, each: quarter, per: event,
                   tiers: [{up_to: 10, price: 1}, {price: 0.5}]}}
    - version: 2
      valid_from: 2026-11-16
      zone: UTC
      currency: EUR
      rounding: {place: line, mode: half_up, decimals: 2}
      items: *items
      deals: *deals
"""
MONTHS = ("2026-10", "2026-11", "2026-12", "2027-01")
TEXTS = Series("Q", 1, "texts", "", "EUR", "2026-10", "")
HOUR = 498_192

# Usage (version, item, period, count) or the close of a period (count 0).
Act = tuple[int, str, str, int]


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Tables:
    """The agreement."""
    keys = "kind,key,agreement,valid_from,valid_upto\nroute,TG-001,Q,,\n"
    directory = tmp_path_factory.mktemp("known")
    return tables(reference_dir(directory, agreements=AGREEMENT, attribution=keys))


def happen(bench: AccrueBench, course: Sequence[Act], *, apart: bool = True) -> None:
    """Let a course of events happen, each in a batch of its own, or only closes."""
    at = 0
    for version, item, period, count in course:
        if count == 0:
            bench.loop.step()
            bench.close("Q", period)
            continue
        series = TEXTS._replace(version=version, item=item, original=period)
        charge = count * 10_000_000 if item == "texts" else 0
        bench.put(block(at, (series, HOUR, (count, count, charge, 0))))
        at += 1
        if apart:
            bench.loop.step()
    bench.loop.step()


def worths(bench: AccrueBench) -> dict[tuple[str, int, str, str], tuple[int, int]]:
    """Accrued and shortfall of each row in cents: by item, version, original, booked."""
    return {
        (r["item"], r["version"], r["original"], m["booked"]): (
            r["amount_micros"] // 10_000,
            (r["shortfall_micros"] or 0) // 10_000,
        )
        for m in bench.messages()
        if m["hour"] is None
        for r in m["rows"]
    }


def of_deal(bench: AccrueBench, deal: str) -> dict[tuple[int, str, str], tuple[int, int]]:
    """The rows of a deal that are worth something."""
    found = worths(bench)
    return {key[1:]: worth for key, worth in found.items() if key[0] == deal and any(worth)}


def test_a_cap_of_the_quarter_hides_what_late_usage_takes(known: Tables) -> None:
    """3 in October: 30. 3 in December: 30, of which 50 - 30 = 20 are asked for: -10.

    One more of October, which is closed: 10, and December's room is 10 less: another -10.
    """
    bench = AccrueBench(known)
    happen(bench, [(1, "texts", "2026-10", 3), (2, "texts", "2026-12", 3)])
    assert of_deal(bench, "most") == {(2, "2026-12", "2026-12"): (-1_000, 0)}
    bench.close("Q", "2026-10")
    bench.close("Q", "2026-11")
    bench.close("Q", "2026-12")
    bench.put(block(2, (TEXTS, HOUR, (1, 1, 10_000_000, 0))))
    bench.loop.step()
    assert of_deal(bench, "most") == {
        (2, "2026-12", "2026-12"): (-1_000, 0),
        (2, "2026-12", "2027-01"): (-1_000, 0),
        # The new quarter has begun, and nothing falls due in its first month.
    }


def test_a_minimum_falls_due_with_the_quarter(known: Tables) -> None:
    """1 in October: 10. October and November owe nothing more, December 40 - 10 = 30."""
    bench = AccrueBench(known)
    happen(bench, [(1, "texts", "2026-10", 1)])
    for month in MONTHS[:3]:
        bench.close("Q", month)
    assert of_deal(bench, "most") == {(2, "2026-12", "2026-12"): (0, 3_000)}
    line = next(n for n in bench.statements()[2]["lines"] if n.get("kind") == "shortfall")
    assert (line["span"], line["committed"], line["days"]) == (
        "2026-10..2026-12",
        "40000000",
        "92/92",
    )
    fees = [n["amount"] for d in bench.statements() for n in d["lines"] if n["item"] == "fee"]
    assert set(fees) == {"3.000000", "0.000000"}


def test_directions_are_counted_together_over_the_quarter(known: Tables) -> None:
    """8 calls in October: 8.00. 4 of data in November: 2 x 1 + 2 x 0.50 = 3.00."""
    bench = AccrueBench(known)
    happen(bench, [(1, "calls", "2026-10", 8), (1, "data", "2026-11", 4)])
    assert of_deal(bench, "pool") == {
        (1, "2026-10", "2026-10"): (800, 0),
        (1, "2026-11", "2026-11"): (300, 0),
    }


def acts() -> st.SearchStrategy[list[Act]]:
    """Usage late and early, closes in any order."""
    version, item = st.integers(1, 2), st.sampled_from(["texts", "calls", "data"])
    used = st.tuples(version, item, st.sampled_from(MONTHS), st.integers(1, 7))
    closed = st.tuples(st.just(1), st.just(""), st.sampled_from(MONTHS), st.just(0))
    # Version 1 has no December, version 2 no October.
    return st.lists(st.one_of(used, used, closed), max_size=10).map(
        lambda course: [
            ({"2026-10": 1, "2026-11": v}.get(period, 2), i, period, n)
            for v, i, period, n in course
        ]
    )


@settings(max_examples=30)
@given(acts())
def test_all_statements_are_the_whole_of_a_quarter(known: Tables, course: list[Act]) -> None:
    """Whatever is closed when: what is closed stays as stated, and all together is what is asked.

    50 at most for texts, and 40 at least once December has been looked at.
    """
    bench = AccrueBench(known)
    happen(bench, course)
    found = worths(bench)
    live = {(i, v, o, b): sum(worth) for (i, v, o, b), worth in found.items()}
    for document in bench.statements():
        stated: dict[tuple[str, int, str, str], int] = {}
        for line in document["lines"]:
            place = (line["agreement_version"], line["original_period"], document["period"])
            key = (line["item"], *place)
            stated[key] = stated.get(key, 0) + parse_decimal(line["amount"], 6) // 10_000
        assert stated == {k: c for k, c in live.items() if k[-1] == document["period"]}
    for periods in (MONTHS[:3], MONTHS[3:]):
        counted = {
            items: sum(n for _, i, p, n in course if i in items and p in periods)
            for items in (("texts",), ("calls", "data"))
        }
        of_money = [
            w for (i, _, o, _), w in found.items() if i in ("texts", "most") and o in periods
        ]
        texts = min(counted["texts",] * 1_000, 5_000)
        assert sum(c for c, _ in of_money) == texts
        is_due = periods == MONTHS[:3] and any(b == MONTHS[2] for *_, b in found)
        assert sum(s for _, s in of_money) == (max(4_000 - texts, 0) if is_due else 0)
        pool = sum(c for (i, _, o, _), (c, _) in found.items() if i == "pool" and o in periods)
        both = counted["calls", "data"]
        assert pool == Fraction(min(both, 10) * 100) + max(both - 10, 0) * 50


@settings(max_examples=30)
@given(acts())
def test_batches_do_not_matter(known: Tables, course: list[Act]) -> None:
    """What lies between two closes in one batch or in many: the same money and statements."""
    apart, together = AccrueBench(known), AccrueBench(known)
    happen(apart, course)
    happen(together, course, apart=False)
    money = [{k: w for k, w in worths(b).items() if any(w)} for b in (apart, together)]
    assert money[0] == money[1]
    totals = [[d["totals"] for d in bench.statements()] for bench in (apart, together)]
    assert totals[0] == totals[1]
    assert state_hash(apart.hop) == state_hash(together.hop)
