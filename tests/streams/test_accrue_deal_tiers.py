"""Deals of tiers, capacity and swaps on the running hop, and tiers that other items choose."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.oracle_amounts import Accrual, AccrualKey
from ops.oracle_reference import read_reference
from ops.oracle_statement import statement_lines, statement_totals
from ops.state_hash import state_hash
from schemas.topics import ACCRUALS, STATEMENTS
from state.view import View
from streams.contribution import Series
from tests.builders import reference_dir, tables
from tests.hop_makers import AccrueBench, block, committed

HOUR = 498_192
NOVEMBER, OCTOBER = "2026-11", "2026-10"
ITEMS = """
        - {item: texts, role: ingress, service: sms, flow: receivable,
           price: {kind: unit, per: event, amount: 10}}
        - {item: came, role: subscriber, service: sms, direction: in, flow: receivable,
           price: {kind: counted, per: event}}
        - {item: went, role: subscriber, service: sms, direction: out, flow: payable,
           price: {kind: counted, per: event}}
        - {item: extra, role: egress, service: sms, flow: receivable, price: {kind: tiers,
           per: event, curve: volume, chosen_by: %s, tiers: [{up_to: 15, price: 2}, {price: 1}]}}"""
VERSION = """
    - version: {number}
      valid_from: {span}
      zone: UTC
      currency: EUR
      rounding: {{place: {place}, mode: half_up, decimals: 2}}
      items:{items}
      deals: [{deals}]"""
REST = (
    "{deal: rest, flow: receivable, over: [came, went], "
    "price: {kind: tiers, per: event, tiers: [{price: 0}]}}"
)
MONEY = "{{deal: money, flow: receivable, over: [texts, extra], price: {{{}}}}}"
POOL = "{{deal: pool, flow: receivable, over: [came, went], price: {{{}}}}}"


def reference(
    directory: Path, *deals: str, place: str = "record", chosen: Sequence[str] = ("came", "came")
) -> Path:
    """An agreement T of one version, or of two with a change on 16 November, with these deals."""
    spans = ["2026-01-01"]
    if len(deals) > 1:
        spans = ["2026-01-01\n      valid_upto: 2026-11-16", "2026-11-16"]
    versions = "".join(
        VERSION.format(number=n, span=span, items=ITEMS % by, deals=of, place=place)
        for n, (span, of, by) in enumerate(zip(spans, deals, chosen, strict=False), 1)
    )
    text = f"- agreement: T\n  partner: ALFA\n  model: wholesale\n  versions:{versions}\n"
    keys = "kind,key,agreement,valid_from,valid_upto\nroute,TG-001,T,,\n"
    return reference_dir(directory, agreements=text, attribution=keys)


def bench_of(directory: Path, *deals: str, place: str = "record") -> AccrueBench:
    """A hop under these deals, and one over all that counts."""
    whole = [f"{REST}, {of}" for of in deals]
    return AccrueBench(tables(reference(directory, *whole, place=place)))


def used(
    at: int, item: str, count: int, original: str = NOVEMBER, version: int = 1, hour: int = HOUR
) -> bytes:
    """A block of texts at 10 each, or of events that bring no charge by themselves."""
    series = Series("T", version, item, "", "EUR", original, "")
    charge = 10_000_000 * count if item == "texts" else 0
    return block(at, (series, hour, (count, count, charge, 0)))


def lines_of(bench: AccrueBench, period: str = NOVEMBER) -> list[dict[str, Any]]:
    """The lines of the statement that closes a period now."""
    bench.close("T", period)
    lines: list[dict[str, Any]] = bench.statements()[-1]["lines"]
    return lines


def worths(bench: AccrueBench, *items: str) -> list[object]:
    """What lines of November come to, with what is missing of them beside."""
    found = {
        r["item"]: (
            Decimal(r["amount_micros"]) / 10**6,
            Decimal(r["shortfall_micros"] or 0) / 10**6,
        )
        for m in bench.messages()
        if m["hour"] is None and m["booked"] == NOVEMBER
        for r in m["rows"]
    }
    return [found[item] for item in items]


def test_a_commission_is_added(tmp_path: Path) -> None:
    """12 texts are 120: 10 % of 100 and 15 % of 20 are 13, in two steps on its line."""
    tiers = "tiers: [{up_to: 100, percent: 10}, {percent: 15}]"
    bench = bench_of(tmp_path, MONEY.format(f"kind: tiers, per: amount, {tiers}"))
    bench.settle(used(0, "texts", 12))
    assert worths(bench, "texts", "money") == [(120, 0), (13, 0)]
    [line] = [line for line in lines_of(bench) if line["item"] == "money"]
    assert (line["deal"], line["replaces"], line["amount"]) == ("tiers", False, "13.000000")
    assert [(s["quantity"], s["price"], s["amount"]) for s in line["steps"]] == [
        ("100000000", "0.1", "10"),
        ("20000000", "0.15", "3"),
    ]


def test_a_commitment_in_money_replaces(tmp_path: Path) -> None:
    """30 of at least 50: nothing on top of the items, and 20 missing. 70 are 50 + 2 x 20 = 90."""
    price = (
        "kind: tiers, per: amount, result: replace, at_least: 50, "
        "tiers: [{up_to: 50, percent: 100}, {percent: 200}]"
    )
    bench = bench_of(tmp_path, MONEY.format(price))
    bench.settle(used(0, "texts", 3))
    assert worths(bench, "money") == [(0, 20)]
    bench.settle(used(1, "texts", 4))
    assert worths(bench, "money") == [(20, 0)]
    bench.close("T", OCTOBER)
    missed = next(n for n in bench.statements()[0]["lines"] if n.get("kind") == "shortfall")
    assert (missed["committed"], missed["days"], missed["amount"]) == (
        "50000000",
        "31/31",
        "50.000000",
    )


def test_a_commitment_by_the_hour(tmp_path: Path) -> None:
    """20 and 130 of at least 100 an hour, what is above half price: 80 missing, and 15 less."""
    price = (
        "kind: tiers, per: amount, each: hour, result: replace, at_least: 100, "
        "tiers: [{up_to: 100, percent: 100}, {percent: 50}]"
    )
    deal = f"{{deal: money, flow: receivable, over: [texts], price: {{{price}}}}}"
    bench = bench_of(tmp_path, deal, place="statement")
    bench.settle(used(0, "texts", 2), used(1, "texts", 6, hour=HOUR + 5))
    bench.settle(used(2, "texts", 7, hour=HOUR + 5))
    assert worths(bench, "money") == [(-15, 80)]
    [missed] = [line for line in lines_of(bench) if line.get("kind") == "shortfall"]
    assert missed["committed_by_hour"] == 100_000_000


def test_a_pool_over_both_directions(tmp_path: Path) -> None:
    """10 and 10 of tiers 15 at 10, then 5: 175, where each alone would be 100."""
    tiers = "tiers: [{up_to: 15, price: 10}, {price: 5}]"
    bench = bench_of(tmp_path, POOL.format(f"kind: tiers, per: event, {tiers}"))
    bench.settle(used(0, "came", 10), used(1, "went", 10))
    assert worths(bench, "came", "went", "pool") == [(0, 0), (0, 0), (175, 0)]


def test_late_usage_moves_the_pool(tmp_path: Path) -> None:
    """October closed with 10 of a pool; 10 more that come late are booked at 75 in November."""
    tiers = "tiers: [{up_to: 15, price: 10}, {price: 5}]"
    bench = bench_of(tmp_path, POOL.format(f"kind: tiers, per: event, {tiers}"))
    bench.settle(used(0, "came", 10, OCTOBER))
    bench.close("T", OCTOBER)
    bench.settle(used(1, "went", 10, OCTOBER))
    pool = next(n for n in lines_of(bench) if n["item"] == "pool" and n["adjustment"])
    assert (pool["original_period"], pool["amount"]) == (OCTOBER, "75.000000")


def test_capacity_and_swap(tmp_path: Path) -> None:
    """12 came and 20 went: room for 15 and 20 in the second tier; 12 x 0.02 and 8 x 0.05."""
    rooms = "{up_to: {came: 10, went: 30}, price: 1}, {up_to: {came: 15, went: 30}, price: 2}"
    capacity = POOL.format(f"kind: capacity, tiers: [{rooms}, {{price: 3}}]")
    swap = (
        "{deal: swap, price: {kind: swap, per: event, in: [came], out: [went], "
        "balanced: 0.02, unbalanced: 0.05}}"
    )
    bench = bench_of(tmp_path, f"{capacity}, {swap}")
    bench.settle(used(0, "came", 12), used(1, "went", 20))
    found = {line["item"]: line for line in lines_of(bench)}
    assert found["pool"]["steps"] == [{"what": "capacity", "tier": 2, "amount": "2"}]
    assert found["swap:receivable"]["amount"] == "0.240000"
    assert found["swap:payable"]["amount"] == "0.640000"
    assert found["swap:payable"]["steps"] == [
        {"what": "balanced", "quantity": 12, "price": "0.02", "per": "event", "amount": "0.24"},
        {"what": "unbalanced", "quantity": 8, "price": "0.05", "per": "event", "amount": "0.4"},
    ]


def test_another_item_chooses_the_tier(tmp_path: Path) -> None:
    """4 extra at 2 while 15 came; the 16th, late, makes them 4 at 1: 4 are paid back."""
    bench = bench_of(tmp_path, "")
    bench.settle(used(0, "extra", 4, OCTOBER), used(1, "came", 15, OCTOBER))
    bench.close("T", OCTOBER)
    bench.settle(used(2, "came", 1, OCTOBER))
    lines = {(n["item"], n["original_period"]): n for n in lines_of(bench)}
    assert lines["extra", OCTOBER]["amount"] == "-4.000000"
    assert lines["extra", OCTOBER]["events"] == 0


def test_deals_of_a_newer_reference_see_what_was_there(tmp_path: Path) -> None:
    """12 events of version 2 stand on top of 4 of version 1, whose reference had no deal.

    A hop that takes the deal over while it runs says what one says that always had it.
    """
    plain = (ITEMS % "events").replace("kind: counted", "kind: unit, amount: 0")
    spans = ("2026-01-01\n      valid_upto: 2026-11-16", "2026-11-16")
    bounds = "{deal: cap, flow: receivable, over: [extra], price: {kind: bounds, maximum: 5}}"
    references = []
    for name, deals in (("old", ("", "")), ("new", ("", bounds))):
        versions = "".join(
            VERSION.format(number=n, span=span, items=plain, deals=of, place="line")
            for n, (span, of) in enumerate(zip(spans, deals, strict=True), 1)
        )
        text = f"- agreement: T\n  partner: ALFA\n  model: wholesale\n  versions:{versions}\n"
        keys = "kind,key,agreement,valid_from,valid_upto\n"
        references.append(tables(reference_dir(tmp_path / name, agreements=text, attribution=keys)))
    running, fresh = AccrueBench(references[0]), AccrueBench(references[1])
    running.settle(used(0, "extra", 4))
    running.hop.use(references[1])
    running.settle(used(1, "extra", 12, version=2))
    fresh.settle(used(0, "extra", 4), used(1, "extra", 12, version=2))
    # 16 events are 16 at 1; 4 of version 1 are 8 at 2, so version 2 has 8, of which 3 are above 5.
    assert worths(running, "cap") == worths(fresh, "cap") == [(-3, 0)]


BOUNDS = (
    "{deal: bounds, flow: receivable, over: [texts, money], price: {kind: bounds, maximum: 90}}"
)
BY_HOUR = (
    "{deal: money, flow: receivable, over: [texts], price: {kind: tiers, per: amount, each: hour, "
    "result: replace, at_least: 55.5, tiers: [{up_to: 70, percent: 100}, {percent: 33.3333333}]}}"
)
DEALS = (
    MONEY.format(
        "kind: tiers, per: amount, result: replace, at_least: 90.005, "
        "tiers: [{up_to: 33.33, percent: 200}, {percent: 12.5, flat: 1}]"
    )
    + f", {BOUNDS}",
    MONEY.format(
        "kind: tiers, per: amount, curve: volume, chosen_by: events, "
        "tiers: [{up_to: 7, percent: 0}, {percent: -3.1234567}]"
    ),
    f"{BY_HOUR}, {BOUNDS}",
    POOL.format(
        "kind: tiers, per: event, flat_on_zero: true, at_least: 9, free: 1, "
        "tiers: [{up_to: 4, price: 0.333333333, flat: 2}, {price: 1.5}]"
    ),
    POOL.format("kind: capacity, tiers: [{up_to: {came: 3, went: 5}, price: 1.005}, {price: 7}]"),
    (
        "{deal: pool, price: {kind: swap, per: event, in: [came], out: [went], "
        "balanced: 0.02, unbalanced: 0.333333333}}"
    ),
)
USES = st.lists(
    st.tuples(
        st.sampled_from(["texts", "came", "went", "extra"]),
        st.integers(0, 9),
        st.sampled_from([(OCTOBER, 1), (NOVEMBER, 1), (NOVEMBER, 2)]),
        st.sampled_from([HOUR, HOUR + 3]),
        st.sampled_from(["", "", "step", "close"]),
    ),
    max_size=9,
)
Uses = list[tuple[str, int, tuple[str, int], int, str]]


@pytest.mark.parametrize("place", ["record", "statement"])
@given(
    st.sampled_from(DEALS),
    st.sampled_from(DEALS),
    st.lists(st.sampled_from(["came", "events", "texts"]), min_size=2, max_size=2),
    USES,
)
def test_deals_are_the_oracles_in_any_batches(
    tmp_path_factory: pytest.TempPathFactory,
    place: str,
    first: str,
    second: str,
    chosen: list[str],
    uses: Uses,
) -> None:
    """Whatever comes when and is closed when: rows, statements and the view as the oracle has it.

    Two hops take the same usage in other batches, and end in the same state.
    """
    deals = [f"{REST}, {of}" for of in (first, second)]
    directory = reference(tmp_path_factory.mktemp("deals"), *deals, place=place, chosen=chosen)
    known = tables(directory)
    bench, other = AccrueBench(known), AccrueBench(known)
    accruals, closed = settled(bench, other, uses)
    lines = statement_lines(accruals, read_reference(directory), closed)
    totals = statement_totals(lines)
    view = View(known)
    view.apply([committed(bench.broker, t) for t in (ACCRUALS.name, STATEMENTS.name)])
    shown = {(t.period, t.currency): t for t in view.partners().items}
    for key, total in totals.items():
        if (key.booked, key.currency) in shown:
            told = shown[key.booked, key.currency]
            micros = [told.receivable_micros, told.payable_micros]
            assert micros == [total.receivable * 10**6, total.payable * 10**6]
    for each in (bench, other):
        each.close("T", NOVEMBER)
    assert state_hash(bench.hop) == state_hash(other.hop)
    found = {
        (r["version"], r["item"], m["booked"], r["original"]): (
            r["amount_micros"],
            r["shortfall_micros"] or 0,
        )
        for m in bench.messages()
        if m["hour"] is None
        for r in m["rows"]
    }
    lines = statement_lines(accruals, read_reference(directory), {*closed, ("T", NOVEMBER)})
    wanted = {
        (k.version, k.item, k.booked, k.original): (line.micros, line.missed_micros)
        for k, line in lines.items()
    }
    assert {k: v for k, v in found.items() if any(v)} == {k: v for k, v in wanted.items() if any(v)}
    totals = statement_totals(lines)
    for document in bench.statements():
        for total in document["totals"]:
            due = next(t for k, t in totals.items() if k.booked == document["period"])
            assert total["receivable"] == f"{due.receivable:.6f}"


def settled(
    bench: AccrueBench, other: AccrueBench, uses: Uses
) -> tuple[dict[AccrualKey, Accrual], set[tuple[str, str]]]:
    """Settle usage in two ways; its sums as they are booked, and what was closed."""
    accruals: dict[AccrualKey, Accrual] = {}
    open_from = OCTOBER
    for at, (item, count, (original, version), hour, then) in enumerate(uses):
        for each in (bench, other):
            each.put(used(at, item, count, original, version, hour))
        booked = max(original, open_from)
        charge = 10_000_000 * count if item == "texts" else 0
        for slot in (hour, None):
            key = AccrualKey("T", version, item, "", "EUR", booked, original, slot)
            old = accruals.get(key, Accrual(0, 0, 0, Fraction(0)))
            accruals[key] = Accrual(old[0] + count, old[1] + count, old[2] + charge, old[3])
        if then:
            bench.loop.step()
        if then == "close" and open_from == OCTOBER:
            other.loop.step()
            for each in (bench, other):
                each.close("T", OCTOBER)
            open_from = NOVEMBER
    for each in (bench, other):
        each.loop.step()
    return accruals, {("T", OCTOBER)} if open_from == NOVEMBER else set()
