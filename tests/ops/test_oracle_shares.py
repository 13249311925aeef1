"""The oracle's cascade, by hand."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from ops.oracle import settle
from ops.oracle_rating import Leg
from ops.oracle_reference import read_reference
from tests.sharing_makers import (
    PART,
    PRICE,
    RECEIVED,
    SALE,
    TERMS,
    agreement,
    directory,
    sale,
    split,
)
from tests.usage_makers import NOVEMBER_US

OWN = agreement("ALFA-1", f"{SALE}, {PRICE}, {split('largest_remainder', '60', '40')}}}")
SHOP = agreement(
    "SHOP-2",
    f"{PART}, {RECEIVED}, split: {{rule: first_parts, parties: "
    "[{percent: 50}, {agreement: ORIG-3, item: part, percent: 50}]}}",
)


def told(path: Path, last: str) -> tuple[dict[tuple[str, str], int], list[Leg]]:
    """Outcomes and legs of one sale of 1.015."""
    reference = read_reference(directory(path, OWN, SHOP, last))
    settlement = settle(reference, [(0, 0, NOVEMBER_US, sale(1_015_000))])
    [[trace]] = settlement.traces.values()
    return dict(settlement.counts), list(trace.legs)


def test_each_leg_is_followed(tmp_path: Path) -> None:
    """1.015 is 1.02; 0.612 -> 0.61 and 0.41, of which 0.21 stays and 0.20 goes on."""
    counts, legs = told(tmp_path, agreement("ORIG-3", f"{PART}, {RECEIVED}}}"))
    assert counts == {("rated", "none"): 1}
    figures = [(leg.version.agreement, leg.charge_micros, leg.quantity) for leg in legs]
    assert figures == [
        ("ALFA-1", 610_000, 1_015_000),
        ("SHOP-2", 210_000, 1_020_000),
        ("ORIG-3", 200_000, 410_000),
    ]
    assert [leg.residue for leg in legs] == [Fraction(-5, 1000), 0, 0]
    assert sum(leg.exact for leg in legs) == Fraction(1_015, 1000)


def test_a_missing_receiver_is_the_events_reason(tmp_path: Path) -> None:
    """Whatever generation it is of."""
    late = agreement("ORIG-3", f"{PART}, {RECEIVED}}}", TERMS.replace("2026-01-01", "2026-12-01"))
    assert told(tmp_path, late) == ({("suspended", "no_receiver"): 1}, [])
