"""Splits: who gets which part of what an item charges.

An item with a `split` gives parts of each of its charges away: to items of other agreements, whose
price is of kind `received`. The parts are fractions that together are the whole, and exactly one
party is the agreement itself. The rule says who has the smallest units of money that are left when
every part has been cut to whole ones.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Annotated

from pydantic import Field, PlainValidator

from schemas.codes import Allot
from schemas.fields import Name, Strict, one_of, read_text
from schemas.money import NANOS, NANOS_DECIMALS, parse_decimal
from schemas.prices import Percent

PARTIES_MAX = 100


def _part(value: object) -> Fraction:
    """A part of the whole: a fraction like 1/3, or a decimal like 0.25."""
    text = read_text(value)
    if re.fullmatch(r"[0-9]{1,10}/[1-9][0-9]{0,9}", text, re.ASCII):
        over, under = map(int, text.split("/"))
        part = Fraction(over, under)
    else:
        part = Fraction(parse_decimal(text, NANOS_DECIMALS), NANOS)
    if not 0 <= part <= 1:
        raise ValueError(f"{text!r} is not a part of the whole; write a number from 0 to 1")
    return part


class Party(Strict):
    """One that gets a part: a received item of an agreement; without one, the agreement itself."""

    agreement: Name | None = None
    item: Name | None = None
    percent_nanos: Percent | None = Field(alias="percent", default=None)
    part: Annotated[Fraction, PlainValidator(_part)] | None = None

    @property
    def weight(self) -> Fraction:
        """Its part of the whole."""
        if self.percent_nanos is not None:
            return Fraction(self.percent_nanos, NANOS)
        return Fraction(0) if self.part is None else self.part


class Split(Strict):
    """How each charge of an item is divided, among whom, in the order that decides ties."""

    rule: Annotated[Allot, one_of(Allot)]
    parties: tuple[Party, ...]


SPLIT_MODELS = (Split, Party)
"""Every model that a split consists of."""
