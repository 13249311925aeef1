"""Decks and price lists drawn by Hypothesis, and what a call costs in a reference directory."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

from hypothesis import strategies as st

from ops.deck import SECONDS_A_DAY, moment
from schemas.decks import Deck
from schemas.price_list import COLUMNS
from schemas.reference import load
from schemas.timelines import Rate

# Days since 1970 around 1 December 2026, on which everything drawn here begins or ends.
FIRST_DAY = 20_780
LAST_DAY = FIRST_DAY + 12
PRICES = ("0.01", "0.02", "0.030")
RATES_HEAD = "zone,price_per_minute,initial_seconds,next_seconds,connect_fee,valid_from,valid_upto"

prefixes = st.text("12", min_size=1, max_size=3)
days = st.integers(FIRST_DAY, LAST_DAY)


def day(number: int) -> str:
    """A day as files write it."""
    return moment(number * SECONDS_A_DAY)


@st.composite
def deck_files(draw: st.DrawFn) -> tuple[str, str]:
    """The two files of a deck: a few zones, each with rates from its first day on or for ever."""
    zones = draw(st.dictionaries(prefixes, st.sampled_from("ABC"), min_size=1, max_size=6))
    rows = [RATES_HEAD]
    for zone in sorted(set(zones.values())):
        edges = [day(d) for d in sorted(draw(st.sets(days, min_size=1, max_size=3)))]
        edges = [draw(st.sampled_from(["", edges[0]])), *edges[1:], draw(end_after(edges[-1]))]
        for start, end in pairwise(edges):
            rows.append(f"{zone},{draw(st.sampled_from(PRICES))},1,1,0,{start},{end}")
    lines = ["prefix,zone", *(f"{prefix},{zone}" for prefix, zone in zones.items())]
    return "\n".join([*lines, ""]), "\n".join([*rows, ""])


def end_after(start: str) -> st.SearchStrategy[str]:
    """No end, or one a while after the last begin."""
    return st.sampled_from(["", day(LAST_DAY + 3)] if start else [""])


@st.composite
def price_lists(draw: st.DrawFn) -> str:
    """A list of a few prefixes with one or two rows each; now and then a wrong one."""
    rows = draw(st.sets(st.tuples(prefixes, days), min_size=1, max_size=6))
    wrong = draw(st.sampled_from([None, "x", "-1"]))
    texts = [f"{p},{draw(st.sampled_from(PRICES))},1,1,0,{day(d)}" for p, d in sorted(rows)]
    if wrong is not None:
        texts.append(f"{draw(prefixes)},{wrong},1,1,0,{day(FIRST_DAY)}")
    return "\n".join([",".join(COLUMNS), *texts, ""])


def deck_of(reference: Path, name: str) -> Deck:
    """A deck of a reference that loads."""
    return next(deck for deck in load(reference).decks if deck.name == name)


def costs(deck: Deck, number: str, second: int) -> Rate | None:
    """What a call to a number costs at a second, found by trying every row."""
    zone_of = dict(deck.prefixes.iter_rows())
    covering = [number[:n] for n in range(len(number), 0, -1) if number[:n] in zone_of]
    if not covering:
        return None
    columns = ("price_nanos", "initial_seconds", "next_seconds", "connect_fee_nanos")
    for row in deck.rates.iter_rows(named=True):
        in_force = row["valid_from_s"] <= second < row["valid_upto_s"]
        if in_force and row["zone"] == zone_of[covering[0]]:
            return Rate(*(row[column] for column in columns))
    return None
