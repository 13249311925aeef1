"""The oracle's own reading of prices: text to exact numbers, and nothing clever."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction

from ops.oracle_files import exact, mapping
from ops.oracle_spans import Span, read_span

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
    "unit_day": ("unit_days", 1),
    "unit_hour": ("unit_seconds", 3600),
    "average_unit": ("unit_seconds", 1),
    # Levels: what is counted of an event are bytes.
    "bit_per_second": ("bytes", 1),
    "kilobit_per_second": ("bytes", 10**3),
    "megabit_per_second": ("bytes", 10**6),
    "gigabit_per_second": ("bytes", 10**9),
}


@dataclass(frozen=True)
class Tier:
    """One step of a price of tiers: up to and including a quantity, or without end.

    The price is of a unit, or of one whole `block` where there is one. `bound` is the upper bound
    as it is written.
    """

    upto_quantity: Fraction | None
    price: Fraction
    flat: Fraction = Fraction(0)
    block: Fraction = Fraction(0)
    rounds: str = "up"
    step: int = 0
    cap: Fraction | None = None
    bound: str = field(default="", compare=False)


@dataclass(frozen=True)
class Banded:
    """Prices by time band: the plan, the rule at its edges, and what each band costs."""

    plan: str
    split: str
    prices: Mapping[str, Price]


@dataclass(frozen=True)
class Measure:
    """What a period is reduced to; `each` and `window` are empty where there are no windows."""

    of: str = "sum"
    each: str = ""
    window: str = ""
    percent: Fraction = Fraction(100)
    direction: str = "higher"
    by_port: bool = False
    of_what: str = ""
    is_level: bool = False
    zone: str = ""
    missing: str = "drop"


@dataclass(frozen=True)
class Allowance:
    """What is free in a period, until either is used up: events, and what is counted."""

    events: int | None
    quantity: Fraction | None


@dataclass(frozen=True)
class Price:
    """What an item costs: `amount` per `unit` of the quantity, or a deck, tiers or a share.

    A price by time band has its amounts in `banded`; of as many `shares` of a charge some may be
    taken back; `number` says which number of a call the deck
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
    attempt_on: str = "every"
    whole: str = "record"
    curve: str = "graduated"
    free: Fraction = Fraction(0)
    at_least: Fraction = Fraction(0)
    flat_on_zero: bool = False
    span: Span | None = None
    chosen_by: str = ""
    chosen_quantity: str = ""
    every: str = ""
    basis: int = 0
    measure: Measure | None = None
    shares: int = 1
    allowance: Allowance | None = None

    @property
    def by_period(self) -> bool:
        """Whether it is a price of all that a period has."""
        return self.kind in ("tiers", "recurring")

    @property
    def alike(self) -> tuple[str, Measure | None]:
        """What versions of an item must have in common to go on along one curve."""
        kind = self.per if self.per == "average_unit" else self.kind
        counts = f"{self.quantity} {kind} by {self.chosen_quantity} of {self.chosen_by}"
        return counts, self.measure

    @property
    def over(self) -> int:
        """What Weir's residues of the item are over, in thousand-millionths."""
        return self.unit * self.factor.denominator * self.shares


SHORT_WORDS = {"amount": "amount_micros", "cost": "cost_micros", "margin": "margin_micros"}


def counting(price: Price, count: Mapping[str, object]) -> Price:
    """A price whose item says what of an event counts, and in which steps."""
    of = str(count.get("of", price.quantity))
    return replace(
        price,
        quantity=SHORT_WORDS.get(of, of),
        initial_seconds=int(str(count.get("initial", price.initial_seconds))),
        next_seconds=int(str(count.get("next", price.next_seconds))),
        least_counted=int(str(count.get("minimum", "0"))),
        begun_step=str(count.get("round", "up")),
        whole=str(count.get("whole", "record")),
    )


def measuring(
    price: Price, entry: Mapping[str, object], written: Mapping[str, object], zone: str
) -> Price:
    """A price with what its period is reduced to, if that is not a sum.

    Args:
        price: the price.
        entry: what is written of the price.
        written: what is written of the measure.
        zone: of the version; windows of another zone are other windows.
    """
    each, of = str(entry.get("each", "period")), str(written.get("of", "sum"))
    each = "" if each in ("period", "quarter", "year") else each
    if price.kind != "tiers" or (of in ("sum", "average") and not each):
        return price
    is_level = price.per.endswith("bit_per_second")
    window = str(written.get("window", "5min" if of == "percentile" else ""))
    measure = Measure(
        of=of,
        each=each,
        window=window,
        percent=exact(written.get("percent", "100")),
        direction=str(written.get("direction", "higher")),
        by_port=str(written.get("by", "port" if is_level else "all")) == "port",
        of_what=str(written.get("of_what", "")),
        is_level=is_level,
        zone=zone if each or window else "",
        missing=str(written.get("missing", "drop")),
    )
    way = {"up": "up_bytes", "down": "down_bytes"}.get(measure.direction, price.quantity)
    counts = "events" if of == "distinct" else way if is_level else price.quantity
    return replace(price, quantity=counts, measure=measure)


def read_allowance(entry: Mapping[str, object], price: Price) -> Allowance | None:
    """The allowance of an item, if it has one; the quantity is written in what the price is per."""
    if "allowance" not in entry:
        return None
    written = mapping(entry["allowance"])
    events, quantity = written.get("events"), written.get("quantity")
    return Allowance(
        None if events is None else int(str(events)),
        None if quantity is None else exact(quantity) * price.unit,
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
        attempt_on=str(entry.get("attempt_on", "every")),
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
    if kind == "received":
        return Price(kind, "amount", "amount_micros", 10**6)
    if kind == "recurring":
        # The whole of it costs the amount; its sums are divided in `oracle_intervals`.
        every, basis = str(entry["every"]), str(entry.get("basis", "calendar"))
        tiers = (Tier(None, exact(entry["amount"])),)
        own = Price(kind, every, "unit_days", 1, tiers=tiers, every=every)
        return own if basis == "calendar" else replace(own, basis=int(basis))
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
        free=counted(entry.get("free", "0"), unit),
        at_least=counted(entry.get("at_least", "0"), unit),
        flat_on_zero=entry.get("flat_on_zero") == "true",
        chosen_by=str(entry.get("chosen_by", "")),
        span=read_span(str(entry.get("each", "")), str(entry.get("from", ""))),
    )


def chosen_bounds(price: Price, pers: Mapping[str, str]) -> Price:
    """A price whose tier something else may choose: bounds are counted in that one's own unit.

    `pers` are what the prices of items are per.
    """
    if not price.chosen_by:
        return price
    quantity, unit = PER["event" if price.chosen_by == "events" else pers[price.chosen_by]]
    tiers = (
        tier
        if tier.upto_quantity is None
        else replace(tier, upto_quantity=counted(tier.bound, unit))
        for tier in price.tiers
    )
    return replace(price, tiers=tuple(tiers), chosen_quantity=quantity)


def _banded(entry: Mapping[str, object]) -> Banded | None:
    """Prices by time band; those of a deck stand in its files."""
    if "bands" not in entry:
        return None
    bands = mapping(entry["bands"])
    own = {"kind": entry["kind"], "per": entry.get("per")}
    written = mapping(bands.get("prices") or {}).items()
    prices = {band: read_price({**mapping(price), **own}) for band, price in written}
    return Banded(str(bands["of"]), str(bands["split"]), prices)


def _tier(entry: Mapping[str, object], unit: int) -> Tier:
    """One tier; its bound and its blocks are counted in the quantity itself."""
    upto = entry.get("up_to")
    open_ended = upto is None or str(upto).strip() in {"", "~", "null"}
    percent = entry.get("percent")
    return Tier(
        upto_quantity=None if open_ended else counted(upto, unit),
        price=exact(entry["price"]) if percent is None else exact(percent) / 100,
        flat=exact(entry.get("flat", "0")),
        block=counted(entry.get("block", "0"), unit),
        rounds=str(entry.get("round", "up")),
        step=int(str(entry.get("step", "0"))),
        cap=exact(entry["cap"]) if "cap" in entry else None,
        bound="" if upto is None else str(upto),
    )


def counted(written: object, unit: int) -> Fraction:
    """A quantity in the unit of its price, or in the one that it names: `10 second`."""
    number, *named = str(written).split(" ")
    return exact(number) * (PER[named[0]][1] if named else unit)


def list_of(value: object) -> list[object]:
    """A YAML list, or an error that says what stands there instead."""
    if not isinstance(value, list):
        raise TypeError(f"expected a list, found {value!r}")
    return value
