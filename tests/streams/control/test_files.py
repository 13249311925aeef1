"""What is derived as files: always the same text, and read back as it was."""

from __future__ import annotations

from schemas.documents import Problems, read_yaml
from streams.control.derived import Derived, Key
from streams.control.files import written


def test_nothing_is_empty_lists_and_a_head() -> None:
    """Files that load."""
    assert written(Derived()) == {
        "partners.yaml": "[]\n",
        "agreements.yaml": "[]\n",
        "attribution.csv": "kind,key,agreement,valid_from,valid_upto\n",
    }


def test_the_order_is_that_of_names() -> None:
    """Whatever order it was derived in; each entry and row on one line."""
    entries = [{"partner": "B", "name": "b"}, {"name": "a", "partner": "A"}]
    keys = [Key("route", "2", "A", "", ""), Key("route", "1", "A", "", "2026-01-01")]
    files = written(Derived(entries, (), keys))
    assert files["partners.yaml"] == (
        '- {"name": "a", "partner": "A"}\n- {"name": "b", "partner": "B"}\n'
    )
    assert files["attribution.csv"].splitlines()[1:] == ["route,1,A,,2026-01-01", "route,2,A,,"]


def test_every_letter_comes_back() -> None:
    """Rare letters, quotes, and words that YAML would take for something else."""
    entry = {"partner": "A", "name": '😀 "Müller": #1 - {no}', "country": "NO"}
    problems = Problems()
    content = written(Derived([entry]))["partners.yaml"].encode()
    assert read_yaml(content, "partners.yaml", problems) == [entry]
    assert problems.found == []
