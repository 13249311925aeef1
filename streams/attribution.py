"""Attribution: whose event this is.

The second station. A usage event names a trunk group, a subscriber, an access point, a network, a
product or a sales channel; reference says which agreement each of these belonged to when the event
began. One event may concern several parties, so each role (ingress, egress, subscriber, channel,
product) can give one *leg*: an agreement, the version of it in force at event time, and the item of
that version which covers the service, or the items that compete for it. What reverses an earlier
transaction is attributed as that one was: for it event time is the time of the original. A key that
belongs to the operator itself gives no leg; a key that nobody knows suspends the event, and so does
one that is known and that nobody holds at that time, and an agreement without a version, an item,
or a territory that the usage lies in (`streams.territory`). What concerns a partner in test is
excluded as a whole, whatever else is said of it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from schemas.codes import KeyKind, Reason, Role
from schemas.money import MICROS
from state.tables import NONE, OWN, Tables
from streams.families import Codes, Ints, Marks
from streams.territory import outside
from streams.usage import UsageBatch

IMSI_DIGITS = 15
NUMBER_TABLE, IMSI_TABLE = 0, 1

# role -> the keys that may decide it, in order: column of usage, kind, reason when it is unknown
KEYS: dict[Role, tuple[tuple[str, KeyKind, Reason], ...]] = {
    Role.INGRESS: (("ingress_route", KeyKind.ROUTE, Reason.UNKNOWN_ROUTE),),
    Role.EGRESS: (("egress_route", KeyKind.ROUTE, Reason.UNKNOWN_ROUTE),),
    Role.SUBSCRIBER: (
        ("access_point", KeyKind.ACCESS_POINT, Reason.UNKNOWN_ACCESS_POINT),
        ("home_network", KeyKind.NETWORK, Reason.UNKNOWN_NETWORK),
    ),
    Role.CHANNEL: (("sales_channel", KeyKind.CHANNEL, Reason.UNKNOWN_CHANNEL),),
    Role.PRODUCT: (("product_instance", KeyKind.PRODUCT, Reason.UNKNOWN_PRODUCT),),
}


@dataclass(frozen=True)
class Legs:
    """One party's part in one event, as columns, ordered by role.

    `event` is the row of the usage batch; `key` the attribution key that decided; `version` the
    agreement version in force; `item` the item of it that covers the event (NONE where `reason`
    says why there is none; below NONE until `streams.selection` has chosen among several).
    """

    event: Ints
    role: npt.NDArray[np.int8]
    key: Codes
    agreement: Codes
    version: Codes
    item: Codes
    reason: npt.NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.event)

    def take(self, at: Ints | Marks | slice) -> Legs:
        """Some of the legs."""
        return Legs(*(getattr(self, f)[at] for f in self.__dataclass_fields__))

    def and_again(self, at: Ints, item: Codes) -> Legs:
        """All legs, and behind them some once more with other items."""
        again = replace(self.take(at), item=item)
        names = self.__dataclass_fields__
        return Legs(*(np.concatenate([getattr(self, f), getattr(again, f)]) for f in names))


@dataclass(frozen=True)
class _Decision:
    """What the keys of one role say of some events.

    `owner` is the agreement that the role is decided for, `by` the key that decided. Of a role that
    is undecided (owner NONE) `reason` says why, if any of its keys is given, and `unheld` is the
    place of the first such key among those of the role, else NONE.
    """

    owner: Codes
    by: Codes
    given: Marks
    reason: npt.NDArray[np.int8]
    unheld: npt.NDArray[np.int8]


def attribute(usage: UsageBatch, events: Ints, tables: Tables) -> tuple[Legs, npt.NDArray[np.int8]]:
    """Find the legs of some events.

    Args:
        usage: the batch.
        events: the rows to attribute, rising.
        tables: reference.

    Returns:
        The legs, and for each row of `events` the reason why it has none (NONE where it has).
    """
    seconds = usage.priced_us[events] // MICROS
    reason = np.zeros(len(events), np.int8)
    given = np.zeros(len(events), bool)
    tried = np.zeros(len(events), bool)
    anyone_in_test = bool(tables.in_test.any())
    parts: list[tuple[Role, Ints, Codes, Codes]] = []
    for role in KEYS:
        found = _decide(usage, events, seconds, tables, role)
        given |= found.given
        undecided = (found.owner == NONE) & (found.reason != 0) & (reason == 0)
        reason[undecided] = found.reason[undecided]
        at = np.flatnonzero(found.owner >= 0)
        if len(at):
            parts.append((role, at, found.by[at], found.owner[at]))
            if anyone_in_test:
                tried[at] |= tables.in_test[found.owner[at]]
    reason[~given & (reason == 0)] = Reason.NO_ATTRIBUTION_KEY
    at = np.concatenate([p[1] for p in parts]) if parts else np.zeros(0, np.int64)
    retail = given & (reason == 0)
    retail[at] = False
    reason[retail] = Reason.RETAIL
    reason[tried] = Reason.TEST_PARTNER
    legs = _legs(usage, events, seconds, at, parts, tables)
    kept = reason[at] == 0
    return legs if kept.all() else legs.take(kept), reason


def _decide(
    usage: UsageBatch, events: Ints, seconds: Ints, tables: Tables, role: Role
) -> _Decision:
    """Ask the keys of a role in their order; the first that somebody holds decides it."""
    owner, by = np.full(len(events), NONE, np.int32), np.full(len(events), NONE, np.int32)
    given = np.zeros(len(events), bool)
    if role is Role.SUBSCRIBER:
        given |= _subscribers(usage, events, seconds, tables, owner, by)
    reason, unheld = np.zeros(len(events), np.int8), np.full(len(events), NONE, np.int8)
    for place, (column, kind, unknown) in enumerate(KEYS[role]):
        text = usage.keys[column]
        if len(text.names) == 0:
            continue
        codes = text.find(*tables.key_columns[kind])[events]
        present = text.codes[events] >= 0
        given |= present
        holder = tables.assignment.lookup(codes, seconds)
        newly = np.flatnonzero((owner == NONE) & (holder != NONE))
        by[newly], owner[newly] = codes[newly], holder[newly]
        fails = np.flatnonzero(present & (holder == NONE) & (unheld == NONE))
        if len(fails):
            unheld[fails] = place
            reason[fails] = np.where(codes[fails] == NONE, unknown, Reason.NOT_ENTITLED)
    return _Decision(owner, by, given, reason, unheld)


def unheld(usage: UsageBatch, events: Ints, tables: Tables) -> list[str]:
    """The key that each event waits for because nobody holds it, as in `route:TG-001`.

    It is the one that gives the event its reason; empty where there is none.
    """
    found = [""] * len(events)
    seconds = usage.priced_us[events] // MICROS
    for role in reversed(KEYS):
        decision = _decide(usage, events, seconds, tables, role)
        for place, (column, kind, _) in enumerate(KEYS[role]):
            text = usage.keys[column]
            for row in np.flatnonzero(
                (decision.owner == NONE) & (decision.unheld == place)
            ).tolist():
                found[row] = f"{kind.label}:{text.values[int(text.codes[events[row]])]}"
    return found


def _subscribers(
    usage: UsageBatch, events: Ints, seconds: Ints, tables: Tables, decided: Codes, by: Codes
) -> Marks:
    """Decide the subscriber's role by number range, in place; a number in no range decides nothing.

    Returns:
        Which events name a subscriber.
    """
    column = usage.subscriber
    if column.null_count == len(column):
        return np.zeros(len(events), bool)
    present: Marks = column.is_valid().to_numpy(zero_copy_only=False)[events]
    at = np.flatnonzero(present)
    lengths = pc.binary_length(column).fill_null(0).to_numpy(zero_copy_only=False)
    is_imsi = lengths[events[at]] == IMSI_DIGITS
    table = np.where(is_imsi, IMSI_TABLE, NUMBER_TABLE).astype(np.int32)
    numbers = usage.subscriber_rank[events[at]]
    codes = tables.ranges.lookup(table, numbers)
    owner = tables.assignment.lookup(codes, seconds[at])
    # Fifteen digits may also be a long E.164 number.
    retry = np.flatnonzero(is_imsi & (owner == NONE))
    table[retry] = NUMBER_TABLE
    codes[retry] = tables.ranges.lookup(table[retry], numbers[retry])
    owner[retry] = tables.assignment.lookup(codes[retry], seconds[at][retry])
    decided[at], by[at] = owner, codes
    return present


def _legs(
    usage: UsageBatch,
    events: Ints,
    seconds: Ints,
    at: Ints,
    parts: list[tuple[Role, Ints, Codes, Codes]],
    tables: Tables,
) -> Legs:
    """The legs of all roles, with version and item chosen by event time, service and direction."""
    none = np.zeros(0, np.int32)
    role = np.repeat(np.array([p[0] for p in parts], np.int8), [len(p[1]) for p in parts])
    key = np.concatenate([p[2] for p in parts]) if parts else none
    agreement = np.concatenate([p[3] for p in parts]) if parts else none
    event = events[at]
    version = tables.version_of.lookup(agreement, seconds[at])
    item = tables.item_of[version, role, usage.service[event], usage.direction[event]]
    away = outside(usage, event, version, tables)
    item = np.where((version == NONE) | away, NONE, item).astype(np.int32)
    reason = np.zeros(len(event), np.int8)
    reason[item == NONE] = Reason.NO_ITEM
    reason[away] = Reason.OUTSIDE_TERRITORY
    reason[version == NONE] = Reason.NO_AGREEMENT
    return Legs(event, role, key, agreement, version, item, reason)


def describe_key(tables: Tables, key: int) -> str:
    """The attribution key as people write it, for instance `route:TG-001`."""
    return tables.key_names[key] if key != OWN else "own"
