"""Attribution keys as tables: who owned a key, or the range around it, at a second."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codes import KeyKind
from state.keys import OWN
from state.prefixes import justify
from state.tables import Tables
from tests.builders import reference_dir, tables

HEADER = "kind,key,agreement,valid_from,valid_upto\n"
NEW_YEAR_S = 1_767_225_600
DAY_S = 86_400
AGREEMENTS = ("ALFA-1", "BRAVO-1")


def owner_of_range(built: Tables, kind: KeyKind, number: str, second: int) -> int:
    """The agreement that a number leads to."""
    table = 0 if kind is KeyKind.NUMBER_RANGE else 1
    code = built.ranges.lookup(table, justify(pa.array([number])))
    return int(built.assignment.lookup(code, np.array([second], np.int64))[0])


def owner(built: Tables, kind: KeyKind, key: str, second: int = NEW_YEAR_S) -> int:
    """The agreement that a name leads to."""
    code = np.array([built.keys[kind].get(key, -1)], np.int32)
    return int(built.assignment.lookup(code, np.array([second], np.int64))[0])


def test_names_lead_to_agreements(tmp_path: Path) -> None:
    """A key of each owner, one of the operator's own, and one that nobody listed."""
    built = tables(reference_dir(tmp_path))
    assert owner(built, KeyKind.ROUTE, "TG-001") == 0
    assert owner(built, KeyKind.ROUTE, "TG-900") == OWN
    assert owner(built, KeyKind.ROUTE, "TG-404") == -1


def test_the_same_name_of_another_kind_is_another_key(tmp_path: Path) -> None:
    """A network and an access point may be called alike."""
    rows = "network,26201,ALFA-1,,\naccess_point,26201,BRAVO-1,,\n"
    built = tables(reference_dir(tmp_path, attribution=HEADER + rows))
    assert owner(built, KeyKind.NETWORK, "26201") == 0
    assert owner(built, KeyKind.ACCESS_POINT, "26201") == 1
    assert built.key_names == ("access_point:26201", "network:26201")


def test_numbers_and_imsis_have_ranges_of_their_own(tmp_path: Path) -> None:
    """The same digits mean a German number in one table and a subscriber abroad in the other."""
    rows = "number_range,49170,ALFA-1,,\nimsi_range,49170,BRAVO-1,,\n"
    built = tables(reference_dir(tmp_path, attribution=HEADER + rows))
    assert owner_of_range(built, KeyKind.NUMBER_RANGE, "491701234567", NEW_YEAR_S) == 0
    assert owner_of_range(built, KeyKind.IMSI_RANGE, "491701234567890", NEW_YEAR_S) == 1
    assert owner_of_range(built, KeyKind.IMSI_RANGE, "262011234567890", NEW_YEAR_S) == -1


def test_a_key_changes_hands_at_midnight(tmp_path: Path) -> None:
    """The last second belongs to the old owner, the next to the new one."""
    rows = "route,TG-1,ALFA-1,,2026-01-02\nroute,TG-1,BRAVO-1,2026-01-02,2026-01-03\n"
    built = tables(reference_dir(tmp_path, attribution=HEADER + rows))
    asked = [DAY_S - 1, DAY_S, 2 * DAY_S]
    found = [owner(built, KeyKind.ROUTE, "TG-1", NEW_YEAR_S + second) for second in asked]
    assert found == [0, 1, -1]


def test_the_range_around_decides_while_a_range_rests(tmp_path: Path) -> None:
    """49170 is BRAVO's on one day only; before and after, the whole of 4917 is ALFA's."""
    rows = "number_range,4917,ALFA-1,,\nnumber_range,49170,BRAVO-1,2026-01-02,2026-01-03\n"
    built = tables(reference_dir(tmp_path, attribution=HEADER + rows))
    asked = [0, DAY_S, 2 * DAY_S]
    found = [
        owner_of_range(built, KeyKind.NUMBER_RANGE, "4917012", NEW_YEAR_S + second)
        for second in asked
    ]
    assert found == [0, 1, 0]


def test_names_cannot_be_changed(tmp_path: Path) -> None:
    """Tables are shared between hops and swapped whole."""
    built = tables(reference_dir(tmp_path))
    with pytest.raises(TypeError):
        built.keys[KeyKind.ROUTE]["TG-1"] = 0  # type: ignore[index]


@given(
    st.dictionaries(
        st.text("12", min_size=1, max_size=4),
        st.lists(st.integers(0, 9), unique=True, max_size=6).map(sorted),
        max_size=8,
    ),
    st.text("12", min_size=1, max_size=6),
)
def test_a_range_in_force_is_the_longest_in_force(edges: dict[str, list[int]], number: str) -> None:
    """Whatever ranges come and go, a number belongs to the longest one in force that day."""
    spans = {
        prefix: [
            (start, end, AGREEMENTS[start % 2])
            for start, end in zip(days[0::2], days[1::2], strict=False)
        ]
        for prefix, days in edges.items()
    }
    rows = "".join(
        f"number_range,{prefix},{name},2026-01-{start + 1:02d},2026-01-{end + 1:02d}\n"
        for prefix, of_prefix in spans.items()
        for start, end, name in of_prefix
    )
    with TemporaryDirectory() as directory:
        built = tables(reference_dir(Path(directory), attribution=HEADER + rows))
    for day in range(10):
        in_force = {
            prefix: AGREEMENTS.index(name)
            for prefix, of_prefix in spans.items()
            for start, end, name in of_prefix
            if start <= day < end and number.startswith(prefix)
        }
        wanted = in_force[max(in_force, key=len)] if in_force else -1
        second = NEW_YEAR_S + day * DAY_S
        assert owner_of_range(built, KeyKind.NUMBER_RANGE, number, second) == wanted
