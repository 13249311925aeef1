"""Transactions of both versions: what the second one adds comes in, is kept, and changes no other.

Cost and the time of the original stand in files, survive suspense, and are part of what an event
says; an event that says neither is the same in both versions.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import fastavro
import numpy as np
import pytest

from ops.oracle_usage import Usage as OracleUsage
from ops.oracle_usage import read_message, read_schemas
from schemas.codes import Reason, Service
from schemas.registry import ENVELOPE_OFFSET, frame, read_schema
from streams.framing import framed
from streams.privacy import Tokens
from streams.usage import NO_TIME, UsageBatch
from tests.makers import item_tables, rated_of, reasons, usage
from tests.usage_makers import NOVEMBER_US, container, message, read, row, rows_of

FIRST_ID = 6
DAY_US = 86_400_000_000
SOLD = {"original_started_at": NOVEMBER_US - DAY_US, "cost_amount_micros": 6_500_000}


def first(**fields: Any) -> bytes:  # noqa: ANN401
    """A transaction in the first version."""
    out = io.BytesIO()
    schema = fastavro.parse_schema(read_schema("usage_transaction.avsc"))
    fastavro.schemaless_writer(out, schema, row(Service.TRANSACTION, **fields))
    return frame(FIRST_ID) + out.getvalue()


def second(**fields: Any) -> bytes:  # noqa: ANN401
    """A transaction in the second version."""
    return message(Service.TRANSACTION, row(Service.TRANSACTION, **fields))


def oracles(value: bytes) -> OracleUsage:
    """The one event of a message, as the oracle reads it."""
    [event] = read_message(value, read_schemas())
    assert isinstance(event, OracleUsage)
    return event


def test_the_terms_are_of_the_time_of_the_original() -> None:
    """Without one, and in a batch where another event has one, they are of the event's own time."""
    both = usage(second(sequence=1), second(sequence=2, **SOLD))
    assert both.priced_us.tolist() == [NOVEMBER_US, NOVEMBER_US - DAY_US]
    assert both.original_us is not None
    assert both.original_us.tolist() == [NO_TIME, NOVEMBER_US - DAY_US]
    assert both.quantities["cost_amount_micros"].tolist() == [0, 6_500_000]
    alone = usage(first())
    assert alone.original_us is None
    assert alone.priced_us is alone.started_us


def test_only_transactions_have_a_cost() -> None:
    """A batch without any costs nothing more."""
    assert "cost_amount_micros" not in usage(message(Service.SMS, row())).quantities


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"original_started_at": NOVEMBER_US}, "none"),
        ({"original_started_at": NOVEMBER_US + 1}, "impossible_time"),
        ({"original_started_at": 946_684_799_999_999}, "impossible_time"),
        ({"original_started_at": -(2**63)}, "impossible_time"),
        ({"cost_amount_micros": -(2**44) + 1}, "none"),
        ({"cost_amount_micros": 2**44}, "quantity_overflow"),
        ({"cost_amount_micros": -(2**63)}, "quantity_overflow"),
    ],
)
def test_what_cannot_be_true_is_refused(fields: dict[str, int], reason: str) -> None:
    """A reversal is not before its original; a cost may be negative, within the bounds."""
    assert reasons(usage(second(**fields))) == [reason]


def test_what_is_not_said_is_the_same_in_both_versions() -> None:
    """So a producer that goes over to the second version may repeat what it sent in the first."""
    for fields in ({}, {"sequence": None, "event_id": "a"}):
        assert digest(first(**fields)) == digest(second(**fields))
        assert oracles(first(**fields)).body == oracles(second(**fields)).body
        for name, value in SOLD.items():
            assert digest(first(**fields)) != digest(second(**fields, **{name: value}))
            assert oracles(first(**fields)).body != oracles(second(**fields, **{name: value})).body


def digest(value: bytes) -> int:
    """The digest of the one event of a message."""
    return int(usage(value).body[0])


def test_suspense_keeps_both_fields() -> None:
    """What waits is framed again and read again, to the same event."""
    waiting = usage(second(sequence=1, **SOLD), first(sequence=2))
    order = np.argsort(waiting.sequence)
    kept = framed(waiting, np.arange(2), Tokens(b"key"))
    again = usage(*(kept[int(at)] for at in order))
    assert said(again) == said(waiting)


def said(batch: UsageBatch) -> list[tuple[int, ...]]:
    """Number, original, cost and digest of each event, by number."""
    cost = batch.quantities["cost_amount_micros"]
    columns = (batch.sequence, batch.priced_us, cost, batch.body)
    return sorted(zip(*(column.tolist() for column in columns), strict=True))


def test_the_oracle_reads_both_versions() -> None:
    """Its own reading: when an event is priced, and what an envelope of the second one holds."""
    assert oracles(second(**SOLD)).priced_at == NOVEMBER_US - DAY_US
    assert oracles(first()).priced_at == NOVEMBER_US
    envelope = frame(16 + ENVELOPE_OFFSET) + b"\x02" + second(**SOLD)[5:] + b"\x00"
    assert oracles(envelope).body == oracles(second(**SOLD)).body


def test_files_have_both_fields(tmp_path: Path) -> None:
    """In CSV the cost is a decimal; a container of the first version is taken as it is."""
    csv = tmp_path / "sales.csv"
    csv.write_text(
        "service,source,sequence,direction,started_at,retail_amount,retail_currency,cost_amount,"
        "original_started_at\n"
        "transaction,msc-1,1,in,2026-11-01T00:00:00Z,9.99,EUR,6.5,2026-10-31T01:00:00+01:00\n"
        "transaction,msc-1,2,in,2026-11-01T00:00:00Z,9.99,EUR,,\n"
    )
    decoded, _ = read(csv)
    names = ("cost_amount_micros", "original_started_at", "utc_offset_minutes")
    found = [tuple(event[name] for name in names) for event in rows_of(decoded)]
    assert sorted(found, key=str) == [(0, None, 0), (6_500_000, NOVEMBER_US - DAY_US, 0)]
    old = container(
        tmp_path / "sales.avro",
        [row(Service.TRANSACTION)],
        Service.TRANSACTION,
        schema=read_schema("usage_transaction.avsc"),
    )
    [event] = rows_of(read(old)[0])
    assert (event["cost_amount_micros"], event["original_started_at"]) == (0, None)


@pytest.mark.parametrize(
    ("count", "micros"),
    [
        ("", 20_000_000),  # 20 % of 100
        ("count: {of: cost}, ", 13_000_000),  # of 65
        ("count: {of: margin}, ", 7_000_000),  # of 35
        ("count: {of: amount}, ", 20_000_000),
    ],
)
def test_shares_are_of_retail_cost_or_margin(tmp_path: Path, count: str, micros: int) -> None:
    """A unit price per amount of the cost is a multiplier of it, in the agreement's currency."""
    item = f"{{item: one, role: channel, service: transaction, flow: payable, {count}"
    tables = item_tables(
        tmp_path, item + "price: {kind: unit, per: amount, amount: 0.2}}", "channel,C-1,ALFA-1,,"
    )
    fields = {"retail_amount_micros": 10**8, "cost_amount_micros": 65 * 10**6}
    dollars = {"sequence": 2, "retail_currency": "USD"}
    found = rated_of(
        usage(
            second(sales_channel="C-1", **fields),
            second(sales_channel="C-1", **fields, **dollars),
        ),
        tables,
    )
    assert found.charge_micros.tolist()[0] == micros
    assert found.reason.tolist() == [0, Reason.CURRENCY_MISMATCH]


def test_a_loss_is_shared_as_well(tmp_path: Path) -> None:
    """40 % of 100 - 110 are -4; without a cost the margin is the retail amount."""
    item = "{item: one, role: channel, service: transaction, flow: payable, count: {of: margin}, "
    price = "price: {kind: share, percent: 40}}"
    tables = item_tables(tmp_path, item + price, "channel,C-1,ALFA-1,,")
    sold = {"sales_channel": "C-1", "retail_amount_micros": 10**8}
    found = rated_of(usage(second(cost_amount_micros=110 * 10**6, **sold), first(**sold)), tables)
    assert sorted(found.charge_micros.tolist()) == [-4_000_000, 40_000_000]
