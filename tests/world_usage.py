"""Usage of random worlds, as bytes: every family, envelopes, repeats, contradictions and rubbish.

Encoded by fastavro and by hand, so that nothing of the product's own encoders is in it. Message n
of a seed follows from the seed, n and what was sent before, whatever comes after.
"""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from random import Random
from typing import Any

import fastavro

from schemas.registry import read_schema
from tests.world_intervals import in_service_us

IDS = {"voice": 1, "sms": 2, "data": 3, "bandwidth": 4, "circuit": 5, "transaction": 6}
UNREADABLE_ID, ENVELOPE_OFFSET = 9, 100
SKEW_US = 600_000_000
SEQUENCES = (-1, 2**43 - 2, 2**43 - 1, 2**43, 2**62)
Event = tuple[str, dict[str, Any]]


@dataclass(frozen=True)
class Sent:
    """One message of `usage.v1`; a value of None is a tombstone, which means nothing there."""

    partition: int
    log_time_us: int
    value: bytes | None


@dataclass(frozen=True)
class Edges:
    """What reference distinguishes, so that usage can stand on either side of it."""

    from_us: int
    days: int
    moments: tuple[int, ...]
    keys: Mapping[str, tuple[str, ...]]
    prefixes: tuple[str, ...]
    subscribers: tuple[str, ...]


@dataclass
class Sources:
    """Sources by the partition they belong to, and what each has sent."""

    partitions: int
    sent: list[Event] = field(default_factory=list)

    def of(self, partition: int) -> list[str]:
        """Three sources of a partition; one of them has a slash in its name."""
        names = [f"msc-{number}{slash}" for number in range(60) for slash in ("", "/")]
        mine = [n for n in names if zlib.crc32(n.encode()) % self.partitions == partition]
        return [mine[0], mine[1], next(n for n in mine if n.endswith("/"))]


def messages_of(seed: int, count: int, edges: Edges, sources: Sources) -> tuple[Sent, ...]:
    """The first messages of a seed, in the order of the log."""
    messages = []
    log_time_us = edges.from_us + edges.days * 86_400_000_000
    for number in range(count):
        random = Random(f"{seed}/{number}")
        log_time_us += random.choice([1_000, 1_000_000, 60_000_000])
        partition = random.randrange(sources.partitions)
        value = _message(random, partition, log_time_us, edges, sources)
        messages.append(Sent(partition, log_time_us, value))
    return tuple(messages)


def framed(schema_id: int, body: bytes) -> bytes:
    """A message: zero byte, schema id, body."""
    return b"\x00" + schema_id.to_bytes(4, "big") + body


@cache
def _schema(family: str) -> Any:  # noqa: ANN401 - a parsed Avro schema has any shape
    return fastavro.parse_schema(read_schema(f"usage_{family}.avsc"))


def datum(family: str, record: Mapping[str, Any]) -> bytes:
    """A record as an Avro datum."""
    out = io.BytesIO()
    fastavro.schemaless_writer(out, _schema(family), dict(record))
    return out.getvalue()


def _long(value: int) -> bytes:
    """An Avro long: zigzag, then seven bits a byte, the lowest first."""
    bits = (value << 1) ^ (value >> 63)
    out = bytearray()
    while bits > 0x7F:
        out.append(bits & 0x7F | 0x80)
        bits >>= 7
    out.append(bits)
    return bytes(out)


def _message(
    random: Random, partition: int, log_time_us: int, edges: Edges, sources: Sources
) -> bytes | None:
    """One message: mostly an event or an envelope of some, sometimes something else."""
    kind = random.choices(
        ["event", "envelope", "unreadable", "rubbish", "bent", "nothing"], [50, 35, 5, 3, 6, 1]
    )[0]
    if kind == "nothing":
        return None
    if kind == "rubbish":
        return _rubbish(random)
    if kind == "unreadable":
        line = {
            "source": random.choice([*sources.of(partition), *sources.of(0), ""]),
            "sequence": random.choice([0, 1, 2, *SEQUENCES]),
            "reason": random.choice(["unreadable_line", "negative_quantity", "unknown", "test"]),
            "text": "a;b",
        }
        return framed(UNREADABLE_ID, datum("unreadable", line))
    family = random.choice(list(IDS))
    if kind == "envelope":
        events = [
            _event(random, family, partition, log_time_us, edges, sources)
            for _ in range(random.randint(0, 5))
        ]
        return framed(ENVELOPE_OFFSET + IDS[family], _array(random, family, events))
    fields = _event(random, family, partition, log_time_us, edges, sources)
    whole = framed(IDS[family], datum(family, fields))
    return whole if kind == "event" else _bent(random, whole)


def _array(random: Random, family: str, events: list[dict[str, Any]]) -> bytes:
    """Events as an Avro array: in one block, or in several, with or without their size."""
    blocks, rest = [], [datum(family, event) for event in events]
    while rest:
        size = random.choice([len(rest), len(rest), random.randint(1, len(rest))])
        block, rest = b"".join(rest[:size]), rest[size:]
        if random.random() < 1 / 8:
            blocks.append(_long(-size) + _long(len(block)) + block)
        else:
            blocks.append(_long(size) + block)
    return b"".join(blocks) + b"\x00"


def _rubbish(random: Random) -> bytes:
    """Bytes that are no message: short, of another magic byte, of no known schema, or random."""
    body = random.randbytes(random.randint(0, 20))
    schema_id = random.choice([0, 7, 8, 10, 99, 100, 107, 109, 257, 2**24 + 1, 2**32 - 1])
    frames = [body, framed(schema_id, body), b"\x01" + framed(1, body)[1:]]
    return random.choice([*frames, framed(random.choice([1, 3, 9, 101, 106]), body)])


def _bent(random: Random, whole: bytes) -> bytes:
    """A message with one byte changed, lost or added."""
    if re.search(rb"[\x80-\xff]{9}", whole):
        # Of the tenth byte of a number decoders drop all but one bit; such a number never counts.
        return whole + b"\x00"
    at = random.randrange(len(whole))
    return random.choice(
        [
            whole[:at] + bytes([whole[at] ^ 1 << random.randrange(8)]) + whole[at + 1 :],
            whole[:at] + whole[at + 1 :],
            whole[:at] + random.randbytes(1) + whole[at:],
            whole + b"\x00",
        ]
    )


def _event(
    random: Random, family: str, partition: int, log_time_us: int, edges: Edges, sources: Sources
) -> dict[str, Any]:
    """One event: new, sent before, or sent before with something else in it."""
    mine = sources.of(partition)
    before = [e for f, e in sources.sent if f == family and e["source"] in mine]
    chance = random.random()
    if before and chance < 1 / 6:
        return random.choice(before)
    fields = _new_event(random, family, log_time_us, edges)
    fields |= _identity(random, partition, sources)
    if before and chance < 1 / 4:
        old = random.choice(before)
        name = random.choice([name for name in fields if name not in ("source", "epoch")])
        fields = old | {name: fields[name]}
    sources.sent.append((family, fields))
    return fields


def _identity(random: Random, partition: int, sources: Sources) -> dict[str, Any]:
    """Who counts the event and how; now and then by nobody, or not at all."""
    mine = sources.of(partition)
    elsewhere = sources.of((partition + 1) % sources.partitions)
    source = random.choices([*mine, elsewhere[0], ""], [30, 20, 20, 1, 1])[0]
    sequence = random.choices(
        [random.randint(0, 400), random.choice(SEQUENCES), None], [80, 6, 14]
    )[0]
    event_id = random.choices([None, f"0/{random.randint(0, 40)}", ""], [60, 38, 2])[0]
    if sequence is None and event_id is None and random.random() < 9 / 10:
        event_id = f"0/{random.randint(0, 400)}"
    epoch = random.choices([0, 1, -(2**31), 2**31 - 1], [90, 6, 2, 2])[0]
    return {"source": source, "epoch": epoch, "sequence": sequence, "event_id": event_id}


def _started(random: Random, log_time_us: int, edges: Edges) -> int:
    """A time in the window, often on an edge to the microsecond."""
    chance = random.random()
    if chance < 1 / 2:
        return edges.from_us + random.randrange(edges.days * 86_400_000_000)
    if chance < 1 / 12 + 1 / 2:
        return log_time_us + SKEW_US + random.randint(-1, 1)
    if chance < 1 / 100 + 7 / 12:
        return random.choice([946_684_799_999_999, 4_102_444_800_000_000, -1, 2**62])
    hours = [edges.from_us + h * 3_600_000_000 for h in range(edges.days * 24)]
    edge = random.choice([*edges.moments, random.choice(hours)])
    return edge + random.choice([-1, 0, 1, 1_000_000, 1_800_000_000, 15_300_000_000])


def _new_event(random: Random, family: str, log_time_us: int, edges: Edges) -> dict[str, Any]:
    """All fields of a family but the identity."""
    started = _started(random, log_time_us, edges)
    fields: dict[str, Any] = {
        "direction": random.choice(["in", "out"]),
        "started_at": started,
        "utc_offset_minutes": random.choices([0, 60, 900, -901], [80, 16, 2, 2])[0],
        "test": random.random() < 1 / 30,
    }
    names = {f["name"] for f in read_schema(f"usage_{family}.avsc")["fields"]}
    keys = {
        "ingress_route": "route",
        "egress_route": "route",
        "access_point": "access_point",
        "home_network": "network",
        "product_instance": "product",
        "sales_channel": "channel",
    }
    for name, kind in keys.items():
        if name in names:
            known = edges.keys[kind]
            given = random.choices(known, [6] * (len(known) - 1) + [1])[0]
            is_required = name == "product_instance" and family != "transaction"
            fields[name] = given if is_required or random.random() < 1 / 2 else None
    for name, fill in _optional(random, edges).items():
        if name in names:
            fields[name] = fill if random.random() < 1 / 2 else None
    return fields | _measures(random, family, started, edges)


def _optional(random: Random, edges: Edges) -> dict[str, Any]:
    """Fields that may be missing."""
    number = random.choice(edges.subscribers)
    digits = str(random.randrange(10**12)).rjust(12, "0")
    subscriber = (number + digits)[: random.choice([11, 12, 15, 15])]
    return {
        "subscriber": random.choice([subscriber, subscriber, subscriber, number, "x1", ""]),
        "subscriber_token": "t-1",
        "calling_number": "4930999",
        "visited_network": "24201",
        "session_id": "s-1",
        "partial_sequence": random.randint(0, 2),
        "partial_final": random.random() < 1 / 2,
        "release_cause": 16,
        "rating_group": 7,
        "routing_number": _number(random, edges),
    }


def _number(random: Random, edges: Edges) -> str:
    """A called number under one of the prefixes, rarely none at all."""
    wrong = random.choice(["", "+4917", "12345678901234567", "12a", "١٢"])
    number = random.choice(edges.prefixes) + str(random.randrange(10**8))
    return random.choices([number[:15], wrong], [40, 1])[0]


def _measures(random: Random, family: str, started: int, edges: Edges) -> dict[str, Any]:
    """How much of it there was; now and then impossibly much, or less than nothing."""
    odd = random.choices([0, -1, 2**44 - 1, 2**44, 2**62, -(2**63)], [95, 1, 1, 1, 1, 1])[0]
    if family == "voice":
        duration = odd or random.choice(
            [0, 1, 999, 1_000, 1_001, 30_000, 36_001, 61_000, 7_200_000]
        )
        return {"called_number": _number(random, edges), "duration_ms": duration}
    if family == "sms":
        return {"called_number": _number(random, edges), "units": odd or random.randint(0, 3)}
    ended = {"ended_at": started + random.choices([300_000_000, 0, -1], [20, 5, 1])[0]}
    units = {"units": odd or random.randint(0, 12)}
    up, down = random.choice([0, 1, 1_500, 10**6, 2**20]), random.choice([0, 777, 10**7, 2**33])
    volumes = {"volume_up_bytes": odd or up, "volume_down_bytes": down}
    if family == "data":
        return volumes | {"duration_ms": random.choice([0, 1, 60_000])}
    if family == "bandwidth":
        return volumes | ended
    if family == "circuit":
        return units | {"ended_at": started + in_service_us(started)}
    retail = random.choice([0, 1, 999_999, 9_990_000, -4_990_000, 123_456_789_012])
    currency = random.choices(["EUR", "USD", "XTS", ""], [10, 5, 1, 1])[0]
    amount = {"retail_amount_micros": odd or retail, "retail_currency": currency}
    return units | amount | {"transaction_type": random.choice(["sale", "refund"])}
