"""Keys that can stand in `attribution.csv` become rows that it reads, and others do not."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codes import KeyKind
from schemas.documents import Problems
from schemas.keys import COLUMNS, read_keys
from state.entities import FOREVER_US
from streams.control.derived import Key
from streams.control.in_service import ALWAYS_US, Span
from streams.control.keying import problem, rows
from tests.streams.control.inventory_makers import day_us

SECOND_US = 1_000_000


@pytest.mark.parametrize(
    ("kind", "key", "agreement", "sentence"),
    [
        ("trunk", "TG-1", "A", "'trunk' is not a kind of key"),
        ("route", "", "A", "is not 1 to 128 letters"),
        ("route", "T" * 129, "A", "is not 1 to 128 letters"),
        ("route", "TG\n1", "A", "is not 1 to 128 letters"),
        ("route", " TG-1", "A", "is not 1 to 128 letters"),
        ("number_range", "+4915", "A", "is not 1 to 15 digits"),
        ("imsi_range", "2620712345", "A", "is longer than 9 digits"),
        ("route", "TG-1", "Alfa Carrier", "the agreement 'Alfa Carrier' is not a name"),
        ("route", "TG-1", "", "the agreement '' is not a name"),
    ],
)
def test_what_the_file_refuses_is_refused(
    kind: str, key: str, agreement: str, sentence: str
) -> None:
    """With a sentence that names it."""
    assert sentence in problem(kind, key, agreement)


def test_what_the_file_takes_is_taken() -> None:
    """Keys as usage writes them, of partners and of the operator itself."""
    assert problem("route", "TG 001, north", "ALFA-1") == ""
    assert problem("number_range", "49155", "own") == ""


def test_moments_become_whole_seconds() -> None:
    """What ends within a second ends with it, where the next begins; what lies within one is not.

    A: day 0 to day 1 and 0.5 s; B from there for 0.2 s, which is within the same second; C from
    0.7 s on.
    """
    half = day_us(1) + SECOND_US // 2
    last = half + SECOND_US // 5
    found = rows(
        {
            ("route", "T", "A"): [Span(day_us(0), half)],
            ("route", "T", "B"): [Span(half, last)],
            ("route", "T", "C"): [Span(last, FOREVER_US)],
        }
    )
    assert found == [
        Key("route", "T", "A", "2026-01-01T00:00:00+00:00", "2026-01-02T00:00:01+00:00"),
        Key("route", "T", "C", "2026-01-02T00:00:01+00:00", ""),
    ]


def test_what_touches_is_one_row() -> None:
    """Two things that carry the same key for the same agreement are one owner."""
    held = [Span(day_us(5), day_us(9)), Span(day_us(0), day_us(6))]
    assert rows({("route", "T", "A"): held}) == [
        Key("route", "T", "A", "2026-01-01T00:00:00+00:00", "2026-01-10T00:00:00+00:00")
    ]


def test_ends_beyond_the_years_of_the_file_are_open() -> None:
    """Year 9999 means that no end is known, and year 1 that it always was; 3000 is no beginning."""
    millennium_us = 1000 * 365 * 86_400 * SECOND_US
    assert rows({("route", "T", "A"): [Span(-millennium_us, 8 * millennium_us)]}) == [
        Key("route", "T", "A", "", "")
    ]
    assert rows({("route", "T", "A"): [Span(millennium_us, FOREVER_US)]}) == []
    assert rows({("route", "T", "A"): [Span(ALWAYS_US, -millennium_us)]}) == []


KINDS = st.sampled_from([kind.label for kind in KeyKind])
WORDS = st.text(max_size=12) | st.text("0123456789", max_size=12)
ENDS = st.integers(-(2**62), 2**62) | st.integers(0, 2**55) | st.just(FOREVER_US)
SPANS = st.lists(st.tuples(ENDS, ENDS).map(lambda ends: Span(*sorted(ends))), max_size=4)


@given(st.dictionaries(st.tuples(KINDS, WORDS, st.just("A") | st.text(max_size=5)), SPANS))
def test_the_file_reads_what_has_no_problem(held: dict[tuple[str, str, str], list[Span]]) -> None:
    """Whatever a master called things: a key that is let through never refuses the reference."""
    mine: dict[tuple[str, str], str] = {}
    fit = {
        holding: spans
        for holding, spans in held.items()
        if not problem(*holding) and mine.setdefault(holding[:2], holding[2]) == holding[2]
    }
    found = rows(fit)
    written = io.StringIO(newline="")
    csv.writer(written, lineterminator="\n").writerows([COLUMNS, *found])
    problems = Problems()
    frame = read_keys(written.getvalue().encode(), None, problems)
    assert problems.found == []
    assert frame is not None
    assert frame.height == len(found)
