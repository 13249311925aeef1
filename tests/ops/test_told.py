"""The files of what masters told: the same for the same, and each line leads back to its entry."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.told import Told
from schemas.documents import Problem, Problems, read_yaml
from schemas.reference import load
from streams.control.derived import Derived, Key
from tests.builders import reference_dir
from tests.ops.masters import version

PARTNER = {"partner": "CASA", "name": "Casa: 'Net' \U0001f4de"}
CONTRACT = {"agreement": "C-1", "partner": "CASA", "model": "wholesale", "versions": [version()]}
KEYS = (Key("product", "P,2", "C-1", "", ""), Key("product", "P-1", "C-1", "2024-01-01", ""))
ALL = Told.of(Derived([PARTNER], [CONTRACT], KEYS))


def test_what_is_written_loads_and_reads_back(tmp_path: Path) -> None:
    """Whatever letters a name has; the numbers of terms stay the text that they are."""
    directory = reference_dir(tmp_path)
    ALL.write(directory)
    loaded = load(directory)
    assert loaded.partners[-1].name == PARTNER["name"]
    assert loaded.agreements[-1].agreement == "C-1"
    assert set(loaded.attribution["key"]) >= {"P,2", "P-1"}
    assert Told.read(directory) == ALL


def test_nothing_told_is_no_folder(tmp_path: Path) -> None:
    """So that a reference without masters has the id that it always had."""
    ALL.write(tmp_path)
    Told().write(tmp_path)
    assert not (tmp_path / "followed").exists()
    assert Told.read(tmp_path) == Told()


@pytest.mark.parametrize(
    "derived", [Derived([PARTNER]), Derived([PARTNER], [], KEYS), Derived([], [], KEYS)]
)
def test_a_file_without_entries_is_read_back(tmp_path: Path, derived: Derived) -> None:
    """A master of partners is usually the first to tell: there are no agreements yet."""
    Told.of(derived).write(tmp_path)
    assert Told.read(tmp_path) == Told.of(derived)


@given(order=st.permutations(range(3)))
def test_the_order_does_not_matter(
    tmp_path_factory: pytest.TempPathFactory, order: list[int]
) -> None:
    """Entries come in the order of their names, whatever was first."""
    partners = [{"partner": name, "name": name} for name in "ABC"]
    keys = [Key("product", name, "own", "", "") for name in "ABC"]
    places = [tmp_path_factory.mktemp("told") for _ in range(2)]
    Told.of(Derived(partners, [], keys)).write(places[0])
    Told.of(Derived([partners[i] for i in order], [], [keys[i] for i in order])).write(places[1])
    files = [[path.read_bytes() for path in sorted(p.rglob("*.*"))] for p in places]
    assert files[0] == files[1]
    assert len(files[0]) == 3


@given(text=st.text(st.characters(), max_size=20))
def test_every_text_is_read_back_from_yaml(text: str) -> None:
    """JSON is YAML, but for letters that YAML reads otherwise; half a letter is none."""
    line = Told.of(Derived([{"partner": "A", "name": text}])).entries["partners.yaml", "A"]
    problems = Problems()
    (entry,) = read_yaml(line.encode(), "partners.yaml", problems)
    readable = "".join("?" if 0xD800 <= ord(letter) < 0xE000 else letter for letter in text)
    assert (entry["name"], problems.found) == (readable, [])


def test_a_line_leads_back_to_its_entry() -> None:
    """Lines count from one, and rows of keys stand below the names of columns."""

    def at(file: str, line: int) -> object:
        """The name there."""
        return ALL.name_at(Problem(file, line, "", ""))

    assert at("followed/agreements.yaml", 1) == ("agreements.yaml", "C-1")
    assert at("followed/attribution.csv", 2) == ("attribution.csv", "product:P,2")
    assert at("followed/attribution.csv", 3) == ("attribution.csv", "product:P-1")
    assert at("followed/attribution.csv", 4) is None
    assert at("followed/agreements.yaml", 0) is None
    assert at("agreements.yaml", 1) is None


def test_keys_of_agreements_that_are_not_there_are_left_out() -> None:
    """Those of the operator's files and of the operator itself are there."""
    rows = [Key("route", name, name, "", "") for name in ("C-1", "own", "FILE-1", "GONE")]
    kept = Told.of(Derived([], [CONTRACT], rows)).whole(["FILE-1"])
    assert sorted(kept.keys) == [
        ("attribution.csv", f"route:{name}") for name in ("C-1", "FILE-1", "own")
    ]
