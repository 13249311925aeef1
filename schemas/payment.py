"""Payment: what becomes of a period's total before it is paid, and how two parties compare figures.

A statement's total may have tax added, which is rounded for itself. It may be settled in another
currency than it was priced in, at a rate of a named source on a named day (`schemas/fx.py`). And
the partner has figures of its own: what it declares is held against ours, and a tolerance says how
far apart the two may be.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from schemas.codes import RoundingMode
from schemas.fields import Name, Strict, currency_code, one_of, read_text, whole, word_of
from schemas.money import MICROS, MICROS_DECIMALS, currency_exponent, parse_decimal
from schemas.prices import Percent

OF_CURRENCY = "currency"
"""The word for as many decimals as a currency has: EUR 2, JPY 0, KWD 3."""

DECIMALS_MIN, DECIMALS_MAX = -2, 6
APART_MICROS_MAX = 10**12 * MICROS

Decimals = Annotated[int | None, whole(DECIMALS_MIN, DECIMALS_MAX, besides=OF_CURRENCY)]
"""Decimals that something is rounded to; None for those of the currency."""

On = Literal["period_end", "period_start"]
Rule = Literal["both", "either"]
Basis = Literal["own", "declared"]


def _apart(value: object) -> int:
    """How far apart two figures may be, in millionths; not negative."""
    micros = parse_decimal(read_text(value), MICROS_DECIMALS)
    if not 0 <= micros <= APART_MICROS_MAX:
        raise ValueError(f"{value!r} is not a distance; write a number from 0 to 10^12")
    return micros


def decimals_of(decimals: int | None, currency: str) -> int:
    """As many decimals as are said, or as the currency has."""
    return currency_exponent(currency) if decimals is None else decimals


class Tax(Strict):
    """Tax on what a statement comes to; `percent_nanos` is per unit of money."""

    percent_nanos: Percent = Field(alias="percent")


class SettleIn(Strict):
    """The currency that totals are paid in, and the rate that they are converted at."""

    currency: Annotated[str, BeforeValidator(currency_code)]
    source: Name
    on: Annotated[On, word_of({"period_end": "period_end", "period_start": "period_start"})] = (
        "period_end"
    )
    mode: Annotated[RoundingMode, one_of(RoundingMode)] = RoundingMode.HALF_UP
    decimals: Decimals = None


class Tolerance(Strict):
    """How far a partner's figure may be from ours.

    `percent_nanos` is of the `basis`; `absolute_micros` in currency units for amounts, and in the
    unit of the line for quantities. Where both are said, the `rule` says whether both limits have
    to hold or either is enough. Equality is within.
    """

    percent_nanos: Percent | None = Field(alias="percent", default=None)
    absolute_micros: Annotated[int | None, BeforeValidator(_apart)] = Field(
        alias="absolute", default=None
    )
    rule: Annotated[Rule, word_of({"both": "both", "either": "either"})] = "both"
    basis: Annotated[Basis, word_of({"own": "own", "declared": "declared"})] = "own"
