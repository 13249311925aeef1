"""The oracle's statements: what the sums of a period come to, at the place where they are rounded.

An agreement that rounds every record has its amounts already: a line is the sum of rounded charges.
One that rounds the line or the statement has exact sums, and money is made of them once. A
graduated price is a function of the period's whole volume, so its money exists per period only: it
is worked out here by walking the tiers, and what belongs to one booked period is the difference
that its usage made, F(booked up to and with it) - F(booked before it).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from ops.oracle_rating import MICROS, decimal_of, round_micros
from ops.oracle_reference import Item, Price, Reference, Rounding

SHOWN = Rounding("statement", "half_even", 6)


class AccrualKey(NamedTuple):
    """What an accrual is the running sum of; hour None is the whole original period."""

    agreement: str
    version: int
    item: str
    line: str
    currency: str
    booked: str
    original: str
    hour: int | None


class Accrual(NamedTuple):
    """A running sum: usages, quantity, charges as rounded, and what rounding left over."""

    events: int
    quantity: int
    charge_micros: int
    residue: Fraction


class AmountKey(NamedTuple):
    """A line of a statement: of the statement of `booked`, for usage of `original`."""

    agreement: str
    item: str
    version: int
    line: str
    currency: str
    booked: str
    original: str


class TotalKey(NamedTuple):
    """A statement in one currency."""

    agreement: str
    booked: str
    currency: str


class Total(NamedTuple):
    """What a statement comes to each way; both are positive, the net is their difference."""

    receivable: Decimal
    payable: Decimal


@dataclass(frozen=True)
class Amount:
    """A line before and after its rounding; a line that is not rounded keeps only its exact value.

    `micros` is what the line shows. With place `statement` the total is made of the exact values.
    `tiers` of a graduated line has the quantity and price of its part in each tier that it is in;
    another line has none.
    """

    exact: Fraction
    micros: int
    flow: str
    rounding: Rounding
    tiers: tuple[tuple[Fraction, Fraction], ...] | None = None


def tier_parts(price: Price, quantity: int) -> list[tuple[Fraction, Fraction]]:
    """The part of a quantity in each tier entered, and what that part costs.

    An upper bound belongs to the tier below it.
    """
    parts = []
    lower = Fraction(0)
    for tier in price.tiers:
        upper = Fraction(quantity)
        if tier.upto_quantity is not None and tier.upto_quantity < upper:
            upper = tier.upto_quantity
        if upper <= lower:
            break
        parts.append((upper - lower, (upper - lower) / price.unit * tier.price))
        lower = upper
    return parts


def tier_amount(price: Price, quantity: int) -> Fraction:
    """F(quantity): what a graduated price asks for a quantity that starts at zero."""
    return sum((amount for _, amount in tier_parts(price, quantity)), Fraction(0))


def statement_lines(
    accruals: Mapping[AccrualKey, Accrual], reference: Reference
) -> dict[AmountKey, Amount]:
    """Every line of every statement, from the accruals of whole periods."""
    lines: dict[AmountKey, Amount] = {}
    tiered: dict[tuple[str, str, str, str], dict[AccrualKey, int]] = defaultdict(dict)
    for key, accrual in accruals.items():
        if key.hour is not None:
            continue
        item = _item(key.agreement, key.version, key.item, reference)
        if item.price.kind == "tiers":
            # Tier positions carry over the versions of one item, as long as they count the same.
            group = (key.agreement, key.item, key.original, item.price.quantity)
            tiered[group][key] = accrual.quantity
            continue
        rounding = reference.version(key.agreement, key.version).rounding
        exact = Fraction(accrual.charge_micros, MICROS) + accrual.residue
        if rounding.place == "record":
            micros = accrual.charge_micros
        elif rounding.place == "line":
            micros = round_micros(exact, rounding)
        else:
            micros = round_micros(exact, SHOWN)
        lines[_line(key)] = Amount(exact, micros, item.flow, rounding)
    for quantities in tiered.values():
        lines.update(_tiered_lines(quantities, reference))
    return lines


def _tiered_lines(
    quantities: Mapping[AccrualKey, int], reference: Reference
) -> dict[AmountKey, Amount]:
    """The lines of one graduated item and original period, over all periods it was booked in."""
    lines: dict[AmountKey, Amount] = {}
    one_of = {key.version: key for key in quantities}
    before = dict.fromkeys(one_of, 0)
    for booked in sorted({key.booked for key in quantities}):
        added = {
            key.version: quantity for key, quantity in quantities.items() if key.booked == booked
        }
        upto = {number: before[number] + added.get(number, 0) for number in before}
        positions = (0, 0)
        for number in sorted(one_of):
            key = one_of[number]._replace(booked=booked)
            price = _item(key.agreement, number, key.item, reference).price
            terms = reference.version(key.agreement, number)
            # This version's usage stands on top of that of the versions before it, both as the
            # volume was before this booked period and as it is with it.
            ends = (positions[0] + before[number], positions[1] + upto[number])
            old, new = (
                tier_amount(price, end) - tier_amount(price, start)
                for start, end in zip(positions, ends, strict=True)
            )
            starts, positions = positions, ends
            if terms.rounding.place == "statement":
                micros = round_micros(new - old, SHOWN)
            else:
                micros = round_micros(new, terms.rounding) - round_micros(old, terms.rounding)
            # Late usage of an earlier version moves a later one up the tiers: that line has money
            # though it has no usage of its own in this booked period.
            if number in added or new != old or micros != 0:
                flow = _item(key.agreement, number, key.item, reference).flow
                parts = _moved(price, (starts[0], ends[0]), (starts[1], ends[1]))
                lines[_line(key)] = Amount(new - old, micros, flow, terms.rounding, parts)
        before = upto
    return lines


def _moved(
    price: Price, old: tuple[int, int], new: tuple[int, int]
) -> tuple[tuple[Fraction, Fraction], ...]:
    """What is different in each tier when a stretch of volume moves from one place to another."""
    sums: dict[int, tuple[Fraction, Fraction]] = {}
    for position, sign in ((new[1], 1), (new[0], -1), (old[1], -1), (old[0], 1)):
        for tier, (quantity, cost) in enumerate(tier_parts(price, position)):
            before = sums.get(tier, (Fraction(0), Fraction(0)))
            sums[tier] = (before[0] + sign * quantity, before[1] + sign * cost)
    return tuple(part for _, part in sorted(sums.items()) if part[0] != 0)


def statement_totals(lines: Mapping[AmountKey, Amount]) -> dict[TotalKey, Total]:
    """What each statement comes to.

    Lines under one rule of rounding at the statement are added up exactly and rounded once; any
    other line adds what it shows. The two flows are apart.
    """
    sums: dict[TotalKey, dict[str, int]] = {}
    exact: dict[tuple[TotalKey, str, Rounding], Fraction] = defaultdict(Fraction)
    for key, amount in lines.items():
        total = TotalKey(key.agreement, key.booked, key.currency)
        flows = sums.setdefault(total, {"receivable": 0, "payable": 0})
        if amount.rounding.place == "statement":
            exact[total, amount.flow, amount.rounding] += amount.exact
        else:
            flows[amount.flow] += amount.micros
    for (total, flow, rounding), value in exact.items():
        sums[total][flow] += round_micros(value, rounding)
    return {
        total: Total(decimal_of(flows["receivable"]), decimal_of(flows["payable"]))
        for total, flows in sums.items()
    }


def _item(agreement: str, version: int, item: str, reference: Reference) -> Item:
    """An item of an agreement version by name."""
    return next(i for i in reference.version(agreement, version).items if i.name == item)


def _line(key: AccrualKey) -> AmountKey:
    """The statement line that an accrual belongs to."""
    return AmountKey(
        key.agreement, key.item, key.version, key.line, key.currency, key.booked, key.original
    )
