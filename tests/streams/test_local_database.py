"""The file of the embedded log: row ids, growth of older directories, foreign files, errors."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from schemas.topics import ACCRUALS, RATE_CHANGELOG, REFERENCE, TOPICS, USAGE
from streams.local import LocalStore
from streams.local_database import FILE_NAME, OFFSETS_MAX, Database, DirectoryError
from streams.log import Aborted, LogError, Unknown
from tests.log_worlds import fail_next_commit

ONE_EACH = {"usage": 1, "settlement": 1, "control": 1}


def test_shelves_do_not_overlap(tmp_path: Path) -> None:
    """Every topic partition has row ids of its own, all of them positive 64-bit integers."""
    counts = {"usage": 65_536, "settlement": 3, "control": 1}
    database = Database(tmp_path, TOPICS, counts, read_only=False)
    bases = sorted(shelf.base for shelf in database.shelves.values())
    assert len(bases) == sum(counts[topic.axis] for topic in TOPICS)
    assert all(after - before >= OFFSETS_MAX for before, after in pairwise(bases))
    assert bases[0] > 0
    assert bases[-1] + OFFSETS_MAX < 2**63
    database.close()


@pytest.mark.parametrize("count", [0, -1, 65_537])
def test_impossible_counts(tmp_path: Path, count: int) -> None:
    """A partition count out of range is refused before anything is made of it."""
    with pytest.raises(ValueError, match="65536"):
        LocalStore(tmp_path, usage_partitions=count)
    LocalStore(tmp_path).close()


def test_new_topics_are_added(tmp_path: Path) -> None:
    """A directory made before a topic existed gets it when a writer opens it; the others stay."""
    with LocalStore(tmp_path, topics=[USAGE]) as store:
        store.append(USAGE.name, 0, [(None, b"a")])
    with LocalStore(tmp_path, topics=[ACCRUALS, USAGE], read_only=True) as store:
        assert store.end(USAGE.name, 0) == 1
        with pytest.raises(ValueError, match="no partition 0 of a topic 'accruals"):
            store.end(ACCRUALS.name, 0)
    with LocalStore(tmp_path, topics=[ACCRUALS, USAGE]) as store:
        store.append(ACCRUALS.name, 0, [(b"k", b"b")])
        ends = [store.end(topic.name, 0) for topic in (USAGE, ACCRUALS)]
        assert ends == [1, 1]


def test_compaction_cannot_change(tmp_path: Path) -> None:
    """A topic stays as it was created: append-only or compacted."""
    LocalStore(tmp_path).close()
    with pytest.raises(DirectoryError, match=r"usage\.v1 with compacted=False"):
        LocalStore(tmp_path, topics=[replace(USAGE, keeps="latest")])


def test_foreign_file(tmp_path: Path) -> None:
    """A file that is no database is refused by name, and the directory is not locked after."""
    path = tmp_path / FILE_NAME
    path.write_bytes(b"not a database, but long enough to be looked at" * 100)
    for _ in range(2):
        with pytest.raises(DirectoryError, match=f"{path} cannot be opened as a log"):
            LocalStore(tmp_path)


def test_other_format(tmp_path: Path) -> None:
    """A log of another format version is left alone."""
    LocalStore(tmp_path).close()
    connection = sqlite3.connect(tmp_path / FILE_NAME)
    connection.execute("UPDATE meta SET value = 2 WHERE name = 'schema_version'")
    connection.commit()
    connection.close()
    with pytest.raises(DirectoryError, match="format 2, this program knows 1"):
        LocalStore(tmp_path)


def test_nothing_to_read(tmp_path: Path) -> None:
    """A read-only opener neither creates a log nor waits for one."""
    with pytest.raises(DirectoryError, match="holds no log yet"):
        LocalStore(tmp_path, read_only=True)
    (tmp_path / FILE_NAME).touch()
    with pytest.raises(DirectoryError, match="still being created"):
        LocalStore(tmp_path, read_only=True)


def test_compacted_topic_is_as_small_as_its_keys(tmp_path: Path) -> None:
    """Replaced messages leave the file; the end of the topic counts them all the same."""
    with LocalStore(tmp_path) as store:
        for number in range(10):
            store.append(RATE_CHANGELOG.name, 0, [(b"x", b"%d" % number), (b"y", None)])
        assert store.end(RATE_CHANGELOG.name, 0) == 20
        [segment] = store.tail([RATE_CHANGELOG.name]).read(100, 0)
    assert segment.offsets.tolist() == [18, 19]
    assert segment.values == [b"9", None]
    connection = sqlite3.connect(tmp_path / FILE_NAME)
    assert connection.execute("SELECT count(*) FROM latest").fetchone() == (2,)
    connection.close()


@pytest.mark.parametrize(
    ("code", "meaning"),
    [
        (sqlite3.SQLITE_FULL, Aborted),
        (sqlite3.SQLITE_IOERR_WRITE, Aborted),
        (sqlite3.SQLITE_IOERR_FSYNC, Unknown),
    ],
)
def test_what_a_failed_commit_means(tmp_path: Path, code: int, meaning: type[LogError]) -> None:
    """Only a failed sync leaves the outcome open: every other error comes before the last frame."""
    with LocalStore(tmp_path) as store:
        fail_next_commit(store.database, code, happens=False)
        with pytest.raises(meaning):
            store.append(USAGE.name, 0, [(None, b"a")])
        assert store.end(USAGE.name, 0) == 0
        assert store.append(USAGE.name, 0, [(None, b"b")]) == 1


def test_misuse_leaves_nothing(tmp_path: Path) -> None:
    """A message that is no bytes is an error of the program; what came before it is rolled back."""
    with LocalStore(tmp_path) as store:
        with pytest.raises(LogError, match="misused"):
            store.append(USAGE.name, 0, [(None, b"a"), (None, "text")])  # type: ignore[list-item]
        assert store.end(USAGE.name, 0) == 0
        assert store.append(USAGE.name, 0, [(None, b"b")]) == 1


def test_a_directory_from_before_the_control_plane_opens(tmp_path: Path) -> None:
    """Its file does not say how many partitions control topics have: there is only one count."""
    LocalStore(tmp_path).close()
    with sqlite3.connect(tmp_path / FILE_NAME) as connection:
        connection.execute("DELETE FROM meta WHERE name = 'control_partitions'")
    connection.close()
    with LocalStore(tmp_path) as store:
        assert store.partitions(REFERENCE.name) == 1
