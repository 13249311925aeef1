"""Products of an inventory: status, dates, agreement and units, as masters tell them."""

from __future__ import annotations

from typing import Any

import pytest

from streams.control.agreement_names import AgreementNames
from streams.control.changes import Change, Form
from streams.control.products import inventoried
from tests.streams.control.inventory_makers import agreement, day_of, day_text, known, told

UNDER_A = [{"agreement": "ALFA-1", "item": "1"}]


def product(day: int, status: str | None = "active", form: Form = Form.FULL, **said: Any) -> Change:  # noqa: ANN401
    """What was told of product P on a day; under agreement ALFA-1 unless it says otherwise."""
    values = {"agreements": UNDER_A} if form is Form.FULL else {}
    if status is not None:
        values |= {"status": status}  # type: ignore[dict-item]
    return told("product", "P", day, {**values, **said}, form)


def found(*changes: Change) -> tuple[list[tuple[Any, ...]], list[str]]:
    """Agreement, days from and up to (None for open) and units; and the reasons of findings."""
    entities = known(changes)
    rows, findings = inventoried(entities, AgreementNames(entities))
    days = [(r.agreement, day_of(r.from_us), day_of(r.upto_us), r.units) for r in rows["P"]]
    return days, [finding.reason for finding in findings]


def test_the_life_of_a_product() -> None:
    """Created on day 0, active from 3, suspended 5 to 8, ending from 10, over on 12."""
    days, reasons = found(
        product(0, "created"),
        product(3, "active", Form.PART),
        product(5, "suspended", Form.PART),
        product(8, "active", Form.PART),
        product(10, "pendingTerminate", Form.PART),
        product(12, "terminated", Form.PART),
    )
    assert days == [("ALFA-1", 3, 5, 1), ("ALFA-1", 8, 12, 1)]
    assert reasons == []


@pytest.mark.parametrize("status", ["cancelled", "aborted", "aborted ", "Aborted"])
def test_what_never_came_to_be(status: str) -> None:
    """Also in the spelling of the standard, which has a blank behind it."""
    assert found(product(0, "created"), product(4, status, Form.PART)) == ([], [])


def test_charging_begins_with_the_start_and_not_with_the_message() -> None:
    """Told on day 10, in service since day 4; its end is told on day 30 and was on day 25."""
    days, _ = found(
        product(10, startDate=day_text(4)),
        product(30, "terminated", Form.PART, terminationDate=day_text(25)),
    )
    assert days == [("ALFA-1", 4, 25, 1)]


def test_another_agreement_from_a_day_on() -> None:
    """A handover on day 7 leaves no gap and no overlap."""
    handed = [{"agreement": "BETA-1", "item": "1"}]
    days, _ = found(product(0), product(7, None, Form.PART, agreements=handed))
    assert days == [("ALFA-1", 0, 7, 1), ("BETA-1", 7, None, 1)]


def test_an_agreement_is_named_by_its_name() -> None:
    """The inventory knows agreement 4711, which is called ALFA-1."""
    days, _ = found(
        agreement("ALFA-1", "ALFA", own_id="4711"), product(0, agreements=[{"agreement": "4711"}])
    )
    assert days == [("ALFA-1", 0, None, 1)]


def test_a_change_of_units_splits() -> None:
    """Two units, from day 6 four; numbers with a fraction are told as text."""
    days, reasons = found(
        product(0, characteristics={"units": 2}),
        product(6, None, Form.PART, characteristics={"units": "4.0"}),
    )
    assert days == [("ALFA-1", 0, 6, 2), ("ALFA-1", 6, None, 4)]
    assert reasons == []


@pytest.mark.parametrize("units", ["many", "2.5", 0, -1, True, None, [2], 10**10])
def test_units_that_are_none_change_nothing(units: object) -> None:
    """What was known before stays, and is told; no characteristic at all is one unit."""
    days, reasons = found(
        product(0, characteristics={"units": 2}),
        product(6, None, Form.PART, characteristics={"units": units}),
    )
    if units is None:
        assert (days, reasons) == ([("ALFA-1", 0, 6, 2), ("ALFA-1", 6, None, 1)], [])
    else:
        assert (days, reasons) == ([("ALFA-1", 0, None, 2)], ["bad_value"])


def test_wrong_units_that_are_corrected_are_forgotten() -> None:
    """The correction of day 8 is what was meant on day 6."""
    days, reasons = found(
        product(0, characteristics={"units": 2}),
        product(6, None, Form.PART, characteristics={"units": "four"}),
        product(8, None, Form.PART, characteristics={"units": 4}),
    )
    assert days == [("ALFA-1", 0, 6, 2), ("ALFA-1", 6, None, 4)]
    assert reasons == []


def test_demarcation_at_the_point_of_interconnect() -> None:
    """What the end user accepts does not matter there, nor where nothing is said."""
    for said in ({}, {"demarcation": "point_of_interconnect"}):
        accepted = {**said, "endUserAcceptedAt": day_text(9)}
        days, _ = found(product(5, startDate=day_text(4), characteristics=accepted))
        assert days == [("ALFA-1", 4, None, 1)]


def test_demarcation_at_the_end_user() -> None:
    """Charging waits for the acceptance of day 9; one before the start changes nothing."""
    for accepted, first in ((9, 9), (2, 4)):
        said = {"demarcation": "end_user", "endUserAcceptedAt": day_text(accepted)}
        days, _ = found(product(5, startDate=day_text(4), characteristics=said))
        assert days == [("ALFA-1", first, None, 1)]
    days, _ = found(product(5, startDate=day_text(4), characteristics={"demarcation": "end_user"}))
    assert days == [("ALFA-1", 4, None, 1)]


def test_an_unknown_demarcation_is_told() -> None:
    """And the usual one counts."""
    said = {"demarcation": "roof", "endUserAcceptedAt": day_text(9)}
    assert found(product(5, characteristics=said)) == ([("ALFA-1", 5, None, 1)], ["bad_value"])


def test_dates_without_a_status() -> None:
    """A status is not mandatory: the dates say it then, and without dates nothing does."""
    days, _ = found(product(9, None, startDate=day_text(2), terminationDate=day_text(7)))
    assert days == [("ALFA-1", 2, 7, 1)]
    assert found(product(9, None)) == ([], [])


def test_a_status_that_nobody_knows() -> None:
    """It changes nothing and is told, until another one comes."""
    assert found(product(0), product(4, "odd")) == ([("ALFA-1", 0, None, 1)], ["unknown_status"])
    assert found(product(0), product(4, "odd"), product(6, "suspended")) == (
        [("ALFA-1", 0, 6, 1)],
        [],
    )


def test_a_part_before_its_image() -> None:
    """Alone it is left out and told; the image that comes later settles it."""
    late = product(5, "active", Form.PART)
    assert found(late) == ([], ["incomplete"])
    assert found(late, product(2, "created")) == ([("ALFA-1", 5, None, 1)], [])


def test_a_date_that_is_no_moment() -> None:
    """It is left out and told; the other dates do not help."""
    assert found(product(0, startDate="soon")) == ([], ["bad_time"])


def test_a_product_without_agreement_is_no_concern() -> None:
    """However wrong it is: the operator's own business."""
    assert found(product(0, "odd", agreements=[], startDate="soon")) == ([], [])


def test_a_deleted_product_has_ended() -> None:
    """On the day of its deletion; made again it is in service again."""
    days, _ = found(product(0), told("product", "P", 5, {}, Form.GONE), product(9))
    assert days == [("ALFA-1", 0, 5, 1), ("ALFA-1", 9, None, 1)]


def test_what_is_wrong_with_a_deleted_product_is_forgotten() -> None:
    """Nobody can put it right any more."""
    gone = told("product", "P", 5, {}, Form.GONE)
    assert found(product(0), product(3, "odd"), gone) == ([("ALFA-1", 0, 5, 1)], [])
