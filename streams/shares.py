"""Shares: how an amount of money is divided so that the parts add up to it, to the last unit.

An amount is a whole number of the smallest units that the agreement rounds to, and a party's part
of it is a fraction. Cut to whole units, the parts leave some units over, fewer than there are
parties. Who has those is what the rule of the contract says:

* largest remainder: one each to the parts from which most was cut off, ties in order;
* first parts: one each to the first parties that have a part at all;
* rest to last: every part but the last is rounded, never to more than is left, and the last has
  the rest.

A negative amount is divided like its mirror. All amounts of a batch are divided together: each has
its parties, one after the other, in columns.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from schemas.codes import Allot, RoundingMode
from schemas.money import round_columns
from state.distinct import distinct
from state.splits import Splits
from state.tables import NONE
from streams.families import Codes, Ints, Marks

Modes = npt.NDArray[np.int8]


@dataclass(frozen=True)
class Shares:
    """Where the shares of a batch come from, one entry a leg of it.

    `leg` numbers the legs of the batch, `sender` is the number of the leg that a share is part of,
    NONE for any other leg. Where `divided`, the leg's charge is what it kept of `whole_micros`.
    """

    leg: Codes
    sender: Codes
    divided: Marks
    whole_micros: Ints

    @staticmethod
    def none(legs: int) -> Shares:
        """No shares of so many legs."""
        whole = np.zeros(legs, np.int64)
        return Shares(
            np.arange(legs, dtype=np.int32),
            np.full(legs, NONE, np.int32),
            np.zeros(legs, np.bool_),
            whole,
        )

    def take(self, at: Marks | Ints | slice) -> Shares:
        """Those of some of the legs, by their numbers in the batch."""
        return Shares(*(getattr(self, f)[at] for f in self.__dataclass_fields__))

    def with_whole(self, at: Ints, whole_micros: Ints) -> Shares:
        """The same where some legs are divided."""
        divided, whole = self.divided.copy(), self.whole_micros.copy()
        divided[at], whole[at] = True, whole_micros
        return replace(self, divided=divided, whole_micros=whole)

    def and_of(self, senders: Ints) -> Shares:
        """These, and behind them shares of some of the legs."""
        more = Shares.none(len(self.leg) + len(senders))
        count = len(self.leg)
        more.sender[:count], more.sender[count:] = self.sender, senders
        more.divided[:count], more.whole_micros[:count] = self.divided, self.whole_micros
        return more


@dataclass(frozen=True)
class Pairs:
    """Amounts with their parties: for each pair the place of both, and where amounts begin."""

    amount: Ints
    party: Ints
    starts: Ints
    within: Ints

    @staticmethod
    def of(split: Codes, splits: Splits) -> Pairs:
        """The parties of the split of each amount."""
        first = splits.first[split]
        count = splits.first[split + 1] - first
        amount = np.repeat(np.arange(len(split)), count)
        starts = np.cumsum(count) - count
        within = np.arange(len(amount)) - starts[amount]
        return Pairs(amount, first[amount] + within, starts, within)


def divide(units: Ints, mode: Modes, split: Codes, splits: Splits) -> tuple[Pairs, Ints]:
    """Divide amounts among the parties of their splits.

    Args:
        units: the amounts, in the smallest units that each is rounded to.
        mode: the rounding mode of each, for those whose rest goes to the last.
        split: the split of each.
        splits: those of the reference.

    Returns:
        Amounts with their parties, and the part of each pair in the amount's units.
    """
    pairs = Pairs.of(split, splits)
    size, of = np.abs(units), pairs.amount
    rule, whole = splits.rule[split][of], splits.whole[split][of]
    weight = splits.weight[pairs.party]
    # Whole times and rest apart, so that no product passes 64 bits: `whole` is at most 2^31.
    times, rest = np.divmod(size[of], whole)
    parts, cut = np.divmod(rest * weight, whole)
    parts += times * weight
    last = rule == Allot.REST_TO_LAST
    left = size - np.add.reduceat(parts, pairs.starts) if len(of) else size
    wanting = np.where(rule == Allot.LARGEST_REMAINDER, -cut, weight == 0)
    order = np.lexsort((pairs.within, wanting, of))
    rank = np.empty_like(of)
    rank[order] = pairs.within  # the order is by amount first, so places within it are ranks
    parts += (rank < left[of]) & ~last
    if np.any(last):
        at = np.flatnonzero(last)
        parts[at] = _rest_to_last(parts[at], cut[at], whole[at], mode[of[at]], pairs, at, size)
    return pairs, parts * np.where(units < 0, -1, 1)[of]


def _rest_to_last(
    floors: Ints,
    cut: Ints,
    whole: Ints,
    mode: Modes,
    pairs: Pairs,
    at: Ints,
    size: Ints,
) -> Ints:
    """Rounded parts, the last of each amount the rest of it.

    Args:
        floors: the parts cut to whole units.
        cut: what was cut off each, over `whole`.
        whole: what the cuts are over.
        mode: how each is rounded.
        pairs: all amounts with their parties.
        at: which pairs these are; all of an amount or none.
        size: all amounts.
    """
    rounded = floors.copy()
    for code in distinct(mode.astype(np.int64))[0].tolist():
        chosen = np.flatnonzero(mode == code)
        odd = floors[chosen] % 2  # what half to even has to know of the whole units
        top = cut[chosen] + odd * whole[chosen]
        rounded[chosen] += round_columns(top, whole[chosen], RoundingMode(code)) - odd
    amount, within = pairs.amount[at], pairs.within[at]
    begins: Marks = within == 0
    # Sums over all amounts may wrap around; those over the parties of one do not.
    run = np.cumsum(rounded)
    lengths = np.diff(np.append(np.flatnonzero(begins), len(at)))
    before = np.repeat(run[begins] - rounded[begins], lengths)
    upto = np.minimum(run - before, size[amount])
    ends = np.append(begins[1:], True)
    upto[ends] = size[amount[ends]]
    parts = np.diff(upto, prepend=0)
    parts[begins] = upto[begins]
    return parts
