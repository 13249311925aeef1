"""Whose an event is: one leg at most a role, the first listed key deciding."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from schemas.codes import Role, Service
from state.tables import Tables
from streams.attribution import describe_key, unheld
from tests import builders
from tests.makers import item_tables, legs_of, usage
from tests.usage_makers import NOVEMBER_US, message, row

PRICE = 'price: {kind: unit, per: event, amount: "1"}'
ITEMS = (
    f"{{item: in, role: ingress, service: sms, direction: in, flow: receivable, {PRICE}}}, "
    f"{{item: out, role: egress, service: sms, flow: payable, {PRICE}}}, "
    f"{{item: user, role: subscriber, service: sms, flow: receivable, {PRICE}}}"
)
KEYS = """\
route,TG-1,ALFA-1,,
route,TG-OWN,own,,
route,TG-LATE,ALFA-1,2026-11-01,
route,TG-GAP,ALFA-1,,2026-10-01
route,TG-GAP,own,2026-12-01,
number_range,4917,ALFA-1,,
number_range,49171,own,,
imsi_range,26201,ALFA-1,,
access_point,ap.alfa,ALFA-1,,
network,26202,own,,
network,24201,ALFA-1,,
network,23001,ALFA-1,,2026-10-01"""


@pytest.fixture(name="tables")
def _tables(tmp_path: Path) -> Tables:
    return item_tables(tmp_path, ITEMS, KEYS)


def attributed(tables: Tables, **fields: Any) -> tuple[list[str], str]:  # noqa: ANN401
    """The legs of one SMS as role and deciding key, and why there is none."""
    legs, why = legs_of(usage(message(Service.SMS, row(**fields))), tables)
    named = [
        f"{Role(role).label} {describe_key(tables, int(key))}"
        for role, key in zip(legs.role.tolist(), legs.key.tolist(), strict=True)
    ]
    return named, why[0]


@pytest.mark.parametrize(
    ("fields", "legs", "reason"),
    [
        ({"ingress_route": "TG-1"}, ["ingress route:TG-1"], "none"),
        # Both sides of one message, and its subscriber: three parties, three legs.
        (
            {"ingress_route": "TG-1", "egress_route": "TG-1", "subscriber": "49170"},
            ["ingress route:TG-1", "egress route:TG-1", "subscriber number_range:4917"],
            "none",
        ),
        ({"ingress_route": "TG-OWN", "egress_route": "TG-1"}, ["egress route:TG-1"], "none"),
        ({"ingress_route": "TG-OWN"}, [], "retail"),
        ({}, [], "no_attribution_key"),
        ({"ingress_route": "TG-9"}, [], "unknown_route"),
        # An unknown key of one role suspends the whole event, whatever the others say.
        ({"ingress_route": "TG-9", "subscriber": "49170"}, [], "unknown_route"),
        # The longest range decides, here for the operator itself; a range it is in is not asked.
        ({"subscriber": "491712"}, [], "retail"),
        # A number in no range decides nothing, and is no error.
        ({"subscriber": "1809"}, [], "retail"),
        ({"subscriber": "1809", "home_network": "24201"}, ["subscriber network:24201"], "none"),
        # Fifteen digits are an IMSI first, else a long number.
        ({"subscriber": "262011234567890"}, ["subscriber imsi_range:26201"], "none"),
        ({"subscriber": "491701234567890"}, ["subscriber number_range:4917"], "none"),
        # Fourteen digits are no IMSI.
        ({"subscriber": "26201123456789"}, [], "retail"),
        # The subscriber goes before the network; a network nobody knows matters only without it.
        (
            {"subscriber": "49170", "home_network": "99999"},
            ["subscriber number_range:4917"],
            "none",
        ),
        ({"subscriber": "1809", "home_network": "99999"}, [], "unknown_network"),
        ({"home_network": "26202"}, [], "retail"),
        # Listed up to October, and the event is of November: known, and nobody's now.
        ({"home_network": "23001"}, [], "not_entitled"),
        (
            {"subscriber": "49170", "home_network": "23001"},
            ["subscriber number_range:4917"],
            "none",
        ),
        # Between two owners; of two keys the first role's says why.
        ({"ingress_route": "TG-GAP"}, [], "not_entitled"),
        ({"ingress_route": "TG-GAP", "egress_route": "TG-9"}, [], "not_entitled"),
        ({"ingress_route": "TG-9", "egress_route": "TG-GAP"}, [], "unknown_route"),
    ],
)
def test_the_first_listed_key_decides(
    tables: Tables, fields: dict[str, Any], legs: list[str], reason: str
) -> None:
    """Each role asks its keys in order; `own` gives no leg; what nobody knows suspends."""
    assert attributed(tables, **fields) == (legs, reason)


@pytest.mark.parametrize(
    ("started_us", "reason"), [(NOVEMBER_US - 1, "not_entitled"), (NOVEMBER_US, "none")]
)
def test_a_key_counts_from_its_first_instant(tables: Tables, started_us: int, reason: str) -> None:
    """A route listed from the first of November is nobody's up to the last microsecond before."""
    assert attributed(tables, ingress_route="TG-LATE", started_at=started_us)[1] == reason


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"ingress_route": "TG-T"}, "test_partner"),
        # As a whole: the live partner's leg goes with it, and nothing else is asked for.
        ({"ingress_route": "TG-1", "egress_route": "TG-T"}, "test_partner"),
        ({"ingress_route": "TG-9", "egress_route": "TG-T"}, "test_partner"),
        ({"ingress_route": "TG-T", "started_at": 1_750_000_000_000_000}, "test_partner"),
        ({"ingress_route": "TG-1"}, "none"),
        ({"ingress_route": "TG-OWN"}, "retail"),
    ],
)
def test_what_concerns_a_partner_in_test_is_excluded(
    tmp_path: Path, fields: dict[str, Any], reason: str
) -> None:
    """Whatever else is unknown, and whether or not its agreement has a version then."""
    each = "valid_from: 2026-01-01, zone: UTC, currency: EUR"
    known = builders.reference_dir(
        tmp_path,
        partners=builders.PARTNERS.replace("country: NO", "test: true"),
        agreements=builders.agreement_text(ITEMS, terms=each)
        + builders.agreement_text(ITEMS, name="B-1", partner="BRAVO", terms=each),
        attribution="kind,key,agreement,valid_from,valid_upto\nroute,TG-1,ALFA-1,,\n"
        "route,TG-OWN,own,,\nroute,TG-T,B-1,,\n",
    )
    legs, why = attributed(builders.tables(known), **fields)
    assert why == reason
    assert (legs == []) is (reason != "none")


def test_the_key_that_nobody_holds_is_named(tables: Tables) -> None:
    """That of the first role that fails, and of its keys the first; nothing where none fails."""
    batch = usage(
        message(Service.SMS, row(ingress_route="TG-1", egress_route="TG-GAP")),
        message(Service.SMS, row(subscriber="49170", home_network="23001", sequence=2)),
        message(Service.SMS, row(ingress_route="TG-9", egress_route="TG-GAP", sequence=3)),
        message(Service.SMS, row(home_network="23001", sequence=4)),
    )
    found = unheld(batch, np.array([0, 1, 2, 3]), tables)
    assert found == ["route:TG-GAP", "", "route:TG-9", "network:23001"]
    assert unheld(batch, np.array([3, 2]), tables) == ["network:23001", "route:TG-9"]


def test_what_the_agreement_does_not_cover_has_a_leg_with_a_reason(tables: Tables) -> None:
    """Outgoing at the ingress has no item, and 2025 no version: legs that cannot be priced."""
    outgoing = row(ingress_route="TG-1", direction="out")
    before = row(ingress_route="TG-1", started_at=1_750_000_000_000_000, sequence=2)
    batch = usage(message(Service.SMS, outgoing), message(Service.SMS, before))
    legs, why = legs_of(batch, tables)
    assert why == ["none", "none"]
    assert legs.reason.tolist() == [27, 26]  # no item, no agreement
    assert legs.item.tolist() == [-1, -1]
