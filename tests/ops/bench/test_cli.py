"""`weir bench` offers its benchmarks, and says so by its exit code when a result is not exact."""

from __future__ import annotations

import json
import re
from contextlib import nullcontext
from typing import Any

import pytest
from typer.testing import CliRunner

from ops.bench import cli
from ops.bench.rate import Setting

COMMANDS = {"accruals", "pricing", "rate", "envelope", "flat", "freshness", "embedded", "recovery"}


def test_help_lists_every_benchmark() -> None:
    """All are there, each with a line that says what it measures."""
    done = CliRunner().invoke(cli.bench_app, ["--help"])
    assert done.exit_code == 0
    lines = re.sub(r"\x1b\[[\d;]*m", "", done.stdout).splitlines()
    words = {word for line in lines for word in line.strip("│ ").split()[:1]}
    assert words >= COMMANDS
    assert {command.name for command in cli.bench_app.registered_commands} == COMMANDS


@pytest.mark.parametrize(("checked", "code"), [("exact", 0), ("3 rows differ", 1)])
def test_a_result_that_is_not_exact_is_a_finding(
    monkeypatch: pytest.MonkeyPatch, checked: str, code: int
) -> None:
    """The figures are printed in any case, but a script sees that they are worth nothing."""
    asked: list[tuple[str, Setting]] = []

    def measure(address: str, setting: Setting) -> dict[str, Any]:
        asked.append((address, setting))
        return {"ratio_to_ceiling": 0.5, "checked": checked}

    monkeypatch.setattr(cli, "measure", measure)
    given = ["rate", "--events", "10", "--envelope", "2", "--brokers", "there:9092", "-o", "json"]
    done = CliRunner().invoke(cli.bench_app, given)
    assert done.exit_code == code
    assert json.loads(done.stdout) == {"ratio_to_ceiling": 0.5, "checked": checked, "runs": [0.5]}
    assert asked == [("there:9092", Setting(10, 2))]


def test_both_forms_of_messages_are_measured_by_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three runs each, so that a change of pace meets both: 600 / 400 in the middle."""
    rates = iter([400, 500, 300, 600, 500, 700])
    sizes: list[int] = []

    def measure(address: str, setting: Setting, *, ceiling: bool) -> dict[str, Any]:
        assert (address, ceiling) == ("here:9092", False)
        sizes.append(setting.envelope)
        return {"events_per_second": next(rates), "checked": "exact"}

    monkeypatch.setattr(cli, "measure", measure)
    monkeypatch.setattr(cli, "broker", lambda _: nullcontext("here:9092"))
    done = CliRunner().invoke(cli.bench_app, ["envelope", "-o", "json"])
    assert sizes == [1, 200, 1, 200, 1, 200]
    assert json.loads(done.stdout)["ratio"] == 1.5


def test_flat_cost_is_measured_pair_by_pair(monkeypatch: pytest.MonkeyPatch) -> None:
    """By turns within a pair, as two workloads are kept: 240 / 400 partners, 300 / 400 prefixes."""
    rates = iter([400, 240, 500, 200, 300, 250, 400, 300, 400, 300, 400, 300])
    partners: list[int] = []

    def measure(address: str, setting: Setting, *, ceiling: bool) -> dict[str, Any]:
        assert (address, ceiling) == ("here:9092", False)
        partners.append(setting.shape.partners)
        rate = next(rates)
        return {"events_per_second": rate, "checked": "exact", "peak_memory_mebibytes": 1}

    monkeypatch.setattr(cli, "measure", measure)
    monkeypatch.setattr(cli, "broker", lambda _: nullcontext("here:9092"))
    done = CliRunner().invoke(cli.bench_app, ["flat", "-o", "json"])
    assert partners == [120, 5_000] * 3 + [120] * 6
    found = json.loads(done.stdout)
    assert (found["partners_ratio"], found["prefixes_ratio"]) == (0.6, 0.75)


def test_figures_stand_in_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a form, a person gets a line a figure."""
    monkeypatch.setattr(cli, "recovery", lambda rows: {"accrual_rows": rows})
    done = CliRunner().invoke(cli.bench_app, ["recovery", "--rows", "12345"])
    assert done.exit_code == 0
    [line] = [line for line in done.stdout.splitlines() if "accrual_rows" in line]
    assert "12345" in line
