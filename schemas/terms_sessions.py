"""What must hold where an item counts sessions: partial records that are one call together.

Only calls and data sessions come in partial records, and only what lasts or flows goes on from one
to the next. The same form as the checks of `schemas/terms.py`, which runs these too.
"""

from __future__ import annotations

from collections.abc import Iterator

from schemas.agreements import Agreement, Item, items_of
from schemas.codes import AttemptOn, BandSplit, Quantity, Service, Whole
from schemas.documents import Finding, Path
from schemas.measures import WINDOWED
from schemas.prices import BandedPrice, BandRates, DeckBands, DeckPrice, EventPrice, TiersPrice

PARTIAL = frozenset({Service.VOICE, Service.DATA})
"""The services whose usage has a session id."""


def check_sessions_fit(agreement: Agreement) -> Iterator[Finding]:
    """Sessions are counted where there are any, in what goes on, and in bands that are not cut."""
    for path, item in items_of(agreement):
        if item.count is not None and item.count.as_one is not Whole.RECORD:
            yield from _check_whole((*path, "count", "whole"), item, item.count.as_one)
        yield from _check_attempts((*path, "price"), item)


def _check_whole(here: Path, item: Item, whole: Whole) -> Iterator[Finding]:
    price = item.price
    if item.service not in PARTIAL:
        yield here, f"{item.service.label} has no sessions; remove it"
        return
    if item.split is not None:
        yield here, "moves charges later, and what is divided cannot be; remove it, or the split"
    windowed = isinstance(price, TiersPrice) and price.each in WINDOWED
    if item.measure is not None or item.allowance is not None or windowed:
        yield (
            here,
            "moves what was counted, and measures and allowances look at events; keep one",
        )
    per = getattr(price, "per", None)
    if per is not None and per.quantity is Quantity.EVENTS:
        yield here, "is for time and volume, which go on; remove it, or write another per"
    bands: BandRates | DeckBands | None = None
    if isinstance(price, BandedPrice | DeckPrice):
        bands = price.bands
    if whole is Whole.SESSION and bands is not None and bands.split is not BandSplit.START_BAND:
        message = (
            f"a session as a whole and {bands.split.label} are not priced together;"
            " write split: start_band, or whole: legs"
        )
        yield here, message


def _check_attempts(here: Path, item: Item) -> Iterator[Finding]:
    """Whether an attempt is the last is said only of partial records, for a fee that there is."""
    prices: list[tuple[Path, EventPrice]] = []
    if isinstance(item.price, BandedPrice):
        rates = item.price.bands.prices.items()
        prices = [((*here, "bands", "prices", band), rate) for band, rate in rates]
    elif isinstance(item.price, EventPrice):
        prices = [(here, item.price)]
    for path, price in prices:
        if price.attempt_on is AttemptOn.EVERY:
            continue
        if item.service not in PARTIAL:
            message = f"{item.service.label} does not say which record is the last; remove it"
            yield (*path, "attempt_on"), message
        elif not price.attempt_fee_nanos:
            yield (*path, "attempt_on"), "is for an attempt fee; write attempt_fee, or remove it"
