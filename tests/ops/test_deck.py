"""What a price list changes: each kind of row by hand, and what must hold of any list."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.deck import SECONDS_A_DAY, Change, Kind, compare, moment, shorter
from schemas.moments import OPEN_FROM_S, OPEN_UPTO_S
from schemas.price_list import Offer, PriceList, Refusal
from schemas.timelines import Rate, Span, Timeline

# The list came on day 20; prices may rise from day 27.
DAY = SECONDS_A_DAY
CAME, NOTICE = 20 * DAY, 7 * DAY
CHEAP, DEAR = Rate(10_000_000, 1, 1, 0), Rate(20_000_000, 1, 1, 0)
ALWAYS = (Span(OPEN_FROM_S, OPEN_UPTO_S, CHEAP),)


def listed(
    *rows: tuple[str, Rate, int], refused: tuple[Refusal, ...] = (), named: tuple[str, ...] = ()
) -> PriceList:
    """A list of rows (prefix, rate, day), on lines from 2 on."""
    offers: dict[str, list[Offer]] = {}
    for line, (prefix, rate, day) in enumerate(rows, 2):
        offers.setdefault(prefix, []).append(Offer(line, prefix, day * DAY, rate))
    whole = {prefix: tuple(of_prefix) for prefix, of_prefix in offers.items()}
    return PriceList(whole, refused, frozenset((*offers, *named)), complete=True)


def changes(standing: Mapping[str, Timeline], given_list: PriceList) -> list[Change]:
    """What a list changes."""
    return list(compare(standing, given_list, CAME, NOTICE).changes)


def test_moments_are_written_short() -> None:
    """A day where one begins, else to the second."""
    assert moment(CAME) == "1970-01-21"
    assert moment(CAME + 1) == "1970-01-21T00:00:01Z"


def test_the_longest_shorter_prefix_is_found() -> None:
    """Itself left out."""
    assert shorter("4915", {"4": (), "49": (), "4915": ()}) == "49"
    assert shorter("4", {"4": ()}) is None


def test_what_costs_the_same_is_unchanged() -> None:
    """However the deck says it: always at 0.01 is at 0.01 from day 30 on."""
    (row,) = changes({"49": ALWAYS}, listed(("49", CHEAP, 30)))
    assert row == Change(Kind.UNCHANGED, "49", 2, 30 * DAY, CHEAP, CHEAP)


def test_prices_go_up_and_down() -> None:
    """From the day on, with what it costs until then; in time for an increase."""
    standing = {"33": ALWAYS, "49": (Span(0, OPEN_UPTO_S, DEAR),)}
    up, down = changes(standing, listed(("33", DEAR, 27), ("49", CHEAP, 20)))
    assert up == Change(Kind.UP, "33", 2, 27 * DAY, CHEAP, DEAR)
    assert down == Change(Kind.DOWN, "49", 3, 20 * DAY, DEAR, CHEAP)


@pytest.mark.parametrize(
    "dearer",
    [DEAR, Rate(10_000_000, 60, 1, 0), Rate(5_000_000, 1, 1, 1)],
    ids=["price", "increment", "fee although the price falls"],
)
def test_what_rises_within_the_notice_comes_too_soon(dearer: Rate) -> None:
    """Day 26 is one too early."""
    (row,) = changes({"49": ALWAYS}, listed(("49", dearer, 26)))
    assert (row.kind, row.too_soon) == (Kind.UP, True)


def test_a_new_prefix_costs_what_was_around_it_until_then() -> None:
    """4915 is 49's until day 30; dearer within the notice is a rise for its callers too."""
    given_list = listed(("49", CHEAP, 20), ("4915", DEAR, 30))
    diff = compare({"49": ALWAYS}, given_list, CAME, NOTICE)
    assert diff.changes[0] == Change(Kind.NEW, "4915", 3, 30 * DAY, CHEAP, DEAR)
    assert diff.timelines["4915"] == (
        Span(OPEN_FROM_S, 30 * DAY, CHEAP),
        Span(30 * DAY, OPEN_UPTO_S, DEAR),
    )
    soon = changes({"49": ALWAYS}, listed(("49", CHEAP, 20), ("4915", DEAR, 21)))
    assert soon[0].too_soon


def test_what_is_not_named_is_closed() -> None:
    """From the day the list begins, not before it came; then 49 prices it, or nothing does."""
    standing = {"49": ALWAYS, "4915": (Span(0, OPEN_UPTO_S, DEAR),), "33": ALWAYS}
    rows = changes(standing, listed(("49", CHEAP, 10)))
    assert rows[:2] == [
        Change(Kind.CLOSED, "33", 0, CAME, CHEAP, None, reason="then without a price"),
        Change(Kind.CLOSED, "4915", 0, CAME, DEAR, CHEAP, reason="then priced as 49"),
    ]
    later = changes(standing, listed(("49", CHEAP, 30)))
    assert [row.from_s for row in later[:2]] == [30 * DAY, 30 * DAY]


def test_closing_what_was_cheaper_is_a_rise() -> None:
    """Its calls cost more from then on."""
    standing = {"49": (Span(0, OPEN_UPTO_S, DEAR),), "4915": ALWAYS}
    (closed, _) = changes(standing, listed(("49", DEAR, 20)))
    assert (closed.kind, closed.too_soon) == (Kind.CLOSED, True)


def test_a_closed_prefix_goes_along() -> None:
    """Once it costs what 49 costs, it follows 49 and is not named any more."""
    standing = {"49": ALWAYS, "4915": (Span(0, 5 * DAY, DEAR), Span(5 * DAY, OPEN_UPTO_S, CHEAP))}
    diff = compare(standing, listed(("49", DEAR, 30)), CAME, NOTICE)
    assert [(row.kind, row.prefix) for row in diff.changes] == [(Kind.UP, "49")]
    assert diff.timelines["4915"][-1] == Span(30 * DAY, OPEN_UPTO_S, DEAR)


def test_what_a_refused_row_names_stays() -> None:
    """It is not known what it shall cost, so it is not closed either."""
    refused = (Refusal(9, "33", "price_per_minute: 'x'"),)
    diff = compare(
        {"33": ALWAYS, "49": ALWAYS},
        listed(("49", CHEAP, 20), refused=refused, named=("33",)),
        CAME,
        NOTICE,
    )
    assert diff.changes[0] == Change(Kind.REFUSED, "33", 9, reason="price_per_minute: 'x'")
    assert diff.timelines == {"33": ALWAYS, "49": ALWAYS}


def test_nothing_is_closed_by_a_list_that_is_not_complete() -> None:
    """A row whose prefix cannot be told may be of any prefix."""
    known = listed(("49", CHEAP, 20))
    partly = PriceList(known.offers, (), known.named, complete=False)
    diff = compare({"33": ALWAYS, "49": ALWAYS}, partly, CAME, NOTICE)
    assert not diff.differs
    assert diff.timelines["33"] == ALWAYS


def test_the_past_is_not_changed() -> None:
    """A price before the list came is refused; one for what had none is not."""
    (row,) = changes({"49": ALWAYS}, listed(("49", DEAR, 19)))
    assert row.kind is Kind.REFUSED
    assert row.reason == (
        "valid_from: changes the price from 1970-01-20, before the list came (1970-01-21):"
        " usage may be settled already; begin on 1970-01-21 or later"
    )
    (row,) = changes({}, listed(("49", DEAR, 19)))
    assert row.kind is Kind.NEW


def test_no_time_is_left_without_a_price() -> None:
    """A deck has no gaps: what ended on day 5 cannot begin again on day 30."""
    (row,) = changes({"49": (Span(0, 5 * DAY, CHEAP),)}, listed(("49", CHEAP, 30)))
    assert row.reason == (
        "valid_from: leaves 1970-01-06 to 1970-01-31 without a price;"
        " begin where the last one ended, 1970-01-06"
    )


def test_a_list_has_the_last_word_from_its_first_day_on() -> None:
    """What the deck had scheduled later goes; future rows become what is scheduled now."""
    standing = {"49": (Span(0, 40 * DAY, CHEAP), Span(40 * DAY, OPEN_UPTO_S, DEAR))}
    diff = compare(standing, listed(("49", CHEAP, 20), ("49", DEAR, 50)), CAME, NOTICE)
    assert diff.timelines["49"] == (
        Span(0, 50 * DAY, CHEAP),
        Span(50 * DAY, OPEN_UPTO_S, DEAR),
    )
    assert [(row.kind, row.line, row.from_s) for row in diff.changes] == [
        (Kind.DOWN, 2, 40 * DAY),
        (Kind.UNCHANGED, 3, 50 * DAY),
    ]


def test_counts_name_every_kind() -> None:
    """Also those without a row."""
    diff = compare({"49": ALWAYS}, listed(("49", DEAR, 26)), CAME, NOTICE)
    assert diff.counts() == {
        "refused": 0,
        "up": 1,
        "down": 0,
        "new": 0,
        "closed": 0,
        "unchanged": 0,
        "notice violated": 1,
    }
    assert diff.differs


rows = st.lists(
    st.tuples(
        st.text("12", min_size=1, max_size=3),
        st.sampled_from([CHEAP, DEAR]),
        st.integers(15, 40),
    ),
    min_size=1,
    max_size=6,
    unique_by=lambda row: (row[0], row[2]),
).map(lambda found: sorted(found, key=lambda row: (row[0], row[2])))


@given(rows, rows)
def test_what_was_taken_over_differs_no_more(
    first: list[tuple[str, Rate, int]], second: list[tuple[str, Rate, int]]
) -> None:
    """A deck made of one list, changed by another, is what that one says; refused rows stay."""
    deck = compare({}, listed(*first), CAME, NOTICE).timelines
    once = compare(deck, listed(*second), CAME, NOTICE)
    again = compare(once.timelines, listed(*second), CAME, NOTICE)
    assert again.timelines == once.timelines
    kinds = {change.kind for change in again.changes}
    assert kinds <= {Kind.UNCHANGED, Kind.REFUSED}
    refused = [c.prefix for c in once.changes if c.kind is Kind.REFUSED]
    assert [c.prefix for c in again.changes if c.kind is Kind.REFUSED] == refused
