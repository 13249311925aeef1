"""The figures of a process: rates by its own clocks, percentiles by weight, its peak memory."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from ops.bench import report
from ops.bench.report import Meter, middle, middle_checked, peak_mebibytes, percentile

# 100 events: 98 took one second, one took two and one took three.
WEIGHTED = [(3.0, 1), (1.0, 98), (2.0, 1)]


@pytest.mark.parametrize(
    ("share", "value"), [(0.5, 1.0), (0.98, 1.0), (0.985, 2.0), (0.99, 2.0), (1.0, 3.0)]
)
def test_a_percentile_goes_by_weight(share: float, value: float) -> None:
    """The smallest value that so many of the events lie at or below."""
    assert percentile(WEIGHTED, share) == value


def test_of_nothing_every_percentile_is_zero() -> None:
    """A run without batches has a report all the same."""
    assert percentile([], 0.99) == 0.0


def test_the_run_in_the_middle_counts() -> None:
    """Of an even number the lower one of both; a run that is not exact is not hidden."""
    runs = [{"rate": rate, "checked": "exact"} for rate in (5, 1, 4, 2)]
    assert middle_checked(runs[:3], "rate") == {"rate": 4, "checked": "exact", "runs": [5, 1, 4]}
    assert middle(runs, "rate")["rate"] == 2
    runs[1]["checked"] = "1 rows differ"
    assert middle_checked(runs, "rate")["checked"] == "1 rows differ"


def test_a_meter_reads_rates(monkeypatch: pytest.MonkeyPatch) -> None:
    """From 10 to 12 seconds, and from 4 to 5.5 seconds of CPU, for 4,000,000 events."""
    clocks = SimpleNamespace(perf_counter=lambda: 12.0, process_time=lambda: 5.5)
    monkeypatch.setattr(report, "time", clocks)
    monkeypatch.setattr(report, "peak_mebibytes", lambda: 77)
    meter = Meter(started=10.0, cpu=4.0)
    assert meter.read(4_000_000) == {
        "events": 4_000_000,
        "seconds": 2.0,
        "events_per_second": 2_000_000,  # 4,000,000 / 2
        "cpu_seconds_per_million": 0.375,  # 1.5 / 4
        "peak_memory_mebibytes": 77,
    }
    meter.start()
    assert (meter.started, meter.cpu) == (12.0, 5.5)


def test_peak_memory_is_in_mebibytes_and_stays() -> None:
    """64 MiB that were written to count, also after they are given back."""
    before = peak_mebibytes()
    held = np.ones(64 << 20, np.uint8)
    assert int(held[-1]) == 1
    most = peak_mebibytes()
    del held
    # In kibibytes or bytes it would have grown by thousands.
    assert 64 < most <= before + 80
    assert most <= peak_mebibytes() <= before + 80
