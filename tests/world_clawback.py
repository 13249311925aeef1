"""Worlds with reversals: transactions of the second version, margins and clawbacks.

The world's transactions are written again, some in the second version with a cost and the time of
an original; what is added follows from the event alone, so that repeats stay repeats. Its items
for transactions get clawbacks and counts of cost or margin.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import replace
from itertools import chain
from random import Random
from typing import Any

import fastavro

from schemas.registry import read_schema
from tests.world_usage import ENVELOPE_OFFSET, IDS, Sent, datum, framed
from tests.worlds import World

FIRST, SECOND = IDS["transaction"], 16
ITEM = re.compile(r"\{item: (?:(?!\{item: |\], deals: ).)*", re.DOTALL)
HOUR_US = 3_600_000_000
AGO_US = (0, 1, 12 * HOUR_US, 24 * HOUR_US - 1, 24 * HOUR_US, 50 * HOUR_US, 72 * HOUR_US)
COSTS = (0, 0, 400_000, 9_990_001, -4_000_000, 2**44)
SCHEMA = fastavro.parse_schema(read_schema("usage_transaction.avsc"))
SECOND_SCHEMA = read_schema("usage_transaction.v2.avsc")


def reversing(world: World) -> World:
    """The world with clawbacks and margins, and with reversals among its usage."""
    usage = tuple(chain.from_iterable(map(_rewritten, world.usage)))
    changed = {**world.reference, "agreements.yaml": _terms(world.reference)}
    mended = {**world.mended, "agreements.yaml": changed["agreements.yaml"]}
    return replace(world, reference=changed, mended=mended, usage=usage)


def _terms(files: Mapping[str, str]) -> str:
    """The agreements with more in their items for transactions."""
    return ITEM.sub(_item, files["agreements.yaml"])


def _item(found: re.Match[str]) -> str:
    """One item with a clawback, another count, or as it was."""
    text = found[0]
    random = Random(text)
    is_period = "kind: tiers" in text and "each: event" not in text
    is_period |= "bands: " in text or "kind: counted" in text
    if "service: transaction" not in text:
        return text
    more = ""
    if not is_period and random.random() < 3 / 4:
        rule, days = random.choice([("full", 1), ("full", 30), ("pro_rata", 3), ("pro_rata", 1)])
        types = random.choice(["[refund]", "[refund]", "[sale, refund]"])
        types = "[refund]" if "transaction_type" in text else types
        more = f"clawback: {{types: {types}, window_days: {days}, rule: {rule}}}, "
    by_amount = "kind: share" in text or "per: amount" in text
    if by_amount and "count: " not in text and random.random() < 1 / 2:
        more += f"count: {{of: {random.choice(['cost', 'margin'])}}}, "
    return text.replace("price: {", f"{more}price: {{", 1)


def _rewritten(sent: Sent) -> list[Sent]:
    """A message of transactions, perhaps in the second version, and one of their reversals."""
    value = sent.value
    if value is None or len(value) < 5 or value[:4] != bytes(4):
        return [sent]
    if value[4] not in (FIRST, FIRST + ENVELOPE_OFFSET):
        return [sent]
    try:
        events = _read(value)
    except (EOFError, IndexError, ValueError, OverflowError):
        return [sent]  # a message that was bent
    more = [event | _said(event) for event in events]
    reversed_ = replace(sent, value=_envelope([_reversal(event) for event in more]))
    is_plain = all(e["original_started_at"] is None and not e["cost_amount_micros"] for e in more)
    if is_plain and Random(f"{sent.log_time_us}").random() < 1 / 2:
        return [sent, reversed_]
    if value[4] == FIRST:
        return [replace(sent, value=framed(SECOND, _second(more[0]))), reversed_]
    return [reversed_, replace(sent, value=_envelope(more))]


def _envelope(events: list[dict[str, Any]]) -> bytes:
    """Events as a message, each in a block of its own."""
    blocks = b"".join(b"\x02" + _second(event) for event in events)
    return framed(SECOND + ENVELOPE_OFFSET, blocks + b"\x00")


def _reversal(event: Mapping[str, Any]) -> dict[str, Any]:
    """The refund of an event, a number of its own, its amounts negative or as they were."""
    random = Random(str(sorted(event.items(), key=str)) + "back")
    sequence, sign = event["sequence"], random.choice([-1, 1])
    fields = dict(event)
    if sequence is not None and 0 <= sequence < 500:
        fields["sequence"] = sequence + 1_000
    else:
        fields |= {"sequence": None, "event_id": f"back of {event['event_id']}"}
    for name in ("retail_amount_micros", "cost_amount_micros"):
        fields[name] = max(-(2**63), min(sign * event[name], 2**63 - 1))
    began = event["started_at"]
    started = min(began + random.choice(AGO_US), 2**63 - 1)
    times = {"started_at": started, "original_started_at": began}
    return fields | times | {"transaction_type": "refund"}


def _read(value: bytes) -> list[dict[str, Any]]:
    """The events of a message of the first version.

    Raises:
        ValueError: it is not whole.
    """
    envelope = {"type": "array", "items": read_schema("usage_transaction.avsc")}
    is_one = value[4] == FIRST
    stream = io.BytesIO(value[5:])
    schema = _physical(SCHEMA if is_one else fastavro.parse_schema(envelope))
    found: Any = fastavro.schemaless_reader(stream, schema, None)
    events: list[dict[str, Any]] = [found] if is_one else found
    if stream.read(1) or (is_one and datum("transaction", found) != value[5:]):
        raise ValueError("bent")
    return events


def _physical(schema: Any) -> Any:  # noqa: ANN401 - Avro schemas are JSON
    """A schema without logical types, for times beyond any calendar."""
    if isinstance(schema, dict):
        return {k: _physical(v) for k, v in schema.items() if k != "logicalType"}
    return [_physical(part) for part in schema] if isinstance(schema, list) else schema


def _second(event: Mapping[str, Any]) -> bytes:
    """An event as a datum of the second version."""
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(_physical(SECOND_SCHEMA)), dict(event))
    return out.getvalue()


def _said(event: Mapping[str, Any]) -> dict[str, Any]:
    """What the second version says more: mostly of refunds when the original was."""
    random = Random(str(sorted(event.items(), key=str)))
    started = event["started_at"]
    chance = 7 / 8 if event["transaction_type"] == "refund" else 1 / 8
    original = None
    if random.random() < chance:
        ago = random.choices([*AGO_US, 40 * 24 * HOUR_US, -1], [4] * len(AGO_US) + [2, 1])[0]
        original = max(started - ago, -(2**63))
    costs = [10, 10, 10, 10, 10, 1]
    return {
        "original_started_at": original,
        "cost_amount_micros": random.choices(COSTS, costs)[0],
    }
