"""Which events are free: by hand, and the same whatever is left out on the way."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codes import Service
from state.allowance import AllowanceTerms
from state.cells import CellSet
from streams.allowance import Freed, first_events, freed, kept, may_be_free, names_of, place_of
from tests.makers import usage
from tests.usage_makers import NOVEMBER_US, message, row

TERMS = st.sampled_from(
    [AllowanceTerms(3, None), AllowanceTerms(None, 10), AllowanceTerms(2, 7), AllowanceTerms(5, 1)]
)
EVENTS = st.lists(st.tuples(st.integers(0, 6), st.integers(-3, 6)), min_size=1, max_size=12)


@pytest.mark.parametrize(
    ("quantities", "terms", "free"),
    [
        ([50, 100, 250, 400], AllowanceTerms(3, 250), [50, 100, 100]),  # the third is used up in
        ([50, 100, 250, 400], AllowanceTerms(3, 500), [50, 100, 250]),  # three have been
        ([50, 200, 250], AllowanceTerms(None, 250), [50, 200]),  # exactly used up
        ([50, 100], AllowanceTerms(5, None), [50, 100]),
        ([4, 4, 4, 4, 10], AllowanceTerms(None, 15), [4, 4, 4, 3]),
    ],
)
def test_events_are_free_until_either_is_used_up(
    quantities: list[int], terms: AllowanceTerms, free: list[int]
) -> None:
    """The event that crosses the quantity is free in part."""
    assert [event.free for event in freed(quantities, terms)] == free


def test_a_name_says_where_an_event_stands() -> None:
    """Time, source, epoch and number; an id where there is none, whatever is in the names."""
    batch = usage(
        message(Service.SMS, row(source="a\x1fb", sequence=7, epoch=-3, event_id="x")),
        message(Service.SMS, row(source="ä", sequence=None, event_id="1\x1f2")),
    )
    names = names_of(batch, np.arange(2)).to_pylist()
    assert [place_of(name) for name in names] == [
        (NOVEMBER_US, "a\x1fb", -3, 7, ""),
        (NOVEMBER_US, "ä", 0, -1, "1\x1f2"),
    ]


def name(started: int, number: int) -> str:
    """The name of an event."""
    return f"{started}\x1f0\x1f{number}\x1f1\x1fs"


def cells(events: dict[int, tuple[int, int]]) -> CellSet:
    """Cells of events by number: time and quantity."""
    names = [name(started, number) for number, (started, _) in events.items()]
    up = np.array([quantity for _, quantity in events.values()], np.int64)
    zero = np.zeros(len(events), np.int64)
    return CellSet(np.arange(len(events)), zero, up, zero, is_largest=False, names=names)


def first(events: dict[int, tuple[int, int]], terms: AllowanceTerms) -> list[Freed]:
    """What is free of all events that count, in the plainest way."""
    ordered = sorted((started, n, quantity) for n, (started, quantity) in events.items())
    return list(freed([quantity for _, _, quantity in ordered if quantity > 0], terms))


@given(EVENTS, TERMS, st.integers(0, 2**32))
def test_what_is_left_out_was_never_free(
    drawn: list[tuple[int, int]], terms: AllowanceTerms, seed: int
) -> None:
    """In any order and any batches: of what is kept the same events are free as of everything."""
    events = dict(enumerate(drawn))
    numbers = list(events)
    random = Random(seed)
    random.shuffle(numbers)
    held: dict[int, tuple[int, int]] = {}
    while numbers:
        size = random.randint(1, len(numbers))
        batch, numbers = numbers[:size], numbers[size:]
        started, quantity = np.array([events[n] for n in batch], np.int64).T
        limits = (
            np.full(len(batch), terms.events or 2**45),
            np.full(len(batch), terms.quantity or 2**45),
        )
        group = np.zeros(len(batch), np.int64)
        possible = may_be_free(group, started, quantity, *limits)
        batch = [n for n, may in zip(batch, possible.tolist(), strict=True) if may]
        names = [name(events[n][0], n) for n in batch]
        wanted = kept(names, [events[n][1] for n in batch], cells(held), terms)
        held |= {n: events[n] for n, keep in zip(batch, wanted, strict=True) if keep}
        assert first_events([cells(held)], terms) == first(
            {n: e for n, e in events.items() if n not in numbers}, terms
        )


def test_series_are_apart() -> None:
    """One event is free in each; the later one of the second series is not."""
    group, started = np.array([1, 0, 1, 1]), np.array([5, 9, 3, 5])
    one, much = np.full(4, 1), np.full(4, 2**45)
    assert may_be_free(group, started, np.full(4, 10), one, much).tolist() == [
        False,
        True,
        True,
        False,
    ]
    # Of one time either may be the first.
    assert may_be_free(group, np.full(4, 5), np.full(4, 10), one, much).all()


def test_in_order_no_more_is_kept_than_is_free() -> None:
    """Memory is bounded by the allowance where events come as they happened."""
    held: dict[int, tuple[int, int]] = {}
    for number in range(100):
        if kept([name(number, number)], [4], cells(held), AllowanceTerms(None, 15))[0]:
            held[number] = (number, 4)
    assert list(held) == [0, 1, 2, 3]
