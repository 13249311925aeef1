"""Loading a reference directory: all of it or nothing, and all that is wrong at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas import reference
from schemas.reference import load
from tests.builders import (
    AGREEMENTS,
    ATTRIBUTION,
    PARTNERS,
    agreement_text,
    complaints_of,
    reference_dir,
)


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


TOLD = {
    "followed/partners.yaml": '- {"partner": "CASA", "name": "Casa Net"}\n',
    "followed/agreements.yaml": agreement_text(
        "{item: ports, role: product, service: bandwidth, flow: receivable,"
        ' price: {kind: unit, per: gigabyte, amount: "1"}}',
        name="CASA-1",
        partner="CASA",
    ),
    "followed/attribution.csv": ATTRIBUTION.splitlines()[0] + "\nproduct,P-1,CASA-1,,\n",
}


def test_what_masters_told_is_read_behind_the_files(tmp_path: Path) -> None:
    """Partners, agreements and keys are joined; keys stay in the order of kind and key."""
    alone = load(reference_dir(tmp_path / "alone"))
    loaded = load(reference_dir(tmp_path / "both", others=TOLD))
    assert [p.partner for p in loaded.partners] == ["ALFA", "BRAVO", "CASA"]
    assert [a.agreement for a in loaded.agreements] == ["ALFA-1", "BRAVO-1", "CASA-1"]
    assert loaded.attribution.height == alone.attribution.height + 1
    assert loaded.attribution.equals(loaded.attribution.sort("kind", "key"))
    assert loaded.reference_id != alone.reference_id


def test_other_files_in_the_folder_say_nothing(tmp_path: Path) -> None:
    """Only its three files are read, so that without them a reference has the id it had."""
    alone = load(reference_dir(tmp_path / "alone"))
    with_note = reference_dir(tmp_path / "noted", others={"followed/notes.txt": "ours"})
    assert load(with_note).reference_id == alone.reference_id


def test_a_name_that_a_file_gives_is_refused_in_what_masters_told(tmp_path: Path) -> None:
    """Each with the file that it stands in, and where it stands first."""
    told = {
        "followed/partners.yaml": "- {partner: ALFA, name: Alfa again}\n",
        "followed/agreements.yaml": AGREEMENTS[: AGREEMENTS.index("- agreement: BRAVO-1")],
        "followed/attribution.csv": ATTRIBUTION.splitlines()[0] + "\nroute,TG-001,BRAVO-1,,\n",
    }
    assert complaints_of(reference_dir(tmp_path, others=told)) == [
        (
            "followed/agreements.yaml:1: agreement: 'ALFA-1' is already given in agreements.yaml on"
            " line 1; keep one of the two"
        ),
        (
            "followed/attribution.csv:2: key: 'TG-001' is already given in attribution.csv;"
            " keep one of the two"
        ),
        (
            "followed/partners.yaml:1: partner: 'ALFA' is already given in partners.yaml on line 1;"
            " keep one of the two"
        ),
    ]


def test_a_mistake_in_what_masters_told_is_placed_there(tmp_path: Path) -> None:
    """Terms, their partner and the columns of keys."""
    told = {
        **TOLD,
        "followed/partners.yaml": "[]\n",
        "followed/attribution.csv": ATTRIBUTION.splitlines()[0] + "\ncolour,P-1,CASA-1,,\n",
    }
    first, second = complaints_of(reference_dir(tmp_path, others=told))
    assert first.startswith("followed/agreements.yaml:1: partner: 'CASA' is not in partners.yaml")
    assert second.startswith("followed/attribution.csv:2: kind: 'colour' is not a kind of key")
