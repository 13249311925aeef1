"""What rows are worth: positions on a counter, telescoping, one rounding, and what is missed."""

from __future__ import annotations

import tempfile
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.oracle_amounts import Accrual, AccrualKey, AmountKey
from ops.oracle_reference import read_reference
from ops.oracle_statement import statement_lines
from streams.accrual import Book, Row
from streams.contribution import Series
from streams.worth import parts, used, worth
from tests import builders

ONE = Series("ALFA-1", 1, "voice", "", "EUR", "2026-10", "2026-10")
PERIODS = ("2026-10", "2026-11", "2026-12")
PLAIN = "tiers: [{up_to: 10, price: %s}, {price: %s}]"
DEARER = (PLAIN % ("0.01", "0.005"), PLAIN % ("0.02", "0.01"))


def row(quantity: int, *, version: int = 1, booked: str = "2026-10") -> Row:
    """A tiered row of October."""
    return Row(ONE._replace(version=version, booked=booked), 1, quantity, 0, 0)


def book(directory: Path, rounding: str, *prices: str, per: str = "minute") -> Book:
    """Versions of one item: the second, if there is one, from 15 October on."""
    item = "{item: voice, role: ingress, service: voice, flow: receivable, price: "
    spans = ["2026-01-01"]
    if len(prices) > 1:
        spans = ["2026-01-01, valid_upto: 2026-10-15", "2026-10-15"]
    versions = ", ".join(
        f"{{version: {n}, valid_from: {span}, zone: UTC, currency: EUR, "
        f"rounding: {{{rounding}}}, items: [{item}{{kind: tiers, per: {per}, {price}}}}}]}}"
        for n, (span, price) in enumerate(zip(spans, prices, strict=True), 1)
    )
    text = f"- {{agreement: ALFA-1, partner: ALFA, model: wholesale, versions: [{versions}]}}\n"
    keys = "kind,key,agreement,valid_from,valid_upto\n"
    return Book(
        builders.tables(builders.reference_dir(directory, agreements=text, attribution=keys))
    )


def figures(rows: list[Row], known: Book) -> list[tuple[str, str]]:
    """Accrued and shortfall of each row, in whole currency units."""
    found = [worth(r, rows, known) for r in rows]
    return [
        (str(Fraction(w.micros, 10**6)), str(Fraction(w.shortfall_micros, 10**6))) for w in found
    ]


def test_an_older_version_lies_below_a_newer_one(tmp_path: Path) -> None:
    """8 minutes of v1 and 4 of v2 in October, 1 more of v1 booked in November, which lifts v2.

    v1: 8 x 0.01. v2: two at 0.02, two at 0.01. Then v1 has one more at 0.01, and v2 one at 0.02 and
    three at 0.01, which is 0.01 less than before.
    """
    known = book(tmp_path, "place: line", *DEARER)
    late, moved = row(60, booked="2026-11"), row(0, version=2, booked="2026-11")
    rows = [row(480), row(240, version=2), late, moved]
    assert [worth(r, rows, known).value for r in rows] == [
        Fraction("0.08"),
        Fraction("0.06"),
        Fraction("0.01"),
        Fraction("-0.01"),
    ]
    assert [used(r, rows) for r in rows] == [720, 720, 780, 780]
    assert [(p.tier, p.quantity, p.amount) for p in parts(moved, rows, known)] == [
        (0, -60, Fraction("-0.02")),
        (1, 60, Fraction("0.01")),
    ]


def test_each_line_is_rounded_once(tmp_path: Path) -> None:
    """90 s at 0.01 a minute are 0.015, to two decimals half up 0.02; 30 s more, booked later, 0.00.

    Together 120 s are 0.02, of which 0.02 has been stated: round(F(120)) - round(F(90)) = 0.
    """
    known = book(tmp_path, "place: line, decimals: 2", DEARER[0])
    rows = [row(90), row(30, booked="2026-11")]
    found = [worth(r, rows, known) for r in rows]
    assert [(w.micros, w.value) for w in found] == [
        (20_000, Fraction("0.015")),
        (0, Fraction("0.005")),
    ]


def test_a_commitment_that_is_missed(tmp_path: Path) -> None:
    """850,000 of 1,000,000 minutes at 0.01: 8,500 accrued and 1,500 missing; late ones lower it.

    100,000 minutes booked in November: 1,000 more accrued, 1,000 less missing. With 300,000 more
    the 250,000 above the commitment are at 0.012: 500 + 3,000 accrued, and the last 500 back.
    """
    price = "tiers: [{up_to: 1000000, price: 0.01}, {price: 0.012}], at_least: 1000000"
    known = book(tmp_path, "place: line, decimals: 2", price)
    rows = [
        row(850_000 * 60),
        row(100_000 * 60, booked="2026-11"),
        row(300_000 * 60, booked="2026-12"),
    ]
    assert figures(rows, known) == [("8500", "1500"), ("1000", "-1000"), ("3500", "-500")]


def test_both_figures_together_are_what_is_due_rounded_once(tmp_path: Path) -> None:
    """1 of 2 minutes at 0.005 to cents: 0.01 accrued, 0.01 due, so nothing is missing but 0.005.

    Rounded each for itself, 0.01 and 0.01 would be a cent too much.
    """
    price = "tiers: [{price: 0.005}], at_least: 2"
    known = book(tmp_path / "line", "place: line, decimals: 2", price)
    found = worth(row(60), [row(60)], known)
    assert (found.micros, found.shortfall_micros) == (10_000, 0)
    assert (found.value, found.shortfall) == (Fraction("0.005"), Fraction("0.005"))
    whole = worth(row(60), [row(60)], book(tmp_path / "total", "place: statement", price))
    assert (whole.micros, whole.shortfall_micros) == (5_000, 5_000)


def test_a_flat_amount_on_zero_usage_gives_way_to_usage(tmp_path: Path) -> None:
    """5 are due for October without usage; late usage of 2 minutes at 1 adds 2 and no second 5."""
    price = "flat_on_zero: true, tiers: [{price: 1, flat: 5}]"
    known = book(tmp_path, "place: line", price)
    assert figures([row(0), row(120, booked="2026-11")], known) == [("5", "0"), ("2", "0")]


def test_the_last_version_owes_the_flat_amount_once(tmp_path: Path) -> None:
    """Both versions have a flat on zero usage: the last one owes it, until there is usage.

    Usage of the first version enters its tier: its own flat, and none of the second one's.
    """
    price = "flat_on_zero: true, tiers: [{price: 1, flat: %d}]"
    known = book(tmp_path, "place: line", price % 5, price % 7)
    assert figures([row(0), row(0, version=2)], known) == [("0", "0"), ("7", "0")]
    assert figures([row(60), row(0, version=2)], known) == [("6", "0"), ("0", "0")]
    late = [row(0), row(0, version=2), row(60, booked="2026-11")]
    moved = row(0, version=2, booked="2026-11")
    assert figures([*late, moved], known)[2:] == [("6", "0"), ("-7", "0")]


CURVES = (
    DEARER[0],
    "flat_on_zero: true, tiers: [{up_to: 4, price: 0.1, flat: 0.7}, {price: 0.03, flat: 0.2}]",
    "curve: volume, tiers: [{up_to: 9, price: 0.07}, {price: 0.02, flat: 0.1}], at_least: 8",
    "free: 2, tiers: [{price: 1, block: 3}], at_least: 7",
    "tiers: [{up_to: 5, step: 7, price: 0.11, cap: 0.3}, {price: 0.01}], at_least: 12",
    "curve: volume, flat_on_zero: true, tiers: [{price: 0.5, flat: 1, block: 2, round: half_up}]",
)
USES = st.lists(
    st.tuples(st.integers(0, 900), st.integers(1, 2), st.sampled_from(PERIODS)), max_size=8
)


@pytest.mark.parametrize("place", ["line", "statement"])
@given(st.sampled_from(CURVES), st.sampled_from(CURVES), USES)
def test_all_that_is_booked_is_the_whole_and_the_oracles(
    place: str, first: str, second: str, uses: list[tuple[int, int, str]]
) -> None:
    """Whatever is used in which version and booked when: all amounts are F of the whole volume.

    October's own rows always stand, as the hop has them when something is owed without usage. Every
    figure, its parts and what is missing are the oracle's, who walks the tiers in another way.
    """
    rounding = f"place: {place}, decimals: 2"
    directory, known = _cached(rounding, first, second)
    volumes = {(version, PERIODS[0]): 0 for version in (1, 2)}
    for quantity, version, booked in uses:
        for each in (1, 2):
            volumes.setdefault((each, booked), 0)
        volumes[version, booked] += quantity
    rows = [row(q, version=version, booked=booked) for (version, booked), q in volumes.items()]
    found = {r: worth(r, rows, known) for r in rows}
    totals = [sum(q for (v, _), q in volumes.items() if v == n) for n in (1, 2)]
    low, high = (known.terms(ONE._replace(version=n)).curve for n in (1, 2))
    below, whole = totals[0], sum(totals)
    due = (low.exact(below) if below else 0) - (high.exact(below) if below else 0)
    duty = known.duty(ONE._replace(version=2))
    assert duty is not None
    due += high.exact(max(Fraction(whole), duty.at_least))
    assert sum((w.value + w.shortfall for w in found.values()), Fraction(0)) == due
    accruals = {
        AccrualKey("ALFA-1", v, "voice", "", "EUR", b, PERIODS[0], None): Accrual(
            1, q, 0, Fraction(0)
        )
        for (v, b), q in volumes.items()
    }
    lines = statement_lines(accruals, read_reference(directory))
    for r, w in found.items():
        series = r.series
        line = lines[
            AmountKey("ALFA-1", "voice", series.version, "", "EUR", series.booked, PERIODS[0])
        ]
        assert (line.micros, line.missed_micros) == (w.micros, w.shortfall_micros)
        assert (line.exact, line.missed) == (w.value, w.shortfall)
        told = parts(r, rows, known)
        assert line.tiers == tuple((Fraction(p.quantity), p.amount) for p in told)
        assert sum((p.amount for p in told), Fraction(0)) == w.value


_BOOKS: dict[tuple[str, ...], tuple[Path, Book]] = {}


def _cached(*terms: str) -> tuple[Path, Book]:
    """A book of these terms and where its reference stands, made once."""
    if terms not in _BOOKS:
        directory = Path(tempfile.mkdtemp())
        _BOOKS[terms] = (directory, book(directory, *terms))
    return _BOOKS[terms]
