"""What the view answers: values with a stamp that says how far the view had come.

Money is in micros and time in microseconds here; the API makes decimal strings and timestamps of
it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NamedTuple

from streams.contribution import Series
from streams.log import TopicPartition
from streams.terms import Terms

BookName = tuple[str, str]
Outcomes = dict[tuple[str, str], int]
Cursor = tuple[str | int, ...]


NO_PAYMENT: Mapping[str, Any] = MappingProxyType({})


class Readiness(StrEnum):
    """Whether there are figures: not while the log is first read, nor from nothing."""

    LOADING = "loading"
    EMPTY = "empty"
    READY = "ready"


@dataclass(frozen=True)
class Stamp:
    """How far the view had come.

    `position` maps each partition of accruals and statements to its next offset; `as_of_us` is the
    event time up to which every source has reported (0 while none has); `updated_us` the log time
    of the newest message; `counter` rises with every change.
    """

    readiness: Readiness
    counter: int
    position: Mapping[TopicPartition, int]
    as_of_us: int
    updated_us: int


@dataclass(frozen=True)
class Accrual:
    """What one series has come to in a booked period, or in one hour of it.

    `shortfall_micros` is what the end of the period would add if it came now; an hour has none.
    `has_amount` is false where only the period as a whole is worth something: in hours of items
    with a measure.
    """

    series: Series
    terms: Terms
    hour: int | None
    events: int
    quantity: int
    amount_micros: int
    statement: str | None
    shortfall_micros: int = 0
    has_amount: bool = True

    @property
    def key(self) -> Cursor:
        """What accruals are ordered by, and where a list goes on."""
        s = self.series
        hour = -1 if self.hour is None else self.hour
        return (s.agreement, s.booked, hour, s.item, s.version, s.line, s.currency, s.original)


@dataclass(frozen=True)
class Accruals:
    """A stretch of accruals; `after` is where the next one begins, None at the end."""

    stamp: Stamp
    items: tuple[Accrual, ...]
    after: Cursor | None


class Total(NamedTuple):
    """What a period of an agreement is worth in one currency, as if it were closed now.

    `statement` is the number of the statement that closed it, `changed` the counter of its last
    change. `payment` is what its document says of tax and settlement, where it says anything.
    """

    partner: str
    agreement: str
    model: str
    period: str
    currency: str
    events: int
    receivable_micros: int
    payable_micros: int
    statement: str | None
    changed: int
    payment: Mapping[str, Any] = NO_PAYMENT

    @property
    def net_micros(self) -> int:
        """What the partner owes the operator; negative when it is the other way round."""
        return self.receivable_micros - self.payable_micros


@dataclass(frozen=True)
class Totals:
    """Totals of many agreements, and the outcomes of all usage (label of outcome and of reason).

    `shape_counter` is the counter at which other books came to be shown: since then only figures
    have changed.
    """

    stamp: Stamp
    items: tuple[Total, ...]
    outcomes: Outcomes
    shape_counter: int


@dataclass(frozen=True)
class Statement:
    """A statement: its head, and the document byte for byte as it was issued."""

    number: str
    agreement: str
    partner: str
    period: str
    head: Mapping[str, Any]
    document: bytes


@dataclass(frozen=True)
class Changes:
    """What is different from an earlier counter: books, statements, and whether outcomes are."""

    stamp: Stamp
    books: frozenset[BookName]
    statements: frozenset[str]
    outcomes: bool
