"""Loading a reference directory: all of it or nothing, and all that is wrong at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas import reference
from schemas.reference import load
from tests.builders import AGREEMENTS, PARTNERS, complaints_of, reference_dir


def test_a_good_directory_loads(tmp_path: Path) -> None:
    """Everything in it is there, in the order of the files."""
    loaded = load(reference_dir(tmp_path))
    assert [partner.partner for partner in loaded.partners] == ["ALFA", "BRAVO"]
    assert [agreement.agreement for agreement in loaded.agreements] == ["ALFA-1", "BRAVO-1"]
    assert loaded.attribution.height == 4
    assert [deck.name for deck in loaded.decks] == ["STANDARD"]


def test_the_same_content_has_the_same_name(tmp_path: Path) -> None:
    """Line ends and byte order marks are not content; a price is."""
    first = load(reference_dir(tmp_path / "a")).reference_id
    windows = "\ufeff" + PARTNERS.replace("\n", "\r\n")
    assert load(reference_dir(tmp_path / "b", partners=windows)).reference_id == first
    dearer = AGREEMENTS.replace("0.002", "0.003")
    assert load(reference_dir(tmp_path / "c", agreements=dearer)).reference_id != first
    assert len(first) == 16
    assert int(first, 16) >= 0


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    """A mistyped path is the commonest mistake of the command line."""
    wrong = tmp_path / "nowhere"
    assert complaints_of(wrong) == [f"{wrong}: is not a directory; give the one with partners.yaml"]


def test_missing_files_are_named_with_what_they_may_be_called(tmp_path: Path) -> None:
    """A file of nearly the right name is probably the one."""
    directory = reference_dir(tmp_path)
    (directory / "agreements.yaml").rename(directory / "agreements.yml")
    (directory / "attribution.csv").unlink()
    assert complaints_of(directory) == [
        "agreements.yaml: is missing; rename agreements.yml to it",
        "attribution.csv: is missing; add it, if only to hold nothing",
    ]


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """A directory in a file's place, for one."""
    directory = reference_dir(tmp_path)
    (directory / "partners.yaml").unlink()
    (directory / "partners.yaml").mkdir()
    assert "partners.yaml: cannot be read (Is a directory); check its permissions" in complaints_of(
        directory
    )


def test_names_are_given_once(tmp_path: Path) -> None:
    """The second of two partners, or agreements, of one name is refused."""
    twice = PARTNERS + "- {partner: ALFA, name: Alfa again}\n"
    assert complaints_of(reference_dir(tmp_path, partners=twice)) == [
        "partners.yaml:3: partner: 'ALFA' is already given on line 1; keep one of the two"
    ]


def test_one_mistake_brings_no_further_complaints(tmp_path: Path) -> None:
    """A partner or agreement that is wrong elsewhere still exists for those that name it."""
    wrong = PARTNERS.replace("country: DE", "country: Deutschland")
    found = complaints_of(reference_dir(tmp_path / "a", partners=wrong))
    assert [complaint.split(":")[0] for complaint in found] == ["partners.yaml"]
    wrong = AGREEMENTS.replace("currency: EUR", "currency: Euro", 1)
    found = complaints_of(reference_dir(tmp_path / "b", agreements=wrong))
    assert [complaint.split(":")[0] for complaint in found] == ["agreements.yaml"]


def test_mistakes_of_all_files_come_together_in_order(tmp_path: Path) -> None:
    """By file and line, as somebody would go through them; the exception prints them so."""
    directory = reference_dir(
        tmp_path,
        partners=PARTNERS.replace("country: NO", "country: no"),
        attribution="kind,key,agreement,valid_from,valid_upto\nroute,TG-1,NOBODY,,\n",
    )
    with pytest.raises(reference.InvalidReferenceError) as raised:
        load(directory)
    assert str(raised.value).splitlines() == [
        (
            "attribution.csv:2: agreement: 'NOBODY' is not in agreements.yaml; "
            "add it there, or write own"
        ),
        (
            "partners.yaml:2: country: 'no' is not a country; write two capital letters, "
            "for example DE"
        ),
    ]


def test_a_mistyped_field_is_not_ignored(tmp_path: Path) -> None:
    """What nobody reads is refused, with the field that was probably meant."""
    wrong = AGREEMENTS.replace("  zone: UTC", "  timezone: UTC").replace(
        "model: mvno", "modell: mvno"
    )
    found = complaints_of(reference_dir(tmp_path, agreements=wrong))
    assert found == [
        "agreements.yaml:16: model: is missing; add it",
        "agreements.yaml:18: modell: is not known here; write model",
        "agreements.yaml:20: versions[0].zone: is missing; add it",
        "agreements.yaml:22: versions[0].timezone: is not known here; write zone",
    ]
