"""The oracle's allowances: the events of a period in order, each charged for what is not free.

Where the product takes something off a sum, here the events are sorted and charged one after the
other, from the first one on, whenever a figure is asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from math import floor
from typing import NamedTuple

from ops.oracle_prices import Price
from ops.oracle_rating import Leg, event_charge
from ops.oracle_reference import Rounding
from ops.oracle_rounding import MICROS, round_micros
from ops.oracle_usage import Usage

SHOWN = Rounding("line", "half_even", 6)


class Charged(NamedTuple):
    """One event of an item with an allowance: where it stands, and what it costs without it."""

    place: tuple[int, str, int, int, str]
    quantity: int
    exact: Fraction
    micros: int


def charged(usage: Usage, leg: Leg) -> Charged:
    """What of a leg bears on an allowance."""
    numbered = usage.identity is not None and len(usage.identity) == 3  # noqa: PLR2004 - see there
    place = (
        usage.number("started_at"),
        usage.source,
        usage.number("epoch"),
        usage.number("sequence") if numbered else -1,
        "" if numbered else usage.text("event_id") or "",
    )
    return Charged(place, leg.quantity, leg.exact, leg.charge_micros)


def come_to(events: Iterable[Charged], price: Price, rounding: Rounding) -> tuple[Fraction, int]:
    """What events come to with what is free of them: exactly, and in micros charge by charge."""
    total, micros = Fraction(0), 0
    allowance = price.allowance
    if allowance is None:
        raise ValueError("Invariant: an item with an allowance has one")
    count, used = 0, Fraction(0)
    for event in sorted(events):
        is_over = allowance.events is not None and count >= allowance.events
        is_over = is_over or (allowance.quantity is not None and used >= allowance.quantity)
        if event.quantity <= 0 or is_over:
            total, micros = total + event.exact, micros + event.micros
            continue
        count, used = count + 1, used + event.quantity
        rest = 0 if allowance.quantity is None else max(Fraction(0), used - allowance.quantity)
        exact = event_charge(int(rest), int(rest), price) if rest else Fraction(0)
        total += exact
        by_record = rounding.place == "record"
        micros += round_micros(exact, rounding) if by_record else floor(exact * MICROS)
    return total, micros


def allowed(
    events: Mapping[str, Sequence[Charged]], price: Price, rounding: Rounding
) -> dict[str, tuple[Fraction, int]]:
    """The exact amount and the micros of each booked period, of one version's original period."""
    found = {}
    before = Fraction(0), 0
    for booked in sorted(events):
        upto = [event for period, of in events.items() if period <= booked for event in of]
        exact, micros = come_to(upto, price, rounding)
        if rounding.place == "line":
            micros = round_micros(exact, rounding)
        shown = micros - before[1]
        if rounding.place == "statement":
            shown = round_micros(exact - before[0], SHOWN)
        found[booked] = (exact - before[0], shown)
        before = exact, micros
    return found
