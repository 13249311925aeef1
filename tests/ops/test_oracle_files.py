"""The oracle reads text as what it says: exact numbers, moments, spans of time."""

from __future__ import annotations

from datetime import UTC
from fractions import Fraction
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml

from ops.oracle_files import (
    TextLoader,
    characteristics,
    entries,
    exact,
    instant_us,
    mapping,
    parts,
    rows,
    validity,
)

DAY_US = 86_400_000_000


def test_numbers_are_exact_and_text_stays_text() -> None:
    """0.1 is a tenth, NO is a country, 007 keeps its zeros."""
    assert exact("0.1") == Fraction(1, 10)
    loaded = yaml.load("{a: 0.1, b: NO, c: 007}", Loader=TextLoader)  # noqa: S506
    assert loaded == {"a": "0.1", "b": "NO", "c": "007"}


def test_a_date_is_midnight_in_its_zone() -> None:
    """Berlin's second of January begins an hour before that of UTC."""
    assert instant_us("1970-01-02", UTC) == DAY_US
    assert instant_us("1970-01-02", ZoneInfo("Europe/Berlin")) == DAY_US - 3_600_000_000
    assert instant_us("1970-01-02T00:00:00+01:00", UTC) == DAY_US - 3_600_000_000


def test_a_span_is_half_open() -> None:
    """The first instant is in it, the last is not; nothing written leaves a side open."""
    span = validity({"valid_from": "1970-01-02", "valid_upto": "1970-01-03"}, UTC)
    found = [span.covers(at) for at in (DAY_US - 1, DAY_US, 2 * DAY_US - 1, 2 * DAY_US)]
    assert found == [False, True, True, False]
    assert validity({"valid_from": "", "valid_upto": ""}, UTC).covers(0)


def test_rows_have_no_outer_spaces_and_no_gaps(tmp_path: Path) -> None:
    """A short row leaves its last columns empty."""
    (tmp_path / "a.csv").write_text("a,b\n 1 ,2\n3\n")
    assert rows(tmp_path / "a.csv") == [{"a": "1", "b": "2"}, {"a": "3", "b": ""}]


def test_what_is_no_mapping_is_named() -> None:
    """A mistake of the reader stops it; it never guesses."""
    with pytest.raises(TypeError, match="found 'x'"):
        mapping("x")


def test_a_key_has_a_characteristic_for_a_time(tmp_path: Path) -> None:
    """By key and name, in the order of the file; without a file nothing is known."""
    header = "kind,key,name,value,valid_from,valid_upto\n"
    (tmp_path / "a.csv").write_text(f"{header}route,R1,access,fibre,,1970-01-02\n")
    (((value, span),),) = characteristics(tmp_path / "a.csv").values()
    assert (value, span.covers(DAY_US - 1), span.covers(DAY_US)) == ("fibre", True, False)
    assert characteristics(tmp_path / "b.csv") == {}


def test_a_file_has_a_second_part_where_masters_told_something(tmp_path: Path) -> None:
    """The folder `followed` may lack it; entries are in the order of the parts."""
    (tmp_path / "agreements.yaml").write_text("- {agreement: A}\n")
    assert parts(tmp_path, "agreements.yaml") == [tmp_path / "agreements.yaml"]
    (tmp_path / "followed").mkdir()
    (tmp_path / "followed/agreements.yaml").write_text("- {agreement: 007}\n")
    assert entries(tmp_path, "agreements.yaml") == [{"agreement": "A"}, {"agreement": "007"}]
