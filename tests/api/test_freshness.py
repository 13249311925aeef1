"""How fresh an answer says it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import URL

from api.errors import Problem
from api.freshness import Freshness, headers, instant, matches, position_text
from state.view_answers import Readiness, Stamp

ACCRUALS, STATEMENTS = "accruals.v1", "statements.v1"


def stamp(readiness: Readiness = Readiness.READY, offset: int = 3, as_of_us: int = 5) -> Stamp:
    """A stamp at one offset."""
    return Stamp(readiness, 1, {(ACCRUALS, 0): offset}, as_of_us, 2_000_000)


def test_an_instant_is_utc_to_the_millisecond() -> None:
    """2026-11-22 20:14:05.1209 is written down to the millisecond, never up."""
    assert instant(1_795_378_445_120_900) == "2026-11-22T20:14:05.120Z"
    assert instant(0) == "1970-01-01T00:00:00.000Z"


def test_a_position_is_short_text() -> None:
    """Version 1, two partitions at 5 and 300, none of statements: bytes 1, 2, 5, 172 2, 0."""
    assert position_text({(ACCRUALS, 0): 5, (ACCRUALS, 1): 300}) == "AQIFrAIA"


@given(
    st.lists(
        st.dictionaries(
            st.tuples(st.sampled_from([ACCRUALS, STATEMENTS]), st.integers(0, 3)),
            st.integers(1, 2**40),
        ),
        min_size=2,
        max_size=2,
    )
)
def test_positions_differ_as_their_texts_do(pair: list[dict[tuple[str, int], int]]) -> None:
    """Equal positions have equal texts, and different ones different texts."""
    first, second = pair
    assert (position_text(first) == position_text(second)) == (first == second)


def test_no_figures_are_a_problem() -> None:
    """A view that is loading or empty has no head for an answer."""
    for readiness in (Readiness.LOADING, Readiness.EMPTY):
        with pytest.raises(Problem) as caught:
            Freshness(lambda: 1).head(stamp(readiness))
        assert (caught.value.status, caught.value.kind) == (503, "not-ready")


def test_computed_at_belongs_to_the_position() -> None:
    """Two answers of one position say the same, whenever they are given."""
    clock = iter([1_000_000, 2_000_000])
    freshness = Freshness(lambda: next(clock))
    first, again = freshness.head(stamp()), freshness.head(stamp())
    assert first == again
    assert first["computed_at"] == "1970-01-01T00:00:01.000Z"
    assert freshness.head(stamp(offset=4))["computed_at"] == "1970-01-01T00:00:02.000Z"


def test_no_watermark_is_no_as_of() -> None:
    """While no source has reported, as-of is null and not the year 1970."""
    assert Freshness(lambda: 1).head(stamp(as_of_us=0))["as_of"] is None


def test_an_etag_stands_for_position_question_and_reference() -> None:
    """Each of the three changes it, and nothing else does."""
    asked, other = URL("/v1/accruals?by=hour"), URL("/v1/accruals")
    tag = headers("AQ", asked, "r")["ETag"]
    assert headers("AQ", URL("http://else/v1/accruals?by=hour"), "r")["ETag"] == tag
    others = {
        headers(*a)["ETag"] for a in (("AR", asked, "r"), ("AQ", other, "r"), ("AQ", asked, "s"))
    }
    assert len(others - {tag}) == 3


@pytest.mark.parametrize(
    ("given_tags", "known"),
    [
        (None, False),
        ('"a"', True),
        ('W/"a"', True),
        ('"b", "a"', True),
        ("*", True),
        ('"b"', False),
    ],
)
def test_if_none_match(given_tags: str | None, known: bool) -> None:
    """A client may name several tags, weak ones, or any."""
    assert matches(given_tags, '"a"') is known
