"""Items on the hot path: what one item of one version charges, compiled from its price.

Whatever kind its price is, an item becomes the same record: what it counts, what a price is per,
its own rate lines and limits, a curve of tiers, time bands, conditions. Deals, which no usage leads
to, are items too. Code that handles few of them reads the records; the hot path has their figures
as columns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, NamedTuple

from schemas.agreements import Item
from schemas.books import MasterItem
from schemas.codes import (
    AttemptOn,
    BandSplit,
    CountRound,
    CurveKind,
    Every,
    Flow,
    Number,
    PriceKind,
    Quantity,
    Role,
    Service,
    Whole,
)
from schemas.deals import Deal, SwapPrice
from schemas.prices import (
    AMOUNT,
    AVERAGE,
    PERS,
    BandedPrice,
    CountedPrice,
    DeckPrice,
    EventPrice,
    Per,
    ReceivedPrice,
    SharePrice,
    StepsPrice,
    TiersPrice,
    UnitPrice,
    counted,
)
from schemas.recurring import RecurringPrice, least_days
from schemas.selectors import Where
from schemas.spans import Span
from schemas.splits import Split
from schemas.terms_chosen import chosen_per
from state.allowance import AllowanceTerms, allowance_terms
from state.clawbacks import ClawbackTerms, clawback_terms
from state.curves import QUANTITY_MAX, Curve, Step, committed, compile_curve
from state.deals import DealTerms, deal_lines
from state.measures import MeasureInfo, counted_quantity, level_of, measure_info

NONE = -1

# Prices that no rate line has the figures of.
WITHOUT_LINE: Mapping[type, PriceKind] = {
    TiersPrice: PriceKind.TIERS,
    StepsPrice: PriceKind.STEPS,
    CountedPrice: PriceKind.COUNTED,
}


class Line(NamedTuple):
    """What one event is charged by: a price for every unit, a fee, the increments of time."""

    price_nanos: int
    connect_fee_nanos: int
    initial_seconds: int
    next_seconds: int


class Limits(NamedTuple):
    """The least and the most that an event costs, and a fee for an attempt or the last of some."""

    minimum_nanos: int = 0
    maximum_nanos: int | None = None
    attempt_fee_nanos: int = 0
    attempt_on: AttemptOn = AttemptOn.EVERY


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


LEAST_SECONDS = 82_800  # of a period: a day on which clocks go forward


class Spread(NamedTuple):
    """What a period's quantity is divided by before its curve prices it.

    The days of the calendar around the period (`every`), or so many (`basis`, 0 for the former);
    without `every` the seconds of the period, which makes an average. `least` is the least that it
    can be.
    """

    every: Every | None
    basis: int
    least: int

    @property
    def label(self) -> str:
        """The kind of it, in a word."""
        return "average" if self.every is None else "recurring"


@dataclass(frozen=True)
class ItemInfo:
    """One item of one version. A price is `price_nanos` for every `unit` of the quantity.

    Prices are 0 where the price kind has others: in the deck (a code, else -1), in the `curve` of
    tiers, which may go on over a `span` of periods, with the quantity that they commit to
    (`at_least`, 0 for none) and the `measure` that they price in place of a sum, or by the time in
    `bands`. A curve is of the quantity, or of that divided by what `spread` says. Exact charges are
    over `unit` x 10^9; where a `factor` multiplies the price, its denominator is in `unit` already,
    and so are the parts of a charge that a `clawback` takes.
    `chosen_by` is what else chooses a tier by volume, and `chosen_quantity` what that counts. A
    deal is an item of no role and service. `quantity_most` is the most of one event that deals over
    the item find credible. What a partner declares for a swap is an item without role too: a figure
    of the items `figure_of`.
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
    count_whole: Whole = Whole.RECORD
    own_limits: Limits = NO_LIMITS
    number: Number = Number.RATED
    curve: Curve | None = None
    spread: Spread | None = None
    at_least: int = 0
    chosen_by: str = ""
    chosen_quantity: str = ""
    span: Span | None = None
    measure: MeasureInfo | None = None
    bands: BandTerms | None = None
    deal: DealTerms | None = None
    where: Where | None = None
    surcharge: bool = False
    book: str = ""
    regulated: str = ""
    split: Split | None = None
    clawback: ClawbackTerms | None = None
    allowance: AllowanceTerms | None = None
    quantity_most: int = QUANTITY_MAX
    figure_of: tuple[str, ...] = ()

    @property
    def base_unit(self) -> int:
        """What the price is for: the unit without the denominators of factor and clawback."""
        return self.unit // (self.factor.denominator * self.parts)

    @property
    def parts(self) -> int:
        """Into how many parts a charge goes, of which a clawback may take back some."""
        return 1 if self.clawback is None else self.clawback.parts

    @property
    def is_selective(self) -> bool:
        """Whether the item has conditions or is only ever added, so that it must be chosen."""
        return self.where is not None or self.surcharge

    @property
    def quantity_max(self) -> int:
        """The most of one event that is credible under tiers or deals; else its charge tells."""
        if self.curve is None:
            return self.quantity_most
        if self.measure is not None and self.measure.is_level:
            return self.curve.most_of(level_of(1, self.measure.window))
        least = 1 if self.spread is None else self.spread.least
        return min(QUANTITY_MAX, self.curve.quantity_max * least)

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


def item_info(
    version_row: int, item: Item, decks: Mapping[str, int], items: Mapping[str, Item]
) -> ItemInfo:
    """An item, given all of its version; what its kind of price does not have keeps its default."""
    kind, per, price = _priced(item, decks, items)
    count = item.count
    measure = measure_info(item)
    quantity = per.quantity if count is None or count.of is None else count.of
    factor = price.get("factor", Fraction(1))
    clawback = clawback_terms(item.clawback)
    return ItemInfo(
        name=item.item,
        version_row=version_row,
        role=item.role,
        service=item.service,
        flow=item.flow,
        price_kind=kind,
        per=per.name,
        quantity=counted_quantity(quantity, measure),
        unit=per.unit * factor.denominator * (clawback.parts if clawback else 1),
        count_minimum=0 if count is None else count.minimum,
        count_round=CountRound.UP if count is None else count.round,
        count_whole=Whole.RECORD if count is None else count.as_one,
        number=item.price.number if isinstance(item.price, DeckPrice) else Number.RATED,
        measure=measure,
        bands=_bands(item),
        own_limits=_limits(item.price) if isinstance(item.price, EventPrice) else NO_LIMITS,
        where=item.where,
        surcharge=item.surcharge,
        regulated=item.regulated or "",
        split=item.split,
        clawback=clawback,
        allowance=allowance_terms(item),
        book=item.book if isinstance(item, MasterItem) else "",
        **price,
    )


def _priced(
    item: Item, decks: Mapping[str, int], items: Mapping[str, Item]
) -> tuple[PriceKind, Per, dict[str, Any]]:
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
        case TiersPrice() | StepsPrice() | CountedPrice() as price:
            kind, per, amount = WITHOUT_LINE[type(price)], price.per, 0
        case ReceivedPrice() | RecurringPrice() as price:
            return _without_steps(price)
    initial, following = counted(item.count, price)
    fields: dict[str, Any] = {"initial_seconds": initial, "next_seconds": following}
    fields["price_nanos"] = amount
    if isinstance(price, TiersPrice):
        chosen = price.chosen_by or ""
        bounds = chosen_per(chosen, items) if chosen else None
        fields |= {"curve": compile_curve(price, bounds), "chosen_by": chosen}
        fields["chosen_quantity"] = bounds.quantity.label if bounds else ""
        fields["spread"] = Spread(None, 0, LEAST_SECONDS) if per == AVERAGE else None
        fields["at_least"], fields["span"] = committed(price), price.span
    elif isinstance(price, StepsPrice):
        fields["curve"] = compile_curve(price)
    if not isinstance(price, TiersPrice | CountedPrice):
        fields["connect_fee_nanos"] = price.connect_fee_nanos
    return kind, per, fields


def _without_steps(
    price: ReceivedPrice | RecurringPrice,
) -> tuple[PriceKind, Per, dict[str, Any]]:
    """The same of a price that counts no steps.

    A recurring price is one tier, of the part of the interval that is in service.
    """
    if isinstance(price, ReceivedPrice):
        return PriceKind.RECEIVED, AMOUNT, {}
    curve = Curve(CurveKind.GRADUATED, (Step(None, price.amount_nanos),), 1)
    spread = Spread(price.every, price.basis, least_days(price.every, price.basis))
    per = Per(price.every.label, price.quantity, 1)
    return PriceKind.RECURRING, per, {"curve": curve, "spread": spread}


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
    fee = price.attempt_fee_nanos, price.attempt_on
    return Limits(price.minimum_nanos, price.maximum_nanos, *fee)


def deal_infos(version_row: int, deal: Deal, items: Mapping[str, Item]) -> list[ItemInfo]:
    """The lines of a deal as items that no usage leads to, given the version's items by name.

    Beside those of a swap there is the figure that the partner declares for it.
    """
    figures = []
    if isinstance(deal.price, SwapPrice) and deal.price.declared:
        flow = Flow.RECEIVABLE if deal.price.declared == "in" else Flow.PAYABLE
        per, kind = deal.price.per, PriceKind.COUNTED
        side = deal.price.declared_side
        figure = ItemInfo(deal.deal, version_row, None, None, flow, kind, per.name, per.quantity, 1)
        figures.append(replace(figure, figure_of=side))
    lines = [
        ItemInfo(
            name=line.name,
            version_row=version_row,
            role=None,
            service=None,
            flow=line.flow,
            price_kind=line.kind,
            per=line.per,
            quantity=line.quantity,
            unit=line.unit,
            curve=line.curve,
            at_least=line.at_least,
            span=line.span,
            deal=line.terms,
        )
        for line in deal_lines(deal, items)
    ]
    return [*figures, *lines]
