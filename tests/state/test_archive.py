"""The archive is a copy by position: written twice it is the same, half written it is not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.codes import Service
from state import archive as module
from state.archive import Archive
from streams.log import Segment
from streams.privacy import Tokens
from streams.rated import Blocks
from tests import builders
from tests.band_makers import TUESDAY_EVENING, banded, tables_of, us
from tests.makers import rated_of, segment, usage
from tests.usage_makers import message, row


@pytest.fixture(name="blocks")
def _blocks(tmp_path: Path) -> list[bytes]:
    """Blocks of one call each, with the sequence numbers 0, 1 and 2."""
    tables = builders.tables(builders.reference_dir(tmp_path / "reference"))
    blocks = []
    for sequence in range(3):
        call = row(Service.VOICE, sequence=sequence, ingress_route="TG-001", called_number="4917")
        batch = usage(message(Service.VOICE, call))
        blocks.append(
            Blocks(tables, Tokens(b"key")).to_bytes(
                batch, rated_of(batch, tables), {"reference": "abc"}
            )
        )
    return blocks


def rated(blocks: list[bytes], start: int = 0) -> Segment:
    """Blocks on `rated.v1`."""
    return segment(list(blocks), topic="rated.v1", start=start)


def sequences(archive: Archive) -> list[int]:
    """The sequence numbers of all legs archived."""
    found = [n for table in archive.read() for n in table.column("sequence").to_pylist()]
    return sorted(found)


def test_what_was_flushed_is_found(tmp_path: Path, blocks: list[bytes]) -> None:
    """An event's legs come back with period and agreement, and the place to go on is known."""
    archive = Archive(tmp_path / "archive")
    assert (archive.positions(), sequences(archive)) == ({}, [])
    archive.add(rated(blocks))
    archive.flush()
    (leg,) = archive.find("msc-1", 0, 1, None)
    assert (leg["period"], leg["agreement"], leg["item"]) == ("2026-11", "ALFA-1", "voice-in")
    assert archive.find("msc-1", 0, 9, None) == archive.find("msc-1", 0, None, "e") == []
    assert Archive(tmp_path / "archive").positions() == {("rated.v1", 0): 3}


def test_columns_that_only_some_blocks_have_are_kept(tmp_path: Path, blocks: list[bytes]) -> None:
    """Bands are found in one file with blocks that have none, and in a file after such files."""
    tables = tables_of(tmp_path / "bands", banded())
    call = row(
        Service.VOICE,
        sequence=9,
        ingress_route="TG-1",
        started_at=us(TUESDAY_EVENING),
        duration_ms=62_000,
    )
    batch = usage(message(Service.VOICE, call))
    by_band = Blocks(tables, Tokens(b"key")).to_bytes(
        batch, rated_of(batch, tables), {"reference": "def"}
    )
    archive = Archive(tmp_path / "archive")
    archive.add(rated(blocks[:1]))
    archive.flush()
    archive.add(rated([by_band, blocks[1]], start=1))
    archive.flush()
    (leg,) = archive.find("msc-1", 0, 9, None)
    assert leg["band"] == "day"
    assert [part["quantity"] for part in leg["parts"]] == [60, 30]
    (plain,) = archive.find("msc-1", 0, 0, None)
    assert (plain["band"], plain["parts"]) == (None, None)


def test_writing_a_stretch_again_changes_nothing(tmp_path: Path, blocks: list[bytes]) -> None:
    """The same positions replace themselves, and those that follow are added."""
    archive = Archive(tmp_path / "archive")
    for part in (rated(blocks[:2]), rated(blocks[:2]), rated(blocks[2:], start=2)):
        archive.add(part)
        archive.flush()
    assert sequences(archive) == [0, 1, 2]


def test_what_a_crash_left_is_swept_away(tmp_path: Path, blocks: list[bytes]) -> None:
    """Without its mark a stretch counts as not archived, and goes before it is written again."""
    archive = Archive(tmp_path / "archive")
    archive.add(rated(blocks[:1]))
    archive.flush()
    archive.add(rated(blocks[1:], start=1))
    archive.flush()
    (tmp_path / "archive" / "complete" / "rated-0-1-3").unlink()
    again = Archive(tmp_path / "archive")
    assert again.positions() == {("rated.v1", 0): 1}
    again.sweep()
    assert sequences(again) == [0]


def test_memory_is_bounded(
    tmp_path: Path, blocks: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """When enough has come together it is written, without being asked to."""
    monkeypatch.setattr(module, "ROWS_MAX", 2)
    archive = Archive(tmp_path / "archive")
    archive.add(rated(blocks[:1]))
    assert sequences(archive) == []
    archive.add(rated(blocks[1:2], start=1))
    assert sequences(archive) == [0, 1]


def test_other_topics_are_not_for_the_archive(tmp_path: Path) -> None:
    """Only rated usage is kept; anything else is passed over."""
    archive = Archive(tmp_path / "archive")
    archive.add(segment([b"x"], topic="usage.v1"))
    archive.flush()
    assert archive.positions() == {}
