"""Pools: agreements that deals over items of several of them join.

A deal may be over items of other agreements of its pool, which lie in one partition. Then what one
agreement books moves a line of another, so they are looked at as one: they lie on one counter of
deals, are closed together, and late usage is booked in the first period that is open in all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from schemas.deals import OF_ANOTHER


def qualified(agreement: str, item: str) -> str:
    """An item as a deal of another agreement names it."""
    return f"{agreement}{OF_ANOTHER}{item}"


def joined(over: Mapping[str, Iterable[str]]) -> dict[str, tuple[str, ...]]:
    """The close group of each agreement that has one: its members in order, itself included.

    Args:
        over: for each agreement everything that its deals are over.
    """
    groups: dict[str, set[str]] = {}
    for agreement, names in over.items():
        for other, slash, _ in (name.partition(OF_ANOTHER) for name in names):
            if slash:
                both = groups.get(agreement, {agreement}) | groups.get(other, {other})
                groups.update(dict.fromkeys(both, both))
    return {agreement: tuple(sorted(members)) for agreement, members in groups.items()}


def group_of(groups: Mapping[str, Sequence[str]], agreement: str) -> Sequence[str]:
    """The agreements that are closed together with one, itself included."""
    return groups.get(agreement, (agreement,))
