"""Verification passes whatever happened in whatever order, and no altered figure gets past it."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ops.embedded import Embedded
from ops.figures import period_rows
from ops.generate import generate
from ops.reading import NoReferenceError, Opened
from schemas.records import codec
from schemas.topics import ACCRUALS, QUARANTINE, RATE_CHANGELOG, STATEMENTS, SUSPENSE
from streams.versions import Versions
from tests.builders import PARTNERS, reference_dir
from tests.ops import books
from tests.ops.books import MENDED, call, close, recycle, reference, settle, verdict
from tests.tamper import main, tamper

Change = Callable[[Any], object]


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory that has been through everything once: closed, late usage, recycled."""
    data = tmp_path_factory.mktemp("verify") / "data"
    settle(data)
    close(data)
    settle(data, [call(20)])
    recycle(data, reference(data.with_name("mended"), MENDED))
    return data


@pytest.fixture
def copy(closed: Path, tmp_path: Path) -> Path:
    """A copy of it, to be altered."""
    shutil.copytree(closed, tmp_path / "data")
    return tmp_path / "data"


def alter(data: Path, topic: str, wanted: bytes, change: Callable[[bytes], bytes | None]) -> None:
    """Change the value under the first key of a compacted topic that has `wanted` in it."""
    with closing(sqlite3.connect(data / "log" / "log.sqlite")) as connection:
        found = connection.execute(
            "SELECT latest.id, key, value FROM latest JOIN topics ON topics.id = latest.id >> 56"
            " WHERE topics.name = ? AND value IS NOT NULL ORDER BY latest.id",
            (topic,),
        ).fetchall()
        row_id, value = next((i, v) for i, key, v in found if wanted in key)
        connection.execute("UPDATE latest SET value = ? WHERE id = ?", (change(value), row_id))
        connection.commit()


def in_json(change: Change) -> Callable[[bytes], bytes]:
    """A change of a JSON document."""

    def changed(value: bytes) -> bytes:
        document = json.loads(value)
        change(document)
        return json.dumps(document).encode()

    return changed


def in_row(change: Change) -> Callable[[bytes], bytes]:
    """A change of the first row of an accrual message."""
    records = codec("accruals.avsc")

    def changed(value: bytes) -> bytes:
        message = records.decode(value)
        change(message["rows"][0])
        return records.encode(message)

    return changed


def test_every_outcome_is_recomputed(tmp_path: Path) -> None:
    """Twelve events: six rated, two excluded, two suspended, one refused, one repeat."""
    settle(tmp_path / "data")
    found = verdict(tmp_path / "data")
    assert found.differences == []
    assert found.outcomes == {
        "rated": 6,
        "excluded": 2,
        "suspended": 2,
        "quarantined": 1,
        "duplicate": 1,
    }
    # W-1 has four items, M-1 and S-1 one: six rows of a period and six of an hour.
    assert (found.events, found.accrual_rows, found.statements) == (12, 12, 0)


def test_recycling_under_a_mended_reference_is_recomputed(tmp_path: Path) -> None:
    """Usage counts by the reference it was settled by, recycled usage by the one of its request.

    The mended reference has the call of the route that it lists tried again by itself.
    """
    data = tmp_path / "data"
    settle(data)
    mended = reference(tmp_path / "mended", MENDED)
    assert recycle(data, mended) == 0
    found = verdict(data)
    assert found.differences == []
    assert found.outcomes["rated"] == 7
    assert len(found.references) == 2
    # Back under the first reference the same route is unknown again.
    settle(data, [call(21, "TX-1")], reference(tmp_path / "first"))
    found = verdict(data)
    assert found.differences == []
    assert found.outcomes["suspended"] == 2


def test_closes_late_usage_and_recycling_in_odd_orders_are_recomputed(tmp_path: Path) -> None:
    """Tried in vain, closed, late, closed again, mended: each event is in the period it came to.

    October is never closed, so the call of October stays there.
    """
    data = tmp_path / "data"
    settle(data)
    recycle(data)
    assert len(close(data)) == 3
    settle(data, [call(20), call(30, started_at=books.NOVEMBER_US - books.DAY_US)])
    assert [d["number"] for d in close(data, "2024-12", "W-1")] == ["W-1-000002"]
    recycle(data, reference(tmp_path / "mended", MENDED))
    recycle(data)
    found = verdict(data)
    assert found.differences == []
    assert found.statements == 4
    with Opened(data) as opened:
        rows = period_rows(opened.latest(ACCRUALS.name), opened.book)
    voice = {(r["original"], r["booked"]): r["events"] for r in rows if r["item"] == "voice-in"}
    # In time; of October, which is open; late in December; mended after both were closed.
    assert voice == {
        ("2024-11", "2024-11"): 1,
        ("2024-10", "2024-10"): 1,
        ("2024-11", "2024-12"): 1,
        ("2024-11", "2025-01"): 1,
    }


@pytest.mark.parametrize("partitions", [(1, 1), (4, 3)])
def test_generated_traffic_is_recomputed(tmp_path: Path, partitions: tuple[int, int]) -> None:
    """Every service, model, currency and kind of mistake, over one and over several partitions."""
    made = generate(7, 1_500, tmp_path / "made", formats=("jsonl",))
    data, (usage, settlement) = tmp_path / "data", partitions
    with Embedded(
        data, made.reference, usage_partitions=usage, settlement_partitions=settlement
    ) as weir:
        for _ in weir.ingest(made.files[0]):
            continue
        weir.replay()
        weir.recycle()
        weir.close_periods([a.name for a in weir.tables.agreements], "2026-10")
    found = verdict(data)
    assert found.differences == []
    assert found.events >= 1_500


def test_what_is_not_settled_yet_is_not_missed(tmp_path: Path) -> None:
    """Usage that lies on the log but was not read yet has no outcome, and that is no difference."""
    data = tmp_path / "data"
    settle(data)
    with Embedded(data) as weir:
        weir.append(0, [(b"msc-1", b"not even usage")])
        assert verdict(data).differences == []
        assert verdict(data).events == 12


def test_tampering_is_found_and_named(copy: Path) -> None:
    """The row that the tool says it altered is the row that differs, by the millionth it added."""
    assert verdict(copy).differences == []
    done = tamper(copy)
    (difference,) = verdict(copy).differences
    assert difference.startswith(
        f"accrual {done.agreement} v1 {done.item} EUR {done.booked} period:"
    )
    assert f"amount {done.after}; recomputed" in difference
    assert difference.endswith(f"amount {done.before}")


def test_the_tool_says_what_it_did(copy: Path) -> None:
    """As a command: the row, and its amount before and after."""
    said = main(["--data", str(copy), "--micros", "1000000"])
    assert said.count("2024-11: amount ") == 1


@pytest.mark.parametrize(
    ("topic", "key", "change", "named"),
    [
        (ACCRUALS.name, b"|total", in_row(lambda r: r.update(events=9)), "accrual "),
        (ACCRUALS.name, b"|total", in_row(lambda r: r.update(quantity=9)), "accrual "),
        (ACCRUALS.name, b"|total", in_row(lambda r: r.update(residue_low=1)), "residue 1/"),
        (ACCRUALS.name, b"|480", in_row(lambda r: r.update(charge_micros=9)), " hour 480"),
        (ACCRUALS.name, b"|480", in_row(lambda r: r.update(amount_micros=9)), " hour 480"),
        (ACCRUALS.name, b"|total", lambda _: None, "the log says nothing"),
        (ACCRUALS.name, b"|total", lambda _: b"\xff", "is no such record"),
        (RATE_CHANGELOG.name, b"position",
         in_json(lambda d: d["outcomes"][0].__setitem__(2, 99)), "outcome rated none"),
        (SUSPENSE.name, b"#", lambda _: None, "suspense msc-1/0/1 conflicting_body"),
        (QUARANTINE.name, b"usage", lambda _: None, "quarantine usage.v1/0/"),
        (STATEMENTS.name, b"W-1", lambda _: None, "the statement has number none"),
        (STATEMENTS.name, b"W-1", in_json(lambda d: d.update(partner="X")), "W-1-000001 digest"),
        (STATEMENTS.name, b"W-1",
         in_json(lambda d: d["totals"][0].update(net="0.000000")), "total EUR: net 0.000000 is"),
        (STATEMENTS.name, b"W-1", in_json(lambda d: d["lines"][0].update(amount="1.000000")),
         "line circuits v1 of 2024-11 in EUR: amount 1.000000 is stated"),
        (STATEMENTS.name, b"W-1", in_json(lambda d: d["lines"].pop()),
         "line voice-in v1 of 2024-11 in EUR: due with"),
        (STATEMENTS.name, b"M-1", in_json(lambda d: d["lines"][0]["tiers"][0].update(quantity=1)),
         "line data v1 of 2024-11 in EUR: tiers"),
    ],
)  # fmt: skip
def test_any_altered_figure_is_found(
    copy: Path, topic: str, key: bytes, change: Callable[[bytes], bytes | None], named: str
) -> None:
    """Accruals, outcomes, what waits, statements and their parts: whatever differs is named."""
    alter(copy, topic, key, change)
    differences = verdict(copy).differences
    assert any(named in line for line in differences), differences


def test_a_statement_of_a_partner_in_test_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were its periods closed all the same, it would be named: nothing of it is settled."""
    partners = PARTNERS.replace("country: NO", "test: true")
    texts = books.AGREEMENTS, books.ATTRIBUTION
    given = reference_dir(
        tmp_path / "tried", partners=partners, agreements=texts[0], attribution=texts[1]
    )
    settle(tmp_path / "data", [*books.RATED], given)
    assert verdict(tmp_path / "data").differences == []
    monkeypatch.setattr(Versions, "check_settled", lambda *_: None)
    close(tmp_path / "data", "2024-11", "M-1")
    assert verdict(tmp_path / "data").differences == ["statement M-1-000001: BRAVO is in test"]


def test_a_reference_that_is_gone_is_asked_for(copy: Path) -> None:
    """Without the files that usage was settled by nothing can be recomputed, and that is said."""
    (gone,) = [d for d in (copy / "reference").iterdir() if d.is_dir() and d.name != current(copy)]
    shutil.rmtree(gone)
    with pytest.raises(NoReferenceError, match=f"settled by reference {gone.name}"):
        verdict(copy)


def test_an_edited_reference_shows_as_money(copy: Path) -> None:
    """Who edits a kept price file finds every charge made by it different."""
    for rates in (copy / "reference").glob("*/decks/STANDARD.rates.csv"):
        rates.write_text(rates.read_text().replace("0.06", "0.07"))
    assert any("voice-in" in line for line in verdict(copy).differences)


def current(data: Path) -> str:
    """The id of the reference settled by last."""
    return (data / "reference" / "current").read_text().strip()
