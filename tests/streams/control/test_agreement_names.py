"""An agreement is found by its name, by its id and by a name that it had before."""

from __future__ import annotations

from streams.control.agreement_names import AgreementNames, references
from streams.control.changes import Form
from tests.streams.control.inventory_makers import agreement, known, told


def test_a_name_goes_before_an_id() -> None:
    """Agreement 7 is called ALFA-1; another one has the unlucky name 7."""
    names = AgreementNames(known([agreement("ALFA-1", own_id="7"), agreement("7", own_id="8")]))
    assert names.resolve("ALFA-1") == "ALFA-1"
    assert names.resolve("7") == "7"
    assert names.resolve("8") == "7"


def test_without_a_name_it_is_its_id() -> None:
    """And what nobody has told of stays as it is written."""
    names = AgreementNames(known([told("agreement", "9", 0, {})]))
    assert (names.resolve("9"), names.resolve("FILE-1")) == ("9", "FILE-1")


def test_a_former_name_still_means_it() -> None:
    """A product may have been told before its agreement was renamed; an end changes nothing."""
    names = AgreementNames(
        known(
            [
                told("agreement", "7", 0, {"name": "OLD-1"}),
                told("agreement", "7", 5, {"name": "NEW-1"}, Form.PART),
                told("agreement", "7", 9, {}, Form.GONE),
            ]
        )
    )
    assert names.resolve("OLD-1") == names.resolve("7") == "NEW-1"


def test_references_of_the_reader_and_as_sent() -> None:
    """Products have `agreements`, orders and offerings may have `agreement` of id and name."""
    assert references({"agreements": [{"agreement": "A", "item": "1"}]}) == [["A"]]
    assert references({"agreement": [{"id": "7", "name": "A"}, {"name": "B"}]}) == [
        ["7", "A"],
        ["B"],
    ]
    assert references({"agreement": [{"id": None}, 5], "agreements": "A"}) == []
    names = AgreementNames(known([agreement("A", own_id="7")]))
    assert names.first_of({"agreement": [{"id": "7"}, {"id": "8"}]}) == "A"
    assert names.all_of({"agreement": [{"id": "7"}, {"id": "8"}]}) == {"A", "8"}
    assert names.first_of({}) == ""


def test_the_partner_of_an_agreement() -> None:
    """Who is engaged as partner, or the only party there is; of two others nobody is."""
    two = [{"party": "X", "role": "seller"}, {"party": "Y", "role": "buyer"}]
    names = AgreementNames(
        known(
            [
                agreement("A", "ALFA", "OPERATOR"),
                told("agreement", "B", 0, {"engagedParty": [{"party": "BETA", "role": "seller"}]}),
                told("agreement", "C", 0, {"engagedParty": two}),
            ]
        )
    )
    assert [names.partner(name) for name in ("A", "B", "C", "D")] == ["ALFA", "BETA", "", ""]
    assert names.is_engaged("OPERATOR", "A")
    assert not names.is_engaged("BETA", "A")
    assert names.is_engaged("BETA")
    assert not names.is_engaged("GAMMA")
    assert (names.has_parties("A"), names.has_parties("D")) == (True, False)
