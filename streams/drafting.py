"""Drafts: an agreement's book as a document, from the rows that a partition remembers.

A statement that closes a period and the draft that is shown before are made here, alike: the rows
of the book, all rows on their counters, the lines and totals that these make, and what partners
have declared beside what was settled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from state.accrual_memory import Names, PartitionAccruals
from state.balances import PERIOD_SLOT, SERIES_BITS, compose, decompose
from streams.accrual import Book, Row, Volume
from streams.accrue_rows import Planned, Rows
from streams.declared import compared, is_known, own_figure, periods_upto, terms_of
from streams.facts import Amendment, Declared, Facts, Which
from streams.statement import Document, draft


@dataclass(frozen=True)
class Drafting:
    """Documents of one partition's books as they will be after a plan."""

    names: Names
    book: Book
    memory: PartitionAccruals
    planned: Planned

    def document(self, key: tuple[str, str], facts: Facts) -> Document:
        """Lines, totals and comparisons of an agreement and booked period."""
        rows = self._rows(key)
        document = draft(rows, self._siblings(rows), self.book, facts)
        shown = [
            self._compared(which, declared)
            for which, declared in facts.of(*key).items()
            if is_known(self.book, which)
        ]
        if shown:
            document["declarations"] = shown
        if amended := [_amendment(one) for one in facts.amending(*key)]:
            document["amendments"] = amended
        return document

    def _compared(self, which: Which, declared: Declared) -> Document:
        """A partner's figure beside ours, by everything booked up to where it is shown."""
        terms = terms_of(self.book, which)
        labels = periods_upto(terms.version.periods, which.period, declared.booked)
        rows = [row for label in labels for row in self._rows((which.agreement, label))]
        own = own_figure(which, rows, self._siblings(rows), self.book)
        return compared(which, declared, own, terms)

    def _rows(self, key: tuple[str, str]) -> list[Row]:
        """The rows of a book's whole period."""
        book = self.names.books.get(key)
        if book is None:
            return []
        group = compose(np.array([book]), np.array([PERIOD_SLOT]), np.array([0])) >> SERIES_BITS
        keys, values, _ = self.memory.balances.groups(self.planned.rows, group)
        each = zip(decompose(keys)[2].tolist(), values, strict=True)
        reading = Rows(self.names, self.book)
        return [reading.row(self.memory, self.planned, number, of) for number, of in each]

    def _siblings(self, rows: Sequence[Row]) -> dict[Volume, list[Row]]:
        """All rows on the counters of some rows."""
        reading = Rows(self.names, self.book)
        counters = {self.book.counter(r.series) for r in rows} - {None}
        return {c: reading.beside(self.memory, self.planned, c) for c in counters if c is not None}


def _amendment(one: Amendment) -> Document:
    """Which terms were changed to which after the fact, by whom and why."""
    return {"id": one.id, "by": one.by, "why": one.why, "from": one.from_id, "to": one.to_id}
