"""Usage outside of the territory of its agreement is found, on whichever leg it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from schemas.codes import Reason, Role, Service
from state.tables import Tables
from streams.attribution import attribute
from streams.suspense import missing
from streams.territory import network, wrong_number
from tests.builders import reference_dir
from tests.builders import tables as tables_of
from tests.makers import legs_of, usage
from tests.usage_makers import message, row

EACH = 'flow: receivable, price: {kind: unit, per: event, amount: "1"}'
ITEMS = ", ".join(
    f"{{item: {service}-{role}, role: {role}, service: {service}, {EACH}}}"
    for service, role in (
        ("voice", "ingress"),
        ("voice", "egress"),
        ("sms", "ingress"),
        ("data", "subscriber"),
        ("circuit", "product"),
    )
)
TERMS = "zone: UTC, currency: EUR"
KEYS = """\
kind,key,agreement,valid_from,valid_upto
route,TG-1,ALFA-1,,
route,TG-2,BRAVO-1,,
network,26207,ALFA-1,,
network,24201,ALFA-1,,
product,CIR-1,ALFA-1,,
"""


@pytest.fixture(name="tables")
def _tables(tmp_path: Path) -> Tables:
    """ALFA-1 holds for Germany and Austria, and from December on for one network only."""
    text = (
        "- {agreement: ALFA-1, partner: ALFA, model: mvno, versions: [\n"
        f"  {{version: 1, valid_from: 2026-01-01, valid_upto: 2026-12-01, {TERMS},\n"
        f"   territory: {{called: [49, 43], networks: [26207]}}, items: [{ITEMS}]}},\n"
        f"  {{version: 2, valid_from: 2026-12-01, {TERMS}, items: [{ITEMS}]}}]}}\n"
        "- {agreement: BRAVO-1, partner: BRAVO, model: wholesale, versions: [\n"
        f"  {{version: 1, valid_from: 2026-01-01, {TERMS}, items: [{ITEMS}]}}]}}\n"
    )
    return tables_of(reference_dir(tmp_path, agreements=text, attribution=KEYS))


def found_of(tables: Tables, service: Service, **fields: Any) -> tuple[list[str], str]:  # noqa: ANN401
    """The legs of one event with their reasons, and what is missing by the first of these."""
    batch = usage(message(service, row(service, **fields)))
    legs, why = legs_of(batch, tables)
    assert why == ["none"]
    named = [
        f"{Role(role).label} {Reason(reason).label}"
        for role, reason in zip(legs.role.tolist(), legs.reason.tolist(), strict=True)
    ]
    code = next((code for code in legs.reason.tolist() if code), 0)
    (said,) = missing(batch, np.array([0]), np.array([code], np.int8), tables)
    return named, said


@pytest.mark.parametrize(
    ("service", "fields", "legs", "said"),
    [
        (Service.VOICE, {"ingress_route": "TG-1"}, ["ingress none"], "none"),
        (
            Service.VOICE,
            {"ingress_route": "TG-1", "called_number": "431234"},
            ["ingress none"],
            "none",
        ),
        # Of the number nine digits are told, and no more.
        (
            Service.SMS,
            {"ingress_route": "TG-1", "called_number": "331234567890"},
            ["ingress outside_territory"],
            "agreement:ALFA-1 called:331234567",
        ),
        # Where a call goes is said by the routing number, where there is one.
        (
            Service.VOICE,
            {"ingress_route": "TG-1", "routing_number": "33"},
            ["ingress outside_territory"],
            "agreement:ALFA-1 called:33",
        ),
        (
            Service.VOICE,
            {"ingress_route": "TG-1", "called_number": "33", "routing_number": "4930"},
            ["ingress none"],
            "none",
        ),
        # The network visited goes before the home network.
        (Service.DATA, {"home_network": "26207"}, ["subscriber none"], "none"),
        (
            Service.DATA,
            {"home_network": "24201"},
            ["subscriber outside_territory"],
            "agreement:ALFA-1 network:24201",
        ),
        (
            Service.DATA,
            {"home_network": "24201", "visited_network": "26207"},
            ["subscriber none"],
            "none",
        ),
        (
            Service.DATA,
            {"home_network": "26207", "visited_network": "20801"},
            ["subscriber outside_territory"],
            "agreement:ALFA-1 network:20801",
        ),
        # A call that says nothing of networks is asked for its number only; both may be wrong.
        (
            Service.VOICE,
            {"ingress_route": "TG-1", "visited_network": "20801"},
            ["ingress outside_territory"],
            "agreement:ALFA-1 network:20801",
        ),
        (
            Service.VOICE,
            {"ingress_route": "TG-1", "called_number": "33", "visited_network": "20801"},
            ["ingress outside_territory"],
            "agreement:ALFA-1 called:33",
        ),
        # Circuits have neither.
        (Service.CIRCUIT, {}, ["product none"], "none"),
        # Every role is asked by its own agreement.
        (
            Service.VOICE,
            {"ingress_route": "TG-2", "egress_route": "TG-1", "called_number": "33"},
            ["ingress none", "egress outside_territory"],
            "agreement:ALFA-1 called:33",
        ),
        # The version in force then has no territory.
        (
            Service.VOICE,
            {"ingress_route": "TG-1", "called_number": "33", "started_at": 1_796_083_200_000_000},
            ["ingress none"],
            "none",
        ),
    ],
)
def test_what_lies_outside_is_suspended(
    tables: Tables, service: Service, fields: dict[str, Any], legs: list[str], said: str
) -> None:
    """Numbers by their beginnings, networks by name, and only what the usage says."""
    assert found_of(tables, service, **fields) == (legs, said)


def test_outside_goes_before_a_missing_item(tables: Tables) -> None:
    """Outgoing messages have no item; to France they are outside first of all."""
    _, said = found_of(tables, Service.SMS, egress_route="TG-1", called_number="33")
    assert said == "agreement:ALFA-1 called:33"
    assert found_of(tables, Service.SMS, egress_route="TG-1")[0] == ["egress no_item"]


def test_every_event_of_a_batch_is_named_by_its_own(tables: Tables) -> None:
    """In whatever order they are asked for; the first role's agreement is the one named."""
    both: dict[str, Any] = {"ingress_route": "TG-1", "egress_route": "TG-1"}
    batch = usage(
        message(Service.VOICE, row(Service.VOICE, called_number="33", **both)),
        message(Service.VOICE, row(Service.VOICE, called_number="44", sequence=2, **both)),
        message(Service.DATA, row(Service.DATA, sequence=3, home_network="24201")),
    )
    why = np.full(3, Reason.OUTSIDE_TERRITORY, np.int8)
    assert missing(batch, np.array([2, 0, 1]), why, tables) == [
        "agreement:ALFA-1 network:24201",
        "agreement:ALFA-1 called:33",
        "agreement:ALFA-1 called:44",
    ]


def test_a_leg_without_a_version_has_no_territory(tables: Tables) -> None:
    """The last of the versions must not answer for it."""
    call = row(Service.VOICE, ingress_route="TG-1", called_number="33", started_at=10**15)
    batch = usage(message(Service.VOICE, call))
    legs, _ = attribute(batch, np.array([0]), tables)
    assert [Reason(code).label for code in legs.reason.tolist()] == ["no_agreement"]
    assert wrong_number(batch, legs.event, legs.version, tables).tolist() == [False]
    assert network(batch, 0) == ""
