"""The examples of time bands in the documentation are priced as it says."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import dedent

import pytest

from schemas.codes import Service
from tests.band_makers import us
from tests.builders import reference_dir, tables
from tests.makers import rated_of, usage
from tests.usage_makers import message, row

PAGE = (Path(__file__).parents[1] / "docs" / "prices.md").read_text(encoding="utf-8")
SECTION = re.split(r"^## ", PAGE.split("## Time bands\n")[1], flags=re.MULTILINE)[0]
PLAN, PRICE = (dedent(block) for block in re.findall(r"(?:^    .*\n)+", SECTION, re.MULTILINE)[:2])
ROWS = re.findall(r"^\| `(\w+)` \|.*(?:= | )([0-9]+\.[0-9]{2}) \|$", SECTION, re.MULTILINE)


def test_the_page_has_an_example_of_each_rule() -> None:
    """Otherwise what follows would show nothing."""
    assert [rule for rule, _ in ROWS] == ["complete_increment", "round_each_band", "start_band"]


@pytest.mark.parametrize(("rule", "amount"), ROWS)
def test_each_rule_comes_to_the_amount_on_the_page(tmp_path: Path, rule: str, amount: str) -> None:
    """A call of 62 seconds from 17:59:59 on a Tuesday."""
    price = "\n".join(f"          {line}" for line in PRICE.splitlines())
    price = price.replace("complete_increment", rule)
    agreement = (
        "- agreement: ALFA-1\n  partner: ALFA\n  model: wholesale\n  versions:\n"
        "    - version: 1\n      valid_from: 2024-01-01\n      zone: UTC\n      currency: EUR\n"
        "      items:\n        - item: voice\n          role: ingress\n          service: voice\n"
        f"          flow: receivable\n{price}\n"
    )
    directory = reference_dir(
        tmp_path,
        agreements=agreement,
        attribution="kind,key,agreement,valid_from,valid_upto\nroute,TG-1,ALFA-1,,\n",
        others={"bands.yaml": PLAN, "holidays/DE.csv": "date,name\n"},
    )
    call = row(
        Service.VOICE,
        ingress_route="TG-1",
        started_at=us("2024-11-12T17:59:59"),
        duration_ms=62_000,
    )
    result = rated_of(usage(message(Service.VOICE, call)), tables(directory))
    assert result.charge_micros.tolist() == [int(amount.replace(".", "")) * 10_000]
