"""Whose a key is: rows that a file may hold, gated and without two owners."""

from __future__ import annotations

import csv
import io
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.documents import Problems
from schemas.keys import COLUMNS, read_keys
from schemas.moments import OPEN_FROM_S, OPEN_UPTO_S
from streams.control.derived import Key
from streams.control.key_rows import Claim, claims, rows
from streams.control.stretches import Stretch

NOTHING = frozenset[tuple[str, str]]()


def row(
    key: str = "TG-1", agreement: str = "A-1", valid_from: str = "", valid_upto: str = ""
) -> Key:
    """A route, always by default."""
    return Key("route", key, agreement, valid_from, valid_upto)


def by_name(claim: Claim) -> tuple[int, str]:
    """A rank in which A-1 came before B-1."""
    return 0, claim.agreement


def held(*keys: Key, **live: list[Stretch] | None) -> tuple[list[Key], list[str]]:
    """The rows that hold for the agreements A-1 and B-1, and the reasons of the others."""
    told, wrong = claims(keys)
    agreements = {"A-1": live.get("a"), "B-1": live.get("b")}
    found, findings = rows(told, agreements, NOTHING, by_name)
    return [*found], [finding.reason for finding in [*wrong, *findings]]


@pytest.mark.parametrize(
    "key",
    [
        Key("trunk", "TG-1", "A-1", "", ""),
        Key("route", "", "A-1", "", ""),
        Key("route", " TG-1", "A-1", "", ""),
        Key("route", "TG\n1", "A-1", "", ""),
        Key("route", "x" * 129, "A-1", "", ""),
        Key("number_range", "+49170", "A-1", "", ""),
        Key("number_range", "4917012345", "A-1", "", ""),
        Key("imsi_range", "", "A-1", "", ""),
        Key("route", "TG-1", "A-1", "soon", ""),
        Key("route", "TG-1", "A-1", "", "2600-01-01"),
        Key("route", "\ud800", "A-1", "", ""),
    ],
)
def test_what_a_file_could_not_hold_is_a_finding(key: Key) -> None:
    """By the rules of attribution.csv."""
    assert held(key) == ([], ["bad_key"])


def test_rows_that_a_file_may_hold_stay_as_they_are() -> None:
    """Sorted, with open ends empty."""
    first = row("TG-1", "A-1", "2026-01-01T00:00:00+00:00", "2026-02-01T00:00:00+00:00")
    number = Key("number_range", "491701234", "B-1", "", "")
    assert held(row('a, "b"'), first, number) == (sorted([number, first, row('a, "b"')]), [])


def test_keys_of_nobody_are_findings_and_own_ones_are_the_operators() -> None:
    """An agreement that there is none of, and the word for the operator itself."""
    assert held(row(agreement="C-1")) == ([], ["unknown_agreement"])
    assert held(row(agreement="own")) == ([row(agreement="own")], [])


def test_a_key_holds_while_its_partner_is_live() -> None:
    """From second 3,000,000,000 on; before that it is nobody's, and if never, a finding."""
    start = 3_000_000_000  # 2065-01-24T05:20:00Z
    told = "2065-01-24T05:20:00+00:00"
    assert held(row(), a=[Stretch(start, OPEN_UPTO_S)]) == ([row(valid_from=told)], [])
    assert held(row(valid_upto=told), a=[Stretch(start, OPEN_UPTO_S)]) == ([], ["not_live"])
    assert held(row(), a=[]) == ([], ["not_live"])


def test_what_files_give_is_left_to_them() -> None:
    """For all time: one key has one source."""
    told, _ = claims([row(), row("TG-2")])
    found, [finding] = rows(told, {"A-1": None}, frozenset({("route", "TG-1")}), by_name)
    assert found == [row("TG-2")]
    assert (finding.id, finding.reason) == ("TG-1", "other_source")


def test_the_claim_that_came_first_holds_and_the_other_has_the_rest() -> None:
    """A-1 has it from February to March; B-1 claims all of it and gets what is left."""
    february, march = "2026-02-01T00:00:00+00:00", "2026-03-01T00:00:00+00:00"
    found, reasons = held(row(agreement="B-1"), row("TG-1", "A-1", february, march))
    assert reasons == ["two_owners"]
    assert found == [
        row("TG-1", "A-1", february, march),
        row("TG-1", "B-1", "", february),
        row("TG-1", "B-1", march, ""),
    ]


def test_one_owner_may_claim_twice() -> None:
    """Two services of one agreement on one route are one row."""
    february, march = "2026-02-01T00:00:00+00:00", "2026-03-01T00:00:00+00:00"
    assert held(row(valid_upto=march), row(valid_from=february)) == ([row()], [])


MOMENTS = st.sampled_from(
    ["", "1970-06-01", "1971-01-01", "2026-01-01", "2026-02-01", "2499-12-31"]
)
ROWS = st.builds(
    Key,
    st.sampled_from(["route", "product", "number_range"]),
    st.sampled_from(["49170", "491", "TG", "a,b", '"', "ä"]),
    st.sampled_from(["A-1", "B-1"]),
    MOMENTS,
    MOMENTS,
)
LIVE = st.none() | st.lists(
    st.builds(Stretch, st.integers(0, 2**32), st.integers(0, OPEN_UPTO_S)), max_size=2
)


@given(st.lists(ROWS, max_size=8), LIVE, st.randoms())
def test_whatever_is_claimed_can_be_loaded(
    keys: list[Key], live: list[Stretch] | None, random: Random
) -> None:
    """In any order, and always to the same rows."""
    found, reasons = held(*keys, a=live)
    problems = Problems()
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows([COLUMNS, *found])
    frame = read_keys(text.getvalue().encode(), ["A-1", "B-1"], problems)
    assert problems.found == []
    assert frame is not None
    assert frame.height == len(found)
    again = [*keys, *keys]
    random.shuffle(again)
    assert set(held(*again, a=live)[1]) == set(reasons)
    assert held(*again, a=live)[0] == found


@given(st.lists(ROWS, max_size=8))
def test_a_moment_belongs_to_who_claimed_it_first(keys: list[Key]) -> None:
    """Asked for at each boundary: the lowest name of those who claim it then, as ranked here."""
    found, _ = held(*keys)
    told, _ = claims(keys)
    edges = {OPEN_FROM_S, *(edge for claim in told for edge in claim.when)}
    for kind, key in {(claim.kind, claim.key) for claim in told}:
        for second in edges:
            owners = [
                c.agreement
                for c in told
                if (c.kind, c.key) == (kind, key) and c.when.start <= second < c.when.end
            ]
            got = [
                c.agreement
                for c in claims(found)[0]
                if c[:2] == (kind, key) and c.when.start <= second < c.when.end
            ]
            if second >= 31_536_000:  # files begin with 1971
                assert got == ([min(owners)] if owners else [])
