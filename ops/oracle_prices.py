"""The oracle's own reading of prices and deals: text to exact numbers, and nothing clever."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from ops.oracle_files import exact, mapping

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
    "amount": ("amount_micros", 10**6),
}


@dataclass(frozen=True)
class Tier:
    """One step of a price of tiers: up to and including a quantity, or without end.

    The price is of a unit, or of one whole `block` where there is one.
    """

    upto_quantity: Fraction | None
    price: Fraction
    flat: Fraction = Fraction(0)
    block: Fraction = Fraction(0)
    rounds: str = "up"
    step: int = 0
    cap: Fraction | None = None


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
    curve: str = "graduated"
    free: Fraction = Fraction(0)
    at_least: Fraction = Fraction(0)
    flat_on_zero: bool = False

    @property
    def over(self) -> int:
        """What Weir's residues of the item are over, in thousand-millionths."""
        return self.unit * self.factor.denominator


@dataclass(frozen=True)
class Deal:
    """What items of a period come to together: bounds over them, or a fee over none."""

    name: str
    flow: str
    over: tuple[str, ...]
    kind: str
    discount: Fraction
    maximum: Fraction | None
    minimum: Fraction
    amount: Fraction
    prorate: bool
    on: str


def counting(price: Price, count: Mapping[str, object]) -> Price:
    """A price whose item says what of an event counts, and in which steps."""
    return replace(
        price,
        quantity=str(count.get("of", price.quantity)),
        initial_seconds=int(str(count.get("initial", price.initial_seconds))),
        next_seconds=int(str(count.get("next", price.next_seconds))),
        least_counted=int(str(count.get("minimum", "0"))),
        begun_step=str(count.get("round", "up")),
    )


def read_price(entry: Mapping[str, object]) -> Price:
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
        number, deck = str(entry.get("number", "rated")), str(entry["deck"])
        own = Price(kind, "minute", "seconds", 60, deck=deck, number=number)
        return replace(own, banded=_banded(entry))
    if kind == "share":
        # A share of a retail amount: percent of each unit of currency, which is a million micros.
        percent, fee = exact(entry["percent"]), exact(entry.get("connect_fee", "0"))
        return Price(kind, "amount", "amount_micros", 10**6, percent / 100, fee)
    per = str(entry["per"])
    quantity, unit = PER[per]
    written = list_of(entry.get("tiers") or [])
    return Price(
        kind="steps" if entry.get("each") == "event" else kind,
        per=per,
        quantity=quantity,
        unit=unit,
        amount=exact(entry.get("amount", "0")),
        connect_fee=exact(entry.get("connect_fee", "0")),
        initial_seconds=int(str(entry.get("initial_seconds", "1"))),
        next_seconds=int(str(entry.get("next_seconds", "1"))),
        tiers=tuple(_tier(tier, unit) for tier in map(mapping, written)),
        banded=_banded(entry),
        curve=str(entry.get("curve", "graduated")),
        free=exact(entry.get("free", "0")) * unit,
        at_least=exact(entry.get("at_least", "0")) * unit,
        flat_on_zero=entry.get("flat_on_zero") == "true",
    )


def _banded(entry: Mapping[str, object]) -> Banded | None:
    """Prices by time band; those of a deck stand in its files."""
    if "bands" not in entry:
        return None
    bands = mapping(entry["bands"])
    own = {"kind": entry["kind"], "per": entry.get("per")}
    written = mapping(bands.get("prices") or {}).items()
    prices = {band: read_price({**mapping(price), **own}) for band, price in written}
    return Banded(str(bands["of"]), str(bands["split"]), prices)


def read_deal(entry: Mapping[str, object]) -> Deal:
    """One deal of an agreement version."""
    price = mapping(entry["price"])
    return Deal(
        name=str(entry["deal"]),
        flow=str(entry["flow"]),
        over=tuple(map(str, list_of(entry.get("over") or []))),
        kind=str(price["kind"]),
        discount=exact(price.get("discount_percent", "0")) / 100,
        maximum=exact(price["maximum"]) if "maximum" in price else None,
        minimum=exact(price.get("minimum", "0")),
        amount=exact(price.get("amount", "0")),
        prorate=price.get("prorate") == "true",
        on=str(price.get("on", "")),
    )


def _tier(entry: Mapping[str, object], unit: int) -> Tier:
    """One tier; its bound and its blocks are counted in the quantity itself."""
    upto = entry.get("up_to")
    open_ended = upto is None or str(upto).strip() in {"", "~", "null"}
    percent = entry.get("percent")
    return Tier(
        upto_quantity=None if open_ended else exact(upto) * unit,
        price=exact(entry["price"]) if percent is None else exact(percent) / 100,
        flat=exact(entry.get("flat", "0")),
        block=exact(entry.get("block", "0")) * unit,
        rounds=str(entry.get("round", "up")),
        step=int(str(entry.get("step", "0"))),
        cap=exact(entry["cap"]) if "cap" in entry else None,
    )


def list_of(value: object) -> list[object]:
    """A YAML list, or an error that says what stands there instead."""
    if not isinstance(value, list):
        raise TypeError(f"expected a list, found {value!r}")
    return value
