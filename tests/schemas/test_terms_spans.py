"""What tiers of a quarter or year must be to their agreement."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders import complaints_of, reference_dir

NO_KEYS = "kind,key,agreement,valid_from,valid_upto\n"
ITEM = (
    "{item: texts, role: ingress, service: sms, flow: receivable, "
    "price: {kind: tiers, per: event, tiers: [{price: 1}]%s}}"
)
DEAL = "{deal: most, flow: receivable, over: [texts], price: {kind: bounds, maximum: 5}}"


def complaints(directory: Path, price: str, first: str = "", second: str = "") -> list[str]:
    """What is found in an agreement of two versions, one from June on."""
    item = ITEM % price
    versions = (
        f"{{version: 1, valid_from: 2026-01-01, valid_upto: 2026-06-01, zone: UTC, "
        f"currency: EUR, items: [{item}]{first}}}, "
        f"{{version: 2, valid_from: 2026-06-01, zone: UTC, currency: EUR, items: [{item}]{second}}}"
    )
    text = f"- {{agreement: A, partner: ALFA, model: wholesale, versions: [{versions}]}}\n"
    found = complaints_of(reference_dir(directory, agreements=text, attribution=NO_KEYS))
    return [complaint.partition(": ")[2] for complaint in found]


@pytest.mark.parametrize(
    "price",
    ["", ", each: period", ", each: quarter", ", each: year", ", each: year, from: 2026-04"],
)
def test_what_fits_is_taken(tmp_path: Path, price: str) -> None:
    """Every word, and the month in which spans begin."""
    assert complaints(tmp_path, price) == []


@pytest.mark.parametrize(
    ("price", "complaint"),
    [
        (
            ", each: decade",
            (
                "price.each: 'decade' is not known; write one of event, period, 5min, hour, day,"
                " quarter, year"
            ),
        ),
        (
            ", each: year, from: April",
            "price.from: 'April' is not a month; write it like 2026-04",
        ),
        (
            ", from: 2026-04",
            "price.from: says when spans begin; write each: quarter or year, or remove it",
        ),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path: Path, price: str, complaint: str) -> None:
    """With the field and what to do, of both versions."""
    found = complaints(tmp_path, price)
    assert found == [f"versions[{number}].items[0].{complaint}" for number in (0, 1)]


def test_versions_settle_alike(tmp_path: Path) -> None:
    """Months and days of one span have no order."""
    message = "goes on over periods, but versions settle by month and by day; write one"
    found = complaints(tmp_path, ", each: quarter", second=", period: day")
    assert found == [f"versions[{n}].items[0].price.each: {message}" for n in (0, 1)]
    assert complaints(tmp_path, ", each: quarter", ", period: day", ", period: day") == []


def test_no_deal_is_over_a_span(tmp_path: Path) -> None:
    """A deal is of one period."""
    [found] = complaints(tmp_path, ", each: quarter", second=f", deals: [{DEAL}]")
    assert found == (
        "versions[1].deals[0].over[0]: 'texts' counts over several periods by itself; remove it"
    )
    assert complaints(tmp_path, "", second=f", deals: [{DEAL}]") == []


OVER = "{deal: %s, flow: receivable, over: [%s], price: {kind: tiers, per: amount%s, tiers: %s}}"
TIERS = "[{percent: -5}]"


def test_deals_over_spans_are_alike(tmp_path: Path) -> None:
    """One span for all of them; and one of a single period is not over one of several."""
    quarter = OVER % ("a", "texts", ", each: quarter", TIERS)
    assert complaints(tmp_path, "", second=f", deals: [{quarter}]") == []
    year = OVER % ("b", "a", ", each: year", TIERS)
    [found] = complaints(tmp_path, "", second=f", deals: [{quarter}, {year}]")
    assert found == (
        "versions[1].deals[1].price.each: "
        "is another span than that of an earlier deal; deals need one alike"
    )
    month = OVER % ("b", "a", "", TIERS)
    [found] = complaints(tmp_path, "", second=f", deals: [{quarter}, {month}]")
    assert found == (
        "versions[1].deals[1].over[0]: 'a' goes on over several periods, this deal does not; "
        "remove it"
    )
    [found] = complaints(
        tmp_path, "", second=f", deals: [{OVER % ('a', 'texts', ', from: 2026-04', TIERS)}]"
    )
    assert found.endswith(
        "price.from: says when spans begin; write each: quarter or year, or remove it"
    )


def test_nothing_else_chooses_the_tier_of_a_span(tmp_path: Path) -> None:
    """And what counts over a span chooses no tier of a period."""
    found = complaints(tmp_path, ", each: quarter, curve: volume, chosen_by: events")
    message = "price.chosen_by: is not for tiers of several periods; remove it"
    assert found == [f"versions[{number}].items[0].{message}" for number in (0, 1)]
    fee = "{deal: fee, flow: receivable, price: {kind: fee, amount: 5}}"
    more = ", curve: volume, chosen_by: texts"
    deal = OVER % ("a", "fee", more, TIERS)
    [chosen] = complaints(tmp_path, ", each: quarter", second=f", deals: [{fee}, {deal}]")
    assert chosen == (
        "versions[1].deals[1].price.chosen_by: "
        "'texts' counts over several periods by itself; name another item"
    )
