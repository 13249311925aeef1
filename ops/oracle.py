"""The oracle: a second, independent settlement, slow and plain, that the product must agree with.

It takes usage messages in the order of the log and settles them one event at a time: read, check,
look for a repeat, attribute, rate, book. Duplicates are a dictionary, money is `Fraction` and
`Decimal`, time is `zoneinfo`, tiers are walked. It shares no code with the product: `weir verify`
and the tests compare what both make of the same bytes, so a mistake has to be made twice, in two
different ways, to stay unseen.

Settlement is a function of which usage came in, not of how it was batched. The one thing of time
that it needs to be told is what had been folded when a period was closed: the cut.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from ops.oracle_attribution import Claim, attribute
from ops.oracle_rating import Leg, decimal_of, period_after, rate
from ops.oracle_reference import Reference
from ops.oracle_statement import (
    Accrual,
    AccrualKey,
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
}


UNTRUSTED = frozenset({"no_source", "wrong_partition"})


class Position(NamedTuple):
    """Where an event stood: partition and offset of its message, and its row in the envelope."""

    partition: int
    offset: int
    row: int


class Close(NamedTuple):
    """A closed period, and what was in it: of each usage partition all before an offset.

    A partition that the cut does not name had nothing in. `recycled` says whether suspended usage
    had been recycled by then; recycled usage has no place of its own in the log of usage.
    """

    agreement: str
    period: str
    cut: Mapping[int, int]
    recycled: bool = False


class Recycle(NamedTuple):
    """Suspended usage tried once more, after everything else, under a mended reference."""

    reference: Reference
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
    """What became of all usage: outcomes, accruals, and the statements of every period."""

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    accruals: dict[AccrualKey, Accrual] = field(default_factory=dict)
    amounts: dict[AmountKey, Decimal] = field(default_factory=dict)
    totals: dict[TotalKey, Total] = field(default_factory=dict)
    traces: dict[Identity, list[Trace]] = field(default_factory=dict)

    def explain(self, identity: Identity) -> list[Trace]:
        """Every appearance of an event, in the order of the log; none when it never appeared."""
        return self.traces.get(identity, [])


def settle(
    reference: Reference,
    messages: Iterable[tuple[int, int, int, bytes]],
    closes: Iterable[Close] = (),
    *,
    usage_partitions: int = 1,
    schemas: Schemas | None = None,
    recycle: Recycle | None = None,
    explained: Collection[Identity] | None = None,
) -> Settlement:
    """Settle usage messages (partition, offset, log time in microseconds, bytes) in log order.

    `explained` limits which identities keep their trace; None keeps all, which takes memory.
    """
    books = _Books(reference, closes, usage_partitions, recycle is not None, explained)
    known = schemas or read_schemas()
    for partition, offset, timestamp_us, message in messages:
        for row, event in enumerate(read_message(message, known)):
            books.take(event, Position(partition, offset, row), timestamp_us)
    if recycle is not None:
        books.recycle(recycle)
    return books.finish()


class _Books:
    """The state of a settlement while it goes through the log."""

    def __init__(
        self,
        reference: Reference,
        closes: Iterable[Close],
        usage_partitions: int,
        keep_suspended: bool,  # noqa: FBT001 - private, and named where it is called
        explained: Collection[Identity] | None,
    ) -> None:
        self.result = Settlement()
        self._reference = reference
        self._closes = {(close.agreement, close.period): close for close in closes}
        self._partitions = usage_partitions
        self._explained = explained
        self._bodies: dict[Identity, set[bytes]] = {}
        self._refused: set[tuple[int, Identity]] = set()
        self._keep_suspended = keep_suspended
        self._suspended: list[tuple[Usage, Position, str]] = []

    def take(self, event: Usage | Fault, position: Position, timestamp_us: int) -> None:
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
            self._note(Trace(position, identity, "suspended", "conflicting_body", event))
            return
        self._note(self._evaluate(event, position, timestamp_us, recycled=False))

    def recycle(self, recycle: Recycle) -> None:
        """Try every suspended event once more; conflicting bodies stay for an operator."""
        self._reference = recycle.reference
        again, self._suspended = self._suspended, []
        for usage, position, reason in again:
            self.result.counts["suspended", reason] -= 1
            self._note(self._evaluate(usage, position, recycle.timestamp_us, recycled=True))
        self.result.counts = +self.result.counts  # without what has come down to zero

    def finish(self) -> Settlement:
        """Make the statements of what has been booked."""
        lines = statement_lines(self.result.accruals, self._reference)
        self.result.amounts = {key: decimal_of(amount.micros) for key, amount in lines.items()}
        self.result.totals = statement_totals(lines)
        return self.result

    def _refuse(
        self, identity: Identity | None, reason: str, position: Position, usage: Usage | None
    ) -> None:
        """Quarantine what is not usage; the second time under one identity it is a repeat.

        Refused identities are apart from accepted ones, so that a mended event can still come in.
        Where the source cannot be trusted (none, or at a wrong partition) there is no identity.
        """
        identity = None if reason in UNTRUSTED else identity
        known = identity is not None and (position.partition, identity) in self._refused
        if identity is not None:
            self._refused.add((position.partition, identity))
        outcome = ("duplicate", "none") if known else ("quarantined", reason)
        self._note(Trace(position, identity, *outcome, usage))

    def _evaluate(
        self, usage: Usage, position: Position, timestamp_us: int, *, recycled: bool
    ) -> Trace:
        """Attribute and rate a new event, and book its legs when every one has a price."""
        claims: list[Claim] = []
        legs: list[Leg] = []
        if usage.fields["test"]:
            reason = "test"
        elif usage.number("started_at") > timestamp_us + FUTURE_US_MAX:
            reason = "future_time"
        else:
            claims, reason = attribute(usage, self._reference)
        if reason == "none":
            for claim in claims:
                if claim.agreement != "own":
                    leg = rate(usage, claim, self._reference)
                    if isinstance(leg, str):
                        reason = leg
                        break
                    legs.append(leg)
        if reason != "none":
            legs = []
        booked = tuple(self._booked(leg, position, recycled=recycled) for leg in legs)
        for leg, period in zip(legs, booked, strict=True):
            self._book(leg, period)
        outcome = OUTCOMES[reason]
        if outcome == "suspended" and self._keep_suspended:
            self._suspended.append((usage, position, reason))
        return Trace(
            position=position,
            identity=usage.identity,
            outcome=outcome,
            reason=reason,
            usage=usage,
            claims=tuple(claims),
            legs=tuple(legs),
            booked=booked,
            recycled=recycled,
        )

    def _booked(self, leg: Leg, position: Position, *, recycled: bool) -> str:
        """The period a leg is booked in: its own, or the first after it that still takes it."""
        period = leg.original
        while True:
            close = self._closes.get((leg.version.agreement, period))
            if close is None:
                return period
            if recycled:
                inside = close.recycled
            else:
                inside = position.offset < close.cut.get(position.partition, 0)
            if inside:
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
            old = self.result.accruals.get(key, Accrual(0, 0, 0, Fraction(0)))
            self.result.accruals[key] = Accrual(
                old.events + 1,
                old.quantity + leg.quantity,
                old.charge_micros + leg.charge_micros,
                old.residue + residue,
            )

    def _note(self, trace: Trace) -> None:
        """Count an outcome, and keep the trace where it is wanted."""
        self.result.counts[trace.outcome, trace.reason] += 1
        identity = trace.identity
        if identity is not None and (self._explained is None or identity in self._explained):
            self.result.traces.setdefault(identity, []).append(trace)
