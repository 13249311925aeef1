"""Nothing that is settled may depend on a partner in test."""

from __future__ import annotations

from pathlib import Path

from tests.builders import complaints_of, reference_dir

KEYS = "kind,key,agreement,valid_from,valid_upto\n"
TERMS = "version: 1, valid_from: 2026-01-01, zone: UTC, currency: EUR"
SALE = "{item: sales, role: channel, service: transaction, flow: receivable, "
SHARE = "price: {kind: share, percent: 5}"
GIVES = (
    "split: {rule: largest_remainder, parties: [{percent: 60},"
    " {agreement: B-1, item: part, percent: 40}]}"
)
PART = "{item: part, role: channel, service: transaction, flow: payable, price: {kind: received}}"
JOINT = (
    "[{deal: joint, flow: receivable, over: [sales, B-1/sales], price: {kind: bounds, maximum: 5}}]"
)


def complaints(directory: Path, first: str, second: str, *, tried: str) -> list[str]:
    """What is wrong with two agreements, A-1 of A and B-1 of B, of which some are in test."""
    partners = "".join(
        f"- {{partner: {n}, name: {n}, test: {str(n in tried).lower()}}}\n" for n in "AB"
    )
    agreements = "".join(
        f"- {{agreement: {n}-1, partner: {n}, model: reseller, pool: P,"
        f" versions: [{{{TERMS}, {version}}}]}}\n"
        for n, version in zip("AB", (first, second), strict=True)
    )
    made = reference_dir(directory, partners=partners, agreements=agreements, attribution=KEYS)
    return [told.split(": ", 1)[1] for told in complaints_of(made)]


def test_a_share_never_goes_to_a_partner_in_test(tmp_path: Path) -> None:
    """From a test to a live one, and within the test, it may be agreed already."""
    terms = (f"items: [{SALE}{SHARE}, {GIVES}}}]", f"items: [{PART}]")
    assert complaints(tmp_path, *terms, tried="B") == [
        (
            "versions[0].items[0].split.parties[1].agreement: B-1 is of B, which is in test and is"
            " not settled; remove it until it is live"
        )
    ]
    for tried in ("", "A", "AB"):
        assert complaints(tmp_path, *terms, tried=tried) == []


def test_a_deal_is_over_one_kind_of_agreement(tmp_path: Path) -> None:
    """Whichever of the two is in test; both may be."""
    items = f"items: [{SALE}{SHARE}}}]"
    terms = (f"{items}, deals: {JOINT}", items)
    for tried in "AB":
        assert complaints(tmp_path, *terms, tried=tried) == [
            (
                f"versions[0].deals[0].over: {tried}-1 is of {tried}, which is in test and is not"
                " settled; join it with others once it is live"
            )
        ]
    assert complaints(tmp_path, *terms, tried="") == []
    assert complaints(tmp_path, *terms, tried="AB") == []
