"""The oracle's own reading of a reference directory: text to exact numbers, and nothing clever.

The product checks a reference directory when it loads it; the oracle trusts that this was done and
only reads it a second way, so that a mistake in the product's reading shows as a difference in
money. How the text of a file becomes numbers and moments is in `oracle_files`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC
from fractions import Fraction
from pathlib import Path
from zoneinfo import ZoneInfo

import yaml

from ops.oracle_bands import Plan, read_plans
from ops.oracle_files import TextLoader, Validity, exact, mapping, rows, validity

OWN = "own"

# What a price is per: which quantity of the usage is counted, and how many of it make one unit.
PER = {
    "event": ("events", 1),
    "second": ("seconds", 1),
    "minute": ("seconds", 60),
    "hour": ("seconds", 3600),
    "byte": ("bytes", 1),
    "kilobyte": ("bytes", 10**3),
    "megabyte": ("bytes", 10**6),
    "gigabyte": ("bytes", 10**9),
    "mebibyte": ("bytes", 2**20),
    "gibibyte": ("bytes", 2**30),
    "unit": ("units", 1),
}


@dataclass(frozen=True)
class Tier:
    """One step of a graduated price: up to and including a quantity, or without end."""

    upto_quantity: Fraction | None
    price: Fraction


@dataclass(frozen=True)
class Banded:
    """Prices by time band: the plan, the rule at its edges, and what each band costs."""

    plan: str
    split: str
    prices: Mapping[str, Price]


@dataclass(frozen=True)
class Price:
    """What an item costs: `amount` per `unit` of the quantity, or a deck, tiers or a share.

    A price by time band has its amounts in `banded`; `number` says which number of a call the deck
    is looked up by.
    """

    kind: str
    per: str
    quantity: str
    unit: int
    amount: Fraction = Fraction(0)
    connect_fee: Fraction = Fraction(0)
    initial_seconds: int = 1
    next_seconds: int = 1
    deck: str = ""
    number: str = "rated"
    tiers: tuple[Tier, ...] = ()
    banded: Banded | None = None
    least_counted: int = 0
    begun_step: str = "up"
    factor: Fraction = Fraction(1)
    minimum: Fraction = Fraction(0)
    maximum: Fraction | None = None
    attempt_fee: Fraction = Fraction(0)

    @property
    def over(self) -> int:
        """What Weir's residues of the item are over, in thousand-millionths."""
        return self.unit * self.factor.denominator


@dataclass(frozen=True)
class Item:
    """What an agreement version prices: usage of a service and direction seen in a role.

    `where` has the values of each condition; `book` the master price list that the item is from.
    """

    name: str
    role: str
    service: str
    direction: str
    flow: str
    price: Price
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    characteristics: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    surcharge: bool = False
    book: str = ""


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


@dataclass(frozen=True)
class Agreement:
    """A contract with a partner: its versions, none of which overlap.

    Agreements of one pool are accrued together; one that names none is a pool of its own.
    """

    name: str
    partner: str
    model: str
    versions: tuple[Version, ...]
    pool: str


@dataclass(frozen=True)
class Assignment:
    """Whom a key stands for over a span of time: an agreement, or `own`."""

    agreement: str
    validity: Validity


@dataclass(frozen=True)
class DeckRate:
    """What a zone of a deck costs over a span of time."""

    price: Price
    validity: Validity


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
    characteristics: Mapping[tuple[str, str], tuple[tuple[str, Validity], ...]] = field(
        default_factory=dict
    )

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


def read_reference(directory: Path) -> Reference:
    """Read partners' agreements, attribution keys and rate decks from a directory."""
    agreements: dict[str, Agreement] = {}
    books = _books(directory / "books.yaml")
    text = (directory / "agreements.yaml").read_text(encoding="utf-8")
    # TextLoader is a safe loader that takes even less for granted than yaml.safe_load.
    for entry in yaml.load(text, Loader=TextLoader):  # noqa: S506
        agreements[entry["agreement"]] = Agreement(
            name=entry["agreement"],
            partner=entry["partner"],
            model=entry["model"],
            versions=tuple(_version(entry["agreement"], v, books) for v in entry["versions"]),
            pool=entry.get("pool") or entry["agreement"],
        )
    keys: dict[tuple[str, str], tuple[Assignment, ...]] = {}
    for row in rows(directory / "attribution.csv"):
        key = (row["kind"], row["key"])
        assignment = Assignment(row["agreement"], validity(row, UTC))
        keys[key] = (*keys.get(key, ()), assignment)
    decks = {
        path.name.removesuffix(".prefixes.csv"): _deck(path)
        for path in sorted((directory / "decks").glob("*.prefixes.csv"))
    }
    told = _characteristics(directory / "characteristics.csv")
    return Reference(agreements, keys, decks, read_plans(directory), told)


def _characteristics(file: Path) -> Mapping[tuple[str, str], tuple[tuple[str, Validity], ...]]:
    """What keys have of each characteristic, by key and name; there need not be any."""
    found: dict[tuple[str, str], tuple[tuple[str, Validity], ...]] = {}
    for row in rows(file) if file.exists() else ():
        place = (f"{row['kind']}:{row['key']}", row["name"])
        found[place] = (*found.get(place, ()), (row["value"], validity(row, UTC)))
    return found


def _version(agreement: str, entry: Mapping[str, object], books: Books) -> Version:
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
            int(str(rounding.get("decimals", "6"))),
        ),
        items=_joined([_item(mapping(item)) for item in items], entry.get("master"), books),
    )


Books = Mapping[tuple[str, str], list[Item]]


def _joined(own: list[Item], master: object, books: Books) -> tuple[Item, ...]:
    """The items of a version, and of its master price list those that it does not replace."""
    if not isinstance(master, dict):
        return tuple(own)
    names = [item.name for item in own]
    listed = books[str(master["book"]), str(master["version"])]
    return (*own, *(item for item in listed if item.name not in names))


def _books(file: Path) -> Books:
    """The items of every version of every master price list; there need not be any."""
    if not file.exists():
        return {}
    return {
        (book["book"], version["version"]): [
            replace(_item(mapping(item)), book=book["book"]) for item in version["items"]
        ]
        for book in yaml.load(file.read_text(encoding="utf-8"), Loader=TextLoader)  # noqa: S506
        for version in book["versions"]
    }


def _item(entry: Mapping[str, object]) -> Item:
    """One item of an agreement version."""
    where = mapping(entry.get("where") or {})
    return Item(
        name=str(entry["item"]),
        role=str(entry["role"]),
        service=str(entry["service"]),
        direction=str(entry.get("direction", "any")),
        flow=str(entry["flow"]),
        price=_counting(_price(mapping(entry["price"])), mapping(entry.get("count") or {})),
        where={name: _listed(value) for name, value in where.items()},
        characteristics={
            name: _listed(value)
            for name, value in mapping(where.get("characteristic") or {}).items()
        },
        surcharge=entry.get("surcharge") == "true",
    )


def _counting(price: Price, count: Mapping[str, object]) -> Price:
    """A price whose item says what of an event counts, and in which steps."""
    return replace(
        price,
        quantity=str(count.get("of", price.quantity)),
        initial_seconds=int(str(count.get("initial", price.initial_seconds))),
        next_seconds=int(str(count.get("next", price.next_seconds))),
        least_counted=int(str(count.get("minimum", "0"))),
        begun_step=str(count.get("round", "up")),
    )


def _listed(written: object) -> tuple[str, ...]:
    """The values of a condition: a list, or a single word."""
    return tuple(map(str, written)) if isinstance(written, list) else (str(written),)


def _price(entry: Mapping[str, object]) -> Price:
    """One price; a deck's own figures stand in its files and are read there."""
    price = _of_kind(str(entry["kind"]), entry)
    maximum = entry.get("maximum")
    return replace(
        price,
        minimum=exact(entry.get("minimum", "0")),
        maximum=None if maximum is None else exact(maximum),
        attempt_fee=exact(entry.get("attempt_fee", "0")),
        factor=exact(entry.get("factor", "1"))
        * (100 - exact(entry.get("less_percent", "0")))
        / 100,
    )


def _of_kind(kind: str, entry: Mapping[str, object]) -> Price:
    """What the kinds of price have each for themselves."""
    if kind == "deck":
        number = str(entry.get("number", "rated"))
        return Price(kind, "minute", "seconds", 60, deck=str(entry["deck"]), number=number)
    if kind == "share":
        # A share of a retail amount: percent of each unit of currency, which is a million micros.
        percent, fee = exact(entry["percent"]), exact(entry.get("connect_fee", "0"))
        return Price(kind, "amount", "amount_micros", 10**6, percent / 100, fee)
    per = str(entry["per"])
    quantity, unit = PER[per]
    tiers: list[Tier] = []
    written = entry.get("tiers") or []
    if not isinstance(written, list):
        raise TypeError("tiers are not a list")
    for tier in map(mapping, written):
        upto = tier.get("up_to")
        open_ended = upto is None or str(upto).strip() in {"", "~", "null"}
        tiers.append(Tier(None if open_ended else exact(upto) * unit, exact(tier["price"])))
    banded = None
    if "bands" in entry:
        bands = mapping(entry["bands"])
        own = {"kind": kind, "per": per}
        banded = Banded(
            str(bands["of"]),
            str(bands["split"]),
            {
                band: _price({**mapping(price), **own})
                for band, price in mapping(bands["prices"]).items()
            },
        )
    return Price(
        kind=kind,
        per=per,
        quantity=quantity,
        unit=unit,
        amount=exact(entry.get("amount", "0")),
        connect_fee=exact(entry.get("connect_fee", "0")),
        initial_seconds=int(str(entry.get("initial_seconds", "1"))),
        next_seconds=int(str(entry.get("next_seconds", "1"))),
        tiers=tuple(tiers),
        banded=banded,
    )


def _deck(prefixes_file: Path) -> Deck:
    """One deck from its two files; its prices are per minute."""
    zones = {row["prefix"]: row["zone"] for row in rows(prefixes_file)}
    rates: dict[str, list[DeckRate]] = {}
    rates_file = prefixes_file.with_name(prefixes_file.name.replace(".prefixes.", ".rates."))
    for row in rows(rates_file):
        price = Price(
            kind="deck",
            per="minute",
            quantity="seconds",
            unit=60,
            amount=exact(row["price_per_minute"]),
            connect_fee=exact(row.get("connect_fee") or "0"),
            initial_seconds=int(row.get("initial_seconds") or "1"),
            next_seconds=int(row.get("next_seconds") or "1"),
        )
        rates.setdefault(row["zone"], []).append(DeckRate(price, validity(row, UTC)))
    return Deck(zones, {zone: tuple(entries) for zone, entries in rates.items()})
