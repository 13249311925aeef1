"""Partial records on the stream: whatever order they come in, and with whatever between them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.codes import LegKind
from schemas.topics import RATE_CHANGELOG, RATED, partition_of
from state.sessions import END_US, LATE_US
from state.tables import Tables
from state.usage_memory import SESSION_KEY
from streams.packing import unpack
from streams.sessions import newest_before
from streams.usage import read_usage
from tests.builders import agreement_text, reference_dir, tables
from tests.hop_makers import DAY_US, RateBench, committed, event, latest, new_broker
from tests.makers import segment
from tests.usage_makers import NOVEMBER_US

SECOND_US = 1_000_000
PRICE = "{kind: unit, per: minute, amount: 0.06, connect_fee: 0.01"
ITEMS = (
    "{item: call, role: ingress, service: voice, flow: receivable, count: {whole: session},"
    f" price: {PRICE}, initial_seconds: 60, next_seconds: 60}}}}, "
    "{item: out, role: egress, service: voice, flow: payable, count: {whole: legs},"
    f" price: {PRICE}}}}}"
)
KEYS = "kind,key,agreement,valid_from,valid_upto\nroute,TG-001,ALFA-1,,\nroute,TG-900,own,,\n"
MENDED = KEYS + "route,TG-NEW,ALFA-1,,\n"
LATER = NOVEMBER_US + 20 * DAY_US  # for sources that are far ahead


def agreed(directory: Path, *, items: str = ITEMS, keys: str = KEYS, place: str = "line") -> Tables:
    """Tables of one agreement that counts sessions."""
    rounding = f", rounding: {{place: {place}, mode: half_up, decimals: 2}}"
    terms = f"valid_from: 2026-01-01, zone: UTC, currency: EUR{rounding}"
    text = agreement_text(items, terms=terms)
    return tables(reference_dir(directory, agreements=text, attribution=keys))


@pytest.fixture
def bench(tmp_path: Path) -> Any:  # noqa: ANN401 - a fixture that ends
    """A running hop; its clock is ahead of all usage here."""
    broker = new_broker()
    broker.now_us = LATER + 60 * DAY_US
    made = RateBench(agreed(tmp_path / "reference"), tmp_path / "state", broker)
    yield made
    made.end()


def part(number: int, seconds: int, at_s: int = 0, **fields: Any) -> bytes:  # noqa: ANN401
    """A partial record of session S-77, with its number in it as the source's number too."""
    said: dict[str, Any] = {
        "sequence": number,
        "session_id": "S-77",
        "partial_sequence": number,
        "started_at": NOVEMBER_US + at_s * SECOND_US,
        "duration_ms": 1_000 * seconds,
    }
    return event(**(said | fields))


def sums(bench: RateBench) -> dict[tuple[str, int], tuple[int, ...]]:
    """Events, quantity and exact charge over 60 x 10^9 by item and hour."""
    found: dict[tuple[str, int], list[int]] = {}
    for block in bench.blocks():
        of = block.sums
        names = [text.split("\x1f")[2] for text in of.series.take(of.code).to_pylist()]
        columns = of.hour, of.events, of.quantity, of.charge_micros, of.residue_low
        for name, hour, events, quantity, micros, low in zip(
            names, *(c.tolist() for c in columns), strict=True
        ):
            total = found.setdefault((name, hour - NOVEMBER_US // 3_600_000_000), [0, 0, 0])
            for at, more in enumerate((events, quantity, micros * 60_000 + low)):
                total[at] += more
    return {place: tuple(total) for place, total in found.items()}


def legs(bench: RateBench) -> list[dict[str, Any]]:
    """All rated rows, as they stand on the log."""
    values = committed(bench.broker, RATED.name).values
    return [row for value in values for row in unpack(value or b"").to_pylist()]


def of_legs(bench: RateBench) -> Counter[tuple[str, int]]:
    """The sums of rated rows: charged quantity and charge by item."""
    found: Counter[tuple[str, int]] = Counter()
    for row in legs(bench):
        for at, name in enumerate(("quantity", "charge_micros", "connect_nanos", "raw_quantity")):
            found[row["item"], at] += row[name]
    return found


def exact(euros: str) -> int:
    """Euros with at most six decimals over 60 x 10^9."""
    return int(euros.replace(".", "")) * 60_000


def test_parts_in_order_make_no_corrections(bench: RateBench) -> None:
    """100 s are 120 s and the fee, 0.13; the next 50 reach 180 s, 0.06 more; in two batches."""
    bench.settle(part(0, 100))
    bench.settle(part(1, 50, 100))
    assert sums(bench) == {("call", 0): (2, 180, exact("0.190000"))}
    told = [(r["quantity"], r["charge_micros"], r["session_from"]) for r in legs(bench)]
    assert told == [(120, 130_000, 0), (60, 60_000, 100)]
    assert [r["session_id"] for r in legs(bench)] == ["S-77", "S-77"]
    assert "kind" not in legs(bench)[0]


def test_an_earlier_part_corrects_a_later_one(bench: RateBench) -> None:
    """50 s alone are 60 s and the fee, 0.07, an hour later; then -0.01 is booked in that hour."""
    bench.settle(part(1, 50, 3_600))
    assert sums(bench) == {("call", 1): (1, 60, exact("0.070000"))}
    bench.settle(part(0, 100))
    assert sums(bench) == {
        ("call", 0): (1, 120, exact("0.130000")),
        ("call", 1): (1, 60, exact("0.060000")),
    }
    [correction] = [row for row in legs(bench) if row.get("kind") == LegKind.CORRECTION]
    named = {name: correction[name] for name in ("sequence", "quantity", "charge_micros")}
    assert named == {"sequence": 1, "quantity": 0, "charge_micros": -10_000}
    assert (correction["connect_nanos"], correction["session_from"]) == (-10_000_000, 100)
    assert of_legs(bench)["call", 0] == 180


def test_both_sides_of_a_call_are_sessions_of_their_own(bench: RateBench) -> None:
    """By legs 7 s and 8 s are 0.007 and 0.008, and the fee is due once, by the first of them."""
    out: dict[str, Any] = {"ingress_route": "TG-900", "egress_route": "TG-001"}
    bench.settle(part(1, 8, 100, **out))
    bench.settle(part(0, 7, **out))
    assert sums(bench) == {("out", 0): (2, 15, exact("0.025000"))}
    assert of_legs(bench)["out", 2] == 10_000_000


def test_only_records_with_a_session_are_parts(bench: RateBench) -> None:
    """Without an id, or an empty one, each is a call of its own; so is another source's."""
    bench.settle(part(0, 1, session_id=None), part(1, 1, session_id=""), part(2, 1))
    bench.settle(part(3, 1, source="msc-2"))
    assert sums(bench) == {("call", 0): (4, 240, exact("0.280000"))}
    assert [row["session_from"] for row in legs(bench)] == [None, None, 0, 0]


def test_repeats_and_conflicts_are_no_parts(bench: RateBench) -> None:
    """A record counts once, whatever comes under its number."""
    bench.settle(part(0, 100), part(0, 100))
    bench.settle(part(0, 100), part(0, 99), part(1, 50, 100))
    assert sums(bench)["call", 0] == (2, 180, exact("0.190000"))


def test_suspended_parts_join_when_they_are_recycled(tmp_path: Path, bench: RateBench) -> None:
    """The first part waits for its route; the second has the fee until then."""
    bench.settle(part(0, 100, ingress_route="TG-NEW"), part(1, 50, 100))
    assert sums(bench) == {("call", 0): (1, 60, exact("0.070000"))}
    bench.hop.use(agreed(tmp_path / "mended", keys=MENDED))
    bench.recycle()
    assert sums(bench) == {("call", 0): (2, 180, exact("0.190000"))}
    assert bench.suspended() == {}


def test_what_is_too_late_waits(bench: RateBench) -> None:
    """A part seven days behind its source is one still; a microsecond more, and it is suspended."""
    started = LATER - LATE_US
    bench.settle(
        part(9, 60, session_id="T", started_at=LATER),
        part(0, 60, started_at=started),
        part(1, 60, started_at=started - 1),
    )
    assert bench.suspended() == {"msc-1/0/1": "session_expired"}
    assert bench.outcomes() == {"rated/none": 2, "suspended/session_expired": 1}
    # Nor does trying again help; and other usage is never too late.
    bench.recycle()
    assert bench.suspended() == {"msc-1/0/1": "session_expired"}
    bench.settle(part(2, 60, session_id=None))
    assert bench.outcomes()["rated/none"] == 3


def test_a_session_lasts_seven_days(bench: RateBench) -> None:
    """A part that begins later than that is suspended while the session goes on, by its source."""
    last = LATER + LATE_US
    bench.settle(part(0, 60, started_at=LATER))
    bench.settle(part(1, 60, started_at=last), part(2, 60, started_at=last + 1))
    assert bench.suspended() == {"msc-1/0/2": "session_expired"}


def test_clocks_that_are_ahead_make_nobody_late(bench: RateBench) -> None:
    """Usage of the future says nothing of how far its source has come, nor do its repeats."""
    ahead = part(8, 1, session_id="T", started_at=LATER + 90 * DAY_US)
    bench.settle(ahead)
    bench.settle(ahead, part(8, 2, session_id="T", started_at=LATER + 90 * DAY_US))
    bench.settle(part(0, 60))
    outcomes = {"rated/none": 1, "suspended/future_time": 1, "duplicate/none": 1}
    assert bench.outcomes() == outcomes | {"suspended/conflicting_body": 1}


def test_records_with_and_without_bands_are_of_one_session(tmp_path: Path) -> None:
    """A price by band in one version and none in the next: each has what the other lacks."""
    plain = BANDED.partition(", price")[0] + ", price: {kind: unit, per: minute, amount: 0.06}}"
    banded = BANDED.replace("SPLIT", "start_band")
    versions = [
        f"{{version: {number}, valid_from: {day}, {upto}zone: UTC, currency: EUR, items: [{item}]}}"
        for number, day, upto, item in (
            (1, "2026-01-01", 'valid_upto: "2026-11-01T00:01:00Z", ', banded),
            (2, '"2026-11-01T00:01:00Z"', "", plain),
        )
    ]
    text = (
        "- {agreement: ALFA-1, partner: ALFA, model: wholesale,\n"
        f"   versions: [{', '.join(versions)}]}}\n"
    ).replace("WHOLE", "session")
    others = {"bands.yaml": WEEK}
    known = reference_dir(tmp_path / "r", agreements=text, attribution=KEYS, others=others)
    bench = RateBench(tables(known), tmp_path / "s")
    bench.settle(part(1, 60, 60))
    bench.settle(part(0, 60))
    # 0.06 at night and its fee, 0.02; then 0.06.
    assert of_legs(bench)["call", 1] == 140_000
    bench.end()


def test_a_source_at_a_wrong_partition_makes_nobody_early() -> None:
    """How far a source has come is asked where it is at home, whatever else a batch has."""
    home = partition_of("msc-1", 2)
    elsewhere = segment([part(5, 1)], partition=1 - home)
    batch = read_usage([elsewhere, segment([part(0, 60)], partition=home)], 2)[0]
    events = np.flatnonzero(batch.partition == home)

    def known(partition: int, _: str) -> int:
        return LATER if partition == home else 0

    newest = newest_before(batch, np.zeros(2, bool), known, events)
    assert newest[events].tolist() == [LATER]


def test_an_ended_session_begins_anew(bench: RateBench) -> None:
    """Fourteen days behind its source it is another call under the same id, with its own fee."""
    bench.settle(part(0, 60))
    at = NOVEMBER_US + END_US + 1
    bench.settle(part(7, 60, session_id="T", started_at=at))
    bench.settle(part(1, 60, started_at=at))
    assert of_legs(bench)["call", 2] == 30_000_000
    assert bench.suspended() == {}


def test_ended_sessions_are_forgotten(bench: RateBench) -> None:
    """A day after that the state is gone, in memory and in the changelog."""
    bench.settle(part(0, 60))
    assert len(bench.hop.partition(0).sessions) == 1
    bench.settle(event(sequence=8, started_at=NOVEMBER_US + END_US + DAY_US))
    assert len(bench.hop.partition(0).sessions) == 0
    assert not any(key.startswith(SESSION_KEY) for key in latest(bench.broker, RATE_CHANGELOG.name))


def test_sessions_come_back_after_a_crash(tmp_path: Path, bench: RateBench) -> None:
    """Another process goes on with them, also by a reference that changes what follows."""
    bench.settle(part(1, 50, 100))
    sessions = bench.hop.partition(0).sessions
    bench.end()
    again = RateBench(agreed(tmp_path / "again", keys=MENDED), tmp_path / "new", bench.broker)
    assert again.hop.partition(0).sessions == sessions
    again.settle(part(0, 100))
    assert sums(again) == {("call", 0): (2, 180, exact("0.190000"))}


def test_computing_changes_nothing(bench: RateBench) -> None:
    """A batch whose transaction fails can be computed again."""
    bench.settle(part(1, 50, 100))
    before = dict(bench.hop.partition(0).sessions.parts)
    bench.broker.append("usage.v1", 0, [(b"msc-1", part(0, 100))])
    batch = bench.broker.segment(("usage.v1", 0), 1, 10)
    for _ in range(2):
        work = bench.hop.compute([batch], bench.hop.prepare([batch]))
        assert dict(bench.hop.partition(0).sessions.parts) == before
    assert [len(parts or ()) for parts in work.delta.sessions[0].values()] == [2]


def test_a_charge_beyond_reason_suspends_the_part(tmp_path: Path) -> None:
    """The dear tier is only reached by both parts together: 10^6 a second for 2,000 seconds."""
    steps = "[{up_to: 3600, price: 0}, {price: 1000000}]"
    price = f"{{kind: tiers, each: event, per: second, tiers: {steps}}}"
    items = ITEMS.partition(", price")[0] + f", price: {price}}}"
    bench = RateBench(agreed(tmp_path / "r", items=items), tmp_path / "s")
    bench.settle(part(0, 3_600), part(1, 2_000, 3_600))
    assert bench.suspended() == {"msc-1/0/1": "charge_overflow"}
    assert bench.outcomes()["rated/none"] == 1
    bench.end()


BANDED = (
    "{item: call, role: ingress, service: voice, flow: receivable, count: {whole: WHOLE},"
    " price: {kind: unit, per: minute, bands: {of: WEEK, split: SPLIT, prices: {"
    "day: {amount: 0.12, connect_fee: 0.01}, night: {amount: 0.06, connect_fee: 0.02}}}}}"
)
WEEK = """\
- bands: WEEK
  days: {mon-sun: [{from: "00:00", band: night}, {from: "08:00", band: day}]}
"""


@pytest.mark.parametrize(
    ("whole", "split", "euros"),
    [
        # From 07:59: 60 s at night and 60 by day, 0.06 + 0.12, then 60 s by day; the fee of night.
        ("legs", "complete_increment", "0.320000"),
        # The band in which a part begins prices all of it: 0.12 at night, 0.12 by day.
        ("legs", "start_band", "0.260000"),
        ("session", "start_band", "0.260000"),
    ],
)
def test_parts_have_time_bands(tmp_path: Path, whole: str, split: str, euros: str) -> None:
    """In either order; the fee is that of the first part."""
    items = BANDED.replace("WHOLE", whole).replace("SPLIT", split)
    text = agreement_text(
        items, terms="valid_from: 2026-01-01, zone: UTC, currency: EUR, rounding: {place: line}"
    )
    known = tables(
        reference_dir(
            tmp_path / "r", agreements=text, attribution=KEYS, others={"bands.yaml": WEEK}
        )
    )
    parts = [part(0, 120, 8 * 3600 - 60), part(1, 60, 8 * 3600 + 60)]
    for number, order in enumerate((parts, parts[::-1])):
        bench = RateBench(known, tmp_path / f"s{number}")
        for message in order:
            bench.settle(message)
        assert sum(exact_ for _, _, exact_ in sums(bench).values()) == exact(euros)
        bench.end()


def test_attempts_owe_their_fee_once_where_the_last_does(tmp_path: Path) -> None:
    """Every attempt on the one side, the last on the other; a record that says nothing is it."""
    price = "{kind: unit, per: minute, amount: 0, attempt_fee: 0.002"
    items = (
        f"{{item: in, role: ingress, service: voice, flow: receivable, price: {price},"
        f" attempt_on: last}}}}, "
        f"{{item: out, role: egress, service: voice, flow: payable, price: {price}}}}}"
    )
    bench = RateBench(agreed(tmp_path / "r", items=items), tmp_path / "s")
    sides = {"ingress_route": "TG-001", "egress_route": "TG-001"}
    for number, final in enumerate((False, False, None)):
        bench.settle(part(number, 0, number, partial_final=final, **sides))
    assert sums(bench) == {
        ("in", 0): (3, 0, exact("0.002000")),
        ("out", 0): (3, 0, exact("0.006000")),
    }
    bench.end()


PIECES = st.lists(st.integers(0, 130), min_size=2, max_size=6)


@settings(max_examples=10, deadline=None)
@given(PIECES, st.randoms(use_true_random=False), st.sampled_from(["record", "line"]))
def test_any_order_and_batching_comes_to_the_same(
    pieces: Sequence[int], random: Random, place: str
) -> None:
    """Two sessions, both sides, repeats: the sums are those of one batch in order."""
    sides = {"egress_route": "TG-001"}
    messages = []
    for number, seconds in enumerate(pieces):
        said = {"session_id": f"S-{number % 2}", **(sides if number % 3 else {})}
        messages.append(part(number, seconds, 1_300 * number, **said))
    shuffled = random.sample(messages, len(messages)) + random.choices(messages, k=2)
    with TemporaryDirectory() as name:
        directory = Path(name)
        known = agreed(directory / "r", place=place)
        whole = RateBench(known, directory / "whole")
        whole.settle(*messages)
        parts = RateBench(known, directory / "parts")
        while shuffled:
            size = random.randint(1, len(shuffled))
            parts.settle(*shuffled[:size])
            shuffled = shuffled[size:]
        nothing = (0, 0, 0)
        kept = {place: of for place, of in sums(parts).items() if of != nothing}
        assert kept == {place: of for place, of in sums(whole).items() if of != nothing}
        assert of_legs(parts) == of_legs(whole)
        whole.end()
        parts.end()
