"""What must hold between a clawback and the rest of its item.

The same form as the checks of `schemas/terms.py`, which runs these too. What is taken back is the
charge of one transaction, so its price must be of each transaction for itself: what a period's
tiers made of a sale among others is not the sale's own to give back.
"""

from __future__ import annotations

from collections.abc import Iterator

from schemas.agreements import Agreement, Item, items_of
from schemas.clawback import Clawback
from schemas.codes import RoundingPlace, Service
from schemas.documents import Finding, Path
from schemas.money import NANOS_DECIMALS
from schemas.prices import AMOUNT, SharePrice, StepsPrice, UnitPrice

STEP_MAX = 2**61  # as in `schemas.terms`


def check_clawbacks(agreement: Agreement) -> Iterator[Finding]:
    """A clawback is of transactions, of prices of one event, and of types that the item covers."""
    found = False
    for path, item in items_of(agreement):
        if item.clawback is not None:
            found = True
            version = agreement.versions[int(path[1])]
            yield from _check_item((*path, "clawback"), item, item.clawback)
            if version.rounding.place is RoundingPlace.RECORD:
                decimals = version.decimals
                yield from _check_window((*path, "clawback"), item, item.clawback, decimals)
    if found:
        yield from _check_periods(agreement)


def _check_item(here: Path, item: Item, clawback: Clawback) -> Iterator[Finding]:
    if item.service is not Service.TRANSACTION:
        yield here, f"is for transactions, not for {item.service.label}; remove it"
    elif not isinstance(item.price, UnitPrice | SharePrice | StepsPrice):
        message = "takes back what one event was charged, which this kind of price does not say;"
        yield here, f"{message} write a unit or share price, or tiers with each: event"
    covered = None if item.where is None else item.where.transaction_type
    for place, word in enumerate(clawback.types):
        if covered is not None and word not in covered:
            message = f"{word!r} never comes to this item; add it to where.transaction_type"
            yield (*here, "types", place), message


def _check_window(here: Path, item: Item, clawback: Clawback, decimals: int) -> Iterator[Finding]:
    """Parts of a charge stay exact in 64 bits while it is rounded."""
    unit = AMOUNT.unit
    if isinstance(item.price, UnitPrice | StepsPrice):
        unit = item.price.per.unit
    if unit * clawback.parts * 10 ** (NANOS_DECIMALS - decimals) > STEP_MAX:
        what = f"is too long to round records to {decimals} decimals pro rata"
        yield (*here, "window_days"), f"{what}; write fewer days, or round the line"


def _check_periods(agreement: Agreement) -> Iterator[Finding]:
    """What an old version takes back in a later period must fall into a period of that time."""
    first = agreement.versions[0].period
    for number, version in enumerate(agreement.versions):
        if version.period != first:
            message = "a clawback is settled in periods of the version that it goes back to"
            yield ("versions", number, "period"), f"changes, but {message}; write {first}"
