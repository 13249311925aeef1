"""A what-if says what the settlement would have said, and leaves nothing behind."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest

from ops.whatif import CloseRefusedError, Whatif
from schemas.codes import Service
from schemas.reference import InvalidReferenceError
from tests.builders import reference_dir
from tests.ops.books import ALL, IMPOSSIBLE, RATED, UNKNOWN, call, close, reference, settle
from tests.ops.books import usage_file as write_usage
from tests.usage_makers import message

# 1 January 2099: after every settlement that anybody makes with this.
LATER_US = 4_070_908_800_000_000
WORDS = ("lines", "totals")


@pytest.fixture(autouse=True)
def apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Temporary directories of the product have a place of their own, to be looked at."""
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    return place


def usage(path: Path, *events: dict[str, Any]) -> Path:
    """A file of events."""
    return write_usage(path / "usage.jsonl", events)


def asked(path: Path, *events: dict[str, Any]) -> Whatif:
    """A what-if of some events."""
    whatif = Whatif(reference(path / "reference"))
    for _ in whatif.ingest(usage(path, *events)):
        continue
    return whatif


def test_it_says_what_a_settlement_says(tmp_path: Path) -> None:
    """Drafts first, then statements: both have the lines and totals of a data directory's."""
    settle(tmp_path / "data")
    stated = {d["agreement"]: d for d in close(tmp_path / "data")}
    assert set(stated) == {"W-1", "M-1", "S-1"}
    with asked(tmp_path, *ALL) as whatif:
        for name, document in stated.items():
            draft = whatif.draft(name, "2024-11")
            assert {w: draft[w] for w in WORDS} == {w: document[w] for w in WORDS}
        closed = {d["agreement"]: d for d in whatif.close_periods([*stated], "2024-11")}
        for name, document in stated.items():
            assert {w: closed[name][w] for w in WORDS} == {w: document[w] for w in WORDS}
        assert whatif.statements() == [closed[name] for name in sorted(closed)]


def test_messages_may_be_sent_one_after_another(tmp_path: Path) -> None:
    """A call costs 0.076 (see the books): 0.076, then 0.152; the same once more changes nothing."""
    found = []
    with Whatif(reference(tmp_path / "reference")) as whatif:
        for sequence in (1, 2, 2):
            whatif.send([message(Service.VOICE, call(sequence))])
            found.append(whatif.draft("W-1", "2024-11")["lines"][0]["amount"])
    assert found == ["0.076000", "0.152000", "0.152000"]


def test_legs_and_what_has_no_price_are_read(tmp_path: Path) -> None:
    """Six legs; an unknown route is suspended, a negative duration quarantined."""
    with asked(tmp_path, *RATED, UNKNOWN, IMPOSSIBLE) as whatif:
        legs, unpriced = whatif.legs(), whatif.unpriced()
        outcomes = {row["outcome"]: row["events"] for row in whatif.outcomes()}
        periods = whatif.periods()
    assert [(row["sequence"], row["item"]) for row in legs if row["service"] == 0] == [
        (1, "voice-in")
    ]
    assert len(legs) == 6
    assert [(row["state"], row["reason"]) for row in unpriced] == [
        ("suspended", "unknown_route"),
        ("quarantined", "negative_quantity"),
    ]
    assert outcomes == {"rated": 6, "suspended": 1, "quarantined": 1}
    assert periods == [("M-1", "2024-11"), ("S-1", "2024-11"), ("W-1", "2024-11")]


def test_all_usage_has_happened(tmp_path: Path) -> None:
    """A price of a later year is tried on usage of that year."""
    with asked(tmp_path, call(1, started_at=LATER_US)) as whatif:
        assert whatif.unpriced() == []
        assert whatif.draft("W-1", "2099-01")["totals"][0]["net"] == "0.076000"


def test_nothing_is_left_behind(tmp_path: Path, apart: Path) -> None:
    """The temporary directory goes with the what-if; the reference is as it was."""
    with asked(tmp_path, *RATED):
        assert list(apart.iterdir())
    assert list(apart.iterdir()) == []
    names = {path.name for path in (tmp_path / "reference").iterdir()}
    assert names == {"partners.yaml", "agreements.yaml", "attribution.csv", "decks"}


def test_a_wrong_reference_is_refused_and_leaves_nothing(tmp_path: Path, apart: Path) -> None:
    """The problems are the reference's own."""
    wrong = reference_dir(tmp_path / "wrong", agreements="- {agreement: A}\n")
    with pytest.raises(InvalidReferenceError):
        Whatif(wrong)
    assert list(apart.iterdir()) == []


@pytest.mark.parametrize(
    ("agreement", "period", "why"),
    [
        ("W-1", "2024-11-01", "write it like 2026-11"),
        ("W-9", "2024-11", "there is no agreement W-9"),
        ("M-1", "2024-11", "was closed with statement M-1-000001"),
    ],
)
def test_what_cannot_be_closed_is_refused(
    tmp_path: Path, agreement: str, period: str, why: str
) -> None:
    """No such period, no such agreement, closed before: nothing is closed."""
    with Whatif(reference(tmp_path / "reference")) as whatif:
        whatif.close_periods(["M-1"], "2024-11")
        with pytest.raises(CloseRefusedError, match=why):
            whatif.close_periods([agreement, "S-1"], period)
        assert [d["agreement"] for d in whatif.statements()] == ["M-1"]
