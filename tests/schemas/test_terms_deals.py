"""What deals are over: there, once, before them, and the same way."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders import agreement_text, complaints_of, reference_dir

ITEMS = (
    "{item: texts, role: ingress, service: sms, flow: receivable,"
    " price: {kind: unit, per: event, amount: 1}}, "
    "{item: paid, role: egress, service: sms, flow: payable,"
    " price: {kind: unit, per: event, amount: 1}}"
)
CAP = "price: {kind: bounds, maximum: 1}}"


def complaints(directory: Path, deals: str) -> list[str]:
    """What is wrong with the deals of a version with two items."""
    terms = f"valid_from: 2026-01-01, zone: UTC, currency: EUR, deals: [{deals}]"
    text = agreement_text(ITEMS, terms=terms)
    keys = "kind,key,agreement,valid_from,valid_upto\n"
    found = complaints_of(reference_dir(directory, agreements=text, attribution=keys))
    return [complaint.removeprefix("agreements.yaml:2: versions[0].deals") for complaint in found]


def test_deals_over_deals(tmp_path: Path) -> None:
    """A deal may be over a fee and an earlier deal."""
    deals = (
        "{deal: base, flow: receivable, price: {kind: fee, amount: 1, every: month}}, "
        f"{{deal: one, flow: receivable, over: [texts, base], {CAP}, "
        f"{{deal: two, flow: receivable, over: [one], {CAP}"
    )
    assert complaints(tmp_path, deals) == []


@pytest.mark.parametrize(
    ("deals", "complaint"),
    [
        (
            "{deal: a, flow: receivable, price: {kind: fee, amount: 1, every: week}}",
            "[0].price.every: does not fit a settlement by month; write month",
        ),
        (
            (
                "{deal: a, flow: receivable, "
                "price: {kind: fee, amount: 1, every: month, on: 2026-11-15}}"
            ),
            "[0].price.every: is not for a fee on one day; keep every or on",
        ),
        (
            f"{{deal: texts, flow: receivable, over: [texts], {CAP}",
            "[0].deal: 'texts' is given twice; choose another name",
        ),
        (
            f"{{deal: a, flow: receivable, over: [txts], {CAP}",
            "[0].over[0]: there is no item 'txts'; write texts",
        ),
        (
            f"{{deal: a, flow: receivable, over: [zzz], {CAP}",
            "[0].over[0]: there is no item 'zzz'; name an item of this version",
        ),
        (
            f"{{deal: a, flow: receivable, over: [texts, texts], {CAP}",
            "[0].over[1]: 'texts' is given twice; keep one",
        ),
        (
            f"{{deal: a, flow: receivable, over: [paid], {CAP}",
            "[0].over[0]: 'paid' is payable, the deal receivable; a deal goes one way",
        ),
        (
            f"{{deal: a, flow: receivable, {CAP}",
            "[0].over: is empty; name the items that the deal is over",
        ),
        (
            (
                f"{{deal: a, flow: receivable, over: [b], {CAP}, "
                f"{{deal: b, flow: receivable, over: [texts], {CAP}"
            ),
            "[0].over[0]: 'b' is a later deal; list it before",
        ),
        (
            "{deal: a, flow: receivable, over: [texts], price: {kind: fee, amount: 1}}",
            "[0].over: a fee is over nothing; remove it",
        ),
        (
            "{deal: a, flow: receivable, over: [texts], price: {kind: bounds}}",
            "[0].price: bounds nothing; write discount_percent, maximum or minimum",
        ),
        (
            (
                "{deal: a, flow: receivable, over: [texts], "
                "price: {kind: bounds, minimum: 2, maximum: 1}}"
            ),
            "[0].price.minimum: is above the maximum; exchange the two",
        ),
    ],
)
def test_what_does_not_fit_is_named(tmp_path: Path, deals: str, complaint: str) -> None:
    """Each with what to do about it."""
    assert complaints(tmp_path, deals) == [complaint]


SWAP = (
    "{deal: s, price: {kind: swap, per: event, in: [came], out: [went], balanced: 1, "
    "unbalanced: 2, declared: in}}"
)
COUNTED = """
        - {item: came, role: ingress, service: sms, flow: receivable,
           price: {kind: counted, per: event}}
        - {item: went, role: egress, service: sms, flow: payable,
           price: {kind: counted, per: event}}"""


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (("declared: in", "declared: in"), ""),
        (("declared: in", "declared: out"), ".deals[0].price.declared: is of another side"),
        ((", declared: in", ""), ".deals[0].price.declared: is of another side"),
        (("currency: EUR", "currency: USD"), ".deals[0].price.declared: is of another side"),
        (("item: went", "item: s"), ".items[1].item: 's' is what a swap's figure is declared"),
        ((f"[{SWAP}", f"[{SWAP}, {SWAP}"), ".deals[1].deal: 's' is given twice; choose another"),
        (("declared: in", "declared: both"), ".deals[0].price.declared: "),
    ],
)
def test_a_figure_means_the_same_in_every_version(
    tmp_path: Path, change: tuple[str, str], complaint: str
) -> None:
    """Which side a partner declares, of what and in which period: no version changes it."""
    first = f"""
    - version: 1
      valid_from: 2026-01-01
      valid_upto: 2026-11-16
      zone: UTC
      currency: EUR
      items:{COUNTED}
      deals: [{SWAP}]"""
    second = first.replace("version: 1", "version: 2").replace("2026-01-01", "2026-11-16")
    second = second.replace("\n      valid_upto: 2026-11-16", "").replace(*change)
    text = f"- agreement: T\n  partner: ALFA\n  model: wholesale\n  versions:{first}{second}\n"
    keys = "kind,key,agreement,valid_from,valid_upto\n"
    found = complaints_of(reference_dir(tmp_path, agreements=text, attribution=keys))
    assert bool(complaint) == bool(found)
    assert complaint in "".join(found)
    assert not found or "versions[1]" in found[0]
