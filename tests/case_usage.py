"""How the quantities of a case travel as usage.

Units of no kind in particular travel as bytes of data: as many as it takes for the smallest
fraction of the case to be a whole byte, priced per kilobyte, megabyte or gigabyte. Where a quantity
falls below nothing it travels as an amount, which a refund may make negative. Seconds travel as
calls, samples of bandwidth as bytes of five minutes. Only quantities are converted here, never a
price.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

import fastavro

from schemas.codes import Service
from schemas.registry import current_id, current_schema, frame
from tests.case_plans import Event, Row, Terms, UntranslatableError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
START = datetime(2024, 6, 3, 10, tzinfo=UTC)  # a Monday
SOURCE = "cases"
SAMPLE = timedelta(minutes=5)
SAMPLE_BYTES = 37_500_000  # 1 Mbit/s for 300 s: 10^6 x 300 / 8

PERS = {0: "byte", 3: "kilobyte", 6: "megabyte", 9: "gigabyte"}
MICRO_DECIMALS = 6
TIMES = {Decimal(60): "minute", Decimal(3600): "hour"}
BINARIES = {Decimal(2**20): "mebibyte", Decimal(2**30): "gibibyte"}
KEY_FIELDS = {
    "ingress": "ingress_route",
    "egress": "egress_route",
    "subscriber": "access_point",
    "channel": "sales_channel",
    "product": "product_instance",
}
Slot = tuple[str, str, str]  # service, role, direction: what two items may not share
BYTE_SLOTS: Sequence[Slot] = (
    ("data", "subscriber", "in"),
    ("data", "subscriber", "out"),
    ("bandwidth", "product", "in"),
    ("bandwidth", "product", "out"),
)
MONEY_SLOTS: Sequence[Slot] = (
    ("transaction", "channel", "in"),
    ("transaction", "channel", "out"),
    ("transaction", "product", "in"),
    ("transaction", "product", "out"),
)
CALL_SLOTS: Sequence[Slot] = (
    ("voice", "ingress", "in"),
    ("voice", "ingress", "out"),
    ("voice", "egress", "in"),
    ("voice", "egress", "out"),
)


def micros(at: datetime) -> int:
    """A time as usage has it."""
    return (at - EPOCH) // timedelta(microseconds=1)


def seconds_of(span: timedelta) -> Decimal:
    """A stretch of time in seconds, to the millisecond."""
    return Decimal(span // timedelta(milliseconds=1)).scaleb(-3)


def places(values: Iterable[Decimal]) -> int:
    """The decimals that the longest of some numbers needs."""
    return max((max(0, -int(v.normalize().as_tuple().exponent)) for v in values), default=0)


def whole(value: Decimal, decimals: int) -> int:
    """A quantity in units of so many decimals.

    Raises:
        UntranslatableError: it has more.
    """
    scaled = value.scaleb(decimals)
    if scaled != scaled.to_integral_value():
        raise UntranslatableError(f"{value} has more than {decimals} decimals")
    return int(scaled)


@dataclass(frozen=True)
class Carrier:
    """What carries a quantity: service, role and direction, and what its price is per.

    `decimals` says how much smaller the unit on the wire is than the case's; `shift` how much
    larger the unit is that the price is for.
    """

    slot: Slot
    per: str
    decimals: int
    shift: int = 0

    @property
    def quantum(self) -> Decimal:
        """The smallest quantity that travels."""
        return Decimal(1).scaleb(-self.decimals)

    def bound(self, quantity: Decimal) -> str:
        """A quantity of the case in what the price is per."""
        return f"{quantity.scaleb(-self.shift).normalize():f}"

    def item(self, name: str, price: Terms, **more: Any) -> Terms:  # noqa: ANN401
        """An item that prices what this carries."""
        service, role, direction = self.slot
        covers = {"item": name, "role": role, "service": service, "direction": direction}
        return {**covers, "flow": "receivable", "price": price, **more}

    def event(self, key: str, quantity: Decimal, at: datetime = START, **more: Any) -> Event:  # noqa: ANN401
        """An event of so much of the case's unit."""
        service, role, direction = self.slot
        amount = whole(quantity, self.decimals)
        fields: Row = {"direction": direction, "started_at": micros(at), KEY_FIELDS[role]: key}
        match service:
            case "voice":
                fields |= {"called_number": "4930123456", "duration_ms": amount}
            case "transaction":
                fields |= {"retail_amount_micros": amount, "retail_currency": "EUR"}
            case _:
                fields |= {"volume_up_bytes": amount, "volume_down_bytes": 0}
        if service == "bandwidth":
            fields["ended_at"] = micros(at + SAMPLE)
        return Event(Service[service.upper()], {**fields, **more})


def carrier(quantities: Sequence[Decimal], unit: Decimal = Decimal(1), at: int = 0) -> Carrier:
    """What carries some quantities that are priced per so many units.

    Args:
        quantities: all of them, and every bound they are compared with.
        unit: what one price is for: a power of ten, or 60 or 3,600 seconds.
        at: which of the slots, for items beside each other.

    Raises:
        UntranslatableError: no price is per that unit.
    """
    if unit in TIMES:
        return Carrier(CALL_SLOTS[at], TIMES[unit], 3)
    if unit in BINARIES and places(quantities) == 0:
        return Carrier(BYTE_SLOTS[at], BINARIES[unit], 0)
    shift = int(unit.normalize().as_tuple().exponent)
    if Decimal(1).scaleb(shift) != unit:
        raise UntranslatableError(f"no price is per {unit} units")
    if min(quantities, default=Decimal(0)) < 0:
        return money(at, shift)
    least = places(quantities)
    decimals = next((p - shift for p in PERS if p - shift >= least), None)
    if decimals is None:
        raise UntranslatableError(f"no unit has {least} decimals and is priced per {unit}")
    return Carrier(BYTE_SLOTS[at], PERS[decimals + shift], decimals, shift)


def money(at: int = 0, shift: int = 0) -> Carrier:
    """What carries amounts of money; a price per amount is for one unit of the currency."""
    return Carrier(MONEY_SLOTS[at], "amount", MICRO_DECIMALS, shift)


def sale(key: str, amount: Decimal, at: datetime = START, slot: int = 0, **more: Any) -> Event:  # noqa: ANN401
    """A transaction of some retail amount."""
    return money(slot).event(key, amount, at, **more)


def call(key: str, seconds: Decimal, at: datetime = START, slot: int = 0, **more: Any) -> Event:  # noqa: ANN401
    """A call of so many seconds."""
    return Carrier(CALL_SLOTS[slot], "second", 3).event(key, seconds, at, **more)


def in_service(key: str, start: datetime, upto: datetime, direction: str = "in") -> Event:
    """A circuit in service from one moment up to, and without, another."""
    times = {"started_at": micros(start), "ended_at": micros(upto)}
    return Event(Service.CIRCUIT, {"product_instance": key, "direction": direction, **times})


def samples(key: str, levels: Iterable[tuple[Decimal, int]], start: datetime) -> list[Event]:
    """Five-minute samples of a port, one after another: Mbit/s and how many of them."""
    port = Carrier(BYTE_SLOTS[2], "byte", 0)
    found, at = [], start
    for level, count in levels:
        for _ in range(count):
            found.append(port.event(key, level * SAMPLE_BYTES, at))
            at += SAMPLE
    return found


@cache
def _schema(service: Service) -> Any:  # noqa: ANN401 - fastavro's own form
    return fastavro.parse_schema(current_schema(service))


def message(event: Event, sequence: int) -> bytes:
    """An event as a framed message."""
    out = io.BytesIO()
    fields = {"source": SOURCE, "sequence": sequence, **event.fields}
    fastavro.schemaless_writer(out, _schema(event.service), fields)
    return frame(current_id(event.service)) + out.getvalue()
