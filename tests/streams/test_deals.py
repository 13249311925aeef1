"""What the row of a deal comes to by some rows, by hand."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from streams.accrual import Book, Row
from streams.contribution import Series
from streams.deals import NOTHING, Stated, stands_at
from tests import builders

ITEMS = ", ".join(
    f"{{item: {name}, role: {role}, service: sms, flow: receivable,"
    " price: {kind: unit, per: event, amount: 1}}"
    for name, role in (("one", "ingress"), ("two", "egress"))
)


def row(item: str, currency: str = "EUR", version: int = 1) -> Row:
    """A row of November."""
    return Row(Series("ALFA-1", version, item, "", currency, "2026-11", "2026-11"), 0, 0, 0, 0)


def stands(directory: Path, price: str, rounding: str, **comes_to: str) -> Stated:
    """What a deal over both items comes to when its members come to these amounts."""
    over = "" if "fee" in price else "over: [one, two], "
    deal = f"{{deal: cap, flow: receivable, {over}price: {{kind: {price}}}}}"
    terms = (
        "valid_from: 2026-11-16, zone: UTC, currency: EUR, "
        f"rounding: {{{rounding}}}, deals: [{deal}]"
    )
    keys = "kind,key,agreement,valid_from,valid_upto\n"
    text = builders.agreement_text(ITEMS, terms=terms)
    reference = builders.reference_dir(directory, agreements=text, attribution=keys)
    known = Book(builders.tables(reference))
    amounts = {item: Fraction(amount) for item, amount in comes_to.items()}
    rows = [row("cap"), *map(row, amounts), row("one", "USD")]

    def stated(member: Row) -> Stated:
        """What a member comes to; what is in another currency would be a million."""
        if member.series.currency == "USD":
            return Stated(Fraction(10**6), Fraction(10**6))
        return Stated(amounts[member.series.item], amounts[member.series.item] + 1)

    return stands_at(rows[0], rows, stated, known)


@pytest.mark.parametrize(
    ("price", "rounding", "accrued", "due"),
    [
        # 7 + 5.01 = 12.01, and 14.01 with what is missing of both.
        ("bounds, maximum: 10", "place: line", "-2.01", "-4.01"),
        ("bounds, maximum: 20", "place: line", "0", "0"),
        ("bounds, discount_percent: 50, maximum: 7", "place: line", "-6.005", "-7.01"),
        # Half of 12.01 is 6.005, asked for as 6.01; half of 14.01 as 7.01.
        ("bounds, discount_percent: 50", "place: line, decimals: 2", "-6", "-7"),
        ("bounds, discount_percent: 50", "place: statement, decimals: 2", "-6.005", "-7.005"),
        # Half of November in force: 40 x 15/30 = 20, of which 14.01 are due anyway.
        ("bounds, minimum: 40", "place: line", "0", "5.99"),
        ("fee, amount: 3", "place: line", "3", "3"),
        ("fee, amount: 3, prorate: true", "place: line", "1.5", "1.5"),
        ("fee, amount: 3, on: 2026-11-20", "place: line", "3", "3"),
        ("fee, amount: 3, on: 2026-11-15", "place: line", "0", "0"),
        ("fee, amount: 3, on: 2026-12-01", "place: line", "0", "0"),
    ],
)
def test_what_a_deal_comes_to(
    tmp_path: Path, price: str, rounding: str, accrued: str, due: str
) -> None:
    """What is asked for, rounded, less what the members come to by themselves."""
    found = stands(tmp_path, price, rounding, one="7", two="5.01")
    assert found == Stated(Fraction(accrued), Fraction(due))


def test_before_anything_there_is_no_deal(tmp_path: Path) -> None:
    """Of no rows nothing is asked, not even a minimum; nor is an item a deal."""
    known = Book(builders.tables(builders.reference_dir(tmp_path)))
    item = Row(Series("BRAVO-1", 1, "data", "", "EUR", "2026-11", "2026-11"), 0, 0, 0, 0)
    assert stands_at(item, [item], lambda _: NOTHING, known) == NOTHING
