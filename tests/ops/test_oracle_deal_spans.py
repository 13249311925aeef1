"""The oracle's deals over spans by hand: a cap that goes on, and a minimum at the end."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from ops.oracle_amounts import Accrual, AccrualKey
from ops.oracle_reference import Reference
from ops.oracle_statement import statement_lines
from tests.ops.oracle_makers import item, reference, unit, version

PRICE = (
    "{kind: tiers, each: quarter, per: amount, result: replace, at_least: 40, "
    "tiers: [{percent: 100, cap: 50}]}"
)
DEAL = f"deals: [{{deal: most, flow: receivable, over: [voice-in], price: {PRICE}}}]"
OCTOBER, NOVEMBER, DECEMBER, JANUARY = "2026-10", "2026-11", "2026-12", "2027-01"


def known(directory: Path) -> Reference:
    """Agreement A: no more than 50 and no less than 40 a quarter for its calls."""
    text = version(item(unit("event", "10")))
    with_deal = text[: text.rindex("}")] + f", {DEAL}}}"
    return reference(directory, {"A": [with_deal]})


def shown(directory: Path, *usage: tuple[str, str, int]) -> dict[tuple[str, str], tuple[int, int]]:
    """What the deal's lines show and miss in whole units, by original and booked period."""
    accruals = {
        AccrualKey("A", 1, "voice-in", "", "EUR", booked, original, None): Accrual(
            count, count, count * 10**7, Fraction(0)
        )
        for original, booked, count in usage
    }
    lines = statement_lines(accruals, known(directory))
    return {
        (key.original, key.booked): (line.micros // 10**6, line.missed_micros // 10**6)
        for key, line in lines.items()
        if key.item == "most" and (line.micros or line.missed_micros)
    }


def test_what_is_above_the_most_of_a_quarter(tmp_path: Path) -> None:
    """30 of October, 40 of November, of which 20 are asked for; 10 more of October take 10 more."""
    used = [(OCTOBER, OCTOBER, 3), (NOVEMBER, NOVEMBER, 4)]
    assert shown(tmp_path / "two", *used) == {(NOVEMBER, NOVEMBER): (-20, 0)}
    assert shown(tmp_path / "late", *used, (OCTOBER, DECEMBER, 1)) == {
        (NOVEMBER, NOVEMBER): (-20, 0),
        (NOVEMBER, DECEMBER): (-10, 0),
    }


def test_what_is_missed_is_due_at_the_end(tmp_path: Path) -> None:
    """10 of October: 30 are missed, in December; 20 more of November, which came late, are less."""
    used = [(OCTOBER, OCTOBER, 1), (DECEMBER, DECEMBER, 0)]
    assert shown(tmp_path / "one", *used) == {(DECEMBER, DECEMBER): (0, 30)}
    assert shown(tmp_path / "late", *used, (NOVEMBER, JANUARY, 2), (DECEMBER, JANUARY, 0)) == {
        (DECEMBER, DECEMBER): (0, 30),
        (DECEMBER, JANUARY): (0, -20),
    }
