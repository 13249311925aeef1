"""Selectors: which usage an item prices, where role, service and direction do not say enough.

An item may name conditions in `where`: the key that made the leg or what is known of it, prefixes
of the numbers, the networks, an access point, a rating group, a kind of transaction, a time band.
Inside a field any of the listed values matches; all fields given must match. Several items may
then cover one event, and which of them prices it is decided by precedence and never by their order
in the file:

1. an item of the partner's own goes before one of a master price list;
2. the fields of `PRECEDENCE`, compared from the first to the last: an item with a condition on the
   first field goes before any without one, and so on;
3. the longer matching prefix: of the routing number, then the called, then the calling number.

An item without `where` comes last. Two items that nothing of this tells apart are refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainValidator,
    field_validator,
    model_validator,
)

from schemas.codes import KeyKind, Role
from schemas.fields import DIGITS, DIGITS_ADVICE, Strict, check_name, read_text, whole

PRECEDENCE = (
    "key",
    "characteristic",
    "routing",
    "called",
    "calling",
    "listed",
    "visited_network",
    "home_network",
    "access_point",
    "rating_group",
    "transaction_type",
    "band",
)
"""The fields of `where`, the one that weighs most first."""

PREFIXES = ("routing", "called", "calling")
"""The fields whose values are prefixes, in the order in which their lengths are compared."""

# What a field looks at in usage. Keys and decks are not usage: they are looked at by name.
USAGE_COLUMNS = {
    "routing": "routing_number",
    "called": "called_number",
    "calling": "calling_number",
    "visited_network": "visited_network",
    "home_network": "home_network",
    "access_point": "access_point",
    "rating_group": "rating_group",
    "transaction_type": "transaction_type",
}

# The kinds of key that can make a leg of each role.
ROLE_KINDS: dict[Role, tuple[KeyKind, ...]] = {
    Role.INGRESS: (KeyKind.ROUTE,),
    Role.EGRESS: (KeyKind.ROUTE,),
    Role.SUBSCRIBER: (
        KeyKind.NUMBER_RANGE,
        KeyKind.IMSI_RANGE,
        KeyKind.ACCESS_POINT,
        KeyKind.NETWORK,
    ),
    Role.CHANNEL: (KeyKind.CHANNEL,),
    Role.PRODUCT: (KeyKind.PRODUCT,),
}

# Suspended usage keeps so many digits of a caller: see `streams.privacy`.
CALLING_DIGITS_MAX = 9
# A rating group has 32 bits; the least of them stands for none where columns have no gaps.
NO_GROUP = -(2**31)
GROUP_MIN, GROUP_MAX = NO_GROUP + 1, 2**31 - 1
VALUE_LENGTH_MAX = 128


def _prefix(value: object) -> str:
    """The beginning of a number."""
    text = read_text(value)
    if re.fullmatch(DIGITS, text, re.ASCII) is None:
        raise ValueError(f"{text!r} {DIGITS_ADVICE}")
    return text


def _calling_prefix(value: object) -> str:
    """The beginning of a caller's number, no longer than what suspense keeps of it."""
    text = _prefix(value)
    if len(text) > CALLING_DIGITS_MAX:
        raise ValueError(
            f"{text!r} is longer than {CALLING_DIGITS_MAX} digits, all that suspense keeps of a"
            " caller; write the prefix with fewer digits"
        )
    return text


def _key(value: object) -> str:
    """An attribution key, kind and name."""
    text = read_text(value)
    kind, colon, name = text.partition(":")
    kinds = [known.label for known in KeyKind]
    if not colon or not name or kind not in kinds:
        raise ValueError(f"{text!r} is not a key; write KIND:NAME, for example route:TG-001")
    return text


def _word(value: object) -> str:
    """A value as usage writes it."""
    text = read_text(value)
    if not 1 <= len(text) <= VALUE_LENGTH_MAX or not text.isprintable():
        raise ValueError(f"{text!r} is not a value; write 1 to {VALUE_LENGTH_MAX} letters")
    return text


def _distinct(values: tuple[object, ...]) -> tuple[object, ...]:
    """At least one value, each given once."""
    if not values:
        raise ValueError("is empty; write at least one value, or remove the field")
    for place, value in enumerate(values):
        if value in values[:place]:
            raise ValueError(f"{str(value)!r} is given twice; keep one of the two")
    return values


def _known(asked: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """At least one characteristic."""
    if not asked:
        raise ValueError("is empty; write at least one characteristic, or remove it")
    return asked


def _listed(value: object) -> bool:
    """The only thing that can be said: that a number has to be in the deck."""
    if read_text(value) != "true":
        raise ValueError(f"{value!r} is not known; write true, or remove the field")
    return True


Words = Annotated[tuple[Annotated[str, BeforeValidator(_word)], ...], AfterValidator(_distinct)]
NumberPrefixes = Annotated[
    tuple[Annotated[str, BeforeValidator(_prefix)], ...], AfterValidator(_distinct)
]
CallingPrefixes = Annotated[
    tuple[Annotated[str, BeforeValidator(_calling_prefix)], ...], AfterValidator(_distinct)
]
Keys = Annotated[tuple[Annotated[str, BeforeValidator(_key)], ...], AfterValidator(_distinct)]
Characteristics = Annotated[
    dict[Annotated[str, BeforeValidator(check_name)], Words], AfterValidator(_known)
]
Groups = Annotated[
    tuple[Annotated[int, whole(GROUP_MIN, GROUP_MAX)], ...], AfterValidator(_distinct)
]


class BandCondition(Strict):
    """Time bands of a plan, in one of which an event has to begin."""

    plan: Annotated[str, BeforeValidator(check_name)] = Field(alias="of")
    bands: Annotated[
        tuple[Annotated[str, BeforeValidator(check_name)], ...], AfterValidator(_distinct)
    ] = Field(alias="in")


class Where(Strict):
    """The conditions of an item, each a list of values of which one has to match."""

    key: Keys | None = None
    characteristic: Characteristics | None = None
    routing: NumberPrefixes | None = None
    called: NumberPrefixes | None = None
    calling: CallingPrefixes | None = None
    listed: Annotated[bool, PlainValidator(_listed)] | None = None
    visited_network: Words | None = None
    home_network: Words | None = None
    access_point: Words | None = None
    rating_group: Groups | None = None
    transaction_type: Words | None = None
    band: BandCondition | None = None

    @field_validator("*", mode="before")
    @classmethod
    def _given(cls, value: object) -> object:
        """A field without a value would match everything, which nobody means."""
        if value is None:
            raise ValueError("is empty; write at least one value, or remove the field")
        return value

    @model_validator(mode="after")
    def _some(self) -> Where:
        """Conditions that are none would hide that the item is the fallback."""
        if not self.conditions:
            raise ValueError("is empty; write a condition, or remove the field")
        return self

    @property
    def conditions(self) -> tuple[str, ...]:
        """The fields that this item has a condition on, in the order of precedence."""
        return tuple(field for field in PRECEDENCE if getattr(self, field) is not None)

    def values(self, field: str) -> tuple[str | int, ...]:
        """What one of the conditions lists."""
        found = getattr(self, field)
        if isinstance(found, bool):
            return (found,)
        if isinstance(found, BandCondition):
            return tuple(f"{name} of {found.plan}" for name in found.bands)
        if isinstance(found, Mapping):
            return tuple(f"{name} {value}" for name, listed in found.items() for value in listed)
        return tuple(found)

    def __str__(self) -> str:
        """The conditions as people read them: `called 49 or 4930, rating_group 10`."""
        told = []
        for field in self.conditions:
            said = " or ".join(map(str, self.values(field)))
            if field == "characteristic":
                had = (self.characteristic or {}).items()
                said = " and ".join(f"{name} {' or '.join(listed)}" for name, listed in had)
            told.append("listed in its deck" if field == "listed" else f"{field} {said}")
        return ", ".join(told)
