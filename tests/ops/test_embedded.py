"""One directory, one writer: what it was settled by is kept, and nothing half-made stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from ops.embedded import Embedded
from ops.reading import NoReferenceError, current_reference
from schemas.reference import InvalidReferenceError
from schemas.topics import USAGE
from streams.local_database import DirectoryError
from tests.ops.books import (
    ALL,
    ATTRIBUTION,
    MENDED,
    RATED,
    call,
    reference,
    settle,
    usage_file,
)


def test_an_exact_rerun_is_all_duplicates(tmp_path: Path) -> None:
    """Thirteen after twelve: each event once more, the file's own repeat once before."""
    data = tmp_path / "data"
    settle(data)
    settle(data)
    with Embedded(data) as weir:
        outcomes = weir.outcomes()
    assert sum(outcomes.values()) == 24
    assert outcomes["duplicate", "none"] == 13
    assert outcomes["rated", "none"] == 6


def test_ingesting_reports_how_far_it_is(tmp_path: Path) -> None:
    """The last report has all events of the file."""
    with Embedded(tmp_path / "data", reference(tmp_path / "reference")) as weir:
        *_, report = weir.ingest(usage_file(tmp_path / "usage.jsonl", ALL))
    assert (report.events, list(report.problems)) == (12, [])


def test_every_reference_settled_by_is_kept(tmp_path: Path) -> None:
    """Each under its id, the last one current; the same content is kept once."""
    data = tmp_path / "data"
    first, mended = reference(tmp_path / "first"), reference(tmp_path / "mended", MENDED)
    ids = []
    for given in (first, mended, first):
        with Embedded(data, given) as weir:
            ids.append(weir.reference.reference_id)
            assert weir.reference_directory == current_reference(data)
        assert current_reference(data).name == ids[-1]
    assert ids[0] == ids[2] != ids[1]
    kept = sorted(path.name for path in (data / "reference").iterdir())
    assert kept == sorted([*set(ids), "current"])
    with Embedded(data) as weir:
        assert weir.reference.reference_id == ids[0]


def test_only_the_writer_says_what_is_settled_by(tmp_path: Path) -> None:
    """A process that is turned away must not have changed the reference of the one at work."""
    data = tmp_path / "data"
    mended = reference(tmp_path / "mended", MENDED)
    with Embedded(data, reference(tmp_path / "first")) as weir:
        with pytest.raises(DirectoryError, match="another process"):
            Embedded(data, mended)
        assert current_reference(data).name == weir.reference.reference_id


def test_an_interrupted_copy_of_a_reference_is_made_again(tmp_path: Path) -> None:
    """What a crash left half copied is no reference."""
    data, given = tmp_path / "data", reference(tmp_path / "reference")
    with Embedded(data, given) as weir:
        reference_id = weir.reference.reference_id
    kept = data / "reference" / reference_id
    kept.rename(kept.with_name(reference_id + ".unfinished"))
    (kept.with_name(reference_id + ".unfinished") / "agreements.yaml").unlink()
    with Embedded(data, given):
        assert (kept / "agreements.yaml").exists()
    assert not kept.with_name(reference_id + ".unfinished").exists()


def test_a_directory_needs_a_reference_once(tmp_path: Path) -> None:
    """Without one nothing can be settled, and no directory is made; a bad one is refused whole."""
    with pytest.raises(NoReferenceError, match="--reference DIR"):
        Embedded(tmp_path / "data")
    with pytest.raises(InvalidReferenceError, match=r"partners\.yaml"):
        Embedded(tmp_path / "data", tmp_path)
    assert not (tmp_path / "data").exists()


def test_a_failed_start_lets_go_of_the_directory(tmp_path: Path) -> None:
    """The next process can write: here the key of tokens was unusable, then mended."""
    data = tmp_path / "data"
    data.mkdir()
    (data / "token.key").write_text("not a key")
    with pytest.raises(Exception, match=r"token\.key"):
        Embedded(data, reference(tmp_path / "reference"))
    (data / "token.key").unlink()
    with Embedded(data, reference(tmp_path / "reference")):
        pass


def test_what_waits_on_the_log_is_settled_at_the_start(tmp_path: Path) -> None:
    """Usage appended before a crash is settled by the next process, once."""
    data = tmp_path / "data"
    settle(data, [call(1)])
    with Embedded(data) as weir:
        (message,) = [v for s in weir.read(USAGE.name) for v in s.values]
        weir.append(0, [(b"msc-1", message)])
    with Embedded(data) as weir:
        assert weir.outcomes() == {("rated", "none"): 1, ("duplicate", "none"): 1}


def test_a_wider_directory_comes_to_the_same(tmp_path: Path) -> None:
    """Four usage and three settlement partitions: the same outcomes and rows."""
    given = reference(tmp_path / "reference")
    usage = usage_file(tmp_path / "usage.jsonl", [*RATED, call(1, source="msc-2")])
    found = []
    for name, counts in (("narrow", (1, 1)), ("wide", (4, 3))):
        with Embedded(
            tmp_path / name, given, usage_partitions=counts[0], settlement_partitions=counts[1]
        ) as weir:
            list(weir.ingest(usage))
            found.append(weir.outcomes())
    assert found[0] == found[1] == {("rated", "none"): 7}
    assert ATTRIBUTION in MENDED
