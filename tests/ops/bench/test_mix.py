"""What the events of the mix must come to, worked out by hand for each style."""

from __future__ import annotations

import pytest

from ops.bench.mix import (
    DECK_SIZE,
    DECKS,
    Before,
    Event,
    deck_of,
    decks,
    mix_legs,
    off_peak_of,
    plain_legs,
)
from ops.bench.recipe import DAY_US

NOON_US = DAY_US + 12 * 3_600 * 10**6
NIGHT_US = DAY_US + 3 * 3_600 * 10**6
EVENING_US = DAY_US + 18 * 3_600 * 10**6  # the peak ends


def call(seconds: int, *, at_us: int = NOON_US, calling: str = "33", called: str = "49") -> Event:
    """A call that comes in."""
    return Event(
        "voice", 0, at_us, calling + "1" * 9, called + "1" * 9, called + "1" * 9, seconds * 1000, 0
    )


def legs(partner: int, event: Event) -> list[tuple[str, int, int]]:
    """What it comes to."""
    return [leg[:3] for leg in mix_legs(partner, event)]


def test_the_decks_have_a_million_prefixes() -> None:
    """200 of 5,000, and each partner has another one for each direction, of its own style."""
    assert len(decks()) * DECK_SIZE == DECKS * 5_000 == 1_000_000
    assert {len(deck.minute) for deck in decks()} == {DECK_SIZE}
    used = {deck_of(partner, direction) for partner in range(120) for direction in (0, 1)}
    assert used == set(range(DECKS))
    assert all(deck_of(p, d) % 5 == p % 5 for p in range(120) for d in (0, 1))


def test_a_call_over_the_edge_completes_its_increment() -> None:
    """Partner 0, 30/6 by both bands: 10 s of peak pay 30, then of 50 s 20 are left: 24 off peak."""
    deck = decks()[0]
    event = call(50, at_us=EVENING_US - 10 * 10**6)
    prefix = max((p for p in deck.minute if event.rated.startswith(p)), key=len)
    price = deck.minute[prefix]
    assert off_peak_of(deck).minute[prefix] * 5 == price * 3
    exact = price * 30 / 60 + price * 3 / 5 * 24 / 60 + deck.connect
    [(item, quantity, charge)] = legs(0, event)
    assert (item, quantity) == ("voice-in", 54)
    assert abs(charge - exact) <= 0.5


def test_a_deck_less_a_quarter_has_limits_an_attempt_fee_and_a_surcharge() -> None:
    """Partner 1: never below 0.01 nor above 2; 0.002 an attempt; 61 s from 33: 2 x 0.0043."""
    assert legs(1, call(0)) == [("voice-in-origin", 0, 0), ("voice-in", 0, 2_000)]
    origin, own = legs(1, call(61))
    assert origin == ("voice-in-origin", 120, 8_600)
    assert 10_000 <= own[2] <= 2_000_000
    assert [item for item, *_ in legs(1, call(61, calling="20"))] == ["voice-in"]


def test_a_condition_and_a_price_for_each_band() -> None:
    """Partner 2 to 49: 1 s of peak counts 60 at 0.021, 40 s after it 30 + 12 at 0.009: 0.0283."""
    event = call(41, at_us=EVENING_US - 10**6)
    assert legs(2, event) == [("voice-in-near", 102, 21_000 + 6_300 + 1_000)]
    [(item, *_)] = legs(2, call(41, called="90"))
    assert item == "voice-in"


def test_steps_of_each_call() -> None:
    """Partner 3: 0.09 the first minute, then 0.031 a minute, 0.01 to connect: 0.1155 for 90 s."""
    assert legs(3, call(90)) == [("voice-in", 90, 115_500)]
    assert legs(3, call(1)) == [("voice-in", 1, 100_000)]
    assert legs(3, call(0)) == [("voice-in", 0, 0)]
    assert legs(3, call(4_000)) == [("voice-in", 4_000, 2_000_000)]


def test_a_condition_on_the_caller() -> None:
    """Partner 4 from 60: 0.0444 a minute, 10 s are 0.0074."""
    assert legs(4, call(10, calling="60")) == [("voice-in-far", 10, 7_400)]
    assert legs(4, call(10))[0][0] == "voice-in"


@pytest.mark.parametrize(
    ("partner", "size", "leg"),
    [
        (0, 0, ("data-out", 0, 0)),  # nothing is nothing
        (
            0,
            1,
            ("data-out", 100_000, 1_000),
        ),  # 0.00025, not below 0.001
        (0, 1_234_567, ("data-out", 1_240_000, 3_100)),  # 114 steps more
        (1, 1_000_000, ("data-out", 1_000_000, 3_300)),
        (1, 2_000_000, ("data-out", 2_000_000, 3_400)),  # all of it at 0.0017
    ],
)
def test_data_by_steps_or_volume(partner: int, size: int, leg: tuple[str, int, int]) -> None:
    """Even partners count steps, odd ones pay by the volume that a session reaches."""
    assert legs(partner, Event("data", 1, NOON_US, "", "", "", 0, size)) == [leg]


def test_messages_cost_more_by_day_for_every_second_partner() -> None:
    """0.027 instead of 0.018."""
    noon, night = (Event("sms", 0, at, "", "", "", 0, 0) for at in (NOON_US, NIGHT_US))
    found = [legs(partner, event)[0][2] for partner in (2, 1) for event in (noon, night)]
    assert found == [18_000, 18_000, 27_000, 18_000]


def test_every_fourth_partner_shares_its_messages() -> None:
    """Partner 4 keeps three fifths of 0.018; partner 5 receives the rest of the whole."""
    message = Event("sms", 1, NOON_US, "", "", "", 0, 0)
    assert list(mix_legs(4, message)) == [
        ("sms-out", 1, 10_800, None),
        ("received-out", 18_000, 7_200, 5),
    ]


def test_a_second_part_goes_on_where_the_first_has_counted_to() -> None:
    """Partner 4, deck 4: 60/60. After 50 s paid as 60 come 20 s: 70 are 120, so 60 more, no fee."""
    deck = decks()[4]
    assert (deck.initial, deck.following) == (60, 60)
    event = call(20)
    prefix = max((p for p in deck.minute if event.rated.startswith(p)), key=len)
    part = event._replace(before=Before("33", event.rated, 50))
    assert legs(4, part) == [("voice-in", 60, deck.minute[prefix])]
    first = event._replace(before=Before("60", event.rated, 50))  # which another item has priced
    assert legs(4, first) == [("voice-in", 60, deck.minute[prefix] + deck.connect)]


def test_plain_prices_are_by_the_unit() -> None:
    """61 s at 0.036 a minute are 0.0366; 1,500,000 bytes at 0.0025 a megabyte 0.00375."""
    data = Event("data", 0, NOON_US, "", "", "", 0, 1_500_000)
    sms = Event("sms", 0, 0, "", "", "", 0, 0)
    found = [leg[:3] for event in (call(61), data, sms) for leg in plain_legs(3, event)]
    assert found == [
        ("voice-in", 61, 36_600),
        ("data-in", 1_500_000, 3_750),
        ("sms-in", 1, 18_000),
    ]
