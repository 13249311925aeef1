"""Cases about circuits and ports: proration, changes, averages, the 95th percentile."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from tests.case_plans import PERIOD, Case, Event, Figures, Plan, Step, Terms, UntranslatableError
from tests.case_terms import (
    DECIMALS_MAX,
    Stretch,
    agreement,
    dated,
    is_exact,
    rounding,
    stretch,
    text,
)
from tests.case_usage import BYTE_SLOTS, START, Carrier, in_service, samples

LARGER = 3  # decimals by which an amount is larger where it is rounded to more than six
PORT = Carrier(BYTE_SLOTS[2], "megabit_per_second", 0)
PEAKS = re.compile(r"([0-9]+)\.\.([0-9]+) Mbit/s")
PERCENTILE: Terms = {
    "measure": {"of": "percentile", "percent": "95", "window": "5min", "direction": "higher"}
    | {"by": "port", "missing": "drop"}
}


def recurring(amount: str, every: str, **more: str) -> Terms:
    """A price for each circuit in service."""
    return {"kind": "recurring", "every": every, "amount": amount, **more}


def _circuit(name: str, price: Terms, direction: str, flow: str) -> Terms:
    covers = {"item": name, "role": "product", "service": "circuit", "direction": direction}
    return {**covers, "flow": flow, "price": price}


def proration(case: Case) -> Plan:
    """A recurring amount for the days of a period in which a circuit was in service."""
    params = case.params
    span, basis = _span(case)
    amount = Decimal(params.get("amount", 1))
    decimals = int(params.get("decimals", 0))
    larger = LARGER if decimals > DECIMALS_MAX else 0
    more = {"basis": basis} if basis else {}
    price = recurring(text(abs(amount).scaleb(larger)), span.every, **more)
    flow = "payable" if amount < 0 else "receivable"
    item = _circuit("circuit", price, "in", flow)
    said = params if not larger else {**params, "decimals": decimals - larger}
    terms = agreement(case.id, [item], **rounding(said, "line"))

    def script(figures: Figures) -> Generator[Step, None, str]:
        yield Step([in_service(case.id, start, upto) for start, upto in span.parts])
        stated = Decimal(figures.amount(case.id, span.period, exact=is_exact(params)))
        return f"{stated.scaleb(-larger):f}"

    return Plan([terms], script)


def _span(case: Case) -> tuple[Stretch, str]:
    """The days in service, and the fixed days of a month where the case has them."""
    fixed = re.search(r"fixed ([0-9]+)-day month", case.params.get("basis", ""))
    dates = case.usage[0] if case.usage else {}
    if "from" in dates:
        first, upto = (date.fromisoformat(dates[at]) for at in ("from", "to"))
        every = {"monthly": "month", "quarterly": "quarter", "annual": "year"}
        return dated(first, (upto - first).days, every[case.params["period"]]), ""
    if fixed is not None:
        return stretch(case.params["fraction"], whole=31), fixed[1]
    return stretch(case.params["fraction"]), ""


def plan_change(case: Case) -> Plan:
    """The new price for the rest of a period, less the old one for the same days."""
    params = case.params
    span = stretch(params["fraction"])
    items = [
        _circuit("new", recurring(params["new_price"], span.every), "in", "receivable"),
        _circuit("old", recurring(params["old_price"], span.every), "out", "payable"),
    ]
    place = "line" if params.get("round_each_line") else "statement"
    terms = agreement(case.id, items, **rounding(params, place))

    def script(figures: Figures) -> Generator[Step, None, str]:
        ways = ("in", "out")
        yield Step([in_service(case.id, *part, way) for way in ways for part in span.parts])
        return str(figures.document(case.id, span.period)["totals"][0]["net"])

    return Plan([terms], script)


def time_weighted(case: Case) -> Plan:
    """The average of a level over a period: a circuit whose size changes."""
    times = [datetime.fromisoformat(row["at"]).replace(tzinfo=UTC) for row in case.usage]
    end = datetime.fromisoformat(case.params["period_end"]).replace(tzinfo=UTC)
    price: Terms = {"kind": "tiers", "per": "average_unit", "tiers": [{"price": "1"}]}
    item = _circuit("circuit", price, "in", "receivable") | {"measure": {"of": "average"}}
    terms = agreement(case.id, [item], **rounding(case.params, "line"))
    period = case.params["period_start"][: len(PERIOD)]

    def script(figures: Figures) -> Generator[Step, None, str]:
        level, events = 0, []
        for row, start, upto in zip(case.usage, times, [*times[1:], end], strict=True):
            level += int(row["delta"])
            if level:
                at = in_service(case.id, start, upto)
                events.append(Event(at.service, {**at.fields, "units": level}))
        yield Step(events)
        return figures.amount(case.id, period, exact=is_exact(case.params))

    return Plan([terms], script)


def percentile(case: Case) -> Plan:
    """The 95th percentile of five-minute samples, at a price of one per Mbit/s."""
    params = case.params
    tiers: list[Terms] = [{"price": "1"}]
    more: Terms = {}
    if "commit_mbps" in params:
        commit = params["commit_mbps"]
        tiers = [{"up_to": commit, "price": params["commit_price"]}]
        tiers.append({"price": params["overage_price"]})
        more = {"at_least": commit}
    price: Terms = {"kind": "tiers", "per": PORT.per, "tiers": tiers, **more}
    item = PORT.item("port", price, **PERCENTILE)
    terms = agreement(case.id, [item], **rounding(params, "line"))

    def script(figures: Figures) -> Generator[Step, None, str]:
        first = START.replace(day=1, hour=0)
        yield Step(samples(case.id, _levels(case.usage), first))
        return figures.amount(case.id, exact=is_exact(params))

    return Plan([terms], script)


def _levels(usage: Sequence[Any]) -> list[tuple[Decimal, int]]:
    """Levels in Mbit/s and how many samples there are of each."""
    if isinstance(usage[0], str):
        found = PEAKS.match(usage[0])
        if found is None:
            raise UntranslatableError(f"{usage[0]!r} names no samples")
        return [(Decimal(level), 1) for level in range(int(found[1]), int(found[2]) + 1)]
    if "p95" in usage[0]:
        return [(Decimal(row["p95"]), 1) for row in usage]
    return [(Decimal(row["level"]), int(row["samples"])) for row in usage]


MODELS: dict[str, Callable[[Case], Plan]] = {
    "percentile_95": percentile,
    "percentile_95_commit": percentile,
    "plan_change_proration": plan_change,
    "proration": proration,
    "time_weighted": time_weighted,
}
