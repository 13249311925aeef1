"""Worlds whose tiers price something else than sums: windows, peaks, percentiles and members.

A world's items under tiers are read once more, and most of them get a measure that fits what they
price; ports get tiers of levels. What is drawn here has a seed of its own. Usage gets more samples
of ports than a world usually has, some of them long and some cut by the end of a period.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from random import Random

from tests.world_intervals import is_of_time
from tests.world_selectors import ITEM
from tests.world_usage import IDS, Sent, datum, framed
from tests.worlds import DAY_US, WINDOW_DAYS, WINDOW_FROM_US, ZONES, World

EACH = ("5min", "hour", "day")
LEVELS = (
    "percent: 95",
    "percent: 50, direction: up",
    "percent: 95, direction: sum, by: all",
    "percent: 33.3333333, direction: down, window: hour",
    "percent: 100, by: all, window: 5min",
    "percent: 99.9, missing: zero",
    "percent: 40, missing: repeat",
    "percent: 99.8, by: all, missing: repeat, direction: sum",
)
BY_VOLUME = (
    'curve: volume, free: 1, tiers: [{up_to: 30, price: 1, flat: 2}, {price: "0.5", block: 7}]'
)
BANDWIDTH = (
    '{kind: tiers, per: kilobit_per_second, tiers: [{up_to: 10, price: "1.5"}, {price: "2"}]}',
    '{kind: tiers, per: megabit_per_second, at_least: 20, tiers: [{price: "0.333333333"}]}',
    f"{{kind: tiers, per: kilobit_per_second, {BY_VOLUME}}}",
    '{kind: tiers, per: bit_per_second, flat_on_zero: true, tiers: [{flat: 3, price: "0.0001"}]}',
)


PERS = {"voice": "second", "data": "kilobyte", "bandwidth": "megabyte", "sms": "unit"}
ROLE = {"voice": "ingress", "data": "subscriber", "bandwidth": "product", "sms": "ingress"}
TIERS = (
    'tiers: [{up_to: 20, price: "0.25"}, {price: "0.125", flat: 1}]',
    'curve: volume, tiers: [{up_to: 90, price: "0.3"}, {price: "0.1"}]',
    'at_least: 100, tiers: [{up_to: 100, price: "0.01"}, {price: "0.012"}]',
    'free: 3, at_least: 7, tiers: [{block: 10, price: "5"}]',
)
HEADER = "kind,key,agreement,valid_from,valid_upto\n"
BOUNDARY = '"2026-10-28T00:00:00+01:00"'


def measured_world(seed: int, messages: int) -> World:
    """A world of little else than measures: few keys, much usage of each, two versions.

    Half the time the second version measures as the first one does, and goes on along its curve.
    """
    random = Random(f"measured {seed}")
    names = ["A1", "A2"]
    text = "".join(_agreement(random, name) for name in names)
    kinds = {"route": "R", "access_point": "ap", "product": "P"}
    keys = [f"{kind},{key}{n},A{n},,\n" for kind, key in kinds.items() for n in (1, 2)]
    keys += [f"product,P{n}-b,A{n},,\n" for n in (1, 2)]
    files = {
        "partners.yaml": "".join(f"- {{partner: P-{name}, name: {name}}}\n" for name in names),
        "agreements.yaml": text,
        "attribution.csv": HEADER + "".join(keys),
    }
    pools = dict.fromkeys(names, "POOL")
    usage = tuple(_usage(seed, messages))
    return World(seed, files, files, pools, usage, 1, random.randint(1, 2))


def _agreement(random: Random, name: str) -> str:
    """One agreement of two versions, whose items each have a measure that fits."""
    place = random.choice(["record", "line", "statement"])
    zone, other = random.choice(ZONES), random.choice(ZONES)
    period = random.choice(["month", "month", "day"])
    first = _measured_items(random)
    second = first if random.random() < 1 / 2 else _measured_items(random)
    head = f"currency: EUR, period: {period}, rounding: {{place: {place}, decimals: 2}}"
    spans = [f"valid_from: 2026-01-01, valid_upto: {BOUNDARY}", f"valid_from: {BOUNDARY}"]
    zones = [zone, random.choice([zone, zone, other])]
    versions = ",\n  ".join(
        f"{{version: {n}, {span}, zone: {of}, {head}, items: [{', '.join(items)}]}}"
        for n, (span, of, items) in enumerate(zip(spans, zones, (first, second), strict=True), 1)
    )
    return (
        f"- {{agreement: {name}, partner: P-{name}, model: wholesale, pool: POOL,\n"
        f"  versions: [{versions}]}}\n"
    )


def _measured_items(random: Random) -> list[str]:
    """An item of each service."""
    items = []
    for service, per in PERS.items():
        price = f"{{kind: tiers, per: {per}, {random.choice(TIERS)}}}"
        if service == "bandwidth" and random.random() < 2 / 3:
            price = random.choice(BANDWIDTH)
        said, _, each = _measure(random, price, service).partition("|")
        if each:
            price = price.replace("{kind: tiers", each, 1)
        if "of: distinct" in said:
            price = price.replace(f"per: {per}", "per: unit")
        more = f", {said}" if said else ""
        items.append(
            f"{{item: {service}, role: {ROLE[service]}, service: {service}, flow: receivable, "
            f"price: {price}{more}}}"
        )
    return items


def _usage(seed: int, messages: int) -> Iterator[Sent]:
    """Usage of a few days on either side of the versions and of the months, some of it twice."""
    log_time_us = WINDOW_FROM_US + WINDOW_DAYS * DAY_US
    before: list[bytes] = []
    for number in range(messages):
        random = Random(f"{seed}/{number}")
        log_time_us += 1_000
        if before and random.random() < 1 / 10:
            yield Sent(0, log_time_us, random.choice(before))
            continue
        family = random.choice(list(PERS))
        day = random.choice([2, 5, 5, 8, 9])
        started = WINDOW_FROM_US + day * DAY_US + random.choice([0, 79_200, 86_399]) * 10**6
        started += random.choice([0, 1, 299, 300, 3_599, 3_600, 40_000]) * 10**6
        value = framed(IDS[family], datum(family, _event(random, family, number, started)))
        before.append(value)
        yield Sent(0, log_time_us, value)


def _event(random: Random, family: str, number: int, started: int) -> dict[str, object]:
    """One event that counts."""
    owner = random.choice([1, 2])
    fields: dict[str, object] = {
        "source": "msc-1",
        "sequence": number,
        "direction": "in",
        "started_at": started,
        "subscriber": random.choice(["4917011", "4917012", "4917013", None]),
    }
    volumes = {
        "volume_up_bytes": random.choice([0, 1_500, 10**6, 10**8]),
        "volume_down_bytes": random.choice([0, 777, 10**7]),
    }
    match family:
        case "voice":
            own = {"ingress_route": f"R{owner}", "called_number": "4930"}
            return fields | own | {"duration_ms": random.choice([0, 9_000, 60_000, 95_000])}
        case "sms":
            own = {"ingress_route": f"R{owner}", "called_number": "4930"}
            return fields | own | {"units": random.choice([0, 1, 12, 90])}
        case "data":
            return fields | volumes | {"access_point": f"ap{owner}"}
    span = random.choice([0, 60, 300, 300, 900, 100_000]) * 10**6
    port = random.choice([f"P{owner}", f"P{owner}-b"])
    del fields["subscriber"]
    return fields | volumes | {"product_instance": port, "ended_at": started + span}


def measuring(world: World) -> World:
    """The same world, where what tiers price is mostly no sum."""
    random = Random(f"measures {world.seed}")
    measured: dict[str, str] = {}

    def item(found: re.Match[str]) -> str:
        """An item with a measure, or itself; the same one in all versions, as a rule."""
        price, service = found["price"], found["service"]
        if "kind: tiers" not in price or "each: " in price or random.random() < 1 / 6:
            return found[0]
        if (
            is_of_time(found[0])
            or "chosen_by" in price
            or f"chosen_by: {found['name']}" in found.string
        ):
            return found[0]
        if service == "bandwidth" and random.random() < 2 / 3:
            price = random.choice(BANDWIDTH)
        drawn = measured.get(found["name"])
        is_level = "per_second" in price
        drawn = None if drawn is not None and "percent" in drawn else drawn
        if drawn is None or random.random() < 1 / 4 or is_level or "direction" in drawn:
            drawn = _measure(random, price, service)
        measured[found["name"]] = drawn
        said, _, each = drawn.partition("|")
        if each:
            price = price.replace("flat_on_zero: true, ", "").replace("{kind: tiers", each, 1)
        if "of: distinct" in said:
            price = re.sub(r", count: \{[^}]*\}", "", price)
            price = re.sub(
                r"per: \w+(, initial_seconds: \d+, next_seconds: \d+)?", "per: unit", price
            )
            price = re.sub(r"percent: [0-9.]+", "price: 0.4", price)
            price = price.replace("free: 90 second", "free: 3")
        more = f", {said}" if said else ""
        return f"{{item: {found['name']}, {found['usage']}, price: {price}{more}}}"

    files = {
        name: ITEM.sub(item, text) if name == "agreements.yaml" else text
        for name, text in world.reference.items()
    }
    mended = {**world.mended, "agreements.yaml": files["agreements.yaml"]}
    return replace(world, reference=files, mended=mended)


def _measure(random: Random, price: str, service: str) -> str:
    """A measure that fits a price, and behind a bar how tiers begin if anew in windows."""
    if "per_second" in price:
        if random.random() < 1 / 5:
            return "measure: {of: peak, window: 5min, direction: higher}|"
        return f"measure: {{of: percentile, {random.choice(LEVELS)}}}|"
    each = f"{{kind: tiers, each: {random.choice(EACH)}"
    ports = ", by: port" if service == "bandwidth" else ""
    choices = [
        f"|{each}",
        f"measure: {{of: sum}}|{each}",
        f"measure: {{of: peak}}|{each}",
        "measure: {of: peak}|",
        f"measure: {{of: peak, window: {random.choice(EACH)}{ports}}}|",
    ]
    if service in ("voice", "sms", "data", "transaction"):
        choices += [f"measure: {{of: distinct, of_what: subscriber}}|{random.choice(['', each])}"]
    if service in ("bandwidth", "circuit", "transaction"):
        choices += ["measure: {of: distinct, of_what: instance}|"]
    return random.choice(choices)
