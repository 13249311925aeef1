"""A worker in a process of its own, for tests that kill and pause it: both hops on Kafka.

Run as `python -m tests.kafka.settler CONFIGURATION`. It prints `commit` for every committed batch
of usage; on SIGTERM it leaves its groups and exits with 0, fenced it exits with 3.
"""

from __future__ import annotations

import json
import signal
import sys
import threading
from pathlib import Path

from ops.engine import Engine, Pace
from schemas.reference import load
from state.tables import build
from streams.kafka import KafkaLog
from streams.kafka_settings import KafkaSettings
from streams.log import Fenced
from streams.privacy import Tokens
from streams.settle import Step

FENCED_STATUS = 3
TOKEN_KEY = bytes(32)
PACE = Pace(rate_batch_events=4_000, rate_linger_seconds=0.05, accrue_linger_seconds=0.1)


def main() -> None:
    """Settle until SIGTERM."""
    configuration = json.loads(sys.argv[1])
    settings = KafkaSettings(**configuration["settings"])
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    engine = Engine(
        build(load(Path(configuration["reference"]))),
        Tokens(TOKEN_KEY),
        Path(configuration["state"]),
        lambda hop, inputs: KafkaLog(settings, hop, inputs, overlap=True),
        PACE,
        observe,
    )
    try:
        engine.run(stop)
    except Fenced as error:
        sys.stdout.write(f"fenced {error}\n")
        sys.exit(FENCED_STATUS)


def observe(hop: str, step: Step, seconds: float) -> None:
    """Tell what the rate hop does."""
    if hop == "rate" and step.result != "idle":
        sys.stdout.write(f"{step.result} {seconds:.3f}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
