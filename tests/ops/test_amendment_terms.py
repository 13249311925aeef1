"""Every difference between two references is said in a sentence that names it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ops.amendment_terms import changes
from schemas.reference import load
from tests.builders import AGREEMENTS, ATTRIBUTION, PARTNERS, PREFIXES, RATES, reference_dir

FILES = {
    "agreements": AGREEMENTS,
    "attribution": ATTRIBUTION,
    "partners": PARTNERS,
    "prefixes": PREFIXES,
    "rates": RATES,
}
HOLIDAYS = {"holidays/DE.csv": "date,name\n2026-12-25,Christmas\n"}
MORE = """\
- agreement: BRAVO-2
  partner: BRAVO
  model: mvno
  versions:
    - {version: 1, valid_from: 2026-01-01, zone: UTC, currency: EUR, items: [
       {item: data, role: subscriber, service: data, flow: receivable,
        price: {kind: unit, per: megabyte, amount: "0.002"}}]}
"""


def said(tmp_path: Path, file: str, text: str) -> list[str]:
    """What is said of the references of the builders and one with a file written anew."""
    given: dict[str, Any] = {file: text}
    before = load(reference_dir(tmp_path / "before"))
    return list(changes(before, load(reference_dir(tmp_path / "after", **given))))


@pytest.mark.parametrize(
    ("file", "before", "after", "sentence"),
    [
        ("agreements", '"0.002"', '"0.0015"',
         "BRAVO-1 version 1: items[0].price.amount is 0.0015, was 0.002"),
        ("agreements", "valid_from: 2026-01-01", "valid_from: 2026-02-01",
         "ALFA-1 version 1: valid_from is 2026-02-01, was 2026-01-01"),
        ("agreements", "valid_from: 2026-01-01", 'valid_from: "2026-02-01T00:00:00+01:00"',
         "ALFA-1 version 1: valid_from is 2026-01-31T23:00:00Z, was 2026-01-01"),
        ("agreements", "flow: receivable", "flow: payable",
         "ALFA-1 version 1: items[0].flow is payable, was receivable"),
        ("agreements", "model: mvno", "model: reseller",
         "BRAVO-1: model is reseller, was mvno"),
        ("agreements", "      currency: EUR", "      currency: EUR\n      tax: {percent: 19}",
         "ALFA-1 version 1: tax differs"),
        ("attribution", "route,TG-001,ALFA-1,,", "route,TG-001,BRAVO-1,,",
         "route:TG-001 is BRAVO-1, was ALFA-1"),
        ("attribution", "route,TG-001,ALFA-1,,", "route,TG-001,ALFA-1,2026-02-01,",
         "route:TG-001 is ALFA-1 from 2026-02-01T00:00:00Z, was ALFA-1"),
        ("attribution", "route,TG-001,ALFA-1,,\n", "", "route:TG-001 is nobody's, was ALFA-1"),
        ("prefixes", "49,DE\n", "49,DE\n47,DE\n", "prefixes of deck STANDARD differ"),
        ("rates", "DE,0.012", "DE,0.013", "rates of deck STANDARD differ"),
    ],
)  # fmt: skip
def test_what_differs_is_named(
    tmp_path: Path, file: str, before: str, after: str, sentence: str
) -> None:
    """One thing is written another way, and one sentence says which and how."""
    assert before in FILES[file]
    assert said(tmp_path, file, FILES[file].replace(before, after, 1)) == [sentence]


def test_what_comes_and_goes_is_named(tmp_path: Path) -> None:
    """Agreements, versions and decks; whoever has one of them more says that it is new."""
    more = AGREEMENTS.replace(
        "- version: 1\n      valid_from: 2026-01-01\n      zone: UTC",
        "- version: 2\n      valid_from: 2026-01-01\n      zone: UTC",
    )
    assert more != AGREEMENTS
    assert said(tmp_path / "one", "agreements", more + MORE) == [
        "BRAVO-1 version 1 is gone",
        "BRAVO-1 version 2 is new, from 2026-01-01",
        "BRAVO-2 is new",
    ]
    first = load(reference_dir(tmp_path / "first", agreements=AGREEMENTS + MORE))
    decks = {"decks/OTHER.prefixes.csv": PREFIXES, "decks/OTHER.rates.csv": RATES}
    second = load(reference_dir(tmp_path / "second", others=decks))
    assert list(changes(first, second)) == ["BRAVO-2 is gone", "deck OTHER is new"]
    assert list(changes(second, first)) == ["BRAVO-2 is new", "deck OTHER is gone"]


def test_other_files_that_differ_are_named(tmp_path: Path) -> None:
    """Holidays, characteristics and rates of exchange."""
    others = {
        **HOLIDAYS,
        "characteristics.csv": "kind,key,name,value,valid_from,valid_upto\n"
        "route,TG-001,quality,premium,,\n",
        "fx.csv": "source,base,quote,date,rate\nECB,USD,EUR,2026-11-30,0.9\n",
    }
    before = load(reference_dir(tmp_path / "before"))
    after = load(reference_dir(tmp_path / "after", others=others))
    assert list(changes(before, after)) == [
        "characteristics of keys differ",
        "holidays differ",
        "rates of exchange differ",
    ]


def test_nothing_is_said_where_nothing_differs(tmp_path: Path) -> None:
    """The order in which keys are listed is no difference."""
    head, *rows = ATTRIBUTION.splitlines(keepends=True)
    assert said(tmp_path, "attribution", "".join([head, *reversed(rows)])) == []
