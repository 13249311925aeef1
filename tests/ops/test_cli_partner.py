"""What masters told, shown from a data directory."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from ops.cli import app
from schemas.topics import REFERENCE
from streams.control.changes import Change
from streams.local import LocalStore
from tests.builders import reference_dir
from tests.ops.books import call, settle
from tests.streams.control.told import agreement, organization, part, product, role

JANUARY = "2026-01-01T00:00:00Z"
TOLD = (
    organization("CHARLIE", creditRating=[{"ratingScore": 3}]),
    agreement("C-1", "CHARLIE"),
    product("P-1", "C-1"),
    role("R-1", "CHARLIE", status="initialised"),
    part("organization", "CHARLIE", "2026-02-01", known_us=1_767_225_600_500_000, status="closed"),
    organization("DELTA"),
)


def weir(*arguments: str | Path, exits: int = 0) -> Result:
    """Run a command in this process; it must exit as said."""
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    assert result.exit_code == exits, result.output
    return result


def as_json(*arguments: str | Path) -> Any:  # noqa: ANN401
    """The document that a command prints with `-o json`."""
    return json.loads(weir(*arguments, "-o", "json").stdout)


def tell(data: Path, *changes: Change) -> None:
    """Put changes on the log of a data directory."""
    with LocalStore(data / "log") as store:
        store.append(REFERENCE.name, 0, [(change.key, change.to_bytes()) for change in changes])


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data directory in which masters have told of two organizations, one of them a partner."""
    tell(tmp_path / "data", *TOLD)
    return tmp_path / "data"


def test_a_partner_is_shown_with_its_stages(data: Path) -> None:
    """As tables for people, each part with its own."""
    shown = weir("partner", "CHARLIE", "--at", "2026-01-15", "--data", data).stdout
    assert shown.startswith("CHARLIE, CHARLIE Carrier, DE\n")
    for words in ("go_live", "no role of it is live (R-1 is 'initialised')", "C-1", "not_live"):
        assert words in shown
    assert "Parents: none" in shown
    assert "Keys: none" in shown


def test_a_partner_is_a_document_for_programs(data: Path) -> None:
    """On 15 January its organization is valid, on 15 February it is closed."""
    told = as_json("partner", "CHARLIE", "--at", "2026-01-15", "--data", data)
    stages = {stage["stage"]: stage["state"] for stage in told["stages"]}
    assert (stages["contract"], stages["entity"], stages["go_live"]) == ("done", "done", "missing")
    later = as_json("partner", "CHARLIE", "--at", "2026-02-15", "--data", data)
    assert {s["stage"]: s["state"] for s in later["stages"]}["entity"] == "missing"
    now = as_json("partner", "CHARLIE", "--data", data)
    assert [a["agreement"] for a in now["agreements"]] == ["C-1"]


def test_the_stages_are_rows_as_csv(data: Path) -> None:
    """Seven, with what is missing."""
    shown = weir("partner", "CHARLIE", "--data", data, "-o", "csv").stdout
    rows = list(csv.DictReader(io.StringIO(shown)))
    assert len(rows) == 7
    assert {row["state"] for row in rows} == {"done", "missing"}


def test_who_is_no_partner_is_refused(data: Path) -> None:
    """Unknown, or known and engaged in nothing; and a time has to be one."""
    assert "no master has told of a partner 'NOBODY'" in weir(
        "partner", "NOBODY", "--data", data, exits=2
    ).output.replace("\n", " ")
    weir("partner", "DELTA", "--data", data, exits=2)
    assert (
        "is not a time"
        in weir("partner", "CHARLIE", "--at", "soon", "--data", data, exits=2).output
    )


def test_what_files_give_is_not_derived(tmp_path: Path) -> None:
    """The partner stands in partners.yaml, too: the file holds, and the finding says so."""
    data = tmp_path / "data"
    partners = (
        "- {partner: CHARLIE, name: C}\n- {partner: ALFA, name: A}\n- {partner: BRAVO, name: B}\n"
    )
    settle(data, [call(1)], reference_dir(tmp_path / "reference", partners=partners))
    tell(data, *TOLD)
    told = as_json("partner", "CHARLIE", "--at", "2026-01-15", "--data", data)
    assert ("organization", "CHARLIE", "other_source") in {
        (f["kind"], f["id"], f["reason"]) for f in told["findings"]
    }
    assert [a["agreement"] for a in told["agreements"]] == ["C-1"]


def test_the_history_of_a_thing_is_its_versions(data: Path) -> None:
    """Each with since when, up to when, when it came to be known, by whom and where."""
    rows = as_json("reference", "history", "organization", "CHARLIE", "--data", data)
    assert [(r["from"], r["upto"], r["form"], r["known"]) for r in rows] == [
        (JANUARY, "2026-02-01T00:00:00Z", "full", "1970-01-01T00:00:00Z"),
        ("2026-02-01T00:00:00Z", "", "part", "2026-01-01T00:00:00.500000Z"),
    ]
    assert {(r["source"], r["position"], r["complete"]) for r in rows} == {
        ("organization", "organization/0/0/0", "yes")
    }
    assert rows[1]["attributes"]["status"] == "closed"
    shown = weir("reference", "history", "organization", "CHARLIE", "--data", data).stdout
    assert '"status": "closed"' in shown


def test_the_history_as_it_was_known_then(data: Path) -> None:
    """On 1 January nobody knew yet what would be told half a second later."""
    asked = ("reference", "history", "organization", "CHARLIE", "--data", data)
    assert len(as_json(*asked, "--known", JANUARY)) == 1
    assert len(as_json(*asked, "--known", "2026-01-01T00:00:01Z")) == 2
    assert as_json(*asked, "--known", "1969-12-31") == []


def test_a_thing_that_nobody_told_of_is_refused(data: Path) -> None:
    """With the kinds of things that something is known of."""
    shown = weir("reference", "history", "product", "X", "--data", data, exits=2).output
    assert "agreement, organization, partyRole, product" in shown.replace("\n", " ")
