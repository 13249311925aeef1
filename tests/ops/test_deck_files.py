"""A deck's files: read as timelines, split where they must be, and written only if all loads."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ops.deck import SECONDS_A_DAY, Diff, compare
from ops.deck_files import (
    decks_in,
    files_of,
    price,
    read_deck,
    replace_files,
    rezoned,
    written,
)
from schemas.documents import Problems
from schemas.moments import OPEN_FROM_S, OPEN_UPTO_S
from schemas.price_list import COLUMNS, PriceList, read_price_list
from schemas.reference import InvalidReferenceError
from schemas.timelines import Rate, Span
from tests.builders import PREFIXES, RATES, reference_dir
from tests.ops.deck_makers import (
    FIRST_DAY,
    LAST_DAY,
    costs,
    deck_files,
    deck_of,
    prefixes,
    price_lists,
)

CAME = (FIRST_DAY + 4) * SECONDS_A_DAY
DE, MOBILE = Rate(12_000_000, 1, 1, 0), Rate(60_000_000, 30, 6, 10_000_000)
DECEMBER = "2026-12-01"
HEAD = ",".join(COLUMNS)


def read_list(text: str) -> PriceList:
    """A list that can be read."""
    found = read_price_list(text.encode(), "list.csv", Problems())
    assert found is not None
    return found


def compared(reference: Path, name: str, text: str) -> Diff:
    """What a list changes in a deck."""
    return compare(read_deck(reference, name).standing(), read_list(text), CAME, 0)


def taken(reference: Path, name: str, *rows: str) -> tuple[str, str]:
    """The two files after a list of these rows."""
    diff = compared(reference, name, "\n".join([HEAD, *rows]))
    replace_files(reference, written(read_deck(reference, name), diff.timelines))
    first, second = ((reference / path).read_text() for path in files_of(name))
    return first, second


def test_a_deck_is_read_as_timelines(tmp_path: Path) -> None:
    """Each prefix has its zone's."""
    deck = read_deck(reference_dir(tmp_path), "STANDARD")
    assert deck.standing() == {
        "49": (Span(OPEN_FROM_S, OPEN_UPTO_S, DE),),
        "4917": (Span(OPEN_FROM_S, OPEN_UPTO_S, MOBILE),),
    }
    assert decks_in(tmp_path) == ["STANDARD"]


def test_a_wrong_deck_is_refused_with_its_problems(tmp_path: Path) -> None:
    """As loading would."""
    reference = reference_dir(tmp_path, prefixes="prefix,zone\nx,DE\n")
    with pytest.raises(InvalidReferenceError, match=r"prefixes\.csv:2: prefix: 'x' is not"):
        read_deck(reference, "STANDARD")


def test_a_new_price_ends_the_old_one(tmp_path: Path) -> None:
    """Both as rows, the one before it ended where it begins; other zones keep their text."""
    reference = reference_dir(tmp_path, rates=RATES.replace("0.06,", "0.060,"))
    of_list = f"49,0.013,1,1,0,{DECEMBER}", f"4917,0.06,30,6,0.01,{DECEMBER}"
    prefix_file, rate_file = taken(reference, "STANDARD", *of_list)
    assert prefix_file == PREFIXES
    assert rate_file.splitlines()[1:] == [
        "DE,0.012,1,1,0,,2026-12-01",
        "DE,0.013,1,1,0,2026-12-01,",
        "DE-MOBILE,0.060,30,6,0.01,,",
    ]


def test_a_zone_is_split_where_its_prefixes_part(tmp_path: Path) -> None:
    """The part that stays keeps the name; the other takes its past along."""
    reference = reference_dir(tmp_path, prefixes=PREFIXES + "4915,DE-MOBILE\n4916,DE-MOBILE\n")
    same = f"30,6,0.01,{DECEMBER}"
    of_list = [f"49,0.012,1,1,0,{DECEMBER}", f"4915,0.06,{same}", f"4916,0.07,{same}"]
    prefix_file, rate_file = taken(reference, "STANDARD", *of_list, f"4917,0.07,{same}")
    assert prefix_file.splitlines()[1:] == [
        "49,DE",
        "4917,DE-MOBILE-4916",
        "4915,DE-MOBILE",
        "4916,DE-MOBILE-4916",
    ]
    assert rate_file.splitlines()[1:] == [
        "DE,0.012,1,1,0,,",
        "DE-MOBILE,0.06,30,6,0.01,,",
        "DE-MOBILE-4916,0.06,30,6,0.01,,2026-12-01",
        "DE-MOBILE-4916,0.07,30,6,0.01,2026-12-01,",
    ]


def test_a_new_prefix_is_a_zone_of_its_own(tmp_path: Path) -> None:
    """Up to its date it costs what the shorter prefix does."""
    reference = reference_dir(tmp_path)
    of_list = [f"49,0.012,1,1,0,{DECEMBER}", f"4917,0.06,30,6,0.01,{DECEMBER}"]
    prefix_file, rate_file = taken(reference, "STANDARD", *of_list, f"491,0.02,1,1,0,{DECEMBER}")
    assert prefix_file == PREFIXES + "491,491\n"
    added = "491,0.012,1,1,0,,2026-12-01\n491,0.02,1,1,0,2026-12-01,\n"
    assert rate_file == RATES + added


def test_a_name_that_is_taken_gets_a_number(tmp_path: Path) -> None:
    """A zone may be called as a prefix."""
    rates = RATES + "491,1,1,1,0,,\n"
    deck = read_deck(reference_dir(tmp_path, rates=rates), "STANDARD")
    after = {**deck.standing(), "491": (Span(0, 9, DE),)}
    assert rezoned(deck, after)[0]["491"] == "491-2"


def test_a_deck_can_be_made_of_a_list(tmp_path: Path) -> None:
    """Each prefix a zone, priced from its date on."""
    reference = reference_dir(tmp_path)
    prefix_file, rate_file = taken(reference, "NEW", f"33,0.5,60,1,0,{DECEMBER}")
    assert prefix_file == "prefix,zone\n33,33\n"
    assert rate_file.splitlines()[1] == "33,0.5,60,1,0,2026-12-01,"
    assert decks_in(reference) == ["NEW", "STANDARD"]


def test_nothing_is_written_when_the_reference_would_not_load(tmp_path: Path) -> None:
    """Be it for another file: nobody could settle by it."""
    reference = reference_dir(tmp_path)
    diff = compared(reference, "STANDARD", f"{HEAD}\n49,1,1,1,0,{DECEMBER}\n")
    files = written(read_deck(reference, "STANDARD"), diff.timelines)
    (reference / "partners.yaml").write_text("- partner: x\n")
    with pytest.raises(InvalidReferenceError):
        replace_files(reference, files)
    assert (reference / "decks/STANDARD.rates.csv").read_text() == RATES
    assert len(list((reference / "decks").iterdir())) == 2


@pytest.mark.parametrize(
    ("nanos", "text"), [(12_000_000, "0.012"), (5_000_000_000, "5"), (1, "0.000000001"), (0, "0")]
)
def test_prices_are_written_as_people_do(nanos: int, text: str) -> None:
    """Without zeros behind."""
    assert price(nanos) == text


@settings(max_examples=30, deadline=None)
@given(deck_files(), price_lists(), st.lists(prefixes, min_size=1, max_size=4))
def test_a_list_taken_over_holds(files: tuple[str, str], text: str, numbers: list[str]) -> None:
    """It differs no more; nothing else was touched; before its first day all costs what it did."""
    with tempfile.TemporaryDirectory() as name:
        reference = reference_dir(Path(name), others=dict(zip(files_of("X"), files, strict=True)))
        others = {p: p.read_bytes() for p in reference.rglob("*") if p.is_file()}
        given_list = read_list(text)
        begins = [rows[0].from_s for rows in given_list.offers.values()]
        ends = min(begins, default=LAST_DAY * SECONDS_A_DAY)
        asked = [(n, s) for n in numbers for s in range(0, ends, SECONDS_A_DAY) if s > ends - 10**6]
        before = deck_of(reference, "X")
        was = [costs(before, *one) for one in asked]
        once = compared(reference, "X", text)
        replace_files(reference, written(read_deck(reference, "X"), once.timelines))
        assert compared(reference, "X", text).timelines == once.timelines
        left = read_deck(reference, "X").standing()
        assert left == once.timelines
        for path, content in others.items():
            assert path.read_bytes() == content or path.name.startswith("X.")
        after = deck_of(reference, "X")
        now = [costs(after, *one) for one in asked]
        assert all(a == b for a, b in zip(was, now, strict=True) if a is not None)


def test_a_deck_by_band_is_not_compared_with_a_list(tmp_path: Path) -> None:
    """A list has one price a prefix and cannot say which band it is of."""
    rates = RATES.replace("zone,", "zone,band,").replace("DE,", "DE,day,")
    rates = rates.replace("MOBILE,", "MOBILE,day,")
    reference = reference_dir(tmp_path, rates=rates)
    with pytest.raises(InvalidReferenceError, match=r"rates go by time band \(day\), which price"):
        read_deck(reference, "STANDARD")
