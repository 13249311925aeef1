"""A supplier's price list against the deck that stands: what it would change, prefix by prefix.

A list is complete: it prices every prefix it names from its date on, and a prefix it does not name
any more is *closed*, whereafter the longest shorter prefix prices its calls, or nothing does. Up to
the first date of the list every call costs what it cost before.

What is compared is what a caller pays, over all time: a row is *unchanged* when every second keeps
its rate, however the deck says so. A row goes *up* when any part of the rate rises (price, connect
fee, an increment), and violates the notice when that happens before the notice is over. Rows that
would change the past, or leave time without a price, are refused like those that cannot be read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from schemas.moments import OPEN_UPTO_S
from schemas.price_list import Offer, PriceList, Refusal, timeline
from schemas.timelines import (
    Difference,
    Rate,
    Timeline,
    continued,
    cut,
    differences,
    joined,
    rate_at,
)

SECONDS_A_DAY = 86_400
VIOLATED = "notice violated"


class Kind(StrEnum):
    """What a list does to a prefix, in the order in which one wants to read it."""

    REFUSED = "refused"
    UP = "up"
    DOWN = "down"
    NEW = "new"
    CLOSED = "closed"
    UNCHANGED = "unchanged"


@dataclass(frozen=True)
class Change:
    """One row of a comparison.

    `line` is that of the list, 0 where the list says nothing of the prefix. `before` and `after`
    are what a call cost and will cost at `from_s`, the first second that differs.
    """

    kind: Kind
    prefix: str
    line: int
    from_s: int | None = None
    before: Rate | None = None
    after: Rate | None = None
    too_soon: bool = False
    reason: str = ""


@dataclass(frozen=True)
class Diff:
    """What a list changes; `timelines` are those of all prefixes as they will be."""

    changes: tuple[Change, ...]
    timelines: Mapping[str, Timeline]

    def counts(self) -> dict[str, int]:
        """How many rows of each kind, and how many violate the notice."""
        counted = Counter(change.kind for change in self.changes)
        counts = {kind.value: counted[kind] for kind in Kind}
        return {**counts, VIOLATED: sum(change.too_soon for change in self.changes)}

    @property
    def differs(self) -> bool:
        """Whether there is anything to look at."""
        return any(change.kind is not Kind.UNCHANGED for change in self.changes)


def moment(second: int) -> str:
    """A second as reference files write it: the day alone, if the day begins there."""
    when = datetime.fromtimestamp(second, UTC)
    return when.strftime("%Y-%m-%dT%H:%M:%SZ" if second % SECONDS_A_DAY else "%Y-%m-%d")


def shorter(prefix: str, known: Mapping[str, Timeline]) -> str | None:
    """The longest known prefix that this one begins with, itself left out."""
    return next((prefix[:n] for n in range(len(prefix) - 1, 0, -1) if prefix[:n] in known), None)


def compare(
    standing: Mapping[str, Timeline], given: PriceList, received_s: int, notice_s: int
) -> Diff:
    """What a list changes.

    Args:
        standing: the timeline of each prefix of the deck.
        given: the list.
        received_s: when the list came: it can change nothing before.
        notice_s: how long after that a price may not rise yet.
    """
    return _Comparison(standing, given, received_s, notice_s).diff()


@dataclass
class _Comparison:
    """The prefixes of deck and list, short ones first, so that each finds what is around it."""

    standing: Mapping[str, Timeline]
    given: PriceList
    received_s: int
    notice_s: int
    after: dict[str, Timeline] = field(default_factory=dict)

    def diff(self) -> Diff:
        """All changes, the most pressing first."""
        offers = self.given.offers
        begins = (rows[0].from_s for rows in offers.values())
        closing_s = max(self.received_s, min(begins, default=OPEN_UPTO_S))
        changes = [self._refused(refusal) for refusal in self.given.refused]
        for prefix in sorted(self.standing.keys() | offers.keys(), key=lambda p: (len(p), p)):
            if prefix in offers:
                changes += self._offered(prefix, offers[prefix])
            elif prefix in self.given.named or not self.given.complete:
                self.after[prefix] = self.standing[prefix]
            else:
                changes += self._absent(prefix, closing_s)
        order = list(Kind)
        changes.sort(key=lambda c: (order.index(c.kind), c.prefix, c.line))
        return Diff(tuple(changes), self.after)

    @staticmethod
    def _refused(refusal: Refusal) -> Change:
        return Change(Kind.REFUSED, refusal.prefix, refusal.line, reason=refusal.reason)

    def _before(self, prefix: str) -> Timeline:
        """What calls to a prefix cost now, by its own row or by that around it."""
        own = self.standing.get(prefix)
        if own is not None:
            return own
        around = shorter(prefix, self.standing)
        return self.standing[around] if around is not None else ()

    def _around(self, prefix: str) -> Timeline:
        """What calls to a prefix will cost where it has no rate of its own."""
        around = shorter(prefix, self.after)
        return self.after[around] if around is not None else ()

    def _offered(self, prefix: str, offers: Sequence[Offer]) -> list[Change]:
        """A prefix with rows: they hold from the first one on, before it all stays."""
        own, begin_s = self.standing.get(prefix), offers[0].from_s
        base = cut(self._around(prefix) if own is None else own, upto_s=begin_s)
        will_be = joined(base, timeline(offers))
        if will_be == own:  # most rows of most lists
            self.after[prefix] = own
            return [_unchanged(offer) for offer in offers]
        before = self._before(prefix)
        reason = self._objection(base, cut(before, begin_s), cut(will_be, begin_s))
        if reason:
            if own is not None:
                self.after[prefix] = own
            return [Change(Kind.REFUSED, o.prefix, o.line, reason=reason) for o in offers]
        self.after[prefix] = will_be
        ends = [*(offer.from_s for offer in offers[1:]), OPEN_UPTO_S]
        return [
            self._row(offer, before, list(differences(*_within(before, will_be, offer, end))))
            for offer, end in zip(offers, ends, strict=True)
        ]

    def _objection(self, base: Timeline, before: Timeline, after: Timeline) -> str:
        """Why rows of a prefix cannot be taken over; empty if they can."""
        begin_s = after[0].from_s
        if base and base[-1].upto_s < begin_s:
            ended = moment(base[-1].upto_s)
            return (
                f"valid_from: leaves {ended} to {moment(begin_s)} without a price;"
                f" begin where the last one ended, {ended}"
            )
        changed = (d for d in differences(before, after) if d.before is not None)
        first = next(changed, None)
        if first is not None and first.from_s < self.received_s:
            came = moment(self.received_s)
            return (
                f"valid_from: changes the price from {moment(first.from_s)}, before the list came"
                f" ({came}): usage may be settled already; begin on {came} or later"
            )
        return ""

    def _row(self, offer: Offer, before: Timeline, found: Sequence[Difference]) -> Change:
        """What one row does."""
        too_soon = any(self._too_soon(difference) for difference in found)
        if offer.prefix not in self.standing:
            was = rate_at(before, offer.from_s)
            named = offer.prefix, offer.line, offer.from_s
            return Change(Kind.NEW, *named, was, offer.rate, too_soon)
        if not found:
            return _unchanged(offer)
        first = found[0]
        kind = Kind.NEW
        if first.before is not None:
            kind = Kind.UP if offer.rate.rises_above(first.before) else Kind.DOWN
        named = offer.prefix, offer.line, first.from_s
        return Change(kind, *named, first.before, offer.rate, too_soon)

    def _too_soon(self, found: Difference) -> bool:
        """Whether a price rises before the notice is over."""
        if found.before is None or found.after is None:
            return False
        in_notice = found.from_s < self.received_s + self.notice_s
        return in_notice and found.after.rises_above(found.before)

    def _absent(self, prefix: str, closing_s: int) -> Iterator[Change]:
        """A prefix that the list does not name: what is around it prices it from now on.

        One that has been priced so before just goes along.
        """
        own, around = self.standing[prefix], shorter(prefix, self.standing)
        beside = self.standing[around] if around is not None else ()
        went_along = cut(own, closing_s) == cut(beside, closing_s)
        will_be = continued(own, self._around(prefix), closing_s)
        if will_be:
            self.after[prefix] = will_be
        found = list(differences(own, will_be))
        if found and not went_along:
            first = found[0]
            by = shorter(prefix, self.after)
            reason = f"then priced as {by}" if first.after is not None else "then without a price"
            too_soon = any(map(self._too_soon, found))
            rates = first.from_s, first.before, first.after, too_soon, reason
            yield Change(Kind.CLOSED, prefix, 0, *rates)


def _unchanged(offer: Offer) -> Change:
    """A row that says what the deck says."""
    named = offer.prefix, offer.line, offer.from_s
    return Change(Kind.UNCHANGED, *named, offer.rate, offer.rate)


def _within(
    before: Timeline, after: Timeline, offer: Offer, end_s: int
) -> tuple[Timeline, Timeline]:
    """Two timelines as far as one row holds."""
    return cut(before, offer.from_s, end_s), cut(after, offer.from_s, end_s)
