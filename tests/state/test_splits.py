"""Splits compiled: weights as whole numbers, and who receives at which second."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from schemas.codes import Allot
from state.tables import NONE
from tests.builders import tables
from tests.sharing_makers import (
    PART,
    PRICE,
    RECEIVED,
    SALE,
    TERMS,
    agreement,
    directory,
    seller,
    split,
)

DECEMBER_S = 1_796_083_200  # 2026-12-01T00:00:00Z


def test_weights_are_whole_numbers(tmp_path: Path) -> None:
    """A half, a third and a sixth are 3, 2 and 1 of 6."""
    known = seller(tmp_path, split("rest_to_last", "1/2", "1/3", "1/6", at=1), 2)
    splits = known.splits
    of = int(splits.split_of[[item.name for item in known.items].index("sale")])
    assert (splits.rule[of], splits.whole[of]) == (Allot.REST_TO_LAST, 6)
    assert splits.weight[splits.first[of] : splits.first[of + 1]].tolist() == [3, 2, 1]
    assert (splits.receiver == NONE).tolist() == [False, True, False]
    assert [
        item.name for item, of in zip(known.items, splits.split_of, strict=True) if of >= 0
    ] == ["sale"]


def test_the_version_in_force_receives(tmp_path: Path) -> None:
    """An item of each version of the receiver; none before the first."""
    own = agreement("ALFA-1", f"{SALE}, {PRICE}, {split('first_parts', '50', '50')}}}")
    begins = TERMS.replace("2026-01-01", "2026-11-01, valid_upto: 2026-12-01")
    later = TERMS.replace("2026-01-01", "2026-12-01")
    shop = agreement("SHOP-2", f"{PART}, {RECEIVED}}}", begins).replace(
        "]}\n", f",\n   {{version: 2, {later}, items: [{PART}, {RECEIVED}}}]}}]}}\n"
    )
    known = tables(directory(tmp_path, own, shop))
    seconds = np.array([DECEMBER_S - 31 * 86_400, DECEMBER_S - 1, DECEMBER_S]) - [1, 0, 0]
    rows = known.splits.receivers.lookup(np.zeros(3, np.int32), seconds)
    versions = [
        NONE if row == NONE else known.versions[known.item_version[row]].version for row in rows
    ]
    assert versions == [NONE, 1, 2]


def test_a_reference_without_splits_has_none(tmp_path: Path) -> None:
    """Empty tables, and no mark anywhere."""
    known = tables(
        directory(
            tmp_path,
            agreement("ALFA-1", f"{SALE}, {PRICE}}}"),
            agreement("SHOP-2", f"{PART}, {RECEIVED}}}"),
        )
    )
    assert known.splits.split_of.tolist() == [NONE, NONE]
    assert len(known.splits.rule) == 0
