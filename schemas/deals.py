"""Deals: what items of a period come to together.

A deal stands beside the items of a version. `bounds` take a discount off what its items come to in
a period and keep the rest between a minimum and a maximum; a `fee` is owed without usage. A deal is
a line of its own, so what its items come to by themselves stays visible.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, PlainValidator, Tag

from schemas.codes import Flow
from schemas.fields import Name, Strict, one_of, read_text
from schemas.money import NANOS, NANOS_DECIMALS, parse_decimal
from schemas.prices import Percent, Switch

MONEY_UNITS_MAX = 10**9


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


Money = Annotated[int, BeforeValidator(_money_nanos)]


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


def _kind_of(value: Any) -> str | None:  # noqa: ANN401 - pydantic hands over whatever was written
    """The tag of a price's model; unlike the kind itself, it is not the name of a field."""
    kind = value.get("kind") if isinstance(value, dict) else getattr(value, "kind", None)
    return f"({kind})" if isinstance(kind, str) else None


class Deal(Strict):
    """A price over items of the same version, or over deals listed before it."""

    deal: Name
    flow: Annotated[Flow, one_of(Flow)]
    over: tuple[Name, ...] = ()
    price: Annotated[
        Annotated[BoundsPrice, Tag("(bounds)")] | Annotated[FeePrice, Tag("(fee)")],
        Discriminator(
            _kind_of,
            custom_error_type="price_kind",
            custom_error_message="has no known kind; write kind: bounds or fee",
        ),
    ]


DEAL_MODELS = (Deal, BoundsPrice, FeePrice)
"""Every model that a deal consists of."""
