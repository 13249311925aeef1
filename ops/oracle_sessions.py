"""The oracle's sessions: all records of a session are put together, and charged from the start.

A session here is the list of its records as they came. What they come to is worked out when it is
asked for, of any set of them: sorted, walked from the first to the last, every sum taken again from
the beginning. There are no corrections: what a record adds to a period is what it comes to with all
that was in when the period was closed, less the same of the period before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import accumulate, pairwise
from math import floor
from typing import Any, NamedTuple

from ops.oracle_rating import CHARGE_MAX, Leg, bare, charged_for, event_charge
from ops.oracle_rounding import MICROS, round_micros
from ops.oracle_usage import Usage

DAY_US = 24 * 3600 * 10**6
LATE_US, OVER_US = 7 * DAY_US, 14 * DAY_US
MEMBERS_MAX = 1_000

Order = tuple[int, int, int, int, str]


class Input(NamedTuple):
    """What an event is settled on behalf of: its own message, or a request to try it again."""

    topic: str
    partition: int
    offset: int
    timestamp_us: int


@dataclass(frozen=True)
class Member:
    """One record in its session, with the leg that it would be by itself."""

    order: Order
    started_us: int
    leg: Leg
    came: Input


Key = tuple[str, ...]


def order_of(usage: Usage) -> Order:
    """The place of a record in its session: by its number there, else by time, then by identity."""
    started = usage.number("started_at")
    number = usage.fields.get("partial_sequence")
    first = number if isinstance(number, int) and number >= 0 else started
    identity = usage.identity or ("", "")
    sequence, name = (identity[2], "") if len(identity) == 3 else (-1, identity[1])  # noqa: PLR2004
    return (first, started, usage.number("epoch"), sequence, name)


def key_of(usage: Usage, leg: Leg) -> Key | None:
    """The session that a leg is of; None when it is none."""
    session = usage.text("session_id")
    if leg.item.price.whole == "record" or not session:
        return None
    place = usage.source, session, leg.version.agreement, leg.item.name
    return (*place, leg.claim.role, usage.service, leg.price.quantity)


class Together:
    """All sessions while records come in."""

    def __init__(self) -> None:
        self._newest_us: dict[str, int] = {}
        self._going_on: dict[Key, list[Member]] = {}
        self._all: list[list[Member]] = []

    def saw(self, usage: Usage) -> None:
        """A source has come so far."""
        started = usage.number("started_at")
        self._newest_us[usage.source] = max(started, self._newest_us.get(usage.source, 0))

    def join(self, usage: Usage, legs: Sequence[Leg], came: Input) -> str:
        """Put the legs of a record to their sessions; `none`, or why not even one of them goes."""
        newest_us, started_us = self._newest_us.get(usage.source, 0), usage.number("started_at")
        joining: list[tuple[list[Member], Member]] = []
        anew: dict[Key, list[Member]] = {}
        for leg in legs:
            key = key_of(usage, leg)
            if key is None:
                continue
            if started_us < newest_us - LATE_US:
                return "session_expired"
            members = self._going_on.get(key, [])
            if not members or _first_us(members) < newest_us - OVER_US:
                members = anew.setdefault(key, [])
            elif started_us > _first_us(members) + LATE_US or len(members) >= MEMBERS_MAX:
                return "session_expired"
            member = Member(order_of(usage), started_us, leg, came)
            if any(
                abs(one.charge_micros) > CHARGE_MAX * MICROS for one in told([*members, member])
            ):
                return "charge_overflow"
            joining.append((members, member))
        for members, member in joining:
            members.append(member)
        self._going_on |= anew
        self._all += anew.values()
        return "none"

    def finish(self, traces: Iterable[list[Any]]) -> None:
        """Give the legs of traces, in place, the figures that they have in the end."""
        final: dict[int, Leg] = {}
        for members in self._all:
            ordered = sorted(members, key=lambda m: m.order)
            final |= {id(m.leg): leg for m, leg in zip(ordered, told(ordered), strict=True)}
        for found in traces if final else ():
            for at, trace in enumerate(found):
                legs = tuple(final.get(id(leg), leg) for leg in trace.legs)
                found[at] = replace(trace, legs=legs)

    def booked(
        self, is_in: Callable[[Leg, Input], bool], period_of: Callable[[Leg, Input], str]
    ) -> Iterator[tuple[Leg, str, int]]:
        """What every record adds to each period, and of how many events.

        Args:
            is_in: whether an input has reached the accruals of a leg.
            period_of: the period that takes what an input brings for a leg.
        """
        for everyone in self._all:
            members = [m for m in everyone if is_in(m.leg, m.came)]
            known: dict[tuple[int, ...], dict[Order, Leg]] = {}  # by which of them are in
            for one in members:
                periods = [period_of(one.leg, other.came) for other in members]
                home = period_of(one.leg, one.came)
                before = replace(one.leg, quantity=0, exact=Fraction(0), charge_micros=0)
                for period in sorted({p for p in periods if p >= home}):
                    here = tuple(n for n, p in enumerate(periods) if p <= period)
                    if here not in known:
                        some = sorted((members[n] for n in here), key=lambda m: m.order)
                        orders = [m.order for m in some]
                        known[here] = dict(zip(orders, told(some), strict=True))
                    now = known[here][one.order]
                    yield _less(now, before), period, int(period == home)
                    before = now


def _first_us(members: Sequence[Member]) -> int:
    return min(member.started_us for member in members)


def _less(now: Leg, before: Leg) -> Leg:
    """What a leg comes to more than before."""
    return replace(
        now,
        quantity=now.quantity - before.quantity,
        exact=now.exact - before.exact,
        charge_micros=now.charge_micros - before.charge_micros,
    )


def told(members: Sequence[Member]) -> list[Leg]:
    """The legs of a session in their order, with what each comes to."""
    legs = [member.leg for member in sorted(members, key=lambda m: m.order)]
    if not any(leg.counted for leg in legs):
        return legs  # attempts, each with its own fee
    reached = [0, *accumulate(leg.counted for leg in legs)]
    pieces = [_piece(leg, *between) for leg, between in zip(legs, pairwise(reached), strict=True)]
    first = next((at for at, (quantity, _) in enumerate(pieces) if quantity), None)
    found: list[Leg] = []
    sums: dict[int, list[Fraction]] = {}  # of each version: exact, and within limits
    for at, (leg, (quantity, exact)) in enumerate(zip(legs, pieces, strict=True)):
        if at == first:
            exact += leg.price.connect_fee * leg.price.factor  # noqa: PLW2901 - once a session
        before = after = Fraction(0)
        if leg.item.price.whole == "legs":
            after = _limited(leg, exact) if quantity else after
        else:
            whole, before = sums.get(leg.version.number, [Fraction(0), Fraction(0)])
            whole += exact
            is_counted = any(
                q
                for one, (q, _) in zip(legs[: at + 1], pieces, strict=False)
                if one.version.number == leg.version.number and one.item.price.whole != "legs"
            )
            after = _limited(leg, whole) if is_counted else after
            sums[leg.version.number] = [whole, after]
        if leg.version.rounding.place == "record":
            rounded = [round_micros(value, leg.version.rounding) for value in (before, after)]
            micros = rounded[1] - rounded[0]
        else:
            micros = floor((after - before) * MICROS)
        found.append(replace(leg, quantity=quantity, exact=after - before, charge_micros=micros))
    return found


def _piece(leg: Leg, before: int, after: int) -> tuple[int, Fraction]:
    """What a leg is charged for and costs without fees and limits, between two positions."""
    if leg.item.price.whole == "legs":
        return leg.quantity, leg.bare
    start, end = (charged_for(position, leg.price) for position in (before, after))
    if leg.price.kind == "tiers":
        return end - start, Fraction(0)
    price = bare(leg.price)
    return end - start, event_charge(after, end, price) - event_charge(before, start, price)


def _limited(leg: Leg, exact: Fraction) -> Fraction:
    price = leg.price
    exact = max(exact, price.minimum)
    return exact if price.maximum is None else min(exact, price.maximum)
