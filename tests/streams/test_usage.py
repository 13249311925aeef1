"""Messages become rows: every field at its place, every impossible row with its reason."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from schemas.codes import Direction, Service
from schemas.columns import Unreadable, encode_unreadable
from state.prefixes import justify
from streams.usage import NO_SEQUENCE, service_of
from tests.makers import reasons, usage
from tests.usage_makers import NOVEMBER_US, message, row


def line(reason: str, sequence: int, source: str = "file-1") -> bytes:
    """The record of a line that could not be read."""
    return bytes(encode_unreadable([Unreadable(0, source, sequence, reason, "x")])[0].as_py())


def test_an_event_fills_its_row() -> None:
    """What the message says stands in the columns: who, when, whose, where to and how much."""
    fields = {"ingress_route": "TG-1", "duration_ms": 1_500, "direction": "out", "epoch": -3}
    batch = usage(message(Service.VOICE, row(Service.VOICE, sequence=7, **fields)))
    assert (batch.sequence[0], batch.epoch[0], batch.started_us[0]) == (7, -3, NOVEMBER_US)
    assert batch.direction[0] == Direction.OUT
    assert service_of(batch, 0) is Service.VOICE
    assert batch.keys["ingress_route"].values[batch.keys["ingress_route"].codes[0]] == "TG-1"
    assert batch.keys["egress_route"].codes[0] == -1
    assert batch.rated_number[0] == justify(pa.array(["4930123456"]))[0]
    assert batch.quantities["duration_ms"][0] == 1_500
    assert reasons(batch) == ["none"]


def test_the_routing_number_goes_before_the_called_one() -> None:
    """A ported number is priced by the network that it was ported to."""
    batch = usage(message(Service.SMS, row(called_number="4930", routing_number="491")))
    assert batch.rated_number[0] == justify(pa.array(["491"]))[0]


@pytest.mark.parametrize(
    ("service", "fields", "reason"),
    [
        (Service.SMS, {"source": ""}, "no_source"),
        (Service.SMS, {"sequence": None}, "no_identity"),
        (Service.SMS, {"sequence": 2**43 - 1}, "no_identity"),
        (Service.SMS, {"sequence": 2**43 - 2}, "none"),
        (Service.SMS, {"sequence": -1, "event_id": "e"}, "none"),
        (Service.SMS, {"sequence": None, "event_id": ""}, "no_identity"),
        (Service.VOICE, {"duration_ms": -1}, "negative_quantity"),
        (Service.VOICE, {"duration_ms": 2**44}, "quantity_overflow"),
        (Service.VOICE, {"duration_ms": 2**44 - 1}, "none"),
        # Each volume fits, both together do not.
        (Service.DATA, {"volume_up_bytes": 2**43, "volume_down_bytes": 2**43}, "quantity_overflow"),
        (Service.TRANSACTION, {"retail_amount_micros": -5}, "none"),
        (Service.TRANSACTION, {"retail_amount_micros": -(2**44)}, "quantity_overflow"),
        # The lowest of all integers has no absolute value in 64 bits.
        (Service.TRANSACTION, {"retail_amount_micros": -(2**63)}, "quantity_overflow"),
        (Service.SMS, {"started_at": 946_684_799_999_999}, "impossible_time"),
        (Service.SMS, {"started_at": 4_102_444_800_000_000}, "impossible_time"),
        (Service.CIRCUIT, {"ended_at": NOVEMBER_US - 1}, "impossible_time"),
        (Service.CIRCUIT, {"ended_at": NOVEMBER_US}, "none"),
        (Service.SMS, {"utc_offset_minutes": -901}, "impossible_time"),
        (Service.SMS, {"utc_offset_minutes": -900}, "none"),
        (Service.SMS, {"called_number": "+4930"}, "invalid_number"),
        (Service.SMS, {"called_number": "1234567890123456"}, "invalid_number"),
        (Service.SMS, {"routing_number": ""}, "invalid_number"),
    ],
)
def test_what_cannot_be_true_has_a_reason(
    service: Service, fields: dict[str, Any], reason: str
) -> None:
    """Every check refuses its own case, and lets pass what lies just on the other side."""
    assert reasons(usage(message(service, row(service, **fields)))) == [reason]


@pytest.mark.parametrize("reason", ["unreadable_line", "unknown_service", "quantity_overflow"])
def test_a_line_that_could_not_be_read_keeps_its_reason(reason: str) -> None:
    """What the adapter said of a line is what quarantine will say; its number identifies it."""
    batch = usage(line(reason, 3))
    assert (reasons(batch), batch.sequence.tolist()) == ([reason], [3])


@pytest.mark.parametrize("reason", ["what?", "test", "none", "unknown_route", ""])
def test_a_line_with_any_other_word_is_unreadable(reason: str) -> None:
    """No record on the log, whatever it says, can stop the stream or pass for something else."""
    assert reasons(usage(line(reason, 3))) == ["unreadable_line"]


def test_a_line_without_number_or_source_is_nobodys() -> None:
    """A line that its adapter did not number has no identity; neither has one without a source."""
    batch = usage(line("unreadable_line", -1), line("unreadable_line", 4, source=""))
    assert batch.sequence.tolist() == [NO_SEQUENCE, NO_SEQUENCE]
