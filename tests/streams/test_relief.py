"""What is free comes off the period: in any order, after a close, and under every rounding."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ops.whatif import Whatif
from schemas.codes import Service
from tests.builders import agreement_text, reference_dir
from tests.usage_makers import NOVEMBER_US, message, row

SHARE = "{kind: share, percent: 1.3, connect_fee: 2}"
BOTH = "{events: 3, quantity: 250}"
SECOND_US = 1_000_000


def whatif(directory: Path, price: str, allowance: str, more: str = "") -> Whatif:
    """A what-if of one item with an allowance."""
    terms = f"valid_from: 2026-01-01, zone: UTC, currency: EUR{more}"
    item = "{item: one, role: channel, service: transaction, flow: receivable, "
    text = agreement_text(f"{item}allowance: {allowance}, price: {price}}}", terms=terms)
    keys = "kind,key,agreement,valid_from,valid_upto\nchannel,C-1,ALFA-1,,\n"
    return Whatif(reference_dir(directory, agreements=text, attribution=keys))


def sales(amounts: Sequence[tuple[int, int]]) -> Iterator[bytes]:
    """Sales: the second of November at which each was, and its amount."""
    for second, amount in amounts:
        fields: dict[str, Any] = {"sequence": 100 + second, "sales_channel": "C-1"}
        fields |= {"started_at": NOVEMBER_US + second * SECOND_US}
        fields |= {"retail_amount_micros": amount * 10**6}
        yield message(Service.TRANSACTION, row(Service.TRANSACTION, **fields))


FOUR = [(1, 50), (2, 100), (3, 250), (4, 400)]


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (2, 3, 0, 1), (1, 3, 0, 2)])
def test_the_order_of_arrival_makes_no_difference(tmp_path: Path, order: tuple[int, ...]) -> None:
    """50 and 100 are free, 150 of the third cost 2 and 1.3 %, the fourth 2 + 5.2: 11.15."""
    with whatif(tmp_path, SHARE, BOTH) as asked:
        for at in order:
            asked.send(list(sales([FOUR[at]])))
        [line] = asked.draft("ALFA-1", "2026-11")["lines"]
    assert Decimal(line["amount"]) == Decimal("11.15")
    assert line["allowance"] == {"events": 3, "quantity": 250_000_000}


def test_late_usage_pushes_others_out(tmp_path: Path) -> None:
    """A sale of 60 before all others comes after the close: 60, 50 and 100 are free now.

    The third one of before costs 5.25 in full: 12.45 in all, and 1.30 of it is booked in December.
    """
    with whatif(tmp_path, SHARE, BOTH) as asked:
        asked.send(list(sales(FOUR)))
        [stated] = asked.close_periods(["ALFA-1"], "2026-11")
        asked.send(list(sales([(0, 60)])))
        [line] = asked.draft("ALFA-1", "2026-12")["lines"]
    assert Decimal(stated["lines"][0]["amount"]) == Decimal("11.15")
    assert (line["original_period"], Decimal(line["amount"])) == ("2026-11", Decimal("1.30"))


@pytest.mark.parametrize(
    ("place", "amount"),
    [
        ("record", "0.68"),  # 0.335 is 0.34, twice
        ("line", "0.67"),
        ("statement", "0.67"),
    ],
)
def test_it_is_rounded_where_charges_are(tmp_path: Path, place: str, amount: str) -> None:
    """One event is free; two others cost 0.335 each."""
    rounds = f", rounding: {{place: {place}, decimals: 2}}"
    with whatif(tmp_path, "{kind: share, percent: 3.35}", "{events: 1}", rounds) as asked:
        asked.send(list(sales([(1, 10), (2, 10), (3, 10)])))
        [total] = asked.draft("ALFA-1", "2026-11")["totals"]
    assert Decimal(total["receivable"]) == Decimal(amount)


def test_refunds_neither_use_nor_free_anything(tmp_path: Path) -> None:
    """A refund of 100 in front gives back 1.3 and takes no place; its fee is due as ever."""
    with whatif(tmp_path, SHARE, "{events: 1}") as asked:
        asked.send(list(sales([(0, -100), (1, 50), (2, 100)])))
        [line] = asked.draft("ALFA-1", "2026-11")["lines"]
    assert Decimal(line["amount"]) == Decimal("4.0")  # -1.3 + 2, nothing, 1.3 + 2
    assert line["allowance"]["events"] == 1


def test_any_order_of_five_is_the_same(tmp_path: Path) -> None:
    """All orders of events at two moments, sent one by one under distinct channels' periods."""
    events = [(1, 3), (2, 3), (3, 9)]
    found = set()
    for number, order in enumerate(itertools.permutations(events)):
        with whatif(tmp_path / str(number), SHARE, "{quantity: 5}") as asked:
            for event in order:
                asked.send(list(sales([event])))
            [line] = asked.draft("ALFA-1", "2026-11")["lines"]
            found.add(Decimal(line["amount"]))
    assert found == {Decimal("4.13")}  # 1 of the second: 2.013; 9: 2.117
