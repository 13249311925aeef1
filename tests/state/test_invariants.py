"""An invariant stops the process, says what it found, and is told to whoever counts."""

from __future__ import annotations

import subprocess
import sys

import pytest

from state import invariants
from state.invariants import InvariantViolation, invariant, observe


def test_what_holds_passes_in_silence() -> None:
    """Nothing happens while the rule holds."""
    invariant(True, "one is one", one=1)  # noqa: FBT003


def test_what_does_not_hold_names_rule_and_facts() -> None:
    """The message has the rule, stated positively, and what was found instead."""
    with pytest.raises(
        InvariantViolation, match=r"^Invariant: it adds up \(read=2, counted='1'\)$"
    ):
        invariant(False, "it adds up", read=2, counted="1")  # noqa: FBT003


def test_observers_hear_of_every_violation(monkeypatch: pytest.MonkeyPatch) -> None:
    """A metric counts the sentence, and the exception is raised all the same."""
    monkeypatch.setattr(invariants, "_observers", [])
    heard: list[str] = []
    observe(heard.append)
    with pytest.raises(InvariantViolation, match=r"^Invariant: it adds up$"):
        invariant(False, "it adds up")  # noqa: FBT003
    assert heard == ["it adds up"]


def test_invariants_survive_optimisation() -> None:
    """Under `python -O`, which removes asserts, an invariant still stops the process."""
    program = "from state.invariants import invariant\ninvariant(False, 'it holds')"
    ended = subprocess.run(
        [sys.executable, "-O", "-c", program], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert "Invariant: it holds" in ended.stderr
