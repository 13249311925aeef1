"""A world with terms of payment, settled: partners declare, and every total is worked out again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from random import Random

import numpy as np

from ops.verify_log import Found, read_found
from ops.verify_payment import payment_differences
from schemas import topics
from schemas.topics import partition_of
from streams.log import Segment
from tests.settled import Settling

ITEMS = ("voice-ingress-any", "sms-egress-any", "data-subscriber-any", "bounds", "nothing")
PERIODS = ("2026-10", "2026-11", "2026-10-25", "2026-10-28", "2026-11-02")


class Paying(Settling):
    """A settlement in which partners declare figures before and after periods are closed."""

    def close_period(self, agreement: str, period: str) -> None:
        """Ask for a period to be closed, with declarations on both sides of that."""
        random = Random(f"{agreement} {period} {self.sent}")
        for _ in range(random.randint(0, 3)):
            self.declare(agreement, random)
        super().close_period(agreement, period)
        for _ in range(random.randint(0, 2)):
            self.declare(agreement, random)

    def declare(self, agreement: str, random: Random) -> None:
        """Declare some figure of an agreement, now and then one that makes no sense."""
        figure = random.choice(["quantity", "amount"])
        said = {
            "agreement": agreement,
            "period": random.choice(PERIODS),
            "item": random.choice(ITEMS),
            "version": random.choice([1, 1, 2, 3, 0, "2"]),
            figure: random.choice(["0", "10", "0.5", "1000.000001", "-3", "1e3"]),
        }
        versions = self.references[-1].agreements[agreement].versions
        swaps = sorted({d.declared_as for v in versions for d in v.deals if d.declared_as})
        if swaps and random.random() < 2 / 3:
            del said[figure]
            quantity = random.choice(["0", "3", "10", "1000", "0.5"])
            said |= {"item": random.choice(swaps), "version": random.randint(1, 4)}
            said |= {"quantity": quantity}
        partition = partition_of(self.world.pools[agreement], self.world.settlement_partitions)
        command = json.dumps({"declare": said}).encode()
        self.broker.append(topics.COMMANDS.name, partition, [(None, command)])

    def log(self) -> Found:
        """The figures on the log, as `weir verify` reads them."""
        return read_found(self._read)

    def payment_differences(self) -> list[str]:
        """What totals and declarations say otherwise than they have to."""
        commands = self._read([topics.COMMANDS.name])
        known = {self.first_reference: self.references[0]}
        newest = self.references[-1]
        return list(payment_differences(self.log(), self.settlement(), commands, newest, known))

    def _read(self, names: Sequence[str]) -> Iterator[Segment]:
        """All messages of some topics."""
        for name in names:
            for partition in range(self.broker.partitions(name)):
                found = [e for e in self._entries(name) if e[0] == partition]
                yield Segment(
                    name,
                    partition,
                    np.array([e[1] for e in found], np.int64),
                    [e[3] for e in found],
                    [e[4] for e in found],
                    found[-1][1] + 1 if found else 0,
                    0,
                )
