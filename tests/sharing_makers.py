"""A chain of shares for tests: a seller, a shop with a share of it, and who has a part of that."""

from __future__ import annotations

from pathlib import Path

from schemas.codes import Service
from state.tables import Tables
from tests import builders
from tests.usage_makers import message, row

KEYS = "kind,key,agreement,valid_from,valid_upto\nchannel,C-1,ALFA-1,,\nchannel,C-2,SHOP-2,,\n"
PARTNERS = "- {partner: ALFA, name: A}\n"
SALE = "{item: sale, role: channel, service: transaction, flow: receivable"
PART = "{item: part, role: channel, service: transaction, flow: payable"
PRICE = "price: {kind: share, percent: 100}"
RECEIVED = "price: {kind: received}"
CENTS = "rounding: {decimals: 2}"
TERMS = f"valid_from: 2026-01-01, zone: UTC, currency: EUR, {CENTS}"


def split(rule: str, *parts: str, at: int = 0) -> str:
    """A split; the party at a place is the agreement itself, the others SHOP-2, SHOP-3 and so on.

    Parts are written as percentages, or as fractions.
    """
    shops = iter(range(2, 200))
    listed = []
    for number, part in enumerate(parts):
        field = f'part: "{part}"' if "/" in part else f"percent: {part}"
        who = "" if number == at else f"agreement: SHOP-{next(shops)}, item: part, "
        listed.append(f"{{{who}{field}}}")
    return f"split: {{rule: {rule}, parties: [{', '.join(listed)}]}}"


def agreement(name: str, items: str, terms: str = TERMS) -> str:
    """One agreement of one version."""
    return builders.agreement_text(items, name=name, terms=terms)


def shops(count: int) -> str:
    """So many agreements that only receive."""
    return "".join(agreement(f"SHOP-{n}", f"{PART}, {RECEIVED}}}") for n in range(2, count + 2))


def directory(path: Path, *agreements: str) -> Path:
    """A reference of these agreements, all of one partner."""
    return builders.reference_dir(
        path, partners=PARTNERS, agreements="".join(agreements), attribution=KEYS
    )


def seller(path: Path, divided: str, count: int) -> Tables:
    """ALFA-1 divides what it sells with so many shops."""
    own = agreement("ALFA-1", f"{SALE}, {PRICE}, {divided}}}")
    return builders.tables(directory(path, own, shops(count)))


def sale(micros: int, sequence: int = 1, channel: str = "C-1", **more: object) -> bytes:
    """A transaction of so much."""
    fields = {"sales_channel": channel, "retail_amount_micros": micros, "retail_currency": "EUR"}
    given = {"sequence": sequence, **fields, **more}
    return message(Service.TRANSACTION, row(Service.TRANSACTION, **given))
