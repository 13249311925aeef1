"""The examples of cost, margin and clawback in the documentation are priced as it says."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import dedent, indent
from typing import Any

import pytest

from ops.explain_clawback import window
from ops.explain_leg import arithmetic, rate_line
from schemas.codes import Service
from state.tables import Tables
from streams.packing import unpack
from streams.privacy import Tokens
from streams.rated import Blocks
from tests.builders import reference_dir
from tests.builders import tables as compiled
from tests.makers import rated_of, usage
from tests.usage_makers import NOVEMBER_US, message, row

PAGE = (Path(__file__).parents[1] / "docs" / "prices.md").read_text(encoding="utf-8")
DAY_US = 86_400_000_000
ROWS = re.findall(r"^\| ([0-9]+) \| (?:.*= )?([0-9]+|nothing) \|$", PAGE, re.MULTILINE)


def section(title: str) -> list[str]:
    """The examples of a section of the page."""
    text = re.split(r"^## ", PAGE.split(f"## {title}\n")[1], flags=re.MULTILINE)[0]
    return [dedent(block) for block in re.findall(r"(?:^    .*\n)+", text, re.MULTILINE)]


def terms(directory: Path, items: str) -> Tables:
    """Tables of an agreement with the items of an example."""
    agreement = (
        "- agreement: ALFA-1\n  partner: ALFA\n  model: referral\n  versions:\n"
        "    - version: 1\n      valid_from: 2024-01-01\n      zone: UTC\n      currency: EUR\n"
        f"      items:\n{indent(items, ' ' * 8)}"
    )
    keys = "kind,key,agreement,valid_from,valid_upto\nchannel,C-1,ALFA-1,,\nproduct,P-1,ALFA-1,,\n"
    return compiled(reference_dir(directory, agreements=agreement, attribution=keys))


def sale(**fields: Any) -> bytes:  # noqa: ANN401
    """A sale at 100 over a channel."""
    amounts = {"retail_amount_micros": 100_000_000, **fields}
    return message(Service.TRANSACTION, row(Service.TRANSACTION, sales_channel="C-1", **amounts))


def test_cost_and_margin_come_to_the_amounts_on_the_page(tmp_path: Path) -> None:
    """Cost-plus is 78, the share of the margin 14, that of a loss -4."""
    of = terms(tmp_path, section("Cost and margin")[0])
    sold = sale(cost_amount_micros=65_000_000, product_instance="P-1")
    found = rated_of(usage(sold, sale(sequence=2, cost_amount_micros=110_000_000)), of)
    names = [of.items[item].name for item in found.legs.item.tolist()]
    charges = dict(zip(names, found.charge_micros.tolist(), strict=True))
    assert charges["resale"] == 78_000_000
    assert sorted(found.charge_micros.tolist()) == [-4_000_000, 14_000_000, 78_000_000]


def test_the_page_has_the_days_of_a_clawback() -> None:
    """Otherwise what follows would show nothing."""
    assert ROWS == [("0", "100"), ("45", "75"), ("180", "nothing")]


@pytest.mark.parametrize(("days", "amount"), ROWS)
def test_a_clawback_comes_to_the_amount_on_the_page(tmp_path: Path, days: str, amount: str) -> None:
    """So many days after the original, in a block as it is archived and explained."""
    item, told = section("Clawback")
    of = terms(tmp_path, item)
    began = NOVEMBER_US - int(days) * DAY_US
    batch = usage(sale(transaction_type="refund", original_started_at=began))
    found = rated_of(batch, of)
    assert found.charge_micros.tolist() == [-int(amount.replace("nothing", "0")) * 1_000_000]
    [leg] = unpack(Blocks(of, Tokens(b"key")).to_bytes(batch, found, {})).to_pylist()
    assert leg["original_us"] == began
    if days == "45":
        line = rate_line(leg, of.items[0], of) + window(leg, of.items[0])
        words = f"rate line   {line}\narithmetic  {arithmetic(leg, of.items[0])}\n"
        assert words == told
