"""What must hold between splits and those who receive from them.

Within an agreement: the parts of a split are the whole, one of them its own, and what is divided is
the rounded charge of single events. Over all agreements: every receiver has the received item in
each of its versions that can be in force together with the split, in the same currency and with
decimals that hold every part; and no share comes back to where it came from.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from schemas.agreements import Agreement, Item, Version, items_of
from schemas.codes import RoundingPlace
from schemas.documents import Finding, Path
from schemas.money import NANOS
from schemas.prices import BandedPrice, EventPrice, ReceivedPrice
from schemas.splits import PARTIES_MAX, Split

GENERATIONS_MAX = 8
WHOLE_MAX = 2**31  # the common denominator of parts, so that products of it stay within 64 bits

Node = tuple[str, int, str]  # agreement, version number, item


def check_splits(agreement: Agreement) -> Iterator[Finding]:
    """Splits divide the whole of what can be divided, and received items say nothing else."""
    for path, item in items_of(agreement):
        if isinstance(item.price, ReceivedPrice):
            for field in ("where", "count", "regulated"):
                if getattr(item, field) is not None:
                    yield (*path, field), "is not for a received item; remove it"
            if item.surcharge:
                yield (*path, "surcharge"), "is not for a received item; remove it"
        if item.split is not None:
            version = agreement.versions[int(path[1])]
            yield from _check_divisible((*path, "split"), item, version)
            yield from _check_parties((*path, "split"), item.split)


def _check_divisible(here: Path, item: Item, version: Version) -> Iterator[Finding]:
    """What is divided is the rounded charge of single events."""
    place = version.rounding.place
    if not isinstance(item.price, EventPrice | BandedPrice | ReceivedPrice):
        yield here, "divides charges of single events, and this price is of the period; remove it"
    elif place is not RoundingPlace.RECORD:
        told = f"is rounded by the {place.label}, so single charges cannot be divided"
        yield here, f"{told}; write rounding.place: record"


def _check_parties(here: Path, split: Split) -> Iterator[Finding]:
    """The parties are told apart, one of them is the agreement itself, their parts the whole."""
    parties = split.parties
    if len(parties) > PARTIES_MAX:
        yield (*here, "parties"), f"has more than {PARTIES_MAX} parties; divide in several splits"
    seen: set[tuple[str | None, str | None]] = set()
    for index, party in enumerate(parties):
        at: Path = (*here, "parties", index)
        if (party.agreement is None) != (party.item is None):
            field = "item" if party.item is None else "agreement"
            yield (
                (*at, field),
                "is missing; name agreement and item, or neither of them",
            )
        if (party.percent_nanos is None) == (party.part is None):
            yield (*at, "percent"), "is to be said once; write either percent or part"
        if party.agreement is not None and (party.agreement, party.item) in seen:
            name = f"{party.agreement}/{party.item}"
            yield (*at, "item"), f"{name!r} is given twice; add the two parts"
        seen.add((party.agreement, party.item))
    own = sum(party.agreement is None for party in parties)
    if own != 1:
        told = "names no party without agreement" if own == 0 else "names several without agreement"
        yield (*here, "parties"), f"{told}; exactly one is this agreement itself"
    weights = [party.weight for party in parties]
    total = sum(weights, Fraction(0))
    if total != 1:
        yield (*here, "parties"), f"add up to {_percent(total)} %, not 100; mend the parts"
    if math.lcm(*(weight.denominator for weight in weights)) > WHOLE_MAX:
        told = f"have a common denominator above {WHOLE_MAX}"
        yield (*here, "parties"), f"{told}; write parts whose denominators go together"


def _percent(part: Fraction) -> str:
    """A part as a percentage, exact where it is a decimal of seven places."""
    percent = part * 100
    if NANOS // 100 % percent.denominator:
        return f"{percent.numerator}/{percent.denominator}"
    whole, rest = divmod(percent.numerator * (NANOS // 100) // percent.denominator, NANOS // 100)
    return f"{whole}.{rest:07d}".rstrip("0").rstrip(".")


@dataclass(frozen=True)
class _Edge:
    """A share: from where to where, and where it is said."""

    sender: Node
    receiver: Node
    agreement: Agreement
    path: Path


def check_receivers(
    agreements: Sequence[Agreement], names: Collection[str]
) -> Iterator[tuple[Agreement, Finding]]:
    """What splits say of other agreements, each finding with the agreement that says it.

    `names` are those of all agreements, also of one with mistakes, which are told where it stands.
    """
    known = {agreement.agreement: agreement for agreement in agreements}
    edges: list[_Edge] = []
    for agreement in agreements:
        for path, item in items_of(agreement):
            if item.split is None:
                continue
            version = agreement.versions[int(path[1])]
            for index, party in enumerate(item.split.parties):
                here: Path = (*path, "split", "parties", index)
                if party.agreement is None or party.item is None:
                    continue
                if party.agreement not in known:
                    if party.agreement not in names:
                        told = f"there is no agreement {party.agreement!r}; add it"
                        yield agreement, ((*here, "agreement"), told)
                    continue
                receiver = known[party.agreement]
                for finding in _check_receiver(here, version, receiver, party.item):
                    yield agreement, finding
                sender = (agreement.agreement, version.version, item.item)
                edges += (
                    _Edge(sender, (receiver.agreement, other.version, party.item), agreement, here)
                    for other in _beside(version, receiver)
                )
    yield from _check_chains(edges)


def _beside(version: Version, receiver: Agreement) -> Iterator[Version]:
    """The versions of a receiver that can be in force together with one of the sender."""
    for other in receiver.versions:
        first = max(version.valid_from_s, other.valid_from_s)
        if first < min(version.valid_upto_s, other.valid_upto_s):
            yield other


def _check_receiver(
    here: Path, version: Version, receiver: Agreement, name: str
) -> Iterator[Finding]:
    """Each version of a receiver beside the split has the item, and can hold every part."""
    told: set[str] = set()
    for other in _beside(version, receiver):
        of = f"{receiver.agreement} version {other.version}"
        found = next((item for item in other.items if item.item == name), None)
        if found is None or not isinstance(found.price, ReceivedPrice):
            if "item" not in told:
                advice = "give it one with price {kind: received}"
                yield (*here, "item"), f"{name!r} is no received item of {of}; {advice}"
            told.add("item")
            continue
        if other.currency != version.currency and "currency" not in told:
            amounts = f"{of} is in {other.currency}, this version in {version.currency}"
            yield (*here, "agreement"), f"{amounts}; a part keeps its currency"
            told.add("currency")
        decimals, own = other.decimals, version.decimals
        if decimals < own and "decimals" not in told:
            amounts = f"{of} rounds to {decimals} decimals, this version to {own}"
            yield (*here, "agreement"), f"{amounts}; a part is not rounded again: give it {own}"
            told.add("decimals")


def _check_chains(edges: Sequence[_Edge]) -> Iterator[tuple[Agreement, Finding]]:
    """No share comes back to where it came from, and none goes on for too long."""
    onward: dict[Node, list[_Edge]] = {}
    for edge in edges:
        onward.setdefault(edge.sender, []).append(edge)
    depth: dict[Node, int] = {}
    for start in onward:
        found = _circle(start, onward, depth)
        if found is not None:
            nodes = " > ".join(f"{node[0]}/{node[2]}" for node in found)
            edge = onward[found[0]][0]
            yield edge.agreement, (edge.path[:-2], f"{nodes} is a circle; end it somewhere")
            return
    for start, length in depth.items():
        if length > GENERATIONS_MAX:
            edge = onward[start][0]
            told = f"goes on for {length} agreements; shares are shared {GENERATIONS_MAX} times"
            yield edge.agreement, (edge.path[:-2], f"{told} at most")


def _circle(
    start: Node, onward: Mapping[Node, Sequence[_Edge]], depth: dict[Node, int]
) -> list[Node] | None:
    """A way from a node back to itself; without one, how far shares go from each node on it."""
    way: list[tuple[Node, int]] = [(start, 0)]  # a node, and how many of its edges were followed
    on_way = {start}
    while way:
        node, followed = way[-1]
        edges = onward.get(node, ())
        if node in depth or followed == len(edges):
            if node not in depth:
                depth[node] = max((1 + depth[edge.receiver] for edge in edges), default=0)
            way.pop()
            on_way.discard(node)
            continue
        way[-1] = (node, followed + 1)
        receiver = edges[followed].receiver
        if receiver in on_way:
            nodes = [one for one, _ in way]
            return [*nodes[nodes.index(receiver) :], receiver]
        if receiver not in depth:
            way.append((receiver, 0))
            on_way.add(receiver)
    return None
