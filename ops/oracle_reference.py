"""The oracle's own reading of a reference directory: text to exact numbers, and nothing clever.

The product checks a reference directory when it loads it; the oracle trusts that this was done and
only reads it a second way, so that a mistake in the product's reading shows as a difference in
money. How the text of a file becomes numbers and moments is in `oracle_files`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC
from pathlib import Path
from zoneinfo import ZoneInfo

from ops.oracle_bands import Plan, read_plans
from ops.oracle_books import Books, joined, read_books
from ops.oracle_clawback import Clawback, read_clawback
from ops.oracle_deal_terms import Deal, figure_items, read_deals
from ops.oracle_files import (
    Known,
    Validity,
    characteristics,
    entries,
    exact,
    mapping,
    parts,
    rows,
    validity,
)
from ops.oracle_payment import Payment, Rates, decimals_of, read_payment, read_rates
from ops.oracle_prices import (
    Price,
    chosen_bounds,
    counting,
    list_of,
    measuring,
    read_allowance,
    read_price,
)
from ops.oracle_splits import Split, read_split
from ops.oracle_territory import Territory, read_territory

OWN = "own"


@dataclass(frozen=True)
class Item:
    """What an agreement version prices: usage of a service and direction seen in a role.

    `where` has the values of each condition; `book` the master price list that the item is from;
    `written` everything as it stands in the file.
    """

    name: str
    role: str
    service: str
    direction: str
    flow: str
    price: Price
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    bands: tuple[str, tuple[str, ...]] | None = None
    characteristics: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    surcharge: bool = False
    split: Split | None = None
    book: str = ""
    written: Mapping[str, object] = field(default_factory=dict)
    clawback: Clawback | None = None


@dataclass(frozen=True)
class Rounding:
    """Where, how and to how many decimals an agreement version rounds."""

    place: str
    mode: str
    decimals: int


@dataclass(frozen=True)
class Version:
    """The terms of an agreement over a span of time."""

    agreement: str
    number: int
    validity: Validity
    zone: ZoneInfo
    currency: str
    period: str
    rounding: Rounding
    items: tuple[Item, ...]
    deals: tuple[Deal, ...] = ()
    payment: Payment = field(default_factory=Payment)
    territory: Territory = field(default_factory=Territory)


@dataclass(frozen=True)
class Agreement:
    """A contract with a partner: its versions, none of which overlap.

    Agreements of one pool are accrued together; one that names none is a pool of its own. With a
    partner in test nothing is settled.
    """

    name: str
    partner: str
    model: str
    versions: tuple[Version, ...]
    pool: str
    in_test: bool = False


@dataclass(frozen=True)
class Assignment:
    """Whom a key stands for over a span of time: an agreement, or `own`."""

    agreement: str
    validity: Validity


@dataclass(frozen=True)
class DeckRate:
    """What a zone of a deck costs over a span of time, in one band where the deck has any."""

    price: Price
    validity: Validity
    band: str = ""


@dataclass(frozen=True)
class Deck:
    """A rate deck: which zone a dialling prefix belongs to, and what a zone costs when."""

    zones: Mapping[str, str]
    rates: Mapping[str, tuple[DeckRate, ...]]


@dataclass(frozen=True)
class Reference:
    """Everything a reference directory says that bears on money."""

    agreements: Mapping[str, Agreement]
    keys: Mapping[tuple[str, str], tuple[Assignment, ...]]
    decks: Mapping[str, Deck]
    plans: Mapping[str, Plan]
    characteristics: Known = field(default_factory=dict)
    rates: Rates = field(default_factory=dict)

    def characteristic(self, key: str, name: str, instant_us: int) -> str | None:
        """What a key, as in `route:TG-001`, has of a characteristic at an instant."""
        for value, span in self.characteristics.get((key, name), ()):
            if span.covers(instant_us):
                return value
        return None

    def owner(self, kind: str, key: str, instant_us: int) -> str | None:
        """Whom the key stands for at an instant; None when it is not listed then."""
        for assignment in self.keys.get((kind, key), ()):
            if assignment.validity.covers(instant_us):
                return assignment.agreement
        return None

    def version(self, agreement: str, number: int) -> Version:
        """One version of one agreement."""
        return next(v for v in self.agreements[agreement].versions if v.number == number)


DecksRead = dict[tuple[tuple[int, int], ...], Deck]


def read_reference(directory: Path, decks_read: DecksRead | None = None) -> Reference:
    """Read partners' agreements, attribution keys and rate decks from a directory.

    Many references may share the files of a deck; `decks_read` is where one is found that was read
    before, by where its files lie.
    """
    decks_read = {} if decks_read is None else decks_read
    agreements: dict[str, Agreement] = {}
    books = read_books(directory / "books.yaml", _item)
    partners = entries(directory, "partners.yaml")
    in_test = {entry["partner"] for entry in partners if entry.get("test") == "true"}
    for entry in entries(directory, "agreements.yaml"):
        agreements[entry["agreement"]] = Agreement(
            name=entry["agreement"],
            partner=entry["partner"],
            model=entry["model"],
            versions=tuple(_version(entry["agreement"], v, books) for v in entry["versions"]),
            pool=entry.get("pool") or entry["agreement"],
            in_test=entry["partner"] in in_test,
        )
    keys: dict[tuple[str, str], tuple[Assignment, ...]] = {}
    keyed = [row for file in parts(directory, "attribution.csv") for row in rows(file)]
    for row in keyed:
        key = (row["kind"], row["key"])
        assignment = Assignment(row["agreement"], validity(row, UTC))
        keys[key] = (*keys.get(key, ()), assignment)
    decks = {
        path.name.removesuffix(".prefixes.csv"): _deck(path, decks_read)
        for path in sorted((directory / "decks").glob("*.prefixes.csv"))
    }
    return Reference(
        agreements,
        keys,
        decks,
        read_plans(directory),
        characteristics(directory / "characteristics.csv"),
        read_rates(directory / "fx.csv"),
    )


def _version(agreement: str, entry: Mapping[str, object], books: Books[Item]) -> Version:
    """One agreement version; dates in it mean midnight in its own zone."""
    plain = {name: value for name, value in entry.items() if isinstance(value, str)}
    zone = ZoneInfo(plain["zone"])
    rounding = mapping(entry.get("rounding") or {})
    items = entry["items"]
    if not isinstance(items, list):
        raise TypeError(f"{agreement}: items are not a list")
    return Version(
        agreement=agreement,
        number=int(plain["version"]),
        validity=validity(plain, zone),
        zone=zone,
        currency=plain["currency"],
        period=plain.get("period", "month"),
        rounding=Rounding(
            str(rounding.get("place", "record")),
            str(rounding.get("mode", "half_up")),
            decimals_of(rounding.get("decimals", "6"), plain["currency"]),
        ),
        items=tuple(
            _measured(item, plain["zone"])
            for item in _chosen(
                joined(
                    [_item(mapping(i)) for i in (*items, *figure_items(entry))],
                    entry.get("master"),
                    books,
                )
            )
        ),
        deals=tuple(
            deal
            for written in list_of(entry.get("deals") or [])
            for deal in read_deals(mapping(written), list(map(mapping, items)))
        ),
        payment=read_payment(entry),
        territory=read_territory(entry),
    )


def _chosen(items: tuple[Item, ...]) -> tuple[Item, ...]:
    """Items whose tiers others may choose, with bounds in the units of these."""
    pers = {item.name: item.price.per for item in items}
    return tuple(replace(item, price=chosen_bounds(item.price, pers)) for item in items)


def _item(entry: Mapping[str, object], book: str = "") -> Item:
    """One item of an agreement version, or of a book."""
    where = mapping(entry.get("where") or {})
    price = counting(read_price(mapping(entry["price"])), mapping(entry.get("count") or {}))
    clawback = read_clawback(entry)
    return Item(
        name=str(entry["item"]),
        role=str(entry["role"]),
        service=str(entry["service"]),
        direction=str(entry.get("direction", "any")),
        flow=str(entry["flow"]),
        price=replace(
            price,
            shares=1 if clawback is None else clawback.shares,
            allowance=read_allowance(entry, price),
        ),
        where={name: _listed(value) for name, value in where.items()},
        characteristics={
            name: _listed(value)
            for name, value in mapping(where.get("characteristic") or {}).items()
        },
        bands=_bands(mapping(where["band"])) if "band" in where else None,
        surcharge=entry.get("surcharge") == "true",
        split=read_split(entry),
        book=book,
        written=entry,
        clawback=clawback,
    )


def _measured(item: Item, zone: str) -> Item:
    """An item in a version's zone, with what its period is reduced to."""
    price, measure = mapping(item.written["price"]), mapping(item.written.get("measure") or {})
    return replace(item, price=measuring(item.price, price, measure, zone))


def _bands(entry: Mapping[str, object]) -> tuple[str, tuple[str, ...]]:
    """The plan of a condition on time bands, and the bands."""
    return str(entry["of"]), _listed(entry["in"])


def _listed(written: object) -> tuple[str, ...]:
    """The values of a condition: a list, or a single word."""
    return tuple(map(str, written)) if isinstance(written, list) else (str(written),)


def _deck(prefixes_file: Path, decks_read: DecksRead) -> Deck:
    """One deck from its two files, which are read unless they were."""
    rates_file = prefixes_file.with_name(prefixes_file.name.replace(".prefixes.", ".rates."))
    found = [file.stat() for file in (prefixes_file, rates_file)]
    place = tuple((file.st_dev, file.st_ino) for file in found)
    if place not in decks_read:
        decks_read[place] = _deck_of(prefixes_file, rates_file)
    return decks_read[place]


def _deck_of(prefixes_file: Path, rates_file: Path) -> Deck:
    """One deck from its two files; its prices are per minute."""
    zones = {row["prefix"]: row["zone"] for row in rows(prefixes_file)}
    rates: dict[str, list[DeckRate]] = {}
    for row in rows(rates_file):
        price = Price(
            *("deck", "minute", "seconds", 60),
            amount=exact(row["price_per_minute"]),
            connect_fee=exact(row.get("connect_fee") or "0"),
            initial_seconds=int(row.get("initial_seconds") or "1"),
            next_seconds=int(row.get("next_seconds") or "1"),
        )
        rate = DeckRate(price, validity(row, UTC), row.get("band") or "")
        rates.setdefault(row["zone"], []).append(rate)
    return Deck(zones, {zone: tuple(entries) for zone, entries in rates.items()})
