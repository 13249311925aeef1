"""The oracle's deals by hand: bounds over what is stated, in the order they are listed."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from ops.oracle_deals import Place, Worth, deal_lines
from tests.ops.oracle_makers import item, reference, unit, version

NOVEMBER, DECEMBER = "2026-11", "2026-12"


def lines(
    directory: Path, deals: str, stated: dict[tuple[str, str], str], rounding: str = "{place: line}"
) -> dict[tuple[str, str], Worth]:
    """What deals come to by name and statement, over what items are stated to come to."""
    terms = version(item(unit("minute", "1")), deals=f"[{deals}]", rounding=rounding)
    known = reference(directory, {"A": [terms]})
    places = {
        Place(1, name, "EUR", booked): (Fraction(amount), Fraction(amount))
        for (name, booked), amount in stated.items()
    }
    found = deal_lines(known, "A", NOVEMBER, places)
    return {(at.item, at.booked): worth for at, (worth, _) in found.items()}


@pytest.mark.parametrize(
    ("price", "value", "missed"),
    [
        ("maximum: 100", "-50", "0"),
        ("discount_percent: 50, maximum: 100", "-75", "0"),
        ("minimum: 160", "0", "10"),
        ("discount_percent: 50, minimum: 100", "-75", "25"),
    ],
)
def test_discount_maximum_minimum(tmp_path: Path, price: str, value: str, missed: str) -> None:
    """Of 150: in this order, and what the minimum adds is apart."""
    deal = f"{{deal: d, flow: receivable, over: [voice-in], price: {{kind: bounds, {price}}}}}"
    found = lines(tmp_path, deal, {("voice-in", NOVEMBER): "150"})
    assert found == {("d", NOVEMBER): Worth(Fraction(value), Fraction(missed))}


def test_what_was_stated_before_is_taken_off(tmp_path: Path) -> None:
    """80 in November of at least 90, 50 more in December: of at most 100, 30 are above; 10 back."""
    deal = (
        "{deal: d, flow: receivable, over: [voice-in], "
        "price: {kind: bounds, minimum: 90, maximum: 100}}"
    )
    stated = {("voice-in", NOVEMBER): "80", ("voice-in", DECEMBER): "50"}
    assert lines(tmp_path, deal, stated) == {
        ("d", NOVEMBER): Worth(Fraction(0), Fraction(10)),
        ("d", DECEMBER): Worth(Fraction(-30), Fraction(-10)),
    }


def test_a_fee_counts_in_a_later_deal(tmp_path: Path) -> None:
    """50 of a fee and 30 of usage, of at least 100."""
    deals = (
        "{deal: base, flow: receivable, price: {kind: fee, amount: 50}}, "
        "{deal: d, flow: receivable, over: [voice-in, base], price: {kind: bounds, minimum: 100}}"
    )
    found = lines(tmp_path, deals, {("voice-in", NOVEMBER): "30"})
    assert found["base", NOVEMBER] == Worth(Fraction(50), Fraction(0))
    assert found["d", NOVEMBER] == Worth(Fraction(0), Fraction(20))


def test_a_fee_on_a_day_is_of_its_period(tmp_path: Path) -> None:
    """One in November, one in another month."""
    deals = ", ".join(
        f"{{deal: {name}, flow: receivable, price: {{kind: fee, amount: 5, on: {day}}}}}"
        for name, day in (("now", "2026-11-30"), ("then", "2026-10-31"))
    )
    found = lines(tmp_path, deals, {("voice-in", NOVEMBER): "0"})
    assert [found[name, NOVEMBER].value for name in ("now", "then")] == [5, 0]
