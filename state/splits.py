"""Splits on the hot path: the parties of every split, and who receives for them when.

All parties of all splits stand in one table, those of a split one after the other. A party's weight
is a whole number out of the split's `whole`. Its receiver is a code for agreement and item, by
which `receivers` has the row of the item in the version in force at a second; the agreement's own
party has none.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from state.items import NONE, ItemInfo
from state.terms import VersionInfo
from state.versions import AsOf

Int8 = npt.NDArray[np.int8]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Splits:
    """All splits of a reference.

    `split_of` has the split of each item, NONE without one. `first` has a place more than there are
    splits: the parties of split s are those from first[s] up to, and without, first[s + 1].
    """

    split_of: Int32
    rule: Int8
    whole: Int64
    first: Int64
    weight: Int64
    receiver: Int32
    receivers: AsOf

    @staticmethod
    def of(
        items: Sequence[ItemInfo], versions: Sequence[VersionInfo], names: Sequence[str]
    ) -> Splits:
        """The splits of these items.

        Args:
            items: all items by code.
            versions: their versions by code.
            names: those of the agreements by code.
        """
        split_of = np.full(len(items), NONE, np.int32)
        rules: list[int] = []
        wholes: list[int] = []
        ends, weights, receivers = [0], [], []
        wanted: dict[tuple[str, str], int] = {}
        for row, item in enumerate(items):
            if item.split is None:
                continue
            split_of[row] = len(rules)
            parts = [party.weight for party in item.split.parties]
            whole = math.lcm(*(part.denominator for part in parts))
            rules.append(item.split.rule)
            wholes.append(whole)
            weights += [int(part * whole) for part in parts]
            for party in item.split.parties:
                code = NONE
                if party.agreement is not None and party.item is not None:
                    code = wanted.setdefault((party.agreement, party.item), len(wanted))
                receivers.append(code)
            ends.append(len(weights))
        return Splits(
            split_of=split_of,
            rule=np.array(rules, np.int8),
            whole=np.array(wholes, np.int64),
            first=np.array(ends, np.int64),
            weight=np.array(weights, np.int64),
            receiver=np.array(receivers, np.int32),
            receivers=_in_force(wanted, items, versions, names),
        )


def _in_force(
    wanted: Mapping[tuple[str, str], int],
    items: Sequence[ItemInfo],
    versions: Sequence[VersionInfo],
    names: Sequence[str],
) -> AsOf:
    """The rows of wanted items by code and second."""
    found = []
    for row, item in enumerate(items):
        version = versions[item.version_row]
        code = wanted.get((names[version.agreement], item.name))
        if code is not None:
            found.append((code, version.valid_from_s, version.valid_upto_s, row))
    columns = zip(*found, strict=True) if found else ((), (), (), ())
    codes, starts, ends, rows = map(list, columns)
    return AsOf.build(codes, starts, ends, rows, len(wanted))
