"""What benchmarks measure a process by: wall time, its own CPU time and its peak memory."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Meter:
    """Time since a start that is set when work begins, not when the process does."""

    started: float = field(default_factory=time.perf_counter)
    cpu: float = field(default_factory=time.process_time)

    def start(self) -> None:
        """Begin now."""
        self.started, self.cpu = time.perf_counter(), time.process_time()

    def read(self, events: int) -> dict[str, float]:
        """Rates so far for a number of events."""
        seconds = time.perf_counter() - self.started
        cpu_seconds = time.process_time() - self.cpu
        return {
            "events": events,
            "seconds": round(seconds, 3),
            "events_per_second": round(events / seconds),
            "cpu_seconds_per_million": round(cpu_seconds / events * 1e6, 3),
            "peak_memory_mebibytes": peak_mebibytes(),
        }


def peak_mebibytes() -> int:
    """The most memory that this program had; getrusage would tell of its parent before exec too."""
    lines = Path("/proc/self/status").read_text().splitlines()
    [peak] = [line.split()[1] for line in lines if line.startswith("VmHWM:")]
    return int(peak) // 1024


def middle(reports: Sequence[Mapping[str, Any]], figure: str) -> dict[str, Any]:
    """Of several runs the one in the middle by a figure, and what they came to, in their order.

    A machine that others use too changes its pace by a quarter within minutes: one run may meet a
    good moment or a bad one.
    """
    ranked = sorted(reports, key=lambda report: float(report[figure]))
    runs = [report[figure] for report in reports]
    return {**ranked[(len(ranked) - 1) // 2], "runs": runs}


def middle_checked(reports: Sequence[Mapping[str, Any]], figure: str) -> dict[str, Any]:
    """The `middle` of runs that were each checked: all of them must be exact."""
    checked = next((r["checked"] for r in reports if r["checked"] != "exact"), "exact")
    return {**middle(reports, figure), "checked": checked}


def percentile(weighted: list[tuple[float, int]], share: float) -> float:
    """The smallest value that at least `share` of the weight lies at or below."""
    total = sum(weight for _, weight in weighted)
    reached = 0
    for value, weight in sorted(weighted):
        reached += weight
        if reached >= share * total:
            return value
    return 0.0
