"""Deals compiled: names and flows of their lines, quantities in base units."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from schemas.codes import Flow, PriceKind, Quantity
from schemas.money import NANOS
from schemas.reference import load
from state.deals import DealLine, Room, SwapTerms, deal_lines
from tests.builders import agreement_text, reference_dir

ITEMS = """
        {item: came, role: ingress, service: voice, direction: in, flow: receivable,
         price: {kind: counted, per: minute}},
        {item: went, role: egress, service: voice, direction: out, flow: payable,
         price: {kind: counted, per: second}},
        {item: sales, role: channel, service: transaction, flow: receivable,
         price: {kind: share, percent: 10}}"""
CAPACITY = (
    "{deal: all, flow: payable, over: [came, went], price: {kind: capacity, tiers: "
    "[{up_to: {came: 2, went: 30}, price: 1.5}, {price: 2}]}}"
)


def lines_of(directory: Path, deal: str) -> list[DealLine]:
    """The lines of a deal beside one that is over all that counts."""
    terms = f"valid_from: 2026-01-01, zone: UTC, currency: EUR, deals: [{CAPACITY}, {deal}]"
    text = agreement_text(ITEMS, terms=terms)
    keys = "kind,key,agreement,valid_from,valid_upto\n"
    version = load(reference_dir(directory, agreements=text, attribution=keys))
    deals = version.agreements[0].versions[0]
    return deal_lines(deals.deals[1], {item.item: item for item in deals.items})


def test_capacity_has_rooms_in_base_units(tmp_path: Path) -> None:
    """Two minutes are 120 seconds; the last room has no bound."""
    deal = CAPACITY.replace("deal: all", "deal: more")
    [line] = lines_of(tmp_path, deal)
    assert (line.name, line.flow, line.kind) == ("more", Flow.PAYABLE, PriceKind.CAPACITY)
    assert line.terms.rooms == (
        Room({"came": 120, "went": 30}, 3 * NANOS // 2),
        Room({}, 2 * NANOS),
    )
    assert not line.terms.of_money


def test_a_swap_has_a_line_each_way(tmp_path: Path) -> None:
    """What came in is receivable: its own side. Prices are of one second."""
    deal = (
        "{deal: s, price: {kind: swap, per: minute, in: [came], out: [went], "
        "balanced: 0.02, unbalanced: 0.05}}"
    )
    one, two = lines_of(tmp_path, deal)
    rates = Fraction(2, 6_000), Fraction(5, 6_000)
    assert (one.name, one.flow) == ("s:receivable", Flow.RECEIVABLE)
    assert one.terms.swap == SwapTerms(("came",), ("went",), *rates)
    assert (two.name, two.flow) == ("s:payable", Flow.PAYABLE)
    assert two.terms.swap == SwapTerms(("went",), ("came",), *rates)
    assert two.quantity is Quantity.SECONDS


def test_tiers_of_money(tmp_path: Path) -> None:
    """Money is in micros; bounds of a tier that minutes choose are in seconds."""
    deal = (
        "{deal: d, flow: receivable, over: [sales], price: {kind: tiers, per: amount, "
        "curve: volume, chosen_by: came, tiers: [{up_to: 2, percent: -5}, {percent: -10}]}}"
    )
    [line] = lines_of(tmp_path, deal)
    assert line.curve is not None
    assert [step.upto for step in line.curve.steps] == [120, None]
    # 10 euros at a discount of 5 % up to two minutes, of 10 % above.
    assert [line.curve.exact(10_000_000, seconds) for seconds in (120, 121)] == [
        Fraction(-1, 2),
        Fraction(-1),
    ]
    terms = line.terms
    assert (terms.of_money, terms.replaces, terms.chosen_by) == (True, False, "came")


def test_committed_money(tmp_path: Path) -> None:
    """50 euros an hour, in micros."""
    deal = (
        "{deal: d, flow: receivable, over: [sales], price: {kind: tiers, per: amount, each: hour, "
        "result: replace, at_least: 50, tiers: [{percent: 100}]}}"
    )
    [line] = lines_of(tmp_path, deal)
    assert (line.at_least, line.terms.by_hour, line.terms.replaces) == (50_000_000, True, True)
