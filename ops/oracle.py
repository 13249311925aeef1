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
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from itertools import chain
from typing import NamedTuple

from ops.oracle_allowance import Charged, charged
from ops.oracle_amounts import Accrual, AccrualKey, Amount, AmountKey, Total, TotalKey, summed
from ops.oracle_attribution import Claim, attribute
from ops.oracle_declared import Figure, with_figures
from ops.oracle_measures import Counted
from ops.oracle_rating import Leg, further, period_after, rate
from ops.oracle_reference import Reference
from ops.oracle_rounding import decimal_of
from ops.oracle_sessions import Input, Together, key_of
from ops.oracle_shares import shared
from ops.oracle_spans import last_closed
from ops.oracle_statement import statement_lines, statement_totals
from ops.oracle_usage import (
    OUTCOMES,
    Fault,
    Identity,
    Schemas,
    Usage,
    fault_of,
    read_message,
    read_schemas,
    suspense_id,
)

FUTURE_US_MAX = 10 * 60 * 1_000_000  # how far a source's clock may be ahead of the log's

USAGE, RECYCLE = "usage.v1", "recycle.v1"
NOTHING = Accrual(0, 0, 0, Fraction(0))
NOTHING_MORE: Mapping[AccrualKey, Accrual] = {}
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
    """A request on the log to try suspended usage again, heard `after` an offset; None: all."""

    suspense_id: str
    partition: int
    offset: int
    timestamp_us: int
    after: int | None = None


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

    @property
    def margin_micros(self) -> int | None:
        """What is owed for the event less what it costs, where both sides and all charges are."""
        legs, usage = self.legs, self.usage
        if usage is None or any(key_of(usage, leg) for leg in legs):
            return None
        if {leg.item.flow for leg in legs} != {"receivable", "payable"}:
            return None
        currencies = {leg.version.currency for leg in legs}
        if len(currencies) > 1 or any(leg.item.price.kind == "tiers" for leg in legs):
            return None
        earned = [leg.charge_micros for leg in legs if leg.item.flow == "receivable"]
        return 2 * sum(earned) - sum(leg.charge_micros for leg in legs)


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
    figures: Iterable[Figure] = (),
    amended: Mapping[AccrualKey, Accrual] = NOTHING_MORE,
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
        figures: what partners declared for swaps, in the order of the log.
        amended: what terms that reach back add, as it is booked.
    """
    books = _Books(reference_of or (lambda *_: reference), closes, usage_partitions)
    books.accrued, books.explained = accrued, explained
    known = schemas or read_schemas()
    requests: dict[int, deque[Recycle]] = {}
    for request in recycles:
        requests.setdefault(request.partition, deque()).append(request)
    for partition, offset, timestamp_us, message in messages:
        waiting = requests.get(partition)
        while waiting and waiting[0].after is not None and offset >= waiting[0].after:
            books.recycle(waiting.popleft())
        came_with = Input(USAGE, partition, offset, timestamp_us)
        for row, event in enumerate(read_message(message, known)):
            books.take(event, Position(partition, offset, row), came_with)
    for request in chain.from_iterable(requests.values()):
        books.recycle(request)
    books.result.accruals = summed(books.result.accruals, amended)
    return books.finish(reference, [*figures])


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
        self._counted: dict[AccrualKey, list[Counted]] = {}
        self._sessions = Together()
        self._charged: dict[AccrualKey, list[Charged]] = {}
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
        trace = self._evaluate(event, position, came_with)
        if trace.reason != "future_time":
            self._sessions.saw(event)
        self._note(trace)

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

    def finish(self, reference: Reference, figures: Sequence[Figure]) -> Settlement:
        """Make the statements of what has been booked."""
        result = self.result
        for leg, period, events in self._sessions.booked(self._is_accrued, self._booked):
            self._book(leg, period, events)
        result.accruals = with_figures(result.accruals, figures)
        self._sessions.finish(result.traces.values())
        result.counts = +result.counts  # without what has come down to zero
        result.suspended = +result.suspended
        kept = self._counted, self._charged
        result.lines = statement_lines(result.accruals, reference, self._closes, *kept, figures)
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
        if reason == "none":
            reason = self._sessions.join(usage, legs, on)
            legs = legs if reason == "none" else ()
        booked = tuple(self._booked(leg, on) for leg in legs)
        for leg, period in zip(legs, booked, strict=True):
            if key_of(usage, leg) is None and self._is_accrued(leg, on):
                self._book(leg, period, usage=usage)
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
        return self.accrued is None or _is_in(self.accrued.get(leg.version.agreement, {}), on)

    def _booked(self, leg: Leg, on: Input) -> str:
        """The period a leg is booked in: its own, or the first after it that still takes it."""
        name, period = leg.version.agreement, leg.original
        span = leg.item.price.span
        if span is None:
            written = self._reference_of(on.topic, on.partition, on.offset).agreements[name]
            spans = (deal.span for version in written.versions for deal in version.deals)
            span = next((of for of in spans if of is not None), None)
        if span is not None:
            # A closed period of its span states what stood on everything booked up to it.
            closes = [c for c in self._closes.values() if c.agreement == name]
            closed = [c.period for c in closes if not _is_in(c.cut, on)]
            period = max(period, last_closed(span, period, closed))
        while True:
            close = self._closes.get((leg.version.agreement, period))
            if close is None or _is_in(close.cut, on):
                return period
            period = period_after(period)

    def _book(self, leg: Leg, booked: str, events: int = 1, usage: Usage | None = None) -> None:
        """Add one leg to the accruals of its hour and of its period; keep what is measured."""
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
                old.events + (events if leg.counts_event else 0),
                old.quantity + leg.quantity,
                old.charge_micros + leg.charge_micros,
                old.residue + residue if residue else old.residue,
            )
        if usage is not None and leg.price.allowance is not None:
            self._charged.setdefault(key, []).append(charged(usage, leg))
        if leg.event is not None:
            self._counted.setdefault(key, []).append(leg.event)

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
        more = further(usage, legs, reference)
        if isinstance(more, str):
            return tuple(claims), (), more
        found = shared(usage, [*legs, *more], reference)
        if isinstance(found, str):
            return tuple(claims), (), found
        legs = found
    return tuple(claims), tuple(legs), reason


def _is_in(cut: Cut, on: Input) -> bool:
    """Whether an input message lies before a cut."""
    return on.offset < cut.get(f"{on.topic}/{on.partition}", 0)
