"""The oracle's own reading of a reference directory: text to exact numbers, and nothing clever.

The product checks a reference directory when it loads it; the oracle trusts that this was done and
only reads it a second way, so that a mistake in the product's reading shows as a difference in
money. Every number is a `Fraction` made from the text that stands in the file. Instants are integer
microseconds since the epoch, and every validity is half open: from the first instant, up to but
without the last.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from fractions import Fraction
from pathlib import Path
from zoneinfo import ZoneInfo

import yaml

from ops.oracle_bands import Plan, read_plans

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
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

Text = Mapping[str, str]


@dataclass(frozen=True)
class Validity:
    """A half-open span of time; None leaves that side open."""

    from_us: int | None
    upto_us: int | None

    def covers(self, instant_us: int) -> bool:
        """Whether the instant lies in the span."""
        if self.from_us is not None and instant_us < self.from_us:
            return False
        return self.upto_us is None or instant_us < self.upto_us


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

    A price by time band has its amounts in `banded`.
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
    """What an agreement version prices: usage of a service and direction seen in a role."""

    name: str
    role: str
    service: str
    direction: str
    flow: str
    price: Price


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

    def owner(self, kind: str, key: str, instant_us: int) -> str | None:
        """Whom the key stands for at an instant; None when it is not listed then."""
        for assignment in self.keys.get((kind, key), ()):
            if assignment.validity.covers(instant_us):
                return assignment.agreement
        return None

    def version(self, agreement: str, number: int) -> Version:
        """One version of one agreement."""
        return next(v for v in self.agreements[agreement].versions if v.number == number)


class TextLoader(yaml.CSafeLoader):
    """YAML with every scalar left as the text it is, so that 0.1 never becomes a binary float."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML reads it from the class
        "<": [("tag:yaml.org,2002:merge", re.compile(r"^<<$"))]
    }


def read_reference(directory: Path) -> Reference:
    """Read partners' agreements, attribution keys and rate decks from a directory."""
    agreements: dict[str, Agreement] = {}
    text = (directory / "agreements.yaml").read_text(encoding="utf-8")
    # TextLoader is a safe loader that takes even less for granted than yaml.safe_load.
    for entry in yaml.load(text, Loader=TextLoader):  # noqa: S506
        agreements[entry["agreement"]] = Agreement(
            name=entry["agreement"],
            partner=entry["partner"],
            model=entry["model"],
            versions=tuple(_version(entry["agreement"], v) for v in entry["versions"]),
            pool=entry.get("pool") or entry["agreement"],
        )
    keys: dict[tuple[str, str], tuple[Assignment, ...]] = {}
    for row in _rows(directory / "attribution.csv"):
        key = (row["kind"], row["key"])
        assignment = Assignment(row["agreement"], _validity(row, UTC))
        keys[key] = (*keys.get(key, ()), assignment)
    decks = {
        path.name.removesuffix(".prefixes.csv"): _deck(path)
        for path in sorted((directory / "decks").glob("*.prefixes.csv"))
    }
    return Reference(agreements, keys, decks, read_plans(directory))


def instant_us(text: str, zone: tzinfo) -> int:
    """Microseconds since the epoch of a timestamp with offset, or a date's midnight in a zone."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    return (moment - EPOCH) // MICROSECOND


def _validity(entry: Text, zone: tzinfo) -> Validity:
    """The span that an entry's valid_from and valid_upto mean; nothing written leaves it open."""
    ends = []
    for field in ("valid_from", "valid_upto"):
        text = (entry.get(field) or "").strip()
        ends.append(None if text in {"", "~", "null"} else instant_us(text, zone))
    return Validity(*ends)


def _version(agreement: str, entry: Mapping[str, object]) -> Version:
    """One agreement version; dates in it mean midnight in its own zone."""
    plain = {name: value for name, value in entry.items() if isinstance(value, str)}
    zone = ZoneInfo(plain["zone"])
    rounding = _mapping(entry.get("rounding") or {})
    items = entry["items"]
    if not isinstance(items, list):
        raise TypeError(f"{agreement}: items are not a list")
    return Version(
        agreement=agreement,
        number=int(plain["version"]),
        validity=_validity(plain, zone),
        zone=zone,
        currency=plain["currency"],
        period=plain.get("period", "month"),
        rounding=Rounding(
            str(rounding.get("place", "record")),
            str(rounding.get("mode", "half_up")),
            int(str(rounding.get("decimals", "6"))),
        ),
        items=tuple(_item(_mapping(item)) for item in items),
    )


def _item(entry: Mapping[str, object]) -> Item:
    """One item of an agreement version."""
    return Item(
        name=str(entry["item"]),
        role=str(entry["role"]),
        service=str(entry["service"]),
        direction=str(entry.get("direction", "any")),
        flow=str(entry["flow"]),
        price=_counting(_price(_mapping(entry["price"])), _mapping(entry.get("count") or {})),
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


def _price(entry: Mapping[str, object]) -> Price:
    """One price; a deck's own figures stand in its files and are read there."""
    price = _of_kind(str(entry["kind"]), entry)
    maximum = entry.get("maximum")
    return replace(
        price,
        minimum=_exact(entry.get("minimum", "0")),
        maximum=None if maximum is None else _exact(maximum),
        attempt_fee=_exact(entry.get("attempt_fee", "0")),
        factor=_exact(entry.get("factor", "1"))
        * (100 - _exact(entry.get("less_percent", "0")))
        / 100,
    )


def _of_kind(kind: str, entry: Mapping[str, object]) -> Price:
    """What the kinds of price have each for themselves."""
    if kind == "deck":
        return Price(kind, "minute", "seconds", 60, deck=str(entry["deck"]))
    if kind == "share":
        # A share of a retail amount: percent of each unit of currency, which is a million micros.
        percent, fee = _exact(entry["percent"]), _exact(entry.get("connect_fee", "0"))
        return Price(kind, "amount", "amount_micros", 10**6, percent / 100, fee)
    per = str(entry["per"])
    quantity, unit = PER[per]
    tiers: list[Tier] = []
    written = entry.get("tiers") or []
    if not isinstance(written, list):
        raise TypeError("tiers are not a list")
    for tier in map(_mapping, written):
        upto = tier.get("up_to")
        open_ended = upto is None or str(upto).strip() in {"", "~", "null"}
        tiers.append(Tier(None if open_ended else _exact(upto) * unit, _exact(tier["price"])))
    banded = None
    if "bands" in entry:
        bands = _mapping(entry["bands"])
        own = {"kind": kind, "per": per}
        banded = Banded(
            str(bands["of"]),
            str(bands["split"]),
            {
                band: _price({**_mapping(price), **own})
                for band, price in _mapping(bands["prices"]).items()
            },
        )
    return Price(
        kind=kind,
        per=per,
        quantity=quantity,
        unit=unit,
        amount=_exact(entry.get("amount", "0")),
        connect_fee=_exact(entry.get("connect_fee", "0")),
        initial_seconds=int(str(entry.get("initial_seconds", "1"))),
        next_seconds=int(str(entry.get("next_seconds", "1"))),
        tiers=tuple(tiers),
        banded=banded,
    )


def _deck(prefixes_file: Path) -> Deck:
    """One deck from its two files; its prices are per minute."""
    zones = {row["prefix"]: row["zone"] for row in _rows(prefixes_file)}
    rates: dict[str, list[DeckRate]] = {}
    rates_file = prefixes_file.with_name(prefixes_file.name.replace(".prefixes.", ".rates."))
    for row in _rows(rates_file):
        price = Price(
            kind="deck",
            per="minute",
            quantity="seconds",
            unit=60,
            amount=_exact(row["price_per_minute"]),
            connect_fee=_exact(row.get("connect_fee") or "0"),
            initial_seconds=int(row.get("initial_seconds") or "1"),
            next_seconds=int(row.get("next_seconds") or "1"),
        )
        rates.setdefault(row["zone"], []).append(DeckRate(price, _validity(row, UTC)))
    return Deck(zones, {zone: tuple(entries) for zone, entries in rates.items()})


def _rows(file: Path) -> list[dict[str, str]]:
    """The rows of a CSV file by column name; a column that a short row leaves out is empty."""
    with file.open(newline="", encoding="utf-8-sig") as lines:
        return [
            {name: (value or "").strip() for name, value in row.items() if name is not None}
            for row in csv.DictReader(lines)
        ]


def _exact(written: object) -> Fraction:
    """The number that stands in the file, exactly."""
    return Fraction(str(written))


def _mapping(value: object) -> Mapping[str, object]:
    """A YAML mapping, or an error that says what stands there instead."""
    if not isinstance(value, dict):
        raise TypeError(f"expected a mapping, found {value!r}")
    return value
