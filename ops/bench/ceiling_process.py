"""The ceiling: consume everything and decode it to columns, and nothing else.

The same calls, the same size of batch, the same decoder and the same set-up of the process as the
rate hop, on the same broker, with the client settings of a reader: they differ only in what matters
on a nearly empty topic.
What a settlement can reach at most in this process is this figure.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from itertools import chain

from ops.bench.report import Meter
from ops.engine import Pace
from ops.process import settle_down
from schemas.columns import decode
from schemas.topics import USAGE
from streams.kafka_reader import tail
from streams.kafka_settings import KafkaSettings


def main() -> None:
    """Read, decode, report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--brokers", required=True)
    parser.add_argument(
        "--ends", required=True, help="next offset of each usage partition, as JSON"
    )
    parser.add_argument("--batch-messages", type=int, default=Pace.rate_batch_events)
    options = parser.parse_args()
    ends = {int(p): int(end) for p, end in json.loads(options.ends).items()}
    reader = tail(KafkaSettings(brokers=options.brokers), [USAGE.name])
    settle_down()
    meter, events = Meter(), 0
    position = dict.fromkeys(ends, 0)
    while any(position[p] < end for p, end in ends.items()):
        asked, asked_cpu = time.perf_counter(), time.process_time()
        segments = reader.read(options.batch_messages, 0.1)
        if events == 0 and segments:
            meter.started, meter.cpu = asked, asked_cpu
        decoded = decode(chain.from_iterable(s.values for s in segments))
        events += sum(map(len, decoded.families))
        for segment in segments:
            position[segment.partition] = segment.next_offset
    sys.stdout.write(json.dumps(meter.read(events)) + "\n")
    reader.close()


if __name__ == "__main__":
    main()
