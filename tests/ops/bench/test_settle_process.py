"""The measuring process knows when a batch has reached the accruals, and when all have."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import SimpleNamespace
from typing import cast

import numpy as np

from ops.bench.settle_process import Progress
from ops.engine import Engine
from schemas.topics import USAGE
from streams.settle import Step, Work

# SHA-256 of no bytes: the state of accruals without a row.
OF_NOTHING = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def engine(*covers: Mapping[str, int]) -> Engine:
    """An engine whose settlement partitions cover this much usage and hold no rows."""
    nothing = (np.zeros(0, np.int64), np.zeros((0, 5), np.int64))
    balances = SimpleNamespace(rows=lambda: nothing)
    memories = {i: SimpleNamespace(covers=c, balances=balances) for i, c in enumerate(covers)}
    names = SimpleNamespace(series=SimpleNamespace(names=[]))
    return cast(
        "Engine", SimpleNamespace(accrue_hop=SimpleNamespace(partitions=memories, names=names))
    )


def rated(events: int, positions: Mapping[int, int], began: float) -> Step:
    """A step of the rate hop that committed up to these positions of usage."""
    work = Work(None, events, positions={(USAGE.name, p): o for p, o in positions.items()})
    return Step("commit", work=work, began_ns=round(began * 1e9))


def accrued(result: str = "commit") -> Step:
    """A step of the accrue hop."""
    return Step(result, work=Work(None))


def test_a_batch_arrives_when_every_partition_covers_it() -> None:
    """What only one of two settlement partitions has accrued is not there yet."""
    progress = Progress({0: 30, 1: 0}, 2)
    began = time.perf_counter() - 100
    progress.observe("rate", rated(10, {0: 10}, began), 0.1)
    progress.observe("rate", rated(20, {0: 30}, began + 50), 0.1)
    progress.engine = engine({"usage.v1/0": 30}, {"usage.v1/0": 9})
    progress.observe("accrue", accrued(), 0.1)
    assert (progress.latencies, progress.done.is_set()) == ([], False)

    progress.engine = engine({"usage.v1/0": 30}, {"usage.v1/0": 10})
    progress.observe("accrue", accrued(), 0.1)
    [(seconds, events)] = progress.latencies
    # It began 100 seconds before this test did, which takes a moment itself.
    assert 100 <= seconds < 150
    assert (events, progress.done.is_set(), progress.state_hash) == (10, False, "")

    progress.engine = engine({"usage.v1/0": 30}, {"usage.v1/0": 30})
    progress.observe("accrue", accrued(), 0.1)
    assert [events for _, events in progress.latencies] == [10, 20]
    assert 50 <= progress.latencies[1][0] < 100
    assert progress.done.is_set()
    assert progress.state_hash == OF_NOTHING
    assert progress.measured["events"] == 30
    assert 100 <= progress.measured["seconds"] < 150
    assert progress.transactions == {"rate": 2, "accrue": 3}
    assert progress.batches == [10, 20]


def test_time_runs_from_the_first_batch() -> None:
    """The clock starts when the first batch was begun, not the process, and never again."""
    progress = Progress({0: 2}, 1)
    progress.observe("rate", rated(1, {0: 1}, 1_000.0), 0.1)
    progress.observe("rate", rated(1, {0: 2}, 2_000.0), 0.1)
    assert progress.meter.started == 1_000.0


def test_only_commits_count() -> None:
    """An aborted batch will come again: counted now, its events would be counted twice."""
    progress = Progress({0: 1}, 1)
    progress.engine = engine({"usage.v1/0": 1})
    progress.observe("rate", Step("abort", work=Work(None, 5)), 0.1)
    progress.observe("rate", Step("idle"), 0.1)
    progress.observe("accrue", accrued("abort"), 0.1)
    assert (progress.batches, progress.transactions) == ([], {"rate": 0, "accrue": 0})
    assert not progress.done.is_set()


def test_nothing_has_arrived_before_all_partitions_are_owned() -> None:
    """Partitions that are still to be assigned cover nothing, whatever the others do."""
    progress = Progress({0: 1}, 2)
    progress.observe("rate", rated(1, {0: 1}, time.perf_counter()), 0.1)
    progress.observe("accrue", accrued(), 0.1)  # no engine yet
    progress.engine = engine({"usage.v1/0": 1})
    progress.observe("accrue", accrued(), 0.1)
    assert (progress.latencies, progress.done.is_set()) == ([], False)
