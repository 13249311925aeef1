"""Prices of deals: what is asked for what the members of a deal come to or have counted.

Each kind of deal is a function of a few sums of its members: their money (bounds, tiers of money),
what they have counted (tiers of a quantity, capacity, swap), and for tiers that begin anew every
hour the same by the hour. Nothing is rounded here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from schemas.codes import PriceKind
from schemas.money import MICROS, NANOS
from state.curves import Exact, Part
from state.deals import DealTerms, SwapTerms
from streams.accrual import Duty
from streams.terms import Terms

ZERO = Fraction(0)


class Hour(NamedTuple):
    """What members have in an hour: micros of money or a quantity, and of how many events."""

    amount: Exact
    events: int


@dataclass(frozen=True)
class Members:
    """What a deal looks at: money in currency units, accrued and due, and what was counted.

    `chosen` is what chooses a tier. `hours` are by hour since 1970; those in `others` are answered
    for by another version. `declared` is the partner's figure for one side of a swap.
    """

    accrued: Fraction
    due: Fraction
    events: int
    chosen: int
    quantities: Mapping[str, int]
    hours: Mapping[int, Hour]
    others: frozenset[int] = frozenset()
    declared: int | None = None


@dataclass(frozen=True)
class Asked:
    """What a version asks for; `duty` where it is the one that answers for the period."""

    terms: Terms
    deal: DealTerms
    duty: Duty | None

    def at(self, members: Members) -> Fraction:
        """What is asked for by now."""
        return self._of(members, self._base(members), is_last=True)

    def before(self, members: Members, *, due: bool = False) -> Fraction:
        """What would be asked for what earlier versions have, of money as it is due or accrued."""
        return self._of(members, self._base(members, due=due), is_last=False)

    def due(self, members: Members) -> Fraction:
        """The same at the end of the period: not less than the minimum, where that is owed here."""
        if self.deal.by_hour:
            return sum((self._hour(members, hour) for hour in members.hours), ZERO)
        base = self._base(members, due=True)
        if self.duty is None:
            return self._of(members, base, is_last=True)
        if self.terms.item.price_kind is PriceKind.BOUNDS:
            least = Fraction(self.deal.minimum_nanos, NANOS) * self._part
            found = self._of(members, base, is_last=True)
            return max(found, least) if least else found
        if self.duty.at_least and base < self.duty.at_least:
            return self.terms.curve.exact(self.duty.at_least)
        return self._of(members, base, is_last=True)

    def fee(self, period: str) -> Fraction:
        """What is owed for a period without usage."""
        if self.deal.on is not None:
            day = self.deal.on.isoformat()
            is_due = period in (day, day[:7]) and self.terms.begins_day(self.deal.on)
            return Fraction(self.deal.fee_nanos if is_due else 0, NANOS)
        if self.duty is None:
            return ZERO
        part = self._part if self.deal.prorated else Fraction(1)
        return Fraction(self.deal.fee_nanos, NANOS) * part

    def parts(self, members: Members) -> Iterator[Part]:
        """What is asked for by now, in parts; of bounds there are none."""
        yield from self._parts(members, is_last=True)

    def parts_before(self, members: Members) -> Iterator[Part]:
        """What would be asked for what earlier versions have, in parts."""
        yield from self._parts(members, is_last=False)

    def _parts(self, members: Members, *, is_last: bool) -> Iterator[Part]:
        if self.deal.swap is not None:
            yield from _swapped(self.deal.swap, members, self._declared(members, is_last=is_last))
        elif self.deal.rooms:
            tier = self._room(members)
            if tier is not None:
                price = Fraction(self.deal.rooms[tier].price_nanos, NANOS)
                yield Part(tier, "capacity", 1, price)
        elif self.terms.item.price_kind is PriceKind.TIERS:
            for base in self._bases(members):
                if self._counts(base, is_last=is_last):
                    yield from self.terms.curve.parts(base, self._chosen(members))

    @property
    def _part(self) -> Fraction:
        """The days in force, of those of the period."""
        served = None if self.duty is None else self.duty.served
        return ZERO if served is None else Fraction(served.days, served.days_of_period)

    def _base(self, members: Members, *, due: bool = False) -> Exact:
        """What the price is of: micros of money, or a quantity."""
        if not self.deal.of_money:
            return sum(members.quantities.values())
        return (members.due if due else members.accrued) * MICROS

    def _bases(self, members: Members) -> list[Exact]:
        if self.deal.by_hour:
            return [hour.amount for hour in members.hours.values()]
        return [self._base(members)]

    def _of(self, members: Members, base: Exact, *, is_last: bool) -> Fraction:
        """What is asked for so much."""
        if self.deal.swap is not None:
            parts = _swapped(self.deal.swap, members, self._declared(members, is_last=is_last))
            return sum((part.amount for part in parts), ZERO)
        if self.deal.rooms:
            tier = self._room(members)
            return ZERO if tier is None else Fraction(self.deal.rooms[tier].price_nanos, NANOS)
        if self.terms.item.price_kind is PriceKind.BOUNDS:
            found = Fraction(base, MICROS) * Fraction(NANOS - self.deal.discount_nanos, NANOS)
            most = self.deal.maximum_nanos
            return found if most is None else min(found, Fraction(most, NANOS))
        curve, chosen = self.terms.curve, self._chosen(members)
        bases = self._bases(members) if self.deal.by_hour else [base]
        counting = (b for b in bases if self._counts(b, is_last=is_last))
        return sum((curve.exact(b, chosen) for b in counting), ZERO)

    def _counts(self, base: Exact, *, is_last: bool) -> bool:
        """Whether a quantity is priced: nothing is, but where that is owed for."""
        owes = is_last and self.duty is not None and self.terms.curve.flat_on_zero
        return bool(base) or owes

    def _declared(self, members: Members, *, is_last: bool) -> int | None:
        """The partner's figure: of a whole period, so the version that answers for it asks by it.

        What earlier versions ask for stands on our own measure, and is taken off again.
        """
        return members.declared if is_last and self.duty is not None else None

    def _chosen(self, members: Members) -> Exact | None:
        return members.chosen if self.deal.chosen_by else None

    def _hour(self, members: Members, hour: int) -> Fraction:
        """What an hour with usage is due; its commitment is owed by the last version in it."""
        found = members.hours[hour]
        amount = found.amount
        if found.events and hour not in members.others:
            amount = max(amount, self.terms.item.at_least)
        return self.terms.curve.exact(amount)

    def _room(self, members: Members) -> int | None:
        """The tier that has room for everything; None when there is nothing."""
        used = {name: abs(quantity) for name, quantity in members.quantities.items() if quantity}
        if not used:
            return None
        return next(
            tier
            for tier, room in enumerate(self.deal.rooms)
            if all(used.get(name, 0) <= upto for name, upto in room.upto.items())
        )


def _swapped(swap: SwapTerms, members: Members, declared: int | None) -> Iterator[Part]:
    """What both sides sent, and what the own side sent more."""
    own, other = (
        sum(members.quantities.get(name, 0) for name in side) for side in (swap.own, swap.other)
    )
    if declared is not None:
        own, other = (declared, other) if swap.declares_own else (own, declared)
    both, more = min(own, other), max(0, own - other)
    yield Part(0, "balanced", both, both * swap.balanced)
    yield Part(1, "unbalanced", more, more * swap.unbalanced)
