"""Recovery of the embedded log brings back every row as it was."""

from __future__ import annotations

from ops.bench.embedded import recovery


def test_recovery_is_exact() -> None:
    """Contributions of 50,000 hours of series come back whole, and the same.

    50,000 hours at 700 a series are 71 whole series (49,700 hours) and 300 hours of another: 72
    series, each with a row for its period besides those of its hours.
    """
    report = recovery(50_000)
    assert report["checked"] == "exact"
    assert report["accrual_rows"] == 50_000 + 72
    assert report["recovery_seconds"] >= 0
