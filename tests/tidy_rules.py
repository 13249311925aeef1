"""What a tidy tree is: each rule is a function from one source file to the places that break it.

A rule sees text and syntax only and knows a file by its path, so that it can be tried on a snippet
as well as on the tree (`test_tidy.py` does both). Names are followed through imports: `from time
import time as now` does not hide the clock.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cached_property
from pathlib import PurePosixPath

PACKAGES = ("streams", "schemas", "state", "api", "ops")
MONEY_PACKAGES = ("streams", "schemas", "state")
CODE = ("*.py", "*.sh", "*.toml", "*.yml", "*.yaml", "*.html", "*.css", "*.js", "*Makefile")
LINE_CHARACTERS_MAX = 100
FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60

LOG_IMPLEMENTATIONS = ("streams/kafka*.py", "streams/local*.py")
STATIONS = tuple(
    f"streams/{station}.py"
    for station in (
        *("usage", "duplicates", "attribution", "selection", "rating", "lines", "counting"),
        *("banding", "charging", "limits", "sharing", "margins", "accrual", "statement"),
    )
)
ORACLE = "ops/oracle*.py"
# What stands outside, and the one place that knows it.
CONFINED = {
    "confluent_kafka": "streams/kafka*.py",
    "fastapi": "api/*.py",
    "faust": "streams/control/faust_app.py",
    "pyruhvro": "schemas/columns.py",
    "rocksdict": "state/rocks.py",
    "sqlite3": "streams/local*.py",
    "typer": "ops/*.py",
}
CLOCK = (
    "datetime.date.today",
    "datetime.datetime.now",
    "datetime.datetime.today",
    "datetime.datetime.utcnow",
    "time.time",
    "time.time_ns",
)
# A station's answer depends on what comes in with the data, not on when, where or by luck.
CHANCE = "numpy.random"
STATION_STRANGERS = ("random", "secrets", "streams.kafka*", "streams.local*", "time")
TEST_LIBRARIES = ("hypothesis", "pytest", "testcontainers", "tests")
# Brackets around one letter keep these patterns from finding themselves.
CHECKER_REMARK = re.compile(r"\s+# (noqa|type: ignore)\b.*$")
UNFINISHED = re.compile(r"\b(?:TO[D]O|FIX[M]E|XX[X])\b")
REGISTRIES = re.compile(
    r"pyp[i]\.org|pythonhoste[d]\.org|repo1?\.mave[n]|mave[n]\.org/maven2|npmj[s]\.(?:org|com)"
    r"|crate[s]\.io|golan[g]\.org|deb\.debia[n]|--(?:extra-)?inde[x]-url[ =]|--find-link[s][ =]"
)
MACHINE_PATHS = re.compile(r"(?<![\w.}-])/(?:wor[k]|roo[t]|hom[e]|User[s]|far[m]|opt/wheel[s])/")


@dataclass(frozen=True)
class Source:
    """A tracked text file, known by its path from the project's root."""

    path: str
    text: str

    @cached_property
    def lines(self) -> list[str]:
        """The lines, without their ends."""
        return self.text.splitlines()

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax of a Python file."""
        return ast.parse(self.text, self.path)

    @property
    def package(self) -> str:
        """The directory at the root that holds the file; empty for a file at the root itself."""
        return self.path.partition("/")[0] if "/" in self.path else ""

    def matches(self, *patterns: str) -> bool:
        """Whether the path is one of these shell patterns."""
        return any(fnmatch(self.path, pattern) for pattern in patterns)


Rule = Callable[[Source], Iterator[str]]
TreeRule = Callable[[Sequence[str]], Iterator[str]]


def at(source: Source, place: ast.AST | int, what: str) -> str:
    """A finding as editors understand it: path, line and what is wrong."""
    line = place if isinstance(place, int) else getattr(place, "lineno", 1)
    return f"{source.path}:{line}: {what}"


def long_lines(source: Source) -> Iterator[str]:
    """Lines of code and configuration are at most 100 characters long; prose breaks as it likes.

    A remark to a checker at the end of a line does not count: it can stand nowhere else.
    """
    if not source.matches(*CODE):
        return
    for number, whole in enumerate(source.lines, 1):
        line = CHECKER_REMARK.sub("", whole)
        if len(line) > LINE_CHARACTERS_MAX:
            yield at(source, number, f"{len(line)} characters in one line")


def long_files(source: Source) -> Iterator[str]:
    """Files are at most 400 lines long."""
    if len(source.lines) > FILE_LINES_MAX:
        yield at(source, len(source.lines), "too long a file: would two nouns be clearer?")


def unfinished_work(source: Source) -> Iterator[str]:
    """Nothing is left to be done later."""
    for number, line in enumerate(source.lines, 1):
        if UNFINISHED.search(line):
            yield at(source, number, "unfinished work")


def registry_addresses(source: Source) -> Iterator[str]:
    """No file names a package registry: where packages come from is each machine's business."""
    for number, line in enumerate(source.lines, 1):
        if REGISTRIES.search(line):
            yield at(source, number, "a registry's address")


def machine_paths(source: Source) -> Iterator[str]:
    """No file names a path that only one machine has."""
    for number, line in enumerate(source.lines, 1):
        if MACHINE_PATHS.search(line):
            yield at(source, number, "a path of one machine")


def long_functions(source: Source) -> Iterator[str]:
    """Functions are at most 60 lines long, docstring included."""
    for function in functions(source.tree):
        lines = (function.end_lineno or function.lineno) - function.lineno + 1
        if lines > FUNCTION_LINES_MAX:
            yield at(source, function, f"{function.name} has {lines} lines")


def missing_future_annotations(source: Source) -> Iterator[str]:
    """Annotations are never evaluated by chance: every module with code says so."""
    code = [n for n in source.tree.body if not (isinstance(n, ast.Expr) and is_text(n.value))]
    if code and "__future__.annotations" not in [name for _, name in imports(source)]:
        yield at(source, 1, "from __future__ import annotations is missing")


def missing_docstrings(source: Source) -> Iterator[str]:
    """Modules, public functions and classes, and all tests say in a sentence what holds."""
    if not ast.get_docstring(source.tree):
        yield at(source, 1, "the module has no docstring")
    pending: list[ast.Module | ast.ClassDef] = [source.tree]
    while pending:
        for node in pending.pop().body:
            if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            if node.name.startswith("_") or is_variant(node):
                continue
            if not ast.get_docstring(node):
                yield at(source, node, f"{node.name} has no docstring")
            if isinstance(node, ast.ClassDef):
                pending.append(node)


def bare_excepts(source: Source) -> Iterator[str]:
    """An except names what it expects."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ExceptHandler) and node.type is None:
            yield at(source, node, "bare except")


def silent_excepts(source: Source) -> Iterator[str]:
    """Nobody swallows every exception."""
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.ExceptHandler) or node.type is None:
            continue
        broad = {"Exception", "BaseException"} & {
            part.id for part in ast.walk(node.type) if isinstance(part, ast.Name)
        }
        if broad and all(isinstance(n, ast.Pass | ast.Continue) or is_dots(n) for n in node.body):
            yield at(source, node, "every exception is swallowed")


def wall_clock(source: Source) -> Iterator[str]:
    """The wall clock is read in ops/ and by the logs that stamp messages; all else is told."""
    if source.package == "ops" or source.matches(*LOG_IMPLEMENTATIONS):
        return
    if source.package not in PACKAGES and not source.matches("tests/sim/*"):
        return
    for node, name in references(source):
        if name in CLOCK:
            yield at(source, node, f"{name} reads the wall clock")


def floats_in_money_code(source: Source) -> Iterator[str]:
    """Nothing becomes a float where money may be: neither float(...) nor float handed on."""
    if source.package not in MONEY_PACKAGES:
        return
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.Call):
            continue
        asks = isinstance(node.func, ast.Name) and node.func.id in ("isinstance", "issubclass")
        given = [] if asks else [*node.args, *(keyword.value for keyword in node.keywords)]
        if any(isinstance(n, ast.Name) and n.id == "float" for n in [node.func, *given]):
            yield at(source, node, "a float in money code")


def prints(source: Source) -> Iterator[str]:
    """Only ops/ speaks to a terminal."""
    if source.package not in PACKAGES or source.package == "ops":
        return
    for node, name in references(source):
        if name == "print":
            yield at(source, node, "print outside ops/")


def confined_imports(source: Source) -> Iterator[str]:
    """Each outside thing is known in one place."""
    if source.package not in PACKAGES:
        return
    for node, name in imports(source):
        home = CONFINED.get(name.partition(".")[0])
        if home and not source.matches(home):
            yield at(source, node, f"{name} is imported outside {home}")


def imports_of_tests(source: Source) -> Iterator[str]:
    """The product needs nothing of its tests."""
    if source.package not in PACKAGES:
        return
    for node, name in imports(source):
        if name.partition(".")[0] in TEST_LIBRARIES:
            yield at(source, node, f"{name} belongs to tests")


def impure_stations(source: Source) -> Iterator[str]:
    """A station is a pure function: it knows no time, no chance and no log implementation."""
    if not source.matches(*STATIONS):
        return
    for node, name in imports(source):
        strangers = (CHANCE, *STATION_STRANGERS, *CONFINED)
        if any(fnmatch(name, s) or name.startswith(f"{s}.") for s in strangers):
            yield at(source, node, f"a station imports {name}")
    for node, name in references(source):
        if name == CHANCE:
            yield at(source, node, "a station uses chance")


def dependent_oracle(source: Source) -> Iterator[str]:
    """The oracle shares no code with what it judges; of ops/ it may use its own files only."""
    if not source.matches(ORACLE):
        return
    for node, name in imports(source):
        package, _, rest = name.partition(".")
        foreign = package in PACKAGES and package != "ops"
        if foreign or (package == "ops" and rest and not rest.startswith("oracle")):
            yield at(source, node, f"the oracle imports {name}")


def code_in_package_files(source: Source) -> Iterator[str]:
    """A package's own file holds its docstring and nothing else, so it needs no test."""
    if source.path.endswith("__init__.py"):
        for node in source.tree.body[1:]:
            yield at(source, node, "code in a package's own file")


def unreasoned_exceptions(source: Source) -> Iterator[str]:
    """Each ruff rule that is set aside in pyproject.toml stands on a line with its reason."""
    if source.path != "pyproject.toml":
        return
    for number, line in enumerate(source.lines, 1):
        if re.match(r'\s+"[A-Z]+[0-9]*",', line) and not re.search(r"# \w.*\w", line):
            yield at(source, number, "a rule is set aside without a reason")


TEXT_RULES: Sequence[Rule] = (
    long_lines,
    unfinished_work,
    registry_addresses,
    machine_paths,
    unreasoned_exceptions,
)
PYTHON_RULES: Sequence[Rule] = (
    long_files,
    long_functions,
    missing_future_annotations,
    missing_docstrings,
    bare_excepts,
    silent_excepts,
    wall_clock,
    floats_in_money_code,
    prints,
    confined_imports,
    imports_of_tests,
    impure_stations,
    dependent_oracle,
    code_in_package_files,
)


def untested_modules(paths: Sequence[str]) -> Iterator[str]:
    """Every module has its test file: streams/rating.py and tests/streams/test_rating.py."""
    for path in map(PurePosixPath, paths):
        if path.suffix != ".py" or path.parts[0] not in PACKAGES or path.name == "__init__.py":
            continue
        sibling = f"tests/{path.parent}/test_{path.name}"
        if sibling not in paths:
            yield f"{path}: {sibling} is missing"


def code_at_the_root(paths: Sequence[str]) -> Iterator[str]:
    """Nothing importable lies at the root, where it would shadow what is installed."""
    for path in paths:
        if path.endswith(".py") and "/" not in path:
            yield f"{path}: code at the root"


TREE_RULES: Sequence[TreeRule] = (untested_modules, code_at_the_root)


def is_text(node: ast.expr) -> bool:
    """Whether an expression is a literal string, as a docstring is."""
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def is_dots(node: ast.stmt) -> bool:
    """Whether a statement is the placeholder `...`."""
    return isinstance(node, ast.Expr) and ast.unparse(node) == "..."


def is_variant(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether a definition adds a signature or a setter to one that has the docstring."""
    decorators = [ast.unparse(decorator) for decorator in node.decorator_list]
    return any(d.endswith(("overload", ".setter", ".deleter")) for d in decorators)


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function of a module, methods and nested ones included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def imports(source: Source) -> Iterator[tuple[ast.AST, str]]:
    """Every module or name imported, written in full, wherever in the file it happens."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = origin(source, node)
            yield from ((node, f"{module}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Call) and node.args:
            called = ast.unparse(node.func).rpartition(".")[2]
            name = node.args[0]
            if called in ("import_module", "__import__") and isinstance(name, ast.Constant):
                yield node, str(name.value)


def references(source: Source) -> Iterator[tuple[ast.AST, str]]:
    """Every use of a name or of a name's attributes, followed to where it was imported from."""
    known: dict[str, str] = {}
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            known |= {a.asname: a.name for a in node.names if a.asname}
        elif isinstance(node, ast.ImportFrom):
            module = origin(source, node)
            known |= {a.asname or a.name: f"{module}.{a.name}" for a in node.names}
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Name | ast.Attribute):
            first, dot, rest = ast.unparse(node).partition(".")
            yield node, known.get(first, first) + dot + rest


def origin(source: Source, node: ast.ImportFrom) -> str:
    """The module that a from-import names, with leading dots resolved."""
    if not node.level:
        return node.module or ""
    parents = PurePosixPath(source.path).parts[: -node.level]
    return ".".join([*parents, *([node.module] if node.module else [])])
