"""A swap takes the figure that the partner declares for one side, whenever that comes."""

from __future__ import annotations

import json
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ops.oracle_amounts import Accrual, AccrualKey
from ops.oracle_declared import Figure, with_figures
from ops.oracle_reference import read_reference
from ops.oracle_statement import statement_lines
from schemas.topics import ACCRUE_CHANGELOG
from tests.builders import tables
from tests.hop_makers import AccrueBench, close_command, latest
from tests.streams.test_accrue_deal_tiers import (
    NOVEMBER,
    REST,
    bench_of,
    lines_of,
    reference,
    used,
    worths,
)

DECEMBER = "2026-12"
BOTH = ("s:receivable", "s:payable")
WHY = "s of 2026-11 is not declared; our own figure stands in"


def swap(more: str = ", declared: in", balanced: int = 2) -> str:
    """A swap of what came for what went."""
    prices = f"balanced: {balanced}, unbalanced: 5{more}"
    return f"{{deal: s, price: {{kind: swap, per: event, in: [came], out: [went], {prices}}}}}"


def declared(version: int, quantity: str, item: str = "s", period: str = NOVEMBER) -> bytes:
    """A command that declares a quantity."""
    said = {"agreement": "T", "period": period, "item": item, "version": version}
    return json.dumps({"declare": {**said, "quantity": quantity}}).encode()


def declare(bench: AccrueBench, *commands: bytes) -> None:
    """Carry commands out, in one batch."""
    for command in commands:
        bench.command(command)
    bench.loop.step()


def document(bench: AccrueBench, period: str) -> dict[str, Any]:
    """The statement of a period that is closed now."""
    bench.close("T", period)
    return bench.statements()[-1]


def amounts(found: dict[str, Any]) -> dict[str, tuple[Decimal, int]]:
    """What the lines of a document come to, and count."""
    return {line["item"]: (Decimal(line["amount"]), line["quantity"]) for line in found["lines"]}


def test_the_figure_takes_the_place_of_ours(tmp_path: Path) -> None:
    """Eight came and ten went at 2: 16, and 16 + 2 x 5 = 26; of eleven declared 20 + 5, and 20.

    Until it is declared our own figure stands in, and lines and document say so.
    """
    bench = bench_of(tmp_path, swap())
    bench.settle(used(0, "came", 8), used(1, "went", 10))
    assert worths(bench, *BOTH) == [(16, 0), (26, 0)]
    declare(bench, declared(1, "11"))
    assert worths(bench, *BOTH) == [(25, 0), (20, 0)]
    assert bench.rows()["s", NOVEMBER, 1, NOVEMBER, None] == (0, 11, 0, 0)
    found = document(bench, NOVEMBER)
    assert amounts(found)["s"] == (Decimal(0), 11)
    assert amounts(found)["s:receivable"][0] == 25
    assert "provisional" not in found
    [beside] = found["declarations"]
    assert (beside["item"], beside["own"], beside["declared"]) == ("s", "8", "11")


def test_what_is_not_declared_is_provisional(tmp_path: Path) -> None:
    """Both lines of the swap say so, and so does the document; other lines do not."""
    bench = bench_of(tmp_path, swap())
    bench.settle(used(0, "came", 8), used(1, "went", 10))
    found = document(bench, NOVEMBER)
    assert found["provisional"] == [WHY]
    marked = {line["item"] for line in found["lines"] if "provisional" in line}
    assert marked == set(BOTH)


def test_a_swap_that_measures_both_sides_is_final(tmp_path: Path) -> None:
    """Without `declared` nothing is awaited, and nothing can be declared for the swap."""
    bench = bench_of(tmp_path, swap(""))
    bench.settle(used(0, "came", 8), used(1, "went", 10))
    declare(bench, declared(1, "11"))
    assert "provisional" not in document(bench, NOVEMBER)
    [refused] = latest_refusals(bench)
    assert "has no item s" in refused


def latest_refusals(bench: AccrueBench) -> list[str]:
    """Why commands were refused."""
    found = latest(bench.broker, ACCRUE_CHANGELOG.name)
    return [json.loads(v)["reason"] for k, v in found.items() if k.startswith(b"refused/")]


def test_a_figure_after_the_close_is_an_adjustment(tmp_path: Path) -> None:
    """November states 16 and 26; of none declared 0 and 50, so December takes 16 and adds 24.

    A newer version of six in the same batch as December's close: 12 and 12 + 20 in January.
    """
    bench = bench_of(tmp_path, swap())
    bench.settle(used(0, "came", 8), used(1, "went", 10))
    assert amounts(document(bench, NOVEMBER))["s:payable"][0] == 26
    declare(bench, declared(1, "0"))
    bench.command(close_command("T", DECEMBER))
    declare(bench, declared(2, "6"), declared(1, "0"))
    later = [line for line in bench.statements()[-1]["lines"] if line["adjustment"]]
    assert {x["item"]: Decimal(x["amount"]) for x in later if x["item"] in BOTH} == {
        "s:receivable": -16,
        "s:payable": 24,
    }
    assert all("provisional" not in line for line in later)
    found = document(bench, "2027-01")
    assert {x["item"]: Decimal(x["amount"]) for x in found["lines"] if x["adjustment"]} == {
        "s": 0,
        "s:receivable": 12,
        "s:payable": -18,
        "rest": 0,
    }
    [row] = [x for x in found["lines"] if x["item"] == "s" and x["adjustment"]]
    assert row["quantity"] == 6


def test_it_may_be_the_other_side(tmp_path: Path) -> None:
    """Of nine that went by declaration, 16 are receivable, and 16 + 5 payable."""
    bench = bench_of(tmp_path, swap(", declared: out"))
    declare(bench, declared(1, "9"))
    bench.settle(used(0, "came", 8), used(1, "went", 10))
    assert worths(bench, *BOTH) == [(16, 0), (21, 0)]


@pytest.mark.parametrize("quantity", ["1.5", "-1", "1000000000000001"])
def test_only_a_whole_quantity_is_taken(tmp_path: Path, quantity: str) -> None:
    """Anything else is refused with the reason, and changes nothing."""
    bench = bench_of(tmp_path, swap())
    bench.settle(used(0, "came", 8), used(1, "went", 10))
    declare(bench, declared(1, quantity))
    assert "takes a whole quantity from 0 to" in latest_refusals(bench)[0]
    assert worths(bench, *BOTH) == [(16, 0), (26, 0)]


def test_the_last_version_of_the_period_asks_by_it(tmp_path: Path) -> None:
    """Two came and three went by version 1 at 2: 4, and 4 + 5 = 9. Then four and one more at 3.

    Of seven declared for the month 3 x 4 + 3 x 5 = 27 less (what 2 and 3 are at 3) 3 x 2 = 6 come
    in, and 3 x 4 = 12 less 3 x 2 + 5 = 11 go out, on top of 4 and 9.
    """
    deals = [f"{REST}, {swap()}", f"{REST}, {swap(balanced=3)}"]
    bench = AccrueBench(tables(reference(tmp_path, *deals)))
    bench.settle(used(0, "came", 2), used(1, "went", 3))
    bench.settle(used(2, "came", 4, version=2), used(3, "went", 1, version=2))
    declare(bench, declared(1, "7"))
    found = {(x["item"], x["agreement_version"]): x["amount"] for x in lines_of(bench)}
    assert [Decimal(found[name, version]) for name in BOTH for version in (1, 2)] == [4, 21, 9, 1]


MONTHS = ("2026-11", "2026-12", *(f"2027-{month:02d}" for month in range(1, 10)))
ACTS = st.lists(
    st.sampled_from(["came", "went", "one", "two", "three", "close"]),
    min_size=3,
    max_size=9,
)


@settings(max_examples=25)
@given(acts=ACTS, cuts=st.sets(st.integers(0, 8)))
def test_all_statements_together_are_what_the_newest_figure_asks(
    tmp_path_factory: pytest.TempPathFactory, acts: list[str], cuts: set[int]
) -> None:
    """Whatever is declared and closed when, in whatever batches, the statements add up to it."""
    bench = bench_of(tmp_path_factory.mktemp("swap"), swap())
    figures = {"one": (1, 4), "two": (2, 0), "three": (3, 9)}
    came = went = at = newest = 0
    months = iter(MONTHS)
    for place, act in enumerate(acts):
        if act == "close":
            bench.command(close_command("T", next(months)))
        elif act in figures:
            version, quantity = figures[act]
            newest = max(newest, version)
            bench.command(declared(version, str(quantity)))
        else:
            name = "came" if act == "came" else "went"
            bench.put(used(at, name, 3))
            at, came, went = at + 1, came + 3 * (name == "came"), went + 3 * (name == "went")
        if place in cuts:
            bench.loop.step()
    bench.loop.step()
    bench.close("T", next(months))
    own = {0: came, 1: 4, 2: 0, 3: 9}[newest]
    both = 2 * min(own, went)
    wanted = [both + 5 * max(0, own - went), both + 5 * max(0, went - own)]
    lines = [line for d in bench.statements() for line in d["lines"]]
    of = [[x for x in lines if x["item"] == n and x["original_period"] == NOVEMBER] for n in BOTH]
    assert [sum(Decimal(x["amount"]) for x in found) for found in of] == wanted
    again = AccrueBench(
        tables(reference(tmp_path_factory.mktemp("again"), f"{REST}, {swap()}")), bench.broker
    )
    assert again.messages() == bench.messages()


VERSIONS = st.lists(
    st.sampled_from(["came 1", "went 1", "came 2", "went 2", "one", "two", "three", "close"]),
    min_size=3,
    max_size=10,
)


@settings(max_examples=25)
@given(acts=VERSIONS, cuts=st.sets(st.integers(0, 9)))
def test_every_line_is_the_oracles(
    tmp_path_factory: pytest.TempPathFactory, acts: list[str], cuts: set[int]
) -> None:
    """Over two versions, whichever statement a figure or usage comes to."""
    deals = [f"{REST}, {swap()}", f"{REST}, {swap(balanced=3)}"]
    directory = reference(tmp_path_factory.mktemp("two"), *deals, place="line")
    bench = AccrueBench(tables(directory))
    quantities, declarations = {"one": (1, 4), "two": (2, 0), "three": (3, 9)}, list[Figure]()
    newest = at = closes = 0
    for place, act in enumerate(acts):
        if act == "close":
            bench.command(close_command("T", MONTHS[closes]))
            closes += 1
        elif act in quantities:
            version, quantity = quantities[act]
            bench.command(declared(version, str(quantity)))
            if version > newest:
                figure = Figure("T", 1, "s", "EUR", NOVEMBER, MONTHS[closes], quantity)
                declarations, newest = [*declarations, figure], version
        else:
            name, number = act.split()
            # Usage of a batch is booked before its commands, so it has a batch of its own.
            bench.loop.step()
            bench.settle(used(at, name, 3, version=int(number)))
            at += 1
        if place in cuts:
            bench.loop.step()
    bench.loop.step()
    usage = {
        AccrualKey("T", version, item, "", "EUR", booked, original, hour): Accrual(
            events, quantity, 0, Fraction(0)
        )
        for (item, booked, version, original, hour), (events, quantity, *_) in bench.rows().items()
        if item in ("came", "went") and events
    }
    oracle = read_reference(directory)
    closed = [("T", month) for month in MONTHS[:closes]]
    lines = statement_lines(
        with_figures(usage, declarations), oracle, closed, None, None, declarations
    )
    wanted = {(k.item, k.booked, k.version, k.original): a.micros for k, a in lines.items()}
    found = bench.amounts()
    for key in found.keys() | wanted.keys():
        assert found.get(key, 0) == wanted.get(key, 0), key
