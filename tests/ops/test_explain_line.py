"""What a line is made of adds up to it, and reads well: tiers, commitments, deals, what is paid."""

from __future__ import annotations

import shutil
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ops.cli import app
from ops.embedded import Embedded
from ops.explain_line import LineName, explain_line, line_steps
from ops.reading import Opened
from schemas.codes import Service
from streams.facts import Which
from tests.builders import reference_dir
from tests.ops.books import close, event, settle

PERIOD = "2024-11"
KEYS = "kind,key,agreement,valid_from,valid_upto\nroute,TG-001,W-1,,\nroute,TG-002,W-1,,\n"
FX = "source,base,quote,date,rate\nECB,EUR,JPY,2024-11-29,161.25\n"
TERMS = """\
- agreement: W-1
  partner: ALFA
  model: wholesale
  versions:
    - version: 1
      valid_from: 2024-01-01
      zone: UTC
      currency: EUR
      rounding: {place: line, decimals: currency}
      tax: {percent: 25}
      settle_in: {currency: JPY, source: ECB}
      tolerance: {percent: 10}
      items:
        - {item: texts, role: ingress, service: sms, flow: receivable,
           price: {kind: tiers, per: event, free: 1, at_least: 10,
                   tiers: [{up_to: 2, price: "0.3333", flat: 1}, {price: "0.1", cap: "0.15"}]}}
        - {item: plain, role: egress, service: sms, flow: receivable,
           price: {kind: unit, per: event, amount: "0.333"}}
      deals:
        - {deal: base, flow: receivable, price: {kind: fee, amount: 5}}
        - {deal: bounds, flow: receivable, over: [texts, plain, base],
           price: {kind: bounds, discount_percent: 50, maximum: 3, minimum: 2}}
"""


def text(sequence: int, **fields: Any) -> dict[str, Any]:  # noqa: ANN401
    """A message of 1 November."""
    return event(Service.SMS, sequence, **(fields or {"ingress_route": "TG-001"}))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five messages under tiers and one that is plain; seven are declared."""
    directory = tmp_path_factory.mktemp("line") / "data"
    terms = reference_dir(
        directory.with_name("terms"), agreements=TERMS, attribution=KEYS, others={"fx.csv": FX}
    )
    settle(directory, [*map(text, range(5)), text(9, egress_route="TG-002")], terms)
    with Embedded(directory) as weir:
        assert weir.declare(Which("W-1", PERIOD, "texts", "quantity"), "7") is None
    return directory


def said(data: Path, item: str) -> list[str]:
    """The steps of an item, a line each."""
    with Opened(data) as opened:
        document = explain_line(opened, LineName("W-1", item, PERIOD))
    assert document is not None
    return [f"{what}: {words}".rstrip(": ") for what, words in line_steps(document)]


def test_tiers_part_by_part(data: Path) -> None:
    """One free; two at 0.3333 with a flat 1; two at 0.1, of which the cap takes 0.05: 1.8166.

    Ten are committed: nine after the free one come to 1 + 0.6666 + 0.15 too, so nothing is missed.
    """
    assert said(data, "texts") == [
        "texts v1, W-1 2024-11",
        (
            "price: graduated per event (events): 0.3333 + 1 up to 2, 0.1 but not above 0.15 above,"
            " after 1 events free, at least 10 events a period"
        ),
        "counted: 5 events, 5 events",
        "part: free 1 events = 0",
        "part: from 0 up to 2: 2 events at 0.3333 per event = 0.6666",
        "part: flat 1 = 1",
        "part: from 2 and above: 2 events at 0.1 per event = 0.2",
        "part: cap 0.15 = -0.05",
        "sum: 1.8166 -> 1.820000 (line, half_up, 2 decimals)",
        "amount: 1.820000 EUR, receivable",
        "declared: ours 5 events, theirs 7: -2 apart, breach",
        "stands in: draft, as if closed now",
        "total: receivable 3.000000, payable 0.000000, net 3.000000 EUR",
        "tax: 25 %: 0.750000, gross 3.750000 EUR",
        "settled in: JPY: net 484.000000, gross 605.000000 at ECB 161.25 of 2024-11-29 for 2024-11",
    ]


def test_a_deal_over_its_lines(data: Path) -> None:
    """1.82, 0.33 and 5 are 7.15; half of it is 3.575, at most 3: the deal is -4.15."""
    assert said(data, "bounds")[:8] == [
        "bounds v1, W-1 2024-11",
        "price: bounds: less 50 %, then at most 3, then at least 2",
        "over: base v1: 5.000000",
        "over: plain v1: 0.330000",
        "over: texts v1: 1.820000",
        "sum: 7.15 by themselves, 3 with this line",
        "amount: -4.150000 EUR, receivable",
        "stands in: draft, as if closed now",
    ]


def test_a_swap_over_what_was_counted(tmp_path: Path) -> None:
    """Three in and one out: one each way at 0.02, and two that came in more at 0.05."""
    counted = "flow: receivable, price: {kind: counted, per: event}}"
    terms = f"""\
- agreement: W-1
  partner: ALFA
  model: wholesale
  versions:
    - version: 1
      valid_from: 2024-01-01
      zone: UTC
      currency: EUR
      items:
        - {{item: in, role: ingress, service: sms, {counted}
        - {{item: out, role: egress, service: sms, {counted}
      deals:
        - {{deal: swap, price: {{kind: swap, per: event, in: [in], out: [out],
                               balanced: "0.02", unbalanced: "0.05"}}}}
"""
    directory = reference_dir(tmp_path / "terms", agreements=terms, attribution=KEYS)
    events = [*map(text, range(3)), text(9, egress_route="TG-002")]
    settle(tmp_path / "data", events, directory)
    assert said(tmp_path / "data", "swap:receivable")[1:-1] == [
        "price: swap",
        "over: in v1: 3 events",
        "over: out v1: 1 events",
        "part: balanced 1 events at 0.02 per event = 0.02",
        "part: unbalanced 2 events at 0.05 per event = 0.1",
        "amount: 0.120000 EUR, receivable",
        "stands in: draft, as if closed now",
    ]


def test_charges_of_events_and_their_residue(data: Path) -> None:
    """A third is 0.33; what rounding left is in the exact sum."""
    found = said(data, "plain")
    assert found[1:5] == [
        "price: unit per event, each event for itself",
        "counted: 1 events, 1 events",
        "sum: 0.333 -> 0.330000 (line, half_up, 2 decimals)",
        "amount: 0.330000 EUR, receivable",
    ]


def test_the_parts_add_up_to_the_line(data: Path) -> None:
    """Before and after the close, and the statement's figures are those that are explained."""
    with Opened(data) as opened:
        before = explain_line(opened, LineName("W-1", "texts", PERIOD))
    copy = data.with_name("closed")
    if not copy.exists():
        shutil.copytree(data, copy)
    close(copy, PERIOD, "W-1")
    with Opened(copy) as opened:
        after = explain_line(opened, LineName("W-1", "texts", PERIOD))
    assert before is not None
    assert after is not None
    assert after["state"] == "statement W-1-000001"
    for document in (before, after):
        [line] = document["lines"]
        assert sum(Fraction(part["amount"]) for part in line["tiers"]) == Fraction(line["exact"])
        assert abs(Fraction(line["exact"]) - Fraction(line["amount"])) <= Fraction(1, 200)
    assert before["lines"] == after["lines"]
    assert before["totals"] == after["totals"]
    assert after["declarations"][0]["declared"] == "7"


def test_the_command_shows_it(data: Path) -> None:
    """As a table for people, or with the whole document; one of two things is asked for."""

    def weir(*arguments: str, exits: int = 0) -> str:
        found = CliRunner().invoke(app, ["explain", *arguments, "--data", str(data)])
        assert found.exit_code == exits, found.output
        return found.output

    shown = weir("--line", "W-1", "bounds", PERIOD)
    assert "7.15 by themselves, 3 with this line" in shown
    assert '"sum": "7.15"' in weir("--line", "W-1", "bounds", PERIOD, "-o", "json")
    assert "over,plain v1: 0.330000" in weir("--line", "W-1", "bounds", PERIOD, "-o", "csv")
    assert "W-1 has no line calls in 2024-11" in weir("--line", "W-1", "calls", PERIOD, exits=1)
    assert "say one thing" in weir(exits=2)
    assert "say one thing" in weir("a/0/1", "--line", "W-1", "bounds", PERIOD, exits=2)
