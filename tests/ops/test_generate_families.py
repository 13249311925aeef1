"""Tests of what each family of generated usage looks like."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from ops.generate_reference import OWN_CHANNELS, OWN_ROUTES
from ops.generate_traffic import Traffic
from schemas.codes import Service
from schemas.columns import arrow_schema

Row = dict[str, Any]
EVENTS = 60_000


@pytest.fixture(scope="module")
def traffic() -> dict[Service, list[Row]]:
    """Sixty thousand events of seed 7 by family; times are integers."""
    found = {}
    for family in Traffic(7).block(0, EVENTS, EVENTS).families:
        columns = {
            name: column.cast(pa.int64()) if name.endswith("_at") else column
            for name, column in family.columns.items()
        }
        found[family.service] = pa.table(columns).to_pylist()
    return found


def share(rows: list[Row], name: str, value: object) -> float:
    """The share of rows with a value."""
    count = sum(1 for row in rows if row[name] == value)
    return count / len(rows)


@pytest.mark.parametrize("service", list(Service))
def test_columns_are_those_of_the_schema(service: Service) -> None:
    """Every column has a field of the family behind it, of the right type."""
    schema = arrow_schema(service)
    for family in Traffic(7).block(0, 5_000, 5_000).families:
        if family.service is service:
            for name, column in family.columns.items():
                assert column.type == schema.field(name).type, name


def test_calls_go_both_ways_and_through(traffic: dict[Service, list[Row]]) -> None:
    """Calls in have a trunk group in, calls out one out, transit both of two carriers."""
    calls = traffic[Service.VOICE]
    inbound = [c for c in calls if c["direction"] == "in"]
    assert 0.3 < len(inbound) / len(calls) < 0.45
    assert all(c["egress_route"] is None for c in inbound)
    transit = [
        c
        for c in calls
        if c["ingress_route"] and c["egress_route"] and c["ingress_route"] not in OWN_ROUTES
    ]
    assert len(transit) > len(calls) // 20
    on_net = [c for c in calls if c["ingress_route"] in OWN_ROUTES]
    assert all(c["egress_route"] in OWN_ROUTES for c in on_net)
    assert len(on_net) > len(calls) // 20


def test_some_destinations_are_popular(traffic: dict[Service, list[Row]]) -> None:
    """Calls abroad favour a few countries; France has more than Cuba by far."""
    called = [c["called_number"] for c in traffic[Service.VOICE]]
    france = sum(number.startswith("33") for number in called)
    cuba = sum(number.startswith("53") for number in called)
    assert france > 5 * cuba > 0


def test_numbers_are_numbers_but_for_a_few(traffic: dict[Service, list[Row]]) -> None:
    """Twelve digits, but for one in five thousand that no switch should have let pass."""
    called = [c["called_number"] for c in traffic[Service.VOICE]]
    strange = [number for number in called if not (number.isdigit() and len(number) == 12)]
    assert 0 < len(strange) < 30
    ported = [c["routing_number"] for c in traffic[Service.VOICE] if c["routing_number"]]
    assert ported
    assert all(number.startswith("4917") for number in ported)


def test_one_call_in_twelve_is_not_answered(traffic: dict[Service, list[Row]]) -> None:
    """An unanswered call has no duration and says why (Q.850 cause 19: no answer)."""
    calls = traffic[Service.VOICE]
    assert 0.06 < share(calls, "release_cause", 19) < 0.10
    assert all(c["duration_ms"] in (0, -1, 60_000) for c in calls if c["release_cause"] == 19)


def test_a_few_quantities_are_negative(traffic: dict[Service, list[Row]]) -> None:
    """Nonsense happens in every family that measures something, seldom."""
    negative = sum(c["duration_ms"] < 0 for c in traffic[Service.VOICE])
    negative += sum(d["volume_down_bytes"] < 0 for d in traffic[Service.DATA])
    assert 0 < negative < 40


def test_half_the_virtual_operators_hide_their_subscribers(
    traffic: dict[Service, list[Row]],
) -> None:
    """With a token only the range is in clear, and zeros stand for the rest of the number."""
    hidden = [r for s in (Service.VOICE, Service.DATA) for r in traffic[s] if r["subscriber_token"]]
    assert len(hidden) > 1_000
    for row in hidden:
        assert row["subscriber"].startswith(("49151001", "262431001"))
        assert set(row["subscriber"].removeprefix("49151001").removeprefix("262431001")) == {"0"}
    assert len({row["subscriber_token"] for row in hidden}) > len(hidden) // 4


def test_subscribers_of_data_are_identities_of_fifteen_digits(
    traffic: dict[Service, list[Row]],
) -> None:
    """Data is counted by IMSI, calls by number."""
    assert {len(r["subscriber"]) for r in traffic[Service.DATA]} == {15}
    calls = [r for r in traffic[Service.VOICE] if r["subscriber"] and not r["home_network"]]
    assert {len(r["subscriber"]) for r in calls} == {13}


def test_guests_bring_their_home_network(traffic: dict[Service, list[Row]]) -> None:
    """A roaming guest's data has a home network and no access point of ours."""
    guests = [r for r in traffic[Service.DATA] if r["home_network"]]
    assert 0.15 < len(guests) / len(traffic[Service.DATA]) < 0.30
    assert all(r["access_point"] is None and r["visited_network"] == "26201" for r in guests)


def test_intervals_of_circuits_are_aligned(traffic: dict[Service, list[Row]]) -> None:
    """A bandwidth sample is five minutes of the clock, a circuit a day, unless its end is wrong."""
    for service, length_us in ((Service.BANDWIDTH, 300_000_000), (Service.CIRCUIT, 86_400_000_000)):
        for row in traffic[service]:
            assert row["started_at"] % length_us == 0
            assert row["ended_at"] - row["started_at"] in (length_us, -1)


def test_sales_come_through_partners_and_own_shops(traffic: dict[Service, list[Row]]) -> None:
    """Resellers sell most; refunds are negative; a sale is in its partner's currency."""
    sales = traffic[Service.TRANSACTION]
    own = sum(s["sales_channel"] in OWN_CHANNELS for s in sales) / len(sales)
    resold = sum(s["sales_channel"].startswith("CH-R") for s in sales) / len(sales)
    assert 0.2 < own < 0.3
    assert 0.4 < resold < 0.6
    refunds = [s for s in sales if s["transaction_type"] == "refund"]
    assert 0 < len(refunds) < len(sales) // 20
    assert all((s["retail_amount_micros"] < 0) == (s in refunds) for s in sales[:500])
    assert {s["retail_currency"] for s in sales if s["sales_channel"] == "CH-R000-1"} <= {
        "USD",
        "SEK",
    }
