"""What masters told, put on the log as changes: makers of organizations, agreements and products.

The agreements fit the events of `tests/ops/books.py`: calls that come in by a route, and bandwidth
of a product.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ops.embedded import Embedded
from schemas.topics import REFERENCE
from streams.control.changes import Change, Form

DAY_US = 86_400_000_000
FIRST_US = 1_704_067_200_000_000  # 2024-01-01T00:00:00Z


def change(kind: str, thing: str, /, at: int = 0, **attributes: Any) -> Change:  # noqa: ANN401
    """All of a thing, as it is from a day of 2024 on."""
    at_us = FIRST_US + at * DAY_US
    position = f"{kind}.v1/0/{at}/0"
    return Change(kind, thing, at_us, Form.FULL, attributes, "master", "", position, at_us)


def organization(name: str, at: int = 0) -> Change:
    """A partner."""
    return change("organization", name, at, name=f"{name} Networks", tradingName=f"{name} Net")


def version(number: int = 1, price: str = "0.5", **fields: Any) -> dict[str, Any]:  # noqa: ANN401
    """Terms from 2024 on: bandwidth of products at a price for each gigabyte."""
    item = {
        "item": "ports",
        "role": "product",
        "service": "bandwidth",
        "flow": "receivable",
        "price": {"kind": "unit", "per": "gigabyte", "amount": price},
    }
    terms = {"version": str(number), "valid_from": "2024-01-01", "zone": "UTC", "currency": "EUR"}
    return {**terms, "items": [item], **fields}


def unknown_deck() -> dict[str, Any]:
    """Terms that are right by themselves, and name a deck that no file has."""
    item = {"item": "calls", "role": "ingress", "service": "voice", "flow": "receivable"}
    return version(items=[{**item, "price": {"kind": "deck", "deck": "NOWHERE"}}])


def agreement(
    name: str, partner: str, versions: Sequence[dict[str, Any]] | None = None, at: int = 0
) -> Change:
    """A contract whose terms are given."""
    terms = {"partner": partner, "model": "wholesale", "versions": versions or [version()]}
    return change(
        "agreement",
        name,
        at,
        name=name,
        status="approved",
        engagedParty=[{"party": partner, "role_id": "", "role": "partner", "name": partner}],
        characteristics={"weirTerms": {"@type": "WeirTerms", **terms}},
    )


def product(name: str, agreement_name: str, at: int = 0, **attributes: Any) -> Change:  # noqa: ANN401
    """A product that belongs to an agreement."""
    given = [{"agreement": agreement_name, "item": "ports"}]
    return change("product", name, at, status="active", agreements=given, **attributes)


def tell(weir: Embedded, changes: Iterable[Change]) -> None:
    """Put changes on the log, as the control hop does; nothing is settled by that."""
    weir.store.append(REFERENCE.name, 0, [(c.key, c.to_bytes()) for c in changes])
