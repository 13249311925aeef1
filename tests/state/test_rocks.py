"""Body digests on disk: found by number, atomically with their positions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from state.rocks import PAGE_BITS, BodyStore, Identity, Marks, Strip

DIGESTS = st.integers(0, 2**64 - 1)
PAGE = 1 << PAGE_BITS


def strip(source: str, bodies: dict[int, int], *, epoch: int = 0) -> Strip:
    """Digests by number, all of one page."""
    numbers = np.array(sorted(bodies), np.int64)
    return Strip(source, epoch, numbers, np.array([bodies[n] for n in sorted(bodies)], np.uint64))


STRIPS = st.builds(
    lambda source, epoch, page, bodies: strip(
        source, {page * PAGE + place: body for place, body in bodies.items()}, epoch=epoch
    ),
    st.text(max_size=4),
    st.integers(-(2**31), 2**31 - 1),
    st.integers(0, 2**31 - 2),
    st.dictionaries(st.integers(0, PAGE - 1), DIGESTS, min_size=1, max_size=5),
)
IDENTITIES = st.builds(Identity, st.text(max_size=4), st.text(min_size=1, max_size=4), DIGESTS)


def marks(*strips: Strip, at: int = 1, identities: tuple[Identity, ...] = ()) -> Marks:
    """What one batch adds."""
    return Marks(0, {"usage.v1": at}, strips, identities)


def found(store: BodyStore, source: str, *sequences: int, epoch: int = 0) -> list[int | None]:
    """The digests that are stored of some numbers, None where there is none."""
    bodies, known = store.bodies(source, epoch, np.array(sequences, np.int64))
    return [
        body if has else None for body, has in zip(bodies.tolist(), known.tolist(), strict=True)
    ]


def said(strips: Sequence[Strip]) -> list[tuple[str, int, list[int], list[int]]]:
    """Strips in comparable form."""
    return [(s.source, s.epoch, s.sequences.tolist(), s.bodies.tolist()) for s in strips]


@given(st.lists(STRIPS, max_size=3), st.lists(IDENTITIES, max_size=3))
def test_marks_come_back_from_their_bytes(strips: list[Strip], identities: list[Identity]) -> None:
    """Whatever a batch marks, `marks.v1` gives it back: any name, any digest, any number."""
    back = Marks.from_bytes(Marks(3, {"usage.v1": 7}, strips, identities).to_bytes())
    assert (back.partition, back.positions, back.identities) == (3, {"usage.v1": 7}, identities)
    assert said(back.strips) == said(strips)


def test_a_number_is_found_whatever_lies_around_it(tmp_path: Path) -> None:
    """10 to 12 and 20 came with one batch, 11 with another: each has its own digest."""
    store = BodyStore(tmp_path)
    store.write([marks(strip("msc-1", {10: 100, 12: 2**64 - 1, 20: 200}))])
    store.write([marks(strip("msc-1", {11: 101}))])
    assert found(store, "msc-1", 9, 10, 11, 12) == [None, 100, 101, 2**64 - 1]
    assert found(store, "msc-1", 21, 20, 13, 10) == [None, 200, None, 100]
    store.close()


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sets(st.integers(0, 3 * PAGE), max_size=20), max_size=6))
def test_numbers_are_found_however_they_came(batches: list[set[int]]) -> None:
    """Any numbers in any batches: what was taken in has its digest, everything else has none."""
    with TemporaryDirectory() as directory:
        store = BodyStore(Path(directory))
        bodies: dict[int, int] = {}
        for batch in batches:
            new = {number: number * 3 + 1 for number in batch - bodies.keys()}
            pages = {number // PAGE for number in new}
            strips = [strip("a", {n: b for n, b in new.items() if n // PAGE == p}) for p in pages]
            store.write([marks(*strips)])
            bodies |= new
        asked = sorted({*bodies, *(n + 1 for n in bodies), 5})
        assert found(store, "a", *asked) == [bodies.get(number) for number in asked]
        store.close()


def test_sources_and_epochs_do_not_mix(tmp_path: Path) -> None:
    """A source whose name begins like another's, and another epoch, have numbers of their own."""
    store = BodyStore(tmp_path)
    others = strip("msc-10", {5: 60}), strip("msc-1", {4: 70}, epoch=-1)
    store.write([marks(strip("msc-1", {5: 50}), *others)])
    assert found(store, "msc-1", 4, 5) == [None, 50]
    assert found(store, "msc-10", 5) == [60]
    assert found(store, "msc-1", 4, 5, epoch=-1) == [70, None]
    assert found(store, "msc-1", 5, epoch=1) == [None]
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
    store.write([marks(strip("msc-1", {1: 11}), at=4), marks(strip("msc-1", {2: 12}), at=9)])
    store.close()
    again = BodyStore(tmp_path)
    assert again.positions() == {"usage.v1": 9}
    assert found(again, "msc-1", 1, 2) == [11, 12]
    again.close()
