"""A figure is brought into the unit of the line, and shown beside what we have by then."""

from __future__ import annotations

from pathlib import Path

import pytest

from ops.declare import NotDeclarableError, beside_ours, figure_text
from ops.embedded import Embedded
from streams.accrual import Book
from streams.facts import Facts, Which
from tests.builders import tables
from tests.ops.books import close, reference, settle

VOICE = Which("W-1", "2024-11", "voice-in", "quantity")


def test_a_quantity_is_in_the_unit_of_the_line(tmp_path: Path) -> None:
    """One and a half minutes are 90 seconds; what is counted otherwise is refused."""
    book = Book(tables(reference(tmp_path)))
    assert figure_text(book, VOICE, "1.5", "minute") == "90.000000000"
    assert figure_text(book, VOICE, "90", None) == "90"
    amount = VOICE._replace(figure="amount")
    assert figure_text(book, amount, "90.25", None) == "90.25"
    for which, text, per, said in (
        (VOICE, "1", "megabyte", "voice-in is not counted per megabyte; write second, minute"),
        (amount, "1", "minute", "an amount is not counted per minute; leave --per out"),
        (VOICE, "1,5", None, "'1,5' is not a decimal number"),
        (VOICE._replace(item="calls"), "1", None, "W-1 has no item calls"),
    ):
        with pytest.raises(NotDeclarableError, match=said):
            figure_text(book, which, text, per)


def test_it_stands_beside_what_we_have(tmp_path: Path) -> None:
    """The call is charged for 66 seconds and comes to 0.076."""
    data = tmp_path / "data"
    settle(data)
    with Embedded(data) as weir:
        assert beside_ours(weir, Facts(), VOICE) == {}
        assert weir.declare(VOICE, "61") is None
        found = beside_ours(weir, weir.facts(), VOICE)
        assert (found["own"], found["declared"], found["difference"]) == ("66", "61", "5")
        assert found["shown_in"] == "2024-11"
        amount = VOICE._replace(figure="amount")
        assert weir.declare(amount, "0.07") is None
        assert beside_ours(weir, weir.facts(), amount)["difference"] == "0.006"
    close(data, "2024-11", "W-1")
    with Embedded(data) as weir:
        assert weir.declare(VOICE, "66") is None
        found = beside_ours(weir, weir.facts(), VOICE)
        assert (found["version"], found["shown_in"]) == (2, "2024-12")
