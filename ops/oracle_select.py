"""The oracle's selection: which item of a version prices a leg, and which ones are added to it.

Every item of the leg's role, service and direction is a candidate. Its conditions are held against
the event one after the other, numbers by cutting off digits from the right until a prefix is in the
list. Those that hold are sorted by what the terms say of precedence, as a plain tuple, and the
first of them is it. Surcharges do not take part: every one whose conditions hold is added.
"""

from __future__ import annotations

from collections.abc import Collection
from zoneinfo import ZoneInfo

from ops.oracle_attribution import Claim
from ops.oracle_bands import band_at
from ops.oracle_prices import Price
from ops.oracle_reference import Item, Reference, Version
from ops.oracle_usage import Usage, is_number

# The fields of a condition by weight, and the usage field that each looks at.
WEIGHTS = (
    ("key", ""),
    ("characteristic", ""),
    ("routing", "routing_number"),
    ("called", "called_number"),
    ("calling", "calling_number"),
    ("listed", ""),
    ("visited_network", "visited_network"),
    ("home_network", "home_network"),
    ("access_point", "access_point"),
    ("rating_group", "rating_group"),
    ("transaction_type", "transaction_type"),
    ("band", ""),
)
UTC = ZoneInfo("UTC")
NUMBERS = ("routing", "called", "calling")
CALLER_DIGITS = 9  # no more of a caller is kept where usage waits, so no more is ever looked at


def select(
    usage: Usage, claim: Claim, version: Version, reference: Reference
) -> tuple[Item | None, list[Item]]:
    """The item that prices a leg, if any, and the surcharges that come on top."""
    direction = usage.text("direction")
    holding = [
        item
        for item in version.items
        if (item.role, item.service) == (claim.role, usage.service)
        and item.direction in ("any", direction)
        and item.price.kind != "received"  # no usage leads to it
        and holds(item, usage, claim, reference, version.zone)
    ]
    competing = [item for item in holding if not item.surcharge]
    added = [item for item in holding if item.surcharge]
    competing.sort(key=lambda item: weight(item, usage), reverse=True)
    return (competing[0] if competing else None), added


def holds(
    item: Item, usage: Usage, claim: Claim, reference: Reference, zone: ZoneInfo = UTC
) -> bool:
    """Whether every condition of an item holds for an event; bands are by the clock of a zone."""
    if item.bands is not None:
        plan, bands = item.bands
        if band_at(reference.plans[plan], zone, usage.number("started_at")) not in bands:
            return False
    # What a deck adds, it adds to the numbers that stand in it.
    by_deck = item.surcharge and item.price.kind == "deck"
    if ("listed" in item.where or by_deck) and not is_listed(item, usage, reference):
        return False
    if "key" in item.where and f"{claim.kind}:{claim.key}" not in item.where["key"]:
        return False
    if not _has(item, usage, claim, reference):
        return False
    return all(
        _matches(field, column, item.where[field], usage)
        for field, column in WEIGHTS
        if column and field in item.where
    )


def _matches(field: str, column: str, values: Collection[str], usage: Usage) -> bool:
    """Whether what an event says in a field is one of some values, or begins with one."""
    if field in NUMBERS:
        return matching(number_of(usage, column), values) > 0
    said = usage.fields.get(column)
    return said is not None and str(said) in values


def _has(item: Item, usage: Usage, claim: Claim, reference: Reference) -> bool:
    """Whether the key that made the leg has every characteristic that an item asks for."""
    started = usage.priced_at
    return all(
        reference.characteristic(f"{claim.kind}:{claim.key}", name, started) in values
        for name, values in item.characteristics.items()
    )


def weight(item: Item, usage: Usage) -> tuple[object, ...]:
    """What an item's precedence is compared by: the greater goes first."""
    fields = [field in item.where for field, _ in WEIGHTS]
    columns = dict(WEIGHTS)
    lengths = [
        matching(number_of(usage, columns[field]), item.where.get(field, ())) for field in NUMBERS
    ]
    return (item.book == "", *fields, *lengths)


def matching(number: str, prefixes: Collection[str]) -> int:
    """How many digits of a number the longest of some prefixes matches."""
    for digits in range(len(number), 0, -1):
        if number[:digits] in prefixes:
            return digits
    return 0


def number_of(usage: Usage, column: str) -> str:
    """A number of an event; empty when it has none, or something that is no number."""
    text = usage.text(column) or ""
    if column == "calling_number":
        text = text[:CALLER_DIGITS]
    return text if is_number(text) else ""


def is_listed(item: Item, usage: Usage, reference: Reference) -> bool:
    """Whether the number that prices go by has a zone in the item's deck."""
    number = deck_number(usage, item.price)
    return matching(number, reference.decks[item.price.deck].zones) > 0


def deck_number(usage: Usage, price: Price) -> str:
    """The number that a deck is looked up by: where a call goes, or where it comes from."""
    if price.number == "rated":
        return usage.text("routing_number") or usage.text("called_number") or ""
    return number_of(usage, f"{price.number}_number")
