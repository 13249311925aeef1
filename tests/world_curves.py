"""Everything that a price by tiers may say, drawn for random worlds beside the tiers themselves.

What is drawn follows from the tiers alone, so a world's other draws are what they were.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from random import Random


def tiers_text(service: str, per: str, timed: str, steps: Sequence[tuple[int | None, str]]) -> str:
    """A price by tiers as YAML: bounds and prices as given, mostly with something besides.

    Args:
        service: what is priced; transactions may be priced by their amount instead.
        per: what a price is per.
        timed: the increments, with the comma before them, or nothing.
        steps: upper bound (None for the last) and price of each tier.
    """
    random = Random(f"{service}{per}{timed}{steps}")
    fields = [f"kind: tiers, per: {per}{timed}"]
    tiers = [_tier(bound, f"price: {price}", []) for bound, price in steps]
    if random.random() < 2 / 3:
        if service == "transaction" and random.random() < 1 / 2:
            fields = ["kind: tiers, per: amount"]
            per = "amount"
        free = [1, 3, *(["90 second"] if per == "minute" else [])]
        tiers = [_tier(b, *_rich(random, price, money=per == "amount")) for b, price in steps]
        for field, chance in (
            ("curve: volume", 0.4),
            ("flat_on_zero: true", 0.3),
            (f"free: {random.choice(free)}", 0.3),
            (f"at_least: {random.choice([2, 20, 400])}", 0.4),
        ):
            if random.random() < chance:
                fields.append(field)
    return f"{{{', '.join(fields)}, tiers: [{', '.join(tiers)}]}}"


def _tier(bound: int | None, price: str, more: Sequence[str]) -> str:
    said = [f"up_to: {bound}"] if bound is not None else []
    return f"{{{', '.join([*said, price, *more])}}}"


def _rich(random: Random, price: str, *, money: bool) -> tuple[str, list[str]]:
    """A tier's price, perhaps a percentage, and what else it says."""
    more = []
    if random.random() < 0.3:
        more.append(f"flat: {random.choice(['0.5', '0.333333333', '7'])}")
    if random.random() < 0.3:
        more.append(f"cap: {random.choice(['0', '0.01', '2.5'])}")
    if money and random.random() < 0.5:
        return f"percent: {random.choice(['0', '12.5', '3.1234567', '100'])}", more
    counting = random.random()
    if counting < 0.3:
        rounding = random.choice(["", ", round: up", ", round: down", ", round: half_up"])
        more.append(f"block: {random.choice([1, 2, 10])}{rounding}")
    elif counting < 0.5:
        more.append(f"step: {random.choice([7, 60, 1000])}")
    return f"price: {price}", more


def deals_text(items: Sequence[str]) -> str:
    """The deals of a version as YAML, with the comma before them; mostly there are none.

    Args:
        items: the items of the version as YAML.
    """
    random = Random(f"deals {items}")
    if random.random() < 1 / 2:
        return ""
    flows: dict[str, list[str]] = {"receivable": [], "payable": []}
    for item in items:
        found = re.search(r"item: (\S+),.* flow: (\w+)", item)
        if found and "each: quarter" not in item and "each: year" not in item:
            flows[found[2]].append(found[1])
    deals = []
    for flow, names in flows.items():
        fee = random.choice(["amount: 1.2345678", "amount: 7, prorate: true"])
        deals.append(f"{{deal: fee-{flow}, flow: {flow}, price: {{kind: fee, {fee}}}}}")
        over = [f"fee-{flow}", *random.sample(names, min(len(names), 3))]
        bounds = random.choice(
            [
                "discount_percent: 12.5",
                "maximum: 3",
                "minimum: 500",
                "discount_percent: 3.1234567, minimum: 2.5, maximum: 40",
            ]
        )
        deals.append(
            f"{{deal: bounds-{flow}, flow: {flow}, over: [{', '.join(over)}], "
            f"price: {{kind: bounds, {bounds}}}}}"
        )
    return f", deals: [{', '.join(deals)}]"
