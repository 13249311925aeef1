"""`weir bench rate`: the whole path on genuine Kafka, against the ceiling of the same run.

The workload is settle-bench v1 (see `workload.py`), so that the figures can be laid beside those of
other engines on the same job. Events go on the broker first; then a process that only consumes and
decodes gives the ceiling, and a process with both hops settles everything: duplicates, suspense,
rated blocks, state and commits included. Its result is read back and must be exact.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from statistics import fmean
from typing import Any

import pyarrow as pa

from ops.bench import workload
from ops.bench.broker import USAGE_PARTITIONS, create_topics, send
from ops.bench.recipe import ORIGINAL, Shape, source_name
from ops.deployed import Deployed, KafkaCluster
from schemas.records import codec
from schemas.topics import ACCRUALS, SUSPENSE
from streams.kafka_settings import KafkaSettings
from streams.log import Message


@dataclass(frozen=True)
class Setting:
    """What is measured: how many events, in envelopes of how many, for which market.

    With `partials` some calls are partial records of sessions.
    """

    events: int
    envelope: int = 1
    shape: Shape = ORIGINAL
    partials: bool = False
    seed: int = workload.SEED


@lru_cache(maxsize=2)  # runs of two settings by turns load the same again
def batches(setting: Setting) -> Sequence[Sequence[Message]]:
    """The workload as messages, a sequence for each partition."""
    data, order = workload.columns(setting.events, setting.seed, setting.shape)
    if setting.envelope == 1:
        before = workload.partials(data) if setting.partials else None
        messages = workload.encode(data, order, setting.shape, before)
    else:
        messages = workload.envelopes(data, order, setting.envelope, setting.shape)
    names = [source_name(i).encode() for i in range(int(messages.source.max()) + 1)]
    found: list[list[Message]] = []
    for rows in messages.partition_rows(USAGE_PARTITIONS):
        values = messages.values.take(pa.array(rows)).to_pylist()
        keys = [names[s] for s in messages.source[rows].tolist()]
        found.append(list(zip(keys, values, strict=True)))
    return found


def run(module: str, *arguments: str) -> dict[str, Any]:
    """Run one measuring process of this package; its last line is its report."""
    command = [sys.executable, "-m", f"ops.bench.{module}", *arguments]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603 - this Python
    report: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return report


def settle(settings: KafkaSettings, reference: Path, ends: str) -> dict[str, Any]:
    """Settle what is on a broker up to the ends, JSON by partition, in a process of its own."""
    where = ("--brokers", settings.brokers, "--group", settings.group_prefix)
    return run("settle_process", *where, "--reference", str(reference), "--ends", ends)


def measure(brokers: str, setting: Setting, *, ceiling: bool = True) -> dict[str, Any]:
    """One run: load, ceiling, settle, ceiling again, check."""
    settings = create_topics(brokers, f"bench-{time.time_ns()}")
    with tempfile.TemporaryDirectory() as directory:
        reference = Path(directory) / "reference"
        workload.write_reference(reference, setting.seed, setting.shape)
        ends = json.dumps(send(settings, batches(setting)))
        # Before and after: a machine that others use too changes its pace within a run.
        tops = [_ceiling(brokers, ends)] if ceiling else []
        report = settle(settings, reference, ends)
        tops += [_ceiling(brokers, ends)] if ceiling else []
    report["checked"] = check(settings, setting)
    if tops:
        ceiling_rate = round(fmean(top["events_per_second"] for top in tops))
        report["ceiling_events_per_second"] = ceiling_rate
        report["ceiling_cpu_seconds_per_million"] = round(
            fmean(top["cpu_seconds_per_million"] for top in tops), 3
        )
        report["ratio_to_ceiling"] = round(report["events_per_second"] / ceiling_rate, 3)
    return report


def _ceiling(brokers: str, ends: str) -> dict[str, Any]:
    """What a process that only consumes and decodes reaches now."""
    return run("ceiling_process", "--brokers", brokers, "--ends", ends)


def check(settings: KafkaSettings, setting: Setting) -> str:
    """Compare what was committed with the table that was worked out apart from Weir."""
    expected = workload.expected(setting.events, setting.seed, setting.shape)
    found = accrued(settings)
    wrong = [
        k for k in expected.table.keys() | found.keys() if expected.table.get(k) != found.get(k)
    ]
    suspended = len(latest(settings, SUSPENSE.name))
    if suspended != expected.suspended:
        return f"{suspended} suspended instead of {expected.suspended}"
    if wrong:
        key = min(wrong)
        want = expected.table.get(key)
        return f"{len(wrong)} rows differ, as {key}: {found.get(key)} instead of {want}"
    return "exact"


def accrued(settings: KafkaSettings) -> Mapping[workload.Key, tuple[int, int, int]]:
    """Hour rows of the accruals as the workload's keys."""
    table: dict[workload.Key, tuple[int, int, int]] = {}
    for value in latest(settings, ACCRUALS.name).values():
        message = codec("accruals.avsc").decode(value)
        if message["hour"] is None:
            continue
        partner = message["agreement"].removesuffix(workload.agreement_name(""))
        for row in message["rows"]:
            service, direction = row["item"].split("-")
            key = (partner, service, direction, message["hour"])
            table[key] = (row["events"], row["quantity"], row["charge_micros"])
    return table


def latest(settings: KafkaSettings, topic: str) -> dict[bytes, bytes]:
    """The latest committed value of each key."""
    with Deployed(KafkaCluster(settings), ()) as log:
        return {key: value for _, key, value in log.latest(topic)}
