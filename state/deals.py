"""Deals on the hot path: what each line of a deal asks for, compiled from its price.

A deal is an item that no usage leads to. Its terms say what it is over and what of that is looked
at: the money of its members (bounds, tiers of money) or what they have counted (tiers of a
quantity, capacity, swap). Quantities are base units: seconds, bytes, events, micros of money.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from schemas.agreements import Item
from schemas.codes import CurveKind, DealWindow, Flow, PriceKind, Quantity, Result
from schemas.curves import tier_bound
from schemas.deals import (
    BoundsPrice,
    CapacityPrice,
    CapacityTier,
    Deal,
    DealTiersPrice,
    FeePrice,
    SwapPrice,
)
from schemas.money import NANOS
from schemas.spans import Span
from schemas.terms_chosen import chosen_per
from schemas.terms_deal_prices import is_of_money
from state.curves import QUANTITY_MAX, Curve, Step, committed, compile_curve


@dataclass(frozen=True)
class SwapTerms:
    """The side that a line of a swap is for, the other one, and the two prices of one base unit.

    What both sent costs `balanced` each way; what one's own side sent more, `unbalanced`. The
    partner may declare what one side sent, the own one or the other (`declares_own`), under the
    name `declared_as`; it is empty where we measure both.
    """

    own: tuple[str, ...]
    other: tuple[str, ...]
    balanced: Fraction
    unbalanced: Fraction
    declared_as: str = ""
    declares_own: bool = False


@dataclass(frozen=True)
class Room:
    """A tier of capacity: how much of each item it has room for, and its price."""

    upto: Mapping[str, int]
    price_nanos: int


@dataclass(frozen=True)
class DealTerms:
    """What a deal is over and what it asks for; fields of other kinds of deal keep their default.

    `of_money`: whether it looks at what its members come to. The curve of tiers is the item's; what
    they come to is added to that money, or replaces it (`replaces`). `chosen_by` names what chooses
    a volume tier, `by_hour` says that tiers begin anew every hour.
    """

    over: tuple[str, ...] = ()
    discount_nanos: int = 0
    maximum_nanos: int | None = None
    minimum_nanos: int = 0
    fee_nanos: int = 0
    prorated: bool = False
    on: date | None = None
    of_money: bool = True
    replaces: bool = True
    chosen_by: str = ""
    by_hour: bool = False
    rooms: tuple[Room, ...] = ()
    swap: SwapTerms | None = None


@dataclass(frozen=True)
class DealLine:
    """A line of a deal: its name and flow, its kind, what it counts over which span, its terms."""

    name: str
    flow: Flow
    kind: PriceKind
    terms: DealTerms
    per: str = "period"
    quantity: Quantity = Quantity.EVENTS
    unit: int = 1
    curve: Curve | None = None
    at_least: int = 0
    span: Span | None = None


def quantity_most(name: str, deals: Iterable[Deal]) -> int:
    """The most of one event of an item that costs no more than is credible in any of some deals."""
    most = QUANTITY_MAX
    for price in (deal.price for deal in deals if name in deal.members):
        if isinstance(price, DealTiersPrice):
            most = min(most, compile_curve(price).quantity_max)
        elif isinstance(price, SwapPrice):
            dearest = max(price.balanced_nanos, price.unbalanced_nanos)
            steps = (Step(None, dearest),)
            most = min(most, Curve(CurveKind.GRADUATED, steps, price.per.unit).quantity_max)
    return most


def deal_lines(deal: Deal, items: Mapping[str, Item]) -> list[DealLine]:
    """The lines of a checked deal, given the items of its version by name."""
    price, found = deal.price, []
    for name, flow in deal.lines.items():
        match price:
            case BoundsPrice():
                terms = DealTerms(
                    over=deal.over,
                    discount_nanos=price.discount_nanos,
                    maximum_nanos=price.maximum_nanos,
                    minimum_nanos=price.minimum_nanos or 0,
                )
                line = DealLine(name, flow, PriceKind.BOUNDS, terms)
            case FeePrice():
                terms = DealTerms(fee_nanos=price.amount_nanos, prorated=price.prorate, on=price.on)
                line = DealLine(name, flow, PriceKind.FEE, terms)
            case DealTiersPrice():
                line = _tiers(name, flow, deal, price, items)
            case CapacityPrice():
                rooms = tuple(_room(tier, items) for tier in price.tiers)
                terms = DealTerms(over=deal.over, of_money=False, rooms=rooms)
                line = DealLine(name, flow, PriceKind.CAPACITY, terms)
            case SwapPrice():
                line = _swap(name, flow, price, deal.deal)
        found.append(line)
    return found


def _tiers(
    name: str, flow: Flow, deal: Deal, price: DealTiersPrice, items: Mapping[str, Item]
) -> DealLine:
    chosen = price.chosen_by or ""
    bounds = chosen_per(chosen, items) if chosen else None
    terms = DealTerms(
        over=deal.over,
        of_money=is_of_money(deal),
        replaces=price.result is Result.REPLACE,
        chosen_by=chosen,
        by_hour=price.each is DealWindow.HOUR,
    )
    return DealLine(
        name,
        flow,
        PriceKind.TIERS,
        terms,
        price.per.name,
        price.per.quantity,
        price.per.unit,
        compile_curve(price, bounds),
        committed(price),
        price.span,
    )


def _room(tier: CapacityTier, items: Mapping[str, Item]) -> Room:
    bounds = {n: (text, chosen_per(n, items)) for n, text in (tier.up_to or {}).items()}
    upto = {name: tier_bound(text, per) for name, (text, per) in bounds.items() if per is not None}
    return Room(upto, tier.price_nanos)


def _swap(name: str, flow: Flow, price: SwapPrice, deal: str) -> DealLine:
    """What came in is paid by the partner, what went out by the operator."""
    sides = (price.in_, price.out) if flow is Flow.RECEIVABLE else (price.out, price.in_)
    rates = (price.balanced_nanos, price.unbalanced_nanos)
    per = price.per
    balanced, unbalanced = (Fraction(nanos, NANOS * per.unit) for nanos in rates)
    declared = (deal if price.declared else "", price.declared_side == sides[0])
    swap = SwapTerms(*sides, balanced, unbalanced, *declared)
    over = (*price.in_, *price.out, *([deal] if price.declared else []))
    terms = DealTerms(over=over, of_money=False, swap=swap)
    return DealLine(name, flow, PriceKind.SWAP, terms, per.name, per.quantity, per.unit)
