"""Documents: totals are their lines, one rounding at the place agreed, one digest for ever."""

from __future__ import annotations

import json
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.accrual import Book, Row
from streams.contribution import Series
from streams.statement import canonical, draft, format_nanos, fraction_text, seal
from tests import builders

# printf '{"a":"é","b":1}' | sha256sum
DIGEST = "aa58fba8483623bed37c1b02edfccbdd9a53123837c20bfa4cb4049993a2872e"
ITEMS = (
    "{item: in, role: ingress, service: sms, flow: receivable, price: "
    '{kind: unit, per: unit, amount: "0.004"}}, '
    "{item: out, role: egress, service: sms, flow: payable, price: "
    '{kind: unit, per: unit, amount: "0.004"}}'
)


def book(directory: Path, rounding: str) -> Book:
    """A receivable and a payable item at 0.004 a unit."""
    terms = f"valid_from: 2026-01-01, zone: UTC, currency: EUR, rounding: {{{rounding}}}"
    keys = "kind,key,agreement,valid_from,valid_upto\n"
    return Book(
        builders.tables(
            builders.reference_dir(
                directory,
                agreements=builders.agreement_text(ITEMS, terms=terms),
                attribution=keys,
            )
        )
    )


def row(item: str, charge_micros: int, residue: int = 0, original: str = "2026-11") -> Row:
    """One row of November."""
    series = Series("ALFA-1", 1, item, "", "EUR", original, "2026-11")
    return Row(series, 1, 1, charge_micros, residue)


def test_totals_are_the_lines_both_ways(tmp_path: Path) -> None:
    """5 + 2 receivable and 4 payable: the partner owes 3 net; October's line is an adjustment."""
    rows = [row("in", 5_000_000), row("out", 4_000_000), row("in", 2_000_000, original="2026-10")]
    document = draft(rows, {}, book(tmp_path, "place: record"))
    assert document["totals"] == [
        {"currency": "EUR", "receivable": "7.000000", "payable": "4.000000", "net": "3.000000"}
    ]
    assert [(line["item"], line["amount"], line["adjustment"]) for line in document["lines"]] == [
        ("in", "2.000000", True),
        ("in", "5.000000", False),
        ("out", "4.000000", False),
    ]


@pytest.mark.parametrize(
    ("rounding", "shown", "total", "residue"),
    [
        # Two lines of exactly 0.004: each 0.00 at the line, 0.008 together rounds to 0.01.
        ("place: line, decimals: 2", "0.000000", "0.000000", "0.004"),
        ("place: statement, decimals: 2", "0.004000", "0.010000", "0"),
    ],
)
def test_money_is_rounded_once_at_its_place(
    tmp_path: Path, rounding: str, shown: str, total: str, residue: str
) -> None:
    """The line's rounding and the statement's are two agreements, with two totals."""
    rows = [row("in", 4_000), row("in", 4_000, original="2026-10")]
    document = draft(rows, {}, book(tmp_path, rounding))
    assert [line["amount"] for line in document["lines"]] == [shown, shown]
    assert [line["residue"] for line in document["lines"]] == [residue, residue]
    assert document["totals"][0]["receivable"] == total


@given(
    st.permutations([0, 1, 2, 3]), st.lists(st.integers(-(10**12), 10**12), min_size=4, max_size=4)
)
def test_order_does_not_matter_and_lines_add_up(
    tmp_path_factory: pytest.TempPathFactory, order: list[int], charges: list[int]
) -> None:
    """The same rows in any order are the same document, and its totals are its lines' sums."""
    known = book(tmp_path_factory.mktemp("book"), "place: record")
    periods = ("2026-10", "2026-11")
    rows = [
        row(("in", "out")[n % 2], charge, original=periods[n // 2])
        for n, charge in enumerate(charges)
    ]
    document = draft(rows, {}, known)
    assert seal(draft([rows[n] for n in order], {}, known)) == seal(document)
    for flow in ("receivable", "payable"):
        lines = [Decimal(line["amount"]) for line in document["lines"] if line["flow"] == flow]
        assert Decimal(document["totals"][0][flow]) == sum(lines)


def test_tiers_are_shown_one_by_one(tmp_path: Path) -> None:
    """15 minutes: 10 at 0.01 and 5 at 0.005, with what each tier's part costs."""
    item = (
        "{item: in, role: ingress, service: voice, flow: receivable, price: {kind: tiers, "
        'per: minute, tiers: [{up_to: 10, price: "0.01"}, {price: "0.005"}]}}'
    )
    directory = builders.reference_dir(
        tmp_path,
        agreements=builders.agreement_text(item),
        attribution="kind,key,agreement,valid_from,valid_upto\n",
    )
    series = Series("ALFA-1", 1, "in", "", "EUR", "2026-11", "2026-11")
    document = draft([Row(series, 2, 900, 0, 0)], {}, Book(builders.tables(directory)))
    (line,) = document["lines"]
    assert line["amount"] == "0.125000"
    assert line["tiers"] == [
        {
            "from": 0,
            "up_to": 600,
            "quantity": 600,
            "price": "0.01",
            "per": "minute",
            "amount": "0.1",
        },
        {
            "from": 600,
            "up_to": None,
            "quantity": 300,
            "price": "0.005",
            "per": "minute",
            "amount": "0.025",
        },
    ]


def test_a_digest_is_of_what_is_said_not_how() -> None:
    """The digest is that of sorted, compact JSON in UTF-8, stated here for all time."""
    sealed = seal({"b": 1, "a": "é"})
    assert canonical({"b": 1, "a": "é"}) == '{"a":"é","b":1}'.encode()
    assert sealed["digest"] == DIGEST
    assert json.loads(canonical(sealed)) == sealed


@given(st.fractions())
def test_an_exact_amount_reads_back(value: Fraction) -> None:
    """A decimal where it is one, else a fraction, but always the very amount."""
    assert Fraction(fraction_text(value)) == value


@pytest.mark.parametrize(
    ("nanos", "text"), [(0, "0"), (12_000_000, "0.012"), (-(10**9), "-1"), (1, "0.000000001")]
)
def test_prices_read_as_people_write_them(nanos: int, text: str) -> None:
    """No more digits than it takes."""
    assert format_nanos(nanos) == text
