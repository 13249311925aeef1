"""Versions of agreements in order, and rates of exchange by day."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from streams.versions import Versions
from tests.builders import tables
from tests.payment_makers import version_text, versions_dir


def test_versions_rise_and_rates_are_of_a_day(tmp_path: Path) -> None:
    """Of an agreement that is not there, there are none; nor is there a rate of another source."""
    first = version_text(1, "2026-01-01\n      valid_upto: 2026-11-16")
    known = Versions(tables(versions_dir(tmp_path, first, version_text(2, "2026-11-16"))))
    assert [v.version for v in known.versions("P")] == [1, 2]
    assert known.versions("Q") == ()
    assert known.rate(("ECB", "EUR", "JPY"), date(2026, 11, 30)) == ("2026-11-30", "160.5")
    assert known.rate(("BOE", "EUR", "JPY"), date(2026, 11, 30)) is None
