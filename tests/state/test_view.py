"""The view: answers of one position, never a zero for what is not known, and nothing goes back."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.topics import RATE_CHANGELOG, STATEMENTS
from state.tables import Tables
from state.view import Readiness, View, Window
from state.view_answers import Accrual, Cursor
from streams.accrual import Book
from streams.contribution import Series
from streams.log import Message, Segment
from tests.builders import agreement_text, reference_dir, tables
from tests.state.view_makers import (
    Usage,
    compacted,
    outcomes_message,
    publish,
    segment,
    series,
    statement_message,
    view_tables,
)

OCTOBER, NOVEMBER = "2026-10", "2026-11"

USAGE: Usage = {
    (series("PLAIN", "calls"), 1): (1, 60, 60_000, 0),
    (series("PLAIN", "calls"), 2): (1, 30, 30_000, 0),
    (series("PLAIN", "texts"), 2): (3, 3, 30_000, 0),
    (series("TIERED", "texts"), 1): (12, 12, 0, 0),
    (series("WHOLE", "texts"), 1): (20, 20, 0, 0),
}


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Tables:
    """Tables with an agreement of each way to price and round."""
    return view_tables(tmp_path_factory.mktemp("reference"))


def view_of(reference: Tables, *segments: Segment) -> View:
    """A view that has caught up with some segments."""
    view = View(reference)
    view.apply(segments)
    view.mark_caught_up()
    return view


def filled(reference: Tables) -> View:
    """A view of the usage above."""
    return view_of(reference, segment(publish(USAGE, Book(reference))))


def shown(view: View) -> list[tuple[str, str, int]]:
    """Agreement, period and net of all totals."""
    return [(t.agreement, t.period, t.net_micros) for t in view.partners().items]


def test_an_empty_view_is_not_ready(reference: Tables) -> None:
    """Before the log is read, and while nothing is on it, there are no figures."""
    view = View(reference)
    assert view.stamp.readiness is Readiness.LOADING
    view.mark_caught_up()
    assert view.partners().stamp.readiness is Readiness.EMPTY
    assert view.accruals().items == ()


def test_accruals_by_period(reference: Tables) -> None:
    """Each row of a period has its amount: 90 seconds at 0.06 a minute, 12 texts for 0.17."""
    answer = filled(reference).accruals()
    found = [(a.series.agreement, a.series.item, a.quantity, a.amount_micros) for a in answer.items]
    assert found == [
        ("PLAIN", "calls", 90, 90_000),
        ("PLAIN", "texts", 3, 30_000),
        ("TIERED", "texts", 12, 170_000),
        ("WHOLE", "texts", 20, 25_000),
    ]
    assert (answer.after, answer.stamp.readiness) == (None, Readiness.READY)


def test_accruals_by_hour(reference: Tables) -> None:
    """The same hour by hour, in order of time."""
    answer = filled(reference).accruals(agreement="PLAIN", by="hour")
    found = [(a.hour, a.series.item, a.amount_micros) for a in answer.items]
    assert found == [(1, "calls", 60_000), (2, "calls", 30_000), (2, "texts", 30_000)]


@pytest.mark.parametrize(
    ("filters", "agreements"),
    [
        ({"agreement": "PLAIN"}, {"PLAIN"}),
        ({"partner": "ALFA"}, {"PLAIN", "TIERED"}),
        ({"partner": "BRAVO", "period": NOVEMBER}, {"WHOLE"}),
        ({"agreement": "PLAIN", "partner": "BRAVO"}, set()),
        ({"period": OCTOBER}, set()),
        ({"agreement": "NOBODY"}, set()),
    ],
)
def test_filters(reference: Tables, filters: dict[str, str], agreements: set[str]) -> None:
    """A filter leaves what it names; two leave what both name."""
    answer = filled(reference).accruals(**filters)  # type: ignore[arg-type]
    assert {a.series.agreement for a in answer.items} == agreements


def test_late_usage_under_tiers_needs_the_hours_it_lies_on(reference: Tables) -> None:
    """12 texts of October are booked; 2 more, booked in November, are worth 0.01 each."""
    closed = series("TIERED", "texts", OCTOBER)
    late = series("TIERED", "texts", NOVEMBER, original=OCTOBER)
    usage: Usage = {(closed, 1): (12, 12, 0, 0), (late, 2): (2, 2, 0, 0)}
    view = view_of(reference, segment(publish(usage, Book(reference))))
    (found,) = view.accruals(agreement="TIERED", period=NOVEMBER, by="hour").items
    assert (found.hour, found.amount_micros) == (2, 20_000)


def test_totals_are_in_order_of_partner(reference: Tables) -> None:
    """0.09 receivable less 0.03 payable is 0.06; WHOLE pays 0.025, rounded once to 0.03."""
    assert shown(filled(reference)) == [
        ("PLAIN", NOVEMBER, 60_000),
        ("TIERED", NOVEMBER, 170_000),
        ("WHOLE", NOVEMBER, -30_000),
    ]
    (only,) = filled(reference).partners(partner="BRAVO").items
    assert (only.agreement, only.payable_micros) == ("WHOLE", 30_000)
    assert filled(reference).partners(agreement="PLAIN", partner="BRAVO").items == ()


def test_totals_follow_what_changes(reference: Tables) -> None:
    """Asked again, totals have moved with the accruals, and say that only figures did."""
    book = Book(reference)
    view = filled(reference)
    before = view.partners()
    more = {**USAGE, (series("PLAIN", "calls"), 3): (1, 10, 10_000, 0)}
    view.apply([segment(publish(more, book), start=100)])
    after = view.partners()
    assert shown(view)[0] == ("PLAIN", NOVEMBER, 70_000)
    assert after.shape_counter == before.shape_counter
    assert [t.changed for t in after.items] == [view.counter] * 3
    assert view.changes_since(before.stamp.counter).books == {
        ("PLAIN", NOVEMBER),
        ("TIERED", NOVEMBER),
        ("WHOLE", NOVEMBER),
    }


def test_late_usage_of_a_statement_is_drafted_with_its_volume(reference: Tables) -> None:
    """20 texts of October were booked; 10 more, booked in November, cost 10 x 0.001 = 0.01."""
    closed = series("WHOLE", "texts", OCTOBER)
    late = series("WHOLE", "texts", NOVEMBER, original=OCTOBER)
    usage: Usage = {(closed, 1): (20, 20, 0, 0), (late, 2): (10, 10, 0, 0)}
    view = view_of(reference, segment(publish(usage, Book(reference))))
    assert shown(view) == [("WHOLE", OCTOBER, -30_000), ("WHOLE", NOVEMBER, -10_000)]


def test_a_closed_period_is_shown_until_the_next_one_opens(reference: Tables) -> None:
    """After the close the last figure stays, final; usage of the next period takes its place."""
    book = Book(reference)
    view = filled(reference)
    before = view.partners()
    view.apply(
        [segment([statement_message(USAGE, book, "PLAIN", NOVEMBER)], topic=STATEMENTS.name)]
    )
    closed = view.partners()
    assert [t.statement for t in closed.items] == ["PLAIN-000001", None, None]
    assert closed.items[0].net_micros == before.items[0].net_micros
    assert closed.shape_counter > before.shape_counter
    following: Usage = {(series("PLAIN", "calls", "2026-12"), 9): (1, 60, 60_000, 0)}
    view.apply([segment(publish(following, book), start=100)])
    assert shown(view)[0] == ("PLAIN", "2026-12", 60_000)
    assert len(view.partners().items) == 3


def test_the_live_total_is_what_the_statement_says(reference: Tables) -> None:
    """A statement of the same usage has the totals that were shown just before."""
    book = Book(reference)
    view = filled(reference)
    view.apply(
        [segment([statement_message(USAGE, book, "WHOLE", NOVEMBER)], topic=STATEMENTS.name)]
    )
    _, found = view.statement("WHOLE-000001")
    assert found is not None
    assert found.head["totals"][0]["payable"] == "0.030000"
    assert view.partners(agreement="WHOLE").items[0].payable_micros == 30_000


def test_statements_are_listed_and_found(reference: Tables) -> None:
    """Statements come in order of their numbers; an unknown number has none."""
    book = Book(reference)
    view = filled(reference)
    messages = [statement_message(USAGE, book, name, NOVEMBER) for name in ("WHOLE", "PLAIN")]
    view.apply([segment(messages, topic=STATEMENTS.name)])
    assert [s.number for s in view.statements()[1]] == ["PLAIN-000001", "WHOLE-000001"]
    assert [s.number for s in view.statements(partner="BRAVO")[1]] == ["WHOLE-000001"]
    assert view.statements(agreement="TIERED")[1] == []
    assert view.statements(period=OCTOBER)[1] == []
    assert view.statement("NOBODY-000001")[1] is None


def test_outcomes_are_summed_over_partitions(reference: Tables) -> None:
    """Outcomes of all usage partitions are added up."""
    topic = RATE_CHANGELOG.name
    segments = [
        segment([outcomes_message(("rated", "none", n))], topic=topic, partition=n) for n in (1, 2)
    ]
    assert view_of(reference, *segments).partners().outcomes == {("rated", "none"): 3}


def test_a_book_that_is_deleted_is_no_longer_shown(reference: Tables) -> None:
    """When its messages are deleted, an agreement has no total rather than a total of zero."""
    view = filled(reference)
    before = view.partners()
    view.apply([segment([(b"PLAIN|2026-11|total", None)], start=100)])
    assert [name for name, _, _ in shown(view)] == ["TIERED", "WHOLE"]
    assert view.partners().shape_counter > before.shape_counter


def test_another_reference_is_taken_over(reference: Tables, tmp_path: Path) -> None:
    """With another reference, totals are worked out again under it."""
    view = filled(reference)
    view.partners()
    price = '{kind: unit, per: minute, amount: "0.06"}'
    item = f"{{item: calls, role: ingress, service: voice, flow: payable, price: {price}}}"
    text = agreement_text(item, name="PLAIN")
    attribution = "kind,key,agreement,valid_from,valid_upto\nroute,TG-001,PLAIN,,\n"
    other = tables(reference_dir(tmp_path, agreements=text, attribution=attribution))
    usage: Usage = {(series("PLAIN", "calls"), 1): (1, 60, 60_000, 0)}
    alone = view_of(reference, segment(publish(usage, Book(reference))))
    assert shown(alone) == [("PLAIN", NOVEMBER, 60_000)]
    alone.use(other)
    assert shown(alone) == [("PLAIN", NOVEMBER, -60_000)]
    assert (alone.reference_id, set(alone.agreements)) == (other.reference_id, {"PLAIN"})


@pytest.mark.parametrize("by", ["period", "hour"])
@given(limit=st.integers(1, 6))
def test_pages_make_up_the_whole(reference: Tables, by: Window, limit: int) -> None:
    """A list read in pages of any size is the list read at once: nothing left out, none twice."""
    view = filled(reference)
    whole = view.accruals(by=by)
    found: list[Accrual] = []
    after: Cursor | None = None
    while True:
        page = view.accruals(by=by, after=after, limit=limit)
        assert len(page.items) <= limit
        found += page.items
        after = page.after
        if after is None:
            break
    assert tuple(found) == whole.items


NAMES = [
    series(agreement, "texts", booked, version=version)
    for agreement, version in (("PLAIN", 1), ("TIERED", 1), ("TIERED", 2), ("WHOLE", 1))
    for booked in (OCTOBER, NOVEMBER)
]
Commit = tuple[Series, int, int]


def commits_to_log(commits: list[Commit], book: Book) -> list[list[Message]]:
    """What each commit publishes: every book and hour that it touches, whole."""
    usage: dict[tuple[Series, int], tuple[int, int, int, int]] = {}
    log = []
    for number, (name, hour, count) in enumerate(commits):
        before = usage.get((name, hour), (0, 0, 0, 0))
        added = (count, count, 0 if book.terms(name).tiered else 10_000 * count, 0)
        usage[(name, hour)] = tuple(a + b for a, b in zip(before, added, strict=True))  # type: ignore[assignment]
        prefix = f"{name.agreement}|{name.booked}|"
        touched = (f"{prefix}total".encode(), f"{prefix}{hour}".encode())
        log.append([m for m in publish(usage, book, as_of_us=number + 1) if m[0] in touched])
    return log


@given(
    st.lists(st.tuples(st.sampled_from(NAMES), st.integers(1, 3), st.integers(1, 9)), min_size=1),
    st.data(),
)
def test_a_compacted_replay_is_the_live_view(
    reference: Tables, commits: list[Commit], data: st.DataObject
) -> None:
    """Fed live in any segments, some of them twice, or later from what compaction left: the same.

    On the way neither as-of nor position goes back.
    """
    messages = [m for commit in commits_to_log(commits, Book(reference)) for m in commit]
    live = View(reference)
    upto = as_of_us = 0
    while upto < len(messages):
        start = data.draw(st.integers(0, upto), "start")
        end = data.draw(st.integers(upto + 1, len(messages)), "end")
        live.apply([segment(messages[start:end], start)])
        if data.draw(st.booleans(), "ask"):
            live.partners()
        stamp = live.stamp
        assert stamp.position[("accruals.v1", 0)] == end
        assert stamp.as_of_us >= as_of_us
        upto, as_of_us = end, stamp.as_of_us
    live.mark_caught_up()
    replayed = view_of(reference, compacted(segment(messages)))
    windows: tuple[Window, ...] = ("period", "hour")
    for by in windows:
        assert live.accruals(by=by).items == replayed.accruals(by=by).items
    assert shown(live) == shown(replayed)
    assert live.stamp.position == replayed.stamp.position
    assert live.stamp.as_of_us == replayed.stamp.as_of_us == len(commits)
