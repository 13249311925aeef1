"""The oracle's splits: who has which part of an amount, and how whole units are shared out.

An amount is dealt out unit by unit in the mind: everybody is due an exact fraction, has what is
whole of it, and the units that remain are handed out one at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from ops.oracle_files import exact, mapping

Rounds = Callable[[Fraction], int]


@dataclass(frozen=True)
class Party:
    """One that has a part: an item of an agreement, or nobody named, which is the agreement."""

    agreement: str
    item: str
    part: Fraction


@dataclass(frozen=True)
class Split:
    """A rule and the parties in their order."""

    rule: str
    parties: tuple[Party, ...]


def read_split(entry: Mapping[str, object]) -> Split | None:
    """The split of an item, if it has one."""
    if "split" not in entry:
        return None
    split = mapping(entry["split"])
    parties = split["parties"]
    if not isinstance(parties, list):
        raise TypeError("parties are not a list")
    return Split(str(split["rule"]), tuple(_party(mapping(party)) for party in parties))


def _party(entry: Mapping[str, object]) -> Party:
    """One party; a fraction is written as one or as a percentage."""
    if "percent" in entry:
        part = exact(entry["percent"]) / 100
    else:
        over, _, under = str(entry["part"]).partition("/")
        part = exact(over) / exact(under or "1")
    return Party(str(entry.get("agreement", "")), str(entry.get("item", "")), part)


def divide(units: int, split: Split, rounds: Rounds) -> list[int]:
    """Whole units for every party, in their order.

    Args:
        units: all there are; below zero everybody has the mirror of what is above.
        split: who has which part.
        rounds: how the agreement rounds, for rules that round parts.
    """
    if units < 0:
        return [-part for part in divide(-units, split, rounds)]
    due = [units * party.part for party in split.parties]
    if split.rule == "rest_to_last":
        left, found = units, []
        for part in due[:-1]:
            found.append(min(rounds(part), left))
            left -= found[-1]
        return [*found, left]
    found = [part.numerator // part.denominator for part in due]
    places = range(len(due))
    if split.rule == "first_parts":
        turns = [place for place in places if split.parties[place].part]
    else:
        turns = sorted(places, key=lambda place: found[place] - due[place])  # stable: ties in order
    for place in turns[: units - sum(found)]:
        found[place] += 1
    return found
