"""The oracle's declared figures: what swaps take from partners, as each of them was declared.

The product books what a figure adds to the one before; here every figure is kept whole, with the
statement from which on it holds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple

from ops.oracle_amounts import Accrual, AccrualKey
from ops.oracle_deal_terms import Deal
from ops.oracle_reference import Reference, Version

FIGURE_MAX = 10**15
NOTHING = Accrual(0, 0, 0, Fraction(0))


class Figure(NamedTuple):
    """What a partner declares for a swap: of which period's usage, and where it is booked."""

    agreement: str
    version: int
    item: str
    currency: str
    period: str
    booked: str
    quantity: int


def swap_of(version: Version, name: str) -> Deal | None:
    """The swap of a version whose figure is declared under a name."""
    return next((deal for deal in version.deals if name and deal.declared_as == name), None)


def first_with(reference: Reference, agreement: str, name: str) -> Version | None:
    """The first version of an agreement with such a swap: what is declared is booked under it."""
    versions = reference.agreements[agreement].versions
    return next((v for v in versions if swap_of(v, name) is not None), None)


def is_figure(figure: str, value: Fraction) -> bool:
    """Whether a swap can take what is declared: a whole quantity of a size that may be."""
    return figure == "quantity" and value.denominator == 1 and 0 <= value <= FIGURE_MAX


def with_figures(
    accruals: Mapping[AccrualKey, Accrual], figures: Sequence[Figure]
) -> dict[AccrualKey, Accrual]:
    """Accruals with a row for each statement that figures are booked in: by how much they differ.

    Args:
        accruals: those of usage.
        figures: in the order in which they were declared.
    """
    found, before = dict(accruals), dict[tuple[str, ...], int]()
    for of in figures:
        named = (of.agreement, of.version, of.item, "", of.currency)
        key = AccrualKey(*named, of.booked, of.period, None)
        which = (of.agreement, of.period, of.item)
        more = of.quantity - before.get(which, 0)
        before[which] = of.quantity
        have = found.get(key, NOTHING)
        found[key] = have._replace(quantity=have.quantity + more)
    return {key: sums for key, sums in found.items() if sums != NOTHING}


def known_by(figures: Sequence[Figure], deal: Deal, period: str, booked: str) -> int | None:
    """The figure of a deal for a period's usage, by a statement; None until there is one."""
    found = [
        figure.quantity
        for figure in figures
        if (figure.item, figure.period) == (deal.declared_as, period) and figure.booked <= booked
    ]
    return found[-1] if found else None
