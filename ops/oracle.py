"""The oracle: a second, independent settlement, slow and plain, that the product must agree with.

It takes usage messages in the order of the log and settles them one event at a time: read, check,
look for a repeat, attribute, rate, book. Duplicates are a dictionary, money is `Fraction` and
`Decimal`, time is `zoneinfo`, tiers are walked. It shares no code with the product: `weir verify`
and the tests compare what both make of the same bytes, so a mistake has to be made twice, in two
different ways, to stay unseen.

Settlement is a function of which usage came in, not of how it was batched. What it needs to be told
of time is by which reference each stretch of the log was settled, when suspended usage was to be
tried again, and what had been folded when a period was closed: the cut. A place on the log is
named as everywhere: `usage.v1/3` is partition 3 of the usage, `recycle.v1/3` of the requests.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from ops.oracle_attribution import Claim, attribute
from ops.oracle_rating import Leg, decimal_of, period_after, rate, surcharges
from ops.oracle_reference import Reference
from ops.oracle_statement import (
    Accrual,
    AccrualKey,
    Amount,
    AmountKey,
    Total,
    TotalKey,
    statement_lines,
    statement_totals,
)
from ops.oracle_usage import Fault, Identity, Schemas, Usage, fault_of, read_message, read_schemas

FUTURE_US_MAX = 10 * 60 * 1_000_000  # how far a source's clock may be ahead of the log's

OUTCOMES = {
    "none": "rated",
    "test": "excluded",
    "retail": "excluded",
    "no_attribution_key": "suspended",
    "unknown_route": "suspended",
    "unknown_access_point": "suspended",
    "unknown_network": "suspended",
    "unknown_product": "suspended",
    "unknown_channel": "suspended",
    "no_agreement": "suspended",
    "no_item": "suspended",
    "no_rate": "suspended",
    "currency_mismatch": "suspended",
    "future_time": "suspended",
    "conflicting_body": "suspended",
    "charge_overflow": "suspended",
    "too_long": "suspended",
}

USAGE, RECYCLE = "usage.v1", "recycle.v1"
NOTHING = Accrual(0, 0, 0, Fraction(0))
UNTRUSTED = frozenset({"no_source", "wrong_partition"})


class Position(NamedTuple):
    """Where an event stood: partition and offset of its message, and its row in the envelope."""

    partition: int
    offset: int
    row: int


# Which reference was in force for an input message: (topic, partition, offset).
ReferenceOf = Callable[[str, int, int], Reference]
# What was in, by place: of `usage.v1/3` all before an offset. A place not named had nothing in.
Cut = Mapping[str, int]


class Close(NamedTuple):
    """A closed period, and what was in it."""

    agreement: str
    period: str
    cut: Cut


class Recycle(NamedTuple):
    """A request, at a place of its own on the log, to try suspended usage once more."""

    suspense_id: str
    partition: int
    offset: int
    timestamp_us: int


class Input(NamedTuple):
    """What an event is settled on behalf of: its own message, or a request to try it again."""

    topic: str
    partition: int
    offset: int
    timestamp_us: int


@dataclass(frozen=True)
class Trace:
    """One event's way from its bytes to money."""

    position: Position
    identity: Identity | None
    outcome: str
    reason: str
    usage: Usage | None
    claims: tuple[Claim, ...] = ()
    legs: tuple[Leg, ...] = ()
    booked: tuple[str, ...] = ()
    recycled: bool = False


@dataclass
class Settlement:
    """What became of all usage: outcomes, accruals, and the statements of every period.

    `lines` has every line of every statement in full, `amounts` what it shows. `suspended` counts
    what still waits, by suspense id and reason; `quarantined` has the reason by position.
    """

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    accruals: dict[AccrualKey, Accrual] = field(default_factory=dict)
    lines: dict[AmountKey, Amount] = field(default_factory=dict)
    amounts: dict[AmountKey, Decimal] = field(default_factory=dict)
    totals: dict[TotalKey, Total] = field(default_factory=dict)
    traces: dict[Identity, list[Trace]] = field(default_factory=dict)
    suspended: Counter[tuple[str, str]] = field(default_factory=Counter)
    quarantined: dict[Position, str] = field(default_factory=dict)

    def explain(self, identity: Identity) -> list[Trace]:
        """Every appearance of an event, in the order of the log; none when it never appeared."""
        return self.traces.get(identity, [])


def settle(  # noqa: PLR0913 - one argument for each thing that settlement depends on
    reference: Reference,
    messages: Iterable[tuple[int, int, int, bytes]],
    closes: Iterable[Close] = (),
    *,
    usage_partitions: int = 1,
    schemas: Schemas | None = None,
    reference_of: ReferenceOf | None = None,
    recycles: Iterable[Recycle] = (),
    accrued: Mapping[str, Cut] | None = None,
    explained: Collection[Identity] | None = None,
) -> Settlement:
    """Settle usage messages (partition, offset, log time in microseconds, bytes) in log order.

    Args:
        reference: the newest one; its terms make the statements.
        messages: the usage; the order of each partition is what counts.
        closes: all closes, in any order.
        usage_partitions: how many partitions the usage has.
        schemas: those of usage, by default the published ones.
        reference_of: the reference in force for each message and request; None: the one given.
        recycles: requests to try suspended usage again, in the order of the log.
        accrued: for each agreement what has been accrued so far; None: everything.
        explained: which identities keep their trace; None keeps all, which takes memory.
    """
    books = _Books(reference_of or (lambda *_: reference), closes, usage_partitions)
    books.accrued, books.explained = accrued, explained
    known = schemas or read_schemas()
    for partition, offset, timestamp_us, message in messages:
        came_with = Input(USAGE, partition, offset, timestamp_us)
        for row, event in enumerate(read_message(message, known)):
            books.take(event, Position(partition, offset, row), came_with)
    # Trying again changes nothing for usage that follows, so all of it can come after all usage.
    for request in recycles:
        books.recycle(request)
    return books.finish(reference)


class _Books:
    """The state of a settlement while it goes through the log."""

    accrued: Mapping[str, Cut] | None
    explained: Collection[Identity] | None

    def __init__(
        self, reference_of: ReferenceOf, closes: Iterable[Close], usage_partitions: int
    ) -> None:
        self.result = Settlement()
        self._reference_of = reference_of
        self._closes = {(close.agreement, close.period): close for close in closes}
        self._partitions = usage_partitions
        self._bodies: dict[Identity, set[bytes]] = {}
        self._refused: set[tuple[int, Identity]] = set()
        self._waiting: dict[tuple[int, str], tuple[Usage, Position, str]] = {}

    def take(self, event: Usage | Fault, position: Position, came_with: Input) -> None:
        """Give one event its one outcome, and book what it comes to."""
        if isinstance(event, Fault):
            self._refuse(event.identity, event.reason, position, None)
            return
        fault = fault_of(event, position.partition, self._partitions)
        if fault is not None:
            self._refuse(event.identity, fault, position, event)
            return
        identity = event.identity
        if identity is None:
            raise ValueError("Invariant: an event without identity was refused before")
        bodies = self._bodies.setdefault(identity, set())
        if event.body in bodies:
            self._note(Trace(position, identity, "duplicate", "none", event))
            return
        bodies.add(event.body)
        if len(bodies) > 1:
            # Both bodies are kept; which of them is right is for an operator to say.
            self.result.suspended[suspense_id(identity), "conflicting_body"] += 1
            self._note(Trace(position, identity, "suspended", "conflicting_body", event))
            return
        self._note(self._evaluate(event, position, came_with))

    def recycle(self, request: Recycle) -> None:
        """Try a suspended event once more, if it still waits; a conflicting body never does."""
        found = self._waiting.pop((request.partition, request.suspense_id), None)
        if found is None:
            return
        usage, position, reason = found
        self.result.counts["suspended", reason] -= 1
        self.result.suspended[request.suspense_id, reason] -= 1
        asked = Input(RECYCLE, request.partition, request.offset, request.timestamp_us)
        self._note(self._evaluate(usage, position, asked))

    def finish(self, reference: Reference) -> Settlement:
        """Make the statements of what has been booked."""
        result = self.result
        result.counts = +result.counts  # without what has come down to zero
        result.suspended = +result.suspended
        result.lines = statement_lines(result.accruals, reference, self._closes)
        result.amounts = {key: decimal_of(line.micros) for key, line in result.lines.items()}
        result.totals = statement_totals(result.lines)
        return result

    def _refuse(
        self, identity: Identity | None, reason: str, position: Position, usage: Usage | None
    ) -> None:
        """Quarantine what is not usage; the second time under one identity it is a repeat.

        Refused identities are apart from accepted ones, so that a mended event can still come in.
        Where the source cannot be trusted (none, or at a wrong partition) there is no identity.
        """
        if identity is not None:
            at_home = zlib.crc32(identity[0].encode()) % self._partitions == position.partition
            identity = identity if at_home and reason not in UNTRUSTED else None
        known = identity is not None and (position.partition, identity) in self._refused
        if identity is not None:
            self._refused.add((position.partition, identity))
        if known:
            self._note(Trace(position, identity, "duplicate", "none", usage))
        else:
            self.result.quarantined[position] = reason
            self._note(Trace(position, identity, "quarantined", reason, usage))

    def _evaluate(self, usage: Usage, position: Position, on: Input) -> Trace:
        """Attribute and rate a new event, and book its legs when every one has a price."""
        claims, legs, reason = _rated(usage, on, self._reference_of)
        booked = tuple(self._booked(leg, on) for leg in legs)
        for leg, period in zip(legs, booked, strict=True):
            if self._is_accrued(leg, on):
                self._book(leg, period)
        outcome = OUTCOMES[reason]
        if outcome == "suspended" and usage.identity is not None:
            waits_as = suspense_id(usage.identity)
            self.result.suspended[waits_as, reason] += 1
            self._waiting[position.partition, waits_as] = (usage, position, reason)
        return Trace(
            position=position,
            identity=usage.identity,
            outcome=outcome,
            reason=reason,
            usage=usage,
            claims=claims,
            legs=legs,
            booked=booked,
            recycled=on.topic == RECYCLE,
        )

    def _is_accrued(self, leg: Leg, on: Input) -> bool:
        """Whether a leg has reached the accruals yet."""
        if self.accrued is None:
            return True
        return _is_in(self.accrued.get(leg.version.agreement, {}), on)

    def _booked(self, leg: Leg, on: Input) -> str:
        """The period a leg is booked in: its own, or the first after it that still takes it."""
        period = leg.original
        while True:
            close = self._closes.get((leg.version.agreement, period))
            if close is None or _is_in(close.cut, on):
                return period
            period = period_after(period)

    def _book(self, leg: Leg, booked: str) -> None:
        """Add one leg to the accruals of its hour and of its period."""
        residue = leg.residue
        for hour in (leg.hour, None):
            key = AccrualKey(
                leg.version.agreement,
                leg.version.number,
                leg.item.name,
                leg.line,
                leg.version.currency,
                booked,
                leg.original,
                hour,
            )
            old = self.result.accruals.get(key, NOTHING)
            self.result.accruals[key] = Accrual(
                old.events + 1,
                old.quantity + leg.quantity,
                old.charge_micros + leg.charge_micros,
                old.residue + residue if residue else old.residue,
            )

    def _note(self, trace: Trace) -> None:
        """Count an outcome, and keep the trace where it is wanted."""
        self.result.counts[trace.outcome, trace.reason] += 1
        identity = trace.identity
        if identity is not None and (self.explained is None or identity in self.explained):
            self.result.traces.setdefault(identity, []).append(trace)


def _rated(
    usage: Usage, on: Input, reference_of: ReferenceOf
) -> tuple[tuple[Claim, ...], tuple[Leg, ...], str]:
    """Whose an event is and its priced legs, with `none`; or no legs, and the reason why."""
    if usage.fields["test"]:
        return (), (), "test"
    if usage.number("started_at") > on.timestamp_us + FUTURE_US_MAX:
        return (), (), "future_time"
    reference = reference_of(on.topic, on.partition, on.offset)
    claims, reason = attribute(usage, reference)
    legs: list[Leg] = []
    if reason == "none":
        for claim in claims:
            if claim.agreement != "own":
                leg = rate(usage, claim, reference)
                if isinstance(leg, str):
                    return tuple(claims), (), leg
                legs.append(leg)
        for claim in [leg.claim for leg in legs]:
            added = surcharges(usage, claim, reference)
            if isinstance(added, str):
                return tuple(claims), (), added
            legs += added
    return tuple(claims), tuple(legs), reason


def suspense_id(identity: Identity) -> str:
    """The id under which an event waits: its identity as people write it, marks escaped."""
    marks = str.maketrans({"%": "%25", "/": "%2F", "#": "%23"})
    names = [str(part).translate(marks) for part in identity]
    return "//".join(names) if len(names) == 2 else "/".join(names)  # noqa: PLR2004


def _is_in(cut: Cut, on: Input) -> bool:
    """Whether an input message lies before a cut."""
    return on.offset < cut.get(f"{on.topic}/{on.partition}", 0)
