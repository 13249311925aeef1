"""The accrue hop: sums become accruals, closes statements, and late usage adjustments."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ops.state_hash import state_hash
from schemas.topics import ACCRUE_CHANGELOG
from state.invariants import InvariantViolation
from state.tables import Tables
from streams.contribution import Series
from streams.settle import Loop, Stopwatch
from tests.builders import reference_dir, tables
from tests.hop_makers import AccrueBench, block, close_command, latest

# Two versions of one item in tiers: the first 10 events of a month cost 0.10, all others 0.01.
TIERED = """\
- agreement: T
  partner: ALFA
  model: wholesale
  versions:
    - version: 1
      valid_from: 2026-01-01
      valid_upto: 2026-11-16
      zone: UTC
      currency: EUR
      rounding: {place: line, mode: half_up, decimals: 2}
      items: &items
        - {item: texts, role: ingress, service: sms, flow: receivable,
           price: {kind: tiers, per: event, tiers: [{up_to: 10, price: "0.1"}, {price: "0.01"}]}}
        - {item: calls, role: ingress, service: voice, flow: payable,
           price: {kind: unit, per: minute, amount: "0.06"}}
    - version: 2
      valid_from: 2026-11-16
      zone: UTC
      currency: EUR
      rounding: {place: line, mode: half_up, decimals: 2}
      items: *items
"""
CALLS = Series("T", 1, "calls", "", "EUR", "2026-11", "")
TEXTS = Series("T", 1, "texts", "", "EUR", "2026-11", "")
TEXTS_2 = TEXTS._replace(version=2)
HOUR = 498_192


@pytest.fixture
def known(tmp_path: Path) -> Tables:
    """The agreement T alone."""
    keys = "kind,key,agreement,valid_from,valid_upto\nroute,TG-001,T,,\n"
    return tables(reference_dir(tmp_path / "known", agreements=TIERED, attribution=keys))


@pytest.fixture
def bench(known: Tables) -> AccrueBench:
    """A running hop."""
    return AccrueBench(known)


def calls(start: int, seconds: int, *, hour: int = HOUR, residue: int = 0) -> bytes:
    """A block of one call at 0.001 EUR, 1,000 micros, a second."""
    return block(start, (CALLS, hour, (1, seconds, 1_000 * seconds, residue)))


def texts(start: int, count: int, series: Series = TEXTS) -> bytes:
    """A block of texts; what they cost depends on the month, so they bring no charge."""
    return block(start, (series, HOUR, (count, count, 0, 0)))


def test_sums_add_up_by_hour_and_period(bench: AccrueBench) -> None:
    """Blocks add: to their hour and to their period, within a batch and over batches."""
    bench.settle(calls(0, 60), calls(1, 30))
    bench.settle(calls(2, 5, hour=HOUR + 1, residue=7))
    assert bench.rows() == {
        ("calls", "2026-11", 1, "2026-11", HOUR): (2, 90, 90_000, 0),
        ("calls", "2026-11", 1, "2026-11", HOUR + 1): (1, 5, 5_000, 7),
        ("calls", "2026-11", 1, "2026-11", None): (3, 95, 95_000, 7),
    }
    # 0.095 EUR and a bit: 0.10 as the line is rounded, half up to two decimals.
    assert bench.amounts() == {("calls", "2026-11", 1, "2026-11"): 100_000}


def test_tiers_count_the_whole_period(bench: AccrueBench) -> None:
    """However the texts come in, 13 of them cost 10 * 0.10 + 3 * 0.01 = 1.03 EUR."""
    for at, count in enumerate([4, 5, 4]):
        bench.settle(texts(at, count))
    assert bench.amounts() == {("texts", "2026-11", 1, "2026-11"): 1_030_000}


def test_tiers_go_on_over_versions(bench: AccrueBench) -> None:
    """The second version starts where the first one's volume ended, even when that grows later.

    8 under version 1, then 4 under version 2: 0.80, and 2 * 0.10 + 2 * 0.01 = 0.22. With one more
    under version 1 the second one has a place less in the dear tier: 0.90 and 0.10 + 0.03 = 0.13.
    """
    bench.settle(texts(0, 8), texts(1, 4, TEXTS_2))
    first, second = (("texts", "2026-11", version, "2026-11") for version in (1, 2))
    assert bench.amounts() == {first: 800_000, second: 220_000}
    bench.settle(texts(2, 1))
    assert bench.amounts() == {first: 900_000, second: 130_000}


def test_close_makes_a_statement(bench: AccrueBench) -> None:
    """A closed period is a document: numbered, with its cut, totals by flow, and a digest."""
    bench.settle(calls(0, 60), texts(1, 12))
    bench.close("T", "2026-11")
    [document] = bench.statements()
    assert document["number"] == "T-000001"
    assert (document["agreement"], document["period"]) == ("T", "2026-11")
    assert document["cut"] == {"usage.v1/0": 2}
    # Texts: 10 * 0.10 + 2 * 0.01 = 1.02 receivable; a minute of calls: 0.06 payable.
    assert document["totals"] == [
        {"currency": "EUR", "receivable": "1.020000", "payable": "0.060000", "net": "0.960000"}
    ]
    assert len(document["digest"]) == 64


def test_blocks_come_before_closes_of_the_same_batch(bench: AccrueBench) -> None:
    """What was read together with a close is in the statement, as its cut says."""
    bench.put(calls(0, 60))
    bench.command(close_command("T", "2026-11"))
    bench.loop.step()
    [document] = bench.statements()
    assert document["cut"] == {"usage.v1/0": 1}
    assert document["totals"][0]["payable"] == "0.060000"


def test_late_usage_becomes_an_adjustment(bench: AccrueBench) -> None:
    """Usage of a closed period is booked in the next open one; the statement stays as it is."""
    bench.settle(calls(0, 60))
    bench.close("T", "2026-11")
    bench.close("T", "2026-12")
    before = bench.statements()
    bench.settle(calls(1, 30))
    assert bench.rows()["calls", "2027-01", 1, "2026-11", None] == (1, 30, 30_000, 0)
    assert bench.rows()["calls", "2026-11", 1, "2026-11", None] == (1, 60, 60_000, 0)
    assert bench.statements() == before
    bench.close("T", "2027-01")
    [line] = bench.statements()[-1]["lines"]
    assert (line["original_period"], line["adjustment"], line["amount"]) == (
        "2026-11",
        True,
        "0.030000",
    )


def test_late_volume_moves_later_versions(bench: AccrueBench) -> None:
    """Late texts of an older version lift the newer version's to cheaper tiers: both are adjusted.

    Closed: 8 under version 1 (0.80) and 4 under version 2 (0.22). Then one more under version 1 is
    worth 0.10, and the newer ones go from 0.22 to 0.13: -0.09, though none of them is new.
    """
    bench.settle(texts(0, 8), texts(1, 4, TEXTS_2))
    bench.close("T", "2026-11")
    bench.settle(texts(2, 1))
    amounts = bench.amounts()
    assert amounts["texts", "2026-12", 1, "2026-11"] == 100_000
    assert amounts["texts", "2026-12", 2, "2026-11"] == -90_000
    assert amounts["texts", "2026-11", 2, "2026-11"] == 220_000
    bench.close("T", "2026-12")
    assert bench.statements()[-1]["totals"][0]["receivable"] == "0.010000"


def test_second_close_is_ignored(bench: AccrueBench) -> None:
    """A period has one statement, whether it is closed again at once or later."""
    bench.settle(calls(0, 60))
    for _ in range(2):
        bench.command(close_command("T", "2026-11"))
    bench.loop.step()
    bench.settle(calls(1, 60))
    bench.close("T", "2026-11")
    assert [document["number"] for document in bench.statements()] == ["T-000001"]


def test_statements_are_numbered_by_agreement(bench: AccrueBench) -> None:
    """Two periods closed in one batch get two numbers; an empty period has a statement as well."""
    bench.command(close_command("T", "2026-10"))
    bench.command(close_command("T", "2026-11"))
    bench.loop.step()
    numbers = [(d["number"], d["period"], d["lines"]) for d in bench.statements()]
    assert numbers == [("T-000001", "2026-10", []), ("T-000002", "2026-11", [])]


@pytest.mark.parametrize(
    "command",
    [
        b"close everything",
        b'{"open": {}}',
        b'["close"]',
        close_command("NOBODY", "2026-11"),
        close_command("T", "November"),
    ],
)
def test_command_without_sense_is_kept(bench: AccrueBench, command: bytes) -> None:
    """It does nothing, and can be found in the changelog with the reason; the stream goes on."""
    bench.command(command)
    bench.loop.step()
    assert bench.statements() == []
    kept = json.loads(latest(bench.broker, ACCRUE_CHANGELOG.name)[b"refused/0/0"])
    assert kept["command"] == command.decode()
    assert kept["reason"]
    bench.close("T", "2026-11")
    assert len(bench.statements()) == 1


@pytest.mark.parametrize("start", [0, 2], ids=["again", "gap"])
def test_blocks_follow_one_another(bench: AccrueBench, start: int) -> None:
    """A block that covers usage twice, or leaves some out, stops the process."""
    bench.settle(calls(0, 60))
    bench.put(calls(start, 60))
    with pytest.raises(InvariantViolation, match="blocks follow one another"):
        bench.loop.step()
    assert bench.rows()["calls", "2026-11", 1, "2026-11", None] == (1, 60, 60_000, 0)


def test_blocks_without_money_are_followed(bench: AccrueBench) -> None:
    """A block of no rows moves coverage and event time all the same."""
    bench.settle(block(0, watermarks={"msc-1": 5}))
    memory = bench.hop.partitions[0]
    assert (memory.covers, memory.as_of_us) == ({"usage.v1/0": 1}, 5)


def test_recovered_is_live(bench: AccrueBench, known: Tables) -> None:
    """A process that starts anew has the accruals, coverage and closes of the one before."""
    bench.settle(texts(0, 8), calls(1, 60), texts(2, 4, TEXTS_2))
    bench.close("T", "2026-11")
    bench.settle(texts(3, 1), block(4, watermarks={"msc-1": 5}))
    before = bench.hop.partitions[0]
    digest = state_hash(bench.hop)
    bench.loop.close()
    again = AccrueBench(known, bench.broker)
    after = again.hop.partitions[0]
    assert state_hash(again.hop) == digest
    assert (after.positions, after.covers, after.closed) == (
        before.positions,
        before.covers,
        before.closed,
    )
    assert (after.watermarks, after.as_of_us) == ({"msc-1": 5}, 5)
    # It goes on as the other would have: one more late text is an adjustment too.
    again.settle(texts(5, 1))
    assert again.rows()["texts", "2026-12", 1, "2026-11", None] == (2, 2, 0, 0)


def test_compute_changes_nothing(bench: AccrueBench) -> None:
    """A batch may be thrown away: the hop's state is as before, and computing again the same."""
    bench.settle(calls(0, 60))
    bench.put(calls(1, 30))
    bench.command(close_command("T", "2026-11"))
    segments = bench.loop.log.read(1_000, 0)
    digest, positions = state_hash(bench.hop), dict(bench.hop.partitions[0].positions)
    outputs = [bench.hop.compute(segments, bench.hop.prepare(segments)).outputs for _ in range(2)]
    assert outputs[0] == outputs[1]
    assert state_hash(bench.hop) == digest
    assert bench.hop.partitions[0].positions == positions
    assert bench.hop.partitions[0].closed == {}


def test_usage_by_terms_that_are_not_here_yet_is_waited_for(tmp_path: Path, known: Tables) -> None:
    """Whoever rated had version 2 before this process: its block is accrued once the tables come.

    Eight texts of version 1 are 0.8; of four of version 2 two are at 0.1 and two at 0.01: 0.22.
    """
    first = TIERED[: TIERED.index("    - version: 2")].replace("&items", "")
    keys = "kind,key,agreement,valid_from,valid_upto\nroute,TG-001,T,,\n"
    older = tables(reference_dir(tmp_path / "older", agreements=first, attribution=keys))
    bench = AccrueBench(older)
    bench.loop = Loop(
        *(bench.hop, bench.loop.log, Stopwatch(lambda: 0), 1_000, 0), is_ready=bench.hop.is_ready
    )
    bench.settle(texts(0, 8))
    bench.settle(texts(1, 4, TEXTS_2))
    bench.loop.step()
    assert bench.amounts() == {("texts", "2026-11", 1, "2026-11"): 800_000}
    done = bench.loop.between(lambda: bench.hop.use(known))
    bench.loop.step()
    bench.loop.step()
    assert done.is_set()
    assert bench.amounts() == {
        ("texts", "2026-11", 1, "2026-11"): 800_000,
        ("texts", "2026-11", 2, "2026-11"): 220_000,
    }
