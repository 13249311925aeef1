"""What must hold between the parts of one agreement, as a list of named checks.

The models say what a field may be; these checks say what fields may be together: versions that
follow each other without gap or overlap, items that never compete for the same usage, prices for
quantities that the service has, tiers that rise and end open. Each check yields findings, a path
into the agreement with a sentence that says what to do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import pairwise

from pydantic import BaseModel

from schemas.agreements import Agreement, items_of
from schemas.codes import BandSplit, Quantity, RoundingPlace, Service
from schemas.documents import Finding, Path
from schemas.money import NANOS_DECIMALS
from schemas.prices import (
    PERS,
    QUANTITIES,
    BandedPrice,
    BandRates,
    CountedPrice,
    DeckPrice,
    Per,
    SharePrice,
    StepsPrice,
    Tiered,
    UnitPrice,
)
from schemas.terms_allowance import check_allowances
from schemas.terms_chosen import check_curves
from schemas.terms_clawback import check_clawbacks
from schemas.terms_deals import check_deals
from schemas.terms_events import EVENT_CHECKS
from schemas.terms_intervals import INTERVAL_CHECKS
from schemas.terms_measures import MEASURE_CHECKS, counts_members
from schemas.terms_payment import check_payment
from schemas.terms_selectors import check_conditions_fit, check_precedence
from schemas.terms_shares import check_splits
from schemas.terms_spans import check_spans

STEP_MAX = 2**61  # a rounding step in parts of (unit x 10^9), which is computed in 64 bits


def check_versions_follow(agreement: Agreement) -> Iterator[Finding]:
    """Versions rise in number and time, each beginning where the one before ends."""
    if not agreement.versions:
        yield ("versions",), "is empty; write at least one version"
    for index, version in enumerate(agreement.versions):
        if version.valid_upto_s <= version.valid_from_s:
            yield ("versions", index, "valid_upto"), "is not after valid_from; exchange the two"
    for index, (before, after) in enumerate(pairwise(agreement.versions), start=1):
        here: Path = ("versions", index)
        if after.version <= before.version:
            number = before.version
            yield (*here, "version"), f"does not rise; write a number above {number}"
        end, start = before.valid_upto_s, after.valid_from_s
        if before.valid_upto is None:
            message = f"version {before.version} has no valid_upto; end it where this one begins"
            yield (*here, "valid_from"), f"overlaps, for {message}"
        elif end != start:
            word = "overlaps version" if end > start else "leaves a gap after version"
            message = f"{word} {before.version}; let this version begin where that one ends"
            yield (*here, "valid_from"), message


def check_items_distinct(agreement: Agreement) -> Iterator[Finding]:
    """Within a version, item names are distinct."""
    for number, version in enumerate(agreement.versions):
        if not version.items:
            yield ("versions", number, "items"), "is empty; write at least one item"
        names: set[str] = set()
        for index, item in enumerate(version.items):
            if item.item in names:
                here: Path = ("versions", number, "items", index, "item")
                yield here, f"{item.item!r} is given twice; choose another name"
            names.add(item.item)


def check_prices_fit(agreement: Agreement) -> Iterator[Finding]:
    """Each price is for a quantity that its service has, and increments are for seconds."""
    for path, item in items_of(agreement):
        here = (*path, "price")
        service = item.service
        match item.price:
            case DeckPrice() if service is not Service.VOICE:
                message = f"a deck prices voice, not {service.label}; use a unit price"
                yield (*here, "kind"), message
            case SharePrice() if Quantity.AMOUNT_MICROS not in QUANTITIES[service]:
                message = f"{service.label} has no retail amount; use a unit price"
                yield (*here, "kind"), message
            case Tiered() if counts_members(item):
                pass
            case UnitPrice() | Tiered() | CountedPrice() as price:
                yield from _check_per(here, service, price.per, {(): price})
            case BandedPrice() as price:
                rates: dict[Path, BaseModel] = {
                    ("bands", "prices", band): rate for band, rate in price.bands.prices.items()
                }
                yield from _check_per(here, service, price.per, rates)
                yield from _check_split(here, price)


def _check_per(
    here: Path, service: Service, per: Per, rates: Mapping[Path, BaseModel]
) -> Iterator[Finding]:
    """A price's `per` is something that the service is counted in, and increments are of time."""
    quantities = QUANTITIES[service]
    if per.quantity not in quantities:
        fitting = ", ".join(known.name for known in PERS.values() if known.quantity in quantities)
        yield (*here, "per"), f"{service.label} is not counted so; write one of {fitting}"
    elif per.quantity is not Quantity.SECONDS:
        for place, rate in rates.items():
            for field in ("initial_seconds", "next_seconds"):
                if field in rate.model_fields_set:
                    message = f"is for prices per time, not per {per.name}; remove it"
                    yield (*here, *place, field), message


def _check_split(here: Path, price: BandedPrice) -> Iterator[Finding]:
    """Only time is spread over a leg's bands; of bytes or units nobody knows when they were."""
    per, split = price.per, price.bands.split
    if per.quantity is not Quantity.SECONDS and split is not BandSplit.START_BAND:
        message = f"splits time, and this price is per {per.name}; write start_band"
        yield (*here, "bands", "split"), message


def check_rounding_fits(agreement: Agreement) -> Iterator[Finding]:
    """A record priced per something large cannot be rounded to tens: that would leave 64 bits."""
    for path, item in items_of(agreement):
        version = agreement.versions[int(path[1])]
        if version.rounding.place is not RoundingPlace.RECORD:
            continue
        match item.price:
            case UnitPrice(per=per) | BandedPrice(per=per) | StepsPrice(per=per):
                field, unit, advice = "per", per.unit, "write a smaller unit"
            case DeckPrice(factor=factor):
                field, unit = "deck", PERS["minute"].unit * factor.denominator
                advice = "write a factor of fewer decimals"
            case _:
                continue
        if unit * 10 ** (NANOS_DECIMALS - version.decimals) > STEP_MAX:
            what = f"is too large to round records to {version.decimals} decimals"
            yield (*path, "price", field), f"{what}; {advice}, or round the line"


CHECKS: tuple[Callable[[Agreement], Iterable[Finding]], ...] = (
    check_versions_follow,
    check_items_distinct,
    check_precedence,
    check_conditions_fit,
    check_prices_fit,
    check_rounding_fits,
    check_curves,
    check_deals,
    check_payment,
    check_splits,
    check_spans,
    check_clawbacks,
    check_allowances,
    *EVENT_CHECKS,
    *INTERVAL_CHECKS,
    *MEASURE_CHECKS,
)


def findings(agreement: Agreement) -> Iterator[Finding]:
    """All that the checks find."""
    for check in CHECKS:
        yield from check(agreement)


def deck_items(agreement: Agreement) -> Iterator[tuple[Path, str]]:
    """The decks that an agreement names, and where."""
    for path, item in items_of(agreement):
        if isinstance(item.price, DeckPrice):
            yield (*path, "price", "deck"), item.price.deck


def deck_prices(agreement: Agreement) -> Iterator[tuple[Path, DeckPrice]]:
    """The prices by deck in an agreement, and where."""
    for path, item in items_of(agreement):
        if isinstance(item.price, DeckPrice):
            yield (*path, "price"), item.price


def banded_items(agreement: Agreement) -> Iterator[tuple[Path, BandRates]]:
    """The prices by time band in an agreement, and where."""
    for path, item in items_of(agreement):
        if isinstance(item.price, BandedPrice):
            yield (*path, "price", "bands"), item.price.bands
