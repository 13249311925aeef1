"""What follows from entities has the columns of the files that it becomes."""

from __future__ import annotations

from schemas.keys import COLUMNS
from streams.control.derived import Derived, Key, Known


def test_a_key_is_a_row_of_the_file() -> None:
    """The same columns in the same order, so that a row is written as it is."""
    assert Key._fields == COLUMNS


def test_nothing_told_is_nothing_derived() -> None:
    """No entity, no row; and no file gives a name unless somebody says so."""
    assert (*Derived().partners, *Derived().agreements, *Derived().keys) == ()
    assert Known() == Known(frozenset(), frozenset(), frozenset())
