"""What selectors may say of an item, and when two items of one version would tie.

A condition on something that the service's usage never has would match nothing, and a key that
makes no leg of the item's role neither: both are typing errors. Two items of equal precedence that
can match one event are worse, for then the order in a file would decide what somebody pays. Whether
they can is known without any usage: fields are independent of each other, so two items with
conditions on the same fields tie exactly when the values of every field have one in common. For
prefixes that is the same prefix in both: of two different ones the longer wins.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cache

from schemas.agreements import Agreement, Item, items_of
from schemas.books import MasterItem
from schemas.codes import Direction, KeyKind, Number, Role, Service
from schemas.documents import Finding, Path
from schemas.prices import DeckPrice, ReceivedPrice
from schemas.registry import current_schema
from schemas.selectors import ROLE_KINDS, USAGE_COLUMNS, BandCondition, Where

Combination = tuple[Role, Service, Direction]


def check_conditions_fit(agreement: Agreement) -> Iterator[Finding]:
    """Each condition is on something that usage of the item's service and role can have."""
    for number, version in enumerate(agreement.versions):
        for index, item in enumerate(version.items):
            if item.where is not None:
                here: Path = ("versions", number, "items", index, "where")
                yield from _check_where(here, item, item.where)


def _check_where(here: Path, item: Item, where: Where) -> Iterator[Finding]:
    """What is wrong with the conditions of one item."""
    service = item.service
    for field in where.conditions:
        column = USAGE_COLUMNS.get(field)
        if column is not None and column not in _fields(service):
            yield (*here, field), f"{service.label} usage has no {column}; remove it"
    for place, key in enumerate(where.key or ()):
        kinds = ROLE_KINDS[item.role]
        if KeyKind.of(key.partition(":")[0]) not in kinds:
            fitting = " or ".join(f"{kind.label}:NAME" for kind in kinds)
            message = f"{key!r} makes no leg of role {item.role.label}; write {fitting}"
            yield (*here, "key", place), message
    if where.listed and not isinstance(item.price, DeckPrice):
        yield (*here, "listed"), "is for prices of kind deck; remove it"


@cache
def _fields(service: Service) -> frozenset[str]:
    """The fields that usage of a service has."""
    return frozenset(field["name"] for field in current_schema(service)["fields"])


def check_precedence(agreement: Agreement) -> Iterator[Finding]:
    """No two items of a version that can match one event have equal precedence."""
    for number, version in enumerate(agreement.versions):
        here: Path = ("versions", number, "items")
        covering = _covering(version.items)
        told: set[int] = set()
        for usage, indices in covering.items():
            competing = [i for i in indices if not version.items[i].surcharge]
            for (one, other), path, message in _ties(version.items, usage, competing):
                if other not in told:
                    told.add(other)
                    yield (*here, other, path), message.format(version.items[one].item)
                    if path == "where":
                        yield (*here, one, path), message.format(version.items[other].item)


def check_surcharges(agreement: Agreement) -> Iterator[Finding]:
    """A surcharge is added to a price, so there must be an item that has one."""
    for number, version in enumerate(agreement.versions):
        told: set[int] = set()
        for usage, indices in _covering(version.items).items():
            if all(version.items[index].surcharge for index in indices):
                words = " ".join(part.label for part in usage)
                message = f"has nothing to be added to: no item prices {words}; add one"
                for index in indices:
                    if index not in told:
                        told.add(index)
                        yield ("versions", number, "items", index, "surcharge"), message


def _covering(items: Sequence[Item]) -> dict[Combination, list[int]]:
    """The places of the items that cover each role, service and direction."""
    covering: dict[Combination, list[int]] = defaultdict(list)
    for index, item in enumerate(items):
        if isinstance(item.price, ReceivedPrice):
            continue  # no usage leads to it
        for direction in item.directions:
            covering[item.role, item.service, direction].append(index)
    return covering


def _ties(
    items: Sequence[Item], usage: Combination, indices: Sequence[int]
) -> Iterator[tuple[tuple[int, int], str, str]]:
    """Pairs of items of equal precedence: which, in which field to say so, and what to say."""
    alike: dict[tuple[bool, tuple[str, ...]], list[int]] = defaultdict(list)
    for index in indices:
        where, is_master = items[index].where, isinstance(items[index], MasterItem)
        alike[is_master, () if where is None else where.conditions].append(index)
    for (_, fields), group in alike.items():
        if not fields:
            words = " ".join(part.label for part in usage)
            for other in group[1:]:
                message = f"covers {words} like item {{!r}}; let one item cover it"
                yield (group[0], other), "direction", message
            continue
        for one, other in _overlapping([(i, items[i].where) for i in group], fields):
            both = _shared(items[one].where, items[other].where, fields)
            message = (
                "covers the same usage as item {!r} with equal precedence"
                f" (both: {both}); give one another condition"
            )
            yield (one, other), "where", message


def _overlapping(
    group: Sequence[tuple[int, Where | None]], fields: Sequence[str]
) -> Iterator[tuple[int, int]]:
    """The pairs of a group whose values meet in every field.

    There may be thousands of items, so only those are compared that share a value of the field
    that tells them apart best.
    """
    values = {
        # Two different characteristics or plans may both hold, so they tell nothing apart by value.
        field: [
            (i, where.values(field) if field not in ("characteristic", "band") else ("",))
            for i, where in group
            if where is not None
        ]
        for field in fields
    }
    best = max(fields, key=lambda field: len({v for _, vs in values[field] for v in vs}))
    known = dict(group)
    holders: dict[str | int, list[int]] = defaultdict(list)
    for index, listed in values[best]:
        met: set[int] = set()
        for value in listed:
            for other in holders[value]:
                if other not in met and _shared(known[other], known[index], fields):
                    met.add(other)
                    yield other, index
            holders[value].append(index)


def _shared(one: Where | None, other: Where | None, fields: Sequence[str]) -> str:
    """A value of every field that both conditions list, in words; empty when one has none."""
    told = []
    for field in fields:
        if one is None or other is None:
            return ""
        if field == "characteristic":
            both = _both_hold(one.characteristic or {}, other.characteristic or {})
            if not both:
                return ""
            told.append(f"characteristic {both}")
            continue
        if field == "band" and one.band and other.band and one.band.plan != other.band.plan:
            told.append(f"band {one.values(field)[0]} and {other.values(field)[0]}")
            continue
        common = [value for value in one.values(field) if value in other.values(field)]
        if not common:
            return ""
        told.append(f"{field} {common[0]}" if field != "listed" else "listed")
    return ", ".join(told)


def _both_hold(one: Mapping[str, Sequence[str]], other: Mapping[str, Sequence[str]]) -> str:
    """What a key could have that meets both conditions, in words; empty when it cannot."""
    told = []
    for name in sorted({*one, *other}):
        if name in one and name in other:
            common = [value for value in one[name] if value in other[name]]
            if not common:
                return ""
            told.append(f"{name} {common[0]}")
        else:
            told.append(f"{name} {(one.get(name) or other[name])[0]}")
    return " and ".join(told)


def characteristic_conditions(agreement: Agreement) -> Iterator[tuple[Path, str]]:
    """The characteristics that an agreement's conditions ask for, and where."""
    for path, item in items_of(agreement):
        for name in (item.where and item.where.characteristic) or ():
            yield (*path, "where", "characteristic", name), name


def band_conditions(agreement: Agreement) -> Iterator[tuple[Path, BandCondition]]:
    """The time bands that an agreement's conditions name, and where."""
    for path, item in items_of(agreement):
        if item.where is not None and item.where.band is not None:
            yield (*path, "where", "band"), item.where.band


def key_conditions(agreement: Agreement) -> Iterator[tuple[Path, str]]:
    """The attribution keys that an agreement's conditions name, and where."""
    for path, item in items_of(agreement):
        for index, key in enumerate((item.where and item.where.key) or ()):
            yield (*path, "where", "key", index), key


def calling_decks(agreement: Agreement) -> Iterator[tuple[Path, str]]:
    """The decks that an agreement looks callers up in, and where it says so."""
    for path, item in items_of(agreement):
        if isinstance(item.price, DeckPrice) and item.price.number is Number.CALLING:
            yield (*path, "price", "number"), item.price.deck
