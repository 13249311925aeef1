"""Intervals for random worlds: circuits that are in service for a while, priced by time.

The agreements of a world are drawn first, and then read once more: in some worlds circuits become
priced by days, by hours or by a recurring amount, version by version. How long a circuit is in
service follows from when it begins, so that everything else of a world stays what it was.
"""

from __future__ import annotations

import re
from random import Random

# A period of a version, or the price of a circuit in the version that names the period before it.
PRICED = re.compile(
    r"(?P<period>period: \w+)"
    r"|(?P<item>service: circuit, direction: \w+, flow: \w+, price: )(?P<price>\{.*?\})\}"
    r"(?=, \{item: |\]\}|\], deals: )"
)
AMOUNTS = ("0", "0.0125", "0.333333333", "12", "850")
EVERY = ("day", "month", "month", "quarter", "year")
HOUR_US = 3_600_000_000
SPANS_US = (0, 1, 300_000_000, HOUR_US, 24 * HOUR_US, 77 * HOUR_US, 9 * 24 * HOUR_US)
RARE_US = (40 * 24 * HOUR_US, 400 * 24 * HOUR_US, 3_660 * 24 * HOUR_US, 3_661 * 24 * HOUR_US)


def with_intervals(agreements: str, seed: int) -> str:
    """Agreements whose circuits are priced by time, in two worlds of five."""
    if seed % 5 not in (1, 4):
        return agreements
    random = Random(f"intervals {seed}")
    period = ""

    def priced(found: re.Match[str]) -> str:
        """The price of a circuit, now by time, or what was there."""
        nonlocal period
        if found["period"]:
            period = found["period"].removeprefix("period: ")
            return found[0]
        if "kind: counted" in found["price"] or random.random() < 1 / 6:
            return found[0]  # a deal prices it, or nothing is changed
        price = price_of_time(random, period)
        while "each: hour" in agreements and "kind: unit" not in price:
            price = price_of_time(random, period)  # a deal by the hour is over what events cost
        return f"{found['item']}{price}}}"

    return PRICED.sub(priced, agreements)


def price_of_time(random: Random, period: str) -> str:
    """A price of time that fits a settlement period."""
    amount = random.choice(AMOUNTS)
    kind = random.choice(["recurring", "recurring", "unit", "tiers", "average"])
    if kind == "recurring":
        every = random.choice([*EVERY, "week"] if period == "month" else EVERY)
        basis = random.choice(["", "", ", basis: calendar", ", basis: 30"])
        basis = "" if every in ("day", "week") else basis
        return f'{{kind: recurring, every: {every}, amount: "{amount}"{basis}}}'
    per = random.choice(["unit_day", "unit_hour"])
    if kind == "unit":
        return f'{{kind: unit, per: {per}, amount: "{amount}"}}'
    tiers = f"[{{up_to: {random.choice([1, 10, 100])}, price: {random.choice(AMOUNTS)}}}"
    more = random.choice(["", "", ", curve: volume", ", at_least: 50", ", flat_on_zero: true"])
    measure = ", measure: {of: average}" if kind == "average" else ""
    per = "average_unit" if measure else per
    last = f"{{price: {amount}, flat: 0.07}}"
    return f"{{kind: tiers, per: {per}, tiers: {tiers}, {last}]{more}}}{measure}"


def is_of_time(price: str) -> bool:
    """Whether a price is of how long something is in service."""
    return "kind: recurring" in price or "per: unit_" in price or "per: average_" in price


def in_service_us(started_us: int) -> int:
    """How long a circuit is in service that begins then; now and then less than nothing."""
    random = Random(f"circuit {started_us}")
    return random.choices([random.choice(SPANS_US), random.choice(RARE_US), -1], [30, 6, 1])[0]
