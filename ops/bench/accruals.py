"""`weir bench accruals`: how many rows of contributions the accrue hop takes a second.

Contributions are put on the broker as the rate hop writes them: blocks of sums by series and hour,
each at the agreements' own partition. 100,000 items are live, ten in each of 10,000 agreements,
every one with tiers and a committed quantity, so that every row that changes is priced anew with
what is still missed of the commitment. A process with the accrue loop alone takes them in; what it
publishes last is compared with tiers worked out in plain integers.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ops.bench.broker import SETTLEMENT_PARTITIONS, create_topics
from ops.bench.rate import latest, run
from schemas.records import codec
from schemas.topics import ACCRUALS, CONTRIBUTIONS, USAGE, partition_of
from streams.contribution import Block, Cover, Series, Sums, to_bytes
from streams.kafka_admin import KafkaAppender
from streams.kafka_settings import KafkaSettings
from streams.log import Message

SEED = 20261123
PERIOD = "2026-11"
FIRST_HOUR = 498_456  # since the epoch: within November 2026 in UTC
HOURS = 24
BLOCK_ROWS = 25_000
QUANTITY_MAX = 3_000

# An agreement's items, told apart by role, service and direction.
USES = [
    (role, service, direction)
    for service in ("voice", "sms")
    for role in ("ingress", "egress", "subscriber")
    for direction in ("in", "out")
][:10]

Ints = npt.NDArray[np.int64]
Amounts = dict[tuple[str, str], tuple[int, int]]


@dataclass(frozen=True)
class Size:
    """How many agreements there are, of ten items each, and how many rows come in."""

    agreements: int = 10_000
    rows: int = 3_000_000

    @property
    def items(self) -> int:
        """The live items of all agreements."""
        return self.agreements * len(USES)


def agreement_name(number: int) -> str:
    """The name of an agreement."""
    return f"A{number:05d}"


def tiers(use: int) -> tuple[int, int, int, int]:
    """Bound, two prices in micros and committed quantity of an item: each use has its own."""
    return 20_000 + 1_000 * use, 900 + 10 * use, 400 + 10 * use, 30_000 + 5_000 * use


def write_reference(directory: Path, size: Size) -> None:
    """The agreements as Weir reads them."""
    directory.mkdir(parents=True)
    items = []
    for number, (role, service, direction) in enumerate(USES):
        bound, low, high, least = tiers(number)
        per = "event" if service == "sms" else "second"
        items.append(
            f"    - {{item: i{number}, role: {role}, service: {service}, direction: {direction},"
            f" flow: receivable, price: {{kind: tiers, per: {per}, at_least: {least}, tiers:"
            f" [{{up_to: {bound}, price: 0.{low:06d}}}, {{price: 0.{high:06d}}}]}}}}\n"
        )
    head = (
        "  partner: P\n  model: wholesale\n  versions:\n  - version: 1\n"
        "    valid_from: 2026-01-01\n    zone: UTC\n    currency: EUR\n"
        "    rounding: {place: line, mode: half_up, decimals: 2}\n    items:\n"
    )
    terms = head + "".join(items)
    agreements = (f"- agreement: {agreement_name(n)}\n{terms}" for n in range(size.agreements))
    files = {
        "partners.yaml": "- {partner: P, name: Partner}\n",
        "agreements.yaml": "".join(agreements),
        "attribution.csv": "kind,key,agreement,valid_from,valid_upto\n",
    }
    for name, text in files.items():
        (directory / name).write_text(text, encoding="utf-8")


class Traffic:
    """Rows of contributions, drawn from a seed: any item, in the hour that has come."""

    def __init__(self, size: Size) -> None:
        self._size = size
        names = [agreement_name(n) for n in range(size.agreements)]
        homes = np.array([partition_of(name, SETTLEMENT_PARTITIONS) for name in names])
        self._texts = pa.array(
            Series(name, 1, f"i{use}", "", "EUR", PERIOD, "").text()
            for name in names
            for use in range(len(USES))
        )
        item = np.arange(size.items)
        home = homes[item // len(USES)]
        self._items = [item[home == p] for p in range(SETTLEMENT_PARTITIONS)]
        self.quantity = np.zeros(size.items, np.int64)
        self.blocks = [0] * SETTLEMENT_PARTITIONS
        self.rows = 0

    def messages(self) -> Iterator[tuple[int, Message]]:
        """Blocks with the partition that each goes to; what they come to is summed up beside."""
        rng = np.random.default_rng(SEED)
        count = max(SETTLEMENT_PARTITIONS, self._size.rows // BLOCK_ROWS)
        for number in range(count):
            partition = number % SETTLEMENT_PARTITIONS
            own = self._items[partition]
            rows = min(BLOCK_ROWS, self._size.rows // count)
            chosen = rng.choice(own, rows)
            quantity = rng.integers(1, QUANTITY_MAX, rows)
            np.add.at(self.quantity, chosen, quantity)
            hour = FIRST_HOUR + number * HOURS // count
            start = self.blocks[partition]
            self.blocks[partition] += 1
            self.rows += rows
            yield partition, (None, self._block(chosen, quantity, hour, start))

    def _block(self, item: Ints, quantity: Ints, hour: int, start: int) -> bytes:
        """One block, as the rate hop makes them: it follows the one before."""
        nothing = np.zeros(len(item), np.int64)
        sums = Sums(
            self._texts,
            item.astype(np.int32),
            np.full(len(item), hour, np.int32),
            nothing + 1,
            quantity,
            *(nothing, nothing, nothing),
        )
        cover = Cover(USAGE.name, 0, start, start + 1)
        return to_bytes(Block(sums, (cover,), {"source": hour * 3_600_000_000}, "bench", 0))


def expected(quantity: Ints) -> Amounts:
    """Amount and shortfall of every item in micros, in plain integers, apart from the product."""
    found: Amounts = {}
    for item, used in enumerate(quantity.tolist()):
        agreement, use = divmod(item, len(USES))
        _, _, _, least = tiers(use)
        accrued, due = (_cents(use, size) for size in (used, max(used, least)))
        found[agreement_name(agreement), f"i{use}"] = accrued, due - accrued
    return found


def _cents(use: int, quantity: int) -> int:
    """What a quantity costs in micros, rounded half up to whole cents."""
    bound, low, high, _ = tiers(use)
    micros = min(quantity, bound) * low + max(quantity - bound, 0) * high
    return (2 * micros + 10_000) // 20_000 * 10_000


def accrued(settings: KafkaSettings) -> Amounts:
    """Amount and shortfall of every item, as they were published last."""
    found: Amounts = {}
    for value in latest(settings, ACCRUALS.name).values():
        message: Mapping[str, Any] = codec("accruals.avsc").decode(value)
        if message["hour"] is None:
            for row in message["rows"]:
                figures = row["amount_micros"], row["shortfall_micros"] or 0
                found[message["agreement"], row["item"]] = figures
    return found


def accruals(brokers: str, size: Size) -> dict[str, Any]:
    """Load the broker, let the accrue hop take it in, and check every amount."""
    settings = create_topics(brokers, f"bench-{time.time_ns()}")
    traffic = Traffic(size)
    with tempfile.TemporaryDirectory() as directory:
        reference = Path(directory) / "reference"
        write_reference(reference, size)
        with KafkaAppender(settings) as appender:
            for partition, message in traffic.messages():
                appender.send(CONTRIBUTIONS.name, partition, [message])
            appender.flush()
        where = ["--brokers", settings.brokers, "--group", settings.group_prefix]
        where += ["--reference", str(reference), "--rows", str(traffic.rows)]
        report = run("accrue_process", *where)
    want, found = expected(traffic.quantity), accrued(settings)
    wrong = sorted(k for k in want.keys() | found.keys() if want.get(k) != found.get(k))
    report["checked"] = f"{len(wrong)} items differ, as {wrong[0]}" if wrong else "exact"
    return {"items": size.items, **report}
