"""Deals over items of several agreements on the running hop: one counter, closed together."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
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
OCTOBER, NOVEMBER, DECEMBER = "2026-10", "2026-11", "2026-12"
GIGABYTE = 10**9
ITEMS = """
        - {item: data, role: product, service: data, flow: receivable,
           price: {kind: counted, per: gigabyte}}
        - {item: texts, role: product, service: sms, flow: receivable,
           price: {kind: unit, per: event, amount: 10}}
        - {item: steps, role: egress, service: sms, flow: receivable,
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
TIERS = "tiers: [{up_to: 15, price: 10}, {price: 5}]"
SHARED = (
    "{deal: shared, flow: receivable, over: [data, BETA/data], "
    f"price: {{kind: tiers, per: gigabyte, {TIERS}}}}}"
)
MOST = (
    "{deal: most, flow: receivable, over: [texts, BETA/texts, BETA/steps], "
    "price: {kind: bounds, maximum: 100, minimum: 90}}"
)
BASE = "{deal: base, flow: receivable, price: {kind: fee, amount: 50}}"


def reference(directory: Path, *deals: str, place: str = "record", beta: str = BASE) -> Path:
    """ALPHA, of one version with these deals or of two from 16 November, and BETA of one."""
    spans = ["2026-01-01"]
    if len(deals) > 1:
        spans = ["2026-01-01\n      valid_upto: 2026-11-16", "2026-11-16"]
    each = zip(spans, deals, strict=True)
    versions = {
        "ALPHA": "".join(
            VERSION.format(number=n, span=span, items=ITEMS, deals=of, place=place)
            for n, (span, of) in enumerate(each, 1)
        ),
        "BETA": VERSION.format(number=7, span="2026-01-01", items=ITEMS, deals=beta, place=place),
    }
    text = "".join(
        f"- agreement: {name}\n  partner: ALFA\n  model: wholesale\n  pool: P\n  versions:{of}\n"
        for name, of in versions.items()
    )
    keys = "kind,key,agreement,valid_from,valid_upto\n"
    return reference_dir(directory, agreements=text, attribution=keys)


def used(at: int, who: str, item: str, count: int, original: str = NOVEMBER) -> bytes:
    """Gigabytes, texts at 10 each, or events under tiers that bring no charge."""
    name, version = who.split("/") if "/" in who else (who, 7 if who == "BETA" else 1)
    series = Series(name, int(version), item, "", "EUR", original, "")
    quantity = count * GIGABYTE if item == "data" else count
    charge = 10_000_000 * count if item == "texts" else 0
    return block(at, (series, HOUR, (count, quantity, charge, 0)))


def amounts(bench: AccrueBench, item: str) -> dict[tuple[str, str], Fraction]:
    """What a deal is worth by booked and original period."""
    return {
        (m["booked"], r["original"]): Fraction(r["amount_micros"], 10**6)
        for m in bench.messages()
        if m["hour"] is None
        for r in m["rows"]
        if r["item"] == item
    }


def receivable(documents: Iterable[dict[str, object]], agreement: str) -> Fraction:
    """What the statements of an agreement come to."""
    totals = [d["totals"] for d in documents if d["agreement"] == agreement]
    return sum((Fraction(t[0]["receivable"]) for t in totals if isinstance(t, list)), Fraction(0))


def test_two_agreements_share_tiers(tmp_path: Path) -> None:
    """10 + 10 gigabytes: 15 x 10 + 5 x 5 = 175, on a line of the agreement that has the deal."""
    bench = AccrueBench(tables(reference(tmp_path, SHARED)))
    bench.settle(used(0, "BETA", "data", 10))
    assert amounts(bench, "shared") == {(NOVEMBER, NOVEMBER): 100}
    bench.settle(used(1, "ALPHA", "data", 10))
    assert amounts(bench, "shared") == {(NOVEMBER, NOVEMBER): 175}


def test_they_close_together_and_once(tmp_path: Path) -> None:
    """A close of either makes one statement each; a second close of either makes nothing."""
    bench = AccrueBench(tables(reference(tmp_path, SHARED)))
    bench.settle(used(0, "ALPHA", "data", 10), used(1, "BETA", "data", 10))
    bench.close("BETA", NOVEMBER)
    numbers = [document["number"] for document in bench.statements()]
    assert numbers == ["ALPHA-000001", "BETA-000001"]
    assert receivable(bench.statements(), "ALPHA") == 175
    assert receivable(bench.statements(), "BETA") == 50
    bench.close("ALPHA", NOVEMBER)
    bench.close("BETA", NOVEMBER)
    assert [document["number"] for document in bench.statements()] == numbers


def test_late_usage_of_one_moves_the_deal_of_the_other(tmp_path: Path) -> None:
    """Behind the close 4 gigabytes of BETA cost 4 x 5 = 20, on ALPHA's next statement."""
    bench = AccrueBench(tables(reference(tmp_path, SHARED)))
    bench.settle(used(0, "ALPHA", "data", 10), used(1, "BETA", "data", 10))
    bench.close("ALPHA", NOVEMBER)
    bench.settle(used(2, "BETA", "data", 4))
    assert amounts(bench, "shared") == {
        (NOVEMBER, NOVEMBER): 175,
        (DECEMBER, NOVEMBER): 20,
        (DECEMBER, DECEMBER): 0,
    }
    bench.close("BETA", DECEMBER)
    assert receivable(bench.statements(), "ALPHA") == 195


def test_a_maximum_of_the_money_of_two(tmp_path: Path) -> None:
    """7 + 6 texts are 130 of at most 100: -30. BETA's 15 under tiers are 150 more: -180."""
    bench = AccrueBench(tables(reference(tmp_path, f"{SHARED}, {MOST}")))
    bench.settle(used(0, "ALPHA", "texts", 7), used(1, "BETA", "texts", 6))
    assert amounts(bench, "most") == {(NOVEMBER, NOVEMBER): -30}
    bench.settle(used(2, "BETA", "steps", 15))
    assert amounts(bench, "most") == {(NOVEMBER, NOVEMBER): -180}


def test_items_of_one_name_are_not_mixed_up(tmp_path: Path) -> None:
    """A deal over ALPHA's own texts alone does not see those of BETA."""
    own = "{deal: own, flow: receivable, over: [texts], price: {kind: bounds, maximum: 20}}"
    bench = AccrueBench(tables(reference(tmp_path, f"{SHARED}, {own}")))
    bench.settle(used(0, "ALPHA", "texts", 3), used(1, "BETA", "texts", 9))
    assert amounts(bench, "own") == {(NOVEMBER, NOVEMBER): -10}


def test_usage_of_another_lies_in_the_last_version(tmp_path: Path) -> None:
    """ALPHA changes on the 16th: 8 lie below at 80; 2 of its own and 10 of BETA's come on top."""
    bench = AccrueBench(tables(reference(tmp_path, SHARED, SHARED)))
    bench.settle(used(0, "ALPHA/1", "data", 8), used(1, "BETA", "data", 10))
    bench.settle(used(2, "ALPHA/2", "data", 2))
    bench.close("ALPHA", NOVEMBER)
    lines = bench.statements()[0]["lines"]
    shared = [n["amount"] for n in lines if n["item"] == "shared"]
    assert shared == ["80.000000", "95.000000"]


DEALS = (
    SHARED,
    f"{SHARED}, {MOST}",
    f"{BASE}, {SHARED.replace('kind: tiers', 'kind: tiers, at_least: 20')}, {MOST}",
    f"{SHARED}, {MOST.replace('maximum: 100', 'discount_percent: 33.3333333, maximum: 120.005')}",
)
USES = st.lists(
    st.tuples(
        st.sampled_from(["data", "data", "texts", "steps"]),
        st.integers(0, 20),
        st.sampled_from([("ALPHA/1", OCTOBER), ("BETA", OCTOBER), ("ALPHA/2", NOVEMBER)])
        | st.sampled_from([("ALPHA/1", NOVEMBER), ("BETA", NOVEMBER)]),
        st.sampled_from(["", "", "step", "ALPHA", "BETA"]),
    ),
    max_size=8,
)
PAIRS = st.just((DEALS[0], DEALS[0])) | st.tuples(*[st.sampled_from(DEALS[1:])] * 2)
BETAS = st.sampled_from([BASE, "", MOST.replace("BETA/texts, BETA/", "ALPHA/texts, ")])


Uses = list[tuple[str, int, tuple[str, str], str]]


def settled(
    bench: AccrueBench, other: AccrueBench, uses: Uses
) -> tuple[dict[AccrualKey, Accrual], dict[str, int]]:
    """Settle usage in two ways; its sums as they are booked, and gigabytes by original period."""
    accruals: dict[AccrualKey, Accrual] = {}
    open_from, gigabytes = OCTOBER, {OCTOBER: 0, NOVEMBER: 0}
    for at, (item, count, (who, original), then) in enumerate(uses):
        for each in (bench, other):
            each.put(used(at, who, item, count, original))
        name, version = who.split("/") if "/" in who else (who, "7")
        key = (name, int(version), item, "", "EUR", max(original, open_from), original, None)
        old = accruals.get(AccrualKey(*key), Accrual(0, 0, 0, Fraction(0)))
        charge = 10_000_000 * count if item == "texts" else 0
        more = count * GIGABYTE if item == "data" else count
        new = Accrual(old[0] + count, old[1] + more, old[2] + charge, old[3])
        accruals[AccrualKey(*key)] = new
        gigabytes[original] += count if item == "data" else 0
        if then:
            bench.loop.step()
        if then in ("ALPHA", "BETA") and open_from == OCTOBER:
            other.loop.step()
            for each in (bench, other):
                each.close(then, OCTOBER)
            open_from = NOVEMBER
    return accruals, gigabytes


@pytest.mark.parametrize("place", ["record", "statement"])
@settings(max_examples=25)
@given(PAIRS, BETAS, USES)
def test_pools_are_the_oracles_in_any_batches(
    tmp_path_factory: pytest.TempPathFactory,
    place: str,
    pair: tuple[str, str],
    beta: str,
    uses: Uses,
) -> None:
    """Whatever comes when and is closed when: rows and statements are as the oracle has them."""
    directory = reference(tmp_path_factory.mktemp("pools"), *pair, place=place, beta=beta)
    bench, other = AccrueBench(tables(directory)), AccrueBench(tables(directory))
    accruals, gigabytes = settled(bench, other, uses)
    for each in (bench, other):
        each.close("BETA", OCTOBER)
    view = View(tables(directory))
    view.apply([committed(bench.broker, t) for t in (ACCRUALS.name, STATEMENTS.name)])
    live = {(t.agreement, t.period): t.receivable_micros for t in view.partners().items}
    for each in (bench, other):
        each.close("ALPHA", NOVEMBER)
    assert state_hash(bench.hop) == state_hash(other.hop)
    closed = [(name, period) for name in ("ALPHA", "BETA") for period in (OCTOBER, NOVEMBER)]
    lines = statement_lines(accruals, read_reference(directory), closed)
    found = {
        (m["agreement"], r["version"], r["item"], m["booked"], r["original"]): (
            r["amount_micros"],
            r["shortfall_micros"] or 0,
        )
        for m in bench.messages()
        if m["hour"] is None
        for r in m["rows"]
    }
    wanted = {
        (k.agreement, k.version, k.item, k.booked, k.original): (line.micros, line.missed_micros)
        for k, line in lines.items()
    }
    assert {k: v for k, v in found.items() if any(v)} == {k: v for k, v in wanted.items() if any(v)}
    totals = statement_totals(lines)
    assert len(bench.statements()) == len(closed)
    for document in bench.statements():
        book = (document["agreement"], document["period"])
        due = [f"{total.receivable:.6f}" for key, total in totals.items() if key[:2] == book]
        assert [total["receivable"] for total in document["totals"]] == due
        if book in live and book[1] == NOVEMBER:
            assert Fraction(due[0]) * 10**6 == live[book]
    # Whatever was closed when, all of it together is F of each period's whole.
    asked = sum(v[0] for k, v in found.items() if k[2] == "shared")
    assert asked == sum((10 * min(n, 15) + 5 * max(n - 15, 0)) for n in gigabytes.values()) * 10**6
