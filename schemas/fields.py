"""What single values in reference files may be: names, whole numbers, words of a list, moments.

A value arrives as the text that stands in the file and leaves as what Weir computes with, or is
refused with a sentence that says what is wrong and what to write. Which fields there are, and what
they may be together, is said elsewhere: by the models of partners, agreements and prices.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import IntEnum
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainValidator

from schemas.moments import Moment, parse_moment
from schemas.money import currency_exponent

NAME = r"[A-Za-z0-9][A-Za-z0-9_.:-]*"
NAME_ADVICE = "use letters, digits and _ . : - and begin with a letter or digit"

DIGITS = "[0-9]{1,15}"
DIGITS_ADVICE = "is not 1 to 15 digits; write digits only, without + or spaces"

TRUTH = {"true": True, "false": False}
"""What the words for yes and no mean."""

Member = TypeVar("Member", bound=IntEnum)
Meaning = TypeVar("Meaning")


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


def line_of_text(value: object) -> str:
    """Any words on one line."""
    text = read_text(value).strip()
    if not text or not text.isprintable():
        raise ValueError("is not a name; write words on one line")
    return text


def whole(least: int, most: int, *, besides: str = "") -> BeforeValidator:
    """A validator for a whole number within bounds; the word `besides` it stands for None."""

    def check(value: object) -> int | None:
        """The number that the text writes."""
        text = read_text(value)
        if besides and text == besides:
            return None
        known = re.fullmatch(r"0|-?[1-9][0-9]{0,17}", text, re.ASCII) is not None
        if not known or not least <= int(text) <= most:
            raise ValueError(f"{text!r} is not a whole number from {least} to {most}")
        return int(text)

    return BeforeValidator(check)


def word_of(meanings: Mapping[str, Meaning]) -> PlainValidator:
    """A validator for one of a few words, each of which means something."""

    def check(value: object) -> Meaning:
        """What the word means."""
        text = read_text(value)
        if text not in meanings:
            raise ValueError(f"{text!r} is not known; write one of {', '.join(meanings)}")
        return meanings[text]

    return PlainValidator(check, json_schema_input_type=Literal[tuple(meanings)])


def one_of(members: type[Member]) -> PlainValidator:
    """A validator for the label of a member."""
    return word_of({member.name.lower(): member for member in members})


def _moment(value: object) -> Moment:
    """A boundary of validity."""
    return parse_moment(read_text(value))


def currency_code(value: object) -> str:
    """A currency code that can be paid in."""
    text = read_text(value)
    currency_exponent(text)
    return text


Name = Annotated[str, BeforeValidator(check_name)]
Valid = Annotated[Moment, PlainValidator(_moment)]


class Strict(BaseModel):
    """A part of a reference file: immutable, and with no field that nobody reads."""

    model_config = ConfigDict(frozen=True, extra="forbid")
