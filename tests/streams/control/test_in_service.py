"""From states and dates to the time in service: rule by rule, then against a plain reading.

Versions are on days of the tests; a version holds until the next one.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from state.entities import FOREVER_US
from streams.control.in_service import (
    Dates,
    Span,
    Stage,
    Step,
    concerns,
    cut,
    joined,
    lacking,
    service,
    unknown_status,
)
from tests.streams.control.inventory_makers import day_of, day_text, day_us
from tests.streams.control.plain_service import DAY_FIRST, DAY_LAST, Told, plain

WAITING, RUNNING, PAUSED, ENDED, VOID = Stage


def dates(start: int | None = None, end: int | None = None, accepted: int | None = None) -> Dates:
    """Dates on days of the tests."""
    return Dates(*("" if day is None else day_text(day) for day in (start, end, accepted)))


def told(day: int, stage: Stage, said: Dates | None = Dates(), under: str | None = "A") -> Told:  # noqa: B008
    """A full image of a day."""
    return (day, stage, said, under, True)


def gone(day: int) -> Told:
    """The deletion of a day."""
    return (day, VOID, None, "", False)


def steps(*versions: Told) -> Sequence[Step[str]]:
    """The versions of a thing, each up to the next."""
    ends = [day_us(version[0]) for version in versions[1:]] + [FOREVER_US]
    found = []
    for (day, stage, said, under, is_complete), upto_us in zip(versions, ends, strict=True):
        entries = None if under is None else frozenset({under} - {""})
        found.append(Step(day_us(day), upto_us, stage, said, entries, is_complete))
    return found


def days(*versions: Told) -> list[tuple[int | None, int | None, str]]:
    """The days in service: from, up to (None for open) and under what."""
    found = cut(service(steps(*versions)).spans)
    return [(day_of(span.from_us), day_of(span.upto_us), under) for span, under in found]


def test_states_alone() -> None:
    """Created on day 0 and active from 3; suspended 5 to 8, then over on 12."""
    found = days(
        told(0, WAITING),
        told(3, RUNNING),
        told(5, PAUSED),
        told(8, RUNNING),
        told(12, ENDED),
    )
    assert found == [(3, 5, "A"), (8, 12, "A")]


def test_a_start_goes_before_the_message() -> None:
    """Told as active on day 10 with a start on day 4: it is in service since 4."""
    assert days(told(0, WAITING, dates(4)), told(10, RUNNING, dates(4))) == [(4, None, "A")]
    assert days(told(10, RUNNING, dates(4))) == [(4, None, "A")]


def test_a_start_to_come_is_waited_for() -> None:
    """Told as active on day 2, to start on day 6."""
    assert days(told(2, RUNNING, dates(6))) == [(6, None, "A")]


def test_what_never_ran_has_no_start() -> None:
    """A planned start of what is only created, or was cancelled, is a plan."""
    assert days(told(0, WAITING, dates(4))) == []
    assert days(told(0, WAITING, dates(4)), told(9, VOID, dates(4))) == []


def test_what_is_told_as_over_was_in_service_before() -> None:
    """The first load of an inventory has what is long over: from its start to its end."""
    assert days(told(100, ENDED, dates(4, 9))) == [(4, 9, "A")]
    # Without an end it ends with the message that says so; without a start nobody knows it.
    assert days(told(100, ENDED, dates(4))) == [(4, 100, "A")]
    assert days(told(100, ENDED, dates(None, 9))) == []


def test_an_end_holds_before_and_after_the_message() -> None:
    """Told as over on day 9: its end was on 7, or is to come on 12 and nothing changes before."""
    assert days(told(0, RUNNING), told(9, ENDED, dates(None, 7))) == [(0, 7, "A")]
    assert days(told(0, RUNNING), told(9, ENDED, dates(None, 12))) == [(0, 12, "A")]
    # Suspended before: it stays suspended until its end.
    assert days(told(0, RUNNING), told(5, PAUSED), told(9, ENDED, dates(None, 12))) == [(0, 5, "A")]


def test_an_end_that_is_withdrawn_is_none() -> None:
    """The newest image decides: first it is to end on day 12, then it is not."""
    assert days(told(0, RUNNING, dates(0, 12)), told(5, RUNNING, dates(0))) == [(0, None, "A")]


def test_a_corrected_start_replaces_the_one_before() -> None:
    """Day 2 was wrong, it was day 4."""
    assert days(told(5, RUNNING, dates(2)), told(6, RUNNING, dates(4))) == [(4, None, "A")]


def test_what_is_deleted_is_not_in_service() -> None:
    """Also before an end that was still to come: the master no longer knows it."""
    assert days(told(0, RUNNING, dates(0, 30)), gone(9)) == [(0, 9, "A")]
    assert days(told(0, RUNNING, dates(0, 7)), gone(9)) == [(0, 7, "A")]


def test_acceptance_is_waited_for() -> None:
    """Active since day 2, accepted by the end user on day 5."""
    assert days(told(2, RUNNING, dates(2, None, 5))) == [(5, None, "A")]


def test_suspended_first_was_in_service_before() -> None:
    """Told first as suspended on day 8, with a start on day 4: it ran from 4 to 8."""
    assert days(told(8, PAUSED, dates(4)), told(10, RUNNING, dates(4))) == [
        (4, 8, "A"),
        (10, None, "A"),
    ]


def test_waiting_again_is_not_in_service() -> None:
    """Active, then told as pending again: the start in between says nothing of that time."""
    found = days(told(2, RUNNING, dates(1)), told(5, WAITING, dates(1)), told(8, RUNNING, dates(1)))
    assert found == [(1, 5, "A"), (8, None, "A")]


def test_a_new_life_may_begin_where_the_last_one_ended() -> None:
    """Told as over on day 10, since day 7; told on day 20 that it is back since day 8."""
    found = days(told(2, RUNNING), told(10, ENDED, dates(None, 7)), told(20, RUNNING, dates(8)))
    assert found == [(2, 7, "A"), (8, None, "A")]


def test_a_thing_comes_back() -> None:
    """Over on day 10, active again from 20; the dates of its first life are not of its second."""
    first = dates(2, 10)
    found = days(told(2, RUNNING, dates(2)), told(10, ENDED, first), told(20, RUNNING, first))
    assert found == [(2, 10, "A"), (20, None, "A")]
    # With a start of its own, told on day 20: it began on day 15.
    found = days(
        told(2, RUNNING, dates(2)), told(10, ENDED, first), told(20, RUNNING, dates(15, None))
    )
    assert found == [(2, 10, "A"), (15, None, "A")]
    # A start before the end of the first life does not reach into it: 10 joins 10.
    found = days(told(2, RUNNING, dates(2)), gone(10), told(20, RUNNING, dates(5)))
    assert found == [(2, None, "A")]


def test_under_what_it_is_changes_without_a_gap() -> None:
    """From A to B on day 5; on day 9 it is under nothing."""
    found = days(told(0, RUNNING), told(5, RUNNING, under="B"), told(9, RUNNING, under=""))
    assert found == [(0, 5, "A"), (5, 9, "B")]


def test_under_what_it_was_before_it_was_told() -> None:
    """From its start it is under what it was first said to be, where creation did not say it."""
    found = days(told(3, WAITING, dates(1), under=""), told(7, RUNNING, dates(1), under="B"))
    assert found == [(1, None, "B")]
    # What is over needs not say it again.
    assert days(told(0, RUNNING), told(4, ENDED, dates(0, 6), under="")) == [(0, 6, "A")]


def test_parts_wait_for_their_image() -> None:
    """A part alone is left out and told; with the image that follows it says since when."""
    part: Told = (2, RUNNING, Dates(), None, False)
    found = service(steps(part))
    assert (found.spans, found.is_incomplete) == ({}, True)
    assert days(part, told(6, RUNNING)) == [(2, None, "A")]


def test_a_date_that_is_no_moment_leaves_its_life_out() -> None:
    """The other lives stay; the sentence says what was written."""
    found = service(steps(told(0, RUNNING), gone(5), told(9, RUNNING, Dates("soon"))))
    assert found.spans == {"A": [Span(day_us(0), day_us(5))]}
    [finding] = lacking("product", "P", found)
    assert (finding.reason, finding.id) == ("bad_time", "P")
    assert "'soon' is not a time" in finding.detail


def test_a_status_that_nobody_knows_changes_nothing() -> None:
    """The stage before goes on; after a deletion, or at first, there is none to go on."""
    [running, deleted] = steps(told(0, RUNNING), gone(5))
    for before, stage in ((running, RUNNING), (deleted, WAITING), (None, WAITING)):
        found, finding = unknown_status("product", "P", "odd", before)
        assert (found, finding.reason) == (stage, "unknown_status")


def test_things_under_nothing_concern_nobody() -> None:
    """Unless only a part is known, which may be lacking it."""
    assert not concerns(steps(told(0, RUNNING, under="")))
    assert concerns(steps(told(0, RUNNING, under="")) + steps((9, RUNNING, Dates(), None, False)))  # type: ignore[operator]


def test_spans_are_joined_where_they_meet() -> None:
    """What touches or overlaps is one span."""
    spans = [Span(5, 7), Span(0, 2), Span(2, 3), Span(6, 9)]
    assert joined(spans) == [Span(0, 3), Span(5, 9)]


DAYS = st.integers(0, 12)
SAID = st.builds(dates, st.none() | DAYS, st.none() | DAYS, st.none() | DAYS)
IMAGES = st.tuples(DAYS, st.sampled_from(Stage), SAID, st.sampled_from(["A", "B", ""]))
PARTS = st.tuples(DAYS, st.sampled_from(Stage), SAID, st.none() | st.sampled_from(["A", "B"]))
VERSIONS = st.lists(
    st.one_of(
        IMAGES.map(lambda version: (*version, True)),
        PARTS.map(lambda version: (*version, False)),
        st.builds(gone, DAYS),
    ),
    min_size=1,
    max_size=7,
    unique_by=lambda version: version[0],
).map(lambda versions: sorted(versions, key=lambda version: version[0]))


@given(VERSIONS)
def test_a_plain_reading_day_by_day_finds_the_same(versions: Sequence[Told]) -> None:
    """Every day is in service under the same in both, and spans neither overlap nor touch."""
    spans = service(steps(*versions)).spans
    found = dict.fromkeys(range(DAY_FIRST, DAY_LAST + 1), "")
    for span, under in cut(spans):
        for day in found:
            if span.from_us <= day_us(day) < span.upto_us:
                assert found[day] == ""
                found[day] = under
    assert found == plain(versions)
    for held in spans.values():
        assert all(one.upto_us < other.from_us for one, other in pairwise(held))
