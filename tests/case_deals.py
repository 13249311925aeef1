"""Cases about deals: minimum and commitment, swaps, capacity, discounts by volume."""

from __future__ import annotations

from collections.abc import Callable, Generator
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from streams.statement import fraction_text
from tests.case_curves import SHARE, Table, bounds, price_of
from tests.case_plans import PERIOD, Case, Event, Figures, Plan, Step, Terms
from tests.case_terms import agreement, is_exact, rounding, stretch, text
from tests.case_usage import START, carrier, money, sale


def true_up(case: Case) -> Plan:
    """What is short of a minimum at the end of the period, in money or in units of a commitment."""
    params = case.params
    since, period, at = {}, PERIOD, START
    if "prorate" in params:
        span = stretch(params["prorate"])
        days, basis = map(int, params["prorate"].split("/"))
        first = span.start + timedelta(days=basis - days)
        since, period = {"valid_from": f"{first:%Y-%m-%d}"}, span.period
        at = first + timedelta(hours=10)
    spent = _units_spent if "unit_conversion" in params else _money_spent
    items, deals, events = spent(case, at)
    more: Terms = {"deals": deals} if deals else {}
    terms = agreement(case.id, items, **more, **rounding(params, "line"), **since)

    def script(figures: Figures) -> Generator[Step, None, str]:
        yield Step(events)
        exact = is_exact(params)
        due = Fraction(figures.amount(case.id, period, exact=exact))
        accrued = Fraction(figures.amount(case.id, period, exact=exact, due=False))
        return fraction_text(due - accrued)

    return Plan([terms], script)


Spent = tuple[list[Terms], list[Terms], list[Event]]  # items, deals and usage


def _units_spent(case: Case, at: datetime) -> Spent:
    """A commitment in units, each at one price."""
    used, commit = Decimal(case.usage[0]["used"]), Decimal(case.params["min_spend"])
    by = carrier([used, commit])
    tiers = [{"price": case.params["unit_conversion"]}]
    price = {"kind": "tiers", "per": by.per, "tiers": tiers, "at_least": by.bound(commit)}
    return [by.item("used", price)], [], [by.event(case.id, used, at)]


def _money_spent(case: Case, at: datetime) -> Spent:
    """A minimum of money over what was used and what is paid anyway."""
    row = case.usage[0]
    items, deals, events = [], [], []
    if "used" in row:
        items.append(money().item("used", SHARE))
        events.append(sale(case.id, Decimal(row["used"]), at))
    if "usage_units" in row:
        units = Decimal(row["usage_units"])
        by = carrier([units])
        price = price_of(Table("per_unit"), {"price": row["usage_price"]}, by)
        items.append(by.item("usage", price))
        events.append(by.event(case.id, units, at))
    over = [str(item["item"]) for item in items]
    if "subscription" in row:
        fee: Terms = {"kind": "fee", "amount": row["subscription"], "every": "month"}
        deals.append({"deal": "subscription", "flow": "receivable", "price": fee})
        over.append("subscription")
    return items, [*deals, *bounds(case.params, over, over)], events


def send_or_pay(case: Case) -> Plan:
    """A committed volume is owed whether it was sent or not; what is beyond has its own rate."""
    params = case.params
    commit, used = Decimal(params["commit_minutes"]), [Decimal(u) for u in case.usage]
    by = carrier([commit, *used])
    names = ("excess_rate", "overage_rate", "rate")
    beyond = {"price": next(params[name] for name in names if name in params)}
    tiers = [{"up_to": by.bound(commit), "price": params["rate"]}, beyond]
    price: Terms = {"kind": "tiers", "per": by.per, "tiers": tiers, "at_least": by.bound(commit)}
    terms = agreement(case.id, [by.item("minutes", price)], **rounding(params, "line"))

    def script(figures: Figures) -> Generator[Step, None, str]:
        yield Step([by.event(case.id, quantity) for quantity in used])
        return figures.amount(case.id, exact=is_exact(params))

    return Plan([terms], script)


def swap(case: Case) -> Plan:
    """What both sides sent is worth one rate, the excess another."""
    params, row = case.params, case.usage[0]
    ways = {way: Decimal(row[way]) for way in ("in", "out")}
    carriers = {w: carrier(list(ways.values()), at=at) for at, w in enumerate(ways)}
    items = [
        by.item(f"voice-{w}", {"kind": "counted", "per": by.per}) for w, by in carriers.items()
    ]
    price: Terms = {"kind": "swap", "per": carriers["in"].per, "in": ["voice-in"]}
    price |= {"out": ["voice-out"], "balanced": params["balanced_rate"]}
    price["unbalanced"] = params["unbalanced_rate"]
    deal = {"deal": "swap", "price": price}
    terms = agreement(case.id, items, deals=[deal], **rounding(params, "line"))

    def script(figures: Figures) -> Generator[Step, None, str]:
        yield Step([by.event(case.id, ways[w]) for w, by in carriers.items()])
        return str(figures.document(case.id)["totals"][0]["net"])

    return Plan([terms], script)


def capacity(case: Case) -> Plan:
    """The highest tier that any of several units reaches sets one price."""
    row = {name: Decimal(quantity) for name, quantity in case.usage[0].items()}
    carriers = {name: carrier([row[name]], at=at) for at, name in enumerate(row)}
    items = [by.item(n, {"kind": "counted", "per": by.per}) for n, by in carriers.items()]
    tiers: list[Terms] = []
    for tier in case.params["tiers"]:
        ends = {n: carriers[n].bound(Decimal(m)) for n, m in tier["max"].items() if n in row}
        tiers.append({"up_to": ends, "price": tier["price"]})
    tiers[-1].pop("up_to")
    price: Terms = {"kind": "capacity", "tiers": tiers}
    deal = {"deal": "capacity", "flow": "receivable", "over": list(row), "price": price}
    terms = agreement(case.id, items, deals=[deal], **rounding(case.params, "line"))

    def script(figures: Figures) -> Generator[Step, None, str]:
        yield Step([by.event(case.id, row[n]) for n, by in carriers.items()])
        return figures.amount(case.id, exact=is_exact(case.params))

    return Plan([terms], script)


def volume_discount(case: Case) -> Plan:
    """A discount on money by the number of events."""
    row = case.usage[0]
    tiers: list[Terms] = []
    given = "0"
    for tier in case.params["tiers"]:
        last = text(Decimal(tier["from"]) - 1)
        tiers.append({"up_to": last, "percent": given})
        given = text(-Decimal(tier["discount_pct"]))
    price: Terms = {"kind": "tiers", "per": "amount", "curve": "volume", "chosen_by": "events"}
    price["tiers"] = [*tiers, {"percent": given}]
    deal = {"deal": "discount", "flow": "receivable", "over": ["sales"], "price": price}
    item = money().item("sales", SHARE)
    terms = agreement(case.id, [item], deals=[deal], **rounding(case.params, "line"))

    def script(figures: Figures) -> Generator[Step, None, str]:
        amounts = [Decimal(row["gross"])]
        amounts += [Decimal(0) for _ in range(1, int(row["events"]))]
        yield Step([sale(case.id, amount) for amount in amounts])
        return figures.amount(case.id, exact=is_exact(case.params))

    return Plan([terms], script)


MODELS: dict[str, Callable[[Case], Plan]] = {
    "capacity_tier": capacity,
    "send_or_pay": send_or_pay,
    "swap_balanced": swap,
    "true_up": true_up,
    "volume_discount": volume_discount,
}
