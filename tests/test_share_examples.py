"""The examples of commissions and shares in the documentation come to what it says."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path
from textwrap import dedent

import pytest

from ops.whatif import Whatif
from schemas.codes import Service
from tests.builders import PARTNERS, agreement_text, reference_dir
from tests.sharing_makers import sale
from tests.usage_makers import message, row

PAGE = (Path(__file__).parents[1] / "docs" / "prices.md").read_text(encoding="utf-8")
SECTION = re.split(r"^## ", PAGE.split("## Commissions and shares\n")[1], flags=re.MULTILINE)[0]
BLOCKS = [dedent(block) for block in re.findall(r"(?:^    .*\n)+", SECTION, re.MULTILINE)]
COMMISSIONS = re.findall(
    r"^\| [^|]+ \| `(price: .*)` \| (?:.*= )?([0-9.]+) \|$", SECTION, re.MULTILINE
)
RULES = re.findall(r"^\| `(\w+)` \|.*\| ([0-9, ]+) \|$", SECTION, re.MULTILINE)
PERIOD = "2026-11"
TERMS = "valid_from: 2026-01-01, zone: UTC, currency: EUR, rounding: {decimals: 2}"
RECEIVED = ("SHOP-2", "ORIG-3")


def agreements_of(items: str, override: str = "") -> str:
    """The agreement of the page's item, and those that it names; `override` says more of one."""
    received = "{item: %s, role: channel, service: transaction, flow: payable%s, "
    received += "price: {kind: received}}"
    shop = received % ("override", override)
    listed = "".join(f"        {line}\n" for line in items.splitlines())
    return (
        "- agreement: ALFA-1\n  partner: ALFA\n  model: reseller\n  versions:\n"
        "    - version: 1\n      valid_from: 2026-01-01\n      zone: UTC\n      currency: EUR\n"
        f"      rounding: {{decimals: 2}}\n      items:\n{listed}"
        + agreement_text(shop, name="SHOP-2", terms=TERMS)
        + agreement_text(received % ("origination", ""), name="ORIG-3", terms=TERMS)
    )


def amounts(directory: Path, agreements: str, messages: list[bytes], *names: str) -> list[Fraction]:
    """What the period of some agreements is worth."""
    keys = "".join(f"channel,{name},{name},,\n" for name in names if name not in RECEIVED)
    reference = reference_dir(
        directory,
        partners=PARTNERS,
        agreements=agreements,
        attribution=f"kind,key,agreement,valid_from,valid_upto\n{keys}",
        others={
            "characteristics.csv": "kind,key,name,value,valid_from,valid_upto\n"
            f"channel,{names[-1]},status,active,,\n"
        }
        if "characteristic" in agreements
        else {},
    )
    with Whatif(reference) as whatif:
        whatif.send(messages)
        drafts = [whatif.draft(name, PERIOD) for name in names]
    return [sum((Fraction(t["payable"]) for t in d["totals"]), Fraction(0)) for d in drafts]


def test_each_commission_comes_to_the_amount_on_the_page(tmp_path: Path) -> None:
    """Of an activation of 80, each under an agreement of its own."""
    assert len(COMMISSIONS) == 7
    names = [f"C-{number}" for number in range(len(COMMISSIONS))]
    agreements = "".join(
        f"- {{agreement: {name}, partner: ALFA, model: reseller, versions: [{{version: 1, "
        "valid_from: 2026-01-01, zone: UTC, currency: EUR, items: [{item: sales, role: channel, "
        f"service: transaction, flow: payable, {price}}}]}}]}}\n"
        for name, (price, _) in zip(names, COMMISSIONS, strict=True)
    )
    sold = {"retail_amount_micros": 80_000_000, "transaction_type": "activation"}
    messages = [
        message(
            Service.TRANSACTION,
            row(Service.TRANSACTION, sequence=number, sales_channel=name, **sold),
        )
        for number, name in enumerate(names)
    ]
    found = amounts(tmp_path, agreements, messages, *names)
    assert found == [Fraction(amount) for _, amount in COMMISSIONS]


def test_the_sale_of_the_page_is_divided_as_it_says(tmp_path: Path) -> None:
    """100.30: 6.02, 2.51 and 1.50."""
    sold = sale(100_300_000, channel="ALFA-1")
    found = amounts(tmp_path, agreements_of(BLOCKS[0]), [sold], "ALFA-1", *RECEIVED)
    assert found == [Fraction(text) for text in ("6.02", "2.51", "1.50")]
    assert "6.02, 2.51 and 1.50" in SECTION


@pytest.mark.parametrize(("rule", "cents"), RULES)
def test_each_rule_leaves_what_is_left_to_whom_it_says(
    tmp_path: Path, rule: str, cents: str
) -> None:
    """15 cents, of which everybody gets the whole ones that are due, and two are left."""
    text = BLOCKS[0].replace("largest_remainder", rule).replace("percent: 10}", "percent: 100}")
    for before, after in (("60", "79"), ("25", "8"), ("15", "13")):
        text = text.replace(f"percent: {before}}}", f"percent: {after}}}")
    sold = sale(150_000, channel="ALFA-1")
    found = amounts(tmp_path, agreements_of(text), [sold], "ALFA-1", *RECEIVED)
    assert found == [Fraction(part) / 100 for part in cents.split(", ")]


def test_the_page_has_an_example_of_each_rule() -> None:
    """Otherwise what was tried would show nothing."""
    assert [rule for rule, _ in RULES] == ["largest_remainder", "first_parts", "rest_to_last"]


def test_the_cascade_of_the_page_goes_on_as_it_says(tmp_path: Path) -> None:
    """SHOP-2 keeps 1.26 of 2.51, ORIG-3 has 1.25 and 1.50."""
    text = agreements_of(BLOCKS[0], f", {BLOCKS[1].strip()}")
    found = amounts(tmp_path, text, [sale(100_300_000, channel="ALFA-1")], "ALFA-1", *RECEIVED)
    assert found == [Fraction(text) for text in ("6.02", "1.26", "2.75")]
