"""What-if: the product itself, on a log that is thrown away.

What usage would come to under some terms is no calculation of its own. The usage is put on an
embedded log in a temporary directory, both hops settle it, periods are closed by the same command
as ever, and what is shown was read from the topics where a real settlement has it. So the answer is
what the settlement would have said, to the last digit, and nothing of any settlement is touched.

Here all usage has happened: a price of next year can be tried on usage of next year.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ops.close import closable
from ops.embedded import Embedded
from ops.figures import period_rows
from ops.reading import Latest
from schemas.records import codec
from schemas.topics import ACCRUALS, QUARANTINE, RATED, SUSPENSE, partition_of
from state.archive import read_block
from state.balances import stack
from state.tables import Tables
from streams.accrual import Book
from streams.facts import Which
from streams.files import FileReport
from streams.log import Closeable
from streams.statement import Document
from streams.usage import STARTED_MAX_US

Row = dict[str, Any]


class CloseRefusedError(Exception):
    """A period cannot be closed; the sentence says why."""


class DeclarationRefusedError(Exception):
    """A partner's figure cannot be taken; the sentence says why."""


class Whatif(Closeable):
    """A settlement that leaves nothing behind."""

    def __init__(self, reference: Path) -> None:
        """An empty settlement under some terms.

        Args:
            reference: the directory of reference files; it is read and left as it is.

        Raises:
            InvalidReferenceError: the reference files cannot be used.
        """
        self._directory = tempfile.TemporaryDirectory(prefix="weir-whatif-")
        try:
            self._weir = Embedded(
                Path(self._directory.name) / "data",
                reference,
                usage_partitions=1,
                settlement_partitions=1,
                clock=lambda: STARTED_MAX_US,
            )
        except BaseException:
            self._directory.cleanup()
            raise

    @property
    def tables(self) -> Tables:
        """The terms, compiled."""
        return self._weir.tables

    @property
    def book(self) -> Book:
        """The terms of every item."""
        return self._weir.book

    def send(self, messages: Iterable[bytes]) -> None:
        """Take in framed usage messages, whatever their source, and settle them."""
        self._weir.append(0, [(None, message) for message in messages])
        self._weir.drain()

    def ingest(self, path: Path) -> Iterator[FileReport]:
        """Take in a usage file; yields the report after each stretch.

        Raises:
            UsageFileError: it cannot be read.
        """
        return self._weir.ingest(path)

    def close_periods(self, agreements: Sequence[str], period: str) -> list[Document]:
        """Close a period of some agreements, with or without usage.

        Returns:
            The statements that this made, by number.

        Raises:
            CloseRefusedError: an agreement has no such period, or it is closed.
        """
        rows = period_rows(self._weir.latest(ACCRUALS.name), self.book)
        choice = closable(self.tables, self._weir.statements(), rows, period, agreements)
        if choice.remarks:
            raise CloseRefusedError("; ".join(choice.remarks))
        return self._weir.close_periods(choice.agreements, period)

    def declare(self, which: Which, value: str) -> None:
        """Declare a partner's figure, as decimal text.

        Raises:
            DeclarationRefusedError: it was refused.
        """
        reason = self._weir.declare(which, value)
        if reason is not None:
            raise DeclarationRefusedError(reason)

    def periods(self) -> list[tuple[str, str]]:
        """The agreements and periods that something is booked in."""
        rows = period_rows(self._weir.latest(ACCRUALS.name), self.book)
        return sorted({(str(row["agreement"]), str(row["booked"])) for row in rows})

    def draft(self, agreement: str, period: str) -> Document:
        """Lines and totals of a period as its statement would have them now."""
        hop = self._weir.engine.accrue_hop
        pools = {a.name: a.pool for a in self.tables.agreements}
        partitions = self._weir.partitions(ACCRUALS.name)
        memory = hop.partitions[partition_of(pools[agreement], partitions)]
        nothing = np.zeros(0, np.int64)
        plan = memory.balances.plan(nothing, stack([nothing]))
        return hop.draft(memory, plan, (agreement, period))

    def statements(self) -> list[Document]:
        """The statements so far, by number."""
        return self._weir.statements()

    def legs(self) -> list[Row]:
        """All rated legs in the order in which they were rated, as `rated.v1` has them."""
        return [
            row
            for segment in self._weir.read(RATED.name)
            for value in segment.values
            if value is not None
            for row in read_block(value).to_pylist()
        ]

    def unpriced(self) -> list[Row]:
        """What could not be priced: records of suspense and quarantine, each with its reason."""
        return [
            *self._records(self._weir.latest(SUSPENSE.name), "suspense.avsc", "suspended"),
            *self._records(self._weir.latest(QUARANTINE.name), "quarantine.avsc", "quarantined"),
        ]

    @staticmethod
    def _records(held: Iterable[Latest], schema: str, state: str) -> Iterator[Row]:
        records = codec(schema)
        return ({**records.decode(value), "state": state} for _, _, value in held)

    def outcomes(self) -> list[Row]:
        """How many events had which outcome, and why."""
        counts = self._weir.outcomes()
        return [{"outcome": o, "reason": r, "events": n} for (o, r), n in counts.items()]

    def close(self) -> None:
        """Throw everything away."""
        self._weir.close()
        self._directory.cleanup()
