"""Conditions on time bands: which items have one, and when it holds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ops.explain_selection import unmet
from schemas.codes import Service
from state.tables import Tables
from tests import builders
from tests.band_makers import us
from tests.makers import legs_of, usage
from tests.usage_makers import message, row

PLAN = """\
- bands: WEEK
  holidays: DE
  days:
    mon-fri: [{from: "00:00", band: night}, {from: "08:00", band: day}]
    sat-sun: [{from: "00:00", band: night}]
    holiday: [{from: "00:00", band: free}]
"""
HOLIDAYS = "date,name\n2026-11-18,A day of prayer\n"


def item(name: str, where: str = "") -> str:
    """A price of calls that come in."""
    asked = f", where: {{{where}}}" if where else ""
    return (
        f"{{item: {name}, role: ingress, service: voice, flow: receivable,"
        f" price: {{kind: unit, per: event, amount: 1}}{asked}}}"
    )


def reference(directory: Path, *items: str) -> Path:
    """A reference of one agreement in Berlin."""
    terms = "valid_from: 2026-01-01, zone: Europe/Berlin, currency: EUR"
    return builders.reference_dir(
        directory,
        agreements=builders.agreement_text(", ".join(items), terms=terms),
        attribution="kind,key,agreement,valid_from,valid_upto\nroute,TG-1,ALFA-1,,\n",
        others={"bands.yaml": PLAN, "holidays/DE.csv": HOLIDAYS},
    )


def winner(tables: Tables, moment: str) -> str:
    """The item that prices a call which begins at a time, in UTC."""
    call = row(Service.VOICE, ingress_route="TG-1", started_at=us(moment))
    legs, _ = legs_of(usage(message(Service.VOICE, call)), tables)
    return tables.items[int(legs.item[0])].name


NIGHT, FREE = "band: {of: WEEK, in: [night]}", "band: {of: WEEK, in: [free]}"


@pytest.mark.parametrize(
    ("moment", "name"),
    [
        ("2026-11-17T06:59:59", "night"),  # 07:59:59 in Berlin, a Tuesday
        ("2026-11-17T07:00:00", "usual"),
        ("2026-11-18T07:00:00", "free"),  # a holiday
        ("2026-11-18T02:00:00", "free"),
        ("2026-11-21T12:00:00", "night"),  # a Saturday
        ("2026-07-17T06:00:00", "usual"),  # 08:00 in summer
    ],
)
def test_an_item_is_for_calls_that_begin_in_its_bands(
    tmp_path: Path, moment: str, name: str
) -> None:
    """By the clock of the agreement's zone; the others are priced by the fallback."""
    tables = builders.tables(
        reference(tmp_path, item("usual"), item("night", NIGHT), item("free", FREE))
    )
    assert winner(tables, moment) == name


def test_the_band_of_a_call_that_no_item_is_for_is_said(tmp_path: Path) -> None:
    """What is asked, and in which band the call begins instead."""
    tables = builders.tables(reference(tmp_path, item("night", NIGHT)))
    call = row(Service.VOICE, ingress_route="TG-1", started_at=us("2026-11-17T09:00:00"))
    (told,) = unmet(usage(message(Service.VOICE, call)), 0, tables)
    assert (told["conditions"], told["result"]) == ("band night of WEEK", "not met: band is day")


def test_who_has_no_condition_is_not_looked_at(tmp_path: Path) -> None:
    """Only the rows of items that have one."""
    conditions = builders.tables(
        reference(tmp_path, item("usual"), item("night", NIGHT))
    ).choices.bands
    assert conditions.asked(np.array([0, 1, 0, 1], np.int32)).tolist() == [1, 3]
    assert conditions.name(1, us("2026-11-18T02:00:00")) == "free"


@pytest.mark.parametrize(
    ("items", "complaint"),
    [
        (
            [item("a", "band: {of: WEEK, in: [evening]}")],
            (
                "items[0].where.band.in[0]: 'evening' is no band of WEEK; its bands are day, free,"
                " night"
            ),
        ),
        (
            [item("a", "band: {of: WEEK, in: [day, night, free]}")],
            (
                "items[0].where.band.in: lists all bands of WEEK, which always hold; remove the"
                " condition"
            ),
        ),
        (
            [item("a", "band: {of: YEAR, in: [day]}")],
            "items[0].where.band.of: there are no bands 'YEAR'; add them to bands.yaml",
        ),
        (
            [item("a", NIGHT), item("b", "band: {of: WEEK, in: [day, night]}")],
            (
                "items[1].where: covers the same usage as item 'a' with equal precedence"
                " (both: band night of WEEK); give one another condition"
            ),
        ),
    ],
)
def test_what_cannot_be_asked_is_refused(tmp_path: Path, items: list[str], complaint: str) -> None:
    """An unknown plan or band, all bands, and two items that could both hold."""
    found = builders.complaints_of(reference(tmp_path, item("usual"), *items))
    told = [one.partition("versions[0].")[2] for one in found]
    shifted = complaint.replace("items[1]", "items[2]").replace("items[0]", "items[1]")
    assert shifted in told


def test_conditions_on_two_plans_may_both_hold(tmp_path: Path) -> None:
    """Of different plans nobody knows that they never meet."""
    other = '- {bands: HALVES, days: {mon-sun: [{from: "00:00", band: am}, '
    other += '{from: "12:00", band: pm}]}}\n'
    directory = reference(
        tmp_path, item("a", NIGHT), item("b", "band: {of: HALVES, in: [am]}"), item("usual")
    )
    (directory / "bands.yaml").write_text(PLAN + other)
    (one, two) = builders.complaints_of(directory)
    assert "(both: band night of WEEK and am of HALVES)" in one + two
