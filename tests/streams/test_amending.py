"""A command that amends adds its rows once, in open periods, whatever else comes with it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.topics import ACCRUE_CHANGELOG
from streams.accrual import Book
from streams.amending import AmendedRow, carried_out, inexpressible, read_amendment
from streams.contribution import Series
from streams.facts import Amendment
from tests.builders import reference_dir, tables
from tests.hop_makers import AccrueBench, block, close_command, latest

NOVEMBER, DECEMBER, HOUR = "2026-11", "2026-12", 494_232
DATA = Series("BRAVO-1", 1, "data", "", "EUR", NOVEMBER, "")
AGREEMENTS = """\
- agreement: BRAVO-1
  partner: BRAVO
  model: mvno
  versions:
    - {version: 1, valid_from: 2026-01-01, zone: UTC, currency: EUR, items: [
       {item: data, role: subscriber, service: data, flow: receivable,
        price: {kind: unit, per: megabyte, amount: "0.002"}},
       {item: texts, role: subscriber, service: sms, flow: receivable,
        allowance: {events: 10}, price: {kind: unit, per: event, amount: "0.002"}},
       {item: ports, role: product, service: bandwidth, flow: receivable,
        price: {kind: tiers, per: megabyte, tiers: [{price: "0.002"}]}}]}
"""
KEYS = "kind,key,agreement,valid_from,valid_upto\nnumber_range,49170,BRAVO-1,,\n"


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Book:
    """The terms of data by the megabyte, of texts with some free, and of ports under tiers."""
    return Book(made(tmp_path_factory.mktemp("terms")))


def made(directory: Path) -> Any:  # noqa: ANN401 - tables
    """The tables of these terms."""
    return tables(reference_dir(directory, agreements=AGREEMENTS, attribution=KEYS))


def said(*rows: AmendedRow, name: str = "A-000001", **more: object) -> dict[str, Any]:
    """What a command says."""
    listed = [row.written() for row in rows]
    who = {"by": "A. Lee", "why": "memo 7", "from": "a", "to": "b"}
    return {"id": name, **who, "cut": {}, "rows": listed, **more}


def command(*rows: AmendedRow, name: str = "A-000001") -> bytes:
    """A command that amends."""
    return json.dumps({"amend": said(*rows, name=name)}).encode()


def bench_of(path: Path) -> AccrueBench:
    """A settlement with 5 events, 500 units, 0.005000 and residue 7 in an hour of November."""
    bench = AccrueBench(made(path))
    bench.settle(block(0, (DATA, HOUR, (5, 500, 5_000, 7))))
    return bench


def refusals(bench: AccrueBench) -> list[str]:
    """Why commands were refused."""
    found = latest(bench.broker, ACCRUE_CHANGELOG.name)
    return [json.loads(v)["reason"] for k, v in found.items() if k.startswith(b"refused/")]


def test_rows_are_added_to_the_hour_and_the_period(tmp_path: Path) -> None:
    """5 - 2 events, 500 - 200, 0.005 - 0.001, and 7 - 9 of residue."""
    bench = bench_of(tmp_path)
    bench.command(command(AmendedRow(DATA, HOUR, -2, -200, -1_000, -9)))
    bench.loop.step()
    for hour in (HOUR, None):
        assert bench.rows()["data", NOVEMBER, 1, NOVEMBER, hour] == (3, 300, 4_000, -2)
    assert refusals(bench) == []


def test_a_residue_of_any_size_is_added(tmp_path: Path) -> None:
    """More than 64 bits, taken back by another amendment to nothing."""
    bench, large = bench_of(tmp_path), 3 * 2**70 + 1
    for name, sign in (("A-1", 1), ("A-2", -1)):
        bench.command(command(AmendedRow(DATA, HOUR, 0, 0, 0, sign * large), name=name))
        bench.loop.step()
        residue = bench.rows()["data", NOVEMBER, 1, NOVEMBER, None][3]
        assert residue == 7 + (large if sign == 1 else 0)


def test_a_closed_period_is_adjusted(tmp_path: Path) -> None:
    """The close may come in the same batch; the statement of December names who and why."""
    bench = bench_of(tmp_path)
    bench.command(close_command("BRAVO-1", NOVEMBER))
    bench.command(command(AmendedRow(DATA, HOUR, 0, 0, 1_000, 0)))
    bench.loop.step()
    assert bench.rows()["data", NOVEMBER, 1, NOVEMBER, None] == (5, 500, 5_000, 7)
    assert bench.rows()["data", DECEMBER, 1, NOVEMBER, None] == (0, 0, 1_000, 0)
    bench.close("BRAVO-1", DECEMBER)
    first, second = bench.statements()
    assert "amendments" not in first
    named = {"id": "A-000001", "by": "A. Lee", "why": "memo 7", "from": "a", "to": "b"}
    assert second["amendments"] == [named]


def test_a_close_after_it_states_it(tmp_path: Path) -> None:
    """In the same batch: 0.005 + 0.001."""
    bench = bench_of(tmp_path)
    bench.command(command(AmendedRow(DATA, HOUR, 0, 0, 1_000, 0)))
    bench.command(close_command("BRAVO-1", NOVEMBER))
    bench.loop.step()
    [document] = bench.statements()
    assert [line["amount"] for line in document["lines"]] == ["0.006000"]
    assert [one["id"] for one in document["amendments"]] == ["A-000001"]


@settings(max_examples=25, deadline=None)
@given(
    asked=st.lists(st.sampled_from(["A-1", "A-2", "A-3"]), max_size=8),
    steps=st.sets(st.integers(0, 8)),
    restart=st.integers(0, 8),
)
def test_each_is_booked_once(
    tmp_path_factory: pytest.TempPathFactory, asked: list[str], steps: set[int], restart: int
) -> None:
    """However often it is asked for, in whatever batches, and by whichever process."""
    path = tmp_path_factory.mktemp("once")
    bench = bench_of(path)
    for number, name in enumerate(asked):
        bench.command(command(AmendedRow(DATA, HOUR, 1, 10, 100, 1), name=name))
        if number in steps:
            bench.loop.step()
        if number == restart:
            bench.loop.close()
            bench = AccrueBench(made(path), bench.broker)
    bench.loop.step()
    times = len(set(asked))
    wanted = (5 + times, 500 + 10 * times, 5_000 + 100 * times, 7 + times)
    assert bench.rows()["data", NOVEMBER, 1, NOVEMBER, None] == wanted


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        (said(by=""), TypeError),
        (said(why=3), TypeError),
        (said(rows=[[1, 2]]), TypeError),
        (said(AmendedRow(DATA, -1, 0, 0, 0, 0)), ValueError),
        (said(AmendedRow(DATA, HOUR, 2**62, 0, 0, 0)), ValueError),
        (said(AmendedRow(DATA._replace(version=2), HOUR, 1, 0, 0, 0)), KeyError),
        (said(AmendedRow(DATA._replace(original="2026-11-01"), HOUR, 1, 0, 0, 0)), ValueError),
        (said(AmendedRow(DATA._replace(item="ports"), HOUR, 1, 0, 0, 0)), ValueError),
        ({key: value for key, value in said().items() if key != "rows"}, KeyError),
    ],
)
def test_what_makes_no_sense_is_refused(
    book: Book, tmp_path: Path, wrong: dict[str, Any], error: type[Exception]
) -> None:
    """It adds nothing, not even the rows before, and stays on record with the reason."""
    with pytest.raises(error):
        read_amendment(wrong, book)
    bench = bench_of(tmp_path)
    bench.command(json.dumps({"amend": wrong}).encode())
    bench.loop.step()
    assert bench.rows()["data", NOVEMBER, 1, NOVEMBER, None] == (5, 500, 5_000, 7)
    assert len(refusals(bench)) == 1


def test_what_is_kept_names_the_books_of_its_rows(book: Book) -> None:
    """November is closed: its row is in December, once for two hours."""
    rows = [AmendedRow(DATA, HOUR + n, 1, 0, 0, 0) for n in (0, 1)]
    found = carried_out(said(*rows), book, {("BRAVO-1", NOVEMBER)})
    books = (("BRAVO-1", DECEMBER),)
    assert found == Amendment("A-000001", "A. Lee", "memo 7", "a", "b", books)


def test_sums_say_what_is_worth_its_sums(book: Book) -> None:
    """Tiers and allowances are worth something else."""
    assert inexpressible(DATA, book) == ""
    assert "function of the whole period" in inexpressible(DATA._replace(item="ports"), book)
    assert "more than its sums" in inexpressible(DATA._replace(item="texts"), book)
