"""Regulated caps: prices that no item may go above, or only with a mark.

A regulator says what a minute of termination or a megabyte of roaming may cost at most, from when
on. `caps.yaml` has these as steps in time, and an item that is regulated names its cap. Every price
that the item can charge while a step is in force is compared with it, as exact fractions for one
unit of the quantity: a unit price, that of each time band, each tier, each rate of a deck. Fees are
not compared. A breach refuses the reference or, where the cap only asks for it to be seen, is told
by `weir doctor` and `weir explain`.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, Literal

import polars as pl
from pydantic import BeforeValidator, Field

from schemas.agreements import Agreement, Item, Version
from schemas.amounts import Nanos
from schemas.curves import block_size
from schemas.decks import Deck
from schemas.documents import Path
from schemas.fields import Name, Strict, Valid, currency_code, word_of
from schemas.moments import OPEN_UPTO_S
from schemas.money import NANOS_DECIMALS, format_scaled
from schemas.prices import (
    PERS,
    BandedPrice,
    DeckPrice,
    Per,
    PerField,
    Tiered,
    UnitPrice,
)

FILE = "caps.yaml"


class CapPrice(Strict):
    """The most that may be charged from a moment on."""

    amount_nanos: Nanos = Field(alias="amount")
    valid_from: Valid


class Cap(Strict):
    """A cap: its steps in time, what they are per, and what a price above does."""

    cap: Name
    per: PerField
    currency: Annotated[str, BeforeValidator(currency_code)]
    on_breach: Annotated[Literal["refuse", "flag"], word_of({"refuse": "refuse", "flag": "flag"})]
    prices: tuple[CapPrice, ...]

    def most(self, second: int) -> int | None:
        """The most that may be charged at a second, in nanos; None before the first step."""
        return next((nanos for start, end, nanos in self.steps() if start <= second < end), None)

    def steps(self) -> Iterator[tuple[int, int, int]]:
        """From which second, up to which, and how much in nanos; dates are UTC."""
        starts = [price.valid_from.seconds("UTC") for price in self.prices]
        for price, start, end in zip(self.prices, starts, [*starts[1:], OPEN_UPTO_S], strict=True):
            yield start, end, price.amount_nanos


@dataclass(frozen=True)
class Breach:
    """A price above its cap, or one that cannot be held against it."""

    path: Path
    message: str
    is_refused: bool


def check_cap(cap: Cap) -> Iterator[tuple[Path, str]]:
    """The steps of a cap rise in time."""
    if not cap.prices:
        yield ("prices",), "is empty; write at least one price"
    starts = [price.valid_from.seconds("UTC") for price in cap.prices]
    for index, (before, after) in enumerate(itertools.pairwise(starts), start=1):
        if after <= before:
            yield ("prices", index, "valid_from"), "does not rise; sort the prices by time"


def breaches(
    agreement: Agreement, caps: Mapping[str, Cap | None], decks: Mapping[str, Deck]
) -> Iterator[Breach]:
    """What is above its cap in an agreement, or names a cap that cannot be compared.

    A cap that is None has mistakes of its own, which are told where it stands.
    """
    for number, version in enumerate(agreement.versions):
        for index, item in enumerate(version.items):
            here: Path = ("versions", number, "items", index)
            cap = caps.get(item.regulated or "")
            if item.regulated is not None and item.regulated not in caps:
                message = f"there is no cap {item.regulated!r}; add it to {FILE}"
                yield Breach((*here, "regulated"), message, is_refused=True)
            if cap is None:
                continue
            unlike = _unlike(version, item, cap)
            if unlike:
                yield Breach((*here, "regulated"), unlike, is_refused=True)
                continue
            for path, message in _above(version, item, cap, decks):
                yield Breach((*here, *path), message, cap.on_breach == "refuse")


def _unlike(version: Version, item: Item, cap: Cap) -> str:
    """Why a price cannot be held against its cap; empty when it can."""
    if cap.currency != version.currency:
        return f"cap {cap.cap} is in {cap.currency}, the price in {version.currency}; name another"
    per = _per(item)
    if per is None or per.quantity is not cap.per.quantity:
        what = "has no price for a quantity" if per is None else f"is priced per {per.name}"
        return f"cap {cap.cap} is per {cap.per.name}, and this item {what}; name another"
    return ""


def _per(item: Item) -> Per | None:
    """What an item's price is per, for prices that can be compared."""
    match item.price:
        case DeckPrice():
            return PERS["minute"]
        case UnitPrice() | BandedPrice() | Tiered() as price:
            return price.per
        case _:
            return None


def _above(
    version: Version, item: Item, cap: Cap, decks: Mapping[str, Deck]
) -> Iterator[tuple[Path, str]]:
    """The prices of an item that are above its cap at a time when both are in force."""
    told: set[Path] = set()
    for start, end, most in cap.steps():
        first, last = max(start, version.valid_from_s), min(end, version.valid_upto_s)
        if first >= last:
            continue
        for path, price_nanos, per, told_price in _prices(item, first, last, decks):
            if price_nanos * cap.per.unit > most * per.unit and path not in told:
                told.add(path)
                yield path, f"{told_price} is {above(cap, most)}; lower it"


def above(cap: Cap, most_nanos: int) -> str:
    """What is said of a price above a cap of so much."""
    return f"above the cap {cap.cap} of {_told(most_nanos, cap.per)}"


def _told(nanos: int, per: Per) -> str:
    """A price as people read it."""
    text = format_scaled(nanos, NANOS_DECIMALS).rstrip("0").rstrip(".")
    return f"{text} a {per.name}"


Priced = tuple[Path, Fraction, Per, str]


def _prices(item: Item, first_s: int, last_s: int, decks: Mapping[str, Deck]) -> Sequence[Priced]:
    """The prices that an item can charge within a span: place, nanos, what they are per, in words.

    Of a deck it is the dearest.
    """
    match item.price:
        case UnitPrice() as price:
            return [_priced(("price", "amount"), price.amount_nanos, price.per)]
        case BandedPrice() as price:
            return [
                _priced(("price", "bands", "prices", name, "amount"), rate.amount_nanos, price.per)
                for name, rate in price.bands.prices.items()
            ]
        case Tiered() as price:
            return list(_tiers(price))
        case DeckPrice(deck=name, factor=factor) if name in decks:
            rates = decks[name].rates
            inside = (pl.col("valid_from_s") < last_s) & (pl.col("valid_upto_s") > first_s)
            dearest = rates.filter(inside).top_k(1, by="price_nanos")
            times = "" if factor == 1 else f" times {factor}"
            return [
                (
                    ("price", "deck"),
                    price_nanos * factor,
                    PERS["minute"],
                    f"zone {zone!r} at {_told(price_nanos, PERS['minute'])}{times}",
                )
                for zone, price_nanos in dearest.select("zone", "price_nanos").iter_rows()
            ]
        case _:
            return []


def _tiers(price: Tiered) -> Iterator[Priced]:
    """The prices of tiers; that of a block is for so much. A percentage is of no quantity."""
    for index, tier in enumerate(price.tiers):
        if tier.price_nanos is None:
            continue
        per = price.per
        if tier.block is not None:
            try:
                size = block_size(tier.block, per)
            except ValueError:  # which the check of the curve tells
                continue
            per = Per(f"block of {tier.block} {per.name}", per.quantity, size)
        yield _priced(("price", "tiers", index, "price"), tier.price_nanos, per)


def _priced(path: Path, nanos: int, per: Per) -> Priced:
    """A price that stands in the agreement itself."""
    return path, Fraction(nanos), per, _told(nanos, per)
