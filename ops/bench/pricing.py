"""`weir bench pricing`: what all the elements of a price cost, beside one price a unit.

The whole path on genuine Kafka over the same events, once with a price a unit for everything and
once with the mix of `ops/bench/mix.py`, by turns. Both results are compared, row by row, with what
each event must come to. Then the reference of the mix, of more than 1,000,000 rate lines, is loaded
by a process of its own, and it is swapped in while usage is settled at a steady rate.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from ops.bench.broker import broker, create_topics, send
from ops.bench.mix import Before, Event, Leg, mix_legs, plain_legs
from ops.bench.mix_reference import write_mix, write_plain
from ops.bench.rate import Setting, batches, latest, run, settle
from ops.bench.recipe import ORIGINAL, SEED, UNKNOWN_ROUTES, columns, market, route_name
from ops.bench.report import middle_checked
from ops.bench.swap import swap
from ops.bench.workload import HOUR_US, SERVICES, agreement_name, partials
from schemas.records import codec
from schemas.topics import ACCRUALS, SUSPENSE
from streams.kafka_settings import KafkaSettings

Key = tuple[str, str, int]  # partner, item, hour since the epoch
Figures = tuple[int, int, int]  # events, quantity, charge in micros


@dataclass(frozen=True)
class Prices:
    """A way to price the events: how it is written as reference, and what each event costs."""

    write: Callable[[Path], None]
    legs: Callable[[int, Event], Iterable[Leg]]


PLAIN, MIX = Prices(write_plain, plain_legs), Prices(write_mix, mix_legs)


def pricing(events: int, repeat: int) -> dict[str, Any]:
    """Plain and mix by turns, then loading and swapping in the mix's reference."""
    reports: dict[Prices, list[dict[str, Any]]] = {PLAIN: [], MIX: []}
    for _ in range(repeat):
        for prices, of_prices in reports.items():
            with broker(None) as address:
                of_prices.append(measure(address, events, prices))
    plain, mix = (middle_checked(r, "events_per_second") for r in reports.values())
    ratios = [
        round(b["events_per_second"] / a["events_per_second"], 3)
        for a, b in zip(*reports.values(), strict=True)
    ]
    checked = next((r["checked"] for r in (plain, mix) if r["checked"] != "exact"), "exact")
    with tempfile.TemporaryDirectory() as directory:
        write_mix(Path(directory) / "reference")
        loaded = run("load_process", "--reference", str(Path(directory) / "reference"))
        with broker(None) as address:
            swapped = swap(address, Path(directory) / "reference")
    return {
        "plain_events_per_second": plain["events_per_second"],
        "mix_events_per_second": mix["events_per_second"],
        "mix_to_plain": median(ratios),
        "ratios": ratios,
        **loaded,
        **swapped,
        "checked": checked,
        "plain": plain,
        "mix": mix,
    }


def measure(brokers: str, events: int, prices: Prices) -> dict[str, Any]:
    """Settle the events by some prices, and check every row."""
    settings = create_topics(brokers, f"bench-{time.time_ns()}")
    with tempfile.TemporaryDirectory() as directory:
        reference = Path(directory) / "reference"
        prices.write(reference)
        ends = send(settings, batches(Setting(events, partials=True)))
        report = settle(settings, reference, json.dumps(ends))
    return {**report, "checked": check(settings, events, prices)}


def check(settings: KafkaSettings, events: int, prices: Prices) -> str:
    """Compare what was committed with what was worked out apart from Weir."""
    want, suspended = expected(events, prices)
    found = accrued(settings)
    waiting = len(latest(settings, SUSPENSE.name))
    if waiting != suspended:
        return f"{waiting} suspended instead of {suspended}"
    wrong = sorted(k for k in want.keys() | found.keys() if want.get(k) != found.get(k))
    if wrong:
        key = wrong[0]
        return f"{len(wrong)} rows differ, as {key}: {found.get(key)} instead of {want.get(key)}"
    return "exact"


@cache  # event by event: dear, and the same for every run
def expected(events: int, prices: Prices) -> tuple[Mapping[Key, Figures], int]:
    """What the accruals must come to, event by event, and how many events nobody owns."""
    known = market(SEED, ORIGINAL)
    names = [route_name(i, ORIGINAL) for i in range(ORIGINAL.routes + UNKNOWN_ROUTES)]
    partners = list(known.decks_of)
    places = {name: number for number, name in enumerate(partners)}
    table: dict[Key, Figures] = {}
    suspended = 0
    for route, event in _events(events):
        partner = known.routes.get(names[route])
        if partner is None:
            suspended += 1
            continue
        for leg in prices.legs(places[partner], event):
            whose = partner if leg.receiver is None else partners[leg.receiver]
            key = whose, leg.item, event.started_us // HOUR_US
            count, total, micros = table.get(key, (0, 0, 0))
            table[key] = count + 1, total + leg.quantity, micros + leg.charge
    return table, suspended


def _events(events: int) -> Iterable[tuple[int, Event]]:
    """The distinct events, each with its route."""
    data, _ = columns(events)
    before = partials(data)
    callers, seconds = data["a_number"], -(-data["duration_ms"] // 1000)
    rated = np.where(data["routing_number"] != 0, data["routing_number"], data["b_number"])
    fields = ["route", "service", "direction", "started_at", "a_number", "b_number"]
    fields += ["duration_ms", "bytes"]
    for row, (route, service, direction, started, caller, called, duration, size) in enumerate(
        zip(*(data[name].tolist() for name in fields), strict=True)
    ):
        label, first = SERVICES[service].label, int(before[row])
        numbers = str(caller), str(called), str(rated[row])
        part = None
        if first not in (-1, row):
            part = Before(str(callers[first]), str(rated[first]), int(seconds[first]))
        yield route, Event(label, direction, started, *numbers, duration, size, part)


def accrued(settings: KafkaSettings) -> Mapping[Key, Figures]:
    """Hour rows of the accruals."""
    table: dict[Key, Figures] = {}
    for value in latest(settings, ACCRUALS.name).values():
        message = codec("accruals.avsc").decode(value)
        if message["hour"] is None:
            continue
        partner = message["agreement"].removesuffix(agreement_name(""))
        for row in message["rows"]:
            key = partner, row["item"], message["hour"]
            table[key] = row["events"], row["quantity"], row["charge_micros"]
    return table
