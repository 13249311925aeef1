"""Terms by series: what is direct, what shares a volume, who answers for a period."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from state.invariants import InvariantViolation
from streams.accrual import Book, volume_of
from streams.contribution import Series
from streams.terms import Terms, shown
from tests import builders

ONE = Series("ALFA-1", 1, "voice", "", "EUR", "2026-10", "2026-10")
COMMITTED = "tiers: [{flat: 5, price: 0.01}], at_least: 310"


def book(directory: Path, *prices: str, rounding: str = "place: record") -> Book:
    """Versions of one item by the minute, the second from 16 October on."""
    item = "{item: voice, role: ingress, service: voice, flow: receivable, price: "
    spans = ["2026-01-01, valid_upto: 2026-10-16", "2026-10-16"][-len(prices) :]
    versions = ", ".join(
        f"{{version: {n}, valid_from: {span}, zone: UTC, currency: EUR, "
        f"rounding: {{{rounding}}}, items: [{item}{{kind: tiers, per: minute, {price}}}}}]}}"
        for n, (span, price) in enumerate(zip(spans, prices, strict=True), 1)
    )
    text = f"- {{agreement: ALFA-1, partner: ALFA, model: wholesale, versions: [{versions}]}}\n"
    keys = "kind,key,agreement,valid_from,valid_upto\n"
    return Book(
        builders.tables(builders.reference_dir(directory, agreements=text, attribution=keys))
    )


def test_only_tiers_share_a_volume(tmp_path: Path) -> None:
    """Versions that count alike share their volume; a price without tiers has none to share."""
    known = book(tmp_path, "tiers: [{price: 0.01}]", "tiers: [{price: 0.02}]")
    assert volume_of(ONE, known.terms(ONE)) == volume_of(
        ONE._replace(version=2), known.terms(ONE._replace(version=2))
    )
    directory = builders.reference_dir(tmp_path / "other")
    other = Book(builders.tables(directory))
    series = Series("BRAVO-1", 1, "data", "", "EUR", "2026-10", "2026-10")
    terms: Terms = other.terms(series)
    assert (terms.tiered, terms.direct, terms.payable) == (False, True, False)
    assert volume_of(series, terms)[-1] == ""
    with pytest.raises(InvariantViolation, match="data is priced by the period"):
        terms.curve  # noqa: B018 - asking is what fails


def test_a_version_that_reference_lost_is_an_error(tmp_path: Path) -> None:
    """Versions are immutable: one that is gone is no reason to guess."""
    with pytest.raises(KeyError):
        book(tmp_path, "tiers: [{price: 1}]").terms(ONE._replace(version=3))


def test_the_last_version_answers_for_the_period(tmp_path: Path) -> None:
    """October's second version, in force for 16 days, answers for all 31: both have the item.

    310 minutes are 18,600 seconds. In November version 2 is alone.
    """
    known = book(tmp_path, "tiers: [{price: 1}]", COMMITTED)
    second = ONE._replace(version=2)
    assert known.duty(ONE) is None
    duty = known.duty(second)
    assert duty is not None
    assert (duty.at_least, duty.days) == (Fraction(18_600), "31/31")
    assert known.duty(ONE._replace(original="2026-09")) is not None
    assert known.standing("ALFA-1", "2026-10") == [second]
    assert known.standing("ALFA-1", "2026-09") == []
    assert known.standing("NOBODY", "2026-10") == []
    assert known.owes_without_usage


def test_a_commitment_is_of_the_days_in_force(tmp_path: Path) -> None:
    """An agreement that began on 16 October commits for 16 of 31 days: 18,600 x 16/31 = 9,600."""
    duty = book(tmp_path, COMMITTED).duty(ONE)
    assert duty is not None
    assert (duty.at_least, duty.days) == (Fraction(9_600), "16/31")


@pytest.mark.parametrize(
    ("price", "owes"),
    [
        ("tiers: [{price: 1, flat: 5}]", False),
        ("flat_on_zero: true, tiers: [{price: 1}]", False),
        ("flat_on_zero: true, tiers: [{price: 1, flat: 5}]", True),
        ("at_least: 1, tiers: [{price: 0}]", True),
    ],
)
def test_what_is_owed_without_usage(tmp_path: Path, price: str, owes: bool) -> None:
    """A commitment, and a flat amount that says so; a flat amount alone waits for usage."""
    known = book(tmp_path, price)
    assert known.owes_without_usage is owes
    assert bool(known.standing("ALFA-1", "2026-11")) is owes


@pytest.mark.parametrize(
    ("value", "micros"), [("0.0000005", 0), ("0.0000015", 2), ("-1.5", -1_500_000)]
)
def test_what_is_only_shown_is_half_even(value: str, micros: int) -> None:
    """An amount that is rounded elsewhere by contract is shown to the micro."""
    assert shown(Fraction(value)) == micros
