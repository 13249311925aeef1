"""A member in a process of its own, for tests that kill and pause it: copies inputs to an output.

Run as `python -m tests.kafka.member CONFIGURATION`. Every message of the input appears once in the
output, in the same partition, whatever happens to the process. What happens is told in one word a
line on standard output: `owns 0,1`, `committed`, `aborted`, `unknown`, `fenced`. On SIGTERM the
member leaves its group and exits with 0; when fenced it exits with 3.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path

from streams.kafka import KafkaLog
from streams.kafka_settings import KafkaSettings
from streams.log import Aborted, Fenced, Message, TopicPartition, Unknown

ROOT = Path(__file__).parents[2]
WAIT_SECONDS = 60
FENCED_STATUS = 3
# What was sent has reached the broker within this time.
SENT_SECONDS = 0.5


class Process:
    """A member's process as a test handles it, with what it has told so far."""

    def __init__(
        self, settings: KafkaSettings, source: str, output: str, *, stop_at: int = 0
    ) -> None:
        """Start the process.

        Args:
            settings: of the member; the slot is part of them.
            source: the topic to read.
            output: the topic to write.
            stop_at: the member stops itself (SIGSTOP) in its transaction of this number, with
                messages sent and nothing committed; 0 for never.
        """
        configuration = {
            "settings": asdict(settings),
            "source": source,
            "output": output,
            "stop_at": stop_at,
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.kafka.member", json.dumps(configuration)],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.words: list[str] = []
        self._reader = threading.Thread(target=self._listen, daemon=True)
        self._reader.start()

    def wait_for(self, word: str, count: int = 1) -> None:
        """Wait until it has told a word so many times."""
        deadline = time.monotonic() + WAIT_SECONDS
        while Counter(self.words)[word] < count:
            assert time.monotonic() < deadline, f"no {word!r} after {self.words[-10:]}"
            assert self.process.poll() is None or word in self.words, self.words[-10:]
            time.sleep(0.01)

    def wait_stopped(self) -> None:
        """Wait until it has stopped itself."""
        os.waitid(os.P_PID, self.process.pid, os.WSTOPPED | os.WNOWAIT)

    def send(self, number: signal.Signals) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal that ends it, and wait for that."""
        self.send(number)
        return self.wait()

    def wait(self) -> int:
        """Wait for its end; returns the exit status."""
        status = self.process.wait(WAIT_SECONDS)
        self._reader.join(WAIT_SECONDS)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return status

    def _listen(self) -> None:
        """Take down what the member tells."""
        output = self.process.stdout
        assert output is not None
        for line in output:
            self.words.append(line.strip())


class Copier:
    """The member itself."""

    def __init__(self, settings: KafkaSettings, source: str, output: str, stop_at: int) -> None:
        """Join."""
        self.log = KafkaLog(settings, "copy", [source])
        self.is_ending = False
        self._source = source
        self._output = output
        self._stop_at = stop_at
        self._transactions = 0

    def step(self) -> None:
        """Read and copy once."""
        segments = self.log.read(50, 0.05)
        if self.log.changes() is not None:
            tell("owns " + ",".join(map(str, sorted(self.log.owned))))
        if not segments:
            return
        positions: dict[TopicPartition, int] = {}
        try:
            self.log.begin()
            for segment in segments:
                positions[segment.topic, segment.partition] = segment.next_offset
                messages: list[Message] = list(zip(segment.keys, segment.values, strict=True))
                self.log.send(self._output, segment.partition, messages)
            self._transactions += 1
            if self._transactions == self._stop_at:
                time.sleep(SENT_SECONDS)
                os.kill(os.getpid(), signal.SIGSTOP)
            self.log.commit(positions)
        except Aborted:
            tell("aborted")
            self.log.rewind()
        except Unknown:
            tell("unknown")
            self.log.rewind()
        else:
            tell("committed")

    def end(self, number: int, frame: object) -> None:
        """Leave after this step."""
        self.is_ending = True


def tell(word: str) -> None:
    """Say what happened, at once."""
    sys.stdout.write(word + "\n")
    sys.stdout.flush()


def main() -> int:
    """Copy until told to end."""
    configuration = json.loads(sys.argv[1])
    settings = KafkaSettings(**configuration["settings"])
    try:
        copier = Copier(
            settings, configuration["source"], configuration["output"], configuration["stop_at"]
        )
        signal.signal(signal.SIGTERM, copier.end)
        while not copier.is_ending:
            copier.step()
    except Fenced:
        tell("fenced")
        return FENCED_STATUS
    copier.log.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
