"""Territories by version row: which rows have one, and what lies in it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from state.prefixes import justify
from state.tables import NONE, Tables
from tests.builders import agreement_text, reference_dir
from tests.builders import tables as tables_of

ITEM = (
    "{item: calls, role: ingress, service: voice, flow: receivable,"
    " price: {kind: unit, per: minute, amount: 1}}"
)
KEYS = "kind,key,agreement,valid_from,valid_upto\n"


def tables(directory: Path, *territories: str) -> Tables:
    """One agreement of a single version for each territory, an empty one meaning none."""
    usual = "valid_from: 2026-01-01, zone: UTC, currency: EUR"
    text = "".join(
        agreement_text(ITEM, name=f"A-{n}", terms=usual + (f", territory: {t}" if t else ""))
        for n, t in enumerate(territories)
    )
    return tables_of(reference_dir(directory, agreements=text, attribution=KEYS))


def test_where_no_version_has_a_territory_there_is_nothing_to_look_at(tmp_path: Path) -> None:
    """Each of the two lists is there only when some version has it."""
    assert tables(tmp_path / "a", "", "").territories.called is None
    assert tables(tmp_path / "a", "", "").territories.networks is None
    only = tables(tmp_path / "b", "", "{called: [49]}").territories
    assert only.called is not None
    assert only.networks is None


def test_each_version_has_its_own(tmp_path: Path) -> None:
    """A-1 holds for 49 and 43, A-2 for 1; versions that list the same share a set."""
    found = tables(tmp_path, "", "{called: [49, 43]}", "{called: [1]}", "{called: [43, 49]}")
    called = found.territories.called
    assert called is not None
    assert called.set_of.tolist() == [NONE, 0, 1, 0]
    rows = np.array([1, 1, 2, 2, 3], np.int32)
    numbers = justify(pa.array(["4930", "1809", "1809", "4930", "43"]))
    assert called.lengths(rows, numbers).tolist() == [2, NONE, 1, NONE, 2]


def test_networks_are_sets_of_names(tmp_path: Path) -> None:
    """26207 is in the second version's only."""
    found = tables(tmp_path, "{networks: [26201]}", "{networks: [26201, 26207]}")
    networks = found.territories.networks
    assert networks is not None
    place = networks.texts.to_pylist().index("26207")
    rows = np.array([0, 1], np.int32)
    assert networks.met(rows, np.array([place, place])).tolist() == [False, True]
