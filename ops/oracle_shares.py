"""The oracle's shares: what becomes of a charge when others have a part of it.

Each leg is followed by itself: what its item's split leaves to it, then the leg of every receiver,
which is followed in the same way. Nothing is looked at twice, and nothing is gathered: a cascade is
a function that calls itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

from ops.oracle_rating import Leg, period_of
from ops.oracle_reference import Reference
from ops.oracle_rounding import MICROS, STEPS, round_units
from ops.oracle_splits import divide
from ops.oracle_usage import Usage


def shared(usage: Usage, legs: list[Leg], reference: Reference) -> list[Leg] | str:
    """Legs with what is left to them and those of all receivers; or why there are none."""
    found = []
    for leg in legs:
        for one in _shared(usage, leg, reference):
            if isinstance(one, str):
                return one
            found.append(one)
    return found


def _shared(usage: Usage, leg: Leg, reference: Reference) -> Iterator[Leg | str]:
    """A leg and all that comes of it; a word where a receiver is missing."""
    split, rounding = leg.item.split, leg.version.rounding
    if split is None:
        yield leg
        return
    units = Fraction(leg.charge_micros, MICROS) * STEPS[rounding.decimals]
    if units.denominator != 1:
        raise ValueError("Invariant: a charge is rounded before it is divided")
    parts = divide(int(units), split, lambda part: round_units(part, rounding.mode))
    micros = [int(part * MICROS / STEPS[rounding.decimals]) for part in parts]
    given = [(p, m) for p, m in zip(split.parties, micros, strict=True) if p.agreement]
    own = leg.charge_micros - sum(amount for _, amount in given)
    yield replace(leg, charge_micros=own, exact=leg.residue + Fraction(own, MICROS), whole=leg)
    started = usage.number("started_at")
    for party, amount in given:
        versions = reference.agreements[party.agreement].versions
        version = next((v for v in versions if v.validity.covers(usage.priced_at)), None)
        if version is None:
            yield "no_receiver"
            return
        item = next(i for i in version.items if i.name == party.item)
        received = Leg(
            claim=replace(leg.claim, agreement=party.agreement),
            version=version,
            item=item,
            price=item.price,
            zone="",
            line="",
            original=period_of(version, started),
            hour=leg.hour,
            counted=leg.charge_micros,
            quantity=leg.charge_micros,
            exact=Fraction(amount, MICROS),
            charge_micros=amount,
            sender=leg,
        )
        yield from _shared(usage, received, reference)
