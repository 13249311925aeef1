"""Looking into what a master told: JSON in which anything may be missing or of another type.

The reader has made the shapes of both dialects one, and refused what cannot be read. What is left
deep inside (a product within an item of an order) may still be of any type. A look never fails:
what is not there, or is not of the type that is looked for, is empty.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Values = Mapping[str, Any]


def text(value: object) -> str:
    """A text without the blanks around it, or a whole number as text; empty for anything else."""
    if isinstance(value, str):
        return value.strip()
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def word(value: object) -> str:
    """A state, status or role to be compared: its text in lower case."""
    return text(value).casefold()


def member(value: object, name: str) -> Values:
    """The object under a name of an object; empty when there is none."""
    found = value.get(name) if isinstance(value, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def members(value: object) -> Sequence[Values]:
    """The objects of a list; a single object counts as a list of one."""
    if isinstance(value, Mapping):
        return [value]
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def characteristic(value: Values, name: str) -> object:
    """The value of a characteristic; None when there is none."""
    return member(value, "characteristics").get(name)
