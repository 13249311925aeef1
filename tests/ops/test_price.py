"""What usage would cost: whose its keys are taken to be, and what is said of every event."""

from __future__ import annotations

from pathlib import Path

import pytest

from ops.price import (
    InTestError,
    UnknownAgreementError,
    attribution,
    moment,
    named_keys,
    price,
    roles_of,
)
from schemas.codes import KeyKind, Role, Service
from tests.builders import PARTNERS, agreement_text, reference_dir, tables
from tests.ops.books import (
    AGREEMENTS,
    ALL,
    ATTRIBUTION,
    MENDED,
    NOVEMBER_US,
    RATED,
    call,
    event,
    reference,
    usage_file,
)

ROUTES = {(KeyKind.ROUTE, "TG-001"), (KeyKind.ROUTE, "TG-002")}


def test_an_agreement_has_the_roles_of_its_items(tmp_path: Path) -> None:
    """W-1 has trunk groups coming in and products, S-1 channels."""
    known = tables(reference(tmp_path / "reference"))
    assert roles_of("W-1", known) == {Role.INGRESS, Role.PRODUCT}
    assert roles_of("S-1", known) == {Role.CHANNEL}


def test_the_keys_that_usage_names_are_found(tmp_path: Path) -> None:
    """Each once and for the role it would decide; subscribers by ranges of one digit."""
    sent = [*ALL, call(11, egress_route="TG-001")]
    named = named_keys([usage_file(tmp_path / "usage.jsonl", sent)])
    assert named[Role.INGRESS] == {(KeyKind.ROUTE, route) for route in ("TG-001", "TX-1", "TG-900")}
    assert named[Role.EGRESS] == {(KeyKind.ROUTE, "TG-001")}
    assert named[Role.PRODUCT] == {(KeyKind.PRODUCT, key) for key in ("PORT-1", "CIR-1")}
    assert named[Role.CHANNEL] == {(KeyKind.CHANNEL, "CH-1")}
    assert (KeyKind.NUMBER_RANGE, "4") in named[Role.SUBSCRIBER]
    assert len(named[Role.SUBSCRIBER]) == 20


def test_keys_that_no_file_could_list_are_left_out(tmp_path: Path) -> None:
    """Too long, empty, or with a line break in it: such an event is suspended, with its reason."""
    routes = ("x" * 129, "", "TG\n1", "TG 1")
    file = usage_file(tmp_path / "u.jsonl", [call(n, route) for n, route in enumerate(routes)])
    assert named_keys([file])[Role.INGRESS] == {(KeyKind.ROUTE, "TG 1")}


def test_conditions_still_find_the_keys_they_name(tmp_path: Path) -> None:
    """A range and a characteristic of the real attribution hold under the assumed one, too."""
    base = "role: subscriber, service: data, flow: receivable"
    items = ", ".join(
        f"{{item: {name}, {base}, price: {{kind: unit, per: megabyte, amount: {amount}}}{where}}}"
        for name, amount, where in (
            ("any", 1, ""),
            ("range", 2, ", where: {key: [number_range:49170]}"),
            ("status", 3, ", where: {characteristic: {status: [silver]}}"),
        )
    )
    terms = "valid_from: 2024-01-01, zone: UTC, currency: EUR"
    rows = "kind,key,name,value,valid_from,valid_upto\nnumber_range,4915,status,silver,,\n"
    given = reference_dir(
        tmp_path / "reference",
        agreements=agreement_text(items, name="M-1", terms=terms),
        attribution="kind,key,agreement,valid_from,valid_upto\n"
        "number_range,49170,own,,\nnumber_range,4915,own,,\n",
        others={"characteristics.csv": rows},
    )
    sent = [
        event(Service.DATA, n, subscriber=number)
        for n, number in enumerate(("491701234567", "491511234567", "47901234567"))
    ]
    found = price(given, "M-1", [usage_file(tmp_path / "usage.jsonl", sent)], None)
    assert [leg["item"] for leg in found["legs"]] == ["range", "status", "any"]


def test_keys_are_given_to_the_agreement_in_its_roles_only() -> None:
    """A route that usage leaves by is nobody's, unless usage comes in by it too."""
    named = {role: set[tuple[KeyKind, str]]() for role in Role}
    named[Role.INGRESS] = {(KeyKind.ROUTE, "TG-001")}
    named[Role.EGRESS] = ROUTES
    assert attribution("W-1", frozenset({Role.INGRESS}), named) == [
        ("route", "TG-001", "W-1", "", ""),
        ("route", "TG-002", "own", "", ""),
    ]


def test_every_event_is_priced_under_the_agreement_or_says_why_not(tmp_path: Path) -> None:
    """The books' calls of all routes cost 0.076 each, three of them 0.228.

    0.228 + 1 + 10 are received, 0.005 is paid; the conflicting and the impossible event have no
    price.
    """
    document = price(
        reference(tmp_path / "reference"), "W-1", [usage_file(tmp_path / "u.jsonl", ALL)], None
    )
    calls = [row for row in document["legs"] if row.get("item") == "voice-in"]
    assert [(row["event"], row["raw_quantity"], row["quantity"]) for row in calls] == [
        ("msc-1/0/1", 61, 66),
        ("msc-1/0/7", 61, 66),
        ("msc-1/0/9", 61, 66),
    ]
    assert {(r["zone"], r["arithmetic"], r["charge"], r["residue"]) for r in calls} == {
        ("DE-MOBILE", "66 x 0.06 / 60 + 0.01 = 0.076 -> 0.076000", "0.076000", "0")
    }
    assert [row["reason"] for row in document["legs"] if "item" not in row] == [
        "suspended: conflicting_body",
        "quarantined: negative_quantity (started_at=1730419200000000us duration_ms=-1)",
    ]
    [period] = document["periods"]
    assert (period["agreement"], period["period"], period["state"]) == ("W-1", "2024-11", "draft")
    assert period["totals"] == [
        {
            "currency": "EUR",
            "receivable": "11.228000",
            "payable": "0.005000",
            "net": "11.223000",
        }
    ]


def test_a_leg_keeps_what_rounding_cut_off(tmp_path: Path) -> None:
    """30 % of 0.000001 is 0.0000003: cut to micros nothing, and all of it the residue."""
    sold = event(Service.TRANSACTION, 1, sales_channel="CH-7", retail_amount_micros=1)
    file = usage_file(tmp_path / "u.jsonl", [sold])
    document = price(reference(tmp_path / "reference"), "S-1", [file], None)
    [row] = document["legs"]
    assert row["rate_line"] == "share of 30 % of the retail amount"
    assert (row["charge"], row["residue"]) == ("0.000000", "0.0000003")


def test_a_price_by_the_period_is_said_to_be_one(tmp_path: Path) -> None:
    """2 MB: the first at 0.01, the second at 0.002; the leg has no charge of its own."""
    file = usage_file(tmp_path / "u.jsonl", RATED)
    document = price(reference(tmp_path / "reference"), "M-1", [file], "2024-11")
    [row] = document["legs"]
    assert (row["charge"], row["reason"]) == (None, "priced by the period")
    [period] = document["periods"]
    assert period["state"] == "statement"
    assert period["totals"][0]["net"] == "0.012000"


def test_an_unknown_agreement_is_named(tmp_path: Path) -> None:
    """With the one it may be."""
    file = usage_file(tmp_path / "u.jsonl", RATED)
    with pytest.raises(UnknownAgreementError, match=r"no agreement W1 .*; is it W-1\?"):
        price(reference(tmp_path / "reference"), "W1", [file], None)


def test_with_a_partner_in_test_nothing_has_a_price(tmp_path: Path) -> None:
    """It is said before anything is settled; the other partner's agreement is priced."""
    partners = PARTNERS.replace("country: NO", "test: true")
    given = reference_dir(
        tmp_path / "r", partners=partners, agreements=AGREEMENTS, attribution=ATTRIBUTION
    )
    file = usage_file(tmp_path / "u.jsonl", [call(1)])
    with pytest.raises(InTestError, match="M-1 is of BRAVO, which is in test: ask with a copy"):
        price(given, "M-1", [file], None)
    assert [leg["item"] for leg in price(given, "W-1", [file], None)["legs"]] == ["voice-in"]


def test_the_reference_is_read_only(tmp_path: Path) -> None:
    """What it says of keys is neither used nor changed."""
    terms = reference(tmp_path / "reference", MENDED)
    before = {path: path.read_bytes() for path in terms.glob("**/*") if path.is_file()}
    price(terms, "W-1", [usage_file(tmp_path / "u.jsonl", RATED)], None)
    assert {path: path.read_bytes() for path in terms.glob("**/*") if path.is_file()} == before


def test_a_moment_is_written_in_utc() -> None:
    """With its fraction of a second where it has one."""
    assert moment(NOVEMBER_US) == "2024-11-01T00:00:00Z"
    assert moment(NOVEMBER_US + 1_500_000) == "2024-11-01T00:00:01.500000Z"
