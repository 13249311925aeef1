"""Declared rows: what a partner declares for a swap, among the running accruals.

A swap may take what one side sent from the partner. Such a figure is booked: a row without events
under the swap's own name, whose quantity is what the figure adds to the version before. So whatever
a swap comes to stays a function of rows, and a figure that comes after a close is an adjustment in
the next open period, like late usage. The row is of the first version that has the swap, whatever
was in force: which version asks by it is for the deal to say.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from typing import NamedTuple

from schemas.topics import COMMANDS
from streams.accrual import Book
from streams.commands import read_close
from streams.contribution import Series
from streams.declared import declare, item_terms
from streams.facts import Facts, Which
from streams.log import Segment


class Figure(NamedTuple):
    """A row that a declaration adds to, as if of an open period, and by how much."""

    series: Series
    more: int


def figures_of(
    segments: Sequence[Segment], book: Book, closed: Collection[tuple[str, str]], facts: Facts
) -> Iterator[Figure]:
    """The rows that declarations for swaps add to, in the order of the commands.

    Args:
        segments: a batch of one partition; its closes count for what is declared after them.
        book: the agreements' terms.
        closed: the agreements and periods that were closed before.
        facts: what was declared before.
    """
    so_far, now = {*closed}, Facts()
    for value in (v for s in segments if s.topic == COMMANDS.name for v in s.values):
        with suppress(ValueError, KeyError, TypeError):
            command = json.loads(value or b"")
            if "declare" not in command:
                so_far.add(read_close(book, command))
                continue
            known = facts.with_more(now, command["declare"]["agreement"])
            more = declare(command["declare"], book, so_far, known)
            yield from _rows(book, so_far, known, more)
            now.update(more)


def _rows(
    book: Book, closed: Collection[tuple[str, str]], known: Facts, more: Facts
) -> Iterator[Figure]:
    """The rows of what is declared for swaps."""
    for which, declared in (one for of in more.declared.values() for one in of.items()):
        before, series = known.known(which), series_of(book, which)
        if series is not None:
            booked = book.open_period(series, {*closed})
            quantity = int(declared.value) - (0 if before is None else int(before.value))
            yield Figure(series._replace(booked=booked), quantity)


def series_of(book: Book, which: Which) -> Series | None:
    """The row of what is declared for a swap, not booked yet; None where it is for no swap."""
    for version in book.versions(which.agreement):
        terms = item_terms(book, which.agreement, version.version, which.item)
        if terms is not None and terms.item.figure_of:
            named = (which.agreement, version.version, which.item, "", version.currency)
            return Series(*named, which.period, "")
    return None
