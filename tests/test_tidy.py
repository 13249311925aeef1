"""The tree keeps its own rules, and every rule can fail.

The rules stand in `tidy_rules.py`. Here each is held against the whole tree, and against a snippet
that breaks it and a twin that does not: a rule that cannot fail would be worthless, and one that
fails too easily would be switched off.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from schemas.codes import Reason
from schemas.topics import TOPICS
from tests import tidy_rules as rules
from tests.tidy_rules import Rule, Source

ROOT = Path(__file__).parent.parent
FUTURE = "from __future__ import annotations\n"


@cache
def tree() -> tuple[Source, ...]:
    """Every text file of the project that is tracked, or would be with the next commit."""
    command = ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z"]
    command += ["--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
    paths = sorted({path for path in listed.decode().split("\0") if (ROOT / path).is_file()})
    contents = {path: (ROOT / path).read_bytes() for path in paths}
    return tuple(
        Source(path, content.decode(errors="replace"))
        for path, content in contents.items()
        if b"\0" not in content[:8192]
    )


def python() -> tuple[Source, ...]:
    """The Python files of the project."""
    return tuple(source for source in tree() if source.path.endswith(".py"))


def named(rule: Callable[..., object]) -> str:
    """The name of a rule, as the name of its test."""
    return rule.__name__


@pytest.mark.parametrize("rule", rules.TEXT_RULES, ids=named)
def test_every_text_file_keeps(rule: Rule) -> None:
    """No tracked text file breaks this rule."""
    assert [finding for source in tree() for finding in rule(source)] == []


@pytest.mark.parametrize("rule", rules.PYTHON_RULES, ids=named)
def test_every_python_file_keeps(rule: Rule) -> None:
    """No Python file, tests included, breaks this rule."""
    assert [finding for source in python() for finding in rule(source)] == []


@pytest.mark.parametrize("rule", rules.TREE_RULES, ids=named)
def test_the_tree_keeps(rule: rules.TreeRule) -> None:
    """The files as a whole keep this rule."""
    assert list(rule([source.path for source in tree()])) == []


def undocumented(words: list[str]) -> list[str]:
    """Which of these words no page of the documentation shows, set as code."""
    pages = [s.text for s in tree() if s.path.endswith(".md") and s.path != "CHANGELOG.md"]
    shown = {word for page in pages for word in re.findall(r"`([\w.]+)`", page.lower())}
    return [word for word in words if word not in shown]


def test_every_topic_is_documented() -> None:
    """An operator who meets a topic on the broker finds it in the documentation."""
    assert undocumented([topic.name for topic in TOPICS]) == []


def test_every_reason_is_documented() -> None:
    """Whoever looks into suspense or quarantine finds what the reason means."""
    assert undocumented([reason.label for reason in Reason if reason is not Reason.NONE]) == []


def test_the_tree_is_seen() -> None:
    """The rules look at the real files: this one and the packages are among them."""
    seen = {source.path for source in python()}
    assert {"tests/test_tidy.py", "tests/tidy_rules.py", "schemas/codes.py"} <= seen
    assert {source.package for source in python()} >= set(rules.PACKAGES)


# A rule, the path that the snippet pretends to have, and a snippet that breaks the rule.
BROKEN: list[tuple[Rule, str, str]] = [
    (rules.long_lines, "streams/a.py", "a" * 101),
    (rules.long_lines, "docker-compose.yml", "# " + "é" * 99),
    (rules.unfinished_work, "streams/a.py", "# TO" + "DO: the rest"),
    (rules.unfinished_work, "docs/page.md", "FIX" + "ME"),
    (rules.registry_addresses, "requirements/dev.txt", "--index-" + "url https://example.org"),
    (rules.registry_addresses, "docs/page.md", "see https://py" + "pi.org/project/x"),
    (rules.registry_addresses, "scripts/a.sh", "curl https://repo1.mav" + "en.org/maven2/x.jar"),
    (rules.machine_paths, "ops/a.py", 'HERE = "/wo' + 'rk/main"'),
    (rules.machine_paths, "docs/page.md", "in `/ho" + "me/someone/weir`"),
    (rules.unreasoned_exceptions, "pyproject.toml", '    "D105",'),
    (rules.unreasoned_exceptions, "pyproject.toml", '    "D105", #'),
    (rules.long_files, "tests/a.py", "\n" * 401),
    (rules.long_functions, "streams/a.py", "def f():\n" + "    a = 1\n" * 60),
    (rules.long_functions, "a.py", "class A:\n    async def f():\n" + "        a = 1\n" * 60),
    (rules.missing_future_annotations, "streams/a.py", '"""Doc."""\nimport json'),
    (rules.missing_docstrings, "streams/a.py", "a = 1"),
    (rules.missing_docstrings, "streams/a.py", '"""Doc."""\ndef f():\n    pass'),
    (rules.missing_docstrings, "tests/test_a.py", '"""Doc."""\ndef test_f():\n    pass'),
    (rules.missing_docstrings, "a.py", '"""Doc."""\nclass A:\n    """A."""\n    def f(self): ...'),
    (rules.bare_excepts, "api/a.py", "try:\n    f()\nexcept:\n    g()"),
    (rules.silent_excepts, "api/a.py", "try:\n    f()\nexcept Exception:\n    pass"),
    (rules.silent_excepts, "a.py", "for a in b:\n  try: f()\n  except (A, Exception): continue"),
    (rules.wall_clock, "streams/settle.py", "import time\nnow = time.time()"),
    (rules.wall_clock, "state/a.py", "from time import time_ns as now\nclock = now"),
    (rules.wall_clock, "api/a.py", "import datetime as d\nd.datetime.now(d.UTC)"),
    (rules.wall_clock, "schemas/a.py", "from datetime import datetime\ndatetime.utcnow()"),
    (rules.wall_clock, "tests/sim/a.py", "from datetime import date\ndate.today()"),
    (rules.floats_in_money_code, "schemas/money.py", "float('1.5')"),
    (rules.floats_in_money_code, "streams/a.py", "values.astype(float)"),
    (rules.floats_in_money_code, "state/a.py", "f(key=float)"),
    (rules.prints, "streams/a.py", "print(1)"),
    (rules.prints, "api/a.py", "debug = print"),
    (rules.confined_imports, "streams/settle.py", "import confluent_kafka"),
    (rules.confined_imports, "ops/bench/a.py", "from confluent_kafka import Consumer"),
    (rules.confined_imports, "state/seen.py", "from rocksdict import Rdict"),
    (rules.confined_imports, "streams/usage.py", "def f():\n    import pyruhvro"),
    (rules.confined_imports, "ops/view.py", "import sqlite3"),
    (rules.confined_imports, "ops/a.py", "from fastapi.responses import JSONResponse"),
    (rules.confined_imports, "api/a.py", "import importlib\nimportlib.import_module('typer')"),
    (rules.imports_of_tests, "ops/a.py", "from tests.builders import usage"),
    (rules.imports_of_tests, "ops/a.py", "import hypothesis.strategies"),
    (rules.impure_stations, "streams/usage.py", "import time"),
    (rules.impure_stations, "streams/rating.py", "from random import Random"),
    (rules.impure_stations, "streams/accrual.py", "from streams.kafka import KafkaLog"),
    (rules.impure_stations, "streams/statement.py", "from . import local"),
    (rules.impure_stations, "streams/attribution.py", "from .local_database import open_store"),
    (rules.impure_stations, "streams/duplicates.py", "import numpy as np\nnp.random.default_rng()"),
    (rules.dependent_oracle, "ops/oracle.py", "from schemas.codes import Role"),
    (rules.dependent_oracle, "ops/oracle_usage.py", "from streams import log"),
    (rules.dependent_oracle, "ops/oracle_rating.py", "import state.tables"),
    (rules.dependent_oracle, "ops/oracle.py", "from ..api import app"),
    (rules.dependent_oracle, "ops/oracle.py", "from ops.bench import workload"),
    (rules.code_in_package_files, "ops/__init__.py", '"""Doc."""\nfrom ops import cli'),
]

# The same, with snippets that look alike and are in order.
IN_ORDER: list[tuple[Rule, str, str]] = [
    (rules.long_lines, "streams/a.py", "é" * 100),
    (rules.long_lines, "docs/page.md", "a" * 101),
    (rules.unfinished_work, "streams/a.py", "# the method of todos"),
    (rules.registry_addresses, "scripts/pom.xml", "http://maven.apache.org/POM/4.0.0"),
    (rules.machine_paths, "docs/page.md", "streams/work/ and https://example.org/work/x"),
    (rules.unreasoned_exceptions, "pyproject.toml", '    "D105", # the class explains the rest'),
    (rules.long_files, "tests/a.py", "\n" * 400),
    (rules.long_functions, "streams/a.py", "def f():\n" + "    a = 1\n" * 59),
    (rules.missing_future_annotations, "streams/a.py", f'"""Doc."""\n{FUTURE}import json'),
    (rules.missing_future_annotations, "ops/__init__.py", '"""Doc."""'),
    (rules.missing_docstrings, "streams/a.py", '"""Doc."""\ndef _f():\n    pass'),
    (rules.missing_docstrings, "a.py", '"""Doc."""\n@overload\ndef f(): ...'),
    (rules.bare_excepts, "api/a.py", "try:\n    f()\nexcept OSError:\n    g()"),
    (rules.silent_excepts, "api/a.py", "try:\n    f()\nexcept KeyError:\n    pass"),
    (rules.silent_excepts, "api/a.py", "try:\n    f()\nexcept Exception as e:\n    g(e)"),
    (rules.wall_clock, "ops/worker.py", "import time\ntime.time()"),
    (rules.wall_clock, "streams/kafka_admin.py", "import time\ntime.time_ns()"),
    (rules.wall_clock, "streams/a.py", "row.time.time\nrow.now()\ntime = 1"),
    (rules.floats_in_money_code, "ops/bench/a.py", "float(1)"),
    (
        rules.floats_in_money_code,
        "schemas/money.py",
        "def f(a: float): return isinstance(a, float)",
    ),
    (rules.prints, "ops/cli.py", "print(1)"),
    (rules.prints, "streams/a.py", "table.print()"),
    (rules.confined_imports, "streams/kafka_reader.py", "import confluent_kafka"),
    (rules.confined_imports, "schemas/columns.py", "import pyruhvro"),
    (rules.confined_imports, "tests/streams/test_local.py", "import sqlite3"),
    (rules.imports_of_tests, "tests/ops/test_a.py", "import pytest"),
    (rules.impure_stations, "streams/settle.py", "import time"),
    (rules.impure_stations, "streams/usage.py", "from streams.log import Segment\nrow.time"),
    (rules.dependent_oracle, "ops/oracle.py", "import csv\nfrom ops.oracle_usage import read"),
    (rules.dependent_oracle, "ops/verify.py", "from state import tables"),
    (rules.code_in_package_files, "ops/__init__.py", '"""Doc."""'),
]


@pytest.mark.parametrize(("rule", "path", "text"), BROKEN, ids=lambda v: getattr(v, "__name__", ""))
def test_a_rule_catches(rule: Rule, path: str, text: str) -> None:
    """The rule finds the fault in a snippet that breaks it, and names the file."""
    findings = list(rule(Source(path, text)))
    assert findings
    assert all(finding.startswith(f"{path}:") for finding in findings)


@pytest.mark.parametrize(
    ("rule", "path", "text"), IN_ORDER, ids=lambda v: getattr(v, "__name__", "")
)
def test_a_rule_allows(rule: Rule, path: str, text: str) -> None:
    """The rule has nothing to say about a snippet that is in order."""
    assert list(rule(Source(path, text))) == []


def test_every_rule_is_tried_both_ways() -> None:
    """Each rule is known to fail where it should, and only there."""
    every = {*rules.TEXT_RULES, *rules.PYTHON_RULES}
    assert {rule for rule, _, _ in BROKEN} == every
    assert {rule for rule, _, _ in IN_ORDER} == every


def test_a_module_without_tests_is_found() -> None:
    """A module needs its own test file in the mirrored place; a package's own file does not."""
    paths = ["state/__init__.py", "state/seen.py", "tests/test_seen.py", "ops/bench/workload.py"]
    assert list(rules.untested_modules(paths)) == [
        "state/seen.py: tests/state/test_seen.py is missing",
        "ops/bench/workload.py: tests/ops/bench/test_workload.py is missing",
    ]
    mirrored = ["tests/state/test_seen.py", "tests/ops/bench/test_workload.py"]
    assert list(rules.untested_modules([*paths, *mirrored])) == []


def test_code_at_the_root_is_found() -> None:
    """A module at the root is found; one in a package and other files are not."""
    paths = ["setup.py", "ops/cli.py", "pyproject.toml"]
    assert list(rules.code_at_the_root(paths)) == ["setup.py: code at the root"]
