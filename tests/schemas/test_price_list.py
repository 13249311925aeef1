"""A supplier's price list: every row is understood, or refused with its reason."""

from __future__ import annotations

import pytest

from schemas.documents import Problems
from schemas.moments import OPEN_UPTO_S
from schemas.price_list import COLUMNS, PriceList, read_price_list, timeline
from schemas.timelines import Rate, Span

HEAD = ",".join(COLUMNS)
DECEMBER_S = 1_796_083_200  # 2026-12-01 00:00 UTC
JANUARY_S = DECEMBER_S + 31 * 86_400
GOOD = "0.012,60,30,0.01,2026-12-01"
RATE = Rate(12_000_000, 60, 30, 10_000_000)


def read(*rows: str) -> PriceList:
    """The list with these rows."""
    problems = Problems()
    found = read_price_list("\n".join([HEAD, *rows, ""]).encode(), "list.csv", problems)
    assert found is not None
    assert problems.found == []
    return found


def test_rows_of_a_prefix_follow_one_another() -> None:
    """In whatever order they stand: each holds until the next one begins."""
    found = read("49,0.02,1,1,0,2027-01-01", f"49,{GOOD}")
    assert found.refused == ()
    assert timeline(found.offers["49"]) == (
        Span(DECEMBER_S, JANUARY_S, RATE),
        Span(JANUARY_S, OPEN_UPTO_S, Rate(20_000_000, 1, 1, 0)),
    )
    assert [offer.line for offer in found.offers["49"]] == [3, 2]


@pytest.mark.parametrize(
    ("row", "prefix", "reason"),
    [
        ("49,0,01,1,1,0", "49", "valid_from: '0' is not a date"),
        ('49,"0,01",1,1,0,2026-12-01', "49", "price_per_minute: '0,01' is not a decimal number"),
        ("49,0.01,0,1,0,2026-12-01", "49", "initial_seconds: '0' is not a whole number"),
        ("49,0.01,1,x,-1,2026-12-01", "49", "next_seconds: 'x' is not a whole number"),
        ("49,0.01,1,1,0,", "49", "valid_from: is empty; write the date from which"),
        ("49,0.01,1,1,0,01.12.2026", "49", "valid_from: '01.12.2026' is not a date"),
        ("+49,0.01,1,1,0,2026-12-01", "+49", "prefix: '+49' is not 1 to 15 digits"),
    ],
)
def test_a_wrong_row_is_refused_alone(row: str, prefix: str, reason: str) -> None:
    """With line, prefix and reason; the prefix is not taken for one that is no longer there."""
    found = read(row, f"33,{GOOD}")
    (refusal,) = found.refused
    assert (refusal.line, refusal.prefix) == (2, prefix)
    assert refusal.reason.startswith(reason)
    assert set(found.offers) == {"33"}
    assert found.named == {"33", "49"}
    assert found.complete


def test_all_that_is_wrong_with_a_row_is_said() -> None:
    """So that it is mended at once."""
    (refusal,) = read("49,x,1,1,y,2026-12-01").refused
    assert "price_per_minute: 'x' is" in refusal.reason
    assert "connect_fee: 'y' is" in refusal.reason


@pytest.mark.parametrize("row", ["4.9E+03,0.01,1,1,0,2026-12-01", "49,0.01,1,1,0"])
def test_a_list_whose_prefixes_are_not_all_known_is_not_complete(row: str) -> None:
    """What a spreadsheet made of 4900 may be any number; a row too short may begin anywhere."""
    found = read(row, f"33,{GOOD}")
    assert not found.complete
    assert len(found.refused) == 1


def test_two_rows_of_one_date_are_refused_with_the_others_of_the_prefix() -> None:
    """Neither is known to hold, and what came before them would hold for too long."""
    found = read(f"49,{GOOD}", "49,0.02,1,1,0,2026-12-01", "49,0.03,1,1,0,2026-11-01")
    assert found.offers == {}
    assert [(r.line, r.reason) for r in found.refused] == [
        (2, "waits for line 3, which is of this prefix too"),
        (3, "valid_from: is that of line 2 too; keep one of the two rows"),
        (4, "waits for line 3, which is of this prefix too"),
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "list.csv: is empty; an empty list is written []"),
        (b"prefix;price\n", "list.csv:1: has semicolons between its columns; save it with commas"),
        (f"{HEAD}\n".encode(), "list.csv: has no rows; a list that names nothing would close all"),
    ],
)
def test_a_file_that_is_no_list_is_refused_whole(content: bytes, message: str) -> None:
    """Nothing of it is compared with a deck."""
    problems = Problems()
    assert read_price_list(content, "list.csv", problems) is None
    assert [str(problem) for problem in problems.found] == [message]
