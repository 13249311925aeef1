"""What an amendment added is recomputed from usage: rows that say something else are found."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from ops.amended import Amended
from ops.amending import commands, rows_of
from ops.amendment import compare
from ops.embedded import Embedded
from ops.oracle_amounts import Accrual, AccrualKey
from ops.verify_amended import CarriedOut, amended_accruals, carried_out
from ops.verify_log import Found
from schemas.topics import COMMANDS
from streams.log import Segment
from tests.ops.amend_makers import agreement, calls, settled, terms, version
from tests.ops.books import verdict
from tests.ops.test_amended import FIRST, SECOND, command
from tests.ops.test_course import messages

KEY = AccrualKey("ALFA-1", 1, "voice-in", "", "EUR", "2024-11", "2024-11", None)


def close(period: str) -> bytes:
    """A command that closes a period of ALFA-1."""
    return json.dumps({"close": {"agreement": "ALFA-1", "period": period}}).encode()


def log_of(partition: int, *values: bytes | None) -> Segment:
    """The commands of a settlement partition."""
    whole = messages(COMMANDS.name, partition, range(len(values)))
    return Segment(COMMANDS.name, partition, whole.offsets, whole.keys, values, len(values), 0)


def test_commands_are_taken_as_far_as_they_were_carried_out() -> None:
    """A close counts where it made a statement, for what is amended after it."""
    documents: list[dict[str, Any]] = [{"agreement": "ALFA-1", "period": "2024-11"}]
    found = Found(commanded_upto={0: 4, 1: 1}, documents=documents)
    log = [
        log_of(0, command(FIRST), close("2024-11"), close("2024-12"), command(SECOND), b"x"),
        log_of(1, command(FIRST), command(SECOND)),
    ]
    assert carried_out(log, found) == [
        CarriedOut(FIRST, {0: frozenset(), 1: frozenset()}),
        CarriedOut(SECOND, {0: frozenset({("ALFA-1", "2024-11")})}),
    ]


def test_the_terms_before_are_those_of_the_amendment_before() -> None:
    """By a 10 is due, by b 12, by c 15: to b is 2 more, on to c 3 more, in what is open then."""
    references: Any = {name: name for name in "abc"}
    due = {"a": 10, "b": 12, "c": 15}

    def sums_upto(upto: Amended, newest: Any, reference_of: Any) -> dict[AccrualKey, Accrual]:  # noqa: ANN401
        assert newest == upto.to_id
        return {KEY: Accrual(1, 1, due[reference_of("usage.v1", 0, 0)], Fraction(0))}

    asked = [
        CarriedOut(FIRST, {0: frozenset()}),
        CarriedOut(Amended("A-2", "b", "c", FIRST.cut), {0: frozenset({("ALFA-1", "2024-11")})}),
    ]
    in_force = (references, lambda *_: references["a"], sums_upto)
    found = amended_accruals(asked, *in_force, {"ALFA-1": 0})
    assert found == {
        KEY: Accrual(0, 0, 2, Fraction(0)),
        KEY._replace(booked="2024-12"): Accrual(0, 0, 3, Fraction(0)),
    }
    # Of a partition that has not carried it out nothing is expected yet.
    elsewhere = amended_accruals(asked, *in_force, {"ALFA-1": 7})
    assert elsewhere == {}


@pytest.mark.parametrize(("more", "differs"), [(0, False), (-1, True)])
def test_one_wrong_micro_is_found(tmp_path: Path, more: int, *, differs: bool) -> None:
    """A command whose first row has a millionth less is carried out, and does not verify."""
    text = agreement(version(1, "0.010", terms="rounding: {place: record}"))
    data = settled(tmp_path / "data", text, calls(*range(21, 31)))
    raised = terms(tmp_path / "raised", text.replace("0.010", "0.012"))
    with Embedded(data) as weir:
        compared = compare(weir.snapshot, weir.reference_of, weir.newest_reference(), raised, 1)
        first, *rest = rows_of(compared)
        rows = [first._replace(charge_micros=first.charge_micros + more), *rest]
        _, asked = commands(weir, compared, "A. Lee", "memo 7", rows)
        weir.amend(compared.given, raised, asked)
    assert bool(verdict(data).differences) is differs
