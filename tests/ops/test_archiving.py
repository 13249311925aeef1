"""The projector: everything rated is archived once, whatever stops it in between."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from ops.archiving import project, writing
from ops.embedded import Embedded
from schemas.topics import RATED
from state.archive import Archive
from streams.local_database import DirectoryError
from tests.ops.books import RATED as RATED_EVENTS
from tests.ops.books import call, reference, settle, usage_file


def rows(data: Path) -> int:
    """How many legs an archive has."""
    return sum(table.num_rows for table in Archive(data / "archive").read())


def test_it_goes_on_where_it_ended(tmp_path: Path) -> None:
    """Six legs, then nothing new, then one more: each is archived once."""
    kept = tmp_path / "kept"
    with Embedded(tmp_path / "data", reference(tmp_path / "reference")) as weir:

        def once() -> int:
            """Project to the end."""
            with writing(kept) as archive:
                tail = weir.store.tail([RATED.name], archive.positions())
                return project(archive, tail, threading.Event(), once=True)

        list(weir.ingest(usage_file(tmp_path / "usage.jsonl", RATED_EVENTS)))
        assert (once(), rows(kept)) == (1, 6)
        assert (once(), rows(kept)) == (0, 6)
        list(weir.ingest(usage_file(tmp_path / "late.jsonl", [call(20)])))
        assert (once(), rows(kept)) == (1, 7)


def test_it_writes_now_and_then_and_at_the_end(tmp_path: Path) -> None:
    """Following, it flushes when it is time; told to stop, it has written all that it read."""
    kept, stop = tmp_path / "kept", threading.Event()
    looks: list[int] = []

    def clock() -> float:
        """A second a look; at the third one the projector is told to stop."""
        looks.append(rows(kept))
        if len(looks) == 3:
            stop.set()
        return float(len(looks))

    with Embedded(tmp_path / "data", reference(tmp_path / "reference")) as weir:
        list(weir.ingest(usage_file(tmp_path / "usage.jsonl", RATED_EVENTS)))
        with writing(kept) as archive:
            tail = weir.store.tail([RATED.name], archive.positions())
            count = project(archive, tail, stop, once=False, flush_seconds=1, clock=clock)
    # Looks: at the start, after the first read (time to write), after that.
    assert (count, looks) == (1, [0, 0, 6])


def test_one_process_writes_an_archive(tmp_path: Path) -> None:
    """A second one would archive the same stretches under other names."""
    with (
        writing(tmp_path),
        pytest.raises(DirectoryError, match="another process"),
        writing(tmp_path),
    ):
        pass
    with writing(tmp_path):
        pass


def test_a_directory_with_a_log_has_its_own_archive(tmp_path: Path) -> None:
    """Positions of two logs must not be mixed."""
    settle(tmp_path / "data", [call(1)])
    with pytest.raises(DirectoryError, match="choose another --data"), writing(tmp_path / "data"):
        pass
