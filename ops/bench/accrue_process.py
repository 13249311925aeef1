"""A process with the accrue loop alone, that measures itself while it takes in contributions.

It ends by itself once nothing is left on its partitions, and prints one JSON document.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

from ops.bench.broker import SETTLEMENT_PARTITIONS
from ops.bench.report import Meter
from ops.engine import Pace, accrue_loop
from ops.process import keep_memory, settle_down
from schemas.reference import load
from state.tables import build
from streams.accrue_hop import AccrueHop
from streams.kafka import KafkaLog
from streams.kafka_settings import KafkaSettings

QUIET_STEPS = 20


def main() -> None:
    """Take in everything and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--brokers", required=True)
    parser.add_argument("--group", required=True)
    parser.add_argument("--reference", type=Path, required=True)
    parser.add_argument("--rows", type=int, required=True, help="in all contributions")
    options = parser.parse_args()
    settings = KafkaSettings(brokers=options.brokers, group_prefix=options.group)
    began = time.perf_counter()
    tables = build(load(options.reference))
    load_seconds = time.perf_counter() - began
    keep_memory()
    settle_down()
    log = KafkaLog(settings, AccrueHop.name, AccrueHop.inputs, overlap=True)
    loop, hop = accrue_loop(tables, log, Pace())
    meter, rows, quiet = Meter(), options.rows, 0
    measured: dict[str, float] = {}
    while quiet < QUIET_STEPS:
        step = loop.step()
        if step.result == "commit":
            if not measured:
                meter.started = step.began_ns / 1e9
            measured, quiet = meter.read(rows), 0
        elif len(hop.partitions) == SETTLEMENT_PARTITIONS and not loop.is_busy:
            quiet += 1
    loop.close()
    report = {
        "rows": rows,
        "rows_per_second": measured["events_per_second"],
        "cpu_seconds_per_million": measured["cpu_seconds_per_million"],
        "seconds": measured["seconds"],
        "stations": {s: round(ns / rows, 1) for s, ns in loop.watch.stations.items()},
        "reference_load_seconds": round(load_seconds, 1),
        "peak_memory_mebibytes": measured["peak_memory_mebibytes"],
    }
    sys.stdout.write(json.dumps(report) + "\n")


if __name__ == "__main__":
    main()
