"""Amending: what terms that reach back change, added to accruals by a logged command.

An amendment was worked out and agreed to before it is asked for (`ops/amending.py`). Its command
says who, why, from which reference to which, which usage it is about, and rows: sums by series and
hour, minus what was folded by the old terms and plus what is by the new. They are added like late
usage: in the period of the usage while it is open, else in the first one after it. An id is booked
once; it is kept among the facts, so that documents can name it and the same is never added twice.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import numpy as np

from schemas.topics import COMMANDS
from state.accrual_memory import Names
from state.balances import PERIOD_SLOT, SLOT_BITS, compose, split_residue
from streams.accrual import Book
from streams.commands import read_close
from streams.contribution import Series
from streams.facts import Amendment, Facts
from streams.families import Ints
from streams.log import Segment

TEXTS = ("id", "by", "why", "from", "to")
SUM_MAX, RESIDUE_MAX = 2**62, 2**94
HOUR_MAX = 2**SLOT_BITS - 1


class AmendedRow(NamedTuple):
    """Sums of one series (not booked yet) and hour since 1970, that are added or taken back."""

    series: Series
    hour: int
    events: int
    quantity: int
    charge_micros: int
    residue: int

    def written(self) -> list[Any]:
        """As a command has it."""
        return [list(self.series[:-1]), *self[1:]]


Rows = tuple[AmendedRow, ...]


def read_amendment(said: Mapping[str, Any], book: Book) -> tuple[Amendment, Rows]:
    """What a command amends.

    Raises:
        KeyError: something is not said, or the reference has no such terms.
        TypeError: it is not made as commands are.
        ValueError: a figure is none, or no sum of such rows is what they are worth.
    """
    texts = [said[name] for name in TEXTS]
    if not all(isinstance(text, str) and text for text in texts):
        raise TypeError("the parts of an amendment are texts")
    return Amendment(*texts), tuple(_row(parts, book) for parts in said["rows"])


def carried_out(said: Mapping[str, Any], book: Book, closed: Collection[Any]) -> Amendment:
    """What is kept of an amendment: with the books that its rows are in.

    Raises what `read_amendment` does.
    """
    amendment, rows = read_amendment(said, book)
    books = {(r.series.agreement, book.open_period(r.series, closed)) for r in rows}
    return amendment._replace(books=tuple(sorted(books)))


def _row(parts: Sequence[Any], book: Book) -> AmendedRow:
    """One row, under terms by which it is worth its sums."""
    named, *figures = parts
    agreement, version, item, line, currency, original = named
    series = Series(agreement, version, item, line, currency, original, "")
    row = AmendedRow(series, *figures)
    bounds = (HOUR_MAX, SUM_MAX, SUM_MAX, SUM_MAX, RESIDUE_MAX)
    fits = all(type(f) is int and abs(f) < most for f, most in zip(figures, bounds, strict=True))
    if not fits or row.hour < 0:
        raise ValueError(f"{parts!r} has figures that are no sums")
    reason = inexpressible(row.series, book)
    if reason:
        raise ValueError(f"{row.series.agreement} {row.series.item}: {reason}")
    book.terms(row.series).version.periods.parse(row.series.original)
    return row


def inexpressible(series: Series, book: Book) -> str:
    """Why a difference of sums cannot say what a row's worth changes by; empty where it can."""
    terms = book.terms(series)
    if terms.tiered or terms.item.deal is not None:
        return "its price is a function of the whole period"
    if terms.item.allowance is not None or terms.item.measure is not None:
        return "it is worth more than its sums say"
    if book.counters(series):
        return "deals or tiers of others look at it"
    return ""


def amended_rows(
    segments: Sequence[Segment], names: Names, book: Book, closed: Collection[Any], facts: Facts
) -> tuple[Ints, Ints]:
    """Rows of sums that the commands of a batch add, by keys of hours and of periods.

    Args:
        segments: a batch of one partition; its closes count for what is amended after them.
        names: the numbers of series.
        book: the agreements' terms.
        closed: the agreements and periods that were closed before.
        facts: what was amended before.
    """
    keys: list[Ints] = []
    values: list[Ints] = []
    for rows, now in _batch(segments, book, closed, facts):
        series = [r.series._replace(booked=book.open_period(r.series, now)) for r in rows]
        numbers = np.array([names.number(one) for one in series], np.int64)
        high, low = split_residue(np.array([row.residue for row in rows], object))
        columns = np.array([row[2:5] for row in rows], np.int64)
        sums = np.column_stack([columns, high.astype(np.int64), low.astype(np.int64)])
        hours = np.array([row.hour + 1 for row in rows], np.int64)
        for slot in (hours, np.zeros_like(hours) + PERIOD_SLOT):
            keys.append(compose(names.book(numbers), slot, numbers))
            values.append(sums)
    if not keys:
        return np.zeros(0, np.int64), np.zeros((0, 5), np.int64)
    return np.concatenate(keys), np.concatenate(values)


def _batch(
    segments: Sequence[Segment], book: Book, closed: Collection[Any], facts: Facts
) -> Iterator[tuple[Rows, set[Any]]]:
    """The rows of each amendment that is new, with what is closed when it is carried out."""
    now, known = {*closed}, {*facts.amended}
    for value in (v for s in segments if s.topic == COMMANDS.name for v in s.values):
        with suppress(ValueError, KeyError, TypeError):
            command = json.loads(value or b"")
            if "amend" not in command:
                now.add(read_close(book, command))
                continue
            amendment, rows = read_amendment(command["amend"], book)
            if rows and amendment.id not in known:
                yield rows, now
            known.add(amendment.id)
