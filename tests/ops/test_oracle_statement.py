"""The oracle's statements: tiers walked by hand, and each place of rounding."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from ops.oracle_amounts import Accrual, AccrualKey, AmountKey, Total, TotalKey
from ops.oracle_reference import Reference
from ops.oracle_statement import statement_lines, statement_totals
from tests.ops.oracle_makers import item, reference, tiers, unit, version

NOVEMBER, DECEMBER, JANUARY = "2026-11", "2026-12", "2027-01"


def graduated(directory: Path, rounding: str = "{}") -> Reference:
    """Agreement A: events at 10 up to 15, then 5; from 15 November at 8 up to 20, then 1."""
    first = tiers("event", ("15", "10"), ("", "5"))
    second = tiers("event", ("20", "8"), ("", "1"))
    return reference(
        directory,
        {
            "A": [
                version(item(first), valid_upto="2026-11-15", rounding=rounding),
                version(item(second), version="2", valid_from="2026-11-15", rounding=rounding),
            ]
        },
    )


def row(number: int, booked: str, original: str = NOVEMBER, line: str = "") -> AccrualKey:
    """The accrual of a whole period of agreement A's item."""
    return AccrualKey("A", number, "voice-in", line, "EUR", booked, original, None)


def volume(quantity: int) -> Accrual:
    """So many events of a period-priced item."""
    return Accrual(quantity, quantity, 0, Fraction(0))


def shown(accruals: dict[AccrualKey, Accrual], known: Reference) -> dict[tuple[int, str, str], int]:
    """What each line shows, in whole currency units, by version, booked and original period."""
    lines = statement_lines(accruals, known)
    return {
        (key.version, key.booked, key.original): amount.micros // 10**6
        for key, amount in lines.items()
    }


def test_the_tier_position_carries_over_a_new_version(tmp_path: Path) -> None:
    """Ten events under version 1, twelve under version 2: the latter begin at position ten.

    Version 1: 10 x 10 = 100. Version 2: positions 11 to 20 at 8 and 21, 22 at 1: 82.
    """
    accruals = {row(1, NOVEMBER): volume(10), row(2, NOVEMBER): volume(12)}
    assert shown(accruals, graduated(tmp_path)) == {
        (1, NOVEMBER, NOVEMBER): 100,
        (2, NOVEMBER, NOVEMBER): 82,
    }


def test_late_usage_goes_on_where_the_closed_period_stood(tmp_path: Path) -> None:
    """14 events closed at 140; three late ones cost 10 + 5 + 5 and leave December's own at 10."""
    accruals = {
        row(1, NOVEMBER): volume(14),
        row(1, DECEMBER): volume(3),
        row(1, DECEMBER, DECEMBER): volume(1),
    }
    assert shown(accruals, graduated(tmp_path)) == {
        (1, NOVEMBER, NOVEMBER): 140,
        (1, DECEMBER, NOVEMBER): 20,
        (1, DECEMBER, DECEMBER): 10,
    }


def test_late_usage_of_an_old_version_moves_the_newer_one(tmp_path: Path) -> None:
    """Two late events under version 1 push two of version 2's from 8 down to 1.

    Closed: 10 x 10 = 100 and positions 11 to 20 at 8 = 80. With twelve under version 1: 120, and
    positions 13 to 22: eight at 8 and two at 1 = 66. So December books +20 and -14, the latter on a
    line without usage of its own, and the two months add up to F of the whole volume.
    """
    accruals = {
        row(1, NOVEMBER): volume(10),
        row(2, NOVEMBER): volume(10),
        row(1, DECEMBER): volume(2),
    }
    assert shown(accruals, graduated(tmp_path)) == {
        (1, NOVEMBER, NOVEMBER): 100,
        (2, NOVEMBER, NOVEMBER): 80,
        (1, DECEMBER, NOVEMBER): 20,
        (2, DECEMBER, NOVEMBER): -14,
    }


def test_late_usage_of_an_earlier_month_moves_later_ones(tmp_path: Path) -> None:
    """By quarters from November: 8 in November, 4 in December, then 2 more of November in January.

    November: 80. December, positions 9 to 12: 40. Two late ones are 20, and December lies at 11 to
    14, as dear as before. With six late ones December lies at 15 to 18: 10 + 3 x 5 = 25, so 15
    less. January then misses 3 of 21: F(21) - F(18) = 3 x 5.
    """
    price = tiers("event", ("15", "10"), ("", "5"))
    price = price[:-1] + ", each: quarter, from: 2026-11, at_least: 21}"
    known = reference(tmp_path, {"A": [version(item(price))]})
    accruals = {row(1, NOVEMBER): volume(8), row(1, DECEMBER, DECEMBER): volume(4)}
    stated = {(1, NOVEMBER, NOVEMBER): 80, (1, DECEMBER, DECEMBER): 40}
    assert shown(accruals, known) == stated
    late = accruals | {row(1, JANUARY): volume(2)}
    assert shown(late, known) == stated | {(1, JANUARY, NOVEMBER): 20, (1, JANUARY, JANUARY): 0}
    late[row(1, JANUARY)] = volume(6)
    assert shown(late, known) == stated | {
        (1, JANUARY, NOVEMBER): 60,
        (1, JANUARY, DECEMBER): -15,
        (1, JANUARY, JANUARY): 0,
    }
    lines = statement_lines(late, known)
    assert {key.original: line.missed for key, line in lines.items() if line.missed} == {
        JANUARY: 15
    }


def test_booked_amounts_telescope(tmp_path: Path) -> None:
    """However late usage is spread over statements, their lines add up to F of the volume."""
    known = graduated(tmp_path)
    spread = {row(1, NOVEMBER): volume(7), row(1, DECEMBER): volume(9), row(1, JANUARY): volume(4)}
    at_once = {row(1, NOVEMBER): volume(20)}
    # 15 x 10 + 5 x 5 = 175.
    assert sum(shown(spread, known).values()) == sum(shown(at_once, known).values()) == 175


@pytest.mark.parametrize(
    ("place", "amounts"),
    [
        # Cumulative 1/3 and 2/3 at two decimals are 0.33 and 0.67: booked 0.33 and 0.34.
        ("record", ["0.330000", "0.340000"]),
        ("line", ["0.330000", "0.340000"]),
        # A statement rounds its total only; its line shows six decimals of 1/3.
        ("statement", ["0.333333", "0.333333"]),
    ],
)
def test_tiers_are_rounded_once_a_line(tmp_path: Path, place: str, amounts: list[str]) -> None:
    """What is booked is the difference of rounded cumulative amounts, so cents never come back."""
    price = tiers("minute", ("100", "1"), ("", "0.5"))
    rounding = f"{{place: {place}, decimals: 2}}"
    known = reference(tmp_path, {"A": [version(item(price), rounding=rounding)]})
    # 20 seconds at 1 a minute, in each of two statements.
    lines = statement_lines({row(1, NOVEMBER): volume(20), row(1, DECEMBER): volume(20)}, known)
    assert [Decimal(amount.micros).scaleb(-6) for amount in lines.values()] == [
        Decimal(text) for text in amounts
    ]
    assert [amount.exact for amount in lines.values()] == [Fraction(1, 3)] * 2


def test_tiers_that_count_something_else_start_anew(tmp_path: Path) -> None:
    """From events to seconds there is no position to carry over."""
    terms = [
        version(item(tiers("event", ("15", "10"), ("", "5"))), valid_upto="2026-11-15"),
        version(
            item(tiers("second", ("15", "2"), ("", "1"))), version="2", valid_from="2026-11-15"
        ),
    ]
    known = reference(tmp_path, {"A": terms})
    accruals = {row(1, NOVEMBER): volume(10), row(2, NOVEMBER): Accrual(1, 10, 0, Fraction(0))}
    assert shown(accruals, known) == {(1, NOVEMBER, NOVEMBER): 100, (2, NOVEMBER, NOVEMBER): 20}


def two_lines(directory: Path, place: str) -> tuple[dict[AmountKey, int], Total]:
    """Two lines of exactly 0.005 each, under a place of rounding to cents: lines and total."""
    rounding = f"{{place: {place}, decimals: 2}}"
    terms = version(item(unit("minute", "1")), rounding=rounding)
    known = reference(directory, {"A": [terms]})
    # As records, each of the two charges of a line was rounded before: 0.0025 to nothing.
    micros, residue = (0, Fraction(5, 1000)) if place == "record" else (4_999, Fraction(1, 10**6))
    accruals = {
        row(1, NOVEMBER, line=line): Accrual(2, 1, micros, residue) for line in ("north", "south")
    }
    lines = statement_lines(accruals, known)
    (total,) = statement_totals(lines).items()
    assert total[0] == TotalKey("A", NOVEMBER, "EUR")
    return {key: amount.micros for key, amount in lines.items()}, total[1]


@pytest.mark.parametrize(
    ("place", "line_micros", "receivable"),
    [
        ("record", 0, "0"),
        # 0.005 half up is 0.01, twice.
        ("line", 10_000, "0.02"),
        # The lines show 0.005; their exact sum is 0.01.
        ("statement", 5_000, "0.01"),
    ],
)
def test_the_place_of_rounding_decides_the_total(
    tmp_path: Path, place: str, line_micros: int, receivable: str
) -> None:
    """The same usage under three agreements: nothing, two cents, one cent."""
    lines, total = two_lines(tmp_path, place)
    assert list(lines.values()) == [line_micros, line_micros]
    assert total == Total(Decimal(receivable), Decimal(0))


def test_a_line_of_a_statement_shows_six_decimals_half_even(tmp_path: Path) -> None:
    """Where only the total is rounded, a line of 0.0000025 shows 0.000002: to the even digit."""
    terms = version(item(unit("minute", "1")), rounding="{place: statement, decimals: 2}")
    known = reference(tmp_path, {"A": [terms]})
    (amount,) = statement_lines(
        {row(1, NOVEMBER): Accrual(1, 1, 2, Fraction(5, 10**7))}, known
    ).values()
    assert amount.micros == 2
    assert amount.exact == Fraction(25, 10**7)


def test_both_ways_and_currencies_stay_apart(tmp_path: Path) -> None:
    """A statement has what each side owes the other; another currency is another statement."""
    both = f"{item(unit('minute', '1'))}, {item(unit('minute', '1'), item='out', flow='payable')}"
    terms = [
        version(both, valid_upto="2026-11-15"),
        version(item(unit("minute", "1")), version="2", valid_from="2026-11-15", currency="USD"),
    ]
    known = reference(tmp_path, {"A": terms})
    accruals = {
        row(1, NOVEMBER): Accrual(1, 60, 3_000_000, Fraction(0)),
        row(1, NOVEMBER)._replace(item="out"): Accrual(1, 60, 2_000_000, Fraction(0)),
        row(2, NOVEMBER)._replace(currency="USD"): Accrual(1, 60, 5_000_000, Fraction(0)),
        row(1, NOVEMBER)._replace(hour=498_396): Accrual(1, 60, 3_000_000, Fraction(0)),
    }
    assert statement_totals(statement_lines(accruals, known)) == {
        TotalKey("A", NOVEMBER, "EUR"): Total(Decimal(3), Decimal(2)),
        TotalKey("A", NOVEMBER, "USD"): Total(Decimal(5), Decimal(0)),
    }
