"""The oracle's close groups: agreements of which one has a deal over items of another.

A line of another agreement is looked at under the name that deals give it, AGREEMENT/item, and
under no version: each deal takes it for one of its own last version.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

from ops.oracle_deals import NO_VERSION, Money, Place
from ops.oracle_reference import Reference

Seen = TypeVar("Seen")


def close_groups(reference: Reference) -> dict[str, list[str]]:
    """For each agreement every one that is closed with it, itself included, found by walking."""
    beside: dict[str, set[str]] = {name: set() for name in reference.agreements}
    for name, of in reference.agreements.items():
        deals = (deal for version in of.versions for deal in version.deals)
        for other in (over.split("/")[0] for deal in deals for over in deal.over if "/" in over):
            beside[name].add(other)
            beside[other].add(name)
    found: dict[str, list[str]] = {}
    for name in beside:
        group, ahead = [name], [name]
        while ahead:
            more = sorted(beside[ahead.pop()] - {*group})
            group += more
            ahead += more
        found[name] = group
    return found


def as_seen_by(
    agreement: str, of: str, lines: Mapping[Place, Seen]
) -> Iterator[tuple[Place, Seen]]:
    """The lines of an agreement as the deals of another one name them, each version apart."""
    for place, line in lines.items():
        if of == agreement:
            yield place, line
        else:
            item = f"{of}/{place.item}" if place.item else ""
            yield place._replace(version=NO_VERSION - place.version, item=item), line


def stated_beside(
    agreement: str, group: Iterable[str], usage: Mapping[tuple[str, str], Mapping[Place, Money]]
) -> dict[str, dict[Place, Money]]:
    """What is stated of an agreement and of those closed with it, by original period."""
    found: dict[str, dict[Place, Money]] = {}
    members = {*group}
    for (name, period), lines in usage.items():
        if name in members:
            found.setdefault(period, {}).update(as_seen_by(agreement, name, lines))
    return found
