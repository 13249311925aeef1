"""Deals on the running hop: discount, maximum, minimum, fees, late usage, versions."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.oracle_amounts import Accrual, AccrualKey
from ops.oracle_reference import read_reference
from ops.oracle_statement import statement_lines, statement_totals
from ops.state_hash import state_hash
from streams.contribution import Series
from tests.builders import reference_dir, tables
from tests.hop_makers import AccrueBench, block

HOUR = 498_192
NOVEMBER, OCTOBER = "2026-11", "2026-10"
ITEMS = """
        - {item: texts, role: ingress, service: sms, flow: receivable,
           price: {kind: unit, per: event, amount: 10}}
        - {item: tiers, role: egress, service: sms, flow: receivable,
           price: {kind: tiers, per: event, curve: volume, tiers: [{up_to: 15, price: 10},
                   {price: 5}]}}"""
VERSION = """
    - version: {number}
      valid_from: {span}
      zone: UTC
      currency: EUR
      rounding: {{place: {place}, mode: half_up, decimals: 2}}
      items:{items}
      deals: [{deals}]"""
BOUNDS = "{{deal: bounds, flow: receivable, over: [texts, tiers], price: {{kind: bounds, {}}}}}"
BASE = "{deal: base, flow: receivable, price: {kind: fee, amount: 50}}"


def reference(directory: Path, *deals: str, place: str = "record") -> Path:
    """An agreement T of one version, or of two with a change on 16 November, with these deals."""
    spans = ["2026-01-01"]
    if len(deals) > 1:
        spans = ["2026-01-01\n      valid_upto: 2026-11-16", "2026-11-16"]
    versions = "".join(
        VERSION.format(number=n, span=span, items=ITEMS, deals=of, place=place)
        for n, (span, of) in enumerate(zip(spans, deals, strict=True), 1)
    )
    text = f"- agreement: T\n  partner: ALFA\n  model: wholesale\n  versions:{versions}\n"
    keys = "kind,key,agreement,valid_from,valid_upto\nroute,TG-001,T,,\n"
    return reference_dir(directory, agreements=text, attribution=keys)


def bench_of(directory: Path, *deals: str, place: str = "record") -> AccrueBench:
    """A hop under these deals."""
    return AccrueBench(tables(reference(directory, *deals, place=place)))


def used(at: int, item: str, count: int, original: str = NOVEMBER, version: int = 1) -> bytes:
    """A block of texts at 10 each, or of events under tiers that bring no charge."""
    series = Series("T", version, item, "", "EUR", original, "")
    charge = 10_000_000 * count if item == "texts" else 0
    return block(at, (series, HOUR, (count, count, charge, 0)))


def worths(
    bench: AccrueBench, booked: str = NOVEMBER
) -> dict[tuple[str, int, str], tuple[object, object]]:
    """Accrued and shortfall of deals in euros by name, version and original period."""
    return {
        (r["item"], r["version"], r["original"]): (
            Fraction(r["amount_micros"], 10**6),
            Fraction(r["shortfall_micros"] or 0, 10**6),
        )
        for m in bench.messages()
        if m["hour"] is None and m["booked"] == booked
        for r in m["rows"]
        if r["item"] not in ("texts", "tiers")
    }


def test_a_maximum_hides_what_comes_back(tmp_path: Path) -> None:
    """15 events are 150, 100 with the maximum: -50. The 16th makes them 80: the deal is nothing."""
    bench = bench_of(tmp_path, BOUNDS.format("maximum: 100"))
    bench.settle(used(0, "tiers", 15))
    assert worths(bench) == {("bounds", 1, NOVEMBER): (-50, 0)}
    bench.settle(used(1, "tiers", 1))
    assert worths(bench) == {("bounds", 1, NOVEMBER): (0, 0)}


def test_discount_comes_before_the_maximum(tmp_path: Path) -> None:
    """20 texts are 200, half of it 100: no maximum reached. 30 are 300, 150, so 100."""
    bench = bench_of(tmp_path, BOUNDS.format("discount_percent: 50, maximum: 100"))
    bench.settle(used(0, "texts", 20))
    assert worths(bench)["bounds", 1, NOVEMBER] == (-100, 0)
    bench.settle(used(1, "texts", 10))
    assert worths(bench)["bounds", 1, NOVEMBER] == (-200, 0)


def test_a_minimum_is_due_at_the_end(tmp_path: Path) -> None:
    """50 of a fee and 3 texts are 80 of at least 100: 20 are missing until the period ends."""
    over = (
        "{deal: spend, flow: receivable, over: [texts, base], price: {kind: bounds, minimum: 100}}"
    )
    bench = bench_of(tmp_path, f"{BASE}, {over}")
    bench.settle(used(0, "texts", 3))
    assert worths(bench) == {("base", 1, NOVEMBER): (50, 0), ("spend", 1, NOVEMBER): (0, 20)}
    bench.close("T", NOVEMBER)
    [document] = bench.statements()
    assert document["totals"][0]["receivable"] == "100.000000"
    lines = [(n["item"], n.get("kind"), n["amount"]) for n in document["lines"]]
    assert lines == [
        ("base", None, "50.000000"),
        ("spend", None, "0.000000"),
        ("spend", "shortfall", "20.000000"),
        ("texts", None, "30.000000"),
    ]


def test_a_period_without_usage_owes_the_minimum(tmp_path: Path) -> None:
    """Closed without a single text: 100 are due."""
    bench = bench_of(tmp_path, BOUNDS.format("minimum: 100"))
    bench.close("T", OCTOBER)
    assert bench.statements()[0]["totals"][0]["receivable"] == "100.000000"


def test_late_usage_takes_room_from_the_maximum(tmp_path: Path) -> None:
    """October has 80 of 90 to 100, so 10 are missing. Late, 50 more: 30 above, and the 10 back."""
    bench = bench_of(tmp_path, BOUNDS.format("maximum: 100, minimum: 90"))
    bench.settle(used(0, "texts", 8, OCTOBER))
    assert worths(bench, OCTOBER) == {("bounds", 1, OCTOBER): (0, 10)}
    bench.close("T", OCTOBER)
    bench.settle(used(1, "texts", 5, OCTOBER))
    assert worths(bench)["bounds", 1, OCTOBER] == (-30, -10)
    # 80 + 10 were stated; now 50 - 30 - 10 more are 100 in all.
    assert worths(bench)["bounds", 1, NOVEMBER] == (0, 90)


def test_a_minimum_is_of_the_days_in_force(tmp_path: Path) -> None:
    """From 17 to 31 January are 15 of 31 days: 10 x 15/31 = 4.84, of which 2 are used up: 2.84."""
    deal = "{deal: spend, flow: receivable, over: [texts], price: {kind: bounds, minimum: 10}}"
    directory = reference(tmp_path, deal, place="line")
    file = directory / "agreements.yaml"
    text = file.read_text().replace("2026-01-01", "2027-01-17").replace("amount: 10", "amount: 2")
    file.write_text(text)
    bench = AccrueBench(tables(directory))
    series = Series("T", 1, "texts", "", "EUR", "2027-01", "")
    bench.settle(block(0, (series, HOUR + 1_500, (1, 1, 2_000_000, 0))))
    assert worths(bench, "2027-01") == {("spend", 1, "2027-01"): (0, Fraction("2.84"))}


def test_fees_by_day_and_by_part(tmp_path: Path) -> None:
    """A fee once on a day, and one by the days in force, each in the period that it belongs to."""
    once = "{deal: setup, flow: receivable, price: {kind: fee, amount: 93.33, on: 2026-11-15}}"
    part = "{deal: rent, flow: receivable, price: {kind: fee, amount: 30, prorate: true}}"
    bench = bench_of(tmp_path, f"{once}, {part}", part)
    bench.close("T", OCTOBER)
    bench.settle(used(0, "texts", 1))
    assert worths(bench, OCTOBER) == {("setup", 1, OCTOBER): (0, 0), ("rent", 1, OCTOBER): (30, 0)}
    assert worths(bench) == {
        ("setup", 1, NOVEMBER): (Fraction("93.33"), 0),
        ("rent", 1, NOVEMBER): (0, 0),
        ("rent", 2, NOVEMBER): (30, 0),
    }


DEALS = (
    BOUNDS.format("maximum: 100"),
    f"{BASE}, {BOUNDS.format('discount_percent: 33.3333333, minimum: 90.005, maximum: 120')}",
    (
        "{deal: bounds, flow: receivable, over: [tiers], price: {kind: bounds, minimum: 77}}, "
        "{deal: whole, flow: receivable, over: [texts, tiers, bounds], "
        "price: {kind: bounds, discount_percent: 12.5}}"
    ),
)
USES = st.lists(
    st.tuples(
        st.sampled_from(["texts", "tiers"]),
        st.integers(0, 20),
        st.sampled_from([(OCTOBER, 1), (NOVEMBER, 1), (NOVEMBER, 2)]),
        st.sampled_from(["", "", "step", "close"]),
    ),
    max_size=7,
)


@pytest.mark.parametrize("place", ["record", "statement"])
@given(st.sampled_from(DEALS), st.sampled_from(DEALS), USES)
def test_deals_are_the_oracles_in_any_batches(
    tmp_path_factory: pytest.TempPathFactory,
    place: str,
    first: str,
    second: str,
    uses: list[tuple[str, int, tuple[str, int], str]],
) -> None:
    """Whatever comes when and is closed when: rows and statements are as the oracle has them."""
    directory = reference(tmp_path_factory.mktemp("deals"), first, second, place=place)
    bench, other = AccrueBench(tables(directory)), AccrueBench(tables(directory))
    accruals: dict[AccrualKey, Accrual] = {}
    open_from = OCTOBER
    for at, (item, count, (original, version), then) in enumerate(uses):
        for each in (bench, other):
            each.put(used(at, item, count, original, version))
        booked = max(original, open_from)
        key = AccrualKey("T", version, item, "", "EUR", booked, original, None)
        old = accruals.get(key, Accrual(0, 0, 0, Fraction(0)))
        charge = 10_000_000 * count if item == "texts" else 0
        accruals[key] = Accrual(old[0] + count, old[1] + count, old[2] + charge, old[3])
        if then:
            bench.loop.step()
        if then == "close" and open_from == OCTOBER:
            other.loop.step()
            for each in (bench, other):
                each.close("T", OCTOBER)
            open_from = NOVEMBER
    for each in (bench, other):
        each.close("T", NOVEMBER)
    assert state_hash(bench.hop) == state_hash(other.hop)
    closed = [("T", NOVEMBER), *([("T", OCTOBER)] if open_from == NOVEMBER else [])]
    lines = statement_lines(accruals, read_reference(directory), closed)
    found = {
        (r["version"], r["item"], m["booked"], r["original"]): (
            r["amount_micros"],
            r["shortfall_micros"] or 0,
        )
        for m in bench.messages()
        if m["hour"] is None
        for r in m["rows"]
    }
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
