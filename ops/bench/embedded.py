"""The embedded log against Kafka on the same events: files in, accruals out, and recovery."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from ops.bench.broker import broker, create_topics, ends
from ops.bench.rate import run
from ops.bench.report import Meter
from ops.embedded import Embedded
from ops.engine import Pace, accrue_loop
from ops.generate import generate, send_to_kafka
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


def embedded(brokers: str | None, events: int) -> dict[str, Any]:
    """`weir settle` on Avro files, and the same events one a message on Kafka."""
    with tempfile.TemporaryDirectory() as directory:
        made = generate(SEED, events, Path(directory) / "traffic")
        meter = Meter()
        with Embedded(Path(directory) / "data", made.reference) as weir:
            for path in made.files:
                for _ in weir.ingest(path):
                    pass
            report = meter.read(events)
            settled = digest(rows(weir.engine.accrue_hop))
        with broker(brokers) as address:
            settings = create_topics(address, f"bench-{time.time_ns()}")
            send_to_kafka(SEED, events, address)
            kafka = run(
                "settle_process",
                "--brokers",
                address,
                "--group",
                settings.group_prefix,
                "--reference",
                str(made.reference),
                "--ends",
                json.dumps(ends(settings)),
            )
    ratio = report["events_per_second"] / kafka["events_per_second"]
    return {
        "embedded": report,
        "kafka": kafka,
        "ratio_to_kafka": round(ratio, 3),
        "checked": "exact" if settled == kafka["state_hash"] else "the two states differ",
    }


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
