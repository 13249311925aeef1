"""The ceiling counts every event that it decodes, and ends by itself at the ends given."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

import pytest

from ops.bench import ceiling_process
from schemas.codes import Service
from streams.log import Segment
from tests.makers import segment
from tests.usage_makers import message, row


class Reader:
    """Gives prepared segments, a list a read; to read on after the last is an error."""

    def __init__(self, reads: Sequence[Sequence[Segment]]) -> None:
        self.reads = list(reads)
        self.closed = False

    def read(self, most: int, seconds: float) -> Sequence[Segment]:
        """The next list of segments."""
        return self.reads.pop(0)

    def close(self) -> None:
        """Note it."""
        self.closed = True


def test_it_counts_what_it_decodes_up_to_the_ends(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Three calls and a message are four events; what comes behind the ends is not waited for."""
    call, sms = message(Service.VOICE, row(Service.VOICE)), message(Service.SMS, row())
    reader = Reader(
        [
            [],
            [segment([call, sms], partition=0)],
            [segment([call], partition=2, start=0)],
            [segment([call], partition=2, start=1)],
            [segment([call], partition=2, start=2)],
        ]
    )
    topics: list[str] = []

    def tail(_: object, names: Sequence[str]) -> Reader:
        topics.extend(names)
        return reader

    monkeypatch.setattr(ceiling_process, "tail", tail)
    ends = json.dumps({0: 2, 1: 0, 2: 2})
    monkeypatch.setattr(sys, "argv", ["ceiling", "--brokers", "there:9092", "--ends", ends])
    ceiling_process.main()
    report = json.loads(capsys.readouterr().out)
    assert report["events"] == 4
    assert topics == ["usage.v1"]
    # The last segment is behind the end of partition 2, and stays unread.
    assert (len(reader.reads), reader.closed) == (1, True)
