"""Suspense and quarantine: what could not be rated, kept with its reason.

*Suspense* is usage that reference does not know how to settle yet: an unknown route, no agreement
in force, no price. It waits under a suspense id, with the missing key named, and is tried again
when reference has been mended; its outcome then changes from suspended to rated, the only change an
outcome can make. *Quarantine* is what is not usage at all: it is kept with topic, partition, offset
and bytes, so that it can be looked at, mended and sent again. Bad input never stops the stream and
never vanishes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import repeat

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.codes import Code, KeyKind, Reason, Service
from schemas.columns import columns_of, records_codec
from schemas.frames import Refused
from schemas.records import bytes_field, codec
from schemas.registry import read_schema
from state.tables import NONE, Tables
from streams.families import Ints
from streams.log import Message, Segment
from streams.privacy import CLEAR_DIGITS, mask
from streams.sharing import missing_receiver
from streams.usage import NO_SEQUENCE, UsageBatch

QUARANTINE = codec("quarantine.avsc")
SUSPENSE = read_schema("suspense.avsc")
# A route that reference lacks suspends thousands at once, so they are encoded as columns. The
# columnar encoder does not know bytes; the event itself is the last field and simply follows.
FRONT = {**SUSPENSE, "fields": SUSPENSE["fields"][:-1]}
FRONT_COLUMNS = columns_of(FRONT["fields"])
encode_fronts, _ = records_codec(FRONT)
MISSING_COLUMN = {
    Reason.UNKNOWN_ACCESS_POINT: ("access_point", "access_point"),
    Reason.UNKNOWN_NETWORK: ("network", "home_network"),
    Reason.UNKNOWN_PRODUCT: ("product", "product_instance"),
    Reason.UNKNOWN_CHANNEL: ("channel", "sales_channel"),
    Reason.CURRENCY_MISMATCH: ("currency", "retail_currency"),
}


def suspense_ids(usage: UsageBatch, rows: Ints, reasons: npt.NDArray[np.int8]) -> list[str]:
    """The ids under which some events wait; a conflicting body has one of its own."""
    names = usage.source.values
    sources = usage.source.codes[rows].tolist()
    escaped = {code: _escaped(names[code]) for code in set(sources)}
    ids = [
        f"{escaped[source]}/{epoch}/{sequence}"
        for source, epoch, sequence in zip(
            sources, usage.epoch[rows].tolist(), usage.sequence[rows].tolist(), strict=True
        )
    ]
    for at in np.flatnonzero(usage.sequence[rows] == NO_SEQUENCE).tolist():
        event_id = usage.event_id[int(rows[at])].as_py()
        ids[at] = f"{escaped[sources[at]]}//{_escaped(event_id)}"
    for at in np.flatnonzero(reasons == Reason.CONFLICTING_BODY).tolist():
        ids[at] += f"#{int(usage.body[rows[at]]):016x}"
    return ids


def _escaped(name: str) -> str:
    """A name without the marks that part an id: no two events may wait under one id."""
    return name.replace("%", "%25").replace("/", "%2F").replace("#", "%23")


def suspended(
    usage: UsageBatch,
    rows: Ints,
    ids: Sequence[str],
    reasons: npt.NDArray[np.int8],
    tables: Tables,
    messages: Mapping[int, bytes],
) -> list[Message]:
    """Suspended events for `suspense.v1`.

    Args:
        usage: the batch.
        rows: which events of it, each with its suspense id and reason.
        ids: see `suspense_ids`.
        reasons: why each of them waits.
        tables: the reference that lacks what they need.
        messages: the events framed again and masked, by row.
    """
    if len(rows) == 0:
        return []
    sequences = usage.sequence[rows].tolist()
    columns: dict[str, Sequence[object]] = {
        "suspense_id": ids,
        "source": [usage.source.values[code] for code in usage.source.codes[rows].tolist()],
        "epoch": usage.epoch[rows].tolist(),
        "sequence": [None if number == NO_SEQUENCE else number for number in sequences],
        "event_id": usage.event_id.take(pa.array(rows)).to_pylist(),
        "reason": _labels(Reason, reasons),
        "missing": missing(usage, rows, reasons, tables),
        "started_at": usage.started_us[rows].tolist(),
        "service": _labels(Service, usage.service[rows]),
        "partition": usage.partition[rows].tolist(),
        "offset": usage.offset[rows].tolist(),
        "row": usage.row[rows].tolist(),
        # Avro's long is signed; the digest is read back modulo 2^64.
        "body": usage.body[rows].view(np.int64).tolist(),
    }
    arrays = [pa.array(columns[f.name], f.type) for f in FRONT_COLUMNS]
    fronts = encode_fronts(pa.RecordBatch.from_arrays(arrays, schema=FRONT_COLUMNS)).to_pylist()
    events = [bytes_field(messages[row]) for row in rows.tolist()]
    return [
        (key.encode(), front + event) for key, front, event in zip(ids, fronts, events, strict=True)
    ]


def _labels(kind: type[Code], codes: npt.NDArray[np.int8]) -> list[str]:
    """The words for codes."""
    words = {code: kind(code).label for code in set(codes.tolist())}
    return [words[code] for code in codes.tolist()]


def missing(
    usage: UsageBatch, rows: Ints, reasons: npt.NDArray[np.int8], tables: Tables
) -> list[str]:
    """What reference lacks for some events, in the words of the reference files."""
    found = _labels(Reason, reasons)
    at = np.flatnonzero(reasons == Reason.UNKNOWN_ROUTE)
    for place, route in zip(at.tolist(), _unknown_routes(usage, rows[at], tables), strict=True):
        found[place] = f"route:{route}"
    for place in np.flatnonzero(reasons == Reason.NO_RATE).tolist():
        found[place] = f"prefix:{_rated_number(usage, int(rows[place]))}"
    for place in np.flatnonzero(reasons == Reason.NO_RECEIVER).tolist():
        found[place] = f"agreement:{missing_receiver(usage, int(rows[place]), tables)}"
    for reason, (kind, column) in MISSING_COLUMN.items():
        for place in np.flatnonzero(reasons == reason).tolist():
            found[place] = f"{kind}:{_name(usage, column, int(rows[place]))}"
    return found


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


def _unknown_routes(usage: UsageBatch, rows: Ints, tables: Tables) -> list[str]:
    """The first of the two routes of each event that nobody owns at the time of the event."""
    found = [""] * len(rows)
    seconds = usage.priced_us[rows] // 1_000_000
    for column in ("egress_route", "ingress_route"):
        text = usage.keys[column]
        codes = text.codes[rows]
        names = ["" if code < 0 else text.values[code] for code in codes.tolist()]
        routes = np.array([*map(tables.keys[KeyKind.ROUTE].get, names, repeat(NONE))], np.int32)
        owner = tables.assignment.lookup(routes, seconds)
        for place in np.flatnonzero((codes >= 0) & (owner == NONE)).tolist():
            found[place] = names[place]
    return found


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
