"""Worlds whose items compete: conditions and surcharges added to what a world has agreed.

The usage of a world names few networks, numbers and groups; the conditions name the same ones, so
that some hold. They are drawn apart from the world, which otherwise stays the same one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from random import Random

from tests.world_intervals import is_of_time
from tests.worlds import World

ITEM = re.compile(
    r"\{item: (?P<name>[\w-]+), (?P<usage>role: (?P<role>\w+), service: (?P<service>\w+), "
    r"direction: \w+, flow: \w+), price: (?P<price>\{.*?\})\}(?=, \{item: |\]\}|\], deals: )"
)
NUMBERS = ("called: [49]", "called: [4917, 1]", "routing: [4]", "calling: [4930]", "calling: [49]")
NETWORKS = ("visited_network: [24201]", "visited_network: [24201], called: [4, 8]")
CONDITIONS = {
    "voice": (*NUMBERS, *NETWORKS, "listed: true"),
    "sms": (*NUMBERS, *NETWORKS),
    "data": (NETWORKS[0], "rating_group: [7]", "rating_group: [0], access_point: [ap-1]"),
    "transaction": ("transaction_type: [refund]",),
    "bandwidth": (),
    "circuit": (),
}
NUMBERED = ("rated", "rated", "called", "routing", "calling")
CHARACTERISTICS = """\
kind,key,name,value,valid_from,valid_upto
route,R1,access,fibre,,2026-10-28
route,R1,access,copper,2026-10-28,
channel,C1,access,copper,2026-10-27,2026-10-30
product,P1,access,fibre,2026-10-27T12:00:00Z,
access_point,ap-1,access,fibre,,
"""
CURRENCIES = ("EUR", "USD")
ROUNDING = re.compile(r"currency: (?P<currency>\w+), period: \w+, rounding:")
# Name, role, service and more: the first is replaced where an agreement has an item of that name.
MASTER = (
    ("voice-ingress-any", "ingress", "voice", ""),
    ("m-voice", "ingress", "voice", ", where: {called: [4]}"),
    ("m-out", "egress", "voice", ""),
    ("m-sms", "ingress", "sms", ", where: {visited_network: [24201]}"),
    ("m-data", "subscriber", "data", ""),
    ("m-sale", "channel", "transaction", ", surcharge: true, where: {transaction_type: [sale]}"),
    ("m-channel", "channel", "transaction", ""),
)
ACCESS = ("characteristic: {access: [fibre]}", "characteristic: {access: [copper]}")
BANDS = ("band: {of: PLAN, in: [day, peak]}", "band: {of: PLAN, in: [night]}")
KEYS = {
    "ingress": "key: [route:R1, route:R2]",
    "egress": "key: [route:R2]",
    "subscriber": "key: [access_point:ap-1, network:26201]",
    "channel": "key: [channel:C1]",
    "product": "key: [product:P1]",
}


def competing(world: World) -> World:
    """The world with more items in every version, some of which win and some are added."""
    return replace(world, reference=_more(world.reference), mended=_more(world.mended))


def _more(files: Mapping[str, str]) -> Mapping[str, str]:
    """The files with other agreements, some of whose versions build on a master price list."""
    text = files["agreements.yaml"]
    random = Random(text)
    bands = BANDS if "bands.yaml" in files else ()
    text = ITEM.sub(lambda found: _items(random, found, bands), text)
    text = ROUNDING.sub(lambda found: _version(random, found), text)
    return {
        **files,
        "agreements.yaml": text,
        "books.yaml": "".join(map(_book, CURRENCIES)),
        "characteristics.csv": CHARACTERISTICS,
    }


def _version(random: Random, found: re.Match[str]) -> str:
    """The terms of a version, now and then with a master in its currency."""
    master = f"master: {{book: M-{found['currency']}, version: 7}}, " * random.randint(0, 1)
    return found[0].replace("rounding:", f"{master}rounding:")


def _book(currency: str) -> str:
    """A master price list whose items win only where the partner has none, or replace nothing."""
    items = ", ".join(
        f"{{item: {name}, role: {role}, service: {service}, flow: payable,"
        f" price: {{kind: unit, per: event, amount: 3}}{more}}}"
        for name, role, service, more in MASTER
    )
    version = f"{{version: 7, items: [{items}]}}"
    return f"- {{book: M-{currency}, currency: {currency}, versions: [{version}]}}\n"


def _items(random: Random, found: re.Match[str], bands: Sequence[str]) -> str:
    """One item, and up to two more with conditions on different fields."""
    name, usage, price = found["name"], found["usage"], found["price"]
    conditions = [
        where
        for where in (*CONDITIONS[found["service"]], KEYS[found["role"]], *ACCESS, *bands)
        if "deck" in price or "listed" not in where
    ]
    chosen = random.sample(conditions, min(len(conditions), random.randint(0, 2)))
    if len({re.sub(r": \[.*?\]|: true", "", where) for where in chosen}) < len(chosen):
        chosen = chosen[:1]  # conditions on the same fields might tie
    price = price.replace("STD}", f"STD, number: {random.choice(NUMBERED)}}}")
    items = [f"{{item: {name}, {usage}, price: {price}}}"]
    if "kind: counted" in price:
        price = "{kind: unit, per: event, amount: 2}"  # no deal is over these
    for number, where in enumerate(chosen):
        added = random.choice([", surcharge: true", "", ""])
        added = "" if is_of_time(price) else added  # what is cut into pieces is no surcharge
        items.append(
            f"{{item: {name}-{number}, {usage}, where: {{{where}}}, price: {price}{added}}}"
        )
    return ", ".join(items)
