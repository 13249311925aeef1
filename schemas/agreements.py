"""Partners and agreements: what two parties have agreed, in versions, items and prices.

An agreement belongs to one partner and follows a commercial model. Its terms are *versions* that
succeed each other without gap, each with its zone, currency, period and rounding. A version prices
usage by *items*: one per role, service and direction, with a flow (who owes whom) and a price of
one of four kinds. A deck prices calls by destination, a unit price every minute, megabyte or
event, tiers by the period's total, a share takes a percentage of a retail amount. Prices are
integers: nanos, the thousand-millionths of a currency unit.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    PlainValidator,
    Tag,
)

from schemas.codes import (
    Direction,
    Flow,
    Model,
    Quantity,
    Role,
    RoundingMode,
    RoundingPlace,
    Service,
)
from schemas.moments import OPEN_UPTO_S, Moment, check_zone, parse_moment
from schemas.money import NANOS, NANOS_DECIMALS, currency_exponent, parse_decimal

NAME = r"[A-Za-z0-9][A-Za-z0-9_.:-]*"
NAME_ADVICE = "use letters, digits and _ . : - and begin with a letter or digit"
OWN_NAME = "own"

# A price above this is a typing error, and with it the products of rating stay within bounds.
PRICE_UNITS_MAX = 1_000_000
PRICE_NANOS_MAX = PRICE_UNITS_MAX * NANOS
SECONDS_MAX = 86_400
PERCENT_DECIMALS = 7

Member = TypeVar("Member", bound=IntEnum)


@dataclass(frozen=True)
class Per:
    """What a price is for: so many (`unit`) of a quantity. A minute is 60 SECONDS."""

    name: str
    quantity: Quantity
    unit: int


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
    )
}

# What each service can be counted in, beyond events.
QUANTITIES: dict[Service, frozenset[Quantity]] = {
    Service.VOICE: frozenset({Quantity.EVENTS, Quantity.SECONDS}),
    Service.SMS: frozenset({Quantity.EVENTS, Quantity.UNITS}),
    Service.DATA: frozenset({Quantity.EVENTS, Quantity.SECONDS, Quantity.BYTES}),
    Service.BANDWIDTH: frozenset({Quantity.EVENTS, Quantity.BYTES}),
    Service.CIRCUIT: frozenset({Quantity.EVENTS, Quantity.UNITS}),
    Service.TRANSACTION: frozenset({Quantity.EVENTS, Quantity.UNITS, Quantity.AMOUNT_MICROS}),
}


def read_text(value: object) -> str:
    """A scalar's text; anything else is not a single value."""
    if value is None:
        raise ValueError("is empty; write a value or remove the field")
    if not isinstance(value, str):
        raise ValueError("holds a list or fields; write a single value")  # noqa: TRY004 - pydantic's
    return value


def check_name(value: object) -> str:
    """A name as all of Weir writes them."""
    text = read_text(value)
    if re.fullmatch(NAME, text, re.ASCII) is None:
        raise ValueError(f"{text!r} is not a name; {NAME_ADVICE}")
    return text


def _agreement_name(text: str) -> str:
    """A name which is not the word that means nobody."""
    if text == OWN_NAME:
        raise ValueError(f"{OWN_NAME!r} means the operator itself; choose another name")
    return text


def _country(value: object) -> str:
    """Two capital letters."""
    text = read_text(value)
    if re.fullmatch(r"[A-Z]{2}", text) is None:
        raise ValueError(f"{text!r} is not a country; write two capital letters, for example DE")
    return text


def _line_of_text(value: object) -> str:
    """Any words on one line."""
    text = read_text(value).strip()
    if not text or not text.isprintable():
        raise ValueError("is not a name; write words on one line")
    return text


def _whole(least: int, most: int) -> BeforeValidator:
    """A validator for a whole number within bounds."""

    def check(value: object) -> int:
        """The number that the text writes."""
        text = read_text(value)
        known = re.fullmatch(r"0|-?[1-9][0-9]{0,17}", text, re.ASCII) is not None
        if not known or not least <= int(text) <= most:
            raise ValueError(f"{text!r} is not a whole number from {least} to {most}")
        return int(text)

    return BeforeValidator(check)


def _one_of(members: type[Member]) -> PlainValidator:
    """A validator for the label of a member."""
    by_label = {member.name.lower(): member for member in members}

    def check(value: object) -> Member:
        """The member with this label."""
        text = read_text(value)
        if text not in by_label:
            raise ValueError(f"{text!r} is not known; write one of {', '.join(by_label)}")
        return by_label[text]

    return PlainValidator(check)


def price_nanos(value: object) -> int:
    """A price in nanos; neither negative nor beyond what a typing error would make it."""
    nanos = parse_decimal(read_text(value), NANOS_DECIMALS)
    if nanos < 0:
        raise ValueError(
            f"{value!r} is negative; write it positive and turn the item's flow around"
        )
    if nanos > PRICE_NANOS_MAX:
        raise ValueError(
            f"{value!r} is above {PRICE_UNITS_MAX}; check the price and what it is per"
        )
    return nanos


def _percent_nanos(value: object) -> int:
    """A percentage as nanos per unit of money: 30 is 0.3, 300,000,000 nanos."""
    nanos = parse_decimal(read_text(value), PERCENT_DECIMALS)
    if not 0 <= nanos <= NANOS:
        raise ValueError(f"{value!r} is not a percentage; write a number from 0 to 100")
    return nanos


def _directions(value: object) -> tuple[Direction, ...]:
    """The directions that `in`, `out` or `any` names."""
    text = read_text(value)
    named = {"in": (Direction.IN,), "out": (Direction.OUT,), "any": tuple(Direction)}
    if text not in named:
        raise ValueError(f"{text!r} is not known; write one of in, out, any")
    return named[text]


def _per(value: object) -> Per:
    """What a price is for."""
    text = read_text(value)
    if text not in PERS:
        raise ValueError(f"{text!r} is not known; write one of {', '.join(PERS)}")
    return PERS[text]


def _period(value: object) -> str:
    """A kind of settlement period."""
    text = read_text(value)
    if text not in ("month", "day"):
        raise ValueError(f"{text!r} is not known; write one of month, day")
    return text


def _moment(value: object) -> Moment:
    """A boundary of validity."""
    return parse_moment(read_text(value))


def _currency(value: object) -> str:
    """A currency code that can be paid in."""
    text = read_text(value)
    currency_exponent(text)
    return text


Name = Annotated[str, BeforeValidator(check_name)]
Nanos = Annotated[int, BeforeValidator(price_nanos)]
Increment = Annotated[int, _whole(1, SECONDS_MAX)]
Valid = Annotated[Moment, PlainValidator(_moment)]
PerField = Annotated[Per, PlainValidator(_per)]


class Strict(BaseModel):
    """A part of a reference file: immutable, and with no field that nobody reads."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Partner(Strict):
    """A company that the operator settles with."""

    partner: Name
    name: Annotated[str, BeforeValidator(_line_of_text)]
    country: Annotated[str, BeforeValidator(_country)] | None = None


class DeckPrice(Strict):
    """Calls priced by destination: the deck says zone, price per minute and increments."""

    kind: Literal["deck"]
    deck: Name


class UnitPrice(Strict):
    """The same price for every `per` of the quantity, and a fee per event."""

    kind: Literal["unit"]
    per: PerField
    amount_nanos: Nanos = Field(alias="amount")
    connect_fee_nanos: Nanos = Field(alias="connect_fee", default=0)
    initial_seconds: Increment = 1
    next_seconds: Increment = 1


class Tier(Strict):
    """A step of a graduated price: up to and with this much of the period's total, if bounded."""

    up_to: Annotated[str, BeforeValidator(read_text)] | None = None
    price_nanos: Nanos = Field(alias="price")


class TiersPrice(Strict):
    """A graduated price of the period's total: each tier's price holds for what lies within it."""

    kind: Literal["tiers"]
    per: PerField
    initial_seconds: Increment = 1
    next_seconds: Increment = 1
    tiers: tuple[Tier, ...]


class SharePrice(Strict):
    """A percentage of the retail amount of a transaction."""

    kind: Literal["share"]
    percent_nanos: Annotated[int, BeforeValidator(_percent_nanos)] = Field(alias="percent")


def _kind_of(value: Any) -> str | None:  # noqa: ANN401 - pydantic hands over whatever was written
    """The tag of a price's model; unlike the kind itself, it is not the name of a field."""
    kind = value.get("kind") if isinstance(value, dict) else getattr(value, "kind", None)
    return f"({kind})" if isinstance(kind, str) else None


Price = Annotated[
    Annotated[DeckPrice, Tag("(deck)")]
    | Annotated[UnitPrice, Tag("(unit)")]
    | Annotated[TiersPrice, Tag("(tiers)")]
    | Annotated[SharePrice, Tag("(share)")],
    Discriminator(
        _kind_of,
        custom_error_type="price_kind",
        custom_error_message="has no known kind; write kind: deck, unit, tiers or share",
    ),
]


class Item(Strict):
    """What a version charges for one service in one role, and who owes it."""

    item: Name
    role: Annotated[Role, _one_of(Role)]
    service: Annotated[Service, _one_of(Service)]
    directions: Annotated[tuple[Direction, ...], PlainValidator(_directions)] = Field(
        alias="direction", default=tuple(Direction)
    )
    flow: Annotated[Flow, _one_of(Flow)]
    price: Price


class Rounding(Strict):
    """Where a version rounds, how, and to how many decimals."""

    place: Annotated[RoundingPlace, _one_of(RoundingPlace)] = RoundingPlace.RECORD
    mode: Annotated[RoundingMode, _one_of(RoundingMode)] = RoundingMode.HALF_UP
    decimals: Annotated[int, _whole(-2, 6)] = 6


class Version(Strict):
    """The terms in force from one moment up to, and without, another."""

    version: Annotated[int, _whole(1, 1_000_000)]
    valid_from: Valid
    valid_upto: Valid | None = None
    zone: Annotated[str, BeforeValidator(read_text), AfterValidator(check_zone)]
    currency: Annotated[str, BeforeValidator(_currency)]
    period: Annotated[Literal["month", "day"], BeforeValidator(_period)] = "month"
    rounding: Rounding = Rounding()
    items: tuple[Item, ...]

    @property
    def valid_from_s(self) -> int:
        """The first second in force."""
        return self.valid_from.seconds(self.zone)

    @property
    def valid_upto_s(self) -> int:
        """The first second no longer in force."""
        return OPEN_UPTO_S if self.valid_upto is None else self.valid_upto.seconds(self.zone)


class Agreement(Strict):
    """A contract with a partner; agreements that name the same pool are settled together."""

    agreement: Annotated[Name, AfterValidator(_agreement_name)]
    partner: Name
    model: Annotated[Model, _one_of(Model)]
    pool: Name | None = None
    versions: tuple[Version, ...]


def _field_names(*models: type[BaseModel]) -> tuple[str, ...]:
    """The fields of models as files name them."""
    fields = (item for model in models for item in model.model_fields.items())
    return tuple(sorted({field.alias or name for name, field in fields}))


FIELDS = _field_names(
    Partner,
    Agreement,
    Version,
    Rounding,
    Item,
    DeckPrice,
    UnitPrice,
    TiersPrice,
    Tier,
    SharePrice,
)
"""Every field of the YAML files, to suggest for one that is mistyped."""
