"""The embedded log: one writer, durable through kill -9, bounded in memory, plain about refusals.

What it shares with every log is tested in `tests/streams/test_log.py`.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas.topics import ACCRUALS, COMMANDS, CONTRIBUTIONS, RATED, RECYCLE, USAGE
from streams.local import LocalLog, LocalStore
from streams.local_database import DirectoryError
from streams.log import Aborted, Log, LogError, Unknown
from tests.log_worlds import fail_next_commit

ROOT = Path(__file__).parents[2]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[LocalStore]:
    """A new log with two usage partitions and three settlement partitions, at a fixed time."""
    with LocalStore(
        tmp_path / "log", usage_partitions=2, settlement_partitions=3, clock=lambda: 7_000_000
    ) as store:
        yield store


def rate(store: LocalStore) -> LocalLog:
    """The rate hop."""
    return store.hop("rate", [USAGE.name, RECYCLE.name])


def values(log: Log, topic: str, partition: int = 0) -> list[bytes | None]:
    """All committed values of one partition."""
    return [value for segment in log.recover(topic, partition) for value in segment.values]


def test_append_survives_reopening(tmp_path: Path) -> None:
    """What was appended is there for the next process, at the same offsets and log times."""
    with LocalStore(tmp_path) as store:
        assert store.append(USAGE.name, 0, [(b"s", b"a"), (b"s", b"b")], timestamp_us=5) == 2
        assert store.append(USAGE.name, 0, [(b"s", b"c")], timestamp_us=9) == 3
    with LocalStore(tmp_path) as store:
        [segment] = rate(store).read(10, 0)
        assert segment.offsets.tolist() == [0, 1, 2]
        assert segment.values == [b"a", b"b", b"c"]
        assert (segment.next_offset, segment.timestamp_us) == (3, 9)
        assert [segment.log_time_us(index) for index in range(3)] == [5, 5, 9]
        assert (store.end(USAGE.name, 0), store.end(RATED.name, 0)) == (3, 0)


def test_log_time_is_the_clock_s(store: LocalStore) -> None:
    """Messages of a hop, and appended ones without a time, carry the injected clock's time."""
    store.append(USAGE.name, 1, [(None, b"a")])
    hop = rate(store)
    assert [segment.timestamp_us for segment in hop.read(1, 0)] == [7_000_000]
    hop.begin()
    hop.send(RATED.name, 1, [(None, b"r")])
    hop.commit({(USAGE.name, 1): 1})
    assert [segment.timestamp_us for segment in hop.recover(RATED.name, 1)] == [7_000_000]


def test_second_writer_is_refused(tmp_path: Path) -> None:
    """Only one process writes a directory; the refusal names the directory and the holder."""
    with (
        LocalStore(tmp_path),
        pytest.raises(DirectoryError, match=rf"{tmp_path} is being written .*id {os.getpid()}"),
    ):
        LocalStore(tmp_path)
    LocalStore(tmp_path).close()


def test_killed_writer_leaves_no_lock(tmp_path: Path) -> None:
    """The lock is the operating system's: it goes with the process, whatever way that ended."""
    program = """
        import sys, pathlib, streams.local
        store = streams.local.LocalStore(pathlib.Path(sys.argv[1]))
        print("open", flush=True)
        sys.stdin.read()
    """
    with start(program, tmp_path) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        with pytest.raises(DirectoryError, match=f"id {process.pid}"):
            LocalStore(tmp_path)
        process.kill()
    LocalStore(tmp_path).close()


def test_read_only_beside_the_writer(store: LocalStore) -> None:
    """Others may follow while one writes: they see commits, and cannot write themselves."""
    with LocalStore(store.directory, read_only=True) as other:
        reader = other.tail([CONTRIBUTIONS.name])
        assert reader.read(10, 0) == []
        store.append(CONTRIBUTIONS.name, 2, [(None, b"a")])
        assert [segment.values for segment in reader.read(10, 0)] == [[b"a"]]
        assert other.end(CONTRIBUTIONS.name, 2) == 1
        with pytest.raises(DirectoryError, match="read-only"):
            other.append(USAGE.name, 0, [(None, b"a")])
        with pytest.raises(DirectoryError, match="read-only"):
            rate(other)


def test_read_only_after_the_writer(tmp_path: Path) -> None:
    """A log that nobody writes can be read, and reading leaves it openable for writing."""
    with LocalStore(tmp_path) as store:
        store.append(USAGE.name, 0, [(None, b"a")])
    with LocalStore(tmp_path, read_only=True) as store:
        assert [segment.values for segment in store.tail([USAGE.name]).read(10, 0)] == [[b"a"]]
        LocalStore(tmp_path).close()


def test_partition_counts_are_fixed(store: LocalStore) -> None:
    """Another count than at creation is refused in words; no count takes what is there."""
    assert store.partitions(USAGE.name) == 2
    assert store.partitions(COMMANDS.name) == 3
    directory = store.directory
    store.close()
    with pytest.raises(DirectoryError, match=r"settlement_partitions=3, not 4.*new directory"):
        LocalStore(directory, settlement_partitions=4)
    with LocalStore(directory, usage_partitions=2) as again:
        assert again.partitions(ACCRUALS.name) == 3


def test_strangers_are_refused(store: LocalStore) -> None:
    """Unknown places, and compacted messages without a key, are errors of the caller."""
    hop = rate(store)
    hop.begin()
    for topic, partition in (("absent.v1", 0), (USAGE.name, 2), (USAGE.name, -1)):
        with pytest.raises(ValueError, match="no partition"):
            hop.send(topic, partition, [(None, b"a")])
    with pytest.raises(ValueError, match="needs a key"):
        hop.send(ACCRUALS.name, 0, [(b"k", b"a"), (None, b"a")])
    with pytest.raises(ValueError, match="no topic"):
        store.tail(["absent.v1"])
    with pytest.raises(ValueError, match="one partition count"):
        store.hop("odd", [USAGE.name, COMMANDS.name])
    with pytest.raises(ValueError, match="does not read"):
        hop.commit({(COMMANDS.name, 0): 1})


def test_a_hop_is_open_once(store: LocalStore) -> None:
    """A hop has one member that owns everything, so its name is refused until it has left."""
    hop = rate(store)
    with pytest.raises(DirectoryError, match="'rate' is open"):
        rate(store)
    hop.close()
    rate(store).close()


def test_transactions_do_not_nest(store: LocalStore) -> None:
    """Begin twice, or send and commit without begin, are errors of the loop and say so."""
    hop = rate(store)
    with pytest.raises(LogError, match="no transaction is open"):
        hop.send(RATED.name, 0, [(None, b"a")])
    with pytest.raises(LogError, match="no transaction is open"):
        hop.commit({})
    hop.begin()
    with pytest.raises(LogError, match="open already"):
        hop.begin()


def test_two_hops_in_one_thread(store: LocalStore) -> None:
    """Hops by turns: what the first one commits, the second one reads next."""
    first = rate(store)
    second = store.hop("accrue", [CONTRIBUTIONS.name, COMMANDS.name])
    for turn in range(3):
        first.begin()
        first.send(CONTRIBUTIONS.name, 0, [(None, b"%d" % turn)])
        first.commit({})
        assert [segment.values for segment in second.read(10, 0)] == [[b"%d" % turn]]
        second.begin()
        second.send(ACCRUALS.name, 0, [(b"k", b"%d" % turn)])
        second.commit({(CONTRIBUTIONS.name, 0): turn + 1})
    assert values(second, ACCRUALS.name) == [b"2"]


def test_two_hops_in_two_threads(store: LocalStore) -> None:
    """Hops side by side: nothing is lost or doubled on the way through both."""
    total = 300

    def produce() -> None:
        hop = rate(store)
        for number in range(total):
            hop.begin()
            hop.send(CONTRIBUTIONS.name, number % 3, [(None, b"%d" % number)])
            hop.commit({(USAGE.name, 0): number})

    thread = threading.Thread(target=produce)
    thread.start()
    hop = store.hop("accrue", [CONTRIBUTIONS.name])
    received: list[int] = []
    while len(received) < total:
        segments = hop.read(50, 5)
        hop.begin()
        hop.commit({(s.topic, s.partition): s.next_offset for s in segments})
        received += [int(value or b"") for segment in segments for value in segment.values]
    thread.join()
    assert sorted(received) == list(range(total))
    hop.rewind()
    assert hop.read(50, 0) == []


def test_begin_after_unknown_needs_rewind(store: LocalStore) -> None:
    """After a failed sync the hop must rewind first; the store goes on working for others."""
    hop = rate(store)
    fail_next_commit(store.database, sqlite3.SQLITE_IOERR_FSYNC, happens=True)
    hop.begin()
    hop.send(RATED.name, 0, [(None, b"a")])
    with pytest.raises(Unknown, match="sync"):
        hop.commit({(USAGE.name, 0): 0})
    with pytest.raises(LogError, match="rewind"):
        hop.begin()
    store.append(RATED.name, 0, [(None, b"b")])
    hop.rewind()
    hop.begin()
    hop.abort()
    assert values(hop, RATED.name) == [b"a", b"b"]


def test_busy_file_aborts(store: LocalStore) -> None:
    """An error before the commit is complete certainly left nothing, and the next one works."""
    hop = rate(store)
    fail_next_commit(store.database, sqlite3.SQLITE_BUSY, happens=False)
    for expected in ([], [b"a"]):
        hop.begin()
        hop.send(RATED.name, 0, [(None, b"a")])
        if expected:
            hop.commit({})
        else:
            with pytest.raises(Aborted):
                hop.commit({})
        assert values(hop, RATED.name) == expected


def test_full_disk_aborts_and_leaves_nothing(tmp_path: Path) -> None:
    """When the file cannot grow the transaction is Aborted and leaves nothing; reading goes on.

    The limit on file size is the operating system's, so this is how SQLite truly behaves then.
    """
    program = """
        import sys, pathlib, resource
        from streams.local import LocalStore
        from streams.log import Aborted
        store = LocalStore(pathlib.Path(sys.argv[1]))
        hop = store.hop("rate", ["usage.v1"])
        def commit(size, mark):
            hop.begin()
            hop.send("rated.v1", 0, [(None, b"x" * size)] * 3)
            hop.commit({("usage.v1", 0): mark})
        commit(1_000, 1)
        resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, resource.RLIM_INFINITY))
        for size in (1_000_000, 10_000_000):
            try:
                commit(size, 2)
            except Aborted as error:
                print("aborted", flush=True)
        commit(2_000, 3)
        print([len(v) for s in hop.recover("rated.v1", 0) for v in s.values], flush=True)
    """
    with start(program, tmp_path) as process:
        output, errors = process.communicate(timeout=60)
    assert (output, errors) == ("aborted\naborted\n[1000, 1000, 1000, 2000, 2000, 2000]\n", "")
    with LocalStore(tmp_path) as store:
        change = store.hop("rate", [USAGE.name]).changes()
        assert change is not None
        assert change.gained == {0: {USAGE.name: 3}}


def test_kill_at_any_moment(tmp_path: Path) -> None:
    """Killed again and again, the log has what was acknowledged, and no transaction in part.

    Each transaction n writes messages to two topics and the position n. The process prints n after
    its commit; it gets kill -9 after some of them, wherever it is then.
    """
    program = """
        import sys, pathlib
        from streams.local import LocalStore
        store = LocalStore(pathlib.Path(sys.argv[1]))
        hop = store.hop("rate", ["usage.v1"])
        number = hop.changes().gained[0]["usage.v1"]
        while True:
            number += 1
            hop.begin()
            hop.send("rated.v1", 0, [(None, b"%d" % number + bytes(50_000))] * 5)
            hop.send("rate.changelog.v1", 0, [(b"k%d" % (number % 7), b"%d" % number)])
            hop.send("rate.changelog.v1", 0, [(b"last", b"%d" % number)])
            hop.commit({("usage.v1", 0): number})
            print(number, flush=True)
    """
    acknowledged = 0
    for kills in range(1, 9):
        with start(program, tmp_path) as process:
            assert process.stdout is not None
            for _ in range(3 * kills):
                acknowledged = int(process.stdout.readline())
            process.send_signal(signal.SIGKILL)
            rest = process.stdout.read().split()
            acknowledged = int(rest[-1]) if rest else acknowledged
        with LocalStore(tmp_path) as store:
            hop = store.hop("rate", [USAGE.name])
            change = hop.changes()
            assert change is not None
            number = change.gained[0][USAGE.name]
            assert acknowledged <= number <= acknowledged + 1
            blocks = [(value or b"").rstrip(b"\0") for value in values(hop, RATED.name)]
            assert blocks == [b"%d" % n for n in range(1, number + 1) for _ in range(5)]
            last = {b"k%d" % (n % 7): b"%d" % n for n in range(1, number + 1)}
            changelog = {
                key: value
                for segment in hop.recover("rate.changelog.v1", 0)
                for key, value in zip(segment.keys, segment.values, strict=True)
            }
            assert changelog == {**last, b"last": b"%d" % number}


def start(program: str, directory: Path) -> subprocess.Popen[str]:
    """Run a program on a log directory in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program), str(directory)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
