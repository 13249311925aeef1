"""Small settlements whose terms are changed after the fact, with sums that can be done by hand.

Calls of 100 minutes from one route in November 2024, under an agreement with a price a minute.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ops.amendment import Preview, preview
from ops.reading import Opened
from schemas.topics import USAGE
from tests.builders import reference_dir
from tests.ops.books import DAY_US, NOVEMBER_US, call, settle

ROUTES = "kind,key,agreement,valid_from,valid_upto\nroute,TG-001,ALFA-1,,\n"
PER_LINE = "rounding: {place: line, mode: half_up, decimals: 2}"


def version(
    number: int, price: str, valid_from: str = "2024-01-01", upto: str = "", terms: str = PER_LINE
) -> str:
    """One version with one item, `voice-in`, at so much a minute or any other price."""
    given = price if price.startswith("{") else f'{{kind: unit, per: minute, amount: "{price}"}}'
    until = f"valid_upto: {upto}, " if upto else ""
    return (
        f"{{version: {number}, valid_from: {valid_from}, {until}zone: UTC, currency: EUR, {terms},"
        f" items: [{{item: voice-in, role: ingress, service: voice, flow: receivable,"
        f" price: {given}}}]}}"
    )


def agreement(*versions: str, name: str = "ALFA-1", partner: str = "ALFA") -> str:
    """An agreement of some versions."""
    listed = ", ".join(versions)
    head = f"agreement: {name}, partner: {partner}, model: wholesale"
    return f"- {{{head}, versions: [{listed}]}}\n"


def terms(directory: Path, agreements: str, attribution: str = ROUTES) -> Path:
    """A reference of some agreements."""
    return reference_dir(directory, agreements=agreements, attribution=attribution)


def calls(*days: int, minutes: int = 100) -> list[dict[str, Any]]:
    """A call on each of some days of November, numbered in order."""
    return [
        call(number, started_at=NOVEMBER_US + (day - 1) * DAY_US, duration_ms=60_000 * minutes)
        for number, day in enumerate(days, 1)
    ]


def settled(data: Path, agreements: str, events: Sequence[dict[str, Any]]) -> Path:
    """A data directory with usage settled under some agreements."""
    settle(data, events, terms(data.with_name(data.name + "-terms"), agreements))
    return data


def previewed(data: Path, candidate: Path) -> Preview:
    """What a candidate would change of a data directory."""
    with Opened(data) as weir:
        return preview(
            weir.snapshot,
            weir.reference_of,
            weir.newest_reference(),
            candidate,
            weir.partitions(USAGE.name),
        )
