"""Cases whose price is a curve: graduated, volume, packages, percentages, with bounds on top.

One translation for all of them. The name says which table (and whether it is in blocks, or begins
anew in each window); minimum, maximum and discount are a deal over the items; the form of the usage
says what is read: the total, the amounts of snapshots, or what a last step adds.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from streams.statement import fraction_text
from tests.case_plans import Case, Event, Figures, Plan, Step, Terms, net
from tests.case_terms import (
    TIER_ROUNDS,
    agreement,
    block_bounds,
    is_exact,
    rounding,
    text,
)
from tests.case_usage import MONEY_SLOTS, START, Carrier, carrier, money, sale

BILLED = len(MONEY_SLOTS) - 1  # the slot of money that was billed before
MONEY_TABLES = ("multiplier", "graduated_percentage", "tiered", "tiered_retroactive")
VOLUMES = ("volume", "tiered_retroactive")
HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)
SHARE: Terms = {"kind": "share", "percent": "100"}


@dataclass(frozen=True)
class Table:
    """Which table a model's name says: whether in blocks, whether anew in each window."""

    base: str
    block: bool = False
    windowed: bool = False


@dataclass
class Snapshot:
    """A step of usage: quantities by item, and money that was billed before it."""

    added: dict[str, list[Decimal]]
    billed: Decimal | None = None


@dataclass
class Reading:
    """The usage of a case in steps, and what is read.

    `said` is one of: total, each (what every step adds), last (what the last step adds).
    """

    snapshots: list[Snapshot]
    said: str = "total"
    credit: Decimal | None = None
    final: bool = True
    names: list[str] = field(default_factory=list)


def curve_plan(case: Case, table: Table) -> Plan:
    """The plan of a case whose price is a curve."""
    reading = read_usage(case)
    carriers, items = {}, []
    for at, name in enumerate(reading.names):
        params = case.params.get(name, case.params)
        carriers[name] = _carrier(table, params, reading, name, at)
        price = price_of(table, params, carriers[name])
        measure = _measure(table, params)
        items.append(carriers[name].item(name, price, **measure))
    before = any(s.billed is not None for s in reading.snapshots)
    if before or reading.credit is not None:
        billed = money(BILLED).item("billed", SHARE)
        items.append(billed if before else {**billed, "flow": "payable"})
    over = [*reading.names, *(["billed"] if before else [])]
    deals = bounds(case.params, reading.names, over)
    place = rounding(case.params, "line")
    terms = agreement(case.id, items, **({"deals": deals} if deals else {}), **place)
    return Plan([terms], lambda figures: _script(case, table, reading, carriers, figures))


def read_usage(case: Case) -> Reading:
    """The usage of a case in steps."""
    usage = case.usage
    if all(isinstance(u, str) for u in usage):
        return Reading([Snapshot({"usage": [Decimal(u) for u in usage]})], names=["usage"])
    first = usage[0]
    if "cumulative" in first:
        counts = [Decimal(u["cumulative"]) for u in usage]
        steps = [now - before for now, before in zip(counts, [Decimal(0), *counts], strict=False)]
        snapshots = [Snapshot({"usage": [s]}) for s in steps]
        return Reading(snapshots, "each", names=["usage"])
    billed = Decimal(first["previously_billed"]) if "previously_billed" in first else None
    final = bool(first.get("last_line", True))
    if "added" in first:
        added = Snapshot({"usage": [Decimal(first["added"])]})
        if "previous" in first:
            before = Snapshot({"usage": [Decimal(first["previous"])]})
            said = "last" if billed is None else "total"
            return Reading([before, added], said, billed, final, ["usage"])
        return Reading([Snapshot({}, billed), added], "last", None, final, ["usage"])
    names = [n for n in first if isinstance(case.params.get(n), Mapping)] or ["units"]
    quantities = {n: [Decimal(first[n])] for n in names}
    return Reading([Snapshot(quantities)], "total", billed, final, names)


def _carrier(
    table: Table, params: Mapping[str, Any], reading: Reading, name: str, at: int
) -> Carrier:
    """What carries an item's quantities, with room for every bound they are compared with."""
    quantities = [q for s in reading.snapshots for q in s.added.get(name, ())]
    if table.base in MONEY_TABLES:
        return money(at)
    bounds = [Decimal(t[k]) for t in params.get("tiers", ()) for k in BOUNDS if t.get(k)]
    unit = Decimal(params.get("divide_by", params.get("unit", "1")))
    return carrier([*quantities, *bounds, Decimal(params.get("free_units", 0))], unit, at)


BOUNDS = ("from", "up_to")


def price_of(table: Table, params: Mapping[str, Any], by: Carrier, **more: Any) -> Terms:  # noqa: ANN401
    """The price: tiers, or a plain price or share where they say no more."""
    tiers = _tiers(table, params, by)
    price: Terms = {"kind": "tiers", "per": by.per, "tiers": tiers, **more}
    if table.base in VOLUMES:
        price["curve"] = "volume"
    if Decimal(params.get("free_units", 0)):
        price["free"] = by.bound(Decimal(params["free_units"]))
    if params.get("flat_on_zero"):
        price["flat_on_zero"] = "true"
    if table.windowed:
        price["each"] = "hour"
    plain = set(price) == {"kind", "per", "tiers"} and len(tiers) == 1
    if plain and set(tiers[0]) == {"price"}:
        return {"kind": "unit", "per": by.per, "amount": tiers[0]["price"]}
    return price


def _tiers(table: Table, params: Mapping[str, Any], by: Carrier) -> list[Terms]:
    """The tiers of a table."""
    if table.block:
        return _blocks(params["tiers"], by)
    match table.base:
        case "package":
            size = by.bound(Decimal(params["size"]))
            tier = {"price": params["price"], "block": size}
            return [tier | ({"round": params["round"]} if "round" in params else {})]
        case "unit_convert":
            return [_converted(params, by)]
        case "multiplier":
            return [{"price": params["multiplier"]}]
        case "free_units":
            return [{"price": params.get("price", "1")}]
        case "per_unit":
            return [{"price": _of_one(params["price"], by)}]
    return _steps(table, params["tiers"], by)


def _of_one(price: str, by: Carrier) -> str:
    """A price per the case's unit as one per what the carrier is priced in."""
    return text(Decimal(price).scaleb(-by.shift)) if by.per == "amount" else price


def _converted(params: Mapping[str, Any], by: Carrier) -> Terms:
    """Units converted and rounded to so many decimals are blocks of the smallest of them."""
    if "price" not in params:
        return {"price": _of_one("1", by)}
    least = -int(params.get("decimals", 0))
    tier = {
        "price": text(Decimal(params["price"]).scaleb(least)),
        "block": text(Decimal(1).scaleb(least)),
    }
    mode = params.get("mode", "up")
    return {**tier, "round": TIER_ROUNDS.get(mode, mode)}


def _blocks(rows: Sequence[Mapping[str, Any]], by: Carrier) -> list[Terms]:
    """Tiers of so many blocks; the last one is open."""
    tiers: list[Terms] = [
        {"price": r["price"], "block": by.bound(Decimal(r["block_size"]))} for r in rows
    ]
    for tier, end in zip(tiers, block_bounds(rows), strict=False):
        tier["up_to"] = by.bound(Decimal(end))
    return tiers


def _steps(table: Table, rows: Sequence[Mapping[str, Any]], by: Carrier) -> list[Terms]:
    """Tiers as they are written; the last one is open."""
    tiers: list[Terms] = []
    for at, row in enumerate(rows):
        tier: Terms = {}
        after = rows[at + 1] if at + 1 < len(rows) else None
        if at and row.get("from") and row.get("up_to"):
            tier["from"] = by.bound(Decimal(row["from"]))
        if after is not None:
            tier["up_to"] = by.bound(_end(table, row, after, by))
        if "rate_pct" in row:
            tier["percent"] = row["rate_pct"]
        else:
            tier["price"] = row.get("unit", row.get("price", "0"))
        if Decimal(row.get("flat", 0)):
            tier["flat"] = row["flat"]
        if "cap" in row:
            tier["cap"] = row["cap"]
        tiers.append(tier)
    return tiers


def _end(table: Table, row: Mapping[str, Any], after: Mapping[str, Any], by: Carrier) -> Decimal:
    """Where a tier ends, inclusive: where the next begins, or just before it if that is its own."""
    for bound in ("up_to", "to"):
        if row.get(bound) is not None:
            return Decimal(row[bound])
    begins = Decimal(after["from"])
    return begins - by.quantum if table.base in VOLUMES else begins


def _measure(table: Table, params: Mapping[str, Any]) -> Terms:
    """What a window is reduced to; its sum unless the case says its peak."""
    is_peak = table.windowed and params.get("window_aggregate") == "max"
    return {"measure": {"of": "peak"}} if is_peak else {}


def bounds(params: Mapping[str, Any], discounted: list[str], over: list[str]) -> list[Terms]:
    """Discount, maximum and minimum as deals: a discount is not given on what was billed before."""
    discount = params.get("discount_pct")
    limits = {
        word: params[name]
        for word, name in (("maximum", "max_spend"), ("minimum", "min_spend"))
        if name in params
    }
    deals = []
    if discount is not None and discounted != over:
        deals.append(_bounds("discount", discounted, {"discount_percent": discount}))
        over, discount = [*over, "discount"], None
    if discount is not None:
        limits["discount_percent"] = discount
    if limits:
        deals.append(_bounds("bounds", over, limits))
    return deals


def _bounds(name: str, over: list[str], limits: Mapping[str, str]) -> Terms:
    price = {"kind": "bounds", **limits}
    return {"deal": name, "flow": "receivable", "over": over, "price": price}


def _script(
    case: Case, table: Table, reading: Reading, carriers: Mapping[str, Carrier], figures: Figures
) -> Generator[Step, None, str]:
    """Send each snapshot; read what the case asks for."""
    seen: list[Fraction] = [Fraction(0)]
    at = START
    for number, snapshot in enumerate(reading.snapshots):
        events: list[Event] = []
        if snapshot.billed is not None:
            events.append(sale(case.id, snapshot.billed, slot=BILLED))
        if number == 0 and reading.credit is not None:
            events.append(sale(case.id, reading.credit, slot=BILLED))
        for name, quantities in snapshot.added.items():
            for quantity in quantities:
                if quantity or number == 0:
                    events.append(carriers[name].event(case.id, quantity, at))
                at += HOUR if table.windowed else SECOND
        yield Step(events)
        is_last = number == len(reading.snapshots) - 1
        due = is_last and reading.final
        seen.append(net(figures.lines(case.id), exact=is_exact(case.params), due=due))
    if reading.said == "total":
        return fraction_text(seen[-1])
    if reading.said == "last":
        return fraction_text(seen[-1] - seen[-2])
    steps = (now - before for now, before in zip(seen[1:], seen, strict=False))
    return ",".join(fraction_text(step) for step in steps)
