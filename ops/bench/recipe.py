"""The numeric recipe of `settle-bench v1`: who trades, at what prices, and a day of traffic.

`settle-bench v1` is a seeded workload that other stream processors were measured on: a day of
voice, messages and data of 16 sources over 400 trunk groups of 120 partners, with 1 % repeats and
0.5 % unknown routes. It is kept here draw for draw, so that from the same seed come the same
events, the same decks and the same money, and figures can be set side by side. `Shape` makes the
reference larger than the original, to see whether cost depends on its size.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

SEED = 20261122
SOURCES = 16
UNKNOWN_ROUTES = 20
DECK_SIZE = 10_000
DAY_US = 1_790_000_000_000_000 // 86_400_000_000 * 86_400_000_000
VOICE, SMS, DATA = range(3)

# How many of the dialling prefixes in the pool that decks draw from have each length.
POOL = {2: 90, 3: 900, 4: 5_000, 5: 6_000, 6: 4_000, 7: 2_000, 8: 1_200}
# Lengths of the prefixes that fill a deck beyond its original size.
MORE_DIGITS = (7, 8, 9)
INCREMENTS = ((30, 6), (60, 60), (1, 1))

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.floating]
Columns = Mapping[str, Ints]


@dataclass(frozen=True)
class Shape:
    """How large the reference is; as it stands it is that of `settle-bench v1`."""

    partners: int = 120
    decks: int = 20
    deck_size: int = DECK_SIZE

    def __post_init__(self) -> None:
        if self.deck_size < DECK_SIZE or self.partners < 1 or self.decks < 1:
            raise ValueError(f"a deck has at least {DECK_SIZE} prefixes: {self}")

    @property
    def routes(self) -> int:
        """Trunk groups, ten for three partners; every partner has one at least."""
        return max(400, self.partners * 10 // 3)


ORIGINAL = Shape()


@dataclass(frozen=True)
class Deck:
    """What one rate deck costs, in micros of a euro."""

    initial_seconds: int
    next_seconds: int
    connect_fee_micros: int
    megabyte_micros: int
    message_micros: int
    minute_micros: Mapping[str, int]


@dataclass(frozen=True)
class Market:
    """Who owns which route, which deck a partner has, and the decks."""

    routes: Mapping[str, str]
    decks_of: Mapping[str, str]
    decks: Mapping[str, Deck]


def source_name(index: int) -> str:
    """The name of a source."""
    return f"msc-{index:02d}"


def route_name(index: int, shape: Shape) -> str:
    """The name of a route; beyond the shape's routes come those that nobody owns."""
    return f"TG-{index:03d}" if index < shape.routes else f"TX-{index - shape.routes:03d}"


@cache
def prefix_pool(seed: int) -> tuple[int, ...]:
    """Dialling prefixes as integers, shortest first; all ninety two-digit ones are in it."""
    rng = np.random.default_rng([seed, 1])
    pool: list[int] = []
    for length, count in POOL.items():
        low, high = 10 ** (length - 1), 10**length
        if length == min(POOL):
            pool.extend(range(low, high))
        elif length == min(POOL) + 1:
            pool.extend(int(x) for x in rng.permutation(np.arange(low, high))[:count])
        else:
            # Longer prefixes lie under shorter ones, as real dialling plans do.
            parents = np.array([p for p in pool if p < low], dtype=np.int64)
            drawn: set[int] = set()
            while len(drawn) < count:
                parent = int(rng.choice(parents))
                missing = length - len(str(parent))
                drawn.add(parent * 10**missing + int(rng.integers(0, 10**missing)))
            pool.extend(sorted(drawn))
    return tuple(pool)


def market(seed: int = SEED, shape: Shape = ORIGINAL) -> Market:
    """The seeded reference: routes of partners, partners' decks, and the decks."""
    rng = np.random.default_rng([seed, 2])
    pool = prefix_pool(seed)
    short = [p for p in pool if p < 100]  # noqa: PLR2004 - two digits
    rest = np.array([p for p in pool if p >= 100])  # noqa: PLR2004
    decks = {}
    for number in range(shape.decks):
        drawn = rng.choice(rest, DECK_SIZE - len(short), replace=False)
        chosen = short + sorted(int(p) for p in drawn)
        initial, following = INCREMENTS[number % len(INCREMENTS)]
        # The order of the draws is part of the recipe.
        connect = int(rng.integers(0, 5)) * 5_000
        megabyte = int(rng.integers(500, 9_000))
        message = int(rng.integers(1_000, 40_000))
        minutes = {str(p): int(rng.integers(500, 900_000)) for p in chosen}
        if shape.deck_size > DECK_SIZE:
            _enlarge(minutes, shape.deck_size, np.random.default_rng([seed, 4, number]), pool)
        decks[f"deck-{number:02d}"] = Deck(initial, following, connect, megabyte, message, minutes)
    names = [f"P{p:03d}" for p in range(shape.partners)]
    owners = np.concatenate(
        [
            np.arange(shape.partners),
            rng.integers(0, shape.partners, shape.routes - shape.partners),
        ]
    )
    return Market(
        routes={route_name(i, shape): names[int(p)] for i, p in enumerate(rng.permutation(owners))},
        decks_of={name: f"deck-{i % shape.decks:02d}" for i, name in enumerate(names)},
        decks=decks,
    )


def _enlarge(
    minutes: dict[str, int], size: int, rng: np.random.Generator, pool: tuple[int, ...]
) -> None:
    """Fill a deck up with long prefixes under those of the pool, each with a price."""
    parents = np.array([p for p in pool if p < 10 ** (min(MORE_DIGITS) - 1)], dtype=np.int64)
    digits = np.floor(np.log10(parents)).astype(np.int64) + 1
    while len(minutes) < size:
        count = size - len(minutes)
        chosen = rng.integers(0, len(parents), count)
        span = 10 ** (rng.choice(np.array(MORE_DIGITS), count) - digits[chosen])
        prefixes = parents[chosen] * span + (rng.random(count) * span).astype(np.int64)
        prices = rng.integers(500, 900_000, count)
        for prefix, price in zip(prefixes.tolist(), prices.tolist(), strict=True):
            minutes.setdefault(str(prefix), price)


def _numbers(rng: np.random.Generator, pool: Ints, weights: Floats, count: int) -> Ints:
    """E.164 numbers of 11 to 13 digits, each under a dialling prefix of the pool."""
    prefix = pool[rng.choice(len(pool), count, p=weights)]
    digits = np.floor(np.log10(prefix)).astype(np.int64) + 1
    missing = rng.integers(11, 14, count) - digits
    span = 10**missing
    result: Ints = prefix * span + (rng.random(count) * span).astype(np.int64)
    return result


def columns(n: int, seed: int = SEED, shape: Shape = ORIGINAL) -> tuple[Columns, Ints]:
    """The distinct events as columns, and the indices of distinct events in sending order.

    1 % of the n messages are exact repeats, sent later than the event they repeat; 0.5 % of the
    distinct events carry a route that no partner owns.
    """
    rng = np.random.default_rng([seed, 3])
    repeats = n // 100
    unique = n - repeats
    pool = np.array(prefix_pool(seed), dtype=np.int64)
    weights: Floats = 1.0 / (np.arange(len(pool)) + 200.0)
    weights = rng.permutation(weights / weights.sum())
    source = rng.integers(0, SOURCES, unique)
    sequence = np.empty(unique, dtype=np.int64)
    for s in range(SOURCES):
        at = np.flatnonzero(source == s)
        sequence[at] = 7_000_000 * (s + 1) + np.arange(len(at))
    started = DAY_US + np.arange(unique) * 86_400_000_000 // max(unique, 1)
    started = started + rng.integers(-180_000_000, 180_000_000, unique)
    service = rng.choice(3, unique, p=[0.6, 0.2, 0.2])
    popularity = 1.0 / (np.arange(shape.routes) + 30.0)
    route = rng.permutation(shape.routes)[
        rng.choice(shape.routes, unique, p=popularity / popularity.sum())
    ]
    unknown = rng.permutation(unique)[: unique // 200]
    route[unknown] = shape.routes + rng.integers(0, UNKNOWN_ROUTES, len(unknown))
    duration = np.minimum(rng.exponential(150_000, unique), 1_200_000).astype(np.int64)
    duration[rng.random(unique) < 0.08] = 0  # noqa: PLR2004 - of every hundred calls 8 unanswered
    size = np.minimum(rng.lognormal(14, 2, unique), 4e9).astype(np.int64)
    ported = rng.random(unique) < 0.05  # noqa: PLR2004 - one number in twenty is ported
    order = _sending_order(rng, unique, repeats)
    # The order of these draws is part of the recipe as well.
    direction = rng.integers(0, 2, unique)
    a_number = _numbers(rng, pool, weights, unique)
    b_number = _numbers(rng, pool, weights, unique)
    routing_number = np.where(ported, _numbers(rng, pool, weights, unique), 0)
    return {
        "source": source,
        "sequence": sequence,
        "service": service,
        "direction": direction,
        "route": route,
        "a_number": a_number,
        "b_number": b_number,
        "started_at": started,
        "duration_ms": np.where(service == VOICE, duration, 0),
        "bytes": np.where(service == DATA, size, 0),
        "routing_number": routing_number,
    }, order


def _sending_order(rng: np.random.Generator, unique: int, repeats: int) -> Ints:
    """Distinct events in order, and repeats of some of them in between.

    Half of the repeats come soon after, half up to a sixth of the day later.
    """
    order_key = np.concatenate([2 * np.arange(unique), np.zeros(repeats, dtype=np.int64)])
    repeated = rng.choice(unique, repeats, replace=False)
    delay = np.where(
        rng.random(repeats) < 0.5,  # noqa: PLR2004 - half of them
        rng.integers(1, 2_000, repeats),
        rng.integers(1, unique // 6 + 2, repeats),
    )
    order_key[unique:] = 2 * (repeated + delay) + 1
    sent: Ints = np.concatenate([np.arange(unique), repeated])[np.argsort(order_key, kind="stable")]
    return sent
