"""What masters tell while usage is settled: taken over between batches, soon, and once."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ops.embedded import Embedded
from ops.follow import Follower
from ops.metrics import Metrics
from ops.reload import (
    TOLD_SECONDS_MAX,
    TOLD_STILL_SECONDS,
    Reload,
    Taker,
    at_once,
    begin,
    fingerprint,
    keep_nothing,
)
from schemas.reference import InvalidReferenceError, Reference, load
from schemas.topics import REFERENCE
from streams.control.changes import Change
from streams.local import LocalStore
from tests.ops import books
from tests.ops.masters import agreement, organization, product, tell, version
from tests.ops.test_follow import CASA, amounts, gigabytes

NEVER = threading.Event()
PATIENCE_SECONDS = 60


class Told:
    """A log that masters tell on, followed at the pace of the test."""

    def __init__(self, place: Path) -> None:
        """Nothing is told, and the files are in force."""
        self.files = books.reference(place / "files")
        self.store = LocalStore(place / "log")
        self.now_s = 1_000.0
        self.taken: list[str] = []
        self.kept: list[str] = []
        self.follower = Follower(self.store.tail([REFERENCE.name]), self.files)
        first = begin(self.follower, self.files, None, self._keep)
        self.first = first.reference_id
        self.reload = Reload(
            *(self.files, first, fingerprint(self.files)),
            [Taker(at_once(lambda tables: self.taken.append(tables.reference_id)), 0.5)],
            Metrics(lambda: 0),
            self._keep,
            lambda: self.now_s,
            self.follower,
        )

    def _keep(self, reference: Reference, files: Path) -> None:
        assert load(files).reference_id == reference.reference_id
        self.kept.append(reference.reference_id)

    def tell(self, *changes: Change) -> None:
        """Put changes on the log."""
        self.store.append(REFERENCE.name, 0, [(c.key, c.to_bytes()) for c in changes])

    def look(self, seconds: float) -> int:
        """Look again some seconds later; how often something was taken so far."""
        self.now_s += seconds
        self.reload.look(NEVER)
        return len(self.taken)


@pytest.fixture
def told(tmp_path: Path) -> Told:
    """A log on which nothing was told yet."""
    return Told(tmp_path)


def test_what_goes_together_is_taken_together(told: Told) -> None:
    """A quarter of a second after the last change, and not again for what is known."""
    assert told.kept == [told.first]
    for change in CASA:
        told.tell(change)
        assert told.look(TOLD_STILL_SECONDS / 2) == 0
    assert told.look(TOLD_STILL_SECONDS) == 1
    told.tell(*CASA)
    told.look(0)
    assert told.look(TOLD_STILL_SECONDS) == 1
    assert told.kept == [told.first, *told.taken]


def test_what_never_ends_is_taken_after_a_second(told: Told) -> None:
    """Changes that come all the time must not keep the first one waiting."""
    told.tell(*CASA)
    step, taken = TOLD_STILL_SECONDS / 2, 0
    for number in range(int(TOLD_SECONDS_MAX / step) + 1):
        assert taken == 0
        told.tell(product(f"P-{number + 10}", "C-1"))
        taken = told.look(step if number else 0)
    assert taken == 1


def test_files_that_are_broken_do_not_hold_up_what_is_told(told: Told) -> None:
    """The files as they were taken last are joined; mended ones are joined with what was told."""
    (told.files / "attribution.csv").write_text("kind\n")
    for _ in range(2):
        told.look(2)
    told.tell(*CASA)
    told.look(0)
    assert told.look(TOLD_STILL_SECONDS) == 1
    books.reference(told.files, books.MENDED)
    told.look(0)
    assert told.look(2) == 2
    kept = load(told.follower.base)
    assert "TX-1" in kept.attribution["key"].to_list()
    assert told.taken[-1] != kept.reference_id


def test_a_process_begins_with_what_was_told_before(told: Told, tmp_path: Path) -> None:
    """As another one has it; and terms that were in force here are not changed while it is down."""
    told.tell(*CASA)
    told.look(0)
    told.look(TOLD_STILL_SECONDS)

    def begun(last: Path | None) -> tuple[Reference, Follower]:
        """Another process, which settled by a reference last."""
        follower = Follower(told.store.tail([REFERENCE.name]), told.files, last)
        return begin(follower, told.files, last, keep), follower

    def keep(_: Reference, files: Path) -> None:
        """Keep the first one."""
        if not (tmp_path / "last").exists():
            shutil.copytree(files, tmp_path / "last")

    first, _ = begun(None)
    assert first.reference_id == told.taken[-1]
    told.tell(
        agreement("C-1", "CASA", [version(price="9")], at=1),
        organization("NEW", at=1),
        agreement("N-1", "NEW", at=1),
    )
    second, follower = begun(tmp_path / "last")
    assert [one.name for one in follower.held()] == ["C-1"]
    assert second.agreements[:-1] == first.agreements
    assert "NEW" in {partner.partner for partner in second.partners}


def test_wrong_files_are_refused_at_a_start(told: Told) -> None:
    """Whatever masters told."""
    told.tell(*CASA)
    (told.files / "partners.yaml").write_text("- {partner: ALFA}\n")
    follower = Follower(told.store.tail([REFERENCE.name]), told.files)
    with pytest.raises(InvalidReferenceError, match="name: is missing"):
        begin(follower, told.files, None, keep_nothing)


def until(happens: Callable[[], bool]) -> bool:
    """Whether something happens before patience ends."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not happens() and time.monotonic() < deadline:
        time.sleep(0.01)
    return happens()


def test_usage_that_waits_is_settled_while_both_loops_run(tmp_path: Path) -> None:
    """3 GB came before anybody told of their product: they wait, and are 1.5 without any command.

    A product that is told only then is rated at once: 2 GB are 1.
    """
    data, files = tmp_path / "data", books.reference(tmp_path / "files")
    weir, stop = Embedded(data, files), threading.Event()
    following = weir.following(files, fingerprint(files), Metrics(lambda: 0))
    jobs = (lambda: weir.engine.run(stop), lambda: following.run(stop))
    threads = [threading.Thread(target=job) for job in jobs]
    for thread in threads:
        thread.start()
    try:
        weir.append(0, [gigabytes(1, "P-1", 3)])
        assert until(lambda: weir.outcomes() == {("suspended", "unknown_product"): 1})
        tell(weir, CASA)
        assert until(lambda: weir.outcomes() == {("rated", "none"): 1})
        tell(weir, [product("P-2", "C-1")])
        assert until(lambda: weir.reference.attribution.height == len(weir.tables.key_names) == 8)
        weir.append(0, [gigabytes(2, "P-2")])
        assert until(lambda: amounts(weir) == {"C-1": "2.500000"})
    finally:
        stop.set()
        for thread in threads:
            thread.join(PATIENCE_SECONDS)
        weir.store.close()
    assert list(books.verdict(data).differences) == []
