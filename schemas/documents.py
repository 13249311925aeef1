"""Reading hand-written YAML: every value keeps its text and its line.

People edit reference files, so a mistake must be answered with file, line, field and what to do,
and all mistakes at once. That needs two things of a reader. It remembers on which line each value
stands. And it does not guess: YAML would turn the country NO into false, the code 007 into 7 and
the price 0.1 into a binary fraction, so every scalar stays the text that was written, and the
models decide what it means.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import yaml

Value: TypeAlias = "str | Entry | Entries | None"
Path: TypeAlias = tuple["str | int", ...]
Finding: TypeAlias = tuple[Path, str]

DEPTH_MAX = 20
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})


@dataclass(frozen=True, order=True)
class Problem:
    """One mistake in a reference file: where it is, what it is and what to do about it."""

    file: str
    line: int
    field: str
    message: str

    def __str__(self) -> str:
        """The line that people read; line 0 means the file as a whole."""
        place = f"{self.file}:{self.line}" if self.line else self.file
        return (
            f"{place}: {self.field}: {self.message}" if self.field else f"{place}: {self.message}"
        )


class Problems:
    """The mistakes found so far, to be reported together."""

    def __init__(self) -> None:
        self.found: list[Problem] = []

    def add(self, file: str, line: int, field: str, message: str) -> None:
        """Note one more."""
        self.found.append(Problem(file, line, field, message))


class Entry(dict[str, Value]):
    """A YAML mapping with the line it starts on and the line of each key.

    One that is an entry of a file knows which `file` that is.
    """

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line
        self.file = ""
        self.lines: dict[str, int] = {}


class Entries(list[Value]):
    """A YAML list with the line it starts on and the line of each member."""

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line
        self.lines: list[int] = []


def locate(value: Value, path: Path) -> tuple[int, str]:
    """The line and the written name of what `path` leads to, or of the nearest thing around it.

    Parts of the path that the document does not have are left out, but for a missing last key.
    """
    line = value.line if isinstance(value, (Entry, Entries)) else 0
    name = ""
    for part in path:
        if isinstance(value, Entry) and isinstance(part, str) and part in value:
            line, value = value.lines[part], value[part]
            name += f".{part}" if name else part
        elif isinstance(value, Entries) and isinstance(part, int) and part < len(value):
            line, value = value.lines[part], value[part]
            name += f"[{part}]"
        elif isinstance(value, Entry) and part == path[-1] and isinstance(part, str):
            name += f".{part}" if name else part
    return line, name


def decode(content: bytes, file: str, problems: Problems) -> str | None:
    """The text of a file, which must be UTF-8 and not empty."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        problems.add(file, line, "", "is not UTF-8 text; save it as plain text in UTF-8")
        return None
    if not text.strip():
        problems.add(file, 0, "", "is empty; an empty list is written []")
        return None
    return text


class _YamlReader:
    """Turns the events of a YAML document into entries; one use."""

    def __init__(self, text: str, file: str, problems: Problems) -> None:
        self._events: Iterator[yaml.Event] = iter(yaml.parse(text, Loader=yaml.CSafeLoader))
        self._file = file
        self._problems = problems
        self._anchors: dict[str, Value] = {}

    def document(self) -> Value:
        """The only document of the stream."""
        content: Value = None
        documents = 0
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self._refuse(event, "", "a second document starts here; use one list a file")
                    break
                content = self._value(next(self._events), 0)
        return content

    def _refuse(self, event: yaml.Event, field: str, message: str) -> None:
        """Note a mistake at this event."""
        self._problems.add(self._file, _line(event), field, message)

    def _value(self, event: yaml.Event, depth: int) -> Value:
        """The value that begins with this event."""
        value: Value
        if isinstance(event, yaml.ScalarEvent):
            plain = not event.style
            value = None if plain and event.value in _NULLS else event.value
            if event.tag is not None:
                self._refuse(event, "", f"the tag {event.tag} is not read; remove it")
        elif isinstance(event, yaml.AliasEvent):
            anchor = str(event.anchor)
            if anchor not in self._anchors:
                self._refuse(event, "", f"*{anchor} names nothing; define &{anchor} above it")
            return self._anchors.get(anchor)
        elif depth > DEPTH_MAX:
            raise yaml.YAMLError(f"is nested more than {DEPTH_MAX} deep; write it flatter")
        elif isinstance(event, yaml.SequenceStartEvent):
            value = self._list(event, depth)
        else:
            value = self._mapping(event, depth)
        name = getattr(event, "anchor", None)
        if name is not None:
            self._anchors[name] = value
        return value

    def _list(self, start: yaml.Event, depth: int) -> Entries:
        """The list that begins with this event."""
        entries = Entries(_line(start))
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            entries.lines.append(_line(event))
            entries.append(self._value(event, depth + 1))
        return entries

    def _mapping(self, start: yaml.Event, depth: int) -> Entry:
        """The mapping that begins with this event."""
        entry = Entry(_line(start))
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._value(event, depth + 1)
            value = self._value(next(self._events), depth + 1)
            if not isinstance(key, str):
                self._refuse(event, "", "a field's name must be a word; write it as name: value")
            elif key == "<<":
                self._refuse(event, key, "merge keys are not read; repeat the fields")
            elif key in entry:
                first = entry.lines[key]
                self._refuse(event, key, f"is given twice, first on line {first}; keep one")
            else:
                entry[key] = value
                entry.lines[key] = _line(event)
        return entry


def _line(event: yaml.Event) -> int:
    """The line of an event as editors count it."""
    mark = event.start_mark
    return 0 if mark is None else int(mark.line) + 1


def read_yaml(content: bytes, file: str, problems: Problems) -> list[Entry]:
    """The entries of a YAML file that is a list of mappings; what is not is noted and left out."""
    text = decode(content, file, problems)
    if text is None:
        return []
    try:
        document = _YamlReader(text, file, problems).document()
    except yaml.YAMLError as error:
        problems.add(file, *_syntax(text, error))
        return []
    if not isinstance(document, Entries):
        problems.add(file, 1, "", "must be a list; begin every entry with a dash, '- '")
        return []
    for line, member in zip(document.lines, document, strict=True):
        if not isinstance(member, Entry):
            problems.add(file, line, "", "must be fields, written name: value")
    entries = [member for member in document if isinstance(member, Entry)]
    for entry in entries:
        entry.file = file
    return entries


def _syntax(text: str, error: yaml.YAMLError) -> tuple[int, str, str]:
    """Line, field and message for text that is not YAML."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        line = error.problem_mark.line + 1
        lines = text.split("\n")
        source = lines[line - 1] if line <= len(lines) else ""
        if "\t" in source[: len(source) - len(source.lstrip())]:
            return line, "", "is indented with a tab; use spaces"
        return line, "", f"is not YAML ({error.problem}); check indentation, colons and quotes"
    if isinstance(error, yaml.reader.ReaderError):
        line = text.count("\n", 0, error.position) + 1
        return line, "", "has a character that YAML does not allow; remove it"
    return 0, "", str(error)
