"""An approved amendment is booked to the micro, verified, taken back; or refused with a reason."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ops.amending import AmendmentRefusedError, Approved, approve
from ops.embedded import Embedded
from ops.figures import period_rows
from ops.reading import Opened, current_reference, kept_references
from ops.verify_log import read_found
from schemas.reference import load
from schemas.topics import ACCRUALS, ACCRUE_CHANGELOG, COMMANDS
from tests.ops.amend_makers import ROUTES, agreement, calls, settled, terms, version
from tests.ops.books import (
    DAY_US,
    MENDED,
    NOVEMBER_US,
    call,
    close,
    reference,
    settle,
    usage_file,
    verdict,
)

DAYS = range(21, 31)
FIRST = agreement(version(1, "0.010"))
RAISED = agreement(version(1, "0.012"))
BOTH = FIRST + agreement(version(1, "0.02"), name="BRAVO-1", partner="BRAVO")
MOVED = ROUTES.replace("ALFA-1,,", "ALFA-1,,2024-11-26\nroute,TG-001,BRAVO-1,2024-11-26,")


def approved(data: Path, candidate: Path) -> Approved:
    """Book a candidate; the log must verify afterwards."""
    with Embedded(data) as weir:
        done = approve(weir, candidate, "A. Lee", "memo 7")
    assert verdict(data).differences == []
    return done


def refused(data: Path, candidate: Path) -> list[str]:
    """Why a candidate is not booked; then nothing has changed."""
    with Opened(data) as weir:
        before = weir.latest(ACCRUALS.name), weir.newest_reference()
    with Embedded(data) as weir, pytest.raises(AmendmentRefusedError) as caught:
        approve(weir, candidate, "A. Lee", "memo 7")
    with Opened(data) as weir:
        assert (weir.latest(ACCRUALS.name), weir.newest_reference()) == before
    return list(caught.value.reasons)


def booked(data: Path) -> dict[tuple[str, int, str, str], tuple[int, int, int]]:
    """Events, quantity and micros by agreement, version, period of the usage and booked period."""
    with Opened(data) as weir:
        rows = period_rows(weir.latest(ACCRUALS.name), weir.book)
    return {
        (r["agreement"], r["version"], r["original"], r["booked"]): (
            r["events"],
            r["quantity"],
            r["amount_micros"],
        )
        for r in rows
    }


def residues(data: Path) -> Counter[tuple[Any, ...]]:
    """All sums of all rows, hours included, without rows of nothing."""
    with Opened(data) as weir:
        rows = read_found(weir.snapshot).rows
    sums = {k: (r.events, r.quantity, r.charge_micros, r.residue) for k, r in rows.items()}
    return Counter((*key, *found) for key, found in sums.items() if any(found))


def test_a_price_is_raised_ten_days_back(tmp_path: Path) -> None:
    """1,000 minutes at 0.012 are 12.00 of version 2; nothing is left under version 1."""
    data = settled(tmp_path / "data", FIRST, calls(*DAYS))
    late = agreement(
        version(1, "0.010", upto="2024-11-21"), version(2, "0.012", valid_from="2024-11-21")
    )
    done = approved(data, terms(tmp_path / "late", late))
    assert done.id == "A-000001"
    assert booked(data) == {
        ("ALFA-1", 1, "2024-11", "2024-11"): (0, 0, 0),
        ("ALFA-1", 2, "2024-11", "2024-11"): (10, 60_000, 12_000_000),
    }
    # Usage that comes now is settled by the new terms: 100 minutes more are 1.20.
    settle(data, [call(11, started_at=NOVEMBER_US + 28 * DAY_US, duration_ms=6_000_000)],
           terms(tmp_path / "same", late))  # fmt: skip
    assert booked(data)["ALFA-1", 2, "2024-11", "2024-11"] == (11, 66_000, 13_200_000)
    assert verdict(data).differences == []


def test_a_closed_period_keeps_its_statement(tmp_path: Path) -> None:
    """November states 10.00; December has 2.00 for it, and says by whom and why."""
    data = settled(tmp_path / "data", FIRST, calls(*DAYS))
    [stated] = close(data, "2024-11", "ALFA-1")
    approved(data, terms(tmp_path / "raised", RAISED))
    assert booked(data) == {
        ("ALFA-1", 1, "2024-11", "2024-11"): (10, 60_000, 10_000_000),
        ("ALFA-1", 1, "2024-11", "2024-12"): (0, 0, 2_000_000),
    }
    [document] = close(data, "2024-12", "ALFA-1")
    [line] = document["lines"]
    assert (line["adjustment"], line["amount"]) == (True, "2.000000")
    [named] = document["amendments"]
    assert (named["id"], named["by"], named["why"]) == ("A-000001", "A. Lee", "memo 7")
    assert "amendments" not in stated
    assert verdict(data).differences == []


def test_a_key_that_was_somebody_elses(tmp_path: Path) -> None:
    """5.00 less for ALFA, whose month is closed; 10.00 for BRAVO, whose month is open."""
    data = settled(tmp_path / "data", BOTH, calls(*DAYS))
    close(data, "2024-11", "ALFA-1")
    approved(data, terms(tmp_path / "moved", BOTH, MOVED))
    assert booked(data) == {
        ("ALFA-1", 1, "2024-11", "2024-11"): (10, 60_000, 10_000_000),
        ("ALFA-1", 1, "2024-11", "2024-12"): (-5, -30_000, -5_000_000),
        ("BRAVO-1", 1, "2024-11", "2024-11"): (5, 30_000, 10_000_000),
    }


def test_taking_it_back_gives_the_same_sums(tmp_path: Path) -> None:
    """A third of a nano a second leaves residue; there, back and there again is what it was."""
    odd, other = (agreement(version(1, price)) for price in ("0.010000001", "0.011111111"))
    data = settled(tmp_path / "data", odd, calls(*DAYS, minutes=7))
    files = [terms(tmp_path / name, text) for name, text in (("odd", odd), ("other", other))]
    before = residues(data)
    assert approved(data, files[1]).id == "A-000001"
    between = residues(data)
    assert approved(data, files[0]).id == "A-000002"
    assert residues(data) == before != between
    assert approved(data, files[1]).id == "A-000003"
    assert residues(data) == between
    with Opened(data) as weir:
        assert [one.id for one in weir.facts().amended.values()] == [
            "A-000001",
            "A-000002",
            "A-000003",
        ]
        keys = [key for _, key, _ in weir.latest(ACCRUE_CHANGELOG.name)]
    assert not [key for key in keys if key.startswith(b"refused/")]


def test_each_settlement_partition_gets_its_rows(tmp_path: Path) -> None:
    """ALFA's 5.00 less and BRAVO's 10.00 more lie in different partitions, under one id.

    Partitions that have neither hear of it too.
    """
    data = tmp_path / "data"
    both = terms(tmp_path / "both", BOTH)
    with Embedded(data, both, usage_partitions=2, settlement_partitions=7) as weir:
        list(weir.ingest(usage_file(tmp_path / "usage.jsonl", calls(*DAYS))))
    assert approved(data, terms(tmp_path / "moved", BOTH, MOVED)).id == "A-000001"
    assert booked(data) == {
        ("ALFA-1", 1, "2024-11", "2024-11"): (5, 30_000, 5_000_000),
        ("BRAVO-1", 1, "2024-11", "2024-11"): (5, 30_000, 10_000_000),
    }
    with Opened(data) as weir:
        asked = [segment for segment in weir.read(COMMANDS.name) if len(segment)]
    rows = [len(json.loads(segment.values[0] or b"")["amend"]["rows"]) for segment in asked]
    assert sorted(rows) == [0, 0, 0, 0, 0, 5, 5]


def test_a_directory_is_led_on_when_it_is_opened(tmp_path: Path) -> None:
    """A crash between the command and the reference: the next one to open it settles by it."""
    data = settled(tmp_path / "data", FIRST, calls(*DAYS))
    old = current_reference(data).name
    approved(data, terms(tmp_path / "raised", RAISED))
    new = current_reference(data).name
    (kept_references(data) / "current").write_text(old + "\n")
    with Embedded(data) as weir:
        assert weir.newest_reference() == weir.reference.reference_id == new != old
    assert verdict(data).differences == []


TIERS = '{kind: tiers, per: minute, tiers: [{up_to: UP, price: "0.02"}, {price: "0.01"}]}'


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        (FIRST, FIRST, "these are the terms in force"),
        (
            agreement(version(1, TIERS.replace("UP", "500"))),
            agreement(version(1, TIERS.replace("UP", "200"))),
            "ALFA-1 version 1 voice-in: its price is a function of the whole period",
        ),
        (
            # 1,000 minutes lie below 2,000 either way; what the statement says of tiers would not.
            agreement(version(1, TIERS.replace("UP", "2000"))),
            agreement(version(1, TIERS.replace("UP", "3000"))),
            "ALFA-1 version 1 voice-in: its price is a function of the whole period",
        ),
        (FIRST, agreement(version(2, "0.012")), "ALFA-1 version 1 voice-in: is gone"),
        (FIRST, FIRST.replace("receivable", "payable"), "flow of settled usage cannot be amended"),
        (FIRST, FIRST.replace("per: minute", "per: hour"), "unit of settled usage cannot"),
        (FIRST, FIRST.replace("decimals: 2", "decimals: 3"), "rounding of settled usage cannot"),
        (FIRST, FIRST.replace("partner: ALFA", "partner: BRAVO"), "partner of settled usage"),
        (FIRST, FIRST.replace("zone: UTC", "zone: UTC, period: day"), "has no period 2024-11"),
        (
            FIRST,
            FIRST.replace("model: wholesale", "model: wholesale, pool: P"),
            "ALFA-1: its accruals are in the partition of pool ALFA-1; put it back",
        ),
        (
            FIRST,
            agreement(version(1, "0.010", valid_from="2024-11-26")),
            "an amendment leaves every event its outcome",
        ),
    ],
)
def test_what_sums_cannot_say_is_refused(
    tmp_path: Path, before: str, after: str, reason: str
) -> None:
    """A sentence names what it is, and nothing is booked."""
    data = settled(tmp_path / "data", before, calls(*DAYS))
    found = refused(data, terms(tmp_path / "after", after))
    assert [said for said in found if reason in said], found


def test_usage_that_waits_is_recycled_not_amended(tmp_path: Path) -> None:
    """The books with a route listed: the event that would be rated is named."""
    settle(tmp_path / "data")
    found = refused(tmp_path / "data", reference(tmp_path / "mended", MENDED))
    assert found[0].startswith("rated (none) would be 7 events, not 6")


def test_somebody_has_agreed_for_a_reason(tmp_path: Path) -> None:
    """Neither may be empty."""
    data = settled(tmp_path / "data", FIRST, calls(1))
    raised = terms(tmp_path / "raised", RAISED)
    for by, why in (("", "memo 7"), ("A. Lee", " ")):
        with Embedded(data) as weir, pytest.raises(AmendmentRefusedError, match="--why"):
            approve(weir, raised, by, why)


PRICES = st.sampled_from(["0.010", "0.012", "0.3333", "0.000000001"])
STEP = st.one_of(
    st.tuples(st.just("use"), st.integers(1, 30)),
    st.tuples(st.just("close"), st.sampled_from(["2024-11", "2024-12", "2025-01"])),
    st.tuples(st.just("amend"), st.tuples(PRICES, PRICES, st.booleans())),
)


@settings(max_examples=8, deadline=None)
@given(place=st.sampled_from(["record", "line", "statement"]), steps=st.lists(STEP, max_size=8))
def test_any_course_of_amendments_is_verified(
    tmp_path_factory: pytest.TempPathFactory, place: str, steps: list[tuple[str, Any]]
) -> None:
    """Usage, closes and amendments of prices and keys in any order: what is owed is recomputed.

    And with nothing closed, all rows together are what the terms in force make of all usage.
    """
    path = tmp_path_factory.mktemp("course")
    rounding = f"rounding: {{place: {place}, mode: half_even, decimals: 2}}"

    def given_terms(name: str, prices: tuple[str, str], *, moved: bool) -> Path:
        alfa, bravo = (version(1, price, terms=rounding) for price in prices)
        both = agreement(alfa) + agreement(bravo, name="BRAVO-1", partner="BRAVO")
        return terms(path / name, both, MOVED if moved else ROUTES)

    data, at = path / "data", given_terms("first", ("0.010", "0.02"), moved=False)
    settle(data, calls(1, 28, minutes=3), at)
    for number, (what, value) in enumerate(steps, 10):
        if what == "use":
            day_us = NOVEMBER_US + (value - 1) * DAY_US
            settle(data, [call(number, started_at=day_us, duration_ms=77_000)], at)
        elif what == "close":
            close(data, value, "ALFA-1", "BRAVO-1")
        else:
            to = given_terms(str(number), value[:2], moved=value[2])
            if load(to).reference_id == load(at).reference_id:
                continue
            with Embedded(data) as weir:
                approve(weir, to, "A. Lee", "memo 7")
            at = to
    assert verdict(data).differences == []
    if not any(what == "close" for what, _ in steps):
        with Embedded(path / "again", at) as weir:
            for message in _usage(data):
                weir.append(0, [(None, message)])
            weir.drain()
        assert residues(path / "again") == residues(data)


def _usage(data: Path) -> list[bytes]:
    """All usage messages of a data directory."""
    with Opened(data) as weir:
        values = [value for segment in weir.read("usage.v1") for value in segment.values]
    return [value for value in values if value is not None]
