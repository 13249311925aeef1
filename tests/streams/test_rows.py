"""Rows are equal by their sums."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from state.cells import CellSet
from streams.contribution import Series
from streams.rows import Known, Row


def test_cells_and_what_is_known_do_not_make_another_row() -> None:
    """They go with the sums of the series; hours do make one."""
    series = Series("T", 1, "port", "", "EUR", "2026-11", "2026-11")
    none = np.zeros(0, np.int64)
    plain = Row(series, 1, 2, 3, 4)
    assert plain == Row(series, 1, 2, 3, 4, cells=CellSet(none, none, none, none, is_largest=False))
    assert plain == Row(series, 1, 2, 3, 4, known=Known(1, Fraction(1), 0, Fraction(0)))
    assert plain != Row(series, 1, 2, 3, 5)
