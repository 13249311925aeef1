"""A world settled by the product, and what became of it in the words of the oracle.

`Settling` runs both hops on the simulated log, in whatever batches, with periods closed and
suspended usage recycled on the way. `found` reads the topics as a stranger does and says what
stands there in the oracle's terms, `expected` is the oracle's own account of the same bytes; what
differs between the two is a mistake of one of them.
"""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from ops.engine import Engine, Pace
from ops.oracle import Close, Recycle, Settlement, Trace, settle
from ops.oracle_declared import Figure
from ops.oracle_reference import Reference, read_reference
from ops.verify_log import InForce, read_found
from ops.verify_payment import declarations
from schemas import reference as product_reference
from schemas import topics
from schemas.codes import LegKind, Role
from schemas.records import codec
from schemas.topics import partition_of
from state.balances import join_residue
from state.tables import build
from streams.log import Closeable, Segment
from streams.packing import unpack
from streams.privacy import Tokens
from tests.sim.broker import TICK_US, SimulatedBroker
from tests.sim.log import SimulatedLog
from tests.worlds import World

NANOS = 10**9
Figures = dict[str, Any]
Money = tuple[int, int, Fraction]  # quantity, charge in micros, residue


@dataclass
class Account:
    """All figures of a settlement by name: what two accounts of one world must have in common."""

    outcomes: Figures = field(default_factory=dict)
    rows: Figures = field(default_factory=dict)
    amounts: Figures = field(default_factory=dict)
    shortfalls: Figures = field(default_factory=dict)
    totals: Figures = field(default_factory=dict)
    legs: Figures = field(default_factory=dict)
    suspended: Figures = field(default_factory=dict)
    quarantined: Figures = field(default_factory=dict)


class Settling(Closeable):
    """Both hops at work on one world, on the simulated log."""

    def __init__(self, world: World, *, rate_batch: int = 1_000, accrue_batch: int = 1_000) -> None:
        self.world = world
        with ExitStack() as stack:
            # Of a world that cannot be settled nothing may stay: what is let go of by chance would
            # be a warning in any test at all.
            directory = tempfile.TemporaryDirectory(prefix="weir-world-")
            path = Path(stack.enter_context(directory))
            self._begin(path, rate_batch, accrue_batch)
            self._kept = stack.pop_all()

    def _begin(self, path: Path, rate_batch: int, accrue_batch: int) -> None:
        """Load the reference and set both hops up."""
        world = self.world
        self.broker = SimulatedBroker(
            world.seed,
            usage_partitions=world.usage_partitions,
            settlement_partitions=world.settlement_partitions,
            is_ragged=True,
        )
        self.reference_directory = world.write(path / "reference")
        self.mended_directory = world.write(path / "mended", mended=True)
        tables = build(product_reference.load(self.reference_directory))
        self.first_reference = tables.reference_id
        self.engine = Engine(
            tables,
            Tokens(b"key of a world"),
            path / "state",
            lambda hop, inputs: SimulatedLog(self.broker, hop, inputs),
            Pace(rate_batch, 0, accrue_batch, 0),
        )
        self.sent = 0
        self.references = [read_reference(self.reference_directory)]
        # Up to which offset of each usage partition, and of recycling, the first reference held.
        self._mended_from: dict[tuple[str, int], int] = {}

    def close(self) -> None:
        """Let go of the engine and of what it wrote."""
        self.engine.close()
        self._kept.close()

    def send(self, count: int) -> None:
        """Put the next messages of the world on the log."""
        for message in self.world.usage[self.sent : self.sent + count]:
            self.broker.now_us = message.log_time_us - TICK_US
            self.broker.append(topics.USAGE.name, message.partition, [(None, message.value)])
        self.sent += count

    def settle(self) -> None:
        """Settle everything that is on the log."""
        self.engine.drain()

    def close_period(self, agreement: str, period: str) -> None:
        """Ask for a period to be closed; it is done at the next turn of the loop."""
        partition = partition_of(self.world.pools[agreement], self.world.settlement_partitions)
        command = json.dumps({"close": {"agreement": agreement, "period": period}}).encode()
        self.broker.append(topics.COMMANDS.name, partition, [(None, command)])

    def mend(self) -> None:
        """Settle what is there by the reference as it is, what follows by the mended one."""
        self.settle()
        tables = build(product_reference.load(self.mended_directory))
        self.engine.rate_hop.use(tables)
        self.engine.accrue_hop.use(tables)
        self.references.append(read_reference(self.mended_directory))
        self._mended_from = {
            (topic, partition): self.broker.end(topic, partition)
            for topic in (topics.USAGE.name, topics.RECYCLE.name)
            for partition in range(self.broker.partitions(topic))
        }

    def recycle(self, log_time_us: int) -> None:
        """Ask for everything that is suspended to be tried once more."""
        self.settle()
        for partition, key, value in list(self._latest(topics.SUSPENSE.name)):
            self.broker.now_us = log_time_us - TICK_US
            self.broker.append(topics.RECYCLE.name, partition, [(key, value)])

    def statements(self) -> list[dict[str, Any]]:
        """All statements, as they were made."""
        return [json.loads(v) for _, _, v in self._latest(topics.STATEMENTS.name)]

    def expected(self) -> Account:
        """The oracle's account of what was sent."""
        return _told(self.settlement())

    def settlement(self) -> Settlement:
        """What the oracle makes of what was sent."""
        usage = self._entries(topics.USAGE.name)
        requests = self._entries(topics.RECYCLE.name)
        closes = [Close(d["agreement"], d["period"], d["cut"]) for d in self.statements()]
        in_force = InForce(self._read)
        return settle(
            self.references[-1],
            [(p, offset, at_us, value or b"") for p, offset, at_us, _, value in usage],
            closes,
            usage_partitions=self.world.usage_partitions,
            reference_of=self._reference_of,
            recycles=[
                Recycle(key.decode(), p, o, at_us, in_force.usage_before(p, o))
                for p, o, at_us, key, _ in requests
            ],
            figures=self._figures(),
        )

    def _figures(self) -> list[Figure]:
        """What was declared for swaps, read as `weir verify` does."""
        commands = self._read([topics.COMMANDS.name])
        return declarations(commands, read_found(self._read), self.references[-1]).figures

    def _reference_of(self, topic: str, partition: int, offset: int) -> Reference:
        """The reference by which a message was settled."""
        is_mended = offset >= self._mended_from.get((topic, partition), offset + 1)
        return self.references[is_mended]

    def found(self) -> Account:
        """The product's account, from what it wrote."""
        account = Account()
        reference = self.references[-1]
        outcomes: Counter[str] = Counter()
        for _, key, value in self._latest(topics.RATE_CHANGELOG.name):
            if key == b"position":
                for outcome, reason, count in json.loads(value)["outcomes"]:
                    outcomes[f"{outcome}/{reason}"] += count
        account.outcomes = dict(outcomes)
        for _, _, value in self._latest(topics.ACCRUALS.name):
            _read_rows(codec("accruals.avsc").decode(value), reference, account)
        for document in self.statements():
            for total in document["totals"]:
                name = f"{document['agreement']} {document['period']} {total['currency']}"
                _put_total(account, name, (total["receivable"], total["payable"]))
        more: dict[str, list[Money]] = {}
        for _, _, _, _, block in self._entries(topics.RATED.name):
            _read_legs(block, reference, account, more)
        _correct(account, more)
        for _, _, value in self._latest(topics.SUSPENSE.name):
            record = codec("suspense.avsc").decode(value)
            account.suspended[_place(record)] = record["reason"]
        for _, _, value in self._latest(topics.QUARANTINE.name):
            record = codec("quarantine.avsc").decode(value)
            account.quarantined[_place(record)] = record["reason"]
        return account

    def rated_rows(self) -> Iterator[dict[str, Any]]:
        """All rated rows, as they stand on the log."""
        for _, _, _, _, block in self._entries(topics.RATED.name):
            yield from unpack(block or b"").to_pylist()

    def differences(self) -> list[str]:
        """Every figure that the product and the oracle do not agree on."""
        found, expected = self.found(), self.expected()
        issued = {f"{d['agreement']} {d['period']}" for d in self.statements()}
        expected.totals = {
            k: v for k, v in expected.totals.items() if k.rpartition(" ")[0] in issued
        }
        return [
            f"{what} {key}: product {have.get(key)}, oracle {want.get(key)}"
            for what, have in vars(found).items()
            for want in [getattr(expected, what)]
            for key in sorted(have.keys() | want.keys())
            if have.get(key) != want.get(key)
        ]

    def _read(self, names: Sequence[str]) -> Iterator[Segment]:
        """Whole topics, as `weir verify` reads them."""
        for name in names:
            for partition in range(self.broker.partitions(name)):
                yield self.broker.segment((name, partition), 0, 1_000_000)

    def _entries(self, topic: str) -> Iterator[tuple[int, int, int, bytes, bytes | None]]:
        """Partition, offset, log time, key and value of every message."""
        for partition in range(self.broker.partitions(topic)):
            for offset, entry in enumerate(self.broker.entries((topic, partition))):
                if entry.message is not None and not entry.is_aborted:
                    key, value = entry.message
                    yield partition, offset, entry.logged_at_us, key or b"", value

    def _latest(self, topic: str) -> Iterator[tuple[int, bytes, bytes]]:
        """Partition, key and value of what a compacted topic holds now."""
        latest = {(p, key): value for p, _, _, key, value in self._entries(topic)}
        for (partition, key), value in latest.items():
            if value is not None:
                yield partition, key, value


def _put_total(account: Account, name: str, flows: tuple[str, str]) -> None:
    """A total; one of nothing may as well be missing, as rows that moved by nothing may."""
    if flows != ("0.000000", "0.000000"):
        account.totals[name] = flows


def _place(record: dict[str, Any]) -> str:
    return f"{record['partition']}/{record['offset']}/{record['row']}"


def _units(reference: Reference, agreement: str, version: int, item: str) -> int:
    """What the residues of an item are numerators over."""
    items = reference.version(agreement, version).items
    return next((i.price.over for i in items if i.name == item), 1) * NANOS


def _read_rows(message: dict[str, Any], reference: Reference, account: Account) -> None:
    """Accrual rows with their residue as a fraction; a row without usage has money only."""
    agreement, booked = message["agreement"], message["booked"]
    for r in message["rows"]:
        series = [
            agreement,
            r["version"],
            r["item"],
            r["line"],
            r["currency"],
            booked,
            r["original"],
        ]
        name = " ".join(map(str, series))
        over = _units(reference, agreement, r["version"], r["item"])
        figures = [r[n] for n in ("events", "quantity", "charge_micros", "residue_high")]
        if any(figures) or r["residue_low"]:
            account.rows[f"{name} {message['hour']}"] = (
                r["events"],
                r["quantity"],
                r["charge_micros"],
                Fraction(join_residue(r["residue_high"], r["residue_low"]), over),
            )
        if message["hour"] is None and (r["events"] or r["quantity"] or r["amount_micros"]):
            account.amounts[name] = r["amount_micros"]
        if r["shortfall_micros"]:
            account.shortfalls[name] = r["shortfall_micros"]


def _read_legs(
    value: bytes | None, reference: Reference, account: Account, more: dict[str, list[Money]]
) -> None:
    """Rated legs by the position of their event and their role, shares by what they are of, too.

    What corrections add to a leg goes to `more`.
    """
    rows = unpack(value or b"").to_pylist()
    numbered = {leg["leg"]: leg for leg in rows if "leg" in leg}
    for leg in rows:
        over = _units(reference, leg["agreement"], leg["version"], leg["item"])
        name = f"{_place(leg)} {Role(leg['role']).label} {leg['item']}{_senders(leg, numbered)}"
        money = leg["quantity"], leg["charge_micros"], Fraction(leg["residue"], over)
        if leg.get("kind") == LegKind.CORRECTION:
            more.setdefault(name, []).append(money)
            continue
        account.legs[_apart(name, leg["version"], leg["period"], account)] = (
            leg["agreement"],
            leg["version"],
            leg["item"],
            leg["zone"] or "",
            leg["period"],
            leg["key"].partition(":")[0 if "range:" in leg["key"] else 2],
            leg["raw_quantity"],
            *money,
            tuple((p["band"], p["seconds"], p["quantity"]) for p in leg.get("parts") or ()),
            leg.get("margin_micros"),
        )


def _correct(account: Account, more: dict[str, list[Money]]) -> None:
    """Add corrections to the legs that they are of."""
    for name, corrections in more.items():
        *known, quantity, charge_micros, residue, parts, margin = account.legs[name]
        columns = zip((quantity, charge_micros, residue), *corrections, strict=True)
        account.legs[name] = (*known, *map(sum, columns), parts, margin)


def _senders(leg: dict[str, Any], numbered: dict[int, dict[str, Any]]) -> str:
    """Of what a leg is a share, and that again; nothing for one that is none."""
    number = leg.get("sender_leg")
    if number is None:
        return ""
    sender = numbered[number]
    return f" of {sender['agreement']}/{sender['item']}{_senders(sender, numbered)}"


def _apart(name: str, version: int, period: str, account: Account) -> str:
    """A name for a leg, apart from those of other pieces of the same interval before it."""
    return f"{name} {version} {period}" if name in account.legs else name


def _told(settlement: Settlement) -> Account:
    """The oracle's settlement as an account."""
    account = Account()
    account.outcomes = {f"{o}/{r}": n for (o, r), n in settlement.counts.items() if n}
    for key, accrual in settlement.accruals.items():
        account.rows[" ".join(map(str, key))] = tuple(accrual)
    for line, amount in settlement.amounts.items():
        parts = [line.agreement, line.version, line.item, line.line, line.currency]
        name = " ".join(map(str, [*parts, line.booked, line.original]))
        has_usage = f"{name} None" in account.rows
        if has_usage or amount:
            account.amounts[name] = int(amount.scaleb(6))
        if missed := settlement.lines[line].missed_micros:
            account.shortfalls[name] = missed
    for total_key, total in settlement.totals.items():
        name = f"{total_key.agreement} {total_key.booked} {total_key.currency}"
        _put_total(account, name, (f"{total.receivable:.6f}", f"{total.payable:.6f}"))
    account.quarantined = {"/".join(map(str, p)): r for p, r in settlement.quarantined.items()}
    for traces in settlement.traces.values():
        _trace(traces, account)
    return account


def _trace(traces: Sequence[Trace], account: Account) -> None:
    """The legs and the suspense of one identity; what was suspended may since have been rated."""
    for trace in traces:
        place = "/".join(map(str, trace.position))
        if trace.recycled:
            account.suspended.pop(place, None)
        if trace.outcome == "suspended":
            account.suspended[place] = trace.reason
        for leg in trace.legs:
            of, sender = "", leg.sender
            while sender is not None:
                of += f" of {sender.version.agreement}/{sender.item.name}"
                sender = sender.sender
            name = f"{place} {leg.claim.role} {leg.item.name}{of}"
            account.legs[_apart(name, leg.version.number, leg.original, account)] = (
                leg.version.agreement,
                leg.version.number,
                leg.item.name,
                leg.zone,
                leg.original,
                leg.claim.kind if "range" in leg.claim.kind else leg.claim.key,
                leg.counted,
                leg.quantity,
                leg.charge_micros,
                leg.residue,
                tuple(map(tuple, leg.parts)) if len(leg.parts) > 1 else (),
                trace.margin_micros,
            )
