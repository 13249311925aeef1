"""What the auditor demands, and what it says when something does not hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Violation(AssertionError):
    """A rule that does not hold; `rule` is its name."""

    def __init__(self, rule: str, facts: object) -> None:
        super().__init__(f"{rule}: {facts}")
        self.rule = rule


def demand(condition: bool, rule: str, facts: object) -> None:
    """Stop the simulation when a rule does not hold."""
    if not condition:
        raise Violation(rule, facts)


def differences(found: Mapping[Any, Any], expected: Mapping[Any, Any]) -> list[tuple[Any, ...]]:
    """Keys with what was found and what was expected, where these differ; at most five."""
    keys = [k for k in found.keys() | expected.keys() if found.get(k) != expected.get(k)]
    return [(k, found.get(k), expected.get(k)) for k in sorted(keys, key=str)[:5]]
