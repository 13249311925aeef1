"""Body digests on disk: runs found by any number in them, atomically with their positions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from state.rocks import BodyStore, Identity, Marks, Run

DIGESTS = st.integers(0, 2**64 - 1)
RUNS = st.builds(
    lambda source, epoch, first, bodies: Run(source, epoch, first, np.array(bodies, np.uint64)),
    st.text(max_size=4),
    st.integers(-(2**31), 2**31 - 1),
    st.integers(0, 2**43 - 2),
    st.lists(DIGESTS, max_size=5),
)
IDENTITIES = st.builds(Identity, st.text(max_size=4), st.text(min_size=1, max_size=4), DIGESTS)


def run(source: str, first: int, *bodies: int, epoch: int = 0) -> Run:
    """A run of digests."""
    return Run(source, epoch, first, np.array(bodies, np.uint64))


def marks(*runs: Run, at: int = 1, identities: tuple[Identity, ...] = ()) -> Marks:
    """What one batch adds."""
    return Marks(0, {"usage.v1": at}, runs, identities)


@given(st.lists(RUNS, max_size=3), st.lists(IDENTITIES, max_size=3))
def test_marks_come_back_from_their_bytes(runs: list[Run], identities: list[Identity]) -> None:
    """Whatever a batch marks, `marks.v1` gives it back: any name, any digest, any number."""
    back = Marks.from_bytes(Marks(3, {"usage.v1": 7}, runs, identities).to_bytes())
    assert (back.partition, back.positions, back.identities) == (3, {"usage.v1": 7}, identities)
    assert [(r.source, r.epoch, r.first, r.bodies.tolist()) for r in back.runs] == [
        (r.source, r.epoch, r.first, r.bodies.tolist()) for r in runs
    ]


def test_a_number_is_found_in_the_run_that_covers_it(tmp_path: Path) -> None:
    """Runs 10-12 and 20: the numbers in them have digests, those around them have none."""
    store = BodyStore(tmp_path)
    store.write([marks(run("msc-1", 10, 100, 101, 2**64 - 1), run("msc-1", 20, 200))])
    found = store.bodies("msc-1", 0, [9, 10, 11, 12, 13, 19, 20, 21])
    assert found == [None, 100, 101, 2**64 - 1, None, None, 200, None]
    store.close()


def test_sources_and_epochs_do_not_mix(tmp_path: Path) -> None:
    """A source whose name begins like another's, and another epoch, have numbers of their own."""
    store = BodyStore(tmp_path)
    store.write([marks(run("msc-1", 5, 50), run("msc-10", 5, 60), run("msc-1", 4, 70, epoch=-1))])
    assert store.bodies("msc-1", 0, [4, 5]) == [None, 50]
    assert store.bodies("msc-10", 0, [5]) == [60]
    assert store.bodies("msc-1", -1, [4, 5]) == [70, None]
    assert store.bodies("msc-1", 1, [5]) == [None]
    store.close()


def test_identities_are_kept_by_source(tmp_path: Path) -> None:
    """An event id is known to its own source only."""
    store = BodyStore(tmp_path)
    store.write([marks(identities=(Identity("pos-1", "a", 7),))])
    assert (store.identity("pos-1", "a"), store.identity("pos-2", "a")) == (7, None)
    store.close()


def test_what_was_written_is_there_after_reopening(tmp_path: Path) -> None:
    """Digests and the position they reach up to come back together; a new store covers nothing."""
    store = BodyStore(tmp_path)
    assert store.positions() == {}
    store.write([marks(run("msc-1", 1, 11), at=4), marks(run("msc-1", 2, 12), at=9)])
    store.close()
    again = BodyStore(tmp_path)
    assert again.positions() == {"usage.v1": 9}
    assert again.bodies("msc-1", 0, [1, 2]) == [11, 12]
    again.close()
