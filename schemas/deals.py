"""Deals: what items of a period come to together.

A deal stands beside the items of a version. `bounds` take a discount off what its items come to in
a period and keep the rest between a minimum and a maximum; a `fee` is owed without usage. `tiers`
price the money of items, or what items that only count have counted together; so do `capacity`,
with one price for whatever a tier has room for, and `swap`, with one for what both sides sent. A
deal is a line of its own, so what its items come to by themselves stays visible.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, PlainValidator, Tag

from schemas.amounts import Nanos
from schemas.codes import DealWindow, Flow, Result
from schemas.fields import Name, Strict, check_name, one_of, read_text
from schemas.money import NANOS, NANOS_DECIMALS, parse_decimal
from schemas.prices import (
    PERCENT_DECIMALS,
    Percent,
    PerField,
    PeriodTiers,
    Switch,
    Text,
    Tier,
)
from schemas.spans import Span, month_of_year, span_of

MONEY_UNITS_MAX = 10**9
PERCENT_MAX = 10_000
OF_ANOTHER = "/"  # between an agreement and its item


def _money_nanos(value: object) -> int:
    """An amount of money of a whole period, in nanos."""
    nanos = parse_decimal(read_text(value), NANOS_DECIMALS)
    if nanos < 0:
        raise ValueError(f"{value!r} is negative; write it positive, or turn the flow around")
    if nanos > MONEY_UNITS_MAX * NANOS:
        raise ValueError(f"{value!r} is above {MONEY_UNITS_MAX}; check the amount")
    return nanos


def _day(value: object) -> date:
    """A day of the calendar."""
    text = read_text(value)
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a day; write it like 2026-11-15") from None


def _deal_percent(value: object) -> int:
    """A percentage of a sum as nanos per unit of money; a discount is negative."""
    nanos = parse_decimal(read_text(value), PERCENT_DECIMALS)
    if not -NANOS <= nanos <= PERCENT_MAX // 100 * NANOS:
        raise ValueError(f"{value!r} is not possible; write a number from -100 to {PERCENT_MAX}")
    return nanos


def _member(value: object) -> str:
    """The name of an item, or AGREEMENT/item for one of another agreement."""
    return OF_ANOTHER.join(map(check_name, read_text(value).split(OF_ANOTHER, 1)))


Member = Annotated[str, BeforeValidator(_member)]
Money = Annotated[int, BeforeValidator(_money_nanos)]
DealPercent = Annotated[int, BeforeValidator(_deal_percent)]


class BoundsPrice(Strict):
    """A discount, then a maximum, then a minimum of what a deal is over."""

    kind: Literal["bounds"]
    discount_nanos: Percent = Field(alias="discount_percent", default=0)
    maximum_nanos: Money | None = Field(alias="maximum", default=None)
    minimum_nanos: Money | None = Field(alias="minimum", default=None)


class FeePrice(Strict):
    """An amount that is owed each period, or once `on` a day; `prorate` counts days in force.

    `every` may repeat the version's period.
    """

    kind: Literal["fee"]
    amount_nanos: Money = Field(alias="amount")
    every: Annotated[str, BeforeValidator(read_text)] | None = None
    prorate: Switch = False
    on: Annotated[date, PlainValidator(_day)] | None = None


class DealTier(Tier):
    """A tier of a deal: a percentage may be a discount, or a multiple."""

    percent_nanos: DealPercent | None = Field(alias="percent", default=None)


class DealTiersPrice(PeriodTiers):
    """Tiers over money that items come to (`per: amount`), or over what they count together.

    What money comes to is added to it, or replaces it. `each: hour` begins anew every hour;
    `quarter` or `year` go on over a span of periods, and `from` says in which month spans begin.
    """

    kind: Literal["tiers"]
    tiers: tuple[DealTier, ...]
    result: Annotated[Result, one_of(Result)] = Result.ADD
    each: Annotated[DealWindow, one_of(DealWindow)] = DealWindow.PERIOD
    from_: Annotated[int, PlainValidator(month_of_year)] | None = Field(alias="from", default=None)

    @property
    def span(self) -> Span | None:
        """The rule by which the tiers go on over several periods; None where each starts anew."""
        return span_of(self.each.label, self.from_)


class CapacityTier(Strict):
    """What a price has room for: so much of each item, in what its price is per."""

    up_to: dict[str, Text] | None = None
    price_nanos: Money = Field(alias="price")


class CapacityPrice(Strict):
    """The price of the highest tier that any of several items has reached."""

    kind: Literal["capacity"]
    tiers: tuple[CapacityTier, ...]


class SwapPrice(Strict):
    """What both sides sent at one price, what one of them sent more at another.

    What the side `declared` sent is the partner's figure, once there is one.
    """

    kind: Literal["swap"]
    per: PerField
    in_: tuple[Name, ...] = Field(alias="in")
    out: tuple[Name, ...]
    balanced_nanos: Nanos = Field(alias="balanced")
    unbalanced_nanos: Nanos = Field(alias="unbalanced")
    declared: Literal["in", "out"] | None = None

    @property
    def declared_side(self) -> tuple[str, ...]:
        """The items whose quantity the partner declares; none where we measure both sides."""
        return {None: (), "in": self.in_, "out": self.out}[self.declared]


def _kind_of(value: Any) -> str | None:  # noqa: ANN401 - pydantic hands over whatever was written
    """The tag of a price's model; unlike the kind itself, it is not the name of a field."""
    kind = value.get("kind") if isinstance(value, dict) else getattr(value, "kind", None)
    return f"({kind})" if isinstance(kind, str) else None


class Deal(Strict):
    """A price over items of the same version, or over deals listed before it.

    It may be over items of other agreements of the same pool too, as AGREEMENT/item. A swap is of
    both flows and has a line for each, `NAME:receivable` and `NAME:payable`.
    """

    deal: Name
    flow: Annotated[Flow, one_of(Flow)] | None = None
    over: tuple[Member, ...] = ()
    price: Annotated[
        Annotated[BoundsPrice, Tag("(bounds)")]
        | Annotated[FeePrice, Tag("(fee)")]
        | Annotated[DealTiersPrice, Tag("(tiers)")]
        | Annotated[CapacityPrice, Tag("(capacity)")]
        | Annotated[SwapPrice, Tag("(swap)")],
        Discriminator(
            _kind_of,
            custom_error_type="price_kind",
            custom_error_message=(
                "has no known kind; write kind: bounds, fee, tiers, capacity or swap"
            ),
        ),
    ]

    @property
    def members(self) -> tuple[str, ...]:
        """Everything that the deal is over."""
        price = self.price
        return (*price.in_, *price.out) if isinstance(price, SwapPrice) else self.over

    @property
    def pooled(self) -> tuple[tuple[str, str], ...]:
        """Agreement and item of what it is over of other agreements."""
        pairs = (name.partition(OF_ANOTHER) for name in self.over)
        return tuple((agreement, item) for agreement, slash, item in pairs if slash)

    @property
    def lines(self) -> dict[str, Flow]:
        """The names of its lines and which way each flows; checked deals have a flow."""
        if isinstance(self.price, SwapPrice):
            return {f"{self.deal}:{flow.label}": flow for flow in Flow}
        return {} if self.flow is None else {self.deal: self.flow}


DEAL_MODELS = (
    Deal,
    BoundsPrice,
    FeePrice,
    DealTiersPrice,
    DealTier,
    CapacityPrice,
    CapacityTier,
    SwapPrice,
)
"""Every model that a deal consists of."""
