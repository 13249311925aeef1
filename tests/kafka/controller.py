"""A control worker in a process of its own, for tests that kill it.

Run as `python -m tests.kafka.controller SETTINGS`. It prints a line for every batch that is
durable; on SIGTERM it leaves its group and exits with 0.
"""

from __future__ import annotations

import json
import signal
import sys
import threading

from streams.control.faust_app import run
from streams.control.intake import Intake
from streams.control.taking import Delta
from streams.kafka_settings import KafkaSettings


def main() -> None:
    """Take changes in until SIGTERM."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    run(KafkaSettings(**json.loads(sys.argv[1])), stop, observe)


def observe(delta: Delta, _: Intake) -> None:
    """Tell how much was taken."""
    sys.stdout.write(f"batch {delta.counts.total()}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
