"""The embedded log against Kafka on the same events: files in, accruals out, and recovery."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pyarrow as pa

from ops.bench.broker import broker, create_topics, ends
from ops.bench.rate import settle
from ops.bench.report import Meter, middle
from ops.embedded import Embedded
from ops.engine import Pace, accrue_loop
from ops.generate import Generated, generate, send_to_kafka
from ops.state_hash import digest, rows
from schemas.reference import load
from schemas.topics import CONTRIBUTIONS
from state.tables import Tables, build
from streams.accrue_hop import AccrueHop
from streams.contribution import Block, Cover, Series, Sums, to_bytes
from streams.local import LocalStore

SEED = 7
RECOVERY_HOURS = 700
BLOCK_ROWS = 50_000


def embedded(brokers: str | None, events: int, repeat: int) -> dict[str, Any]:
    """`weir settle` on Avro files, and the same events one a message on Kafka, by turns."""
    files, kafka = [], []
    with tempfile.TemporaryDirectory() as directory:
        made = generate(SEED, events, Path(directory) / "traffic")
        for turn in range(1 if brokers else repeat):
            files.append(_from_files(made, Path(directory) / f"data-{turn}", events))
            kafka.append(_from_kafka(made, brokers, events))
    hashes = {report["state_hash"] for report in (*files, *kafka)}
    ratios = [
        round(own["events_per_second"] / other["events_per_second"], 3)
        for own, other in zip(files, kafka, strict=True)
    ]
    return {
        "embedded": middle(files, "events_per_second"),
        "kafka": middle(kafka, "events_per_second"),
        "ratio_to_kafka": median(ratios),
        "ratios": ratios,
        "checked": "exact" if len(hashes) == 1 else "the states differ",
    }


def _from_files(made: Generated, data: Path, events: int) -> dict[str, Any]:
    """What settling the files into a new directory takes, from the first byte read."""
    with Embedded(data, made.reference) as weir:
        meter = Meter()
        for path in made.files:
            for _ in weir.ingest(path):
                pass
        report = meter.read(events)
        return {**report, "state_hash": digest(rows(weir.engine.accrue_hop))}


def _from_kafka(made: Generated, brokers: str | None, events: int) -> dict[str, Any]:
    """What settling the same events takes on a broker, one a message."""
    with broker(brokers) as address:
        settings = create_topics(address, f"bench-{time.time_ns()}")
        send_to_kafka(SEED, events, address)
        return settle(settings, made.reference, json.dumps(ends(settings)))


def recovery(accrual_rows: int) -> dict[str, Any]:
    """How long it takes to start on an embedded log that holds many accrual rows."""
    with tempfile.TemporaryDirectory() as directory:
        made = generate(SEED, 1_000, Path(directory) / "traffic")
        tables = build(load(made.reference))
        with LocalStore(Path(directory) / "log") as store:
            for block in _blocks(tables, accrual_rows):
                store.append(CONTRIBUTIONS.name, 0, [(None, block)])
            loop, hop = accrue_loop(tables, store.hop(AccrueHop.name, AccrueHop.inputs), Pace())
            while loop.step(0).result == "commit":
                pass
            before = digest(rows(hop))
            loop.close()
        started = time.perf_counter()
        with LocalStore(Path(directory) / "log") as store:
            loop, hop = accrue_loop(tables, store.hop(AccrueHop.name, AccrueHop.inputs), Pace())
            loop.step(0)
            seconds = time.perf_counter() - started
            count = sum(len(m.balances) for m in hop.partitions.values())
            after = digest(rows(hop))
            loop.close()
    return {
        "accrual_rows": count,
        "recovery_seconds": round(seconds, 2),
        "checked": "exact" if before == after else "the state differs",
    }


def _blocks(tables: Tables, accrual_rows: int) -> Iterator[bytes]:
    """Contributions that make many accrual rows: every item, spread over periods and hours."""
    item = tables.items[0]
    version = tables.versions[item.version_row]
    agreement = tables.agreements[version.agreement]
    for number in range(accrual_rows // BLOCK_ROWS):
        places = np.arange(number * BLOCK_ROWS, (number + 1) * BLOCK_ROWS)
        code, hour = places // RECOVERY_HOURS, places % RECOVERY_HOURS
        used, code = np.unique(code, return_inverse=True)
        series = [
            Series(
                agreement.name,
                version.version,
                item.name,
                f"zone-{s}",
                version.currency,
                "2026-11",
                "",
            ).text()
            for s in used.tolist()
        ]
        ones = np.ones(BLOCK_ROWS, np.int64)
        sums = Sums(
            pa.array(series, pa.string()),
            code.astype(np.int32),
            (498_000 + hour).astype(np.int32),
            ones,
            ones,
            ones,
            ones,
            ones,
        )
        cover = Cover("usage.v1", 0, number, number + 1)
        yield to_bytes(Block(sums, (cover,), {"source": 1}, tables.reference_id, 0))
