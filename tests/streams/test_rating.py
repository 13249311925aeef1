"""Charges by hand, and against exact fractions for any price, quantity and rounding."""

from __future__ import annotations

import tempfile
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ops.oracle_rounding import round_units
from schemas.codes import Reason, Service
from state.tables import Tables
from streams.rating import Rated
from tests.builders import reference_dir
from tests.builders import tables as compiled
from tests.makers import item_tables, rated_of, usage
from tests.usage_makers import message, row

KEYS = "route,TG-1,ALFA-1,,\nproduct,CIR-1,ALFA-1,,\nchannel,C-1,ALFA-1,,\naccess_point,ap,ALFA-1,,"
ROLES = {"voice": "ingress", "sms": "ingress", "data": "subscriber", "transaction": "channel"}
MODES = ("half_up", "half_even", "up", "down", "ceiling", "floor")


def priced(directory: Path, service: str, price: str, rounding: str = "") -> Tables:
    """Tables of one item."""
    item = f"{{item: one, role: {ROLES[service]}, service: {service}, flow: receivable, "
    terms = f", rounding: {{{rounding}}}" if rounding else ""
    return item_tables(directory, item + f"price: {{{price}}}}}", KEYS, terms)


def rated(tables: Tables, service: str, **fields: Any) -> Rated:  # noqa: ANN401
    """One event, rated."""
    keys = {"ingress": "ingress_route", "subscriber": "access_point", "channel": "sales_channel"}
    named = {"ingress": "TG-1", "subscriber": "ap", "channel": "C-1"}[ROLES[service]]
    family = Service.of(service)
    return rated_of(
        usage(
            message(
                Service(family), row(Service(family), **{keys[ROLES[service]]: named}, **fields)
            )
        ),
        tables,
    )


def figures(result: Rated) -> tuple[int, int, int, int]:
    """Measured, charged for, charge and residue of the only leg."""
    columns = (result.raw_quantity, result.quantity, result.charge_micros, result.residue)
    return tuple(int(column[0]) for column in columns)  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("duration_ms", "expected"),
    [
        # 0.06 a minute, 30 seconds first, then every 6, 0.01 to connect: 0.001 a second.
        (0, (0, 0, 0, 0)),  # unanswered: nothing, not even the connect fee
        (1, (1, 30, 40_000, 0)),  # 30 x 0.001 + 0.01
        (30_000, (30, 30, 40_000, 0)),
        (30_001, (31, 36, 46_000, 0)),  # 36 x 0.001 + 0.01
        (42_000, (42, 42, 52_000, 0)),
    ],
)
def test_a_deck_prices_increments(
    tmp_path: Path, duration_ms: int, expected: tuple[int, int, int, int]
) -> None:
    """The longest prefix gives the zone, the zone the rate; time grows to whole increments."""
    tables = priced(tmp_path, "voice", "kind: deck, deck: STANDARD")
    result = rated(tables, "voice", called_number="4917123", duration_ms=duration_ms)
    assert figures(result) == expected
    assert tables.decks.zone_names[int(result.zone[0])] == "DE-MOBILE"


def test_no_rate_is_a_reason_and_no_money(tmp_path: Path) -> None:
    """A number under no prefix has no price: the leg says so, and nobody is charged zero."""
    tables = priced(tmp_path, "voice", "kind: deck, deck: STANDARD")
    assert rated(tables, "voice", called_number="1809").reason.tolist() == [Reason.NO_RATE]


def test_a_deck_without_rates_prices_nothing(tmp_path: Path) -> None:
    """A deck whose files hold headings only loads; a call by it has no rate, and nothing breaks."""
    columns = (
        "zone,price_per_minute,initial_seconds,next_seconds,connect_fee,valid_from,valid_upto\n"
    )
    directory = reference_dir(tmp_path, prefixes="prefix,zone\n", rates=columns)
    call = row(Service.VOICE, ingress_route="TG-001")
    result = rated_of(usage(message(Service.VOICE, call)), compiled(directory))
    assert result.reason.tolist() == [Reason.NO_RATE]


def test_a_share_is_taken_of_the_agreements_own_currency(tmp_path: Path) -> None:
    """30 % of 9.99 is 2.997, of a refund the same with a minus; of another currency nothing."""
    tables = priced(tmp_path, "transaction", 'kind: share, percent: "30"')
    assert figures(rated(tables, "transaction")) == (9_990_000, 9_990_000, 2_997_000, 0)
    refund = rated(tables, "transaction", retail_amount_micros=-9_990_000)
    assert figures(refund) == (-9_990_000, -9_990_000, -2_997_000, 0)
    other = rated(tables, "transaction", retail_currency="USD")
    assert other.reason.tolist() == [Reason.CURRENCY_MISMATCH]


def test_tiers_count_and_cost_nothing_yet(tmp_path: Path) -> None:
    """What a graduated price asks depends on the period: the event brings its quantity only."""
    tables = priced(tmp_path, "sms", 'kind: tiers, per: unit, tiers: [{price: "0.5"}]')
    assert figures(rated(tables, "sms", units=3)) == (3, 3, 0, 0)


def test_what_is_not_rounded_by_contract_is_cut_to_micros(tmp_path: Path) -> None:
    """With rounding at the line, 0.0000016 becomes 1 micro and a residue of 600 over 10^9."""
    tables = priced(tmp_path, "sms", 'kind: unit, per: unit, amount: "0.0000016"', "place: line")
    assert figures(rated(tables, "sms", units=1)) == (1, 1, 1, 600)


@pytest.mark.parametrize(
    ("price", "reason"),
    [
        # 10^9 currency units is the most that one event may cost.
        ('kind: unit, per: unit, amount: "1000000"', "none"),
        ('kind: unit, per: unit, amount: "1000000", connect_fee: "0.000001"', "charge_overflow"),
        ('kind: tiers, per: unit, tiers: [{up_to: 9, price: "0"}, {price: "1000000"}]', "none"),
    ],
)
def test_a_charge_beyond_reason_suspends(tmp_path: Path, price: str, reason: str) -> None:
    """A price that must be a mistake stops the event, not the stream."""
    tables = priced(tmp_path, "sms", price)
    assert Reason(int(rated(tables, "sms", units=1_000).reason[0])).label == reason
    over = rated(tables, "sms", units=1_001)
    assert over.reason.tolist() == [Reason.CHARGE_OVERFLOW]
    assert rated(tables, "sms", units=2**44 - 1).reason.tolist() == [Reason.CHARGE_OVERFLOW]


@pytest.mark.parametrize(
    ("price", "most"),
    [
        # 10^9 currency units at the dearest of a deal's prices.
        ('kind: tiers, per: unit, tiers: [{up_to: 9, price: "0"}, {price: "1000000"}]', 1_000),
        ('kind: swap, per: unit, balanced: "1", unbalanced: "500000"', 2_000),
        ("kind: capacity, tiers: [{price: 5}]", 2**44 - 1),
    ],
)
def test_what_only_counts_is_credible_for_its_deals(tmp_path: Path, price: str, most: int) -> None:
    """A quantity that some deal would ask more for than an event may cost stops the event."""
    sides = "in: [one], out: [other]" if "swap" in price else ""
    over = "" if sides else "flow: receivable, over: [one], "
    if "capacity" in price:
        price = price.replace("{price: 5}", "{up_to: {one: 5}, price: 5}, {price: 6}")
    deal = f"{{deal: d, {over}price: {{{', '.join(filter(None, (price, sides)))}}}}}"
    counts = "flow: receivable, price: {kind: counted, per: unit}}"
    items = (
        f"{{item: one, role: ingress, service: sms, {counts},"
        f"{{item: other, role: egress, service: sms, {counts}"
    )
    rest = "{deal: rest, flow: payable, over: [one, other], price: {kind: tiers, per: unit, "
    deals = f", deals: [{deal}, {rest}tiers: [{{price: 0}}]}}}}]"
    tables = item_tables(tmp_path, items, KEYS, deals)
    assert rated(tables, "sms", units=most).reason.tolist() == [0]
    if most < 2**44 - 1:
        over_it = rated(tables, "sms", units=most + 1)
        assert over_it.reason.tolist() == [Reason.CHARGE_OVERFLOW]


@settings(max_examples=40)
@given(
    price_nanos=st.integers(0, 10**15),
    fee_nanos=st.sampled_from([0, 7, 10**9]),
    volume=st.integers(0, 2**42),
    per=st.sampled_from([("byte", 1), ("megabyte", 10**6), ("gigabyte", 10**9)]),
    mode=st.sampled_from(MODES),
    decimals=st.integers(0, 6),
)
def test_every_charge_is_the_exact_one_rounded(
    price_nanos: int, fee_nanos: int, volume: int, per: tuple[str, int], mode: str, decimals: int
) -> None:
    """At any size, far beyond 64 bits too, charge is the rounded fraction and residue the rest."""
    name, unit = per
    amount, fee = (f"{n // 10**9}.{n % 10**9:09d}" for n in (price_nanos, fee_nanos))
    price = f'kind: unit, per: {name}, amount: "{amount}", connect_fee: "{fee}"'
    with tempfile.TemporaryDirectory() as directory:
        tables = priced(Path(directory), "data", price, f"mode: {mode}, decimals: {decimals}")
    result = rated(tables, "data", volume_up_bytes=volume, volume_down_bytes=0)
    exact = Fraction(price_nanos * volume, unit * 10**9) + Fraction(
        fee_nanos if volume else 0, 10**9
    )
    micros = round_units(exact * 10**decimals, mode) * 10 ** (6 - decimals)
    if micros > 10**15:
        assert result.reason.tolist() == [Reason.CHARGE_OVERFLOW]
        return
    _, _, charge, residue = figures(result)
    assert charge == micros
    assert Fraction(charge, 10**6) + Fraction(residue, unit * 10**9) == exact


@pytest.mark.parametrize(
    ("duration_ms", "micros"),
    [
        (0, 0),  # unanswered
        (7_000, 600_000),  # 0.4 + 0.2
        (85_000, 641_667),  # 0.4 + 0.2 + 25/60 x 0.1 = 0.641666...
        (3_600_000, 6_500_000),  # 0.4 + 0.2 + 59 x 0.1
    ],
)
def test_steps_price_each_call(tmp_path: Path, duration_ms: int, micros: int) -> None:
    """The first minute whole, then every second, and a fee to connect; rounded by the record."""
    tiers = "[{up_to: 1, step: 60, price: 0.2}, {step: 1, price: 0.1}]"
    price = f"kind: tiers, each: event, per: minute, connect_fee: 0.4, tiers: {tiers}"
    tables = priced(tmp_path, "voice", price)
    assert rated(tables, "voice", duration_ms=duration_ms).charge_micros.tolist() == [micros]


def test_steps_of_a_huge_quantity_are_refused_not_wrapped(tmp_path: Path) -> None:
    """A million a byte for 10^15 bytes is no charge, whatever its bits would be."""
    price = "kind: tiers, each: event, per: byte, tiers: [{price: 1000000}]"
    tables = priced(tmp_path, "data", price)
    found = rated(tables, "data", volume_up_bytes=10**15)
    assert found.reason.tolist() == [Reason.CHARGE_OVERFLOW]
