"""Tamper with one settled figure, to see that `weir verify` finds it.

`python -m tests.tamper --data DIR` adds 0.000001 to the amount of one accrual row in the log of a
data directory, straight in the SQLite file as nobody should, and says which row that was. It stands
for a disk, an operator or a program gone wrong: whatever it was, verification must not pass.
"""

from __future__ import annotations

import argparse
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from schemas.money import format_micros
from schemas.records import codec
from schemas.topics import ACCRUALS
from streams.local_database import FILE_NAME, OFFSET_BITS, PARTITION_BITS

ROWS_OF_TOPIC = """SELECT latest.id, value FROM latest JOIN topics ON topics.id = latest.id >> ?
    WHERE topics.name = ? AND value IS NOT NULL ORDER BY latest.id"""


@dataclass(frozen=True)
class Tampered:
    """The row that was altered, and its amount before and after."""

    agreement: str
    version: int
    item: str
    booked: str
    before: str
    after: str

    def __str__(self) -> str:
        row = f"{self.agreement} v{self.version} {self.item} {self.booked}"
        return f"{row}: amount {self.before} is now {self.after}"


def tamper(data: Path, micros: int = 1) -> Tampered:
    """Add to the amount of one accrual row of a period.

    Args:
        data: the data directory; no other process may be writing it.
        micros: how much, in millionths of the currency.

    Raises:
        LookupError: there is no accrual row with an amount.
    """
    records = codec("accruals.avsc")
    with closing(sqlite3.connect(data / "log" / FILE_NAME)) as connection:
        found = connection.execute(ROWS_OF_TOPIC, (OFFSET_BITS + PARTITION_BITS, ACCRUALS.name))
        for row_id, value in found.fetchall():
            message = records.decode(value)
            if message["hour"] is not None:
                continue
            row = message["rows"][0]
            before = row["amount_micros"]
            row["amount_micros"] = before + micros
            altered = (records.encode(message), row_id)
            connection.execute("UPDATE latest SET value = ? WHERE id = ?", altered)
            connection.commit()
            return Tampered(
                message["agreement"],
                row["version"],
                row["item"],
                message["booked"],
                format_micros(before),
                format_micros(before + micros),
            )
    raise LookupError(f"{data} has no accruals: settle something there first")


def main(arguments: Sequence[str] | None = None) -> str:
    """The command; returns what it prints."""
    parser = argparse.ArgumentParser(prog="python -m tests.tamper", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the data directory")
    parser.add_argument("--micros", type=int, default=1, help="what to add, in millionths")
    given = parser.parse_args(arguments)
    return str(tamper(given.data, given.micros))


if __name__ == "__main__":
    print(main())  # noqa: T201 - a command talks to its terminal
