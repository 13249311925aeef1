"""The benchmark's traffic and reference: `settle-bench v1`, in Weir's own formats.

The numbers come from `recipe`; here they take Weir's form. Usage is Weir's Avro, one event a
message or in envelopes. A route is the ingress of what comes in and the egress of what goes out;
data, which has no route in Weir's usage, is recognised by an access point of the same name. Each
prefix of a deck is a zone of its own. What the accruals must come to is computed beside, in plain
integers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ops.bench.recipe import (
    DATA,
    ORIGINAL,
    SEED,
    SMS,
    SOURCES,
    UNKNOWN_ROUTES,
    VOICE,
    Columns,
    Deck,
    Ints,
    Market,
    Shape,
    columns,
    market,
    route_name,
    source_name,
)
from schemas.codes import Direction, Service
from schemas.columns import encode as encode_events
from schemas.columns import encode_envelopes
from schemas.topics import partition_of

__all__ = [
    "SEED",
    "Expected",
    "Messages",
    "Shape",
    "agreement_name",
    "agreement_of",
    "columns",
    "encode",
    "envelopes",
    "euros",
    "expected",
    "item_name",
    "partials",
    "write_lines",
    "write_market",
    "write_reference",
]

HOUR_US = 3_600_000_000
SERVICES = {VOICE: Service.VOICE, SMS: Service.SMS, DATA: Service.DATA}
DIRECTIONS = (Direction.IN, Direction.OUT)
PARTIAL_EVERY = 60  # one event in so many, if it is a call, is a partial record
PREFIX_LENGTHS = range(9, 1, -1)
SIDES = (("in", "ingress", "receivable"), ("out", "egress", "payable"))

Key = tuple[str, str, str, int]


@dataclass(frozen=True)
class Messages:
    """Framed messages in sending order, and for each its source and how many events it has."""

    source: Ints
    events: Ints
    values: pa.BinaryArray

    def partition_rows(self, partitions: int) -> list[Ints]:
        """For each usage partition the rows of the messages that belong there, in order."""
        homes = [partition_of(source_name(i), partitions) for i in range(SOURCES)]
        home = np.array(homes, np.int64)[self.source]
        return [np.flatnonzero(home == partition) for partition in range(partitions)]


@dataclass(frozen=True)
class Expected:
    """What must come out: (events, quantity, charge in micros) of each key, and what is suspended.

    A key is (partner, service, direction, hour since the epoch).
    """

    table: Mapping[Key, tuple[int, int, int]]
    suspended: int


def agreement_name(partner: str) -> str:
    """The one agreement of a partner."""
    return f"{partner}-wholesale"


def item_name(service: str, direction: str) -> str:
    """The item that prices a service in a direction."""
    return f"{service}-{direction}"


def write_reference(
    directory: Path,
    seed: int = SEED,
    shape: Shape = ORIGINAL,
) -> Market:
    """Write the reference as Weir reads it: each prefix is a zone of its own, named by it."""
    known = market(seed, shape)
    decks = directory / "decks"
    decks.mkdir(parents=True, exist_ok=True)
    write_market(directory, known, lambda name, deck: _agreement(name, deck, known.decks[deck]))
    for name, deck in known.decks.items():
        terms = f"{deck.initial_seconds},{deck.next_seconds},{euros(deck.connect_fee_micros)},,"
        write_lines(
            decks / f"{name}.prefixes.csv",
            ["prefix,zone", *(f"{prefix},{prefix}" for prefix in deck.minute_micros)],
        )
        columns = "zone,price_per_minute,initial_seconds,next_seconds,connect_fee"
        write_lines(
            decks / f"{name}.rates.csv",
            [
                f"{columns},valid_from,valid_upto",
                *(f"{p},{euros(micros)},{terms}" for p, micros in deck.minute_micros.items()),
            ],
        )
    return known


def write_market(directory: Path, known: Market, agreement: Callable[[str, str], str]) -> None:
    """Partners, who owns which route, and of each partner and deck the agreement in YAML."""
    write_lines(
        directory / "partners.yaml",
        (f"- {{partner: {name}, name: Partner {name}}}" for name in known.decks_of),
    )
    write_lines(
        directory / "agreements.yaml",
        (agreement(name, deck) for name, deck in known.decks_of.items()),
    )
    keys = [
        f"{kind},{route},{agreement_name(partner)},,"
        for kind in ("route", "access_point")
        for route, partner in known.routes.items()
    ]
    write_lines(directory / "attribution.csv", ["kind,key,agreement,valid_from,valid_upto", *keys])


def write_lines(file: Path, lines: Iterable[str]) -> None:
    """A text file of these lines."""
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")


def euros(micros: int) -> str:
    """Micros as a decimal number of euros."""
    return f"{micros // 10**6}.{micros % 10**6:06d}"


def _agreement(partner: str, deck_name: str, deck: Deck) -> str:
    """A partner's agreement in YAML: voice by deck, messages each, data by the megabyte."""
    prices = {
        Service.VOICE: f"{{kind: deck, deck: {deck_name}}}",
        Service.SMS: f'{{kind: unit, per: event, amount: "{euros(deck.message_micros)}"}}',
        Service.DATA: f'{{kind: unit, per: megabyte, amount: "{euros(deck.megabyte_micros)}"}}',
    }
    items = [
        f"{{item: {item_name(service.label, direction)},"
        f" role: {'subscriber' if service is Service.DATA else role},"
        f" service: {service.label}, direction: {direction}, flow: {flow}, price: {price}}}"
        for direction, role, flow in SIDES
        for service, price in prices.items()
    ]
    return agreement_of(partner, items)


def agreement_of(partner: str, items: Iterable[str]) -> str:
    """A partner's one agreement in YAML, by its items."""
    lines = [
        f"- agreement: {agreement_name(partner)}",
        f"  partner: {partner}",
        "  model: wholesale",
        "  versions:",
        "  - version: 1",
        "    valid_from: 2026-01-01",
        "    zone: UTC",
        "    currency: EUR",
        "    rounding: {place: record, mode: half_up, decimals: 6}",
        "    items:",
        *(f"    - {item}" for item in items),
    ]
    return "\n".join(lines)


def partials(data: Columns) -> Ints:
    """For each event the one before it in its session: itself where it is the first, else -1.

    Some calls are partial records. Two of them that follow each other on a route in a direction,
    from one source, are a session.
    """
    before = np.full(len(data["source"]), -1, np.int64)
    is_part = np.arange(len(before)) % PARTIAL_EVERY == 0
    rows = np.flatnonzero((data["service"] == VOICE) & is_part)
    places = [data[name][rows] for name in ("source", "route", "direction")]
    rows = rows[np.lexsort((rows, *places))]
    alike = np.ones(max(0, len(rows) - 1), bool)
    for name in ("source", "route", "direction"):
        alike &= data[name][rows[1:]] == data[name][rows[:-1]]
    # Odd ones of each run of calls alike go on with the one before.
    starts = np.flatnonzero(np.concatenate([[True], ~alike])) if len(rows) else rows
    run = np.repeat(starts, np.diff(np.append(starts, len(rows))))
    second = (np.arange(len(rows)) - run) % 2 == 1
    before[rows] = np.where(second, np.concatenate([rows[:1], rows[:-1]]), rows)
    return before


def encode(
    data: Columns, order: Ints, shape: Shape = ORIGINAL, before: Ints | None = None
) -> Messages:
    """Every message as it is sent, one event each: repeats are the same bytes again.

    Args:
        data: the distinct events.
        order: which of them each message is.
        shape: how large the market is.
        before: where calls are parts of sessions, what `partials` says of them.
    """
    arrays, places = [], np.empty(len(data["source"]), np.int64)
    done = 0
    for number, service in SERVICES.items():
        rows = np.flatnonzero(data["service"] == number)
        fields = _fields(data, rows, service, shape)
        if service is Service.VOICE and before is not None:
            fields |= _sessions(rows, before[rows])
        arrays.append(encode_events(service, fields))
        places[rows] = done + np.arange(len(rows))
        done += len(rows)
    values = pa.concat_arrays(arrays).take(pa.array(places[order]))
    return Messages(data["source"][order], np.ones(len(order), np.int64), values)


def envelopes(data: Columns, order: Ints, size: int, shape: Shape = ORIGINAL) -> Messages:
    """The same events in envelopes of up to `size`, each of one source and one family.

    A source fills one envelope a family at a time, in sending order, and sends it when it is full;
    what is left goes at the end.
    """
    arrays, sources, counts, sent_at = [], [], [], []
    for number, service in SERVICES.items():
        sends = np.flatnonzero(data["service"][order] == number)
        sends = sends[np.argsort(data["source"][order[sends]], kind="stable")]
        source = data["source"][order[sends]]
        first = np.searchsorted(source, source)  # where this event's source begins
        starts = np.flatnonzero((np.arange(len(sends)) - first) % size == 0)
        offsets = np.append(starts, len(sends))
        fields = _fields(data, order[sends], service, shape)
        arrays.append(encode_envelopes(service, fields, offsets.astype(np.int32)))
        filled = np.diff(offsets)
        sources.append(source[starts])
        counts.append(filled)
        last = sends[offsets[1:] - 1]
        sent_at.append(np.where(filled == size, last, len(order) + np.arange(len(filled))))
    in_order = np.argsort(np.concatenate(sent_at), kind="stable")
    return Messages(
        np.concatenate(sources)[in_order],
        np.concatenate(counts)[in_order],
        pa.concat_arrays(arrays).take(pa.array(in_order)),
    )


def _fields(data: Columns, rows: Ints, service: Service, shape: Shape) -> dict[str, pa.Array]:
    """Some of the events, all of one family, as columns of Weir's usage."""
    source_names = pa.array([source_name(i) for i in range(SOURCES)])
    route_names = pa.array([route_name(i, shape) for i in range(shape.routes + UNKNOWN_ROUTES)])
    incoming = data["direction"][rows] == 0
    routes = route_names.take(pa.array(data["route"][rows]))
    fields = {
        "source": source_names.take(pa.array(data["source"][rows])),
        "sequence": pa.array(data["sequence"][rows]),
        "direction": pa.array([d.label for d in DIRECTIONS]).take(
            pa.array(data["direction"][rows])
        ),
        "started_at": pa.array(data["started_at"][rows]),
    }
    if service is Service.DATA:
        return {
            **fields,
            "subscriber": _digits(data["a_number"][rows]),
            "access_point": routes,
            "volume_up_bytes": pa.array(np.zeros(len(rows), np.int64)),
            "volume_down_bytes": pa.array(data["bytes"][rows]),
        }
    fields |= {
        "ingress_route": _where(routes, incoming),
        "egress_route": _where(routes, ~incoming),
        "calling_number": _digits(data["a_number"][rows]),
        "called_number": _digits(data["b_number"][rows]),
        "routing_number": _where(
            _digits(data["routing_number"][rows]), data["routing_number"][rows] != 0
        ),
    }
    if service is Service.VOICE:
        fields["duration_ms"] = pa.array(data["duration_ms"][rows])
    return fields


def _sessions(rows: Ints, before: Ints) -> dict[str, pa.Array]:
    """Session and number of the part of those calls that are partial records."""
    is_part = before >= 0
    return {
        "session_id": _where(_digits(before), is_part),
        "partial_sequence": _where(pa.array((before != rows) + np.int64(1)), is_part),
    }


def _digits(numbers: Ints) -> pa.Array:
    """Numbers as text."""
    return pa.array(numbers).cast(pa.string())


def _where(values: pa.Array, given: npt.NDArray[np.bool_]) -> pa.Array:
    """The values, null where they are not given."""
    return pc.if_else(pa.array(given), values, pa.scalar(None, values.type))


@cache  # event by event: dear, and the same for every run of a setting
def expected(n: int, seed: int = SEED, shape: Shape = ORIGINAL) -> Expected:
    """What the accruals must come to, event by event in plain integers, apart from the product."""
    table: dict[Key, tuple[int, int, int]] = {}
    suspended = 0
    for settled in settle(columns(n, seed, shape)[0], seed, shape):
        if settled is None:
            suspended += 1
            continue
        key, quantity, charge = settled
        events, total, micros = table.get(key, (0, 0, 0))
        table[key] = (events + 1, total + quantity, micros + charge)
    return Expected(table, suspended)


def settle(
    data: Columns, seed: int = SEED, shape: Shape = ORIGINAL
) -> Iterator[tuple[Key, int, int] | None]:
    """For each distinct event its key, quantity and charge; None for one that nobody owns."""
    known = market(seed, shape)
    decks = {r: known.decks[known.decks_of[partner]] for r, partner in known.routes.items()}
    names = [route_name(i, shape) for i in range(shape.routes + UNKNOWN_ROUTES)]
    fields = (
        "service",
        "direction",
        "route",
        "b_number",
        "started_at",
        "duration_ms",
        "bytes",
        "routing_number",
    )
    for service, direction, route, b_number, started, duration, size, routing_number in zip(
        *(data[name].tolist() for name in fields), strict=True
    ):
        partner = known.routes.get(names[route])
        if partner is None:
            yield None
            continue
        quantity, charge = _charge(
            decks[names[route]], service, str(routing_number or b_number), duration, size
        )
        key = (partner, SERVICES[service].label, DIRECTIONS[direction].label, started // HOUR_US)
        yield key, quantity, charge


def _charge(deck: Deck, service: int, number: str, duration_ms: int, size: int) -> tuple[int, int]:
    """(quantity, charge in micros) of one event, rounded half up in integers."""
    if service == SMS:
        return 1, deck.message_micros
    if service == DATA:
        return size, (size * deck.megabyte_micros * 2 + 1_000_000) // 2_000_000
    price = next(
        deck.minute_micros[number[:digits]]
        for digits in PREFIX_LENGTHS
        if number[:digits] in deck.minute_micros
    )
    if duration_ms == 0:
        return 0, 0
    seconds = -(-duration_ms // 1000)
    billed = deck.initial_seconds
    if seconds > billed:
        billed += -(-(seconds - billed) // deck.next_seconds) * deck.next_seconds
    return billed, deck.connect_fee_micros + (price * billed * 2 + 60) // 120
