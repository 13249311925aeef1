"""What a clawback must be to the rest of its item, and what is said where it is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders import agreement_text, complaints_of, reference_dir

NO_KEYS = "kind,key,agreement,valid_from,valid_upto\n"
CLAWBACK = "{types: [refund], window_days: 180, rule: pro_rata}"
SHARE = "{kind: share, percent: 10}"
TIERS = "tiers: [{up_to: 100, percent: 10}, {percent: 15}]"
ROLES = {"voice": "ingress", "transaction": "channel"}
FEW = "valid_from: 2026-01-01, zone: UTC, currency: EUR, rounding: {place: record, decimals: -2}"


def complaints(directory: Path, service: str, price: str, more: str, terms: str = "") -> list[str]:
    """What is found in an agreement of one item, without its path."""
    item = (
        f"{{item: one, role: {ROLES[service]}, service: {service}, flow: payable, "
        f"clawback: {CLAWBACK}{more}, price: {price}}}"
    )
    text = agreement_text(item, terms=terms) if terms else agreement_text(item)
    found = complaints_of(reference_dir(directory, agreements=text, attribution=NO_KEYS))
    return [text.partition("items[0].")[2] for text in found]


@pytest.mark.parametrize(
    ("price", "more"),
    [
        (SHARE, ""),
        (SHARE, ", count: {of: margin}"),
        ("{kind: unit, per: event, amount: 100}", ", where: {transaction_type: [sale, refund]}"),
        (f"{{kind: tiers, each: event, per: amount, {TIERS}}}", ""),
    ],
)
def test_what_fits_is_taken(tmp_path: Path, price: str, more: str) -> None:
    """Prices of one event, of any amount of a transaction."""
    assert complaints(tmp_path, "transaction", price, more) == []


@pytest.mark.parametrize(
    ("service", "price", "more", "terms", "complaint"),
    [
        (
            "voice",
            "{kind: unit, per: minute, amount: 1}",
            "",
            "",
            "clawback: is for transactions, not for voice; remove it",
        ),
        (
            "transaction",
            f"{{kind: tiers, per: amount, {TIERS}}}",
            "",
            "",
            (
                "clawback: takes back what one event was charged, which this kind of price does not"
                " say; write a unit or share price, or tiers with each: event"
            ),
        ),
        (
            "transaction",
            SHARE,
            ", where: {transaction_type: [sale]}",
            "",
            (
                "clawback.types[0]: 'refund' never comes to this item; add it to"
                " where.transaction_type"
            ),
        ),
        (
            "transaction",
            SHARE,
            "",
            FEW,
            (
                "clawback.window_days: is too long to round records to -2 decimals pro rata; write"
                " fewer days, or round the line"
            ),
        ),
    ],
)
def test_what_does_not_fit_is_refused(
    tmp_path: Path, service: str, price: str, more: str, terms: str, complaint: str
) -> None:
    """Each with what to do."""
    assert complaints(tmp_path, service, price, more, terms) == [complaint]


def test_the_length_of_periods_stays(tmp_path: Path) -> None:
    """What an old version takes back in a later period has to fall into one."""
    item = f"{{item: a, role: channel, service: transaction, flow: payable, clawback: {CLAWBACK}, "
    items = f"[{item}price: {SHARE}}}]"
    first = "{version: 1, valid_from: 2026-01-01, valid_upto: 2026-06-01, zone: UTC, currency: EUR"
    later = "{version: 2, valid_from: 2026-06-01, zone: UTC, currency: EUR, period: day"
    text = (
        "- agreement: ALFA-1\n  partner: ALFA\n  model: referral\n  versions:\n"
        f"    - {first}, items: {items}}}\n    - {later}, items: {items}}}\n"
    )
    found = complaints_of(reference_dir(tmp_path, agreements=text, attribution=NO_KEYS))
    assert [line.partition("versions")[2] for line in found] == [
        (
            "[1].period: changes, but a clawback is settled in periods of the version that it goes"
            " back to; write month"
        )
    ]
