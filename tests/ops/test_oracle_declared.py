"""What swaps take from partners is kept whole by the oracle, and verified from a data directory."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from ops.embedded import Embedded
from ops.explain_line import LineName, explain_line, line_steps
from ops.oracle_amounts import Accrual, AccrualKey
from ops.oracle_deal_terms import Deal
from ops.oracle_declared import Figure, is_figure, known_by, with_figures
from ops.reading import Opened
from schemas.codes import Service
from schemas.topics import STATEMENTS
from streams.facts import Which
from tests.builders import reference_dir
from tests.ops.books import event, settle, verdict
from tests.ops.test_verify_payment import alter

PERIOD, DECEMBER = "2024-11", "2024-12"
TERMS = """\
- agreement: W-1
  partner: ALFA
  model: wholesale
  versions:
    - version: 1
      valid_from: 2024-01-01
      zone: UTC
      currency: EUR
      tolerance: {percent: 10}
      items:
        - {item: came, role: ingress, service: sms, flow: receivable,
           price: {kind: counted, per: event}}
        - {item: went, role: egress, service: sms, flow: payable,
           price: {kind: counted, per: event}}
      deals:
        - {deal: swap, price: {kind: swap, per: event, in: [came], out: [went],
           balanced: "0.02", unbalanced: "0.05", declared: in}}
"""
KEYS = "kind,key,agreement,valid_from,valid_upto\nroute,TG-001,W-1,,\nroute,TG-002,W-1,,\n"
SWAP = Which("W-1", PERIOD, "swap", "quantity")


def figure(quantity: int, booked: str = PERIOD) -> Figure:
    """A figure of November."""
    return Figure("W-1", 1, "swap", "EUR", PERIOD, booked, quantity)


def test_a_row_has_what_a_figure_adds_to_the_one_before() -> None:
    """Ten, then four in the same statement, then seven in the next: 4 and +3."""
    figures = [figure(10), figure(4), figure(7, DECEMBER)]
    keys = [AccrualKey("W-1", 1, "swap", "", "EUR", at, PERIOD, None) for at in (PERIOD, DECEMBER)]
    wanted = [Accrual(0, 4, 0, Fraction(0)), Accrual(0, 3, 0, Fraction(0))]
    assert with_figures({}, figures) == dict(zip(keys, wanted, strict=True))


def test_a_statement_knows_what_was_declared_by_then() -> None:
    """November by ten, December by none, though that is no quantity; before there is nothing."""
    deal = Deal("swap:payable", "payable", (), "swap", declared_as="swap")
    figures = [figure(10), figure(0, DECEMBER)]
    found = [known_by(figures, deal, PERIOD, by) for by in ("2024-10", PERIOD, DECEMBER)]
    assert found == [None, 10, 0]
    assert known_by(figures, deal, DECEMBER, DECEMBER) is None


@pytest.mark.parametrize(
    ("of", "value", "taken"),
    [
        ("quantity", "0", True),
        ("quantity", "1.5", False),
        ("quantity", "-1", False),
        ("quantity", "1000000000000001", False),
        ("amount", "1", False),
    ],
)
def test_only_a_whole_quantity_is_one(of: str, value: str, *, taken: bool) -> None:
    """Money, parts of a unit and what is less than nothing are not for a swap."""
    assert is_figure(of, Fraction(value)) == taken


def texts(first: int, count: int, route: str) -> list[dict[str, Any]]:
    """Messages of 1 November."""
    return [event(Service.SMS, first + n, ingress_route=route) for n in range(count)]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Eight came and ten went; October's figure is declared, November's is not yet."""
    directory = tmp_path / "data"
    terms = reference_dir(tmp_path / "terms", agreements=TERMS, attribution=KEYS)
    went = [event(Service.SMS, 20 + n, egress_route="TG-002") for n in range(10)]
    settle(directory, [*texts(0, 8, "TG-001"), *went], terms)
    return directory


def test_a_settlement_is_verified_before_and_after(data: Path) -> None:
    """November states 0.16 and 0.26; of eleven declared later 0.20 + 0.05 and 0.20 are due."""
    with Embedded(data) as weir:
        refused = weir.declare(SWAP._replace(figure="amount"), "1")
        assert refused is not None
        assert "takes a whole quantity" in refused
        weir.close_periods(["W-1"], PERIOD)
    assert verdict(data).differences == []
    with Embedded(data) as weir:
        assert weir.declare(SWAP, "11") is None
    assert verdict(data).differences == []
    with Opened(data) as opened:
        found = explain_line(opened, LineName("W-1", "swap:receivable", DECEMBER))
        first = explain_line(opened, LineName("W-1", "swap:receivable", PERIOD))
        own = explain_line(opened, LineName("W-1", "swap", DECEMBER))
    assert found is not None
    assert first is not None
    assert own is not None
    assert ("price", "declared by the partner, in place of came") in line_steps(own)
    said = [f"{what}: {words}" for what, words in line_steps(found)]
    assert any(line.startswith("amount: 0.090000 EUR") for line in said), said
    told = "provisional: swap of 2024-11 is not declared; our own figure stands in"
    assert told in [f"{what}: {words}" for what, words in line_steps(first)]
    with Embedded(data) as weir:
        weir.close_periods(["W-1"], DECEMBER)
        document = weir.statements()[-1]
    assert "provisional" in document  # nothing is declared for December itself
    [beside] = document["declarations"]
    assert (beside["own"], beside["declared"], beside["result"]) == ("8", "11", "breach")
    assert verdict(data).differences == []


def test_what_is_said_to_be_final_and_is_not_is_found(data: Path) -> None:
    """A statement that does not say that it waits for the partner is noticed."""
    with Embedded(data) as weir:
        weir.close_periods(["W-1"], PERIOD)
    alter(data, STATEMENTS.name, b"W-1-000001", lambda document: document.pop("provisional"))
    assert [line for line in verdict(data).differences if "says None is missing" in line] != []
