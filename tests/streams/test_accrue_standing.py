"""Commitments on the running hop: rows without usage, closes, late usage, any batching."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.state_hash import state_hash
from state.tables import Tables
from streams.contribution import Series
from tests.builders import reference_dir, tables
from tests.hop_makers import AccrueBench, block

# 100 texts a month at 0.10 are committed, further ones cost 0.20; another item asks for 5 a month.
COMMITTED = """\
- agreement: T
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
           price: {kind: tiers, per: event, at_least: 100,
                   tiers: [{up_to: 100, price: 0.1}, {price: 0.2}]}}
        - {item: calls, role: ingress, service: voice, flow: payable,
           price: {kind: tiers, per: minute, flat_on_zero: true, tiers: [{price: 1, flat: 5}]}}
    - version: 2
      valid_from: 2026-11-16
      zone: UTC
      currency: EUR
      rounding: {place: line, mode: half_up, decimals: 2}
      items: *items
"""
TEXTS = Series("T", 1, "texts", "", "EUR", "2026-11", "")
SECOND = TEXTS._replace(version=2)
OLD = TEXTS._replace(original="2026-10")
HOUR = 498_192


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Tables:
    """The agreement T alone."""
    keys = "kind,key,agreement,valid_from,valid_upto\nroute,TG-001,T,,\n"
    directory = tmp_path_factory.mktemp("known")
    return tables(reference_dir(directory, agreements=COMMITTED, attribution=keys))


def texts(start: int, count: int, series: Series = TEXTS) -> bytes:
    """A block of texts."""
    return block(start, (series, HOUR, (count, count, 0, 0)))


def worths(bench: AccrueBench) -> dict[tuple[str, str, int, str], tuple[int, int]]:
    """Accrued and shortfall of each row in cents, by item, booked period, version and original."""
    return {
        (r["item"], m["booked"], r["version"], r["original"]): (
            r["amount_micros"] // 10_000,
            (r["shortfall_micros"] or 0) // 10_000,
        )
        for m in bench.messages()
        if m["hour"] is None
        for r in m["rows"]
    }


def test_what_is_missing_is_a_second_figure(known: Tables) -> None:
    """30 texts of version 1: 3.00 accrued; version 2 answers for the month: 7.00 missing.

    With 90 more of version 2, 20 of them at 0.20, nothing is missing: 70 x 0.10 + 20 x 0.20. Calls
    were not made: 5.00 for the month, which version 2 asks for.
    """
    bench = AccrueBench(known)
    bench.settle(texts(0, 30))
    assert worths(bench) == {
        ("texts", "2026-11", 1, "2026-11"): (300, 0),
        ("texts", "2026-11", 2, "2026-11"): (0, 700),
        ("calls", "2026-11", 2, "2026-11"): (500, 0),
    }
    bench.settle(texts(1, 90, SECOND))
    assert worths(bench)["texts", "2026-11", 2, "2026-11"] == (1_100, 0)
    assert worths(bench)["texts", "2026-11", 1, "2026-11"] == (300, 0)


def test_a_period_without_usage_owes_its_commitment(known: Tables) -> None:
    """October is closed without usage: 10.00 receivable, 5.00 payable, on lines of their own."""
    bench = AccrueBench(known)
    bench.close("T", "2026-10")
    [document] = bench.statements()
    assert document["totals"] == [
        {"currency": "EUR", "receivable": "10.000000", "payable": "5.000000", "net": "5.000000"}
    ]
    calls, used, missed = document["lines"]
    assert (calls["item"], calls["amount"]) == ("calls", "5.000000")
    assert [(t["what"], t["amount"]) for t in calls["tiers"]] == [("flat", "5")]
    assert (used["item"], used["amount"], used["tiers"]) == ("texts", "0.000000", [])
    assert (missed["kind"], missed["amount"], missed["days"]) == ("shortfall", "10.000000", "31/31")
    assert (missed["committed"], missed["used"]) == ("100", 0)


def test_late_usage_takes_the_shortfall_back(known: Tables) -> None:
    """40 late texts of October, whose 10.00 were stated: 4.00 accrued, 4.00 of the shortfall back.

    They are booked in November, which has a commitment of its own.
    """
    bench = AccrueBench(known)
    bench.close("T", "2026-10")
    bench.settle(texts(0, 40, OLD))
    assert worths(bench)["texts", "2026-11", 1, "2026-10"] == (400, -400)
    assert worths(bench)["texts", "2026-11", 2, "2026-11"] == (0, 1_000)
    bench.close("T", "2026-11")
    lines = [(n["item"], n.get("kind"), n["amount"]) for n in bench.statements()[1]["lines"]]
    assert lines == [
        ("texts", None, "4.000000"),
        ("texts", "shortfall", "-4.000000"),
        ("calls", None, "5.000000"),
        ("texts", None, "0.000000"),
        ("texts", "shortfall", "10.000000"),
    ]


def test_recovered_is_live(known: Tables) -> None:
    """Rows without usage come back with the others."""
    bench = AccrueBench(known)
    bench.close("T", "2026-10")
    bench.settle(texts(0, 40, OLD), texts(1, 7))
    digest = state_hash(bench.hop)
    bench.loop.close()
    again = AccrueBench(known, bench.broker)
    assert state_hash(again.hop) == digest
    again.settle(texts(2, 10, OLD))
    assert worths(again)["texts", "2026-11", 1, "2026-10"] == (500, -500)


@given(
    st.lists(
        st.tuples(st.sampled_from([TEXTS, SECOND, OLD]), st.integers(0, 80), st.booleans()),
        min_size=1,
        max_size=8,
    )
)
def test_batches_do_not_matter(known: Tables, uses: list[tuple[Series, int, bool]]) -> None:
    """The same blocks in one batch or in several: the same rows, worths and state."""
    together, apart = AccrueBench(known), AccrueBench(known)
    together.settle(*(texts(at, count, series) for at, (series, count, _) in enumerate(uses)))
    for at, (series, count, pause) in enumerate(uses):
        apart.put(texts(at, count, series))
        if pause:
            apart.loop.step()
    apart.loop.step()
    assert worths(apart) == worths(together)
    assert state_hash(apart.hop) == state_hash(together.hop)
    assert apart.rows() == together.rows()
