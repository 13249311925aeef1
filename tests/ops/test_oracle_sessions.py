"""The oracle's sessions: figures worked by hand, and what they add to which period."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ops.oracle import Close, Recycle, Settlement, settle
from ops.oracle_reference import read_reference
from schemas.codes import Service
from tests.builders import agreement_text, reference_dir
from tests.usage_makers import NOVEMBER_US, message, row

DAY_US = 86_400_000_000
KEYS = "kind,key,agreement,valid_from,valid_upto\nroute,TG-001,ALFA-1,,\n"
ITEM = (
    "{item: call, role: ingress, service: voice, flow: receivable, count: {whole: WHOLE},"
    " price: {kind: unit, per: minute, amount: 0.06, connect_fee: 0.01,"
    " initial_seconds: 60, next_seconds: 60MORE}}"
)


def part(number: int, seconds: int, at_us: int = NOVEMBER_US, **fields: Any) -> bytes:  # noqa: ANN401
    """A partial record of session S."""
    said = {"ingress_route": "TG-001", "session_id": "S", "partial_sequence": number}
    said |= {"sequence": number, "started_at": at_us, "duration_ms": 1_000 * seconds, **fields}
    return message(Service.VOICE, row(Service.VOICE, **said))


def settled(
    directory: Path,
    *messages: bytes,
    whole: str = "session",
    more: str = "",
    **others: Any,  # noqa: ANN401
) -> Settlement:
    """Messages of one partition settled in their order."""
    item = ITEM.replace("WHOLE", whole).replace("MORE", more)
    rounding = "{place: record, mode: up, decimals: 2}"
    terms = f"valid_from: 2026-01-01, zone: UTC, currency: EUR, period: day, rounding: {rounding}"
    known = reference_dir(directory, agreements=agreement_text(item, terms=terms), attribution=KEYS)
    log = [(0, offset, NOVEMBER_US + 99 * DAY_US, value) for offset, value in enumerate(messages)]
    return settle(read_reference(known), log, **others)


def charges(settlement: Settlement) -> Mapping[str, tuple[int, int]]:
    """Quantity and charge by booked period, over all original ones."""
    found: dict[str, tuple[int, int]] = {}
    for key, sums in settlement.accruals.items():
        if key.hour is None:
            quantity, micros = found.get(key.booked, (0, 0))
            found[key.booked] = (quantity + sums.quantity, micros + sums.charge_micros)
    return found


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
@pytest.mark.parametrize(
    ("whole", "more", "quantity", "micros"),
    [
        # 150 s are 180 s: 0.18 + 0.01. By legs 120 + 60 s, the same.
        ("session", "", 180, 190_000),
        ("legs", "", 180, 190_000),
        # As a whole at most 0.15; by legs 0.13 and 0.06 are both below.
        ("session", ", maximum: 0.15", 180, 150_000),
        ("legs", ", maximum: 0.15", 180, 190_000),
        ("record", "", 180, 200_000),
    ],
)
def test_a_session_in_any_order(
    tmp_path: Path, order: tuple[int, int], whole: str, more: str, quantity: int, micros: int
) -> None:
    """100 s and 50 s at 0.06 a minute in whole minutes, 0.01 to connect."""
    parts = part(0, 100), part(1, 50)
    found = settled(tmp_path, *(parts[n] for n in order), whole=whole, more=more)
    assert charges(found) == {"2026-11-01": (quantity, micros)}


def test_legs_of_traces_are_final(tmp_path: Path) -> None:
    """The later part was 60 s with the fee until the earlier one came."""
    found = settled(tmp_path, part(1, 50), part(0, 100))
    [[trace], [other]] = [found.explain(("msc-1", 0, number)) for number in (1, 0)]
    figures = [(leg.quantity, leg.charge_micros) for leg in (*other.legs, *trace.legs)]
    assert figures == [(120, 130_000), (60, 60_000)]


def test_what_comes_after_a_close_is_the_difference(tmp_path: Path) -> None:
    """The second day is closed with 0.07; then its part owes no fee: -0.01 the day after."""
    second = part(1, 50, NOVEMBER_US + DAY_US)
    closes = [Close("ALFA-1", "2026-11-02", {"usage.v1/0": 1})]
    found = settled(tmp_path, second, part(0, 100), closes=closes)
    assert charges(found) == {
        "2026-11-01": (120, 130_000),
        "2026-11-02": (60, 70_000),
        "2026-11-03": (0, -10_000),
    }


def test_what_is_too_late_waits(tmp_path: Path) -> None:
    """Behind its source by more than seven days, to the microsecond; or after its session began."""
    week = 7 * DAY_US
    newest = part(9, 1, NOVEMBER_US + week, session_id=None)
    found = settled(tmp_path, newest, part(0, 1), part(1, 1, NOVEMBER_US - 1))
    assert found.counts == {("rated", "none"): 2, ("suspended", "session_expired"): 1}
    found = settled(tmp_path, part(0, 1), part(1, 1, NOVEMBER_US + week + 1))
    assert found.counts["suspended", "session_expired"] == 1
    # Fourteen days behind it has ended: another one begins, with a fee of its own.
    newest = part(9, 0, NOVEMBER_US + 2 * week + 1, session_id=None)
    found = settled(tmp_path, part(0, 1), newest, part(1, 1, NOVEMBER_US + 2 * week))
    assert sum(micros for _, micros in charges(found).values()) == 140_000


def test_requests_are_heard_where_they_were(tmp_path: Path) -> None:
    """A part that waited joins its session only if it was tried again in time."""
    reference = KEYS.replace("TG-001", "TG-NEW")
    late = part(9, 1, NOVEMBER_US + 8 * DAY_US, session_id=None)
    known = {name: tmp_path / name for name in ("first", "mended")}
    for name, directory in known.items():
        keys = KEYS if name == "first" else KEYS + reference.partition("\n")[2]
        item = ITEM.replace("WHOLE", "session").replace("MORE", "")
        reference_dir(directory, agreements=agreement_text(item), attribution=keys)
    first, mended = (read_reference(directory) for directory in known.values())
    messages = [part(0, 100, ingress_route="TG-NEW"), part(1, 50), late]
    log = [(0, at, NOVEMBER_US + 99 * DAY_US, value) for at, value in enumerate(messages)]
    for after, outcome in ((2, "rated"), (3, "suspended"), (None, "suspended")):
        request = Recycle("msc-1/0/0", 0, 0, NOVEMBER_US + 99 * DAY_US, after)
        found = settle(
            mended,
            log,
            recycles=[request],
            reference_of=lambda topic, *_: first if topic == "usage.v1" else mended,
        )
        assert found.explain(("msc-1", 0, 0))[-1].outcome == outcome
