"""What must hold between an allowance and the price beside it.

The same form as the checks of `schemas/terms.py`, which runs these too.
"""

from __future__ import annotations

from collections.abc import Iterator

from schemas.agreements import Agreement, items_of
from schemas.curves import quantity_of
from schemas.documents import Finding
from schemas.prices import AMOUNT, SharePrice, Tiered, UnitPrice


def check_allowances(agreement: Agreement) -> Iterator[Finding]:
    """An allowance says what is free, beside a price of one event of a single line."""
    for path, item in items_of(agreement):
        said, here = item.allowance, (*path, "allowance")
        if said is None:
            continue
        if item.split is not None:
            yield here, "takes off a period what a split has given away by event; keep one of them"
        if isinstance(item.price, Tiered):
            yield here, "is for unit and share prices; write free for tiers"
        elif not isinstance(item.price, UnitPrice | SharePrice):
            yield here, "is for unit and share prices of one line; remove it"
        elif said.events is None and said.quantity is None:
            yield here, "frees nothing; write events, quantity or both"
        elif said.quantity is not None:
            per = AMOUNT if isinstance(item.price, SharePrice) else item.price.per
            try:
                quantity_of(said.quantity, per)
            except ValueError as error:
                yield (*here, "quantity"), str(error)
