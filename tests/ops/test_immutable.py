"""A version that usage was settled by cannot be changed or removed; new terms are a new version."""

from __future__ import annotations

from pathlib import Path

import pytest

from ops.embedded import Embedded
from ops.immutable import changed_fields, changed_values, changed_versions, settled_versions
from ops.reading import Opened, current_reference
from schemas.reference import InvalidReferenceError, Reference, load
from schemas.topics import CONTRIBUTIONS
from tests.builders import PARTNERS, reference_dir
from tests.ops.books import AGREEMENTS, ATTRIBUTION, RATED, call, reference, settle, usage_file

# The versions of W-1 and M-1; usage of S-1 never comes in these tests.
SETTLED = RATED[:5]
W_1 = "agreements.yaml: W-1 version 1: "
M_1 = "agreements.yaml: M-1 version 1: "


def altered(directory: Path, before: str, after: str, attribution: str = ATTRIBUTION) -> Path:
    """The reference of the books with one thing in the agreements written another way."""
    assert before in AGREEMENTS
    agreements = AGREEMENTS.replace(before, after, 1)
    return reference_dir(directory, agreements=agreements, attribution=attribution)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A directory with usage of W-1 and M-1."""
    settle(tmp_path / "data", SETTLED)
    return tmp_path / "data"


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('amount: "0.005"', 'amount: "0.006"', W_1 + "items[1].price.amount differs"),
        ("sms, flow: payable", "sms, flow: receivable", W_1 + "items[1].flow differs"),
        ("currency: EUR", "currency: USD", W_1 + "currency differs"),
        ("zone: UTC", "zone: Europe/Berlin", W_1 + "zone differs"),
        ("valid_from: 2024-01-01", "valid_from: 2024-02-01", W_1 + "valid_from differs"),
        ('{up_to: 1, price: "0.01"}', '{up_to: 2, price: "0.01"}',
         M_1 + "items[0].price.tiers[0].up_to differs"),
        ("- version: 1", "- version: 2", W_1 + "is gone"),
        ("agreement: W-1", "agreement: W-2", W_1 + "is gone"),
    ],
)  # fmt: skip
def test_what_was_settled_by_is_not_changed(
    data: Path, tmp_path: Path, before: str, after: str, said: str
) -> None:
    """Agreement, version and field are named with the way on; the directory stays as it was."""
    was = current_reference(data)
    names = ATTRIBUTION.replace(",W-1,", ",W-2,") if "W-2" in after else ATTRIBUTION
    given = altered(tmp_path / "given", before, after, names)
    with pytest.raises(InvalidReferenceError) as caught:
        Embedded(data, given)
    (problem,) = caught.value.problems
    assert str(problem).startswith(said)
    assert "write a new version with its own valid_from" in str(problem)
    assert current_reference(data) == was
    with Embedded(data) as weir:
        assert weir.reference_directory == was


def test_every_change_is_named(data: Path, tmp_path: Path) -> None:
    """All of them at once, as for any mistake in a reference."""
    given = reference_dir(
        tmp_path / "given",
        agreements=AGREEMENTS.replace("0.005", "0.006").replace("0.002", "0.003"),
        attribution=ATTRIBUTION,
    )
    with pytest.raises(InvalidReferenceError) as caught:
        Embedded(data, given)
    assert [problem.field for problem in caught.value.problems] == [
        "W-1 version 1",
        "M-1 version 1",
    ]


def test_what_nothing_was_settled_by_may_change(data: Path, tmp_path: Path) -> None:
    """No usage of S-1 came: its share can still be corrected."""
    with Embedded(data, altered(tmp_path / "given", 'percent: "30"', 'percent: "25"')) as weir:
        assert current_reference(data) == weir.reference_directory


def test_a_version_is_ended_and_another_follows(data: Path, tmp_path: Path) -> None:
    """The last version's end is set, moved and opened again; only that makes room for new terms."""
    first = "      valid_from: 2024-01-01\n"
    ended = f"{first}      valid_upto: 2024-12-01\n"
    moved = ended.replace("12-01", "12-15")
    for number, end in enumerate((ended, moved, first)):
        with Embedded(data, altered(tmp_path / str(number), first, end)):
            pass
    version = AGREEMENTS[
        AGREEMENTS.index("    - version: 1") : AGREEMENTS.index("- agreement: M-1")
    ]
    second = version.replace("version: 1", "version: 2").replace("0.005", "0.007")
    second = second.replace("2024-01-01", "2024-12-01")
    given = altered(tmp_path / "two", version, version.replace(first, ended) + second)
    with Embedded(data, given) as weir:
        assert [v.version for v in weir.reference.agreements[0].versions] == [1, 2]


def test_the_border_between_two_versions_stays(tmp_path: Path) -> None:
    """Only the last version's end is free: an earlier one prices what lies between."""
    first = "      valid_from: 2024-01-01\n"
    version = AGREEMENTS[
        AGREEMENTS.index("    - version: 1") : AGREEMENTS.index("- agreement: M-1")
    ]
    second = version.replace("version: 1", "version: 2")
    loaded = []
    for day in ("2024-12-01", "2024-12-02"):
        ended = version.replace(first, f"{first}      valid_upto: {day}\n")
        follows = second.replace("2024-01-01", day)
        loaded.append(load(altered(tmp_path / day, version, ended + follows)))
    found = changed_versions(loaded[0], loaded[1], {("W-1", 1), ("W-1", 2)})
    assert [f"{p.field}: {p.message}".partition(" differs")[0] for p in found] == [
        "W-1 version 1: valid_upto",
        "W-1 version 2: valid_from",
    ]


def test_contributions_that_are_not_accrued_yet_count(tmp_path: Path) -> None:
    """A crash between the hops leaves usage priced and not added up: its version is settled by."""
    data, given = tmp_path / "data", reference(tmp_path / "reference")
    with Embedded(data, given) as weir:
        list(weir.ingest(usage_file(tmp_path / "usage.jsonl", [call(1)])))
        assert settled_versions(weir) == {("W-1", 1)}
        block = next(v for s in weir.read(CONTRIBUTIONS.name) for v in s.values)
    with Embedded(tmp_path / "other", given) as weir:
        weir.store.append(CONTRIBUTIONS.name, 0, [(None, block)])
        assert settled_versions(weir) == {("W-1", 1)}


def test_the_same_reference_is_no_change(data: Path, tmp_path: Path) -> None:
    """Given again, or with other attribution, it is taken."""
    more = ATTRIBUTION + "route,TX-1,W-1,,\n"
    for number, attribution in enumerate((ATTRIBUTION, more)):
        given = reference(tmp_path / str(number), attribution)
        with Embedded(data, given) as weir:
            assert weir.reference.reference_id == load(given).reference_id
    with Opened(data) as opened:
        assert settled_versions(opened) == {("W-1", 1), ("M-1", 1)}


def test_fields_are_named_as_files_name_them(tmp_path: Path) -> None:
    """A list of another length differs as a whole; equal models do not differ."""
    one = load(reference(tmp_path / "one")).agreements[0].versions[0]
    fewer = one.model_copy(update={"items": one.items[:2]})
    assert list(changed_fields(one, one)) == []
    assert list(changed_fields(one, fewer)) == ["items"]
    rounded = one.rounding.model_copy(update={"decimals": 2})
    assert list(changed_fields(one, one.model_copy(update={"rounding": rounded}))) == [
        "rounding.decimals"
    ]


def test_fields_come_with_what_stood_there(tmp_path: Path) -> None:
    """A price is named as in files and as in the model, whose values are nanos."""
    one = load(reference(tmp_path / "one")).agreements[0].versions[0]
    given = altered(tmp_path / "other", 'amount: "0.005"', 'amount: "0.006"')
    other = load(given).agreements[0].versions[0]
    assert list(changed_values(one, other)) == [
        ("items[1].price.amount", "amount_nanos", 5_000_000, 6_000_000)
    ]


def test_a_master_price_list_is_part_of_the_version(tmp_path: Path) -> None:
    """What a version builds on stays as it was, too; another version of the book may come."""
    item = "{item: all, role: channel, service: sms, flow: payable, price: PRICE}"
    one = f"{{version: 1, items: [{item.replace('PRICE', '{kind: unit, per: event, amount: 1}')}]}}"
    books = f"- {{book: LIST, currency: EUR, versions: [{one}]}}\n"
    master = "      master: {book: LIST, version: 1}\n"
    text = AGREEMENTS.replace("      items:", f"{master}      items:", 1)

    def given(name: str, content: str) -> Reference:
        """The reference with this file of books."""
        others = {"books.yaml": content}
        return load(
            reference_dir(tmp_path / name, agreements=text, attribution=ATTRIBUTION, others=others)
        )

    before = given("before", books)
    more = given("more", books.replace(one, f"{one.replace('version: 1', 'version: 2')}, {one}"))
    assert list(changed_versions(before, more, {("W-1", 1)})) == []
    changed = given("changed", books.replace("amount: 1", "amount: 2"))
    (problem,) = changed_versions(before, changed, {("W-1", 1)})
    assert problem.message.startswith("items[4].price.amount differs")


def test_a_partner_is_not_in_test_again(data: Path, tmp_path: Path) -> None:
    """Its usage would be excluded for good; one that nothing was settled with may be in test."""

    def given(name: str, partners: str) -> Path:
        """The reference with this file of partners."""
        path = tmp_path / name
        return reference_dir(
            path, partners=partners, agreements=AGREEMENTS, attribution=ATTRIBUTION
        )

    with pytest.raises(InvalidReferenceError) as caught:
        Embedded(data, given("again", PARTNERS.replace("country: DE", "test: true")))
    (problem,) = caught.value.problems
    assert str(problem).startswith("partners.yaml: ALFA test: is true now; usage was settled with")
    more = "- {partner: NEW, name: New, test: true}\n"
    with Embedded(data, given("more", PARTNERS + more)):
        pass
    tried, live = (
        load(given("a", PARTNERS.replace("country: DE", "test: true"))),
        load(current_reference(data)),
    )
    assert list(changed_versions(tried, live, {("W-1", 1)})) == []
