"""Rated blocks: every figure of a leg, in words, and nobody's number."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.codes import Service
from state.tables import Tables
from streams.packing import head, unpack
from streams.privacy import Tokens
from streams.rated import Blocks
from tests import builders
from tests.makers import rated_of, usage
from tests.usage_makers import NOVEMBER_US, message, row

TOKENS = Tokens(b"key")
NUMBER = "491701234567"


@pytest.fixture(name="tables")
def _tables(tmp_path: Path) -> Tables:
    return builders.tables(builders.reference_dir(tmp_path))


def block(tables: Tables) -> bytes:
    """A call priced by deck, and a data session of a subscriber, as a block."""
    call = row(
        Service.VOICE, sequence=9, ingress_route="TG-001", called_number="4917", duration_ms=31_000
    )
    session = row(
        Service.DATA,
        sequence=None,
        event_id="e",
        subscriber=NUMBER,
        volume_up_bytes=0,
        volume_down_bytes=10**6,
    )
    batch = usage(message(Service.VOICE, call), message(Service.DATA, session))
    return Blocks(tables, TOKENS).to_bytes(batch, rated_of(batch, tables), {"reference": "abc"})


def test_a_leg_can_be_opened_to_its_arithmetic(tables: Tables) -> None:
    """31 s are 36 in steps of 6: 36 x 0.06 / 60 + 0.01 = 0.046; one megabyte is 0.002."""
    batch = unpack(block(tables))
    call, session = sorted(batch.to_pylist(), key=lambda leg: leg["service"])
    assert (call["source"], call["epoch"], call["sequence"]) == ("msc-1", 0, 9)
    assert (call["key"], call["agreement"], call["version"]) == ("route:TG-001", "ALFA-1", 1)
    assert (call["item"], call["zone"], call["started_us"]) == (
        "voice-in",
        "DE-MOBILE",
        NOVEMBER_US,
    )
    assert (call["raw_quantity"], call["quantity"]) == (31, 36)
    assert (call["price_nanos"], call["connect_nanos"]) == (60_000_000, 10_000_000)
    assert (call["charge_micros"], call["residue"]) == (46_000, 0)
    # 2026-11-01T00:00Z is already November in Berlin.
    assert (call["period"], session["period"]) == ("2026-11", "2026-11")
    assert (session["sequence"], session["event_id"], session["zone"]) == (None, "e", None)
    assert (session["agreement"], session["charge_micros"]) == ("BRAVO-1", 2_000)
    assert head(batch) == {"reference": "abc"}


def test_subscribers_are_in_it_as_tokens_only(tables: Tables) -> None:
    """The token is there; the number is nowhere in the bytes."""
    data = block(tables)
    tokens = [leg["subscriber_token"] for leg in unpack(data).to_pylist()]
    assert sorted(map(str, tokens)) == sorted([TOKENS.of(NUMBER), "None"])
    assert NUMBER.encode() not in data
