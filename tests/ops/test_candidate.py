"""What a master tells of a time that was settled waits, is shown, agreed to and taken back."""

from __future__ import annotations

from pathlib import Path

import pytest

from ops.candidate import write_candidate
from ops.embedded import Embedded
from ops.reading import current_reference
from schemas.reference import AGREEMENTS_FILE
from tests.ops import books
from tests.ops.masters import agreement, tell, version
from tests.ops.test_cli_amend import weir
from tests.ops.test_follow import CASA, amounts, gigabytes, state


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """2 GB at 0.5 are settled by what a master told, which then tells of 9 for the same time."""
    with Embedded(tmp_path / "data", books.reference(tmp_path / "reference")) as opened:
        tell(opened, CASA)
        opened.append(0, [gigabytes(1, "P-1")])
        opened.drain()
        tell(opened, [agreement("C-1", "CASA", [version(price="9")], at=1)])
        opened.drain()
    return tmp_path / "data"


def test_nothing_waits_where_nothing_is_held_back(tmp_path: Path) -> None:
    """The candidate is then what is in force."""
    with Embedded(tmp_path / "data", books.reference(tmp_path / "reference")) as opened:
        tell(opened, CASA)
        opened.drain()
    assert write_candidate(tmp_path / "data", tmp_path / "out") == []


def test_what_is_held_back_is_in_the_candidate(data: Path, tmp_path: Path) -> None:
    """The contract differs, and the figures stay as they are by looking."""
    weir("--data", data, "--out", tmp_path / "out", command="candidate")
    assert "C-1" in (tmp_path / "out" / "followed" / AGREEMENTS_FILE).read_text()
    assert write_candidate(data, tmp_path / "again") == [(AGREEMENTS_FILE, "C-1")]
    with Embedded(data) as opened:
        assert amounts(opened) == {"C-1": "1.000000"}


def test_it_is_agreed_to_and_taken_back_to_the_same_cents(data: Path, tmp_path: Path) -> None:
    """2 GB at 9 instead of 0.5 are 18; taken back, every sum is what it was."""
    with Embedded(data) as opened:
        wanted = state(opened)
    weir("--data", data, "--out", tmp_path / "out", command="candidate")
    agreed = ("--by", "A. Lee", "--why", "memo 7", "--data", data)
    former = current_reference(data)
    weir("--reference", tmp_path / "out", *agreed, command="approve")
    with Embedded(data) as opened:
        assert amounts(opened) == {"C-1": "18.000000"}
        assert list(opened.follower.held()) == []
    assert not books.verdict(data).differences
    weir("--reference", former, *agreed, command="approve")
    with Embedded(data) as opened:
        assert state(opened) == wanted
        assert [one.name for one in opened.follower.held()] == ["C-1"]
    assert not books.verdict(data).differences


def test_a_place_that_is_taken_is_left_alone(data: Path, tmp_path: Path) -> None:
    """The command says so and ends with 2."""
    (tmp_path / "out").mkdir()
    said = weir("--data", data, "--out", tmp_path / "out", command="candidate", exits=2)
    assert "is there already" in said.stderr
