"""Worlds in which a deal joins two agreements, so that they are closed together.

All agreements of a world come into one pool, with zone, currency and period alike and versions that
follow each other without a gap. One of them gets a deal over what items of its own and of another
come to.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from random import Random
from typing import Any

import yaml

from tests.worlds import World

SPANS = ("quarter", "year")
POOL = "JOINED"
PRICES: tuple[Mapping[str, Any], ...] = (
    {"kind": "bounds", "maximum": "0.5", "minimum": "0.3"},
    {"kind": "bounds", "discount_percent": "33.3333333"},
    {"kind": "tiers", "per": "amount", "at_least": "3", "tiers": [{"percent": "10"}]},
    {
        "kind": "tiers",
        "per": "amount",
        "result": "replace",
        "tiers": [{"up_to": "1", "percent": "100"}, {"percent": "50"}],
    },
)


def pooled(world: World) -> World:
    """A world with such a deal; as it is where no agreement has an item to join in all versions."""
    random = Random(world.seed)
    text = world.reference["agreements.yaml"]
    agreements = yaml.load(text, yaml.BaseLoader)  # noqa: S506 - texts only
    like = dict(agreements[0]["versions"][0])
    like["zone"] = random.choice(["UTC", "Europe/Berlin", "America/New_York"])
    for agreement in agreements:
        agreement["pool"] = POOL
        _align(agreement["versions"], like)
    having = [agreement for agreement in agreements if _joinable(agreement)]
    if len(agreements) < 2 or not having or world.mended["agreements.yaml"] != text:
        return world
    other = random.choice(having)
    owner = random.choice([agreement for agreement in agreements if agreement is not other])
    theirs = (f"{other['agreement']}/{name}" for name in _joinable(other))
    over, price = [*_joinable(owner), *theirs], random.choice(PRICES)
    deal = {"deal": "joint", "flow": "receivable", "over": over, "price": price}
    for version in owner["versions"]:
        version["deals"] = [*version.get("deals", ()), deal]
    written = {"agreements.yaml": "".join(f"- {json.dumps(of)}\n" for of in agreements)}
    return replace(
        world,
        pools={agreement["agreement"]: POOL for agreement in agreements},
        reference={**world.reference, **written},
        mended={**world.mended, **written},
    )


def _align(versions: list[dict[str, Any]], like: Mapping[str, Any]) -> None:
    """Give versions zone, currency and period of another one, no gaps, and nothing over spans."""
    for version in versions:
        version.update({field: like[field] for field in ("zone", "currency", "period")})
        for priced in (*version["items"], *version.get("deals", ())):
            if priced["price"].get("each") in SPANS:
                priced["price"].pop("each")
                priced["price"].pop("from", None)
    versions[0]["valid_from"] = "2020-01-01"
    versions[-1].pop("valid_upto", None)
    for earlier, later in pairwise(versions):
        earlier["valid_upto"] = later["valid_from"]


def _joinable(agreement: Mapping[str, Any]) -> list[str]:
    """The items that come to money which is received, in all versions."""
    names = [
        {
            item["item"]
            for item in version["items"]
            if item["flow"] == "receivable" and item["price"]["kind"] != "counted"
        }
        for version in agreement["versions"]
    ]
    return sorted(set.intersection(*names))
