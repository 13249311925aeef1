"""Commands: what is asked of the accrue hop, read from `commands.v1`.

A command is JSON with one member that says what is asked. It is an input like any other: it has a
place among the contributions and is carried out once. One that makes no sense raises here, and is
kept with the reason.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

from schemas.topics import COMMANDS
from state.tables import VersionInfo
from streams.accrual import Book
from streams.log import Segment


def closes_in(book: Book, segments: Sequence[Segment]) -> Iterator[tuple[str, str]]:
    """The agreements and periods that a batch closes, those included that are closed already."""
    for value in (v for s in segments if s.topic == COMMANDS.name for v in s.values):
        with suppress(ValueError, KeyError, TypeError):
            yield read_close(book, json.loads(value or b""))


def read_close(book: Book, command: Any) -> tuple[str, str]:  # noqa: ANN401 - any JSON
    """The agreement and period that a command closes.

    Raises:
        KeyError: there is no such agreement, or the command says something else.
        TypeError: it is not made as commands are.
        ValueError: no version of the agreement has such a period, or its partner is in test.
    """
    agreement, period = command["close"]["agreement"], command["close"]["period"]
    book.check_settled(agreement)
    version, index = period_of(book, agreement, period)
    return agreement, version.periods.label(index)


def together(book: Book, key: tuple[str, str]) -> Iterator[tuple[str, str]]:
    """What is closed with an agreement's period: that of all agreements joined with it, in order.

    One that never had such periods has nothing booked in it.
    """
    for member in book.group(key[0]):
        with suppress(ValueError, KeyError):
            version, index = period_of(book, member, key[1])
            yield member, version.periods.label(index)


def period_of(book: Book, agreement: str, period: str) -> tuple[VersionInfo, int]:
    """The newest version of an agreement that has such periods, and the period's index.

    Raises:
        KeyError: there is no such agreement.
        ValueError: no version of it has such a period.
    """
    versions = book.versions(agreement)
    if not versions:
        raise KeyError(agreement)
    for version in reversed(versions):
        try:
            return version, version.periods.parse(period)
        except ValueError:
            continue
    msg = f"{agreement} has no period {period}"
    raise ValueError(msg)
