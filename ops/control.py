"""The control worker: what masters tell on Kafka becomes changes, until told to stop.

It is a process of its own, since masters come and go at another pace than usage. Several share the
six topics, each read by one of them; one is enough. Told to stop it finishes its batch and leaves;
what it was killed in the middle of the next one reads again, to the same changes.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

from prometheus_client import start_http_server

from ops.config import Settings
from ops.logs import logger
from ops.metrics import Metrics
from ops.serve import on_signals
from streams.control.intake import Intake
from streams.control.taking import REFUSED, Delta
from streams.kafka_settings import KafkaSettings

LOG = logger("weir.control")


@dataclass(frozen=True)
class ControlWorker:
    """What a control worker runs with."""

    settings: Settings
    metrics: Metrics

    def run(self) -> None:
        """Take changes in until a signal comes.

        Raises:
            LogError: topics are missing, or brokers do not answer; nothing is acknowledged that
                is not confirmed.
        """
        # Faust is needed in this process only, and takes a while to load.
        from streams.control.faust_app import run

        stop = threading.Event()
        on_signals(stop.set)
        s = self.settings
        if s.metrics_port:
            start_http_server(s.metrics_port, s.metrics_host, self.metrics.registry)
        LOG.info("started", hops=["control"], slot=s.slot)
        run(KafkaSettings(brokers=s.brokers, slot=s.slot), stop, self.observe)
        LOG.info("stopped")

    def observe(self, delta: Delta, intake: Intake) -> None:
        """Count what became of a batch, and log that some of it was refused."""
        self.metrics.observe_control(delta)
        self.metrics.set_exceptions(intake.memory.open_exceptions())
        refused = sum(count for (_, result), count in delta.counts.items() if result == REFUSED)
        if refused:
            LOG.warning("refused", notifications=refused, reasons=dict(delta.reasons))
