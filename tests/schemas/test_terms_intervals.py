"""What is refused of an item that counts time, and what it is told to do instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import builders

ATTRIBUTION = "kind,key,agreement,valid_from,valid_upto\nproduct,CIR-1,ALFA-1,,\n"
FEE = (
    "{item: fee, role: product, service: circuit, flow: receivable,"
    " price: {kind: unit, per: event, amount: 5}}"
)


def complaints(
    directory: Path, price: str, more: str = "", service: str = "circuit", period: str = "month"
) -> list[str]:
    """What is said of an agreement with one such item."""
    item = (
        f"{{item: line, role: product, service: {service}, flow: receivable, price: {price}{more}}}"
    )
    terms = f"valid_from: 2026-01-01, zone: UTC, currency: EUR, period: {period}"
    text = builders.agreement_text(item, terms=terms)
    found = builders.complaints_of(
        builders.reference_dir(directory, agreements=text, attribution=ATTRIBUTION)
    )
    return [one.partition(".items[0].")[2] for one in found]


@pytest.mark.parametrize(
    ("price", "more", "expected"),
    [
        (
            "{kind: unit, per: unit_day, amount: 2, connect_fee: 1}",
            "",
            "price.connect_fee: is of an event, and time is cut into pieces; remove it",
        ),
        (
            "{kind: unit, per: unit_hour, amount: 2, maximum: 1}",
            "",
            "price.maximum: is of an event, and time is cut into pieces; remove it",
        ),
        (
            "{kind: unit, per: unit_day, amount: 2}",
            ", count: {of: unit_days, next: 30}",
            "count.next: is of an event, and time is cut into pieces; remove it",
        ),
        (
            "{kind: tiers, each: event, per: unit_day, tiers: [{price: 1}]}",
            "",
            "price.each: prices an event, and unit_day is of a period; remove it",
        ),
        (
            "{kind: recurring, every: month, amount: 850}",
            ", count: {of: unit_seconds}",
            "count.of: is not what the price is per; write unit_days",
        ),
        (
            "{kind: recurring, every: month, amount: 850}",
            ", count: {minimum: 3}",
            "count.minimum: is of an event, and time is cut into pieces; remove it",
        ),
        (
            "{kind: recurring, every: week, amount: 850, basis: 5}",
            "",
            "price.basis: is of months, quarters and years, and a week has its days; remove it",
        ),
        (
            "{kind: recurring, every: fortnight, amount: 850}",
            "",
            "price.every: 'fortnight' is not known; write one of day, week, month, quarter, year",
        ),
        (
            "{kind: recurring, every: month, amount: -1}",
            "",
            "price.amount: '-1' is negative; write it positive and turn the item's flow around",
        ),
    ],
)
def test_what_is_of_an_event_is_refused_of_time(
    tmp_path: Path, price: str, more: str, expected: str
) -> None:
    """Time is cut at the edges of periods, so that a fee or a step would come again and again."""
    assert complaints(tmp_path, price, more) == [expected]


def test_time_is_of_circuits(tmp_path: Path) -> None:
    """Other services are not in service."""
    assert complaints(tmp_path, "{kind: recurring, every: month, amount: 1}", service="bandwidth")[
        0
    ] == ("price.kind: bandwidth is not in service for days; use a unit price")


def test_a_week_does_not_fit_a_settlement_by_day(tmp_path: Path) -> None:
    """A month, a quarter or a year around the day do, and so does the day."""
    price = "{{kind: recurring, every: {}, amount: 1}}"
    assert complaints(tmp_path, price.format("week"), period="day") == [
        "price.every: week does not fit a settlement by day; write day"
    ]
    for every in ("day", "month", "quarter", "year"):
        assert complaints(tmp_path, price.format(every), period="day") == []


def test_time_is_no_surcharge(tmp_path: Path) -> None:
    """What is added to an event is of all of it."""
    items = (
        f"{FEE}, {{item: line, role: product, service: circuit, flow: receivable,"
        " surcharge: true, price: {kind: unit, per: unit_day, amount: 1}}"
    )
    found = builders.complaints_of(
        builders.reference_dir(
            tmp_path, agreements=builders.agreement_text(items), attribution=ATTRIBUTION
        )
    )
    assert [one.partition("items[1].")[2] for one in found] == [
        "surcharge: is added to an event, and time is cut into pieces; remove it"
    ]


def test_time_is_not_priced_by_band(tmp_path: Path) -> None:
    """A day has all bands."""
    plan = "- {bands: P, days: {mon-sun: [{from: '00:00', band: a}]}}\n"
    bands = "{of: P, split: start_band, prices: {a: {amount: 1}}}"
    price = f"{{kind: unit, per: unit_day, bands: {bands}}}"
    item = f"{{item: line, role: product, service: circuit, flow: receivable, price: {price}}}"
    found = builders.complaints_of(
        builders.reference_dir(
            tmp_path,
            agreements=builders.agreement_text(item),
            attribution=ATTRIBUTION,
            others={"bands.yaml": plan},
        )
    )
    assert [one.partition("items[0].")[2] for one in found] == [
        "price.bands: split no unit_day; write a price per event or unit"
    ]


def test_what_may_be_said_is_taken(tmp_path: Path) -> None:
    """A recurring price with its basis, and tiers of a period's unit-days."""
    for price in (
        "{kind: recurring, every: quarter, amount: 850, basis: 90}",
        "{kind: tiers, per: unit_day, at_least: 30, tiers: [{up_to: 90, price: 2}, {price: 1}]}",
        "{kind: unit, per: unit_hour, amount: 0.5}",
    ):
        assert complaints(tmp_path, price, ", count: {of: unit_days}" * ("hour" not in price)) == []


AVERAGE = ", measure: {of: average}"
BY_LEVEL = "{kind: tiers, per: average_unit, tiers: [{up_to: 2, price: 3}, {price: 1}]}"


@pytest.mark.parametrize(
    ("price", "more", "expected"),
    [
        (BY_LEVEL, AVERAGE, []),
        (
            BY_LEVEL,
            "",
            ["price.per: is a level over a period; write kind: tiers and measure: {of: average}"],
        ),
        (
            "{kind: unit, per: average_unit, amount: 1}",
            AVERAGE,
            [
                "measure: is for prices by tiers of a period; write kind: tiers",
                (
                    "price.per: is a level over a period; write kind: tiers and measure:"
                    " {of: average}"
                ),
            ],
        ),
    ],
)
def test_an_average_is_priced_by_tiers_of_levels(
    tmp_path: Path, price: str, more: str, expected: list[str]
) -> None:
    """Measure and price have to say the same."""
    assert complaints(tmp_path, price, more) == expected


@pytest.mark.parametrize(
    ("per", "unit", "known"),
    [
        ("average_unit", "unit_hour", "average_unit"),
        ("unit_hour", "average_unit", "unit_hour"),
    ],
)
def test_a_level_is_no_length_of_time(tmp_path: Path, per: str, unit: str, known: str) -> None:
    """Though both are made of unit-seconds, a bound of one is none of the other."""
    price = f"{{kind: tiers, per: {per}, tiers: [{{up_to: 2 {unit}, price: 3}}, {{price: 1}}]}}"
    assert complaints(tmp_path, price, AVERAGE if per == "average_unit" else "") == [
        f"price.tiers[0].up_to: {unit!r} is not known; write one of {known}, or no unit"
    ]


def test_time_is_not_divided(tmp_path: Path) -> None:
    """A split is of the charge of an event, and of time each piece would be divided for itself."""
    split = "{rule: first_parts, parties: [{percent: 60}, {percent: 40, agreement: A, item: b}]}"
    price = "{kind: unit, per: unit_day, amount: 2}"
    assert "split: divides an event, and time is cut into pieces; remove it" in complaints(
        tmp_path, price, f", split: {split}"
    )


def test_a_level_is_no_sum(tmp_path: Path) -> None:
    """No deal is over it, no tier of its own is chosen by something else, and it chooses none."""
    level = (
        "{item: level, role: product, service: circuit, direction: in, flow: receivable,"
        " price: {kind: tiers, per: average_unit, curve: volume, chosen_by: events,"
        " tiers: [{price: 1}]}, measure: {of: average}}"
    )
    days = (
        "{item: days, role: product, service: circuit, direction: out, flow: receivable,"
        " price: {kind: tiers, per: unit_day, curve: volume, chosen_by: level,"
        " tiers: [{price: 1}]}}"
    )
    found = builders.complaints_of(
        builders.reference_dir(
            tmp_path,
            agreements=builders.agreement_text(f"{level}, {days}"),
            attribution=ATTRIBUTION,
        )
    )
    refused = "price.chosen_by: is of sums, and an average is a level; remove it"
    own = "price.chosen_by: chooses the tier of a period's sum; remove it, or the measure"
    assert [one.rpartition("].")[2] for one in found] == [own, refused]
