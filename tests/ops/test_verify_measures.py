"""Verification under measures: windows, a percentile and different instances, with late usage."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from schemas.codes import Service
from tests.builders import reference_dir
from tests.ops.books import (
    AGREEMENTS,
    ATTRIBUTION,
    BANDWIDTH,
    NOVEMBER_US,
    RATED,
    close,
    event,
    settle,
    verdict,
)

WINDOW_US = 300_000_000
PLAIN = '{kind: unit, per: gigabyte, amount: "0.5"}'
PORTS = """{kind: tiers, per: megabit_per_second, at_least: 20,
                   tiers: [{up_to: 30, price: "1.5"}, {price: "2"}]},
           measure: {of: percentile, percent: 95}"""
CIRCUITS = """{kind: tiers, per: unit, tiers: [{price: "7"}]},
           measure: {of: distinct, of_what: instance}"""
TEXTS = """{kind: tiers, each: day, per: event, at_least: 3, tiers: [{price: "0.005"}]}"""


def sample(sequence: int, window: int, up: int) -> dict[str, Any]:
    """A sample of the port that goes on for two windows."""
    started = NOVEMBER_US + window * WINDOW_US
    times = {"started_at": started, "ended_at": started + 2 * WINDOW_US}
    fields = {**BANDWIDTH, **times, "volume_up_bytes": up, "volume_down_bytes": 0}
    return event(Service.BANDWIDTH, sequence, **fields)


def test_everything_is_recomputed(tmp_path: Path) -> None:
    """Two closes and usage after each: nothing differs from what is worked out from usage again."""
    text = AGREEMENTS.replace(PLAIN, PORTS)
    text = text.replace('{kind: unit, per: unit, amount: "10"}', CIRCUITS)
    text = text.replace('{kind: unit, per: event, amount: "0.005"}', TEXTS)
    assert text.count("measure: ") == 2
    given = reference_dir(tmp_path / "given", agreements=text, attribution=ATTRIBUTION)
    data = tmp_path / "data"
    settle(data, [*RATED, *(sample(20 + n, 3 * n, 10**9 + 7 * n) for n in range(9))], given)
    close(data, "2024-11")
    settle(data, [sample(40, 1, 5 * 10**9), event(Service.SMS, 41, ingress_route="TG-001")], given)
    close(data, "2024-12")
    settle(data, [sample(42, 50, 1)], given)
    found = verdict(data)
    assert list(found.differences) == []
    assert found.statements >= 4
