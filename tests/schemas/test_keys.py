"""Attribution keys: one owner at a time, gaps allowed, and digits where digits belong."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas import keys
from schemas.codes import KeyKind
from schemas.moments import OPEN_FROM_S, OPEN_UPTO_S
from schemas.reference import load
from streams.privacy import CLEAR_DIGITS
from tests.builders import complaints_of, reference_dir

HEADER = "kind,key,agreement,valid_from,valid_upto\n"


def test_keys_become_columns_of_seconds(tmp_path: Path) -> None:
    """Empty ends are open, dates are midnight UTC, and rows are sorted by kind, key and time."""
    rows = "network,26201,BRAVO-1,2026-01-02,\nroute,TG-1,own,,2026-01-02\n"
    found = load(reference_dir(tmp_path, attribution=HEADER + rows)).attribution
    second_january = 1_767_225_600 + 86_400
    assert found.rows() == [
        (KeyKind.ROUTE, "TG-1", "own", OPEN_FROM_S, second_january),
        (KeyKind.NETWORK, "26201", "BRAVO-1", second_january, OPEN_UPTO_S),
    ]


def test_a_key_may_change_hands_and_may_rest(tmp_path: Path) -> None:
    """Between two owners there may be nobody: usage of that time is usage of an unknown key."""
    rows = (
        "route,TG-1,ALFA-1,,2026-01-02\n"
        "route,TG-1,BRAVO-1,2026-01-02,2026-02-01\n"
        "route,TG-1,ALFA-1,2026-03-01,\n"
    )
    assert complaints_of(reference_dir(tmp_path, attribution=HEADER + rows)) == []


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        (
            "trunk,TG-1,ALFA-1,,",
            (
                "kind: 'trunk' is not a kind of key; write one of route, number_range, imsi_range, "
                "access_point, network, product, channel"
            ),
        ),
        ("route,,ALFA-1,,", "key: is empty; write 1 to 128 letters"),
        (
            "number_range,+4917,ALFA-1,,",
            "key: '+4917' is not 1 to 15 digits; write digits only, without + or spaces",
        ),
        (
            "imsi_range,2.6E+04,ALFA-1,,",
            "key: '2.6E+04' is not 1 to 15 digits; write digits only, without + or spaces",
        ),
        (
            "route,TG-1,ALFA-2,,",
            "agreement: 'ALFA-2' is not in agreements.yaml; add it there, or write own",
        ),
        (
            "route,TG-1,ALFA 1,,",
            "agreement: 'ALFA 1' is not a name; use letters, digits and _ . : -",
        ),
        (
            "route,TG-1,ALFA-1,2026-01-02,2026-01-02",
            "valid_upto: is not after valid_from; exchange the two",
        ),
        ("route,TG-1,ALFA-1,soon,", "valid_from: 'soon' is not a date; write a date, 2026-01-31"),
    ],
)
def test_a_wrong_key_is_named_with_what_to_write(tmp_path: Path, row: str, complaint: str) -> None:
    """File, line, field, and what to do about it."""
    found = complaints_of(reference_dir(tmp_path, attribution=f"{HEADER}{row}\n"))
    assert len(found) == 1
    assert found[0].startswith(f"attribution.csv:2: {complaint}")


@pytest.mark.parametrize("kind", ["number_range", "imsi_range"])
def test_a_range_is_no_longer_than_recycling_can_tell(tmp_path: Path, kind: str) -> None:
    """Nine digits of a subscriber are kept in suspense: a range of ten would not be found again."""
    assert keys.RANGE_DIGITS_MAX == CLEAR_DIGITS
    rows = f"{kind},491701234,ALFA-1,,\n{kind},4917012345,ALFA-1,,\n"
    (found,) = complaints_of(reference_dir(tmp_path, attribution=HEADER + rows))
    assert found.startswith("attribution.csv:3: key: '4917012345' is longer than 9 digits")
    assert "write the range with fewer digits" in found
    # A route may have any name, of many digits too.
    route = "route,4917012345,ALFA-1,,\n"
    assert complaints_of(reference_dir(tmp_path / "route", attribution=HEADER + route)) == []


def test_two_owners_at_once_are_refused(tmp_path: Path) -> None:
    """An overlap would attribute the same call to whoever comes first in the file."""
    rows = "route,TG-1,ALFA-1,2026-02-01,\nroute,TG-2,ALFA-1,,\nroute,TG-1,BRAVO-1,,2026-02-02\n"
    assert complaints_of(reference_dir(tmp_path, attribution=HEADER + rows)) == [
        (
            "attribution.csv:2: valid_from: overlaps the row on line 4; "
            "end that row where this one begins"
        )
    ]
