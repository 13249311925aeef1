"""The doctor's findings, each brought about by hand."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest

from ops import doctor
from ops.doctor import Finding, examine
from schemas.topics import TOPICS, USAGE
from streams.kafka_settings import KafkaSettings
from streams.local import LocalStore
from tests.ops.books import reference

NOBODY = "127.0.0.1:1"


class Usage(NamedTuple):
    """What a disk holds."""

    total: int
    used: int
    free: int


def found(
    brokers: str | None = None, data: Path | None = None, given: Path | None = None
) -> dict[str, Finding]:
    """Findings by check, without those about this machine."""
    return {f.check: f for f in examine(brokers, data, given)[2:]}


def answer(monkeypatch: pytest.MonkeyPatch, counts: dict[str, int]) -> None:
    """Let brokers have topics with these partition counts."""

    class Admin:
        def __init__(self, settings: KafkaSettings) -> None:
            assert settings.brokers == NOBODY

        def partition_counts(self) -> dict[str, int]:
            """Partitions by topic."""
            return counts

    monkeypatch.setattr(doctor, "KafkaAdmin", Admin)


def test_this_machine_is_always_looked_at() -> None:
    """Python and zone data, which the tests could not run without."""
    assert [(f.check, f.result) for f in examine(None, None, None)] == [
        ("Python", "ok"),
        ("Zone data", "ok"),
    ]


def test_an_old_python_is_bad(monkeypatch: pytest.MonkeyPatch) -> None:
    """3.10 is below 3.11."""
    monkeypatch.setattr("sys.version_info", (3, 10, 14))
    assert examine(None, None, None)[0] == Finding(
        "Python", "bad", "3.10.14; 3.11 or later is needed"
    )


def test_a_place_that_is_not_there_is_bad(tmp_path: Path) -> None:
    """A new directory is made on first use, but not the one that it lies in."""
    missing = found(data=tmp_path / "no" / "data")
    assert missing == {"Disk": Finding("Disk", "bad", f"{tmp_path}/no does not exist: create it")}


def test_an_empty_place_is_a_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is wrong with a directory that is still to be filled."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(1 << 40, 0, 1 << 30))
    results = found(data=tmp_path / "data")
    assert results["Disk"] == Finding("Disk", "ok", f"1,024 MiB free at {tmp_path}")
    assert results["Log"].result == "note"


def test_a_full_disk_is_bad(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A byte below a GiB is 1,023 whole MiB."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(1 << 40, 0, (1 << 30) - 1))
    assert found(data=tmp_path)["Disk"] == Finding("Disk", "bad", f"1,023 MiB free at {tmp_path}")


def test_a_log_is_counted(tmp_path: Path) -> None:
    """Two messages in one partition and one in another are three."""
    with LocalStore(tmp_path / "log", usage_partitions=2) as store:
        store.append(USAGE.name, 0, [(b"a", b"1"), (b"a", b"2")])
        store.append(USAGE.name, 1, [(b"b", b"1")])
    assert found(data=tmp_path)["Log"] == Finding("Log", "ok", "3 usage messages")


def test_a_log_that_cannot_be_read_is_bad(tmp_path: Path) -> None:
    """A directory without its database."""
    (tmp_path / "log").mkdir()
    assert found(data=tmp_path)["Log"].result == "bad"


def test_reference_files_are_checked(tmp_path: Path) -> None:
    """The books have two partners and three agreements; a directory that is not there is bad."""
    good = found(given=reference(tmp_path / "reference"))["Reference"]
    assert good.result == "ok"
    assert "2 partners, 3 agreements" in good.detail
    assert found(given=tmp_path / "no")["Reference"].result == "bad"


def test_brokers_that_do_not_answer_are_bad(monkeypatch: pytest.MonkeyPatch) -> None:
    """One finding that says why, and nothing about topics that nobody could list."""
    quick = partial(KafkaSettings, request_timeout_seconds=1)
    monkeypatch.setattr(doctor, "KafkaSettings", quick)
    results = found(NOBODY)
    assert [(f.check, f.result) for f in results.values()] == [("Kafka", "bad")]
    assert "cannot list topics" in results["Kafka"].detail


def test_topics_are_compared_by_axis(monkeypatch: pytest.MonkeyPatch) -> None:
    """All there and alike is well; one missing or one of another count is not."""
    counts = {topic.name: 1 if topic.axis == "control" else 4 for topic in TOPICS}
    answer(monkeypatch, counts)
    assert found(NOBODY)["Topics"] == Finding("Topics", "ok", f"all {len(TOPICS)} are there")
    answer(monkeypatch, {**counts, USAGE.name: 5})
    uneven = found(NOBODY)["Topics"]
    assert uneven.result == "bad"
    assert "'usage': {4, 5}" in uneven.detail
    answer(monkeypatch, {t.name: 4 for t in TOPICS})
    several = found(NOBODY)["Topics"]
    assert several.result == "bad"
    assert "topics of the control axis have one partition each" in several.detail
    del counts[USAGE.name]
    answer(monkeypatch, counts)
    missing = f"{USAGE.name} missing: run weir topics create"
    assert found(NOBODY)["Topics"] == Finding("Topics", "bad", missing)
