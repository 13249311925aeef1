"""What is known of keys: read, checked, and asked for at the time of the event."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.reference import load
from tests.builders import agreement_text, complaints_of, reference_dir
from tests.builders import tables as compiled
from tests.streams.test_selection import call, names, voice
from tests.usage_makers import NOVEMBER_US

KEYS = "kind,key,agreement,valid_from,valid_upto\nroute,TG-1,ALFA-1,,\nroute,TG-2,ALFA-1,,\n"
HEADER = "kind,key,name,value,valid_from,valid_upto\n"
ROWS = "route,TG-1,access,fibre,,2026-11-01\nroute,TG-1,access,copper,2026-11-01,\n"


def directory_of(directory: Path, rows: str) -> Path:
    """An agreement with a price for fibre and one for the rest."""
    items = [
        voice("rest", "1"),
        voice("fibre", "2", ", where: {characteristic: {access: [fibre, glass]}}"),
    ]
    return reference_dir(
        directory,
        agreements=agreement_text(", ".join(items)),
        attribution=KEYS,
        others={"characteristics.csv": HEADER + rows},
    )


def test_what_counts_is_the_time_of_the_event(tmp_path: Path) -> None:
    """TG-1 is fibre up to the last microsecond of October; nothing is known of TG-2."""
    built = compiled(directory_of(tmp_path, ROWS))
    found = names(
        built,
        call(1, started_at=NOVEMBER_US - 1),
        call(2, started_at=NOVEMBER_US),
        call(3, started_at=NOVEMBER_US - 1, ingress_route="TG-2"),
    )
    assert found == [["fibre"], ["rest"], ["rest"]]


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        (
            "route,TG-9,access,copper,,",
            "4: key: 'route:TG-9' is not in attribution.csv;",
        ),
        (
            "route,TG-1,access,copper,2026-10-01,2026-10-02",
            "4: valid_from: overlaps the row on line 2; end that row where this one begins",
        ),
        ("rout,TG-1,access,copper,,", "4: kind: 'rout' is not a kind of key; write one of"),
        ("route,TG-1,,copper,,", "4: name: is empty; use letters, digits and _ . : - and begin"),
        ("route,TG-1,access,,,", "4: value: is empty; write 1 to 128 letters"),
    ],
)
def test_a_row_that_says_nothing_is_refused(tmp_path: Path, row: str, complaint: str) -> None:
    """Keys that are not listed, two values at one time, and fields without a value."""
    rows = "route,TG-1,access,fibre,,2026-11-01\nroute,TG-2,access,fibre,,\n"
    found = complaints_of(directory_of(tmp_path, f"{rows}{row}\n"))
    assert [line.startswith(f"characteristics.csv:{complaint}") for line in found] == [True]


def test_a_reference_may_say_nothing_of_its_keys(tmp_path: Path) -> None:
    """Without the file there is nothing known, and nothing missing."""
    assert load(reference_dir(tmp_path)).characteristics.is_empty()
