"""Commands: which periods are meant, and what is no command."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.accrual import Book
from streams.commands import closes_in, period_of, read_close, together
from tests.builders import PARTNERS, reference_dir, tables
from tests.hop_makers import close_command
from tests.makers import segment
from tests.payment_makers import paying_tables


def test_a_close_names_an_agreement_and_a_period(tmp_path: Path) -> None:
    """Of the newest version that has such periods."""
    book = Book(paying_tables(tmp_path))
    assert read_close(book, {"close": {"agreement": "P", "period": "2026-11"}}) == ("P", "2026-11")
    version, index = period_of(book, "P", "2026-11")
    assert version.periods.label(index) == "2026-11"
    with pytest.raises(KeyError):
        period_of(book, "Q", "2026-11")
    with pytest.raises(ValueError, match="P has no period 2026-11-01"):
        period_of(book, "P", "2026-11-01")
    with pytest.raises(TypeError):
        read_close(book, 3)


def test_a_batch_has_closes_among_other_things(tmp_path: Path) -> None:
    """What is none is passed over here."""
    book = Book(paying_tables(tmp_path))
    values = [b"no JSON", None, close_command("P", "2026-11"), b'{"declare": {}}', b"3"]
    found = closes_in(book, [segment(values, topic="commands.v1"), segment([b"x"])])
    assert list(found) == [("P", "2026-11")]


def test_agreements_in_no_joint_deal_close_alone(tmp_path: Path) -> None:
    """Those that deals join are tried with the hop (`test_accrue_pools.py`)."""
    book = Book(paying_tables(tmp_path))
    assert list(together(book, ("P", "2026-11"))) == [("P", "2026-11")]
    assert list(together(book, ("P", "2026-11-01"))) == []


def test_a_partner_in_test_has_no_close(tmp_path: Path) -> None:
    """Fees that are owed without usage would be stated otherwise."""
    partners = PARTNERS.replace("country: NO", "test: true")
    book = Book(tables(reference_dir(tmp_path, partners=partners)))
    with pytest.raises(ValueError, match="nothing is settled"):
        read_close(book, {"close": {"agreement": "BRAVO-1", "period": "2026-11"}})
    segments = [segment([close_command("BRAVO-1", "2026-11")], topic="commands.v1")]
    assert list(closes_in(book, segments)) == []
