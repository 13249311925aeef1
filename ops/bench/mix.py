"""A mix of all prices of one event, over 1,000,000 prefixes, for `weir bench pricing`.

The events are those of `settle-bench v1`; what they cost is not. 200 decks of 5,000 prefixes, one
for each partner and direction, and five styles of agreement in turn: a deck by time band, a deck
less a percentage with limits, an attempt fee and a surcharge by origin, prices under conditions and
by band, steps of each call, conditions on the caller and sessions of partial records. Messages cost
more by day for every second partner, and every fourth shares what they cost with another; data is
counted in steps or by the volume that a session reaches.

Beside it the same events have one price a unit: what the mix takes more is what its elements take.
Of both it is said here what each event must come to, in plain integers and apart from the product;
`mix_reference.py` has the same as reference files.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np

from ops.bench.recipe import INCREMENTS, SEED, prefix_pool
from ops.bench.workload import PREFIX_LENGTHS, SIDES

DECKS, DECK_SIZE = 200, 5_000
STYLES = 5
DAY_SECONDS, PEAK_FROM, PEAK_UPTO = 86_400, 8 * 3_600, 18 * 3_600
MINUTE, MEGABYTE = 60, 10**6
NEAR = tuple(str(p) for p in range(40, 50))
FAR = tuple(str(p) for p in range(60, 70))
ORIGINS = {str(p): 1_000 + 100 * p for p in range(30, 40)}  # micros a minute by caller
ORIGIN_STEP = 60


class Before(NamedTuple):
    """What of the part before it in its session a price of the whole session looks at."""

    calling: str
    rated: str
    seconds: int


class Event(NamedTuple):
    """What prices look at; numbers are texts of digits, `rated` the routing or called number."""

    service: str
    direction: int
    started_us: int
    calling: str
    called: str
    rated: str
    milliseconds: int
    size: int
    before: Before | None = None

    @property
    def seconds(self) -> int:
        """Begun seconds."""
        return -(-self.milliseconds // 1000)


class Leg(NamedTuple):
    """What one item of the event's partner, or of the `receiver` of a share, charges in micros."""

    item: str
    quantity: int
    charge: int
    receiver: int | None = None


@dataclass(frozen=True)
class MixDeck:
    """A deck of the mix: micros a minute by prefix, and what its lines have in common."""

    initial: int
    following: int
    connect: int
    minute: Mapping[str, int]


@cache
def decks() -> tuple[MixDeck, ...]:
    """The 200 decks, drawn from the seed; every two-digit prefix is in each."""
    pool = prefix_pool(SEED)
    short = [str(p) for p in pool if p < 100]  # noqa: PLR2004 - two digits
    rest = np.array([p for p in pool if p >= 100])  # noqa: PLR2004
    found = []
    for number in range(DECKS):
        rng = np.random.default_rng([SEED, 5, number])
        chosen = rng.choice(rest, DECK_SIZE - len(short), replace=False)
        prefixes = [*short, *map(str, np.sort(chosen).tolist())]
        micros = rng.integers(500, 900_000, DECK_SIZE) // 20 * 20
        connect = int(rng.integers(0, 5)) * 4_000
        minutes = dict(zip(prefixes, micros.tolist(), strict=True))
        found.append(MixDeck(*INCREMENTS[number % len(INCREMENTS)], connect, minutes))
    return tuple(found)


def deck_of(partner: int, direction: int) -> int:
    """The deck of a partner: another one for each direction; its style is the partner's."""
    return (partner + direction * DECKS // 2) % DECKS


def off_peak(deck: MixDeck) -> MixDeck:
    """What a deck costs off peak: three fifths, counted in steps of its own."""
    minutes = {prefix: micros // 5 * 3 for prefix, micros in deck.minute.items()}
    return MixDeck(30, 6, deck.connect, minutes)


def half_up(numerator: int, denominator: int) -> int:
    """A ratio that is not negative, rounded to the nearest integer."""
    return (2 * numerator + denominator) // (2 * denominator)


def counted(seconds: int, initial: int, following: int) -> int:
    """Seconds in whole increments."""
    more = max(seconds - initial, 0)
    return initial - (-more // following) * following if seconds else 0


def is_peak(second: int) -> bool:
    """Whether a second since the epoch lies in the peak band, in UTC."""
    return PEAK_FROM <= second % DAY_SECONDS < PEAK_UPTO


def longest(number: str, prefixes: Mapping[str, int]) -> str:
    """The longest prefix of a number among some, or nothing."""
    found = (number[:n] for n in PREFIX_LENGTHS if number[:n] in prefixes)
    return next(found, "")


def parts(event: Event) -> tuple[bool, int, int]:
    """The band in which a call begins, and how many of its seconds begin in it and after it.

    No call is as long as a band, so it crosses one edge at most.
    """
    start = event.started_us
    peak = is_peak(start // 10**6)
    day = start // 10**6 // DAY_SECONDS * DAY_SECONDS
    edges = [day + PEAK_FROM, day + PEAK_UPTO, day + DAY_SECONDS + PEAK_FROM]
    edge = next(e for e in edges if e * 10**6 > start)
    own = min(-(-(edge * 10**6 - start) // 10**6), event.seconds)
    return peak, own, event.seconds - own


def _banded(deck: MixDeck, event: Event, prefix: str) -> tuple[int, int]:
    """Deck by band: an increment that was opened is completed at its own price."""
    other = off_peak_of(deck)
    peak, own, after = parts(event)
    first, second = (deck, other) if peak else (other, deck)
    paid = counted(own, first.initial, first.following)
    left = max(own + after - paid, 0)
    more = -(-left // second.following) * second.following
    cost = first.minute[prefix] * paid + second.minute[prefix] * more
    charge = half_up(cost, MINUTE) + deck.connect if event.seconds else 0
    return paid + more, charge


@cache
def _off_peaks() -> dict[int, MixDeck]:
    return {id(deck): off_peak(deck) for deck in decks()}


def off_peak_of(deck: MixDeck) -> MixDeck:
    """What one of the decks costs off peak."""
    return _off_peaks()[id(deck)]


ATTEMPT, LEAST, MOST = 2_000, 10_000, 2_000_000


def _voice(partner: int, event: Event) -> Iterable[Leg]:
    """A call by its partner's style."""
    deck = decks()[deck_of(partner, event.direction)]
    item = f"voice-{SIDES[event.direction][0]}"
    seconds, style = event.seconds, partner % STYLES
    prefix = longest(event.rated, deck.minute)
    quantity = counted(seconds, deck.initial, deck.following)
    charge = half_up(deck.minute[prefix] * quantity, MINUTE) + (deck.connect if seconds else 0)
    if style == 0:
        quantity, charge = _banded(deck, event, prefix)
    elif style == 1:
        # Three quarters of price and fee, then the limits; an attempt has a fee of its own.
        exact = (deck.minute[prefix] * quantity + deck.connect * MINUTE) * 3
        charge = half_up(exact, MINUTE * 4)
        charge = min(max(charge, LEAST), MOST) if seconds else ATTEMPT
        origin = event.calling[:2]
        if origin in ORIGINS:
            whole = counted(seconds, ORIGIN_STEP, ORIGIN_STEP)
            yield Leg(f"{item}-origin", whole, half_up(ORIGINS[origin] * whole, MINUTE))
    elif style == 2 and event.called[:2] in NEAR:  # noqa: PLR2004 - the third style
        item, (quantity, charge) = f"{item}-near", _near(event)
    elif style == 3:  # noqa: PLR2004 - the fourth one
        # The first minute whole, then each second; at most 2, with 0.01 to connect.
        quantity = seconds
        exact = 90_000 * MINUTE + 31_000 * max(seconds - MINUTE, 0)
        charge = min(half_up(exact, MINUTE) + 10_000, MOST) if seconds else 0
    elif style == 4 and event.calling[:2] in FAR:  # noqa: PLR2004 - the last one
        item, quantity, charge = f"{item}-far", seconds, half_up(44_400 * seconds, MINUTE)
    elif style == 4:  # noqa: PLR2004
        quantity, charge = _part(deck, event, prefix)
    yield Leg(item, quantity, charge)


def _part(deck: MixDeck, event: Event, prefix: str) -> tuple[int, int]:
    """A call, or the second part of one: it goes on where the first has counted up to."""
    exact = 0  # 60 x micros of the part before
    before, seconds = 0, event.seconds
    if event.before is not None and event.before.calling[:2] not in FAR:
        before = event.before.seconds
        first = deck.minute[longest(event.before.rated, deck.minute)]
        counts = counted(before, deck.initial, deck.following)
        exact = first * counts + (deck.connect * MINUTE if before else 0)
    counts = counted(before + seconds, deck.initial, deck.following)
    counts -= counted(before, deck.initial, deck.following)
    connect = deck.connect * MINUTE if seconds and not before else 0
    upto = exact + deck.minute[prefix] * counts + connect
    return counts, half_up(upto, MINUTE) - half_up(exact, MINUTE)


def receiver(partner: int) -> int | None:
    """Who receives two fifths of a partner's messages; every fourth partner shares them."""
    return None if partner % 4 else partner + 1


def _near(event: Event) -> tuple[int, int]:
    """A price for each band, each part counted like a call of its own."""
    peak, own, after = parts(event)
    lines = ((21_000, 60, 60), (9_000, 30, 6))
    first, second = lines if peak else lines[::-1]
    counts = counted(own, *first[1:]), counted(after, *second[1:])
    cost = first[0] * counts[0] + second[0] * counts[1]
    return sum(counts), half_up(cost, MINUTE) + 1_000 if event.seconds else 0


def _messages(partner: int, event: Event) -> Iterable[Leg]:
    """A message: every second partner's cost more by day; some are shared."""
    by_day = partner % 2 and is_peak(event.started_us // 10**6)
    charge, side = 27_000 if by_day else 18_000, SIDES[event.direction][0]
    other, part = receiver(partner), charge * 2 // 5
    if other is None:
        yield Leg(f"sms-{side}", 1, charge)
    else:
        yield Leg(f"sms-{side}", 1, charge - part)
        yield Leg(f"received-{side}", charge, part, other)


def _data(partner: int, event: Event) -> Leg:
    """A session: counted in steps and between limits, or at the price of the volume it reaches."""
    item, size = f"data-{SIDES[event.direction][0]}", event.size
    if partner % 2:
        micros = 3_300 if size <= MEGABYTE else 1_700
        return Leg(item, size, half_up(micros * size, MEGABYTE))
    steps = counted(max(size, 50_000) if size else 0, 100_000, 10_000)
    charge = min(max(half_up(2_500 * steps, MEGABYTE), 1_000), MOST) if size else 0
    return Leg(item, steps, charge)


def mix_legs(partner: int, event: Event) -> Iterable[Leg]:
    """What an event comes to in the mix, leg by leg."""
    match event.service:
        case "voice":
            yield from _voice(partner, event)
        case "sms":
            yield from _messages(partner, event)
        case _:
            yield _data(partner, event)


def plain_legs(_: int, event: Event) -> Iterable[Leg]:
    """What an event comes to by the unit."""
    item = f"{event.service}-{SIDES[event.direction][0]}"
    match event.service:
        case "voice":
            yield Leg(item, event.seconds, half_up(36_000 * event.seconds, MINUTE))
        case "sms":
            yield Leg(item, 1, 18_000)
        case _:
            yield Leg(item, event.size, half_up(2_500 * event.size, MEGABYTE))
