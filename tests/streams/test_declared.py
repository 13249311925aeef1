"""Declarations on the running hop: shown beside our own, in the right document, by tolerance."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from schemas.payment import Tolerance
from schemas.topics import ACCRUE_CHANGELOG
from streams.declared import is_within
from tests.builders import tables
from tests.hop_makers import AccrueBench, latest
from tests.payment_makers import NOVEMBER, closed, declaration, money, paying_dir, paying_tables

DECEMBER = "2026-12"
TOLERANCE = "tolerance: {percent: 1, absolute: 50, rule: both}"


def bench_of(directory: Path, *terms: str) -> AccrueBench:
    """A hop with 10,000 euros of texts in November."""
    bench = AccrueBench(paying_tables(directory, *terms))
    bench.settle(money(0, 10_000_000_000))
    return bench


def declare(bench: AccrueBench, *commands: bytes) -> None:
    """Carry commands out, in one batch."""
    for command in commands:
        bench.command(command)
    bench.loop.step()


def refusals(bench: AccrueBench) -> list[str]:
    """Why commands were refused."""
    found = latest(bench.broker, ACCRUE_CHANGELOG.name)
    return [json.loads(v)["reason"] for k, v in found.items() if k.startswith(b"refused/")]


def test_a_partner_in_test_declares_nothing(tmp_path: Path) -> None:
    """The figure is refused with the reason, and no row comes of it."""
    directory = paying_dir(tmp_path)
    (directory / "partners.yaml").write_text("- {partner: ALFA, name: Alfa, test: true}\n")
    bench = AccrueBench(tables(directory))
    declare(bench, declaration("texts", amount="10090"))
    (reason,) = refusals(bench)
    assert "P is of a partner in test, with whom nothing is settled" in reason
    keys = set(latest(bench.broker, "accruals.v1"))
    assert keys == {b"||total"}  # how far the partition has come, of no agreement


def only(document: dict[str, Any]) -> dict[str, Any]:
    """The only declaration of a document."""
    [found] = document["declarations"]
    return dict(found)


def test_a_figure_stands_beside_our_own(tmp_path: Path) -> None:
    """10,090 for 10,000: within one percent, which are 100, but more than 50 apart."""
    bench = bench_of(tmp_path, TOLERANCE)
    declare(bench, declaration("texts", amount="10090"))
    assert only(closed(bench)) == {
        "item": "texts",
        "original_period": NOVEMBER,
        "figure": "amount",
        "unit": "EUR",
        "version": 1,
        "own": "10000",
        "declared": "10090",
        "difference": "-90",
        "tolerance": {"percent": "1", "basis": "own", "absolute": "50", "rule": "both"},
        "result": "breach",
    }


def test_without_a_tolerance_there_is_no_verdict(tmp_path: Path) -> None:
    """Quantities are in the unit of the line; what nobody used is none of ours."""
    bench = bench_of(tmp_path)
    declare(bench, declaration("texts", quantity="3"), declaration("bought", quantity="1.5"))
    bought, texts = closed(bench)["declarations"]
    assert (texts["own"], texts["declared"], texts["difference"]) == ("1", "3", "-2")
    assert (bought["own"], bought["declared"], bought["unit"]) == ("0", "1.5", "events")
    assert "result" not in texts


def test_the_newest_version_is_shown_once(tmp_path: Path) -> None:
    """In whatever order they come, and though the process changes in between."""
    bench = bench_of(tmp_path, TOLERANCE)
    declare(bench, declaration("texts", 2, amount="10010"), declaration("texts", 1, amount="1"))
    bench.loop.close()
    other = AccrueBench(bench.hop.tables, bench.broker)
    declare(other, declaration("texts", 2, amount="7"))  # the same version, another figure
    found = only(closed(other))
    assert (found["version"], found["declared"], found["result"]) == (2, "10010", "within")
    assert refusals(other) == ["ValueError('version 2 was declared as 10010; give a new version')"]


def test_after_the_close_it_is_shown_in_the_next_document(tmp_path: Path) -> None:
    """The statement of November never changes; late usage of it is in our figure by then."""
    bench = bench_of(tmp_path, TOLERANCE)
    first = closed(bench)
    assert "declarations" not in first
    bench.command(declaration("texts", amount="10030"))
    bench.settle(money(1, 5_000_000))
    second = closed(bench, DECEMBER)
    found = only(second)
    assert (found["original_period"], found["own"], found["difference"]) == (
        NOVEMBER,
        "10005",
        "-25",
    )
    assert found["result"] == "within"
    assert bench.statements()[0] == first


def test_a_figure_of_a_later_version_moves_on_to_the_next_document(tmp_path: Path) -> None:
    """Each document shows what had been declared when it was made."""
    bench = bench_of(tmp_path)
    declare(bench, declaration("texts", 1, amount="1"))
    assert only(closed(bench))["declared"] == "1"
    declare(bench, declaration("texts", 2, amount="2"))
    assert only(closed(bench, DECEMBER))["declared"] == "2"


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (declaration("texts", amount="much"), "is not a decimal number"),
        (declaration("texts", 0, amount="1"), "version 0 is not a whole number from 1"),
        (declaration("calls", amount="1"), "P has no item calls"),
        (declaration("texts", period="2026-13", amount="1"), "is not a month from 2000"),
        (declaration("texts", period="2026-11-01", amount="1"), "is not a month from 2000"),
        (b'{"declare": 3}', "TypeError"),
        (b'{"declare": {}}', "KeyError"),
        (b"3", "TypeError"),
    ],
)
def test_a_declaration_that_makes_no_sense_is_kept_with_the_reason(
    tmp_path: Path, command: bytes, reason: str
) -> None:
    """And changes nothing."""
    bench = bench_of(tmp_path)
    declare(bench, command)
    [said] = refusals(bench)
    assert reason in said
    assert "declarations" not in closed(bench)


@pytest.mark.parametrize(
    ("limits", "own", "declared", "expected"),
    [
        ({"percent": "1"}, 10_000, 10_100, True),  # at the limit is within
        ({"percent": "1"}, 10_000, 10_101, False),
        ({"percent": "1", "basis": "declared"}, 10_000, 10_101, True),
        ({"absolute": "50"}, 10_000, 10_050, True),
        ({"absolute": "50"}, 10_000, 9_949, False),
        ({"percent": "1", "absolute": "50"}, 10_000, 10_090, False),
        ({"percent": "1", "absolute": "50", "rule": "either"}, 10_000, 10_090, True),
        ({"percent": "1", "absolute": "50", "rule": "either"}, 1_000, 1_051, False),
        ({"percent": "0"}, 0, 0, True),
        ({"percent": "50"}, 0, 1, False),
        ({"percent": "1"}, -10_000, -10_100, True),
    ],
)
def test_a_difference_is_within_or_a_breach(
    limits: dict[str, str], own: int, declared: int, expected: object
) -> None:
    """Both limits, either, of our own figure or theirs; equality is within."""
    tolerance = Tolerance.model_validate(limits)
    assert is_within(tolerance, Fraction(own), Fraction(declared)) is expected
