"""What the view holds: latest messages, indexes, and how far it has come."""

from __future__ import annotations

import pytest

from schemas.topics import RATE_CHANGELOG, STATEMENTS
from state.view_answers import Readiness
from state.view_store import Store, book_key, book_name
from tests.state.view_makers import accrual_message, outcomes_message, segment

NOVEMBER = ("PLAIN", "2026-11")


def store_of(*segments: object) -> Store:
    """A store that has caught up with some segments."""
    store = Store()
    store.apply(segments)  # type: ignore[arg-type]
    store.caught_up = True
    return store


def test_a_key_names_its_book() -> None:
    """Agreement and booked period stand in the key of a message, whatever comes behind them."""
    assert book_name(b"PLAIN|2026-11|total") == NOVEMBER
    assert book_name(b"PLAIN|2026-11|489912") == NOVEMBER
    assert book_name(book_key(NOVEMBER)) == NOVEMBER


def test_the_latest_message_of_a_key_is_held() -> None:
    """A later message of a key replaces all before it."""
    first = accrual_message("PLAIN", "2026-11", None, [], as_of_us=1)
    second = accrual_message("PLAIN", "2026-11", None, [], as_of_us=2)
    store = store_of(segment([first, second]))
    assert store.total(NOVEMBER) == second[1]


def test_hours_come_in_order() -> None:
    """Hours are handed out by time, in whatever order they were published."""
    late, early = (accrual_message("PLAIN", "2026-11", hour, []) for hour in (1_000, 999))
    store = store_of(segment([late, early]))
    assert store.hours(NOVEMBER) == [early[1], late[1]]
    assert store.total(NOVEMBER) == b""


def test_what_was_taken_in_is_passed_over() -> None:
    """A segment that overlaps what is known adds only what lies behind it."""
    messages = [accrual_message("PLAIN", "2026-11", None, [], as_of_us=n) for n in (1, 2, 3)]
    store = store_of(segment(messages[:2]))
    assert not store.apply([segment(messages[:1]), segment(messages[:2])])
    assert store.apply([segment(messages)])
    assert store.total(NOVEMBER) == messages[2][1]
    assert (store.counter, store.stamp().position) == (2, {("accruals.v1", 0): 3})


def test_offsets_may_have_holes() -> None:
    """A segment whose messages were all compacted away moves the position and nothing else."""
    store = store_of()
    hole = segment([], start=7)
    assert not store.apply([hole])
    assert store.stamp().position == {("accruals.v1", 0): 7}


def test_a_tombstone_deletes() -> None:
    """A key without a value is gone, and a book without messages is no longer there."""
    total = accrual_message("PLAIN", "2026-11", None, [])
    hour = accrual_message("PLAIN", "2026-11", 5, [])
    store = store_of(segment([total, hour]))
    store.apply([segment([(hour[0], None)], start=2)])
    assert store.hours(NOVEMBER) == []
    assert store.stamp().readiness is Readiness.READY
    store.apply([segment([(total[0], None), (b"PLAIN|2026-12|total", None)], start=3)])
    assert store.total(NOVEMBER) == b""
    assert store.stamp().readiness is Readiness.EMPTY


def test_as_of_is_what_every_partition_has_reached() -> None:
    """Of two partitions the one further behind tells up to when figures are complete."""
    store = store_of(segment([accrual_message("PLAIN", "2026-11", None, [], as_of_us=50)]))
    assert store.stamp().as_of_us == 50
    other = [accrual_message("TIERED", "2026-11", None, [], as_of_us=n) for n in (40, 60)]
    store.apply([segment(other[:1], partition=1)])
    # It has answered "as of 50" before, so a partition that comes in at 40 does not take it back.
    assert store.stamp().as_of_us == 50
    store.apply([segment(other, partition=1)])
    assert store.stamp().as_of_us == 50
    store.apply([segment([accrual_message("PLAIN", "2026-11", 5, [], as_of_us=70)], start=1)])
    assert store.stamp().as_of_us == 60


def test_a_message_of_no_agreement_only_moves_as_of() -> None:
    """A partition in which nothing accrues can say that it is not behind."""
    store = store_of(segment([accrual_message("", "", None, [], as_of_us=9)]))
    assert (store.stamp().as_of_us, store.stamp().readiness) == (9, Readiness.EMPTY)


def test_readiness_tells_loading_from_empty() -> None:
    """Before the log is read there are no figures, and with nothing on it there are none either."""
    store = Store()
    assert store.stamp().readiness is Readiness.LOADING
    store.apply([segment([accrual_message("PLAIN", "2026-11", None, [])])])
    assert store.stamp().readiness is Readiness.LOADING
    store.caught_up = True
    assert store.stamp().readiness is Readiness.READY


def test_outcomes_are_the_newest_of_each_partition() -> None:
    """Outcomes come from the rate hop's last position record; other records are passed over."""
    first = outcomes_message(("rated", "none", 5))
    second = outcomes_message(("rated", "none", 9), ("duplicate", "none", 1))
    other = (b'seen/["S",0,false]', b"")
    store = store_of(segment([first, second, other], topic=RATE_CHANGELOG.name))
    assert store.outcomes == {0: {("rated", "none"): 9, ("duplicate", "none"): 1}}
    assert not store.apply([segment([other], start=3, topic=RATE_CHANGELOG.name)])
    # Outcomes are no figures of money: they are not part of the position.
    assert store.stamp().position == {}


def test_changes_are_told_by_counter() -> None:
    """What changed since an earlier counter is named once, however often it changed."""
    store = store_of(segment([accrual_message("PLAIN", "2026-11", None, [])]))
    seen = store.counter
    later = [accrual_message("TIERED", "2026-11", None, [], as_of_us=n) for n in (1, 2)]
    store.apply([segment(later[:1], start=1)])
    store.apply([segment(later[1:], start=2)])
    changes = store.changes_since(seen)
    assert changes.books == {("TIERED", "2026-11")}
    assert not changes.outcomes
    assert store.changes_since(store.counter).books == frozenset()
    store.apply([segment([outcomes_message(("rated", "none", 1))], topic=RATE_CHANGELOG.name)])
    assert store.changes_since(store.counter - 1).outcomes
    assert store.changes_since(0).books == {NOVEMBER, ("TIERED", "2026-11")}


def test_a_statement_closes_its_book() -> None:
    """With a statement its book has changed too: it is final now."""
    store = store_of(segment([accrual_message("PLAIN", "2026-11", None, [])]))
    seen = store.counter
    document = (
        b'{"agreement":"PLAIN","lines":[],"number":"PLAIN-000001","partner":"ALFA",'
        b'"period":"2026-11","totals":[]}'
    )
    gone = (b"PLAIN-000000", None)
    store.apply([segment([gone, (b"PLAIN-000001", document)], topic=STATEMENTS.name)])
    assert store.closed == {NOVEMBER: "PLAIN-000001"}
    changes = store.changes_since(seen)
    assert changes.statements == {"PLAIN-000001"}
    assert changes.books == {NOVEMBER}
    assert store.changes_since(store.counter).statements == frozenset()
    assert "lines" not in store.statements["PLAIN-000001"].head
    assert store.statements["PLAIN-000001"].document == document


@pytest.mark.parametrize("key", [b"PLAIN|2026-11|total", b"PLAIN|2026-11|7"])
def test_deleting_what_is_not_there_is_nothing(key: bytes) -> None:
    """A tombstone of a key that was never seen leaves no trace."""
    store = store_of(segment([(key, None)]))
    assert store.periods == {}
    assert store.hours(NOVEMBER) == []
