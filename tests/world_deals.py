"""Deals of tiers, capacity and swaps for random worlds, over what items count or come to.

Some unit prices become ones that only count. What is drawn follows from the items alone, so a
world's other draws are what they were.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from random import Random

from tests.world_prices import SPANS

UNIT = re.compile(r"price: {kind: unit, per: (\w+), ([^{}]*)}")
OWED = re.compile(", (flat_on_zero: true|at_least: [0-9]+)")
FLOW = re.compile(r"item: (\S+),.* flow: (\w+)")
QUANTITIES = {"second": "time", "minute": "time", "hour": "time", "event": "event", "unit": "unit"}
SPANNED = re.compile("each: (quarter|year)")
PERCENTS = ("0", "-5", "12.5", "3.1234567", "200")


def with_deals(items: Sequence[str], zone: str) -> tuple[list[str], list[str]]:
    """Items, of which some may only count now, and deals over them and the others.

    Args:
        items: the items of a version as YAML.
        zone: the version's zone; hours are whole ones in most.
    """
    random = Random(f"more deals {items}")
    if random.random() < 1 / 2:
        return list(items), []
    priced, counted = [], dict[str, list[tuple[str, str]]]()
    for written in items:
        item = written
        if "curve: volume" in item and "each: " not in item and random.random() < 1 / 2:
            free = (FLOW.search(other) for other in items if not SPANNED.search(other))
            others = [name[1] for name in free if name and name[1] not in item]
            chosen = f"curve: volume, chosen_by: {random.choice([*others, 'events'])}"
            item = OWED.sub("", item).replace("curve: volume", chosen)
        found = UNIT.search(item)
        if found is None or random.random() < 1 / 2:
            priced.append(item)
            continue
        per, name = found[1], FLOW.search(item)
        fields = found[2].split(", ")
        steps = "".join(f", {field}" for field in fields if "_seconds: " in field)
        priced.append(UNIT.sub(f"price: {{kind: counted, per: {per}{steps}}}", item))
        if name is not None:
            counted.setdefault(QUANTITIES.get(per, "volume"), []).append((name[1], per))
    deals = [deal for members in counted.values() for deal in _of_quantity(random, members)]
    plain = [item for item in priced if "kind: counted" not in item]
    deals += _of_money(random, plain, zone)
    return priced, [_spanned(deal, zone) for deal in deals]


def _spanned(deal: str, zone: str) -> str:
    """A deal, of tiers perhaps over the span that all such deals of an agreement's zone have."""
    free = "kind: tiers" in deal and "each: " not in deal
    if not free or Random(f"span {deal}").random() < 1 / 2:
        return deal
    return deal.replace("kind: tiers", f"kind: tiers, {Random(zone).choice(SPANS)}")


def deals_of(text: str, more: Sequence[str]) -> str:
    """A version's deals as YAML, given a text of deals that may be empty, and more of them."""
    if not more:
        return text
    listed = text.removeprefix(", deals: [").removesuffix("]")
    return f", deals: [{', '.join([*([listed] if listed else []), *more])}]"


def _of_quantity(random: Random, members: Sequence[tuple[str, str]]) -> list[str]:
    """Deals over items that count one quantity: all of them in one that adds or compares them."""
    names, per = [name for name, _ in members], members[0][1]
    over = ", ".join(names)
    flow = random.choice(["receivable", "payable"])
    kind = random.choice(["tiers", "tiers", "capacity", "swap"])
    if kind == "swap" and len(names) > 1:
        sides = f"in: [{names[0]}], out: [{', '.join(names[1:])}]"
        price = f"kind: swap, per: {per}, {sides}, balanced: 0.02, unbalanced: 0.333333333"
        return [f"{{deal: swap-{names[0]}, price: {{{price}}}}}"]
    if kind == "capacity":
        rooms = [", ".join(f"{n}: {size}" for n in names) for size in (1, 20)]
        tiers = [
            f"{{up_to: {{{r}}}, price: {p}}}" for r, p in zip(rooms, ("1.5", "3"), strict=True)
        ]
        price = f"kind: capacity, tiers: [{', '.join([*tiers, '{price: 7.7777777}'])}]"
    else:
        price = _tiers(random, per, ["price: 0.004", "price: 1.5", "price: 0"])
    return [f"{{deal: pool-{names[0]}, flow: {flow}, over: [{over}], price: {{{price}}}}}"]


def _tiers(random: Random, per: str, prices: Sequence[str]) -> str:
    bounds = sorted(random.sample([1, 2, 5, 30], random.randint(0, 2)))
    tiers = [
        f"{{{bound}{random.choice(prices)}, flat: {random.choice(['0', '0.333333333'])}}}"
        for bound in [*(f"up_to: {b}, " for b in bounds), ""]
    ]
    more = [
        *random.choice([[], ["curve: volume"]]),
        *random.choice([[], [f"at_least: {random.choice([2, 40])}"]]),
        *random.choice([[], [], ["flat_on_zero: true"]]),
        *random.choice([[], [], ["free: 1"]]),
    ]
    return ", ".join([f"kind: tiers, per: {per}", *more, f"tiers: [{', '.join(tiers)}]"])


def _of_money(random: Random, items: Sequence[str], zone: str) -> list[str]:
    """Deals over what items come to, each way."""
    deals = []
    for flow in ("receivable", "payable"):
        mine = [item for item in items if f" flow: {flow}" in item and not SPANNED.search(item)]
        by_event = [item for item in mine if "kind: tiers" not in item or "each: event" in item]
        hourly = zone != "Asia/Kathmandu" and by_event and random.random() < 1 / 2
        members = by_event if hourly else mine
        if not members:
            continue
        found = [FLOW.search(i) for i in random.sample(members, min(3, len(members)))]
        over = [name[1] for name in found if name is not None]
        result = random.choice(["", ", result: add", ", result: replace"])
        percents = [f"percent: {percent}" for percent in PERCENTS]
        if hourly:
            least = random.choice(["", ", at_least: 3"])
            tiers = f"{{up_to: 2, {random.choice(percents)}}}, {{{random.choice(percents)}}}"
            price = f"kind: tiers, per: amount, each: hour{least}, tiers: [{tiers}]"
        elif random.random() < 1 / 3:
            chosen = random.choice(["events", over[0]])
            tiers = f"{{up_to: 2, {random.choice(percents)}}}, {{{random.choice(percents)}}}"
            price = (
                f"kind: tiers, per: amount, curve: volume, chosen_by: {chosen}, tiers: [{tiers}]"
            )
        else:
            price = _tiers(random, "amount", percents)
        listed = ", ".join(over)
        deals.append(
            f"{{deal: money-{flow}, flow: {flow}, over: [{listed}], price: {{{price}{result}}}}}"
        )
    return deals
