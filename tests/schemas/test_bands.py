"""Plans of time bands: every minute of every day in exactly one band, or refused with its line."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from schemas.bands import BandStart, clock_text, days_of
from schemas.reference import load
from tests.builders import agreement_text, complaints_of, reference_dir

NO_KEYS = "kind,key,agreement,valid_from,valid_upto\n"

PLAN = """\
- bands: WORKWEEK
  holidays: DE
  days:
    mon-fri: [{from: "00:00", band: night}, {from: "08:00", band: day}, {from: "18:00", band: dusk}]
    sat-sun: [{from: "00:00", band: night}]
    holiday: [{from: "00:00", band: night}]
"""
HOLIDAYS = "date,name\n2026-12-25,Christmas Day\n2026-01-01,New Year\n"


def directory_of(path: Path, plan: str = PLAN, holidays: str = HOLIDAYS) -> Path:
    """A reference directory with a plan and a calendar."""
    return reference_dir(path, others={"bands.yaml": plan, "holidays/DE.csv": holidays})


def complaints(path: Path, plan: str = PLAN, holidays: str = HOLIDAYS) -> list[str]:
    """What is wrong with it."""
    return complaints_of(directory_of(path, plan, holidays))


def test_a_plan_and_its_calendar_load(tmp_path: Path) -> None:
    """Times become minutes since midnight, dates rise, a range of days is each of its days."""
    reference = load(directory_of(tmp_path))
    (plan,), (calendar,) = reference.bands, reference.holidays
    assert (plan.plan, plan.holidays, plan.names) == ("WORKWEEK", "DE", ("day", "dusk", "night"))
    starts = [(start.from_minutes, start.band) for start in plan.starts("wed")]
    assert starts == [(0, "night"), (480, "day"), (1080, "dusk")]
    assert [start.band for start in plan.starts("sun")] == ["night"]
    assert calendar.dates == (date(2026, 1, 1), date(2026, 12, 25))


def test_a_directory_without_bands_is_what_it_was(tmp_path: Path) -> None:
    """The file is not needed, and without it the name of the reference is the same as before."""
    reference = load(reference_dir(tmp_path))
    assert (reference.bands, reference.holidays) == ((), ())


def test_holidays_and_hours_are_part_of_the_content(tmp_path: Path) -> None:
    """Another holiday may be another price, so it is another reference."""
    first = load(directory_of(tmp_path / "a")).reference_id
    more = HOLIDAYS + "2026-12-26,Boxing Day\n"
    assert load(directory_of(tmp_path / "b", holidays=more)).reference_id != first


def test_every_day_is_named_in_one_of_three_ways() -> None:
    """A day, a range from Monday on, or the holidays."""
    assert days_of("sun") == ("sun",)
    assert days_of("thu-sat") == ("thu", "fri", "sat")
    assert days_of("holiday") == ("holiday",)
    assert clock_text(BandStart.model_validate({"from": "23:59", "band": "a"}).from_minutes) == (
        "23:59"
    )


@pytest.mark.parametrize(
    ("written", "instead", "complaint"),
    [
        (
            '[{from: "00:00", band: night}, {from: "08:00", band: day}',
            '[{from: "08:00", band: day}',
            '4: days.mon-fri: leaves 00:00 to 08:00 without a band; begin with from: "00:00"',
        ),
        (
            '{from: "08:00", band: day}, {from: "18:00", band: dusk}',
            '{from: "18:00", band: day}, {from: "18:00", band: night}',
            "4: days.mon-fri[2].from: does not rise; sort the starts of a day by from",
        ),
        ("sat-sun", "sat", "3: days: has no band for sun; every day needs its bands"),
        ("sat-sun", "fri-sun", "5: days.fri-sun: names fri twice; 'mon-fri' has it already"),
        (
            "sat-sun",
            "sun-sat",
            "5: days.sun-sat: runs backwards; write the days apart, from mon to sun",
        ),
        ("sat-sun", "weekend", "5: days.weekend: is no day; write one of mon, tue, wed"),
        (
            'holiday: [{from: "00:00", band: night}]',
            "holiday: []",
            '6: days.holiday: is empty; begin with from: "00:00"',
        ),
        (
            '    holiday: [{from: "00:00", band: night}]\n',
            "",
            "3: days: has no band for holiday; write what holds on the days of 'DE'",
        ),
        (
            "  holidays: DE\n",
            "",
            "5: days.holiday: is never used; name the calendar of holidays, or remove this day",
        ),
        (
            "holidays: DE",
            "holidays: FR",
            "2: holidays: there is no calendar 'FR'; add holidays/FR.csv",
        ),
        (
            '"08:00"',
            '"8:00"',
            "4: days.mon-fri[1].from: '8:00' is not a time of day; write it from",
        ),
        ('"08:00"', '"24:00"', "4: days.mon-fri[1].from: '24:00' is not a time of day"),
        ("band: day", "band: ", "4: days.mon-fri[1].band: is empty; write a value"),
        ("holidays: DE", "holiday: DE", "2: holiday: is not known here; write holidays"),
    ],
)
def test_a_wrong_plan_is_named_with_what_to_write(
    tmp_path: Path, written: str, instead: str, complaint: str
) -> None:
    """Gaps, doubled and missing days, times out of order: each with its line and field."""
    assert written in PLAN
    found = complaints(tmp_path, PLAN.replace(written, instead, 1))
    assert any(one.startswith(f"bands.yaml:{complaint}") for one in found), found


def test_days_are_fields(tmp_path: Path) -> None:
    """A list of days is no plan."""
    found = complaints(tmp_path, "- {bands: A, days: [mon]}\n")
    assert found == ["bands.yaml:1: days: must be fields, written name: value"]


def test_a_plan_is_given_once(tmp_path: Path) -> None:
    """Two plans of one name would be two prices of one hour."""
    found = complaints(tmp_path, PLAN + PLAN)
    message = "bands: 'WORKWEEK' is already given on line 1; keep one of the two"
    assert found == [f"bands.yaml:7: {message}"]


def test_a_plan_has_few_bands(tmp_path: Path) -> None:
    """More bands than a byte has room for are a mistake, not a tariff."""
    starts = ", ".join(
        f'{{from: "{clock_text(minutes)}", band: b{minutes}}}' for minutes in range(101)
    )
    found = complaints(tmp_path, f"- {{bands: A, days: {{mon-sun: [{starts}]}}}}\n")
    assert found == ["bands.yaml:1: days: names 101 bands; 100 are the most"]


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ("2026-12-25,Again", "date: '2026-12-25' is already given above; keep one of the two rows"),
        ("25.12.2026,Christmas", "date: '25.12.2026' is not a date; write a date, 2026-01-31"),
        ("2027-02-29,Leap", "date: '2027-02-29' is not a date; write a date, 2026-01-31"),
        (
            "2026-12-25T00:00:00Z,Christmas",
            "date: '2026-12-25T00:00:00Z' is a moment; a holiday is a whole day",
        ),
    ],
)
def test_a_wrong_holiday_is_named(tmp_path: Path, row: str, complaint: str) -> None:
    """With its line, so that it is found in a long calendar."""
    found = complaints(tmp_path, holidays=f"{HOLIDAYS}{row}\n")
    assert len(found) == 1
    assert found[0].startswith(f"holidays/DE.csv:4: {complaint}")


def test_only_calendars_lie_among_the_holidays(tmp_path: Path) -> None:
    """What nobody reads is refused, and so is a name that no plan could say."""
    others = {"holidays/DE.txt": "x", "holidays/a b.csv": HOLIDAYS}
    assert complaints_of(reference_dir(tmp_path, others=others)) == [
        "holidays/DE.txt: is not a calendar of holidays; name it NAME.csv",
        (
            "holidays/a b.csv: the calendar's name 'a b' is not a name; "
            "use letters, digits and _ . : - and begin with a letter or digit"
        ),
    ]


ITEM = "{item: one, role: ingress, service: SERVICE, flow: receivable, price: PRICE}"
PRICES = "{day: {amount: 2, initial_seconds: 60}, dusk: {amount: 2}, night: {amount: 1}}"
BANDS = f"{{of: WORKWEEK, split: round_each_band, prices: {PRICES}}}"
BANDED = f"{{kind: unit, per: minute, bands: {BANDS}}}"


def price_complaints(path: Path, price: str, service: str = "voice", terms: str = "") -> list[str]:
    """What is wrong with a price, without the file's name, its line and the item."""
    usual = f"valid_from: 2026-01-01, zone: UTC, currency: EUR{terms}"
    text = agreement_text(ITEM.replace("SERVICE", service).replace("PRICE", price), terms=usual)
    others = {"bands.yaml": PLAN, "holidays/DE.csv": HOLIDAYS}
    found = complaints_of(reference_dir(path, agreements=text, attribution=NO_KEYS, others=others))
    return [complaint.split("versions[0].items[0].price.", 1)[1] for complaint in found]


def test_a_price_by_band_loads(tmp_path: Path) -> None:
    """With a price for each band of its plan."""
    assert price_complaints(tmp_path, BANDED) == []


@pytest.mark.parametrize(
    ("written", "instead", "complaint"),
    [
        ("of: WORKWEEK", "of: WEEK", "bands.of: there are no bands 'WEEK'; add them to bands.yaml"),
        (
            ", night: {amount: 1}",
            "",
            "bands.prices: has no price for band 'night'; every band of WORKWEEK needs one",
        ),
        (
            "night: {amount: 1}",
            "night: {amount: 1}, noon: {amount: 1}",
            "bands.prices.noon: is no band of WORKWEEK; its bands are day, dusk, night",
        ),
        (
            "split: round_each_band, ",
            "",
            (
                "bands.split: is missing; "
                "the contract must say start_band, complete_increment or round_each_band"
            ),
        ),
        (
            "split: round_each_band",
            "split: none",
            "bands.split: 'none' is not known; write one of start_band, complete_increment, ",
        ),
        (
            "per: minute",
            "per: minute, amount: 1",
            "amount: stands beside bands; write it in the price of each band",
        ),
        (
            "per: minute",
            "per: minute, next_seconds: 6",
            "next_seconds: stands beside bands; write it in the price of each band",
        ),
        (
            "per: minute",
            "per: minute, maximum: 6",
            "maximum: stands beside bands; write it in the price of each band",
        ),
        (
            "amount: 1}",
            "amount: 1, minimum: 3, maximum: 2}",
            "bands.prices.night.maximum: is below minimum; exchange the two",
        ),
        ("amount: 1}", "amount: -1}", "bands.prices.night.amount: '-1' is negative; write it"),
        ("amount: 1}", "amuont: 1}", "bands.prices.night.amount: is missing; add it"),
        (
            "round_each_band, prices: {day: {amount: 2, initial_seconds: 60}",
            "start_band, prices: {day: {amount: 2, initial_seconds: 0}",
            "bands.prices.day.initial_seconds: '0' is not a whole number from 1 to 86400",
        ),
        (
            "per: minute",
            "per: event",
            "bands.prices.day.initial_seconds: is for prices per time, not per event; remove it",
        ),
        (
            "per: minute",
            "per: event",
            "bands.split: splits time, and this price is per event; write start_band",
        ),
        ("per: minute", "per: megabyte", "per: voice is not counted so; write one of second, "),
    ],
)
def test_a_wrong_price_by_band_is_named(
    tmp_path: Path, written: str, instead: str, complaint: str
) -> None:
    """Bands without a price, rules left open, time that is none."""
    assert written in BANDED
    found = price_complaints(tmp_path, BANDED.replace(written, instead, 1))
    assert any(one.startswith(complaint) for one in found), found


def test_a_wrong_plan_brings_no_complaints_about_prices(tmp_path: Path) -> None:
    """Its bands are not known, so nothing can be said about prices for them."""
    others = {"bands.yaml": PLAN.replace('"18:00"', "six"), "holidays/DE.csv": HOLIDAYS}
    text = agreement_text(ITEM.replace("SERVICE", "voice").replace("PRICE", BANDED))
    found = complaints_of(
        reference_dir(tmp_path, agreements=text, attribution=NO_KEYS, others=others)
    )
    assert [one.split(":")[0] for one in found] == ["bands.yaml"]


def test_what_is_counted_is_said_by_the_bands(tmp_path: Path) -> None:
    """Each band has increments of its own, so the item has none."""
    usual = "valid_from: 2026-01-01, zone: UTC, currency: EUR"
    item = ITEM.replace("SERVICE", "voice").replace("price: PRICE", f"count: {{}}, price: {BANDED}")
    others = {"bands.yaml": PLAN, "holidays/DE.csv": HOLIDAYS}
    text = agreement_text(item, terms=usual)
    (found,) = complaints_of(
        reference_dir(tmp_path, agreements=text, attribution=NO_KEYS, others=others)
    )
    assert found.endswith("items[0].count: is said by the increments of each band; remove it")


def test_a_price_by_band_must_be_roundable(tmp_path: Path) -> None:
    """As for any unit price: a record per gigabyte cannot be rounded to hundreds."""
    price = BANDED.replace("minute", "gigabyte").replace("round_each_band", "start_band")
    price = price.replace(", initial_seconds: 60", "")
    found = price_complaints(tmp_path, price, "data", ", rounding: {decimals: -2}")
    assert len(found) == 1
    assert found[0].startswith("per: is too large to round records to -2 decimals")
