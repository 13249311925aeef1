"""The oracle's statements: what the sums of a period come to, at the place where they are rounded.

An agreement that rounds every record has its amounts already: a line is the sum of rounded charges.
One that rounds the line or the statement has exact sums, and money is made of them once. A
graduated price is a function of the period's whole volume, so its money exists per period only: it
is worked out here by walking the tiers, and what belongs to one booked period is the difference
that its usage made, F(booked up to and with it) - F(booked before it).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from ops.oracle_curves import Owing, Placed, is_standing, owings, placed_parts, tier_amount
from ops.oracle_deals import Place, deal_lines
from ops.oracle_prices import Price
from ops.oracle_rating import MICROS, decimal_of, round_micros
from ops.oracle_reference import Item, Reference, Rounding

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
    another line has none. `missed` is what a commitment adds at the end, and has a line of its own.
    """

    exact: Fraction
    micros: int
    flow: str
    rounding: Rounding
    tiers: tuple[tuple[Fraction, Fraction], ...] | None = None
    missed: Fraction = Fraction(0)
    missed_micros: int = 0
    is_deal: bool = False

    @property
    def stated(self) -> tuple[Fraction, Fraction]:
        """The line as money: accrued, and with what is missed; exact where only totals round."""
        if self.rounding.place == "statement":
            return self.exact, self.exact + self.missed
        accrued = Fraction(self.micros, MICROS)
        return accrued, accrued + Fraction(self.missed_micros, MICROS)


def statement_lines(
    accruals: Mapping[AccrualKey, Accrual],
    reference: Reference,
    closed: Iterable[tuple[str, str]] = (),
) -> dict[AmountKey, Amount]:
    """Every line of every statement, from the accruals of whole periods.

    Where something is owed without usage, a period that has any accrual, or was closed without one,
    has that line too.
    """
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
    books = {*closed, *((key.agreement, key.booked) for key in accruals)}
    for agreement, period in books:
        for owing in filter(is_standing, owings(reference, agreement, period)):
            version, item = reference.version(agreement, owing.version), owing.item
            named = (agreement, version.number, item.name, "", version.currency)
            key = AccrualKey(*named, period, period, None)
            tiered[agreement, item.name, period, item.price.quantity].setdefault(key, 0)
    for (agreement, name, period, counts), quantities in tiered.items():
        found = [
            o
            for o in owings(reference, agreement, period)
            if (o.item.name, o.item.price.quantity) == (name, counts)
        ]
        lines.update(_tiered_lines(quantities, reference, found))
    lines.update(_deal_lines(lines, books, reference))
    return lines


def _deal_lines(
    lines: Mapping[AmountKey, Amount], books: set[tuple[str, str]], reference: Reference
) -> dict[AmountKey, Amount]:
    """The lines of deals, over those of items."""
    usage: dict[tuple[str, str], dict[Place, tuple[Fraction, Fraction]]] = {}
    having = {a for a, of in reference.agreements.items() if any(v.deals for v in of.versions)}
    for agreement, period in books:
        if agreement in having:
            # It has deals of its own though it may have no usage.
            nothing = (Fraction(0), Fraction(0))
            usage.setdefault((agreement, period), {})[Place(0, "", "", period)] = nothing
    for key, line in lines.items():
        if key.agreement in having:
            place = Place(key.version, key.item, key.currency, key.booked)
            of = usage.setdefault((key.agreement, key.original), {})
            before, more = of.get(place, (Fraction(0), Fraction(0))), line.stated
            of[place] = (before[0] + more[0], before[1] + more[1])
    deals: dict[AmountKey, Amount] = {}
    for (agreement, period), stated in usage.items():
        for at, (worth, flow) in deal_lines(reference, agreement, period, stated).items():
            key = AmountKey(agreement, at.item, at.version, "", at.currency, at.booked, period)
            deals[key] = Amount(
                exact=worth.value,
                micros=round_micros(worth.value, SHOWN),
                flow=flow,
                rounding=reference.version(agreement, at.version).rounding,
                missed=worth.missed,
                missed_micros=round_micros(worth.missed, SHOWN),
                is_deal=True,
            )
    return deals


def _tiered_lines(
    quantities: Mapping[AccrualKey, int], reference: Reference, owing: Sequence[Owing]
) -> dict[AmountKey, Amount]:
    """The lines of one item under tiers and original period, over all periods it was booked in."""
    lines: dict[AmountKey, Amount] = {}
    one_of = {key.version: key for key in quantities}
    before: dict[int, int] | None = None
    for booked in sorted({key.booked for key in quantities}):
        added = {
            key.version: quantity for key, quantity in quantities.items() if key.booked == booked
        }
        upto = {number: (before or {}).get(number, 0) + added.get(number, 0) for number in one_of}
        for number in sorted(one_of):
            key = one_of[number]._replace(booked=booked)
            item = _item(key.agreement, number, key.item, reference)
            terms = reference.version(key.agreement, number)
            answers = next((o for o in owing if o.version == number), None)
            # This version's usage stands on top of that of the versions before it, both as the
            # volume was before this booked period and as it is with it.
            old, old_due, old_parts = _stand(item.price, number, before, answers)
            new, new_due, new_parts = _stand(item.price, number, upto, answers)
            missed = (new_due - new) - (old_due - old)
            if terms.rounding.place == "statement":
                micros, short = round_micros(new - old, SHOWN), round_micros(missed, SHOWN)
            else:
                micros = round_micros(new, terms.rounding) - round_micros(old, terms.rounding)
                due = round_micros(new_due, terms.rounding) - round_micros(old_due, terms.rounding)
                short = due - micros
            # Late usage of an earlier version moves a later one up the tiers: that line has money
            # though it has no usage of its own in this booked period.
            if number in added or new != old or micros != 0 or missed != 0 or short != 0:
                parts = _difference(old_parts, new_parts)
                lines[_line(key)] = Amount(
                    new - old, micros, item.flow, terms.rounding, parts, missed, short
                )
        before = upto
    return lines


def _stand(
    price: Price, number: int, volumes: Mapping[int, int] | None, owing: Owing | None
) -> tuple[Fraction, Fraction, Placed]:
    """What a version comes to by some volumes: what is accrued, what is due, and the parts.

    Before anything was booked (None) there is nothing, not even what is owed without usage.
    """
    if volumes is None:
        return Fraction(0), Fraction(0), {}
    start = sum(volume for version, volume in volumes.items() if version < number)
    end, total = start + volumes[number], sum(volumes.values())
    # Of nothing nobody owes anything, but where the whole period is at zero and its item says so.
    owes_nothing = end == 0 and not (owing is not None and total == 0 and price.flat_on_zero)
    top = {} if owes_nothing else placed_parts(price, end)
    parts = dict(_difference_of(placed_parts(price, start) if start else {}, top))
    value = sum((amount for _, amount in parts.values()), Fraction(0))
    if owing is None or price.at_least == 0:
        return value, value, parts
    least = price.at_least * owing.part
    extra = tier_amount(price, least) - tier_amount(price, total) if least > total else Fraction(0)
    return value, value + extra, parts


def _difference_of(
    old: Placed, new: Placed
) -> Iterator[tuple[tuple[int, int], tuple[Fraction, Fraction]]]:
    """What is more in each part of a new state than in an old one."""
    none = (Fraction(0), Fraction(0))
    for place in sorted(old.keys() | new.keys()):
        (q_old, a_old), (q_new, a_new) = old.get(place, none), new.get(place, none)
        if (q_old, a_old) != (q_new, a_new):
            yield place, (q_new - q_old, a_new - a_old)


def _difference(old: Placed, new: Placed) -> tuple[tuple[Fraction, Fraction], ...]:
    """The same without the places."""
    return tuple(part for _, part in _difference_of(old, new))


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
            exact[total, amount.flow, amount.rounding] += amount.exact + amount.missed
        else:
            flows[amount.flow] += amount.micros + amount.missed_micros
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
