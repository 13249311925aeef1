"""What is on offer to whom, and when."""

from __future__ import annotations

from typing import Any

from streams.control.agreement_names import AgreementNames
from streams.control.catalogues import Catalogue
from streams.control.changes import Change, Form
from tests.streams.control.inventory_makers import agreement, day_text, day_us, known, told


def offering(day: int, form: Form = Form.FULL, **said: Any) -> Change:  # noqa: ANN401
    """What was told of offering PORT on a day."""
    return told("productOffering", "PORT", day, said, form)


def reason(
    *changes: Change, day: int = 5, name: str = "PORT", under: str = "ALFA-1", by: str = "ALFA"
) -> str:
    """Why an order of a day is refused; empty when it is not."""
    entities = known(changes)
    verdict = Catalogue(entities, AgreementNames(entities)).verdict(name, under, by, day_us(day))
    assert bool(verdict.reason) == bool(verdict.detail)
    return verdict.reason


def test_without_catalogues_nothing_is_checked() -> None:
    """A deployment whose orders alone are told."""
    assert reason(agreement("ALFA-1", "ALFA")) == ""


def test_the_master_catalogue_is_open_to_all() -> None:
    """An offering that names no agreement."""
    assert reason(offering(0, lifecycleStatus="Active")) == ""


def test_what_no_catalogue_knows_is_not_sold() -> None:
    """Another name, none at all, or an offering of which only a part was told."""
    assert reason(offering(0), name="OTHER") == "unknown_offering"
    assert reason(offering(0), name="") == "unknown_offering"
    assert reason(offering(0, Form.PART)) == "unknown_offering"


def test_what_is_retired_is_no_longer_sold() -> None:
    """Retired on day 4: ordered on day 3 it was on offer, on day 5 it was not."""
    for status in ("Retired", "obsolete "):
        changes = (
            offering(0, lifecycleStatus="Active"),
            offering(4, Form.PART, lifecycleStatus=status),
        )
        assert reason(*changes, day=3) == ""
        assert reason(*changes, day=5) == "not_in_catalogue"


def test_what_is_deleted_is_no_longer_sold() -> None:
    """Deleted on day 4; what was deleted before it was known in full was never sold."""
    assert reason(offering(0), offering(4, Form.GONE), day=3) == ""
    assert reason(offering(0), offering(4, Form.GONE), day=5) == "not_in_catalogue"
    assert reason(offering(0, Form.PART), offering(7, Form.GONE)) == "unknown_offering"


def test_it_is_sold_while_its_validity_lasts() -> None:
    """From day 2 up to day 6, the end not included."""
    valid = offering(0, validFor={"startDateTime": day_text(2), "endDateTime": day_text(6)})
    found = [reason(valid, day=day) for day in (1, 2, 5, 6)]
    assert found == ["not_in_catalogue", "", "", "not_in_catalogue"]


def test_a_catalogue_that_is_told_later() -> None:
    """Loaded on day 9: its status says nothing of day 5, its validity does."""
    assert reason(offering(9, lifecycleStatus="Retired")) == ""
    ended = {"endDateTime": day_text(4)}
    assert reason(offering(9, validFor=ended)) == "not_in_catalogue"


def test_a_validity_that_is_no_moment() -> None:
    """Nobody knows whether it was on offer, so it was not."""
    assert reason(offering(0, validFor={"endDateTime": "soon"})) == "bad_time"


def test_an_offering_of_some_agreements_is_theirs_alone() -> None:
    """Named by id or name; the catalogue of ALFA-1 is not that of BETA-1."""
    alfa, beta = agreement("ALFA-1", "ALFA", own_id="7"), agreement("BETA-1", "BETA")
    for reference in ({"id": "7"}, {"name": "ALFA-1"}, {"id": "x", "name": "ALFA-1"}):
        private = offering(0, agreement=[reference])
        assert reason(alfa, beta, private) == ""
        assert reason(alfa, beta, private, under="BETA-1", by="BETA") == "not_in_catalogue"
        assert reason(alfa, beta, private, under="", by="BETA") == "not_in_catalogue"


def test_a_partner_cannot_borrow_an_agreement() -> None:
    """BETA is party to BETA-1 only; an end customer, party to nothing, buys by way of ALFA."""
    alfa, beta = agreement("ALFA-1", "ALFA", "US"), agreement("BETA-1", "BETA", "US")
    private = offering(0, agreement=[{"name": "ALFA-1"}])
    assert reason(alfa, beta, private, by="BETA") == "not_in_catalogue"
    assert reason(alfa, beta, private, by="somebody") == ""
    assert reason(alfa, beta, private, by="") == ""
