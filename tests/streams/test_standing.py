"""Who answers for a period, and for how many of its days: clocks that change, months, edges."""

from __future__ import annotations

from pathlib import Path

import pytest

from state.calendar import Periods
from state.tables import VersionInfo
from streams.standing import Served, periods_of, served, span_served
from tests import builders

ITEM = "{item: a, role: ingress, service: sms, flow: receivable, price: {kind: unit, per: event"


def versions(directory: Path, *spans: str, zone: str = "Europe/Berlin") -> list[VersionInfo]:
    """Versions with these validities (and other terms)."""
    listed = ", ".join(
        f"{{version: {n}, zone: {zone}, currency: EUR, valid_from: {span}, "
        f"items: [{ITEM}, amount: 1}}}}]}}"
        for n, span in enumerate(spans, 1)
    )
    text = f"- {{agreement: A, partner: ALFA, model: wholesale, versions: [{listed}]}}\n"
    keys = "kind,key,agreement,valid_from,valid_upto\n"
    reference = builders.reference_dir(directory, agreements=text, attribution=keys)
    return list(builders.tables(reference).versions)


@pytest.mark.parametrize(
    ("spans", "label", "expected"),
    [
        (["2026-01-01"], "2026-11", Served(0, 30, 30)),
        (["2026-11-16"], "2026-11", Served(0, 15, 30)),
        (["2026-01-01, valid_upto: 2026-11-16"], "2026-11", Served(0, 15, 30)),
        (["2026-01-01, valid_upto: 2026-11-16", "2026-11-16"], "2026-11", Served(1, 30, 30)),
        # A leap day; a day of 23 and one of 25 hours are one day each.
        (["2028-02-29"], "2028-02", Served(0, 1, 29)),
        (["2026-03-29"], "2026-03", Served(0, 3, 31)),
        (["2026-10-25"], "2026-10", Served(0, 7, 31)),
        # Half a day in force is a day in force.
        (['"2026-11-30T22:00:00+01:00"'], "2026-11", Served(0, 1, 30)),
        (["2026-11-16"], "2026-10", None),
        (["2026-12-01"], "2026-11", None),
        (["2026-01-01, valid_upto: 2026-11-01"], "2026-11", None),
        (["2026-01-01, period: day"], "2026-11", None),
        (["2026-01-01, period: day"], "2026-11-23", Served(0, 1, 1)),
    ],
)
def test_days_in_force(
    tmp_path: Path, spans: list[str], label: str, expected: Served | None
) -> None:
    """Days of the calendar on which some version is in force, of all days of the period."""
    assert served(versions(tmp_path, *spans), label) == expected


@pytest.mark.parametrize(
    ("spans", "label", "expected"),
    [
        (["2026-01-01"], "2026-10..2026-12", Served(0, 92, 92, "2026-12")),
        (["2026-11-16"], "2026-10..2026-12", Served(0, 46, 92, "2026-12")),
        # What ends within the span owes in its last period, too.
        (["2026-01-01, valid_upto: 2026-11-16"], "2026-10..2026-12", Served(0, 46, 92, "2026-12")),
        (
            ["2026-01-01, valid_upto: 2026-11-01", "2026-11-01"],
            "2026-04..2027-03",
            Served(1, 365, 365, "2027-03"),
        ),
        (["2027-06-01, period: day"], "2027-04..2028-03", Served(0, 305, 366, "2028-03-31")),
        (["2027-01-01"], "2026-10..2026-12", None),
    ],
)
def test_days_of_a_span(
    tmp_path: Path, spans: list[str], label: str, expected: Served | None
) -> None:
    """Days in force of all days of the span, and the period in which what is owed falls due."""
    assert span_served(versions(tmp_path, *spans), label) == expected


def test_the_periods_of_a_span() -> None:
    """Months, or the 92 days of a quarter in which a clock changes."""
    assert periods_of("2026-10..2026-12", Periods.of("Europe/Berlin", "month")) == (
        "2026-10",
        "2026-11",
        "2026-12",
    )
    days = periods_of("2026-10..2026-12", Periods.of("Europe/Berlin", "day"))
    assert (days[0], days[-1], len(days)) == ("2026-10-01", "2026-12-31", 92)
