"""Items on the hot path: what one item of one version charges, compiled from its price.

Whatever kind its price is, an item becomes the same record: what it counts, what a price is per,
its own rate lines and limits, a curve of tiers, time bands, conditions. Deals, which no usage leads
to, are items too. Code that handles few of them reads the records; the hot path has their figures
as columns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any, NamedTuple

from schemas.agreements import Item
from schemas.books import MasterItem
from schemas.codes import (
    BandSplit,
    CountRound,
    Flow,
    Number,
    PriceKind,
    Quantity,
    Role,
    Service,
)
from schemas.deals import BoundsPrice, Deal
from schemas.prices import (
    AMOUNT,
    PERS,
    BandedPrice,
    DeckPrice,
    EventPrice,
    Per,
    SharePrice,
    StepsPrice,
    Tiered,
    TiersPrice,
    UnitPrice,
    counted,
)
from schemas.selectors import Where
from state.curves import QUANTITY_MAX, Curve, committed, compile_curve

NONE = -1


class Line(NamedTuple):
    """What one event is charged by: a price for every unit, a fee, the increments of time."""

    price_nanos: int
    connect_fee_nanos: int
    initial_seconds: int
    next_seconds: int


class Limits(NamedTuple):
    """The least and the most that an event costs, and a fee for an attempt."""

    minimum_nanos: int = 0
    maximum_nanos: int | None = None
    attempt_fee_nanos: int = 0


NO_LIMITS = Limits()


@dataclass(frozen=True)
class BandTerms:
    """Prices by time band: the plan, the rule at its edges, and line and limits of each band.

    Where a deck has the lines, there are none here, and the limits are the item's.
    """

    plan: str
    split: BandSplit
    names: tuple[str, ...]
    lines: tuple[Line, ...]
    limits: tuple[Limits, ...]


@dataclass(frozen=True)
class DealTerms:
    """What a deal asks for, in nanos of a currency unit; it is `over` items, a fee over none."""

    over: tuple[str, ...] = ()
    discount_nanos: int = 0
    maximum_nanos: int | None = None
    minimum_nanos: int = 0
    fee_nanos: int = 0
    prorated: bool = False
    on: date | None = None


@dataclass(frozen=True)
class ItemInfo:
    """One item of one version. A price is `price_nanos` for every `unit` of the quantity.

    Prices are 0 where the price kind has others: in the deck (a code, else -1), in the `curve` of
    tiers, with the quantity that the period commits to (`at_least`, 0 for none), or by the time in
    `bands`. Exact charges are over `unit` x 10^9; where a `factor` multiplies the price, its
    denominator is in `unit` already. A deal is an item of no role and service, and counts nothing.
    """

    name: str
    version_row: int
    role: Role | None
    service: Service | None
    flow: Flow
    price_kind: PriceKind
    per: str
    quantity: Quantity
    unit: int
    price_nanos: int = 0
    connect_fee_nanos: int = 0
    initial_seconds: int = 1
    next_seconds: int = 1
    deck: int = NONE
    factor: Fraction = Fraction(1)
    count_minimum: int = 0
    count_round: CountRound = CountRound.UP
    own_limits: Limits = NO_LIMITS
    number: Number = Number.RATED
    curve: Curve | None = None
    at_least: int = 0
    bands: BandTerms | None = None
    deal: DealTerms | None = None
    where: Where | None = None
    surcharge: bool = False
    book: str = ""
    regulated: str = ""

    @property
    def is_selective(self) -> bool:
        """Whether the item has conditions or is only ever added, so that it must be chosen."""
        return self.where is not None or self.surcharge

    @property
    def quantity_max(self) -> int:
        """The most of one event that is credible under tiers; elsewhere its charge tells."""
        return QUANTITY_MAX if self.curve is None else self.curve.quantity_max

    @property
    def own_lines(self) -> tuple[Line, ...]:
        """The rate lines that the item itself says: one, or one for each band; none by a deck."""
        if self.price_kind is PriceKind.DECK:
            return ()
        if self.bands is not None:
            return self.bands.lines
        fees = self.price_nanos, self.connect_fee_nanos
        return (Line(*fees, self.initial_seconds, self.next_seconds),)

    @property
    def limits(self) -> tuple[Limits, ...]:
        """The limits of an event: of each band in which it may begin, else one for all."""
        return (self.bands and self.bands.limits) or (self.own_limits,)


def item_info(version_row: int, item: Item, decks: Mapping[str, int]) -> ItemInfo:
    """An item; what its kind of price does not have keeps its default."""
    kind, per, price = _priced(item, decks)
    count = item.count
    quantity = per.quantity if count is None or count.of is None else count.of
    factor = price.get("factor", Fraction(1))
    return ItemInfo(
        name=item.item,
        version_row=version_row,
        role=item.role,
        service=item.service,
        flow=item.flow,
        price_kind=kind,
        per=per.name,
        quantity=quantity,
        unit=per.unit * factor.denominator,
        count_minimum=0 if count is None else count.minimum,
        count_round=CountRound.UP if count is None else count.round,
        number=item.price.number if isinstance(item.price, DeckPrice) else Number.RATED,
        bands=_bands(item),
        own_limits=_limits(item.price) if isinstance(item.price, EventPrice) else NO_LIMITS,
        where=item.where,
        surcharge=item.surcharge,
        regulated=item.regulated or "",
        book=item.book if isinstance(item, MasterItem) else "",
        **price,
    )


def _priced(item: Item, decks: Mapping[str, int]) -> tuple[PriceKind, Per, dict[str, Any]]:
    """An item's kind of price, what it is per, and the fields of `ItemInfo` that it says."""
    match item.price:
        case DeckPrice(deck=deck, factor=factor):
            return PriceKind.DECK, PERS["minute"], {"deck": decks[deck], "factor": factor}
        case UnitPrice() as price:
            kind, per, amount = PriceKind.UNIT, price.per, price.amount_nanos
        case BandedPrice(per=per):
            return PriceKind.UNIT, per, {}
        case SharePrice() as price:
            kind, per, amount = PriceKind.SHARE, AMOUNT, price.percent_nanos
        case TiersPrice() as price:
            kind, per, amount = PriceKind.TIERS, price.per, 0
        case StepsPrice() as price:
            kind, per, amount = PriceKind.STEPS, price.per, 0
    initial, following = counted(item.count, price)
    fields: dict[str, Any] = {"initial_seconds": initial, "next_seconds": following}
    fields["price_nanos"] = amount
    if isinstance(price, Tiered):
        fields["curve"] = compile_curve(price)
    if isinstance(price, TiersPrice):
        fields["at_least"] = committed(price)
    else:
        fields["connect_fee_nanos"] = price.connect_fee_nanos
    return kind, per, fields


def _bands(item: Item) -> BandTerms | None:
    """The lines of an item's time bands, in the order of their names, which is their numbers'."""
    if isinstance(item.price, DeckPrice) and item.price.bands is not None:
        return BandTerms(item.price.bands.plan, item.price.bands.split, (), (), ())
    if not isinstance(item.price, BandedPrice):
        return None
    rates = item.price.bands
    names = tuple(sorted(rates.prices))
    priced = [rates.prices[name] for name in names]
    lines = (
        Line(r.amount_nanos, r.connect_fee_nanos, r.initial_seconds, r.next_seconds) for r in priced
    )
    return BandTerms(rates.plan, rates.split, names, tuple(lines), tuple(map(_limits, priced)))


def _limits(price: EventPrice) -> Limits:
    """The limits that a price says."""
    return Limits(price.minimum_nanos, price.maximum_nanos, price.attempt_fee_nanos)


def deal_info(version_row: int, deal: Deal) -> ItemInfo:
    """A deal as an item that counts nothing."""
    price = deal.price
    if isinstance(price, BoundsPrice):
        kind = PriceKind.BOUNDS
        terms = DealTerms(
            over=deal.over,
            discount_nanos=price.discount_nanos,
            maximum_nanos=price.maximum_nanos,
            minimum_nanos=price.minimum_nanos or 0,
        )
    else:
        kind = PriceKind.FEE
        terms = DealTerms(fee_nanos=price.amount_nanos, prorated=price.prorate, on=price.on)
    return ItemInfo(
        name=deal.deal,
        version_row=version_row,
        role=None,
        service=None,
        flow=deal.flow,
        price_kind=kind,
        per="period",
        quantity=Quantity.EVENTS,
        unit=1,
        deal=terms,
    )
