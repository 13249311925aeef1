"""Hops on a simulated log, for tests that put in messages by hand and look at what comes out.

Nothing goes wrong here: one member, no faults, one batch a step. What happens when things go wrong
is tried in `tests/sim/`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from schemas.codes import Service
from schemas.records import codec
from schemas.topics import ACCRUALS, COMMANDS, CONTRIBUTIONS, RECYCLE, STATEMENTS, SUSPENSE, USAGE
from state.balances import join_residue, split_residue
from state.tables import Tables
from streams.accrue_hop import AccrueHop
from streams.contribution import Block, Cover, Series, Sums, from_bytes, to_bytes
from streams.log import Segment
from streams.privacy import Tokens
from streams.rate_hop import RateHop
from streams.settle import FIRST_EVENTS_A_MESSAGE, Loop, Stopwatch
from tests.sim.broker import SimulatedBroker
from tests.sim.log import SimulatedLog
from tests.usage_makers import NOVEMBER_US, message

DAY_US = 86_400_000_000
NOW_US = NOVEMBER_US + DAY_US  # log time of the first message, but for some milliseconds
EVERYTHING = 1_000 * FIRST_EVENTS_A_MESSAGE

Figures = tuple[int, int, int, int]  # events, quantity, charge in micros, residue


def new_broker(*, settlement_partitions: int = 1) -> SimulatedBroker:
    """A broker whose clock stands at `NOW_US`."""
    broker = SimulatedBroker(settlement_partitions=settlement_partitions)
    broker.now_us = NOW_US
    return broker


def committed(broker: SimulatedBroker, topic: str, partition: int = 0) -> Segment:
    """All committed messages of a partition."""
    return broker.segment((topic, partition), 0, 1_000_000)


def latest(broker: SimulatedBroker, topic: str, partition: int = 0) -> dict[bytes, bytes]:
    """What a compacted topic holds."""
    segment = committed(broker, topic, partition)
    found = dict(zip(segment.keys, segment.values, strict=True))
    return {key: value for key, value in found.items() if key is not None and value is not None}


class RateBench:
    """The rate hop's only member, on one usage partition."""

    def __init__(
        self, tables: Tables, directory: Path, broker: SimulatedBroker | None = None
    ) -> None:
        """A new process, on a new broker or one where others have settled before."""
        self.broker = broker or new_broker()
        self.directory = directory
        log = SimulatedLog(self.broker, "rate", RateHop.inputs)
        settlement = self.broker.partitions(CONTRIBUTIONS.name)
        watch = Stopwatch(lambda: 0)
        self.hop = RateHop(tables, Tokens(b"key"), directory, 1, settlement, watch)
        self.loop = Loop(self.hop, log, watch, EVERYTHING, 0)
        self.loop.step()

    def settle(self, *messages: bytes) -> None:
        """Settle usage messages as one batch."""
        self.broker.append(USAGE.name, 0, [(b"msc-1", value) for value in messages])
        self.loop.step()

    def recycle(self) -> None:
        """Try everything again that waits in suspense, as one batch."""
        self.ask_again(latest(self.broker, SUSPENSE.name))
        self.loop.step()

    def ask_again(self, waiting: Mapping[bytes, bytes]) -> None:
        """Put requests to try again on the log."""
        self.broker.append(RECYCLE.name, 0, list(waiting.items()))

    def outcomes(self) -> dict[str, int]:
        """How many events have which outcome, as "outcome/reason"."""
        counts = self.hop.outcomes()
        return {f"{o.label}/{r.label}": n for (o, r), n in counts.items() if n}

    def blocks(self, partition: int = 0) -> list[Block]:
        """All contributions to a settlement partition."""
        segment = committed(self.broker, CONTRIBUTIONS.name, partition)
        return [from_bytes(value) for value in segment.values if value is not None]

    def suspended(self) -> dict[str, str]:
        """What waits in suspense, and why, as the topic says."""
        records = codec("suspense.avsc")
        waiting = latest(self.broker, SUSPENSE.name)
        return {key.decode(): records.decode(value)["reason"] for key, value in waiting.items()}

    def end(self) -> None:
        """Leave the group and let go of the directory."""
        self.loop.close()


class AccrueBench:
    """The accrue hop's only member, on one settlement partition."""

    def __init__(self, tables: Tables, broker: SimulatedBroker | None = None) -> None:
        """A new process, on a new broker or one where others have settled before."""
        self.broker = broker or new_broker()
        log = SimulatedLog(self.broker, "accrue", AccrueHop.inputs)
        watch = Stopwatch(lambda: 0)
        self.hop = AccrueHop(tables, watch)
        self.loop = Loop(self.hop, log, watch, EVERYTHING, 0)
        self.loop.step()

    def put(self, value: bytes) -> None:
        """Add a block, not yet settled."""
        self.broker.append(CONTRIBUTIONS.name, 0, [(None, value)])

    def command(self, value: bytes) -> None:
        """Add a command, not yet executed."""
        self.broker.append(COMMANDS.name, 0, [(b"pool", value)])

    def settle(self, *blocks: bytes) -> None:
        """Settle blocks as one batch."""
        for value in blocks:
            self.put(value)
        self.loop.step()

    def close(self, agreement: str, period: str) -> None:
        """Close a period."""
        self.command(close_command(agreement, period))
        self.loop.step()

    def rows(self) -> dict[tuple[str, str, int, str, int | None], Figures]:
        """Accruals as published: (item, booked, version, original, hour) and their figures."""
        return {
            (r["item"], m["booked"], r["version"], r["original"], m["hour"]): (
                r["events"],
                r["quantity"],
                r["charge_micros"],
                join_residue(r["residue_high"], r["residue_low"]),
            )
            for m in self.messages()
            for r in m["rows"]
        }

    def amounts(self) -> dict[tuple[str, str, int, str], int]:
        """What periods are worth in micros: (item, booked, version, original)."""
        return {
            (r["item"], m["booked"], r["version"], r["original"]): r["amount_micros"]
            for m in self.messages()
            for r in m["rows"]
            if m["hour"] is None
        }

    def messages(self) -> list[dict[str, Any]]:
        """The latest accrual messages."""
        found = latest(self.broker, ACCRUALS.name)
        return [codec("accruals.avsc").decode(value) for value in found.values()]

    def statements(self) -> list[dict[str, Any]]:
        """All statements, in the order they were issued."""
        values = committed(self.broker, STATEMENTS.name).values
        return [json.loads(value) for value in values if value is not None]


def close_command(agreement: str, period: str) -> bytes:
    """The command that closes a period."""
    return json.dumps({"close": {"agreement": agreement, "period": period}}).encode()


def sums(rows: Sequence[tuple[Series, int, Figures]]) -> Sums:
    """Rows of sums: series, hour and figures."""
    figures = np.array([f for _, _, f in rows], np.int64).reshape(-1, 4)
    return Sums(
        pa.array([series.text() for series, _, _ in rows], pa.string()),
        np.arange(len(rows), dtype=np.int32),
        np.array([hour for _, hour, _ in rows], np.int32),
        figures[:, 0].copy(),
        figures[:, 1].copy(),
        figures[:, 2].copy(),
        *split_residue(figures[:, 3].copy()),
    )


def block(
    start: int,
    *rows: tuple[Series, int, Figures],
    upto: int | None = None,
    watermarks: Mapping[str, int] | None = None,
) -> bytes:
    """A contribution block that covers usage offsets from `start`, one by default."""
    cover = Cover(USAGE.name, 0, start, start + 1 if upto is None else upto)
    return to_bytes(Block(sums(rows), (cover,), watermarks or {}, "reference", NOW_US))


def event(service: Service = Service.VOICE, **fields: Any) -> bytes:  # noqa: ANN401
    """A usage message of one event, an answered call of 61 seconds unless said otherwise."""
    row: dict[str, Any] = {
        "source": "msc-1",
        "sequence": 1,
        "direction": "in",
        "started_at": NOVEMBER_US,
        "ingress_route": "TG-001",
        "called_number": "4930123456",
        "duration_ms": 61_000,
    }
    return message(service, row | fields)
