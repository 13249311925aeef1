"""Every command on genuine Kafka, beside a worker process, to the same figures as in a directory.

One test goes through all of them, since each changes what the next one sees.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from ops.cli import app
from ops.deployed import Deployed, KafkaCluster
from ops.embedded import Embedded
from ops.generate import generate, messages, send_to_kafka
from ops.generate_traffic import Traffic
from ops.verify_log import read_found
from schemas.topics import RATED, USAGE
from state.archive import Archive
from streams.kafka_admin import KafkaAdmin
from streams.kafka_settings import KafkaSettings
from tests.kafka.plugin import JarBroker

pytestmark = pytest.mark.kafka

ROOT = Path(__file__).parents[2]
EVENTS = 3_000
PARTITIONS = 2
SEED = 7
PATIENCE_SECONDS = 60
PERIOD = "2026-10"
BAD = (b"x", b"no usage at all")


def weir(*arguments: str | Path, exits: int = 0) -> Result:
    """Run a command in this process; it must exit as said."""
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    assert result.exit_code == exits, result.output
    return result


def as_json(*arguments: str | Path, exits: int = 0) -> Any:  # noqa: ANN401
    """The document that a command prints with `-o json`."""
    return json.loads(weir(*arguments, "-o", "json", exits=exits).stdout)


@contextmanager
def worker(brokers: str, reference: Path, state: Path) -> Iterator[None]:
    """A worker process that settles by a reference until the block ends."""
    settings = KafkaSettings(brokers=brokers, session_timeout_seconds=6)
    configuration = {
        "settings": asdict(settings),
        "reference": str(reference),
        "state": str(state),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.kafka.settler", json.dumps(configuration)],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.terminate()
        assert process.wait(PATIENCE_SECONDS) == 0


def settled(brokers: str, reference: Path) -> None:
    """Wait until every event has its outcome and all settlement partitions cover it."""
    deployed = Deployed(KafkaCluster(KafkaSettings(brokers=brokers)), [reference])
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        found = read_found(deployed.snapshot)
        reach = {f"{topic}/{n}": upto for (topic, n), upto in found.read_upto.items()}
        accrued = [found.accrued_upto.get(number, {}) for number in range(PARTITIONS)]
        if found.counts.total() == EVENTS and all(
            covers.get(place, 0) >= upto for covers in accrued for place, upto in reach.items()
        ):
            return
        assert time.monotonic() < deadline
        time.sleep(0.2)


def mended(reference: Path, directory: Path, waiting: list[dict[str, Any]]) -> Path:
    """A copy of a reference that lists the routes that suspended usage lacks."""
    shutil.copytree(reference, directory)
    routes = {
        r["missing"].removeprefix("route:") for r in waiting if r["reason"] == "unknown_route"
    }
    agreement = next(
        line.split(",")[2]
        for line in (reference / "attribution.csv").read_text().splitlines()
        if line.startswith("route,") and ",own," not in line
    )
    with (directory / "attribution.csv").open("a") as file:
        file.writelines(f"route,{route},{agreement},,\n" for route in sorted(routes))
    return directory


class Twin:
    """The same events in a data directory, for what the commands must say."""

    def __init__(self, data: Path, reference: Path) -> None:
        """Settle them."""
        self.data = data
        with Embedded(
            data, reference, usage_partitions=PARTITIONS, settlement_partitions=PARTITIONS
        ) as twin:
            for block in Traffic(SEED, 12).blocks(EVENTS - 1, EVENTS):
                for partition, batch in sorted(messages(block, PARTITIONS).items()):
                    twin.append(partition, batch)
            twin.append(0, [BAD])
            twin.drain()


def plain(rows: list[dict[str, Any]], *without: str) -> list[dict[str, Any]]:
    """Rows without what depends on where things stand on a log, in an order of their own."""
    kept = [{k: v for k, v in row.items() if k not in without} for row in rows]
    return sorted(kept, key=str)


def rows_archived(data: Path) -> int:
    """How many legs the archive of a directory holds."""
    return sum(table.num_rows for table in Archive(data / "archive").read())


def count_archived(brokers: str, data: Path) -> int:
    """Archive a deployment, twice, since the second time must find nothing new."""
    weir("archive", "--brokers", brokers, "--data", data, "--once")
    again = weir("archive", "--brokers", brokers, "--data", data, "--once").stdout
    assert again.startswith(f"0 messages of {RATED.name}")
    return rows_archived(data)


def test_every_command_on_a_deployment(own_broker: JarBroker, tmp_path: Path) -> None:
    """Looked at, closed, explained, verified, mended and archived; the figures are the twin's."""
    reference = generate(SEED, 1, tmp_path / "made").reference
    brokers = own_broker.address
    settings = KafkaSettings(brokers=brokers)
    KafkaAdmin(settings).create_topics(PARTITIONS, PARTITIONS)
    send_to_kafka(SEED, EVENTS - 1, brokers)
    KafkaCluster(settings).append(USAGE.name, 0, [BAD])
    twin = Twin(tmp_path / "twin", reference)
    on_kafka = ("--brokers", brokers, "--reference", reference)
    in_twin = ("--data", twin.data)

    def same(*command: str, without: tuple[str, ...] = ()) -> list[dict[str, Any]]:
        """The rows of a command, which are the twin's."""
        rows: list[dict[str, Any]] = as_json(*command, *on_kafka)
        assert rows
        assert plain(rows, *without) == plain(as_json(*command, *in_twin), *without)
        return rows

    with worker(brokers, reference, tmp_path / "state"):
        settled(brokers, reference)
        same("accruals")
        waiting = same("suspense", "list", without=("offset", "row"))
        assert [r["reason"] for r in same("quarantine", "list", without=("offset",))] == [
            "bad_magic"
        ]
        replayed = weir("quarantine", "replay", *on_kafka).stderr
        assert "1 quarantined records sent again" in replayed
        weir("quarantine", "replay", *in_twin)
        same("close", "--period", PERIOD)
        same("statements")
        assert "0 differences" in weir("verify", *on_kafka).stdout

    # Nobody is there: the request waits on its topic, and the command says so.
    said = weir("suspense", "recycle", *on_kafka, "--wait", "0.2", exits=1).stderr
    assert "no worker answered within 0.2 s: the request is on recycle.v1" in said

    mending = mended(reference, tmp_path / "mended", waiting)
    newest = ("--brokers", brokers, "--reference", mending)
    with worker(brokers, mending, tmp_path / "state"):
        weir("suspense", "recycle", *newest)
        weir("suspense", "recycle", *in_twin)
        weir("suspense", "recycle", *in_twin, "--reference", mending)
        left = as_json("suspense", "list", *newest)
        assert not any(r["reason"] == "unknown_route" for r in left)
        was = next(r["suspense_id"] for r in waiting if r["reason"] == "unknown_route")
        told = as_json("explain", was, *newest)
        assert told["source"][0]["outcome"] == "rated"
        assert told["legs"] == as_json("explain", was, *in_twin)["legs"]
        assert weir("state", "hash", *newest).stdout == weir("state", "hash", *in_twin).stdout
        lacking = weir("verify", *newest, exits=2).stderr
        assert "which is not among those given" in lacking
        document = as_json("verify", *on_kafka, "--reference", mending)
        assert (document["differences"], len(document["references"])) == ([], 2)

    archived = count_archived(brokers, tmp_path / "kept")
    assert archived == rows_archived(twin.data) > 0
