"""What deals over items of other agreements may not say, each refused with place and reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.reference import load
from tests.builders import complaints_of, reference_dir

COUNTED = "price: {kind: counted, per: gigabyte}"
DATA = f"{{item: data, role: subscriber, service: data, flow: receivable, {COUNTED}}}"
SALES = (
    "{item: sales, role: channel, service: transaction, flow: receivable, "
    "price: {kind: share, percent: 5}}"
)
TIERS = "price: {kind: tiers, per: gigabyte, tiers: [{price: 5}]}"
MOST = "price: {kind: bounds, maximum: 5}"
PLAIN = "version: 1, valid_from: 2026-01-01, zone: UTC, currency: EUR"


def deal(over: str, price: str = TIERS) -> str:
    """The deals of a version: one over these items."""
    return f"[{{deal: joint, flow: receivable, over: [{over}], {price}}}]"


def agreement(name: str, *versions: str, pool: str = "P") -> str:
    """An agreement of versions in YAML."""
    of = f", pool: {pool}" if pool else ""
    listed = ", ".join(f"{{{version}}}" for version in versions)
    return f"- {{agreement: {name}, partner: ALFA, model: mvno{of}, versions: [{listed}]}}\n"


def version(items: str = f"{DATA}, {SALES}", deals: str = "[]", terms: str = PLAIN) -> str:
    """A version in YAML."""
    return f"{terms}, items: [{items}], deals: {deals}"


OWNER = version(deals=deal("data, BETA/data"))
SPANNED = "[{deal: long, flow: receivable, over: [sales], price: {kind: tiers, each: year, "
SPANNED += "per: amount, tiers: [{percent: 1}]}}, "


def complaints(directory: Path, *agreements: str) -> list[str]:
    """What is wrong, from the name of a field on."""
    keys = "kind,key,agreement,valid_from,valid_upto\n"
    made = reference_dir(directory, agreements="".join(agreements), attribution=keys)
    return [told.split(": ", 1)[1].split("versions[0].")[-1] for told in complaints_of(made)]


def test_what_fits_is_taken(tmp_path: Path) -> None:
    """Quantities in tiers and money in bounds, also of an agreement that comes later."""
    deals = f"{deal('data, BETA/data')[:-1]}, {deal('sales, BETA/sales', MOST)[1:]}"
    deals = deals.replace("joint", "most", 1)
    owner = version(deals=deals)
    assert complaints(tmp_path, agreement("ALPHA", owner), agreement("BETA", version())) == []
    [found, _] = load(tmp_path).agreements
    assert found.versions[0].deals[0].pooled == (("BETA", "data"),)


@pytest.mark.parametrize(
    ("owner", "told"),
    [
        (deal("data, GAMMA/data"), "over[1]: there is no agreement 'GAMMA'; add it"),
        (deal("data, BETA/dta"), "over[1]: version 1 of BETA has no item 'dta'"),
        (
            deal("data, BETA/sales"),
            "over[1]: 'BETA/sales' has money of its own; this deal prices items of kind: counted",
        ),
        (
            deal("data, ALPHA/data"),
            "over[1]: ALPHA is this agreement itself; write the item alone",
        ),
        (
            deal("data, BETA/data", "price: {kind: capacity, tiers: [{price: 5}]}"),
            "price.kind: is over one agreement only; write bounds or tiers",
        ),
        (
            deal(
                "data, BETA/data",
                TIERS.replace("tiers,", "tiers, chosen_by: events, curve: volume,"),
            ),
            "price.chosen_by: is not for a deal over several agreements; remove it",
        ),
        (
            SPANNED + deal("data, BETA/data")[1:],
            "over[1]: ALPHA has a deal that goes on over several periods, which no other agreement",
        ),
        (deal("data, BETA/da/ta"), "over[1]: 'da/ta' is not a name"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path: Path, owner: str, told: str) -> None:
    """In the place where it is written."""
    beta = version(deals=deal("data"))
    found = complaints(tmp_path, agreement("ALPHA", version(deals=owner)), agreement("BETA", beta))
    assert any(f"{said}".split(".", 1)[-1].startswith(told) for said in found), found


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"pool": "Q"}, "BETA is in another pool; name one pool for both"),
        ({"pool": ""}, "BETA is in another pool; name one pool for both"),
        ({"zone": "Asia/Tokyo"}, "BETA has another zone; a deal needs them alike"),
        ({"currency": "USD"}, "BETA has another currency; a deal needs them alike"),
        ({"period": "day"}, "BETA has another period; a deal needs them alike"),
    ],
)
def test_both_are_alike(tmp_path: Path, change: dict[str, str], told: str) -> None:
    """Pool, zone, currency and period."""
    terms = PLAIN.replace("UTC", change.get("zone", "UTC"))
    terms = terms.replace("EUR", change.get("currency", "EUR"))
    terms += f", period: {change.get('period', 'month')}"
    beta = agreement("BETA", version(deals=deal("data"), terms=terms), pool=change.get("pool", "P"))
    [found] = complaints(tmp_path, agreement("ALPHA", OWNER), beta)
    assert found == f"deals[0].over[1]: {told}"


def test_a_deal_begins_with_a_period(tmp_path: Path) -> None:
    """On the 16th of a month BETA has usage already, which nobody could tell apart."""
    own = deal("data, BETA/data")
    before = version(deals=deal("data"), terms=f"{PLAIN}, valid_upto: 2026-11-16")
    later = PLAIN.replace(
        "version: 1, valid_from: 2026-01-01", "version: 2, valid_from: 2026-11-16"
    )
    alpha = agreement("ALPHA", before, version(deals=own, terms=later))
    [found] = complaints(tmp_path, alpha, agreement("BETA", version(deals=deal("data"))))
    told = "'BETA/data' is in a period that this version begins in; begin with a period"
    assert found == f"versions[1].deals[0].over[1]: {told}"
    first = version(deals=own, terms=f"{PLAIN}, valid_upto: 2026-11-16")
    alpha = agreement("ALPHA", first, version(deals=own, terms=later))
    assert complaints(tmp_path, alpha, agreement("BETA", version())) == []


def test_what_only_counts_is_priced_all_the_time(tmp_path: Path) -> None:
    """From 2027 on no deal is over BETA's data any more."""
    owner = version(deals=deal("data, BETA/data"), terms=f"{PLAIN}, valid_upto: 2027-01-01")
    found = complaints(tmp_path, agreement("ALPHA", owner), agreement("BETA", version()))
    told = "only counts, and no deal is over it all the time; add one to this version, or a price"
    assert found == [f"items[0].price: {told}"]
