"""Masters tell all that the reference files say, in both dialects and in pieces."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
import yaml

from ops.generate import write_reference
from ops.generate_masters import STREAMS, notifications, write_masters
from ops.generate_traffic import Traffic
from schemas.reference import load
from schemas.tmf651 import from_tmf651


@pytest.fixture
def reference(tmp_path: Path) -> Path:
    """The reference files of twelve partners."""
    directory = tmp_path / "reference"
    write_reference(Traffic(7, 12), directory)
    return directory


def test_every_agreement_is_told_with_its_terms(reference: Path) -> None:
    """The terms in a notification are those of the file, text for text."""
    told = [
        t.notification["event"]["agreement"]
        for t in notifications(reference, 7)
        if t.stream == "agreement"
    ]
    wanted = yaml.load((reference / "agreements.yaml").read_text(), yaml.BaseLoader)  # noqa: S506
    assert [from_tmf651(document) for document in told] == wanted


def test_every_key_is_told(reference: Path) -> None:
    """A product by its id, everything else by a resource that carries the key."""
    found = set()
    for stream, notification in notifications(reference, 7):
        if stream != "inventory":
            continue
        [(kind, thing)] = notification["event"].items()
        if kind == "product":
            found.add(("product", thing["id"]))
        else:
            value = thing["resourceCharacteristic"][0]["value"]
            found.add((value["kind"], value["key"]))
    with (reference / "attribution.csv").open(newline="") as file:
        assert found == {(row["kind"], row["key"]) for row in csv.DictReader(file)}


def test_both_dialects_are_spoken(reference: Path) -> None:
    """Some organizations have a type, as the fifth version wants, and some have none."""
    organizations = [
        t.notification["event"]["organization"]
        for t in notifications(reference, 7)
        if t.notification["eventType"] == "OrganizationCreateEvent"
    ]
    assert len(organizations) == 12
    assert {"@type" in one for one in organizations} == {True, False}


def test_times_rise_and_a_seed_gives_the_same(reference: Path) -> None:
    """Each is told after the one before, as a master would."""
    told = notifications(reference, 3)
    times = [t.notification["eventTime"] for t in told]
    assert times == sorted(set(times))
    assert told == notifications(reference, 3)


def test_what_masters_tell_is_not_in_the_files_any_more(reference: Path, tmp_path: Path) -> None:
    """The files load, with decks and without partners; a stream has a file of its own."""
    paths = write_masters(reference, tmp_path / "masters", 7)
    assert [path.stem for path in paths] == list(STREAMS)
    assert all(json.loads(line) for path in paths for line in path.read_text().splitlines())
    rest = load(reference)
    assert (len(rest.partners), len(rest.agreements), len(rest.attribution)) == (0, 0, 0)
    assert rest.decks
