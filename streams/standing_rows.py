"""Standing rows: rows of nothing, where something is owed without usage.

A commitment, a fee or a flat amount on zero usage needs a row to stand on. It is there as soon as
its agreement, or another one of its close group, has any row in the period, and when the period is
closed: so it depends on what is on the log, never on how that was read.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from itertools import chain

import numpy as np

from state.accrual_memory import Names
from state.balances import PERIOD_SLOT, compose, decompose
from streams.accrual import Book
from streams.commands import closes_in
from streams.families import Ints
from streams.log import Segment


class StandingRows:
    """Adds the rows that stand without usage, under one reference."""

    def __init__(self, names: Names, book: Book) -> None:
        self._names, self._book = names, book
        self._known: dict[int, Ints] = {}

    def joined(
        self,
        closed: Container[tuple[str, str]],
        segments: Sequence[Segment],
        keys: Ints,
        values: Ints,
    ) -> tuple[Ints, Ints]:
        """Rows of sums, and rows of nothing for what is owed without usage.

        Args:
            closed: the agreements and periods that were closed before.
            segments: what was read, closes among it.
            keys: keys of the rows of sums.
            values: their values.
        """
        if not self._book.owes_without_usage:
            return keys, values
        closing = {key for key in closes_in(self._book, segments) if key not in closed}
        touched = np.unique(decompose(keys)[0]).tolist()
        named = closing | {self._names.books.names[book] for book in touched}
        groups = {(m, period) for name, period in named for m in self._book.group(name)}
        beside = {key for key in groups - named if key not in closed}
        numbers = [self._of(key) for key in sorted(named | beside)]
        numbers.append(self._behind(sorted(closing | beside)))
        standing = np.concatenate(numbers)
        period = np.zeros_like(standing) + PERIOD_SLOT
        nothing = np.zeros((len(standing), values.shape[1]), np.int64)
        more = compose(self._names.book(standing), period, standing)
        return np.concatenate([keys, more]), np.concatenate([values, nothing])

    def _behind(self, closing: Sequence[tuple[str, str]]) -> Ints:
        """Series that are booked behind what closing books have without usage.

        Where a later period was closed before, usage may be booked behind this one already; what is
        owed here is owed there no more.
        """
        found: set[int] = set()
        for key in closing:
            for number in self._of(key).tolist():
                series = self._names.series.names[number]
                beside = (self._names.siblings[c] for c in self._book.counters(series))
                found.update(
                    n for n in chain(*beside) if self._names.series.names[n].booked > series.booked
                )
        return np.array(sorted(found), np.int64)

    def _of(self, key: tuple[str, str]) -> Ints:
        """The series that a book has even without usage."""
        book = self._names.books.number(key)
        found = self._known.get(book)
        if found is None:
            numbers = [self._names.number(series) for series in self._book.standing(*key)]
            found = self._known[book] = np.array(numbers, np.int64)
        return found
