"""Prices: what an item charges, as one of a few kinds that are told apart by `kind`.

A deck prices calls by destination, a unit price every minute, megabyte or event, tiers by the
period's total, a share takes a percentage of a retail amount. Prices are integers: nanos, the
thousand-millionths of a currency unit.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, PlainValidator, Tag

from schemas.amounts import Nanos
from schemas.codes import (
    TIMES,
    AttemptOn,
    BandSplit,
    CurveKind,
    Number,
    Quantity,
    RoundingMode,
    Service,
)
from schemas.counts import Count
from schemas.fields import Name, Strict, one_of, read_text, whole, word_of
from schemas.money import MICROS, NANOS, parse_decimal
from schemas.quantities import AMOUNTS
from schemas.recurring import RecurringPrice
from schemas.spans import Spanned

SECONDS_MAX = 86_400
STEP_QUANTITY_MAX = 10**12
PERCENT_DECIMALS = 7


@dataclass(frozen=True)
class Per:
    """What a price is for: so many (`unit`) of a quantity. A minute is 60 SECONDS."""

    name: str
    quantity: Quantity
    unit: int


SCALES = {"": 1, "kilo": 10**3, "mega": 10**6, "giga": 10**9}
PERS = {
    per.name: per
    for per in (
        Per("second", Quantity.SECONDS, 1),
        Per("minute", Quantity.SECONDS, 60),
        Per("hour", Quantity.SECONDS, 3_600),
        Per("byte", Quantity.BYTES, 1),
        Per("kilobyte", Quantity.BYTES, 10**3),
        Per("megabyte", Quantity.BYTES, 10**6),
        Per("gigabyte", Quantity.BYTES, 10**9),
        Per("mebibyte", Quantity.BYTES, 2**20),
        Per("gibibyte", Quantity.BYTES, 2**30),
        Per("event", Quantity.EVENTS, 1),
        Per("unit", Quantity.UNITS, 1),
        Per("amount", Quantity.AMOUNT_MICROS, MICROS),
        *(Per(f"{n}bit_per_second", Quantity.BITS_PER_SECOND, u) for n, u in SCALES.items()),
        Per("unit_day", Quantity.UNIT_DAYS, 1),
        Per("unit_hour", Quantity.UNIT_SECONDS, 3_600),
        Per("average_unit", Quantity.UNIT_SECONDS, 1),
    )
}
AVERAGE = PERS["average_unit"]
"""A level over all of a period: its bounds are levels, and what is counted is divided by time."""
AMOUNT = PERS["amount"]
"""What a share is of: one currency unit of the retail amount."""

VOLUMES = frozenset({Quantity.BYTES, Quantity.UP_BYTES, Quantity.DOWN_BYTES})

# What each service can be counted in, beyond events.
QUANTITIES: dict[Service, frozenset[Quantity]] = {
    Service.VOICE: frozenset({Quantity.EVENTS, Quantity.SECONDS}),
    Service.SMS: frozenset({Quantity.EVENTS, Quantity.UNITS}),
    Service.DATA: frozenset({Quantity.EVENTS, Quantity.SECONDS, *VOLUMES}),
    Service.BANDWIDTH: frozenset({Quantity.EVENTS, *VOLUMES, Quantity.BITS_PER_SECOND}),
    Service.CIRCUIT: frozenset({Quantity.EVENTS, Quantity.UNITS, *TIMES}),
    Service.TRANSACTION: frozenset({Quantity.EVENTS, Quantity.UNITS, *AMOUNTS}),
}


def _percent_nanos(value: object) -> int:
    """A percentage as nanos per unit of money: 30 is 0.3, 300,000,000 nanos."""
    nanos = parse_decimal(read_text(value), PERCENT_DECIMALS)
    if not 0 <= nanos <= NANOS:
        raise ValueError(f"{value!r} is not a percentage; write a number from 0 to 100")
    return nanos


def _yes_or_no(value: object) -> bool:
    """A switch; only these two words, so that nothing is taken for granted."""
    text = read_text(value)
    if text not in ("true", "false"):
        raise ValueError(f"{text!r} is not known; write true or false")
    return text == "true"


def _stated(value: object) -> object:
    """A rule that no contract may leave open."""
    if value is None:
        labels = [rule.label for rule in BandSplit]
        raise ValueError(
            f"is missing; the contract must say {', '.join(labels[:-1])} or {labels[-1]}"
        )
    return value


def _elsewhere(_: object) -> None:
    """A field whose place is within the prices of bands."""
    raise ValueError("stands beside bands; write it in the price of each band")


Increment = Annotated[int, whole(1, SECONDS_MAX)]
Percent = Annotated[int, BeforeValidator(_percent_nanos)]
PerField = Annotated[Per, word_of(PERS)]

# How the last block that was begun counts.
BLOCK_ROUNDINGS = {
    mode.label: mode for mode in (RoundingMode.UP, RoundingMode.DOWN, RoundingMode.HALF_UP)
}
Split = Annotated[
    BandSplit,
    one_of(BandSplit),
    BeforeValidator(_stated),
    Field(default=None, validate_default=True),
]
Elsewhere = Annotated[None, BeforeValidator(_elsewhere)]
Switch = Annotated[bool, PlainValidator(_yes_or_no)]
Text = Annotated[str, BeforeValidator(read_text)]


class EventPrice(Strict):
    """What any price of one event may have: a fee to connect, limits, and a fee for an attempt.

    The connect fee and the limits are of events that count anything, the attempt fee of those that
    count nothing, as an unanswered call.
    """

    minimum_nanos: Nanos = Field(alias="minimum", default=0)
    maximum_nanos: Nanos | None = Field(alias="maximum", default=None)
    attempt_fee_nanos: Nanos = Field(alias="attempt_fee", default=0)
    attempt_on: Annotated[AttemptOn, one_of(AttemptOn)] = AttemptOn.EVERY


class DeckBands(Strict):
    """The time bands of a deck's rates: the plan, and what is done at its edges."""

    plan: Name = Field(alias="of")
    split: Split


class DeckPrice(EventPrice):
    """Calls priced by destination: the deck says zone, price per minute and increments.

    A `factor` multiplies price and connect fee, `less_percent` takes that much off both.
    By `number` calling they are priced by origin. `bands` says when the bands are that the deck has
    rates for.
    """

    kind: Literal["deck"]
    deck: Name
    number: Annotated[Number, one_of(Number)] = Number.RATED
    bands: DeckBands | None = None
    factor_nanos: Nanos = Field(alias="factor", default=NANOS)
    less_percent_nanos: Percent = Field(alias="less_percent", default=0)

    @property
    def factor(self) -> Fraction:
        """What a price of the deck is multiplied by."""
        return Fraction(self.factor_nanos, NANOS) * (1 - Fraction(self.less_percent_nanos, NANOS))


class UnitPrice(EventPrice):
    """The same price for every `per` of the quantity, and a fee per event."""

    kind: Literal["unit"]
    per: PerField
    amount_nanos: Nanos = Field(alias="amount")
    connect_fee_nanos: Nanos = Field(alias="connect_fee", default=0)
    initial_seconds: Increment = 1
    next_seconds: Increment = 1


class BandRate(EventPrice):
    """What one time band costs: a price for every `per` of the item, a fee per event, limits.

    Fee and limits are of the events that begin in the band.
    """

    amount_nanos: Nanos = Field(alias="amount")
    connect_fee_nanos: Nanos = Field(alias="connect_fee", default=0)
    initial_seconds: Increment = 1
    next_seconds: Increment = 1


class BandRates(Strict):
    """Prices by time band: the plan, what is done at its edges, and the price of each band."""

    plan: Name = Field(alias="of")
    split: Split
    prices: dict[str, BandRate]


class BandedPrice(Strict):
    """A unit price for each time band; what a unit price says itself, each band says here."""

    kind: Literal["unit"]
    per: PerField
    bands: BandRates
    amount: Elsewhere = None
    connect_fee: Elsewhere = None
    initial_seconds: Elsewhere = None
    next_seconds: Elsewhere = None
    minimum: Elsewhere = None
    maximum: Elsewhere = None
    attempt_fee: Elsewhere = None
    attempt_on: Elsewhere = None


class Tier(Strict):
    """A step of a price of the period's total: up to and with this much of it, if bounded.

    `from` may repeat the bound of the tier below. The price is for every `per`, or for one `block`
    of so many; `round` says how a begun block counts. `percent` is a price of money. `flat` is due
    once the tier is entered, `step` counts the part in whole steps of the base quantity, `cap` is
    the most that the part may cost. What fits together is checked in `schemas/curves.py`.
    """

    from_: Text | None = Field(alias="from", default=None)
    up_to: Text | None = None
    price_nanos: Nanos | None = Field(alias="price", default=None)
    percent_nanos: Percent | None = Field(alias="percent", default=None)
    flat_nanos: Nanos = Field(alias="flat", default=0)
    block: Text | None = None
    rounds: Annotated[RoundingMode, word_of(BLOCK_ROUNDINGS)] | None = Field(
        alias="round", default=None
    )
    step: Annotated[int, whole(1, STEP_QUANTITY_MAX)] | None = None
    cap_nanos: Nanos | None = Field(alias="cap", default=None)


class Tiered(Strict):
    """A quantity priced by tiers.

    Graduated, each tier's price holds for what lies within it; by `volume`, the price of the tier
    that the quantity reaches holds for all of it. `free` comes off before.
    """

    per: PerField
    initial_seconds: Increment = 1
    next_seconds: Increment = 1
    curve: Annotated[CurveKind, one_of(CurveKind)] = CurveKind.GRADUATED
    free: Text | None = None
    tiers: tuple[Tier, ...]


class PeriodTiers(Tiered):
    """A total of a period priced by tiers.

    `flat_on_zero` makes the first tier's flat amount due without usage; `at_least` commits to a
    quantity, used or not. By volume the tier may be `chosen_by` something else: the number of
    events, or what another item counts.
    """

    at_least: Text | None = None
    flat_on_zero: Switch = False
    chosen_by: Name | None = None


class TiersPrice(PeriodTiers, Spanned):
    """A price of the total of an item in a period, or in a span of several, by tiers.

    They may begin anew with `each` window of the period.
    """

    kind: Literal["tiers"]


class StepsPrice(Tiered, EventPrice):
    """A price by tiers of each single event: a call's first minute, and every second after it."""

    kind: Literal["tiers"]
    each: Literal["event"]
    connect_fee_nanos: Nanos = Field(alias="connect_fee", default=0)


class CountedPrice(Strict):
    """A quantity that is only counted, in its increments; a deal over the item prices it."""

    kind: Literal["counted"]
    per: PerField
    initial_seconds: Increment = 1
    next_seconds: Increment = 1


class SharePrice(EventPrice):
    """A percentage of the retail amount of a transaction, and a fixed part per event."""

    kind: Literal["share"]
    percent_nanos: Percent = Field(alias="percent")
    connect_fee_nanos: Nanos = Field(alias="connect_fee", default=0)

    @property
    def quantity(self) -> Quantity:
        """What it is a share of."""
        return AMOUNT.quantity


class ReceivedPrice(Strict):
    """Nothing of its own: the item gets the shares that other items' splits give it."""

    kind: Literal["received"]


Counting = UnitPrice | Tiered | CountedPrice | SharePrice | RecurringPrice


def counted(count: Count | None, price: Counting) -> tuple[int, int]:
    """The first and the following step of what a price counts."""
    initial = following = 1
    if not isinstance(price, SharePrice | RecurringPrice):
        initial, following = price.initial_seconds, price.next_seconds
    if count is not None:
        initial, following = count.initial or initial, count.following or following
    return initial, following


def _kind_of(value: Any) -> str | None:  # noqa: ANN401 - pydantic hands over whatever was written
    """The tag of a price's model; unlike the kind itself, it is not the name of a field."""
    kind = value.get("kind") if isinstance(value, dict) else getattr(value, "kind", None)
    banded = "bands" in value if isinstance(value, dict) else isinstance(value, BandedPrice)
    if kind == "unit" and banded:
        return "(unit by band)"
    each = value.get("each") if isinstance(value, dict) else getattr(value, "each", None)
    if kind == "tiers" and each == "event":
        return "(tiers of each event)"
    return f"({kind})" if isinstance(kind, str) else None


Price = Annotated[
    Annotated[DeckPrice, Tag("(deck)")]
    | Annotated[UnitPrice, Tag("(unit)")]
    | Annotated[BandedPrice, Tag("(unit by band)")]
    | Annotated[TiersPrice, Tag("(tiers)")]
    | Annotated[StepsPrice, Tag("(tiers of each event)")]
    | Annotated[CountedPrice, Tag("(counted)")]
    | Annotated[SharePrice, Tag("(share)")]
    | Annotated[RecurringPrice, Tag("(recurring)")]
    | Annotated[ReceivedPrice, Tag("(received)")],
    Discriminator(
        _kind_of,
        custom_error_type="price_kind",
        custom_error_message="has no known kind; write kind: deck, unit, tiers, counted, share or"
        " recurring",
    ),
]

PRICE_MODELS = (
    Count,
    DeckPrice,
    UnitPrice,
    DeckBands,
    BandedPrice,
    BandRates,
    BandRate,
    TiersPrice,
    StepsPrice,
    Tier,
    CountedPrice,
    SharePrice,
    RecurringPrice,
    ReceivedPrice,
)
"""Every model that a price consists of."""
