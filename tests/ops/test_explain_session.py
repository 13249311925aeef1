"""Sessions in words: where a record goes on, its corrections, and the arithmetic of its piece."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ops.embedded import Embedded
from ops.explain import explain
from ops.explain_event import EventName
from ops.explain_session import together
from ops.explain_text import steps
from ops.price import price
from ops.reading import Opened
from tests.builders import agreement_text, reference_dir
from tests.ops.books import call, usage_file

UNIT = (
    "kind: unit, per: minute, amount: 0.06, connect_fee: 0.01, initial_seconds: 60,"
    " next_seconds: 60"
)
CAME = "an earlier part came: from 100 seconds"
KEYS = "kind,key,agreement,valid_from,valid_upto\nroute,TG-001,ALFA-1,,\n"


def agreed(directory: Path, price_text: str, whole: str = "session", place: str = "line") -> Path:
    """A reference of one agreement that counts sessions."""
    item = (
        "{item: voice-in, role: ingress, service: voice, flow: receivable,"
        f" count: {{whole: {whole}}}, price: {{{price_text}}}}}"
    )
    rounding = f"{{place: {place}, mode: up, decimals: 2}}"
    terms = f"valid_from: 2024-01-01, zone: UTC, currency: EUR, rounding: {rounding}"
    text = agreement_text(item, terms=terms)
    return reference_dir(directory, agreements=text, attribution=KEYS)


def part(number: int, seconds: int, **fields: Any) -> dict[str, Any]:  # noqa: ANN401
    """A partial record of session S-77."""
    said = {"session_id": "S-77", "partial_sequence": number, "duration_ms": seconds * 1_000}
    return call(number) | said | fields


def told(tmp_path: Path, known: Path, *parts: dict[str, Any]) -> list[list[tuple[str, str]]]:
    """What is said of sessions and arithmetic of records, each settled after the one before."""
    with Embedded(tmp_path / "data", known) as weir:
        for number, one in enumerate(parts):
            list(weir.ingest(usage_file(tmp_path / f"{number}.jsonl", [one])))
    found = []
    with Opened(tmp_path / "data") as opened:
        for number in sorted(one["sequence"] for one in parts):
            document = explain(opened, EventName("msc-1", 0, number, None))
            assert document is not None
            said = list(steps(document))
            found.append([one for one in said if one[0] in ("session", "charged", "arithmetic")])
    return found


def test_a_later_piece_and_its_correction(tmp_path: Path) -> None:
    """50 s came first as 60 s with the fee; behind 100 s they go on, and the fee is taken back."""
    first, second = told(tmp_path, agreed(tmp_path / "r", UNIT), part(1, 50), part(0, 100))
    assert first == [
        ("charged", "120 seconds"),
        ("session", "begins session S-77, counted as a whole"),
        ("arithmetic", "120 x 0.06 / 60 + 0.01 = 0.13 -> 0.130000"),
    ]
    assert second == [
        ("charged", "60 seconds"),
        ("session", "goes on at 100 seconds of session S-77, counted as a whole"),
        ("session", f"corrected when {CAME}, quantity +0, connect fee -0.01, charge -0.010000"),
        ("arithmetic", "60 x 0.06 / 60 = 0.06 -> 0.060000"),
    ]


def test_pieces_on_steps(tmp_path: Path) -> None:
    """60 s cost 1; 59 more reach 119, which cost 2."""
    tiers = "[{up_to: 1, step: 60, price: 1}, {step: 30, price: 1}]"
    known = agreed(tmp_path / "r", f"kind: tiers, each: event, per: minute, tiers: {tiers}")
    first, second = told(tmp_path, known, part(0, 60), part(1, 59))
    assert first[-1] == ("arithmetic", "1 of 60 seconds = 1 -> 1.000000")
    assert second[-1] == ("arithmetic", "2 of 119 seconds - 1 of 60 seconds = 1 -> 1.000000")


def test_limits_and_roundings_of_a_session(tmp_path: Path) -> None:
    """At most 0.15 of 0.13 + 0.06; 0.1583.. up to 0.16 and then no more up to 0.16."""
    known = agreed(tmp_path / "r", f"{UNIT}, maximum: 0.15")
    [_, second] = told(tmp_path, known, part(0, 100), part(1, 50))
    limited = "60 x 0.06 / 60 = 0.06, with the limits of the session 0.02 -> 0.020000"
    assert second[-1] == ("arithmetic", limited)
    rounded = agreed(tmp_path / "s", "kind: unit, per: minute, amount: 0.05", place="record")
    [_, after] = told(tmp_path / "t", rounded, part(0, 10), part(1, 2))
    # 10 s are 0.00833.., 0.01; 12 s are 0.01.
    assert after[-1] == ("arithmetic", "2 x 0.05 / 60 = 1/600 -> 0.000000")


def test_legs_and_attempts(tmp_path: Path) -> None:
    """By legs as calls of their own; a record of no seconds is an attempt only by itself."""
    known = agreed(tmp_path / "r", f"{UNIT}, attempt_fee: 0.002", whole="legs")
    [alone] = told(tmp_path / "a", known, part(0, 0))
    assert alone[1:] == [
        ("session", "begins session S-77, counted by legs"),
        ("arithmetic", "attempt fee 0.002 -> 0.002000"),
    ]
    [none, leg] = told(tmp_path / "b", known, part(0, 0), part(1, 61))
    assert none[-1] == ("arithmetic", "0 seconds -> 0.000000")
    assert leg[-1] == ("arithmetic", "120 x 0.06 / 60 + 0.01 = 0.13 -> 0.130000")


def test_rows_that_are_found_twice_count_once() -> None:
    """As they are while the archive is written."""
    name = {"source": "s", "epoch": 0, "sequence": 1, "event_id": None, "role": 0, "item": "i"}
    figures = {"quantity": 60, "connect_nanos": 1, "charge_micros": 70, "residue": 0}
    more = {"quantity": 0, "connect_nanos": -1, "charge_micros": -10, "residue": 0}
    leg = {**name, **figures, "kind": None, "session_from": 0}
    change = {**name, **more, "kind": 3, "session_from": 100}
    [merged] = together([change, leg, leg, change])
    assert (merged["charge_micros"], merged["connect_nanos"]) == (60, 0)
    assert (merged["session_from"], len(merged["corrections"])) == (100, 1)
    assert together([change]) == []


def test_prices_are_of_whole_legs(tmp_path: Path) -> None:
    """`weir price` shows a leg once, with its corrections."""
    known = agreed(tmp_path / "r", UNIT)
    files = [usage_file(tmp_path / f"{n}.jsonl", [part(n, s)]) for n, s in ((1, 50), (0, 100))]
    legs = price(known, "ALFA-1", files, None)["legs"]
    assert [(leg["event"], leg["quantity"], leg["charge"]) for leg in legs] == [
        ("msc-1/0/0", 120, "0.130000"),
        ("msc-1/0/1", 60, "0.060000"),
    ]
