"""Worlds with partial records: items that count sessions, and sessions whose parts come anyhow.

A world is taken as it is; its calls and data sessions are counted by legs or as one, and between
its messages come those of a few sessions: in any order, some twice, some of a route that only a
mended reference knows, some after more than a week.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from random import Random
from typing import Any

import yaml

from tests.world_usage import IDS, Sent, Sources, datum, framed
from tests.worlds import KEYS, PREFIXES, WINDOW_FROM_US, World

HOUR_US = 3_600_000_000
PARTIAL = ("voice", "data")
FIRST_SEQUENCE = 10_000
Terms = dict[str, Any]


def partial(world: World) -> World:
    """The world with sessions."""
    random = Random(f"sessions {world.seed}")
    usage = list(world.usage)
    for sent in _messages(random, world):
        at = random.randint(0, len(usage))
        logged_us = usage[at - 1].log_time_us if at else usage[0].log_time_us
        usage.insert(at, replace(sent, log_time_us=logged_us))
    return replace(
        world,
        reference=_counted(world.reference),
        mended=_counted(world.mended),
        usage=tuple(usage),
    )


def _counted(files: Mapping[str, str]) -> Mapping[str, str]:
    """The files with agreements that count sessions; JSON is YAML."""
    # BaseLoader leaves every value the text it is.
    agreements = yaml.load(files["agreements.yaml"], Loader=yaml.BaseLoader)  # noqa: S506
    random = Random(files["agreements.yaml"])
    for agreement in agreements:
        for version in agreement["versions"]:
            for item in version["items"]:
                if item["service"] in PARTIAL:
                    _count(random, item)
    text = ",\n".join(json.dumps(agreement) for agreement in agreements)
    return {**files, "agreements.yaml": f"[{text}]\n"}


def _count(random: Random, item: Terms) -> None:
    """An item that counts sessions, where it counts what goes on."""
    price = item["price"]
    bands = price.get("bands", {})
    whole = random.choice(["legs", "session", "session", "record"])
    if bands and bands["split"] != "start_band" and whole == "session":
        whole = "legs"
    if price.get("per") != "event" and whole != "record":
        item["count"] = {**item.get("count", {}), "whole": whole}
    for rate in [price, *bands.get("prices", {}).values()]:
        if "attempt_fee" in rate and random.random() < 1 / 2:
            rate["attempt_on"] = "last"


def _messages(random: Random, world: World) -> list[Sent]:
    """The parts of some sessions, in any order, some of them twice."""
    found = []
    sequence = FIRST_SEQUENCE
    for number in range(random.randint(2, 5)):
        family = random.choice(PARTIAL)
        partition = random.randrange(world.usage_partitions)
        source = random.choice(Sources(world.usage_partitions).of(partition))
        keys = _keys(random, family)
        started = WINDOW_FROM_US + random.randrange(10 * 24) * HOUR_US
        for part in range(random.randint(2, 6)):
            sequence += 1
            seconds = random.choice([0, 1, 30, 59, 60, 61, 600])
            fields = {
                "source": source,
                "sequence": sequence,
                "direction": "in",
                "started_at": started,
                "session_id": f"S-{number % 3}",
                "partial_sequence": random.choice([part, part, part, None]),
                "partial_final": random.choice([False, False, True, None]),
                "duration_ms": 1_000 * seconds,
                **keys,
            }
            if family == "data":
                fields["volume_up_bytes"] = seconds * 1_111
                fields["volume_down_bytes"] = random.choice([0, seconds * 10**6])
            if random.random() < 1 / 6 and family == "voice":
                fields["ingress_route"] = "R-NEW"
            value = framed(IDS[family], datum(family, fields))
            found += [Sent(partition, 0, value)] * random.choice([1, 1, 1, 2])
            started += max(seconds * 1_000_000, random.choice([0, 0, HOUR_US, 40 * HOUR_US]))
    return random.sample(found, len(found)) if random.random() < 2 / 3 else found


def _keys(random: Random, family: str) -> Terms:
    """Whose the session is; often on both sides of a call."""
    if family == "data":
        return {"access_point": random.choice(KEYS["access_point"][:-1])}
    routes = KEYS["route"][:-1]
    out = random.choice([None, *routes])
    number = random.choice(PREFIXES) + "5551234"
    return {
        "ingress_route": random.choice(routes),
        "egress_route": out,
        "called_number": number,
    }
