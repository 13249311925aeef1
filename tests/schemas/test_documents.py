"""Reading YAML without guessing: text stays text, and mistakes name their line."""

from __future__ import annotations

from schemas.documents import Entry, Problem, Problems, locate, read_yaml


def read(text: str | bytes) -> tuple[list[Entry], list[str]]:
    """The entries of a document called f.yaml, and what was wrong with it."""
    problems = Problems()
    content = text.encode() if isinstance(text, str) else text
    entries = read_yaml(content, "f.yaml", problems)
    return entries, [str(problem) for problem in problems.found]


def test_scalars_keep_the_text_that_was_written() -> None:
    """Norway is not false, a price is not a binary fraction, a code keeps its zeros."""
    text = '- {a: NO, b: 0.1, c: 007, d: 1_000, e: 12:30:00, f: 2026-01-01, g: "1"}\n'
    entries, complaints = read(text)
    assert complaints == []
    assert entries == [
        {
            "a": "NO",
            "b": "0.1",
            "c": "007",
            "d": "1_000",
            "e": "12:30:00",
            "f": "2026-01-01",
            "g": "1",
        }
    ]


def test_nothing_written_is_nothing() -> None:
    """An empty value, ~ and null mean none, unless quoted."""
    entries, _ = read('- {a: , b: ~, c: null, d: "", e: "null"}\n')
    assert entries == [{"a": None, "b": None, "c": None, "d": "", "e": "null"}]


def test_anchors_share_what_is_the_same() -> None:
    """Terms that many agreements share may be written once."""
    entries, complaints = read("- a: &same [1, 2]\n- a: *same\n")
    assert complaints == []
    assert entries[1] == {"a": ["1", "2"]}


def test_places_are_found_by_path() -> None:
    """A path leads to the line of its value, or to what is nearest when it is missing."""
    entries, _ = read("- a:\n    - b: 1\n    - b: 2\n      c: 3\n")
    entry = entries[0]
    assert locate(entry, ("a", 1, "c")) == (4, "a[1].c")
    assert locate(entry, ("a", 0, "c")) == (2, "a[0].c")
    # A tag that pydantic puts into its paths is no part of the document.
    assert locate(entry, ("a", 1, "(unit)", "b")) == (3, "a[1].b")


def test_a_tab_is_named_as_such() -> None:
    """The commonest mistake of all, which parsers describe in riddles."""
    _, complaints = read("- a: 1\n\tb: 2\n")
    assert complaints == ["f.yaml:2: is indented with a tab; use spaces"]


def test_other_broken_syntax_names_the_line() -> None:
    """What is not YAML is refused where it stops being YAML."""
    _, complaints = read("- a: 1\n  b: [1, 2\n- c: 3\n")
    assert len(complaints) == 1
    assert complaints[0].startswith("f.yaml:3: is not YAML (")
    assert complaints[0].endswith("; check indentation, colons and quotes")


def test_control_characters_name_the_line() -> None:
    """A stray control byte is found by line."""
    _, complaints = read("- a: 1\n- b: \x01\n")
    assert complaints == ["f.yaml:2: has a character that YAML does not allow; remove it"]


def test_a_file_that_is_not_text_is_refused() -> None:
    """Latin-1 and compressed files are not guessed at."""
    _, complaints = read(b"- a: 1\n- b: Z\xfcrich\n")
    assert complaints == ["f.yaml:2: is not UTF-8 text; save it as plain text in UTF-8"]


def test_an_empty_file_is_half_written() -> None:
    """Nothing at all is rather a failed copy than a decision; a list with nothing is one."""
    assert read(" \n") == ([], ["f.yaml: is empty; an empty list is written []"])
    assert read("[]\n") == ([], [])


def test_a_byte_order_mark_does_no_harm() -> None:
    """Editors on Windows write one."""
    assert read(b"\xef\xbb\xbf- a: 1\n") == ([{"a": "1"}], [])


def test_the_top_is_a_list_of_fields() -> None:
    """A single mapping, a word among mappings, and a second document are refused."""
    assert read("a: 1\n")[1] == ["f.yaml:1: must be a list; begin every entry with a dash, '- '"]
    assert read("- a: 1\n- b\n")[1] == ["f.yaml:2: must be fields, written name: value"]
    assert read("- a: 1\n---\n- a: 1\n")[1] == [
        "f.yaml:2: a second document starts here; use one list a file"
    ]


def test_keys_are_words_and_given_once() -> None:
    """Whichever of two values came last would win silently, so both are refused."""
    assert read("- a: 1\n  a: 2\n")[1] == ["f.yaml:2: a: is given twice, first on line 1; keep one"]
    assert read("- ? [1]\n  : 2\n")[1] == [
        "f.yaml:1: a field's name must be a word; write it as name: value"
    ]
    assert read("- &x {a: 1}\n- <<: *x\n")[1] == [
        "f.yaml:2: <<: merge keys are not read; repeat the fields"
    ]


def test_tags_and_unknown_aliases_are_refused() -> None:
    """A tag would change what text means; an alias must have its anchor above it."""
    assert read("- a: !!float 1\n")[1] == [
        "f.yaml:1: the tag tag:yaml.org,2002:float is not read; remove it"
    ]
    assert read("- a: *b\n")[1] == ["f.yaml:1: *b names nothing; define &b above it"]


def test_endless_nesting_is_refused() -> None:
    """A document made to exhaust the reader ends with an answer."""
    _, complaints = read("- " + "[" * 5_000 + "]" * 5_000)
    assert complaints == ["f.yaml: is nested more than 20 deep; write it flatter"]


def test_a_problem_of_a_whole_file_has_no_line() -> None:
    """Line 0 and an empty field are left out of what people read."""
    assert str(Problem("f.yaml", 0, "", "is missing")) == "f.yaml: is missing"
    assert str(Problem("f.yaml", 3, "a.b", "is wrong")) == "f.yaml:3: a.b: is wrong"
