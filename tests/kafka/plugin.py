"""A genuine Kafka broker for tests: where it comes from, and how many tests ran on it.

Exactly-once is a property of the broker as much as of Weir, and imitations of Kafka show aborted
messages and fence nobody. So tests marked `kafka` take the fixture `brokers` and run on Apache
Kafka itself. `WEIR_TEST_BROKER` says where it comes from: `jar` (the default; Java and Maven are
needed), `container` (Docker is needed) or HOST:PORT of a running broker, set up as
`scripts/kafka.sh` does it. Without a broker these tests are skipped with the reason, and fail
where that would hide something: with `CI=true` or `WEIR_REQUIRE_KAFKA=1`.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import NoReturn, TypeVar

import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from ops.bench.broker import free_port

VERSION = "4.4.0"
SCRIPT = Path(__file__).parents[2] / "scripts" / "kafka.sh"
START_SECONDS = 600  # the first start fetches the jars
ANSWER_SECONDS = 60
IMAGE_PORT = 9092

Entered = TypeVar("Entered")

# The tests marked `kafka`, for the last line of the run.
_marked: set[str] = set()
_ran: set[str] = set()
_skipped: set[str] = set()


class NoBrokerError(Exception):
    """There is no broker to test on; the message says what is missing."""


class JarBroker:
    """A broker of a test's own, from the jars: it can be killed, paused and started again."""

    def __init__(self, directory: Path) -> None:
        """Choose a port; `start` makes the broker."""
        self.directory = directory
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, or start it again on the same data."""
        self._run("start", str(self.directory), str(self.port))

    def stop(self) -> None:
        """Stop it; its data stays."""
        self._run("stop", str(self.directory))

    def signal(self, number: signal.Signals) -> None:
        """Kill, pause (SIGSTOP) or wake (SIGCONT) the broker's process."""
        os.kill(int((self.directory / "broker.pid").read_text()), number)

    def _run(self, *arguments: str) -> None:
        """One command of scripts/kafka.sh."""
        done = subprocess.run(
            [SCRIPT, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=START_SECONDS,
            check=False,
        )
        if done.returncode != 0:
            message = f"scripts/kafka.sh {arguments[0]}: {done.stderr.strip() or done.stdout}"
            raise NoBrokerError(message)


@contextmanager
def jar_broker(directory: Path) -> Iterator[JarBroker]:
    """A broker from the jars that is gone afterwards, data included."""
    broker = JarBroker(directory)
    try:
        broker.start()
        yield broker
    finally:
        broker.stop()
        shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def container_broker() -> Iterator[str]:
    """The address of a broker in a container of the official image."""
    if shutil.which("docker") is None:
        message = "docker is missing"
        raise NoBrokerError(message)
    info = subprocess.run(["docker", "info"], capture_output=True, text=True, check=False)
    if info.returncode != 0:
        message = f"Docker does not answer: {info.stderr.strip()}"
        raise NoBrokerError(message)
    # Imported here because only this way needs Docker.
    from docker.errors import DockerException  # type: ignore[import-untyped]  # noqa: PLC0415
    from testcontainers.core.container import DockerContainer  # noqa: PLC0415

    port = free_port()
    try:
        container = DockerContainer(f"apache/kafka:{VERSION}").with_bind_ports(IMAGE_PORT, port)
        for name, value in container_environment(port).items():
            container = container.with_env(name, value)
        container.start()
    except DockerException as error:
        message = f"Docker does not start a container: {error}"
        raise NoBrokerError(message) from error
    try:
        answer(f"127.0.0.1:{port}")
        yield f"127.0.0.1:{port}"
    finally:
        container.stop()


def container_environment(port: int) -> dict[str, str]:
    """The settings of scripts/kafka.sh as the official image takes them."""
    return {
        "KAFKA_NODE_ID": "1",
        "KAFKA_PROCESS_ROLES": "broker,controller",
        "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
        "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "KAFKA_LISTENERS": f"PLAINTEXT://:{IMAGE_PORT},CONTROLLER://:9093",
        "KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://127.0.0.1:{port}",
        "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
        "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
        "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
        "KAFKA_GROUP_MIN_SESSION_TIMEOUT_MS": "1000",
        "KAFKA_MESSAGE_MAX_BYTES": "16777216",
        "KAFKA_REPLICA_FETCH_MAX_BYTES": "16777216",
        "KAFKA_LOG_CLEANER_BACKOFF_MS": "200",
    }


def broker_source() -> str:
    """What WEIR_TEST_BROKER says."""
    return os.environ.get("WEIR_TEST_BROKER", "jar")


def enter(stack: ExitStack, broker: AbstractContextManager[Entered]) -> Entered:
    """Start a broker; without one skip, or fail where a skip would hide something."""
    try:
        return stack.enter_context(broker)
    except NoBrokerError as error:
        refuse(error)


def refuse(error: NoBrokerError) -> NoReturn:
    """Skip or fail, as the environment says."""
    if os.environ.get("CI") == "true" or os.environ.get("WEIR_REQUIRE_KAFKA") == "1":
        pytest.fail(f"no genuine Kafka: {error}", pytrace=False)
    pytest.skip(f"no genuine Kafka: {error}")


@contextmanager
def any_broker(directory: Path) -> Iterator[str]:
    """The address of the broker that WEIR_TEST_BROKER names."""
    source = broker_source()
    if source == "jar":
        with jar_broker(directory) as broker:
            yield broker.address
    elif source == "container":
        with container_broker() as address:
            yield address
    else:
        answer(source)
        yield source


def answer(address: str) -> None:
    """Wait until a broker answers."""
    try:
        AdminClient({"bootstrap.servers": address}).list_topics(timeout=ANSWER_SECONDS)
    except KafkaException as error:
        message = f"{address} does not answer: {error}"
        raise NoBrokerError(message) from error


@pytest.fixture(scope="session")
def brokers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the run's one shared broker; tests keep apart by names of their own."""
    with ExitStack() as stack:
        yield enter(stack, any_broker(tmp_path_factory.mktemp("broker")))


@pytest.fixture
def own_broker(tmp_path: Path) -> Iterator[JarBroker]:
    """A broker that the test may pause and kill."""
    if broker_source() != "jar":
        pytest.skip("a broker that may be killed is started from the jars only")
    with ExitStack() as stack:
        yield enter(stack, jar_broker(tmp_path / "broker"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Remember which tests are on genuine Kafka."""
    _marked.update(item.nodeid for item in items if item.get_closest_marker("kafka"))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Remember which of them ran: what was skipped, or failed for want of a broker, did not."""
    if report.nodeid not in _marked:
        return
    if report.skipped:
        _skipped.add(report.nodeid)
    elif report.when == "call":
        _ran.add(report.nodeid)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many tests ran on genuine Kafka, so that a green run without it is seen."""
    if not _marked:
        return
    source = broker_source()
    name = VERSION if source in ("jar", "container") else f"at {source}"
    terminalreporter.write_line(
        f"{len(_ran)} tests ran on genuine Kafka {name}, {len(_skipped)} skipped"
    )
