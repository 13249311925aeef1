"""Random items with conditions, and usage that meets some of them, for tests of selection.

The values are few, so that items often compete: short prefixes within each other, two routes, three
networks. Whether two items tie is said here once more, in the plainest way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from schemas.codes import Service
from tests.builders import agreement_text, reference_dir
from tests.usage_makers import NOVEMBER_US, message, row

KEYS = """\
kind,key,agreement,valid_from,valid_upto
route,TG-1,ALFA-1,,
route,TG-2,ALFA-1,,
access_point,ap-1,ALFA-1,,
access_point,ap-2,ALFA-1,,
"""
CHARACTERISTICS = """\
kind,key,name,value,valid_from,valid_upto
route,TG-1,access,fibre,,2026-11-01
route,TG-1,access,copper,2026-11-01,
route,TG-1,status,active,2026-01-01,2026-12-01
route,TG-2,access,fibre,,
"""
BANDS = """\
- bands: WEEK
  days:
    mon-fri: [{from: "00:00", band: night}, {from: "08:00", band: day}, {from: "18:00", band: late}]
    sat-sun: [{from: "00:00", band: night}]
- bands: HALVES
  days: {mon-sun: [{from: "00:00", band: first}, {from: "12:00", band: second}]}
"""
TIMES = (
    "{of: WEEK, in: [night]}",
    "{of: WEEK, in: [day, late]}",
    "{of: WEEK, in: [late]}",
    "{of: HALVES, in: [first]}",
)
ONE_VALUE = ("listed", "characteristic", "band")
NUMBERS = ("4", "49", "493", "4917", "1", "18")
VALUES: dict[str, dict[str, tuple[str, ...]]] = {
    "voice": {
        "key": ("route:TG-1", "route:TG-2"),
        "characteristic": ("{access: [fibre]}", "{access: [copper]}", "{status: [active]}"),
        "routing": NUMBERS,
        "called": NUMBERS,
        "calling": NUMBERS,
        "listed": ("true",),
        "visited_network": ("26201", "24201"),
        "home_network": ("26201", "20801"),
        "band": TIMES,
    },
    "data": {
        "key": ("access_point:ap-1", "access_point:ap-2"),
        "visited_network": ("26201", "24201"),
        "access_point": ("ap-1", "ap-2"),
        "rating_group": ("0", "7", "-3"),
        "band": TIMES,
    },
}
ROLES = {"voice": "ingress", "data": "subscriber"}


@dataclass(frozen=True)
class Selecting:
    """One item: its name, service and conditions."""

    name: str
    service: str
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    surcharge: bool = False

    def text(self) -> str:
        """The item as YAML; one with a condition on its deck is priced by it."""
        said = ", ".join(
            f"{name}: {values[0] if name in ONE_VALUE else '[' + ', '.join(values) + ']'}"
            for name, values in self.where.items()
        )
        price = "{kind: unit, per: event, amount: 1}"
        if "listed" in self.where:
            price = "{kind: deck, deck: STANDARD}"
        more = (f", where: {{{said}}}" if said else "") + ", surcharge: true" * self.surcharge
        return (
            f"{{item: {self.name}, role: {ROLES[self.service]}, service: {self.service},"
            f" flow: receivable, price: {price}{more}}}"
        )


def tie(one: Selecting, other: Selecting) -> bool:
    """Whether some event could find both and nothing to choose by."""
    if one.surcharge or other.surcharge or one.service != other.service:
        return False
    if set(one.where) != set(other.where):
        return False
    return all(
        set(one.where[name]) & set(other.where[name])
        or is_of_two_names(name, one, other)
        or (name == "band" and has_a_time_for_both(one.where[name][0], other.where[name][0]))
        for name in one.where
    )


def has_a_time_for_both(one: str, other: str) -> bool:
    """Whether two conditions on bands are of different plans, or share a band."""
    (plan, bands), (other_plan, other_bands) = (
        text.strip("{}").removeprefix("of: ").split(", in: ") for text in (one, other)
    )
    listed = [set(text.strip("[]").split(", ")) for text in (bands, other_bands)]
    return plan != other_plan or bool(listed[0] & listed[1])


def is_of_two_names(field_name: str, one: Selecting, other: Selecting) -> bool:
    """Whether two conditions ask for two characteristics, which one key may both have."""
    names = {item.where[field_name][0].partition(":")[0] for item in (one, other)}
    return field_name == "characteristic" and len(names) > 1


def some_items(random: Random, count: int) -> list[Selecting]:
    """Items that may tie; without surcharges that have nothing to be added to."""
    items = [Selecting(f"{service}-any", service) for service in ROLES if random.random() < 2 / 3]
    for number in range(count):
        service = random.choice(list(ROLES))
        pool = VALUES[service]
        where = {
            name: tuple(random.sample(pool[name], 1 if name in ONE_VALUE else random.randint(1, 2)))
            for name in random.sample(list(pool), random.randint(1, 3))
        }
        has_base = any(item.service == service and not item.surcharge for item in items)
        surcharge = has_base and random.random() < 1 / 4
        items.append(Selecting(f"item-{number}", service, where, surcharge))
    return items


def without_ties(items: Sequence[Selecting]) -> list[Selecting]:
    """The items that tie with none before them."""
    kept: list[Selecting] = []
    for item in items:
        if not any(tie(item, other) for other in kept):
            kept.append(item)
    return kept


def reference_of(directory: Path, items: Sequence[Selecting]) -> Path:
    """A reference directory of one agreement with these items."""
    text = agreement_text(", ".join(item.text() for item in items))
    others = {"characteristics.csv": CHARACTERISTICS, "bands.yaml": BANDS}
    return reference_dir(directory, agreements=text, attribution=KEYS, others=others)


def some_usage(random: Random, count: int) -> list[bytes]:
    """Calls and sessions, a message each, in which anything that may be missing sometimes is."""

    def number() -> str:
        """A number under one of the prefixes, now and then only the prefix itself."""
        digits = random.choice((*NUMBERS, "86"))
        return digits + str(random.randrange(10**6)) * random.randint(0, 1)

    messages = []
    for sequence in range(count):
        common: dict[str, Any] = {
            "sequence": sequence,
            "started_at": NOVEMBER_US
            + random.choice([-1, 0, 40 * 86_400_000_000])
            + random.randrange(48) * 3_600_000_000,
            "visited_network": random.choice([None, "26201", "24201", "99999"]),
            "home_network": random.choice([None, "26201", "20801"]),
        }
        if random.random() < 2 / 3:
            common |= {
                "ingress_route": random.choice(["TG-1", "TG-2"]),
                "called_number": number(),
                "routing_number": random.choice([None, number()]),
                "calling_number": random.choice([None, number(), "493x", "", "18123456789x"]),
                "home_network": None,
            }
            messages.append(message(Service.VOICE, row(Service.VOICE, **common)))
        else:
            common |= {
                "access_point": random.choice(["ap-1", "ap-2"]),
                "rating_group": random.choice([None, 0, 7, -3, 5]),
                "home_network": None,
            }
            messages.append(message(Service.DATA, row(Service.DATA, **common)))
    return messages
