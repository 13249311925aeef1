"""The oracle on usage that was tried again, and on accruals that lag behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from ops.oracle import Close, Recycle, settle
from tests.ops.oracle_makers import (
    NOON,
    call,
    events_booked,
    item,
    log,
    market,
    micros,
    reference,
    unit,
    version,
)


def test_recycled_usage_is_rated_under_the_mended_reference(tmp_path: Path) -> None:
    """The unknown route is A's after all; a conflicting body waits on, and what was rated stays.

    Call 2 is tried in vain before the reference is mended and rated after, call 3 once its time has
    come; nobody asks for call 5, and call 1 is asked for though it does not wait.
    """
    before = market(tmp_path / "before")
    terms = version(item(unit("minute", "0.06")))
    after = reference(tmp_path / "after", {"A": [terms]}, "route,TG-1,A,,\nroute,TG-9,A,,")
    future = "2026-11-10T13:00:00+00:00"
    messages = [
        call(1),
        call(1, duration_ms=1_000),
        call(2, ingress_route="TG-9"),
        call(3, started_at=future),
        call(4, ingress_route="TG-8"),
        call(5, ingress_route="TG-9"),
    ]
    settled = settle(
        after,
        log(messages),
        # Request 0 came before the reference was mended.
        reference_of=lambda topic, _, at: after if topic == "recycle.v1" and at > 0 else before,
        recycles=[
            Recycle(f"msc-1/0/{sequence}", 0, offset, micros(future))
            for offset, sequence in enumerate([2, 1, 2, 3, 4])
        ],
    )
    assert settled.counts == {
        ("rated", "none"): 3,
        ("suspended", "conflicting_body"): 1,
        ("suspended", "unknown_route"): 2,
    }
    assert settled.suspended == {
        ("msc-1/0/1", "conflicting_body"): 1,
        ("msc-1/0/4", "unknown_route"): 1,
        ("msc-1/0/5", "unknown_route"): 1,
    }
    assert events_booked(settled) == {("2026-11", "2026-11"): 3}
    held, tried, rated = settled.explain(("msc-1", 0, 2))
    assert (held.outcome, held.reason, held.recycled) == ("suspended", "unknown_route", False)
    assert (tried.outcome, tried.reason, tried.recycled) == ("suspended", "unknown_route", True)
    assert (rated.outcome, rated.reason, rated.recycled) == ("rated", "none", True)


@pytest.mark.parametrize(("upto", "booked"), [(0, "2026-12"), (3, "2026-12"), (4, "2026-11")])
def test_recycled_usage_is_in_a_close_only_if_it_was_tried_before(
    tmp_path: Path, upto: int, booked: str
) -> None:
    """The request at offset 3 decides, not the usage, which was read long before the close."""
    known = reference(tmp_path / "after", {"A": [version(item(unit("minute", "1")))]})
    empty = reference(tmp_path / "before", {"A": [version(item(unit("minute", "1")))]}, "")
    settled = settle(
        known,
        log([call(1)]),
        [Close("A", "2026-11", {"usage.v1/0": 9, "recycle.v1/0": upto})],
        reference_of=lambda topic, _, __: known if topic == "recycle.v1" else empty,
        recycles=[Recycle("msc-1/0/1", 0, 3, micros(NOON))],
    )
    assert events_booked(settled) == {(booked, "2026-11"): 1}


def test_what_is_not_accrued_yet_has_an_outcome_but_no_money(tmp_path: Path) -> None:
    """A's accruals cover one call of the two; B's cover none."""
    both = {"egress_route": "TG-2", "direction": "out"}
    settled = settle(
        market(tmp_path),
        log([call(1, **both), call(2, **both)]),
        accrued={"A": {"usage.v1/0": 1}},
    )
    assert settled.counts == {("rated", "none"): 2}
    assert events_booked(settled, "A") == {("2026-11", "2026-11"): 1}
    assert events_booked(settled, "B") == {}
