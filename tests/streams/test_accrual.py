"""What rows are worth: tiers walked by hand, telescoping, and the same as the oracle."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.oracle_reference import Price, Tier
from ops.oracle_statement import tier_amount
from streams.accrual import Book, Row, Terms, amount, cumulative, shown, tier_positions, volume_of
from streams.contribution import Series
from tests import builders

TIERS = [(600, 10_000_000), (1_200, 5_000_000), (None, 0)]  # seconds; 0.01, 0.005, nothing a minute
ONE = Series("ALFA-1", 1, "voice", "", "EUR", "2026-10", "2026-10")
STEPS = st.lists(st.tuples(st.integers(1, 500), st.integers(0, 10**10)), min_size=1, max_size=4)


def row(quantity: int, *, version: int = 1, booked: str = "2026-10") -> Row:
    """A tiered row of October."""
    return Row(ONE._replace(version=version, booked=booked), 1, quantity, 0, 0)


def book(directory: Path, rounding: str) -> Book:
    """Two versions of one tiered item, the second dearer; both by the minute."""
    item = "{item: voice, role: ingress, service: voice, flow: receivable, price: "
    tiers = "{kind: tiers, per: minute, tiers: [{up_to: 10, price: %s}, {price: %s}]}}"
    versions = ", ".join(
        f"{{version: {n}, valid_from: {start}{upto}, zone: UTC, currency: EUR, "
        f"rounding: {{{rounding}}}, items: [{item}{tiers % prices}]}}"
        for n, start, upto, prices in (
            (1, "2026-01-01", ", valid_upto: 2026-10-15", ("0.01", "0.005")),
            (2, "2026-10-15", "", ("0.02", "0.01")),
        )
    )
    text = f"- {{agreement: ALFA-1, partner: ALFA, model: wholesale, versions: [{versions}]}}\n"
    keys = "kind,key,agreement,valid_from,valid_upto\n"
    return Book(
        builders.tables(builders.reference_dir(directory, agreements=text, attribution=keys))
    )


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "0"),
        (60, "0.01"),
        (600, "0.1"),  # the bound belongs to the tier below it
        (660, "0.105"),  # 10 minutes at 0.01, one at 0.005
        (1_200, "0.15"),
        (9_999, "0.15"),  # above that nothing more
        (30, "0.005"),
    ],
)
def test_graduated_prices_by_hand(seconds: int, expected: str) -> None:
    """Each price holds for what lies within its tier."""
    assert cumulative(TIERS, 60, seconds) == Fraction(expected)


@given(STEPS, st.integers(1, 3_600), st.integers(0, 10**6))
def test_the_oracle_walks_the_same_tiers(
    steps: list[tuple[int, int]], unit: int, quantity: int
) -> None:
    """F(q) is the oracle's, for any tiers and any quantity."""
    bounds: list[int | None] = [sum(w for w, _ in steps[: n + 1]) for n in range(len(steps))]
    bounds[-1] = None
    tiers = [(bound, price) for bound, (_, price) in zip(bounds, steps, strict=True)]
    told = tuple(
        Tier(None if bound is None else Fraction(bound), Fraction(price, 10**9))
        for bound, price in tiers
    )
    price = Price("tiers", "any", "seconds", unit, tiers=told)
    assert cumulative(tiers, unit, quantity) == tier_amount(price, quantity)


@given(st.lists(st.integers(0, 900), max_size=8))
def test_batches_telescope(quantities: list[int]) -> None:
    """F(v + q) - F(v), batch after batch, is F of the whole, however it came in."""
    volume, total = 0, Fraction(0)
    for quantity in quantities:
        total += cumulative(TIERS, 60, volume + quantity) - cumulative(TIERS, 60, volume)
        volume += quantity
    assert total == cumulative(TIERS, 60, sum(quantities))


def test_positions_are_by_version_and_booked_period() -> None:
    """100 of v1 and 50 of v2 in October, 30 more of v1 booked in November lift v2 by 30."""
    rows = [row(100), row(50, version=2), row(30, booked="2026-11")]
    follower = row(0, version=2, booked="2026-11")
    assert tier_positions(rows, rows[0]) == ((0, 100), (0, 0))
    assert tier_positions(rows, rows[1]) == ((100, 150), (0, 0))
    assert tier_positions(rows, rows[2]) == ((0, 130), (0, 100))
    assert tier_positions([*rows, follower], follower) == ((130, 180), (100, 150))


@given(
    st.lists(
        st.tuples(
            st.integers(0, 900),
            st.integers(1, 2),
            st.sampled_from(["2026-10", "2026-11", "2026-12"]),
        ),
        max_size=8,
    )
)
def test_adjustments_add_up_to_the_whole(
    tmp_path_factory: pytest.TempPathFactory, parts: list[tuple[int, int, str]]
) -> None:
    """Whatever is booked late, in whatever version, all booked periods come to F of the volume."""
    known = book(tmp_path_factory.mktemp("book"), "place: statement")
    volumes: dict[tuple[int, str], int] = {
        (version, booked): 0 for version in (1, 2) for booked in ("2026-10", "2026-11", "2026-12")
    }
    for quantity, version, booked in parts:
        volumes[version, booked] += quantity
    rows = [row(q, version=version, booked=booked) for (version, booked), q in volumes.items()]
    total = sum((amount(known.terms(r.series), r, rows)[1] for r in rows), Fraction(0))
    first, second = (sum(q for (v, _), q in volumes.items() if v == n) for n in (1, 2))
    tiers = {n: known.terms(ONE._replace(version=n)).item.tiers for n in (1, 2)}
    above = cumulative(tiers[2], 60, first + second) - cumulative(tiers[2], 60, first)
    assert total == cumulative(tiers[1], 60, first) + above


def test_each_line_is_rounded_once(tmp_path: Path) -> None:
    """90 s at 0.01 a minute are 0.015, to two decimals half up 0.02; 30 s more, booked later, 0.00.

    Together 120 s are 0.02, of which 0.02 has been stated: round(F(120)) - round(F(90)) = 0.
    """
    known = book(tmp_path, "place: line, decimals: 2")
    rows = [row(90), row(30, booked="2026-11")]
    terms = known.terms(ONE)
    assert [amount(terms, r, rows) for r in rows] == [
        (20_000, Fraction("0.015")),
        (0, Fraction("0.005")),
    ]


def test_only_tiers_share_a_volume(tmp_path: Path) -> None:
    """Versions that count alike share their volume; a price without tiers has none to share."""
    known = book(tmp_path, "place: record")
    assert volume_of(ONE, known.terms(ONE)) == volume_of(
        ONE._replace(version=2), known.terms(ONE._replace(version=2))
    )
    directory = builders.reference_dir(tmp_path / "other")
    other = Book(builders.tables(directory))
    series = Series("BRAVO-1", 1, "data", "", "EUR", "2026-10", "2026-10")
    terms: Terms = other.terms(series)
    assert (terms.tiered, terms.direct, terms.payable) == (False, True, False)
    assert volume_of(series, terms)[-1] == ""


def test_a_version_that_reference_lost_is_an_error(tmp_path: Path) -> None:
    """Versions are immutable: one that is gone is no reason to guess."""
    with pytest.raises(KeyError):
        book(tmp_path, "place: line").terms(ONE._replace(version=3))


@pytest.mark.parametrize(
    ("value", "micros"), [("0.0000005", 0), ("0.0000015", 2), ("-1.5", -1_500_000)]
)
def test_what_is_only_shown_is_half_even(value: str, micros: int) -> None:
    """An amount that is rounded elsewhere by contract is shown to the micro."""
    assert shown(Fraction(value)) == micros
