"""What must hold at every moment of a simulation, asked of a reader of committed messages.

The auditor follows the topics as a dashboard would and keeps books of its own: which usage a
contribution covers (the head of the block says so), what the oracle makes of that usage, and so
what every outcome count, accrual row and statement must be right now. It takes nothing of the
product's sums. A violation has the name of the rule that was broken.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any

from ops.oracle import Trace
from ops.oracle_amounts import Accrual, AccrualKey, AmountKey, TotalKey
from ops.oracle_measures import Counted
from ops.oracle_rating import Leg, period_after
from ops.oracle_statement import statement_lines, statement_totals
from ops.oracle_usage import Usage
from schemas.records import codec
from schemas.topics import (
    ACCRUALS,
    ACCRUE_CHANGELOG,
    CONTRIBUTIONS,
    QUARANTINE,
    RATE_CHANGELOG,
    RATED,
    RECYCLE,
    STATEMENTS,
    SUSPENSE,
    USAGE,
    partition_of,
)
from state.balances import join_residue
from streams.contribution import Cover, from_bytes
from tests.sim.broker import SimulatedBroker
from tests.sim.demands import demand, differences
from tests.sim.sessions import SessionBooks
from tests.sim.usage import Case, Place

OUTPUTS = (
    *(RATED, SUSPENSE, QUARANTINE, RATE_CHANGELOG, CONTRIBUTIONS),
    *(ACCRUALS, ACCRUE_CHANGELOG, STATEMENTS),
)
NOTHING = Accrual(0, 0, 0, Fraction(0))


@dataclass(frozen=True)
class Head:
    """What a contribution block says about itself."""

    offset: int
    covers: tuple[Cover, ...]
    reference_id: str


@dataclass
class Outcomes:
    """The auditor's books of one usage partition: what became of the usage covered so far."""

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    waiting: dict[str, Trace] = field(default_factory=dict)

    def take(self, trace: Trace) -> None:
        """One event has its outcome."""
        self.counts[trace.outcome, trace.reason] += 1
        if trace.outcome == "suspended" and trace.reason != "conflicting_body":
            self.waiting[suspense_id(trace)] = trace

    def retry(self, key: str, traces: Mapping[Place, Any]) -> tuple[Trace, ...]:
        """An event was tried again: what became of it now, if it was waiting."""
        before = self.waiting.get(key)
        if before is None:
            return ()
        now = next(t for t in traces[before.position[:2]] if t.position == before.position)
        self.counts[before.outcome, before.reason] -= 1
        self.counts[now.outcome, now.reason] += 1
        del self.waiting[key]
        if now.outcome == "suspended":
            self.waiting[key] = now
        return (now,)


def covers_of(message: Mapping[str, Any]) -> dict[str, int]:
    """Which usage an accrual message says it covers: next offset of each topic partition."""
    pairs = (each.partition("=") for each in message["covers"].split(",") if each)
    return {name: int(upto) for name, _, upto in pairs}


def suspense_id(trace: Trace) -> str:
    """How suspense names an event."""
    identity = trace.identity or ()
    separator = "//" if len(identity) == 2 else "/"
    return separator.join(map(str, identity))


class Auditor:
    """Reads committed messages of every topic and compares them with the oracle's."""

    def __init__(self, broker: SimulatedBroker, case: Case) -> None:
        """Books of a log on which nothing has happened yet."""
        self._broker = broker
        self._case = case
        self._next: dict[Place | tuple[str, int], int] = {}
        self._heads: dict[int, list[Head]] = {}
        self._usage: dict[int, Outcomes] = {}
        self._covered: dict[tuple[int, str, int], int] = {}
        self._recycled: dict[Place, tuple[Trace, ...]] = {}
        self._sessions = SessionBooks()
        self._rate: dict[int, dict[str, Any]] = {}
        self._accrue: dict[int, dict[str, Any]] = {}
        self._folded: dict[int, int] = {}
        self._view: dict[tuple[int, bytes], dict[str, Any]] = {}
        self._expected: dict[AccrualKey, Accrual] = {}
        self._counted: dict[AccrualKey, list[Counted]] = {}
        self._is_news = False
        self.documents: dict[str, dict[str, Any]] = {}
        self.checks = 0
        self.adjustments = 0
        self._units = {
            (a.name, v.number, i.name): i.price.unit
            for a in case.first.reference.agreements.values()
            for v in a.versions
            for i in v.items
        }

    def check(self) -> None:
        """Everything that must hold now."""
        self._read()
        if self._is_news and self._is_stable():
            self._is_news = False
            self.checks += 1
            self._check_outcomes()
            self._check_accruals()

    def _is_stable(self) -> bool:
        """Whether no transaction is open, so that all topics are seen as of one moment."""
        return all(
            self._broker.stable_end((topic.name, number)) == self._broker.end(topic.name, number)
            for topic in OUTPUTS
            for number in range(self._broker.partitions(topic.name))
        )

    def news(self, topic: str) -> Iterator[tuple[int, int, bytes | None, bytes | None]]:
        """Partition, offset, key and value of what was committed since the last call."""
        for number in range(self._broker.partitions(topic)):
            place = (topic, number)
            segment = self._broker.segment(place, self._next.get(place, 0), 1_000_000)
            self._next[place] = segment.next_offset
            offsets = segment.offsets.tolist()
            for offset, key, value in zip(offsets, segment.keys, segment.values, strict=True):
                self._is_news = True
                yield number, offset, key, value

    def _read(self) -> None:
        """Take in what is new; what one message can break by itself is found here."""
        for number, offset, _, value in self.news(CONTRIBUTIONS.name):
            block = from_bytes(value or b"")
            self._follow(number, Head(offset, block.covers, block.reference_id))
        for number, _, key, value in self.news(STATEMENTS.name):
            self._issue(number, (key or b"").decode(), json.loads(value or b""))
        for topic, books in ((RATE_CHANGELOG, self._rate), (ACCRUE_CHANGELOG, self._accrue)):
            for number, _, key, value in self.news(topic.name):
                if key == b"position":
                    record = json.loads(value or b"")
                    self._advance(topic.name, books.get(number, {}), record)
                    books[number] = record
        records = codec("accruals.avsc")
        for number, _, key, value in self.news(ACCRUALS.name):
            message, before = records.decode(value or b""), self._view.get((number, key or b""))
            if before is not None:
                was, now = covers_of(before), covers_of(message)
                is_forward = all(now.get(name, -1) >= upto for name, upto in was.items())
                demand(is_forward, "progress is monotone", (key, was, now))
            self._view[number, key or b""] = message

    def _follow(self, settlement: int, head: Head) -> None:
        """Blocks follow one another without gap or overlap, in every settlement partition."""
        self._heads.setdefault(settlement, []).append(head)
        for cover in head.covers:
            place = (settlement, cover.topic, cover.partition)
            have = self._covered.get(place, 0)
            demand(cover.start == have, "usage is covered once", (place, have, cover))
            self._covered[place] = cover.upto
            if settlement == 0:
                self._settle(cover, head.reference_id)

    def _settle(self, cover: Cover, reference_id: str) -> None:
        """Outcomes of the input that a block covers."""
        books = self._usage.setdefault(cover.partition, Outcomes())
        traces = self._case.fate(reference_id).traces
        entries = self._broker.entries((cover.topic, cover.partition))
        for offset in range(cover.start, cover.upto):
            place = (cover.partition, offset)
            if cover.topic == USAGE.name:
                for trace in traces[place]:
                    books.take(trace)
            else:
                key, _ = entries[offset].message or (b"", b"")
                self._recycled[place] = books.retry((key or b"").decode(), traces)

    def _issue(self, settlement: int, number: str, document: dict[str, Any]) -> None:
        """A statement is seen once; a period has one; numbers follow one another."""
        demand(number not in self.documents, "statements are immutable", number)
        mine = [d for d in self.documents.values() if d["agreement"] == document["agreement"]]
        periods = [d["period"] for d in mine]
        demand(document["period"] not in periods, "a period is closed once", document["number"])
        expected = f"{document['agreement']}-{len(mine) + 1:06d}"
        demand(number == expected, "statements are numbered without gap", (number, expected))
        self.documents[number] = document

    @staticmethod
    def _advance(topic: str, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
        """Positions, coverage and event times never go back."""
        for name in ("positions", "covers", "watermarks"):
            for key, value in before.get(name, {}).items():
                is_forward = now[name].get(key, -1) >= value
                demand(is_forward, "progress is monotone", (topic, name, key, value, now[name]))
        is_forward = now.get("as_of_us", 0) >= before.get("as_of_us", 0)
        demand(is_forward, "progress is monotone", (topic, "as_of_us", now))

    def _check_outcomes(self) -> None:
        """Every event of the usage read so far is in exactly one outcome, and in the right one."""
        for number, record in self._rate.items():
            for topic, position in record["positions"].items():
                covered = self._covered.get((0, topic, number), 0)
                demand(position == covered, "state and outputs agree", (topic, number, record))
            found = {(o, r): n for o, r, n in record["outcomes"]}
            expected = +self._usage[number].counts
            demand(found == expected, "one outcome an event", differences(found, expected))

    def _check_accruals(self) -> None:
        """Accruals are what the usage they cover comes to: conserved, complete and to the micro."""
        for number, record in self._accrue.items():
            self._fold(number, record)
        for (number, key), message in self._view.items():
            if not message["agreement"]:  # how far the partition has come, whatever changed
                said = covers_of(message)
                demand(said == self._accrue[number]["covers"], "covers follow blocks", (key, said))
        rows = {k: v for k, v in self.rows().items() if v != NOTHING}
        hours = _summed(rows, lambda k: k._replace(hour=None) if k.hour is not None else None)
        periods = {k: v for k, v in rows.items() if k.hour is None}
        demand(hours == periods, "hours add up to periods", differences(hours, periods))
        wrong = differences(rows, self._expected)
        demand(not wrong, "accruals are right at every moment", wrong)
        self._check_amounts()

    def _fold(self, settlement: int, record: Mapping[str, Any]) -> None:
        """Book the legs of what one settlement partition has covered since."""
        upto = record["positions"].get(CONTRIBUTIONS.name, 0)
        heads = self._heads.get(settlement, [])
        at = self._folded.get(settlement, 0)
        while at < len(heads) and heads[at].offset < upto:
            for cover in heads[at].covers:
                name = f"{cover.topic}/{cover.partition}"
                demand(record["covers"][name] >= cover.upto, "covers follow blocks", (name, record))
                for leg, usage, place in self._legs(cover, heads[at].reference_id):
                    if self._home(leg.version.agreement) == settlement:
                        for more, events in self._sessions.add(usage, leg):
                            self._book(more, cover.topic, place, events)
            at += 1
        self._folded[settlement] = at

    def _legs(self, cover: Cover, reference_id: str) -> Iterator[tuple[Leg, Usage | None, Place]]:
        traces = self._case.fate(reference_id).traces
        for offset in range(cover.start, cover.upto):
            place = (cover.partition, offset)
            found = self._recycled if cover.topic == RECYCLE.name else traces
            yield from ((leg, t.usage, place) for t in found[place] for leg in t.legs)

    def _home(self, agreement: str) -> int:
        return partition_of(agreement, self._broker.partitions(ACCRUALS.name))

    def _book(self, leg: Leg, topic: str, place: Place, events: int) -> None:
        """Add a leg to its hour and its period, in the period that takes it by the cuts issued."""
        agreement, booked = leg.version.agreement, leg.original
        cuts = {
            d["period"]: d["cut"] for d in self.documents.values() if d["agreement"] == agreement
        }
        while booked in cuts and place[1] >= cuts[booked].get(f"{topic}/{place[0]}", 0):
            booked = period_after(booked)
        self.adjustments += booked != leg.original
        series = (agreement, leg.version.number, leg.item.name, leg.line, leg.version.currency)
        counted = events if leg.counts_event else 0
        row = Accrual(counted, leg.quantity, leg.charge_micros, leg.residue)
        for hour in (leg.hour, None):
            key = AccrualKey(*series, booked, leg.original, hour)
            self._expected[key] = _plus(self._expected.pop(key, NOTHING), row)
            if self._expected[key] == NOTHING:
                del self._expected[key]
        if leg.event is not None:
            self._counted.setdefault(key, []).append(leg.event)

    def rows(self) -> dict[AccrualKey, Accrual]:
        """The accrual rows that a reader sees."""
        found = {}
        for message in self._view.values():
            for r in message["rows"]:
                key = _key(message, r)
                unit = self._units[key.agreement, key.version, key.item]
                residue = Fraction(join_residue(r["residue_high"], r["residue_low"]), unit * 10**9)
                found[key] = Accrual(r["events"], r["quantity"], r["charge_micros"], residue)
        return found

    def _check_amounts(self) -> None:
        """What period rows are worth, and what statements say, is what the oracle rounds to."""
        closed = [(d["agreement"], d["period"]) for d in self.documents.values()]
        lines = statement_lines(self._expected, self._case.first.reference, closed, self._counted)
        amounts: dict[AmountKey, int] = {}
        for message in self._view.values():
            for r in message["rows"] if message["hour"] is None else ():
                name = AmountKey(*(getattr(_key(message, r), n) for n in AmountKey._fields))
                if r["events"] or r["amount_micros"]:
                    amounts[name] = r["amount_micros"]
        expected = {k: v.micros for k, v in lines.items() if k in amounts or v.micros}
        demand(amounts == expected, "amounts are right", differences(amounts, expected))
        totals = statement_totals(lines)
        for document in self.documents.values():
            stated = {
                t["currency"]: (Decimal(t["receivable"]), Decimal(t["payable"]))
                for t in document["totals"]
            }
            book = document["agreement"], document["period"]
            wanted = {c: totals[TotalKey(*book, c)] for c in stated}
            demand(stated == wanted, "statements are right for ever", (document, wanted))

    def check_end(self, *, is_mended: bool) -> None:
        """After everything is drained: what the oracle makes of the whole log in one go."""
        self.check()
        demand(self._is_stable(), "no transaction stays open", "")
        fate = self._case.mended if is_mended else self._case.first
        counts: Counter[tuple[str, str]] = Counter()
        for record in self._rate.values():
            counts.update({(o, r): n for o, r, n in record["outcomes"]})
        expected = fate.settlement.counts
        demand(counts == expected, "the end is the oracle's", differences(counts, expected))
        rows = _summed(self.rows(), lambda key: key._replace(booked=key.original))
        wrong = differences(rows, fate.settlement.accruals)
        demand(not wrong, "the end is the oracle's", wrong)
        self._check_suspense(fate.settlement.traces.values())

    def _check_suspense(self, traces: Any) -> None:  # noqa: ANN401 - the oracle's mapping
        """What waits in suspense is what the oracle suspends."""
        keys: set[bytes] = set()
        for _, _, key, value in self.news(SUSPENSE.name):
            (keys.discard if value is None else keys.add)(key or b"")
        waiting = {key.decode().partition("#")[0] for key in keys}
        expected = {suspense_id(t) for each in traces for t in each if t.outcome == "suspended"}
        demand(waiting == expected, "suspense holds what waits", waiting ^ expected)


def _key(message: Mapping[str, Any], row: Mapping[str, Any]) -> AccrualKey:
    """The oracle's name of an accrual row."""
    series = [row[n] for n in ("version", "item", "line", "currency")]
    names = (message["agreement"], *series, message["booked"], row["original"], message["hour"])
    return AccrualKey(*names)


def _plus(one: Accrual, other: Accrual) -> Accrual:
    return Accrual(
        one.events + other.events,
        one.quantity + other.quantity,
        one.charge_micros + other.charge_micros,
        one.residue + other.residue,
    )


def _summed(rows: Mapping[AccrualKey, Accrual], key_of: Any) -> dict[AccrualKey, Accrual]:  # noqa: ANN401
    """Rows added up under other keys; a key of None leaves the row out."""
    sums: dict[AccrualKey, Accrual] = {}
    for key, row in rows.items():
        new = key_of(key)
        if new is not None and row != NOTHING:
            sums[new] = _plus(sums.get(new, NOTHING), row)
    return sums
