"""Prices by time band for tests: a plan of the working week, and references that use it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from state.tables import Tables
from tests.builders import agreement_text, reference_dir, tables

BANDS = """\
- bands: WEEK
  holidays: DE
  days:
    mon-fri:
      - {from: "00:00", band: night}
      - {from: "08:00", band: day}
      - {from: "18:00", band: night}
    sat-sun: [{from: "00:00", band: night}]
    holiday: [{from: "00:00", band: night}]
"""
HOLIDAYS = "date,name\n2024-11-18,A Monday off\n"
KEYS = "kind,key,agreement,valid_from,valid_upto\nroute,TG-1,ALFA-1,,\naccess_point,ap,ALFA-1,,\n"

# 60/60 by day at 2 a minute, 30/30 by night at 1.
DAY_AND_NIGHT = (
    "day: {amount: 2, initial_seconds: 60, next_seconds: 60}, "
    "night: {amount: 1, initial_seconds: 30, next_seconds: 30}"
)

TUESDAY_EVENING = "2024-11-12T17:59:59"


def us(text: str) -> int:
    """The microsecond of an instant written in UTC."""
    since = datetime.fromisoformat(text).replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return since // timedelta(microseconds=1)


def banded(
    prices: str = DAY_AND_NIGHT, split: str = "complete_increment", per: str = "minute"
) -> str:
    """A price by the bands of the working week."""
    return f"{{kind: unit, per: {per}, bands: {{of: WEEK, split: {split}, prices: {{{prices}}}}}}}"


def directory_of(
    directory: Path,
    price: str,
    *,
    zone: str = "UTC",
    service: str = "voice",
    role: str = "ingress",
    terms: str = "",
    others: Mapping[str, str] | None = None,
) -> Path:
    """A reference of one item with this price."""
    item = f"{{item: one, role: {role}, service: {service}, flow: receivable, price: {price}}}"
    usual = f"valid_from: 2024-01-01, zone: {zone}, currency: EUR{terms}"
    return reference_dir(
        directory,
        agreements=agreement_text(item, terms=usual),
        attribution=KEYS,
        others={"bands.yaml": BANDS, "holidays/DE.csv": HOLIDAYS, **(others or {})},
    )


def tables_of(directory: Path, price: str, **more: Any) -> Tables:  # noqa: ANN401 - as above
    """The same, compiled."""
    return tables(directory_of(directory, price, **more))
