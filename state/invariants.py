"""Invariants: what must hold whatever the input says, checked in production.

A *condition* is about the input; when it fails the row gets a reason and the stream goes on. An
*invariant* is about Weir itself; when it fails the process stops before it commits anything, since
a wrong amount is worse than a late one. Python's `assert` will not do, because `-O` removes it.
"""

from __future__ import annotations

from collections.abc import Callable


class InvariantViolation(Exception):
    """Weir is wrong about itself; nothing of the current batch may be committed."""


_observers: list[Callable[[str], None]] = []


def observe(callback: Callable[[str], None]) -> None:
    """Be told the sentence of every violation, for metrics; it is raised all the same."""
    _observers.append(callback)


def invariant(condition: bool, sentence: str, **facts: object) -> None:  # noqa: FBT001
    """Stop when a condition that must always hold does not.

    Args:
        condition: what must hold.
        sentence: the rule, stated positively.
        facts: what was found instead.

    Raises:
        InvariantViolation: it does not hold.
    """
    if not condition:
        for callback in _observers:
            callback(sentence)
        found = ", ".join(f"{name}={value!r}" for name, value in facts.items())
        msg = f"Invariant: {sentence}" + (f" ({found})" if found else "")
        raise InvariantViolation(msg)
