"""Sessions as functions of the set of their parts: quantities, fees, limits, roundings, ends."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codes import CountRound, CurveKind, RoundingMode, Whole
from schemas.money import NANOS
from state.curves import Curve, Step
from state.sessions import (
    DAY_US,
    END_US,
    LATE_US,
    PARTS_MAX,
    Part,
    PartTerms,
    Sessions,
    from_bytes,
    has_ended,
    key_of,
    session_of,
    takes,
    to_bytes,
    work_out,
)

MINUTE = 60
# 0.06 a minute in increments of 60/60, 0.01 to connect; exact, as where a line is rounded.
TERMS = PartTerms(
    version=1,
    whole=Whole.SESSION,
    price_nanos=60_000_000,
    connect_nanos=10_000_000,
    unit=MINUTE,
    over=MINUTE,
    factor=1,
    initial=60,
    following=60,
    least=0,
    begun=CountRound.UP,
    minimum_nanos=0,
    maximum_nanos=None,
    attempt_nanos=0,
    at_record=False,
    mode=RoundingMode.HALF_UP,
    decimals=6,
    own_quantity=0,
    own_value=0,
    curve=None,
)


def part(number: int, raw: int, at_us: int = 0, **terms: Any) -> Part:  # noqa: ANN401
    """A part by its number in the session; by legs it counts and costs what it does by itself."""
    said = TERMS._replace(**terms)
    own = said.counted(raw)
    said = said._replace(own_quantity=own, own_value=said.value(own))
    return Part((number, at_us, 0, number, ""), raw, said, {"item": "voice"}, "series")


def told(*parts: Part) -> list[tuple[int, int]]:
    """Quantity and charge in micros of each part, in their order."""
    return [(p.figures.quantity, p.figures.charge_micros) for p in work_out(parts)]


def test_a_later_piece_goes_on_where_the_earlier_one_ended() -> None:
    """100 s are 120 s and the fee, 0.13; 50 s more reach 150, which is 180: 60 s, 0.06."""
    assert told(part(0, 100), part(1, 50)) == [(120, 130_000), (60, 60_000)]
    # 50 s alone are 60 s and the fee, 0.07.
    assert told(part(1, 50)) == [(60, 70_000)]
    assert [p.figures.position for p in work_out([part(1, 50), part(0, 100)])] == [0, 100]


def test_legs_count_for_themselves_and_connect_once() -> None:
    """10, 10 and 4 s at 0.05 a minute, 0.15 to connect, each up to cents: 0.16 + 0.01 + 0.01."""
    terms: dict[str, Any] = {"price_nanos": 50_000_000, "connect_nanos": 150_000_000}
    terms |= {"initial": 1, "following": 1, "at_record": True, "mode": RoundingMode.UP}
    legs = [part(n, s, whole=Whole.LEGS, decimals=2, **terms) for n, s in enumerate((10, 10, 4))]
    assert told(*legs) == [(10, 160_000), (10, 10_000), (4, 10_000)]
    # As a whole: 24/60 x 0.05 + 0.15 = 0.17; 0.1583.. is 0.16, 0.1666.. is 0.17, then nothing.
    pieces = [part(n, s, decimals=2, **terms) for n, s in enumerate((10, 10, 4))]
    assert told(*pieces) == [(10, 160_000), (10, 10_000), (4, 0)]


def test_the_fee_is_of_the_first_part_that_counts() -> None:
    """A part of no seconds owes none; the fee is the one that the first part with seconds has."""
    parts = part(0, 0), part(1, 60, connect_nanos=20_000_000), part(2, 60)
    assert told(*parts) == [(0, 0), (60, 80_000), (60, 60_000)]


def test_steps_go_on() -> None:
    """One a minute, whole minutes at first, then half ones: 119 s are 2, of which 60 s were 1."""
    steps = (Step(60, NANOS, step=60), Step(None, NANOS, step=30))
    curve = Curve(CurveKind.GRADUATED, steps, MINUTE)
    terms: dict[str, Any] = {"curve": curve, "initial": 1, "following": 1, "connect_nanos": 0}
    assert told(part(0, 60, **terms), part(1, 59, **terms)) == [(60, 10**6), (59, 10**6)]


def test_limits_are_of_the_session() -> None:
    """Least 0.1, most 0.15: 0.07 is 0.1; 0.13 adds 0.03; 0.19 is 0.15 and adds 0.02; then none."""
    terms: dict[str, Any] = {"minimum_nanos": 100_000_000, "maximum_nanos": 150_000_000}
    parts = [part(n, 60, **terms) for n in range(4)]
    assert [charge for _, charge in told(*parts)] == [100_000, 30_000, 20_000, 0]


def test_a_price_that_changes_keeps_position_and_fee() -> None:
    """60/60 at 0.06, then 30/30 at 0.12: 70 s are 120 s; up to 100 s are 4 x 30 - 3 x 30 = 30 s."""
    later: dict[str, Any] = {"version": 2, "price_nanos": 120_000_000, "initial": 30}
    parts = part(0, 70), part(1, 30, following=30, **later)
    assert told(*parts) == [(120, 130_000), (30, 60_000)]


def test_an_attempt_is_a_session_of_nothing() -> None:
    """Each of two attempts owes its fee; with seconds behind them neither was one."""
    attempts = part(0, 0, attempt_nanos=2_000_000), part(1, 0, attempt_nanos=2_000_000)
    assert told(*attempts) == [(0, 2_000), (0, 2_000)]
    assert told(*attempts, part(2, 1)) == [(0, 0), (0, 0), (60, 70_000)]


def test_counts_with_a_least_and_begun_steps() -> None:
    """At least 90 in steps of 60: 30 count as 90; up 2 steps, down 1, half up 2."""
    for begun, first in ((CountRound.UP, 120), (CountRound.DOWN, 60), (CountRound.HALF_UP, 120)):
        assert told(part(0, 30, least=90, begun=begun))[0][0] == first
    # Downwards 50 count nothing and owe no fee; 100 are one step, and then it is due.
    down: dict[str, Any] = {"begun": CountRound.DOWN}
    assert told(part(0, 50, **down), part(1, 50, **down)) == [(0, 0), (60, 70_000)]


def test_a_factor_multiplies_price_and_fee() -> None:
    """Three quarters of 0.07 are 0.0525, over 60 x 4."""
    assert told(part(0, 60, over=240, factor=3)) == [(60, 52_500)]


RAWS = st.lists(st.integers(0, 200), min_size=1, max_size=5)
MONEY = st.fixed_dictionaries(
    {
        "price_nanos": st.sampled_from([0, 1, 12_345_678, 10**9]),
        "connect_nanos": st.sampled_from([0, 7, 10**8]),
        "initial": st.sampled_from([1, 30, 60]),
        "following": st.sampled_from([1, 6, 60]),
        "minimum_nanos": st.sampled_from([0, 10**9]),
        "maximum_nanos": st.sampled_from([None, 2 * 10**9]),
        "at_record": st.booleans(),
        "mode": st.sampled_from(list(RoundingMode)),
        "decimals": st.sampled_from([-1, 2, 6]),
    }
)


@given(RAWS, MONEY)
def test_a_session_costs_what_one_call_of_its_length_does(raws: list[int], terms: Any) -> None:  # noqa: ANN401
    """In quantity, charge and residue, wherever it was cut; charge and residue are exact."""
    found = work_out([part(n, raw, **terms) for n, raw in enumerate(raws)])
    [whole] = work_out([part(0, sum(raws), **terms)])
    scale = MINUTE * 1_000
    assert sum(p.figures.quantity for p in found) == whole.figures.quantity
    exact = sum(p.figures.charge_micros * scale + p.figures.residue for p in found)
    assert exact == whole.figures.charge_micros * scale + whole.figures.residue
    if terms["at_record"]:
        assert sum(p.figures.charge_micros for p in found) == whole.figures.charge_micros


def test_figures_follow_from_the_set_of_parts() -> None:
    """In whatever order they are given."""
    parts = [part(0, 10), part(1, 0), part(2, 55, version=2), part(3, 7, whole=Whole.LEGS)]
    assert all(work_out(given) == work_out(parts) for given in permutations(parts))


def test_a_session_takes_parts_for_seven_days() -> None:
    """To the microsecond; fourteen days behind its source it has ended and begins anew."""
    known = work_out([part(0, 10, END_US)])
    assert takes(known, END_US + LATE_US, END_US + LATE_US) == known
    assert takes(known, END_US + LATE_US + 1, END_US + LATE_US) is None
    assert takes(known, 0, LATE_US) == known
    assert takes(known, 0, LATE_US + 1) is None
    assert takes((), DAY_US, 0) == ()
    assert takes(known, 2 * END_US, 2 * END_US) is None
    assert takes(known, 2 * END_US, 2 * END_US + 1) == ()
    assert not has_ended(known, 2 * END_US)


def test_a_session_takes_so_many_parts() -> None:
    """A source that gives all its calls one session id does not fill up memory."""
    known = tuple(part(n, 1) for n in range(PARTS_MAX))
    assert takes(known, 0, 0) is None
    assert takes(known[1:], 0, 0) == known[1:]


def test_sessions_end_by_whole_days() -> None:
    """What has ended is found once its first day has, and none that began again since."""
    sessions, key = Sessions(), key_of("msc-1", "S")
    other = key_of("msc-2", "S")
    sessions.change({key: (part(0, 1, 5),), other: (part(0, 1, 5),)})
    assert list(sessions.ended({"msc-1": END_US + DAY_US - 1})) == []
    assert list(sessions.ended({"msc-1": END_US + DAY_US})) == [key]
    sessions.change({key: (part(0, 1, 2 * DAY_US),)})
    assert list(sessions.ended({"msc-1": END_US + DAY_US})) == []
    sessions.change({key: None, other: None, '["x"]': None})
    assert (len(sessions), sessions) == (0, Sessions())


def test_the_changelog_gives_sessions_back() -> None:
    """With their terms, curves and figures."""
    curve = Curve(CurveKind.VOLUME, (Step(5, 1, 2, mode=RoundingMode.DOWN), Step(None, 3)), 60, 4)
    parts = work_out([part(0, 10), part(1, 7, curve=curve, maximum_nanos=5, whole=Whole.LEGS)])
    assert from_bytes(to_bytes(parts)) == parts


def test_the_longest_session_is_no_large_message() -> None:
    """What all parts have alike is written once: half of what a broker takes for the most parts."""
    said = {f"field-{number}": "a text of some length" for number in range(24)}
    parts = [part(n, 61, n * DAY_US, whole=Whole.LEGS) for n in range(PARTS_MAX)]
    rows = [replace(p, row={**said, "offset": 10**9 + n}) for n, p in enumerate(parts)]
    assert len(to_bytes(work_out(rows))) < 500_000


@pytest.mark.parametrize("name", ["S", "a/b", '"', "ü"])
def test_a_key_names_source_and_session(name: str) -> None:
    """Whatever they are called; nothing runs into another."""
    assert session_of(key_of("msc", name, 1)) == name
    assert key_of("a", "b,c") != key_of("a,b", "c")
