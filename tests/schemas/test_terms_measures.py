"""What a measure must be to the price and the usage of its item."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders import agreement_text, complaints_of, reference_dir

NO_KEYS = "kind,key,agreement,valid_from,valid_upto\n"
ROLES = {"voice": "ingress", "data": "subscriber", "bandwidth": "product", "circuit": "product"}
LEVEL = "{kind: tiers, per: megabit_per_second, at_least: 200, tiers: [{price: 1.5}]}"
BYTES = "{kind: tiers, per: gigabyte, tiers: [{price: 1}]}"
HOURLY = "{kind: tiers, each: hour, per: gigabyte, at_least: 2, tiers: [{price: 1}]}"
MEMBERS = "{kind: tiers, per: unit, tiers: [{price: 0.4}]}"
P95 = "{of: percentile, percent: 95}"
IS_LEVEL = (
    "price.per: is a level, which only a measure makes; write kind: tiers and "
    "measure: {of: percentile, percent: 95}, or per: gigabyte"
)


def complaints(directory: Path, service: str, price: str, measure: str = "") -> list[str]:
    """What is found in an agreement of one item, without its path."""
    more = f", measure: {measure}" if measure else ""
    item = (
        f"{{item: one, role: {ROLES[service]}, service: {service}, flow: receivable, "
        f"price: {price}{more}}}"
    )
    found = complaints_of(
        reference_dir(directory, agreements=agreement_text(item), attribution=NO_KEYS)
    )
    return [text.partition("items[0].")[2] for text in found]


@pytest.mark.parametrize(
    ("service", "price", "measure"),
    [
        ("bandwidth", LEVEL, P95),
        (
            "bandwidth",
            LEVEL,
            "{of: percentile, percent: 90, window: hour, direction: sum, by: all}",
        ),
        ("bandwidth", LEVEL, "{of: peak, window: 5min, by: port, direction: up}"),
        ("bandwidth", BYTES, "{of: peak, window: day, by: port}"),
        ("data", HOURLY, ""),
        ("data", HOURLY, "{of: peak}"),
        ("data", BYTES, "{of: peak, window: hour}"),
        ("data", MEMBERS, "{of: distinct, of_what: subscriber}"),
        ("circuit", MEMBERS, "{of: distinct, of_what: instance}"),
        ("voice", "{kind: tiers, each: day, per: minute, tiers: [{price: 1}]}", "{of: sum}"),
    ],
)
def test_what_fits_is_taken(tmp_path: Path, service: str, price: str, measure: str) -> None:
    """Windows, peaks, percentiles and members where they mean something."""
    assert complaints(tmp_path, service, price, measure) == []


@pytest.mark.parametrize(
    ("service", "price", "measure", "complaint"),
    [
        (
            "data",
            "{kind: unit, per: megabyte, amount: 1}",
            "{of: peak}",
            "measure: is for prices by tiers of a period; write kind: tiers",
        ),
        (
            "bandwidth",
            "{kind: unit, per: megabit_per_second, amount: 1}",
            "",
            IS_LEVEL,
        ),
        (
            "data",
            BYTES,
            P95,
            "measure.of: percentile needs bandwidth usage, not data",
        ),
        (
            "bandwidth",
            BYTES,
            P95,
            "price.per: is no level, and a percentile is of levels; write megabit_per_second",
        ),
        (
            "bandwidth",
            LEVEL,
            "{of: percentile}",
            "measure.percent: is missing; write which percentile, for example 95",
        ),
        (
            "bandwidth",
            LEVEL.replace("per:", "each: hour, per:"),
            P95,
            "price.each: percentile of windows is of one period; remove it, or window",
        ),
        (
            "bandwidth",
            LEVEL,
            "{of: percentile, percent: 95, window: day}",
            "measure.window: has 23 or 25 hours now and then; write 5min or hour for a level",
        ),
        (
            "bandwidth",
            LEVEL,
            "{of: peak}",
            "measure.window: is missing, and a level is of a window; write 5min",
        ),
        ("data", BYTES, "{of: peak, percent: 95}", "measure.percent: is not of a peak; remove it"),
        (
            "data",
            BYTES,
            "{of: peak, direction: up}",
            "measure.direction: is of levels; write count: {of: up_bytes}, or remove it",
        ),
        (
            "data",
            BYTES,
            "{of: peak, window: hour, by: port}",
            "measure.by: is of ports, which data has none of; remove it",
        ),
        (
            "data",
            BYTES,
            "{of: distinct, of_what: subscriber}",
            "price.per: is not what members are counted in; write unit",
        ),
        (
            "data",
            MEMBERS,
            "{of: distinct}",
            "measure.of_what: is missing; write subscriber or instance",
        ),
        (
            "data",
            MEMBERS,
            "{of: distinct, of_what: instance}",
            "measure.of_what: data names no instance; write another measure",
        ),
        (
            "data",
            HOURLY.replace("at_least: 2", "flat_on_zero: true"),
            "",
            "price.flat_on_zero: is of a period, and empty windows owe nothing; remove it",
        ),
        (
            "data",
            HOURLY.replace("at_least: 2", "curve: volume, chosen_by: events"),
            "",
            "price.chosen_by: chooses the tier of a period's sum; remove it, or the measure",
        ),
        (
            "data",
            HOURLY.replace("hour", "fortnight"),
            "",
            (
                "price.each: 'fortnight' is not known; write one of event, period, 5min, hour, day,"
                " quarter, year"
            ),
        ),
    ],
)
def test_what_does_not_fit_is_refused(
    tmp_path: Path, service: str, price: str, measure: str, complaint: str
) -> None:
    """Each with the field and what to do."""
    assert complaints(tmp_path, service, price, measure) == [complaint]


def test_a_level_has_no_steps(tmp_path: Path) -> None:
    """What is counted of a level are its bytes, all of them."""
    found = complaints(tmp_path, "bandwidth", f"{LEVEL}, count: {{initial: 1000}}", P95)
    assert found == ["count: is of steps, and a level has none; remove it"]
