"""Territory: where a partner may use what was agreed.

A version of an agreement may say to which numbers and in which networks it holds. A number is the
one that prices go by, the routing number where usage has one, else the called number; it has to
begin with one of the prefixes. A network is the visited one where usage names it, else the home
network; it has to be one of those listed. Usage without a number or network is not asked for it.
Territory decides whether usage is settled at all, conditions of items (`schemas/selectors.py`)
which price it has.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, field_validator, model_validator

from schemas.fields import Strict
from schemas.selectors import NumberPrefixes, Words


def _apart(prefixes: tuple[str, ...]) -> tuple[str, ...]:
    """Prefixes none of which lies within another one."""
    for prefix in prefixes:
        for other in prefixes:
            if prefix != other and prefix.startswith(other):
                raise ValueError(f"{prefix!r} begins with {other!r}, which is listed; remove it")
    return prefixes


class Territory(Strict):
    """The beginnings of numbers, and the networks, that a version holds for; None: any."""

    called: Annotated[NumberPrefixes, AfterValidator(_apart)] | None = None
    networks: Words | None = None

    @field_validator("*", mode="before")
    @classmethod
    def _given(cls, value: object) -> object:
        """A list that is left empty would hold for nothing or for everything."""
        if value is None:
            raise ValueError("is empty; write at least one value, or remove the field")
        return value

    @model_validator(mode="after")
    def _some(self) -> Territory:
        """A territory that says nothing is none."""
        if self.called is None and self.networks is None:
            raise ValueError("is empty; write called, networks or both, or remove the field")
        return self

    def __str__(self) -> str:
        """As people read it: `called 49 or 43, networks 26207`."""
        told = {"called": self.called, "networks": self.networks}
        return ", ".join(f"{what} {' or '.join(v)}" for what, v in told.items() if v is not None)
