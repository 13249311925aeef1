"""Versions of agreements in order, and rates of exchange by day."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from streams.versions import Versions
from tests.builders import PARTNERS, reference_dir, tables
from tests.payment_makers import version_text, versions_dir


def test_versions_rise_and_rates_are_of_a_day(tmp_path: Path) -> None:
    """Of an agreement that is not there, there are none; nor is there a rate of another source."""
    first = version_text(1, "2026-01-01\n      valid_upto: 2026-11-16")
    known = Versions(tables(versions_dir(tmp_path, first, version_text(2, "2026-11-16"))))
    assert [v.version for v in known.versions("P")] == [1, 2]
    assert known.versions("Q") == ()
    assert known.rate(("ECB", "EUR", "JPY"), date(2026, 11, 30)) == ("2026-11-30", "160.5")
    assert known.rate(("BOE", "EUR", "JPY"), date(2026, 11, 30)) is None


def test_nothing_is_settled_with_a_partner_in_test(tmp_path: Path) -> None:
    """BRAVO-1 is refused, ALFA-1 is not, nor is one that nobody knows."""
    partners = PARTNERS.replace("country: NO", "test: true")
    known = Versions(tables(reference_dir(tmp_path, partners=partners)))
    known.check_settled("ALFA-1")
    known.check_settled("Q")
    with pytest.raises(ValueError, match="BRAVO-1 is of a partner in test"):
        known.check_settled("BRAVO-1")
