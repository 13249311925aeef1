"""Cases whose price looks at windows, at terms over several periods, or at what lies beside it.

The tables are those of `case_curves`; here they begin anew each hour, go on over a quarter, are
chosen by another item's quantity or are shared by several circuits.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

from streams.statement import fraction_text
from tests.case_curves import HOUR, Table, price_of
from tests.case_plans import PERIOD, Case, Figures, Plan, Step, Terms, net
from tests.case_terms import agreement, is_exact, overage, percent, rounding, text
from tests.case_usage import START, Carrier, carrier


def period_preserving(case: Case) -> Plan:
    """One counter over three months: late usage is worth what it makes of the period it is of."""
    params = case.params
    limits = {"cap": params["max_spend"]} if "max_spend" in params else {}
    deals: list[Terms] = []
    changes = [change for step in _changes(case) for change in step]
    by = carrier([*changes, Decimal(params.get("free_units", 0))])
    if "discount_pct" in params or "min_spend" in params:
        left = text(100 - Decimal(params.get("discount_pct", 0)))
        price: Terms = {"kind": "tiers", "each": "quarter", "per": "amount", "result": "replace"}
        price["tiers"] = [{"percent": left, **limits}]
        if "min_spend" in params:
            price["at_least"] = params["min_spend"]
        deals = [{"deal": "bounds", "flow": "receivable", "over": ["usage"], "price": price}]
        limits = {}
    item = price_of(Table("per_unit"), params, by)
    if not deals:
        tiers = [{"price": params["price"], **limits}]
        item = {"kind": "tiers", "each": "quarter", "per": by.per, "tiers": tiers}
        if "free_units" in params:
            item["free"] = by.bound(Decimal(params["free_units"]))
    more = {"deals": deals} if deals else {}
    terms = agreement(case.id, [by.item("usage", item)], **more, **rounding(params, "line"))
    return Plan([terms], lambda figures: _preserving(case, by, figures))


MONTHS = ("2024-04", "2024-05", "2024-06")


def _changes(case: Case) -> list[list[Decimal]]:
    """How much more of each month each snapshot knows; less where some has become another's."""
    known = [Decimal(0) for _ in MONTHS]
    found = []
    for row in case.usage:
        counts = [Decimal(c) for c in row["cumulative_per_period"]]
        own = [now - before for now, before in zip(counts, [Decimal(0), *counts], strict=False)]
        found.append([now - before for now, before in zip(own, known, strict=False)])
        known[: len(own)] = own
    return found


def _preserving(case: Case, by: Carrier, figures: Figures) -> Generator[Step, None, str]:
    """Close each period after its snapshot; say what each snapshot changed, by period of usage."""
    worth = [Fraction(0) for _ in MONTHS]
    blocks = []
    for number, changes in enumerate(_changes(case)):
        events = []
        for at, more in enumerate(changes):
            if more or at == number:
                day = START.replace(month=START.month - 2 + at)
                events.append(by.event(case.id, more, day))
        yield Step(events, [(case.id, MONTHS[number])])
        lines = figures.lines(case.id, *MONTHS)
        changed = []
        for at, month in enumerate(MONTHS):
            of_month = [line for line in lines if line["original_period"] == month]
            now = net(of_month, exact=is_exact(case.params))
            if now != worth[at]:
                changed.append(f"P{at + 1}:{fraction_text(now - worth[at])}")
            worth[at] = now
        blocks.append("+".join(changed) or "0")
    return " | ".join(blocks)


def volume_prorated(case: Case) -> Plan:
    """The tier is chosen by one item's quantity, the price is another's."""
    row = case.usage[0]
    full, used = Decimal(row["full_units"]), Decimal(row["prorated_units"])
    ends = [Decimal(t["up_to"]) for t in case.params["tiers"] if t.get("up_to")]
    chosen, priced = carrier([full, *ends], at=1), carrier([used, *ends])
    price = price_of(Table("volume"), case.params, priced, chosen_by="full")
    items = [
        chosen.item("full", {"kind": "unit", "per": chosen.per, "amount": "0"}),
        priced.item("used", price),
    ]
    terms = agreement(case.id, items, **rounding(case.params, "line"))

    def script(figures: Figures) -> Generator[Step, None, str]:
        yield Step([chosen.event(case.id, full), priced.event(case.id, used)])
        return figures.amount(case.id, exact=is_exact(case.params))

    return Plan([terms], script)


def windowed_commitment(case: Case) -> Plan:
    """Money committed for each window: what is beyond it costs a multiple, what is short is due."""
    params = case.params
    used = [Decimal(u) for u in case.usage]
    by = carrier(used)
    item = by.item("usage", price_of(Table("per_unit"), params, by))
    due = bool(params.get("true_up"))
    price = _committed(params["commit_per_window"], params["overage_factor"], due=due)
    deal = {"deal": "commitment", "flow": "receivable", "over": ["usage"], "price": price}
    terms = agreement(case.id, [item], deals=[deal], **rounding(params, "line"))

    def script(figures: Figures) -> Generator[Step, None, str]:
        events, at = [], START
        for quantity in used:
            events.append(by.event(case.id, quantity, at))
            at += HOUR
        yield Step(events)
        return figures.amount(case.id, exact=is_exact(params))

    return Plan([terms], script)


def _committed(amount: str, factor: str, *, due: bool) -> Terms:
    """A deal on money in each hour."""
    tiers = [{"up_to": amount, "percent": "100"}, {"percent": percent(factor)}]
    price: Terms = {"kind": "tiers", "each": "hour", "per": "amount", "result": "replace"}
    return {**price, "tiers": tiers, **({"at_least": amount} if due else {})}


def commitment_bands(case: Case) -> Plan:
    """A commitment for each hour of some hours of the day, another price for the rest."""
    params = case.params
    by = carrier([Decimal(u["units"]) for u in case.usage])
    starts = [("00:00", "rest")]
    items = [_in_band(by, case.id, "rest", {"kind": "unit", "amount": params["default"]["price"]})]
    deals = []
    for number, band in enumerate(params["bands"]):
        name = f"band{number}"
        starts = [s for s in starts if s[0] != band["from"]]
        starts += [(band["from"], name), (band["to"], "rest")]
        factor = band.get("overage_factor", "1")
        price: Terms = {"kind": "unit", "amount": band["price"]}
        if "commit_units" in band:
            end = by.bound(Decimal(band["commit_units"]))
            over = {"price": overage(band["price"], factor)}
            tiers = [{"up_to": end, "price": band["price"]}, over]
            price = {"kind": "tiers", "each": "hour", "tiers": tiers, "at_least": end}
        elif "commit" in band:
            committed = _committed(band["commit"], factor, due=True)
            deal = {"deal": f"commit{number}", "flow": "receivable", "over": [name]}
            deals.append({**deal, "price": committed})
        items.append(_in_band(by, case.id, name, price))
    days = {"mon-sun": [{"from": at, "band": b} for at, b in sorted(dict(starts).items())]}
    more = {"deals": deals} if deals else {}
    terms = agreement(case.id, items, **more, **rounding(params, "line"))

    def script(figures: Figures) -> Generator[Step, None, str]:
        events = []
        for used in case.usage:
            hour, minute = map(int, used["at"].split(":"))
            at = START.replace(hour=hour, minute=minute)
            events.append(by.event(case.id, Decimal(used["units"]), at))
        yield Step(events)
        return figures.amount(case.id, exact=is_exact(params))

    return Plan([terms], script, bands=[{"bands": case.id, "days": days}])


def _in_band(by: Carrier, plan: str, band: str, price: Terms) -> Terms:
    """An item for the usage that starts in a band."""
    return by.item(band, {**price, "per": by.per}, where={"band": {"of": plan, "in": [band]}})


def cumulative_quantity(case: Case) -> Plan:
    """What a period has counted so far."""
    counts = [Decimal(c) for c in case.usage[0].values()]
    by = carrier(counts)
    price: Terms = {"kind": "unit", "per": by.per, "amount": "1"}
    terms = agreement(case.id, [by.item("usage", price)])

    def script(figures: Figures) -> Generator[Step, None, str]:
        for day, quantity in enumerate(counts):
            yield Step([by.event(case.id, quantity, START + timedelta(days=day))])
        return figures.amount(case.id, PERIOD, exact=True)

    return Plan([terms], script)


def pooled(case: Case) -> Plan:
    """Several circuits of one agreement lie on one volume."""
    counts = {name: Decimal(c) for name, c in case.usage[0].items()}
    by = carrier(list(counts.values()))
    price = price_of(Table(case.params.get("rule", "graduated")), case.params, by)
    terms = agreement(case.id, [by.item("usage", price)], **rounding(case.params, "line"))

    def script(figures: Figures) -> Generator[Step, None, str]:
        yield Step([by.event(case.id, quantity) for quantity in counts.values()])
        return figures.amount(case.id, exact=is_exact(case.params))

    return Plan([terms], script)


SPECIAL: dict[str, Callable[[Case], Plan]] = {
    "per_unit_period_preserving": period_preserving,
    "volume_prorated": volume_prorated,
    "windowed_commitment": windowed_commitment,
    "windowed_commitment_time_bands": commitment_bands,
    "cumulative_quantity": cumulative_quantity,
    "tier_apportion": pooled,
}
