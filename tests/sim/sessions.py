"""The auditor's sessions: what legs come to with the parts of their session that came before.

Kept by putting all parts together again whenever one comes, with the oracle's own words for what
they cost, so that corrections of the product are held against sums that know of none.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ops.oracle_rating import Leg
from ops.oracle_sessions import Input, Key, Member, key_of, order_of, told
from ops.oracle_usage import Usage

ANYWHERE = Input("usage.v1", 0, 0, 0)


class SessionBooks:
    """The parts of every session so far."""

    def __init__(self) -> None:
        """None yet."""
        self._members: dict[Key, list[Member]] = {}

    def add(self, usage: Usage | None, leg: Leg) -> Iterator[tuple[Leg, int]]:
        """What a leg adds, to its own place and to those of others, and of how many events."""
        key = None if usage is None else key_of(usage, leg)
        if key is None or usage is None:
            yield leg, 1
            return
        before = self._members.setdefault(key, [])
        known = dict(_told(before))
        before.append(Member(order_of(usage), usage.number("started_at"), leg, ANYWHERE))
        for order, now in _told(before):
            old = known.get(order)
            if old is None:
                yield now, 1
            elif old != now:
                yield (
                    replace(
                        now,
                        quantity=now.quantity - old.quantity,
                        exact=now.exact - old.exact,
                        charge_micros=now.charge_micros - old.charge_micros,
                    ),
                    0,
                )


def _told(members: list[Member]) -> list[tuple[object, Leg]]:
    orders = sorted(member.order for member in members)
    return list(zip(orders, told(members), strict=True))
