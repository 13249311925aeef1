"""The oracle prices one event: worked by hand, kind of price by kind of price."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from ops.oracle_attribution import attribute
from ops.oracle_prices import Price
from ops.oracle_rating import (
    Leg,
    billed_seconds,
    charged_for,
    count,
    event_charge,
    period_after,
    period_of,
    rate,
)
from ops.oracle_reference import Reference, Rounding
from ops.oracle_rounding import decimal_of, round_micros, round_units
from ops.oracle_usage import Usage, read_message, read_schemas
from tests.ops.oracle_makers import event, item, micros, reference, tiers, unit, version

KNOWN = read_schemas()


def one_event(service: str, **fields: object) -> Usage:
    """A usage event, by way of its bytes."""
    (usage,) = read_message(event(service, **fields), KNOWN)
    assert isinstance(usage, Usage)
    return usage


def rated(known: Reference, usage: Usage) -> Leg:
    """The only leg of an event that must have exactly one, priced."""
    claims, reason = attribute(usage, known)
    assert reason == "none"
    (claim,) = claims
    leg = rate(usage, claim, known)
    assert isinstance(leg, Leg)
    return leg


def refused(known: Reference, usage: Usage) -> str:
    """Why the first leg of an event has no price."""
    leg = rate(usage, attribute(usage, known)[0][0], known)
    assert isinstance(leg, str)
    return leg


@pytest.mark.parametrize(
    "price",
    [
        "{kind: tiers, per: unit, tiers: [{up_to: 9, price: 0}, {price: 500000}]}",
        "{kind: swap, per: unit, in: [voice-in], out: [out], balanced: 500000, unbalanced: 1}",
    ],
)
def test_what_only_counts_is_credible_for_its_deals(tmp_path: Path, price: str) -> None:
    """Two thousand at the dearest tier are 10^9 currency units; one more is too much."""
    counts = "{kind: counted, per: unit}"
    items = f"{item(counts, service='sms')}, {item(counts, item='out', role='egress')}"
    deals = f"[{{deal: d, flow: receivable, over: [voice-in], price: {price}}}]"
    known = reference(tmp_path, {"A": [version(items, deals=deals)]})
    assert rated(known, one_event("sms", ingress_route="TG-1", units=2_000)).quantity == 2_000
    too_many = one_event("sms", ingress_route="TG-1", units=2_001)
    assert refused(known, too_many) == "charge_overflow"


@pytest.mark.parametrize(
    ("seconds", "initial", "following", "billed"),
    [
        (0, 60, 60, 0),
        (1, 1, 1, 1),
        (1, 30, 6, 30),
        (30, 30, 6, 30),
        (31, 30, 6, 36),
        (36, 30, 6, 36),
        (37, 30, 6, 42),
        (61, 60, 60, 120),
        (91, 90, 60, 150),
        (3_601, 60, 1, 3_601),
    ],
)
def test_seconds_rise_to_whole_increments(
    seconds: int, initial: int, following: int, billed: int
) -> None:
    """The initial increment whole, then whole following ones; nothing stays nothing."""
    assert billed_seconds(seconds, initial, following) == billed


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        # of 2.5, -2.5, 3.5, 2.1, -2.1, 2
        ("half_up", [3, -3, 4, 2, -2, 2]),
        ("half_even", [2, -2, 4, 2, -2, 2]),
        ("up", [3, -3, 4, 3, -3, 2]),
        ("down", [2, -2, 3, 2, -2, 2]),
        ("ceiling", [3, -2, 4, 3, -2, 2]),
        ("floor", [2, -3, 3, 2, -3, 2]),
    ],
)
def test_each_mode_rounds_both_signs(mode: str, expected: list[int]) -> None:
    """Negative amounts mirror positive ones, but for ceiling and floor."""
    values = [Fraction(text) for text in ("2.5", "-2.5", "3.5", "2.1", "-2.1", "2")]
    assert [round_units(value, mode) for value in values] == expected


@pytest.mark.parametrize(
    ("amount", "decimals", "expected"),
    [
        ("0.0000005", 6, 1),
        ("1.005", 2, 1_010_000),
        ("14.5", 0, 15_000_000),
        ("149", -2, 100_000_000),
    ],
)
def test_amounts_round_to_the_agreed_decimals(amount: str, decimals: int, expected: int) -> None:
    """Half up at exactly one half, from six decimals to whole hundreds; the result is in micros."""
    assert round_micros(Fraction(amount), Rounding("record", "half_up", decimals)) == expected


def test_an_amount_shows_six_decimals_at_any_size() -> None:
    """Micros to decimal neither rounds nor drops zeros, beyond 28 digits as well."""
    assert str(decimal_of(1_500_000)) == "1.500000"
    assert str(decimal_of(10**34 + 1)) == f"{10**28}.000001"


@pytest.mark.parametrize(
    ("zone", "moment", "label"),
    [
        ("UTC", "2026-10-31T23:59:59.999999+00:00", "2026-10"),
        ("UTC", "2026-11-01T00:00:00+00:00", "2026-11"),
        # Berlin leaves summer time on 2026-10-25: October began at 22:00 UTC, November at 23:00.
        ("Europe/Berlin", "2026-10-31T22:59:59.999999+00:00", "2026-10"),
        ("Europe/Berlin", "2026-10-31T23:00:00+00:00", "2026-11"),
        ("Europe/Berlin", "2026-09-30T21:59:59.999999+00:00", "2026-09"),
        ("Europe/Berlin", "2026-09-30T22:00:00+00:00", "2026-10"),
        # New York turns back on 2026-11-01 at 06:00 UTC, inside the month's first day.
        ("America/New_York", "2026-11-01T03:59:59+00:00", "2026-10"),
        ("America/New_York", "2026-11-01T04:00:00+00:00", "2026-11"),
        ("America/New_York", "2026-12-01T04:59:59+00:00", "2026-11"),
    ],
)
def test_a_period_ends_at_midnight_of_its_zone(
    tmp_path: Path, zone: str, moment: str, label: str
) -> None:
    """The month is that of the zone's calendar, whatever the clocks do in it."""
    known = reference(tmp_path, {"A": [version(item(unit("minute", "1")), zone=zone)]})
    assert period_of(known.version("A", 1), micros(moment)) == label


@pytest.mark.parametrize(
    ("moment", "label"),
    [
        # Berlin's 25 October 2026 lasts 25 hours: from 22:00 UTC the day before to 23:00 UTC.
        ("2026-10-24T21:59:59+00:00", "2026-10-24"),
        ("2026-10-24T22:00:00+00:00", "2026-10-25"),
        ("2026-10-25T22:59:59+00:00", "2026-10-25"),
        ("2026-10-25T23:00:00+00:00", "2026-10-26"),
        # And 29 March 2026 lasts 23: from 23:00 UTC the day before to 22:00 UTC.
        ("2026-03-28T23:00:00+00:00", "2026-03-29"),
        ("2026-03-29T22:00:00+00:00", "2026-03-30"),
    ],
)
def test_a_daily_period_lasts_as_long_as_its_day(tmp_path: Path, moment: str, label: str) -> None:
    """A day of clock change has 23 or 25 hours."""
    terms = version(item(unit("minute", "1")), zone="Europe/Berlin", period="day")
    known = reference(tmp_path, {"A": [terms]})
    assert period_of(known.version("A", 1), micros(moment)) == label


def test_periods_follow_each_other() -> None:
    """The month after December is January, the day after the 28th of February depends."""
    following = [period_after(p) for p in ("2026-11", "2026-12", "2026-02-28", "2028-02-28")]
    assert following == ["2026-12", "2027-01", "2026-03-01", "2028-02-29"]


@pytest.mark.parametrize(
    ("service", "fields", "role", "price", "quantity", "charge"),
    [
        # 61 s at 60/60 are 120 s: 2 minutes at 0.03 and 0.05 for connecting: 0.11.
        (
            "voice",
            {"duration_ms": 60_001},
            "ingress",
            unit("minute", "0.03", connect_fee="0.05", initial_seconds="60", next_seconds="60"),
            120,
            Fraction(11, 100),
        ),
        # An unanswered call counts nothing and costs nothing, not even connecting.
        ("voice", {"duration_ms": 0}, "ingress", unit("minute", "1", connect_fee="1"), 0, 0),
        # 1.5 s begun are 2 s: 2/3600 of an hour at 9 is 0.005.
        ("voice", {"duration_ms": 1_500}, "ingress", unit("hour", "9"), 2, Fraction(1, 200)),
        # An attempt is an event, answered or not.
        ("voice", {"duration_ms": 0}, "ingress", unit("event", "0.002"), 1, Fraction(1, 500)),
        ("sms", {"units": 3}, "ingress", unit("unit", "0.01"), 3, Fraction(3, 100)),
        ("sms", {"units": 3}, "ingress", unit("event", "0.01"), 1, Fraction(1, 100)),
        # 2^20 bytes are 1.048576 megabytes or one mebibyte.
        (
            "data",
            {"volume_up_bytes": 2**20, "volume_down_bytes": 0},
            "subscriber",
            unit("megabyte", "1"),
            2**20,
            Fraction("1.048576"),
        ),
        (
            "data",
            {"volume_up_bytes": 2**19, "volume_down_bytes": 2**19},
            "subscriber",
            unit("mebibyte", "1"),
            2**20,
            1,
        ),
        ("circuit", {"units": 2}, "product", unit("unit", "40"), 2, 80),
        # 30 % of 6.45 is 1.935.
        (
            "transaction",
            {"retail_amount_micros": 6_450_000},
            "channel",
            '{kind: share, percent: "30"}',
            6_450_000,
            Fraction("1.935"),
        ),
        # A refund takes back what the sale gave.
        (
            "transaction",
            {"retail_amount_micros": -6_450_000},
            "channel",
            '{kind: share, percent: "30"}',
            -6_450_000,
            Fraction("-1.935"),
        ),
        # A graduated item leaves rating as a quantity: 61 s at 30/6 are 66 s.
        (
            "voice",
            {"duration_ms": 61_000},
            "ingress",
            tiers("minute", ("10", "1"), ("", "0.5"), initial_seconds="30", next_seconds="6"),
            66,
            0,
        ),
    ],
)
def test_each_kind_of_price(
    tmp_path: Path,
    service: str,
    fields: dict[str, object],
    role: str,
    price: str,
    quantity: int,
    charge: Fraction | int,
) -> None:
    """The quantity that a price counts, and the exact charge of one event."""
    keys = "route,X,A,,\naccess_point,X,A,,\nproduct,X,A,,\nchannel,X,A,,"
    field = {
        "ingress": "ingress_route",
        "subscriber": "access_point",
        "channel": "sales_channel",
        "product": "product_instance",
    }[role]
    terms = version(item(price, role=role, service=service))
    known = reference(tmp_path, {"A": [terms]}, keys)
    leg = rated(known, one_event(service, **{field: "X"}, **fields))
    assert (leg.quantity, leg.exact) == (quantity, charge)


def test_a_charge_rounds_half_up_and_keeps_its_residue(tmp_path: Path) -> None:
    """One second at 0.00003 a minute is half a micro: charged as one, half a micro owed back."""
    known = reference(tmp_path, {"A": [version(item(unit("minute", "0.00003")))]})
    leg = rated(known, one_event("voice", ingress_route="TG-1", duration_ms=1_000))
    assert leg.exact == Fraction(5, 10**7)
    assert leg.charge_micros == 1
    assert leg.residue == Fraction(-5, 10**7)


def test_a_charge_that_is_rounded_later_is_cut_to_micros(tmp_path: Path) -> None:
    """Where a line or statement rounds, an event carries whole micros and the rest as residue."""
    terms = version(item(unit("minute", "0.01")), rounding="{place: line, mode: up, decimals: 2}")
    known = reference(tmp_path, {"A": [terms]})
    leg = rated(known, one_event("voice", ingress_route="TG-1", duration_ms=1_000))
    # 0.01 / 60 = 166 2/3 micros.
    assert (leg.charge_micros, leg.residue) == (166, Fraction(2, 3 * 10**6))


DECK = (
    "49,germany\n4915,mobile\n33,france",
    """germany,0.02,1,1,0,,
mobile,0.06,60,60,0.01,,2026-11-01
mobile,0.12,60,60,0.01,2026-11-01,
france,0.03,1,1,0,2026-12-01,""",
)


@pytest.mark.parametrize(
    ("fields", "zone", "charge"),
    [
        # The longest prefix is 4915: one minute begun at 0.12 and 0.01.
        ({"called_number": "49151234"}, "mobile", Fraction(13, 100)),
        # At the microsecond before, the old price.
        (
            {"called_number": "49151234", "started_at": "2026-10-31T23:59:59.999999+00:00"},
            "mobile",
            Fraction(7, 100),
        ),
        ({"called_number": "4930123"}, "germany", Fraction(1, 100)),
        # A ported number is priced by its routing number.
        ({"called_number": "49151234", "routing_number": "4930"}, "germany", Fraction(1, 100)),
    ],
)
def test_a_deck_prices_by_the_longest_prefix(
    tmp_path: Path, fields: dict[str, object], zone: str, charge: Fraction
) -> None:
    """Prefix to zone, zone to the rate of that time; 30 seconds at the deck's increments."""
    terms = version(item("{kind: deck, deck: world}"), rounding="{place: line}")
    known = reference(tmp_path, {"A": [terms]}, decks={"world": DECK})
    leg = rated(known, one_event("voice", ingress_route="TG-1", duration_ms=30_000, **fields))
    assert (leg.zone, leg.line, leg.exact) == (zone, zone, charge)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"called_number": "81312345"}, "no_rate"),
        ({"called_number": "33112345"}, "no_rate"),
        ({"started_at": "2025-12-31T23:59:59+00:00"}, "no_agreement"),
        ({"direction": "out"}, "no_item"),
    ],
)
def test_a_leg_without_terms_has_no_price(
    tmp_path: Path, fields: dict[str, object], reason: str
) -> None:
    """No prefix, no rate yet, no version in force, no item: each is its own reason."""
    terms = version(item("{kind: deck, deck: world}", direction="in"))
    known = reference(tmp_path, {"A": [terms]}, decks={"world": DECK})
    assert refused(known, one_event("voice", ingress_route="TG-1", **fields)) == reason


def test_a_share_must_be_in_the_currency_of_the_agreement(tmp_path: Path) -> None:
    """A retail amount in another currency is not converted by guessing."""
    share = item('{kind: share, percent: "30"}', role="channel", service="transaction")
    known = reference(tmp_path, {"A": [version(share)]}, "channel,shop,A,,")
    sale = one_event("transaction", sales_channel="shop", retail_currency="USD")
    assert refused(known, sale) == "currency_mismatch"


def test_bytes_count_both_ways() -> None:
    """A bandwidth sample counts what came and what went."""
    sample = one_event("bandwidth", volume_up_bytes=3, volume_down_bytes=4)
    assert count(sample, "bytes") == 7


def test_the_steps_that_a_price_says() -> None:
    """From a least on; up to whole steps, down, or to the nearest; a refund mirrors."""
    price = Price("unit", "byte", "bytes", 1, initial_seconds=100, next_seconds=10)
    assert [charged_for(n, price) for n in (0, 1, 100, 101, -101)] == [0, 100, 100, 110, -110]
    assert charged_for(3, replace(price, least_counted=500)) == 500
    even = replace(price, initial_seconds=1_000, next_seconds=1_000)
    assert charged_for(1_999, replace(even, begun_step="down")) == 1_000
    assert charged_for(2_500, replace(even, begun_step="half_up")) == 3_000


def test_what_one_event_costs_with_everything_that_its_price_says() -> None:
    """2.99 % and 2, from 1.75 to 12; an attempt of 3; three quarters of price and fee."""
    share = Price("share", "amount", "amount_micros", 10**6, Fraction("0.0299"), Fraction(2))
    share = replace(share, minimum=Fraction("1.75"), maximum=Fraction(12))
    amounts = (10_000_000, 80_000_000, 10_000_000_000)
    costs = [event_charge(amount, amount, share) for amount in amounts]
    assert costs == [Fraction("2.299"), Fraction("4.392"), 12]
    assert event_charge(0, 0, replace(share, attempt_fee=Fraction(3))) == 3
    minute = Price("unit", "minute", "seconds", 60, Fraction("0.6"), Fraction("0.1"))
    assert event_charge(30, 30, replace(minute, factor=Fraction(3, 4))) == Fraction("0.3")
