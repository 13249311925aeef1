"""The benchmark's numbers are those of `settle-bench v1`, and its reference can grow.

Constants marked "as published" were printed by that benchmark's own generator for its seed.
"""

from __future__ import annotations

import numpy as np
import pytest

from ops.bench.recipe import (
    DECK_SIZE,
    SEED,
    SOURCES,
    UNKNOWN_ROUTES,
    Shape,
    columns,
    market,
    prefix_pool,
    route_name,
)

# As published: owners of three routes; a deck's increments, connect fee, price of a megabyte, of a
# message and of a minute to prefix 10; the sum of all prices; column sums of 1,000 messages.
PUBLISHED_OWNERS = ["P050", "P068", "P023"]
PUBLISHED_DECK_07 = (60, 60, 5_000, 7_504, 3_264, 306_978)
PUBLISHED_PRICES = 89_980_501_014
PUBLISHED_SUMS = {
    "source": 7_484,
    "sequence": 59_318_030_420,
    "service": 631,
    "direction": 482,
    "route": 197_868,
    "a_number": 2_070_966_067_017_807,
    "b_number": 2_202_780_667_958_544,
    "started_at": 1_772_092_040_010_669_410,
    "duration_ms": 81_769_028,
    "bytes": 1_619_526_341,
    "routing_number": 115_132_077_672_108,
}
PUBLISHED_ORDER = 330_099_616


def test_the_pool_covers_every_number() -> None:
    """All ninety two-digit prefixes are in the pool, so each number has a price everywhere."""
    pool = prefix_pool(SEED)
    # 90 + 900 + 5,000 + 6,000 + 4,000 + 2,000 + 1,200
    assert len(pool) == len(set(pool)) == 19_190
    assert pool[:90] == tuple(range(10, 100))


def test_the_market_is_the_published_one() -> None:
    """Route owners, terms and prices as published."""
    known = market()
    assert len(known.routes) == 400
    assert len(set(known.routes.values())) == len(known.decks_of) == 120
    assert [known.routes[name] for name in ("TG-000", "TG-001", "TG-399")] == PUBLISHED_OWNERS
    assert known.decks_of["P119"] == "deck-19"
    deck = known.decks["deck-07"]
    assert (
        deck.initial_seconds,
        deck.next_seconds,
        deck.connect_fee_micros,
        deck.megabyte_micros,
        deck.message_micros,
        deck.minute_micros["10"],
    ) == PUBLISHED_DECK_07
    assert {len(deck.minute_micros) for deck in known.decks.values()} == {DECK_SIZE}
    assert (
        sum(sum(deck.minute_micros.values()) for deck in known.decks.values()) == PUBLISHED_PRICES
    )


def test_the_events_are_the_published_ones() -> None:
    """A checksum of each column of 1,000 messages, as published."""
    data, order = columns(1_000)
    sums = {name: int(values.sum()) for name, values in data.items()}
    assert sums == PUBLISHED_SUMS
    assert int((order * np.arange(1_000)).sum()) == PUBLISHED_ORDER


def test_one_message_in_a_hundred_is_a_repeat_sent_later() -> None:
    """990 distinct events, ten of them sent twice; each source counts without a hole."""
    data, order = columns(1_000)
    times = np.bincount(order, minlength=990)
    assert len(data["source"]) == 990
    assert sorted(times.tolist()) == [1] * 980 + [2] * 10
    for source in range(SOURCES):
        sequence = data["sequence"][data["source"] == source]
        assert sequence.tolist() == list(range(sequence[0], sequence[0] + len(sequence)))


@pytest.mark.parametrize("partners", [1, 120, 5_000])
def test_every_partner_of_a_larger_market_has_a_route(partners: int) -> None:
    """Routes grow with partners, and unknown ones stay beyond them."""
    shape = Shape(partners=partners, decks=1)
    known = market(shape=shape)
    assert len(set(known.routes.values())) == partners
    assert len(known.routes) == shape.routes
    data, _ = columns(10_000, shape=shape)
    unknown = data["route"] >= shape.routes
    assert int(unknown.sum()) == 9_900 // 200
    assert int(data["route"].max()) < shape.routes + UNKNOWN_ROUTES
    assert route_name(shape.routes, shape) == "TX-000"


def test_a_larger_deck_keeps_what_the_original_has() -> None:
    """Longer prefixes are added; those of the original stay, at their prices."""
    original = market(shape=Shape(decks=1)).decks["deck-00"].minute_micros
    larger = market(shape=Shape(decks=1, deck_size=30_000)).decks["deck-00"].minute_micros
    assert len(larger) == 30_000
    assert {prefix: larger[prefix] for prefix in original} == dict(original)
    assert max(map(len, larger)) == 9


def test_a_deck_smaller_than_the_original_is_no_shape() -> None:
    """The recipe draws ten thousand prefixes; asking for fewer is a mistake, said at once."""
    with pytest.raises(ValueError, match="at least 10000 prefixes"):
        Shape(deck_size=100)
