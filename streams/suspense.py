"""Suspense and quarantine: what could not be rated, kept with its reason.

*Suspense* is usage that reference does not know how to settle yet: an unknown route, no agreement
in force, no price. It waits under a suspense id, with the missing key named, and is tried again
when reference has been mended; its outcome then changes from suspended to rated, the only change an
outcome can make. *Quarantine* is what is not usage at all: it is kept with topic, partition, offset
and bytes, so that it can be looked at, mended and sent again. Bad input never stops the stream and
never vanishes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from schemas.codes import Reason, Service
from schemas.columns import Refused
from schemas.records import codec
from state.tables import Tables
from streams.log import Message, Segment
from streams.privacy import CLEAR_DIGITS, mask
from streams.usage import NO_SEQUENCE, UsageBatch

SUSPENSE = codec("suspense.avsc")
QUARANTINE = codec("quarantine.avsc")
MISSING_COLUMN = {
    Reason.UNKNOWN_ACCESS_POINT: ("access_point", "access_point"),
    Reason.UNKNOWN_NETWORK: ("network", "home_network"),
    Reason.UNKNOWN_PRODUCT: ("product", "product_instance"),
    Reason.UNKNOWN_CHANNEL: ("channel", "sales_channel"),
    Reason.CURRENCY_MISMATCH: ("currency", "retail_currency"),
}


def suspense_id(usage: UsageBatch, index: int, reason: Reason) -> str:
    """The id under which an event waits; a conflicting body has one of its own."""
    source = _escaped(usage.source.values[usage.source.codes[index]])
    if usage.sequence[index] == NO_SEQUENCE:
        identity = f"{source}//{_escaped(usage.event_id[index].as_py())}"
    else:
        identity = f"{source}/{usage.epoch[index]}/{usage.sequence[index]}"
    return (
        f"{identity}#{int(usage.body[index]):016x}"
        if reason is Reason.CONFLICTING_BODY
        else identity
    )


def _escaped(name: str) -> str:
    """A name without the marks that part an id: no two events may wait under one id."""
    return name.replace("%", "%25").replace("/", "%2F").replace("#", "%23")


def suspended(
    usage: UsageBatch, index: int, reason: Reason, tables: Tables, message: bytes
) -> Message:
    """One suspended event for `suspense.v1`; `message` is the event framed again, masked."""
    key = suspense_id(usage, index, reason)
    numbered = usage.sequence[index] != NO_SEQUENCE
    record = {
        "suspense_id": key,
        "source": usage.source.values[usage.source.codes[index]],
        "epoch": int(usage.epoch[index]),
        "sequence": int(usage.sequence[index]) if numbered else None,
        "event_id": usage.event_id[index].as_py(),
        "reason": reason.label,
        "missing": missing(usage, index, reason, tables),
        "started_at": int(usage.started_us[index]),
        "service": Service(int(usage.service[index])).label,
        "partition": int(usage.partition[index]),
        "offset": int(usage.offset[index]),
        "row": int(usage.row[index]),
        # Avro's long is signed; the digest is read back modulo 2^64.
        "body": int(usage.body[index].astype("int64")),
        "usage": message,
    }
    return key.encode(), SUSPENSE.encode(record)


def missing(usage: UsageBatch, index: int, reason: Reason, tables: Tables) -> str:
    """What reference lacks for an event, in the words of the reference files."""
    if reason is Reason.UNKNOWN_ROUTE:
        return f"route:{_unknown_route(usage, index, tables)}"
    if reason is Reason.NO_RATE:
        return f"prefix:{_rated_number(usage, index)}"
    if reason in MISSING_COLUMN:
        kind, column = MISSING_COLUMN[reason]
        return f"{kind}:{_name(usage, column, index)}"
    return reason.label


def _name(usage: UsageBatch, column: str, index: int) -> str:
    text = usage.keys[column]
    code = int(text.codes[index])
    return text.values[code] if code >= 0 else ""


def _rated_number(usage: UsageBatch, index: int) -> str:
    """The leading digits of the number that prices go by."""
    family, at = usage.origin(index)
    if family is None or "called_number" not in family.columns:
        return ""
    routing = family.columns["routing_number"][at].as_py()
    return mask(routing or family.columns["called_number"][at].as_py())[:CLEAR_DIGITS]


def _unknown_route(usage: UsageBatch, index: int, tables: Tables) -> str:
    """The first of the two routes that nobody owns at the time of the event."""
    routes = tables.keys[0]
    second = usage.started_us[index : index + 1] // 1_000_000
    for column in ("ingress_route", "egress_route"):
        name = _name(usage, column, index)
        code = routes.get(name, -1)
        if name and (
            code < 0 or tables.assignment.lookup(np.array([code], np.int32), second)[0] == -1
        ):
            return name
    return ""


def quarantined_event(usage: UsageBatch, index: int, topic: str, message: bytes) -> Message:
    """A decoded record that is not usage; `message` is the record framed again."""
    reason = Reason(int(usage.reason[index]))
    family, at = usage.origin(index)
    source = usage.source.values[usage.source.codes[index]]
    detail = usage.unreadable[at].text if family is None else _says(reason, usage, index)
    position = (topic, int(usage.partition[index]), int(usage.offset[index]), int(usage.row[index]))
    return _quarantine(position, reason, detail, source, source.encode(), message)


def _says(reason: Reason, usage: UsageBatch, index: int) -> str:
    """The figures that a rule refused."""
    amounts = ", ".join(f"{k}={v[index]}" for k, v in usage.quantities.items() if v[index])
    return f"{reason.label}: started_at={usage.started_us[index]}us {amounts}".strip()


def quarantined_messages(
    segments: Sequence[Segment], refused: Sequence[Refused]
) -> list[tuple[int, Message]]:
    """Messages that do not decode, each with its usage partition."""
    if not refused:
        return []
    found, start = [], 0
    wanted = {r.message: r for r in refused}
    for segment in segments:
        for index in range(start, start + len(segment)):
            one = wanted.get(index)
            if one is not None:
                at = index - start
                position = (segment.topic, segment.partition, int(segment.offsets[at]), 0)
                key, value = segment.keys[at], segment.values[at] or b""
                message = _quarantine(position, one.reason, one.detail, None, key, value)
                found.append((segment.partition, message))
        start += len(segment)
    return found


def _quarantine(
    position: tuple[str, int, int, int],
    reason: Reason,
    detail: str,
    source: str | None,
    key: bytes | None,
    message: bytes,
) -> Message:
    topic, partition, offset, row = position
    record = {
        "topic": topic,
        "partition": partition,
        "offset": offset,
        "row": row,
        "reason": reason.label,
        "detail": detail,
        "source": source,
        "key": key,
        "message": message,
    }
    return f"{topic}/{partition}/{offset}/{row}".encode(), QUARANTINE.encode(record)
