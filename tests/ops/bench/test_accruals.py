"""The benchmark of the accrue hop: its rows, and what they must come to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ops.bench.accruals import (
    Amounts,
    Size,
    Traffic,
    accruals,
    agreement_name,
    expected,
    write_reference,
)
from schemas.records import codec
from schemas.reference import load
from schemas.topics import ACCRUALS, CONTRIBUTIONS, partition_of
from state.tables import build
from streams.contribution import from_bytes
from tests.hop_makers import AccrueBench, latest, new_broker
from tests.kafka.plugin import JarBroker

SMALL = Size(agreements=8, rows=400)


def test_what_an_item_must_come_to() -> None:
    """The third item (use 2): 22,000 at 0.00092, then 0.00042; 40,000 committed.

    25,000 used: 20.24 + 1.26 = 21.50; 40,000 would be 20.24 + 7.56 = 27.80: 6.30 are missed.
    Nothing used: 27.80 are missed.
    """
    quantity = np.zeros(len("0123456789"), np.int64)
    quantity[2] = 25_000
    assert expected(quantity)["A00000", "i2"] == (21_500_000, 6_300_000)
    assert expected(quantity * 0)["A00000", "i2"] == (0, 27_800_000)


def test_each_block_lies_where_its_agreements_are() -> None:
    """Every series of a block is at home in its partition, and blocks of one follow each other."""
    traffic = Traffic(SMALL)
    found = [(p, from_bytes(value or b"")) for p, (_, value) in traffic.messages()]
    assert sum(len(block.sums) for _, block in found) == traffic.rows == 400
    for partition, block in found:
        names = {text.split("\x1f")[0] for text in block.sums.series.to_pylist()}
        assert {partition_of(name, 4) for name in names} == {partition}
    assert traffic.blocks == [1, 1, 1, 1]


def test_the_hop_comes_to_what_is_expected(tmp_path: Path) -> None:
    """The simulated log in place of Kafka: amounts and what is missed, of every item that moved."""
    write_reference(tmp_path / "reference", SMALL)
    traffic = Traffic(SMALL)
    bench = AccrueBench(build(load(tmp_path / "reference")), new_broker(settlement_partitions=4))
    for partition, message in traffic.messages():
        bench.broker.append(CONTRIBUTIONS.name, partition, [message])
    bench.loop.step()
    found: Amounts = {}
    for partition in range(4):
        found |= published(bench, partition)
    assert found == expected(traffic.quantity)
    assert len(found) == SMALL.items
    assert agreement_name(7) in {agreement for agreement, _ in found}


def published(bench: AccrueBench, partition: int) -> Amounts:
    """Amount and shortfall of every item of a settlement partition, as published last."""
    messages = latest(bench.broker, ACCRUALS.name, partition).values()
    return {
        (message["agreement"], row["item"]): (row["amount_micros"], row["shortfall_micros"] or 0)
        for message in map(codec("accruals.avsc").decode, messages)
        if message["hour"] is None
        for row in message["rows"]
    }


@pytest.mark.kafka
@pytest.mark.slow
def test_a_measured_run_is_exact(own_broker: JarBroker) -> None:
    """2,000 rows of 200 items by a process of its own, on genuine Kafka."""
    report = accruals(own_broker.address, Size(agreements=20, rows=2_000))
    assert report["checked"] == "exact"
    assert (report["items"], report["rows"]) == (200, 2_000)
