"""The oracle settles a log of usage: outcomes, bookings, adjustments, and the way of one event."""

from __future__ import annotations

import zlib
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from ops.oracle import Close, settle
from ops.oracle_amounts import Accrual, AccrualKey, AmountKey, Total, TotalKey
from tests.ops.oracle_makers import (
    NOON,
    call,
    datum,
    envelope,
    event,
    events_booked,
    framed,
    item,
    log,
    market,
    micros,
    reference,
    tiers,
    unit,
    unreadable,
    version,
)

OCTOBER = "2026-10-20T12:00:00+00:00"
NOVEMBER = "2026-11-20T12:00:00+00:00"
LATE = "2027-02-01T00:00:00+00:00"


def period(agreement: str, name: str, booked: str, original: str) -> AccrualKey:
    """The accrual of a whole period of a plain item."""
    return AccrualKey(agreement, 1, name, "", "EUR", booked, original, None)


def test_one_call_concerns_two_partners(tmp_path: Path) -> None:
    """A brings a call in and B carries it on: one event, two legs, each in its own books.

    One minute: A owes 0.06, B is owed 0.03. 2026-11-10T12:00Z is hour 498,420 since the epoch:
    20,767 days of 24 hours, and 12 hours.
    """
    settled = settle(market(tmp_path), log([call(egress_route="TG-2", direction="out")]))
    one = Accrual(1, 60, 60_000, Fraction(0))
    other = Accrual(1, 60, 30_000, Fraction(0))
    assert settled.counts == {("rated", "none"): 1}
    assert settled.accruals == {
        period("A", "voice-in", "2026-11", "2026-11"): one,
        period("A", "voice-in", "2026-11", "2026-11")._replace(hour=20_767 * 24 + 12): one,
        period("B", "voice-out", "2026-11", "2026-11"): other,
        period("B", "voice-out", "2026-11", "2026-11")._replace(hour=20_767 * 24 + 12): other,
    }
    assert settled.amounts == {
        AmountKey("A", "voice-in", 1, "", "EUR", "2026-11", "2026-11"): Decimal("0.06"),
        AmountKey("B", "voice-out", 1, "", "EUR", "2026-11", "2026-11"): Decimal("0.03"),
    }
    assert settled.totals == {
        TotalKey("A", "2026-11", "EUR"): Total(Decimal("0.06"), Decimal(0)),
        TotalKey("B", "2026-11", "EUR"): Total(Decimal(0), Decimal("0.03")),
    }


def test_a_leg_without_price_holds_back_the_whole_event(tmp_path: Path) -> None:
    """B has no item for calls in this direction: A is not charged either."""
    settled = settle(market(tmp_path), log([call(egress_route="TG-2")]))
    assert settled.counts == {("suspended", "no_item"): 1}
    assert not settled.accruals


def test_an_own_route_gives_no_leg(tmp_path: Path) -> None:
    """What goes out to the operator itself is nobody's; own on both sides is retail."""
    messages = [
        call(1, egress_route="TG-own"),
        call(2, ingress_route="TG-own", egress_route="TG-own"),
    ]
    settled = settle(market(tmp_path), log(messages))
    assert settled.counts == {("rated", "none"): 1, ("excluded", "retail"): 1}
    assert events_booked(settled) == {("2026-11", "2026-11"): 1}


def test_hours_add_up_to_the_period_and_residues_to_what_is_missing(tmp_path: Path) -> None:
    """Three calls of one second at 0.0625 a minute, rounded to four decimals.

    Each is exactly 1/960 = 0.00104166..., rounded to 0.0010 with 1/24,000 left over. Two calls in
    one hour, one in the next: 0.003 and 3/24,000 together.
    """
    terms = version(item(unit("minute", "0.0625")), rounding="{decimals: 4}")
    known = reference(tmp_path, {"A": [terms]})
    messages = [
        call(1, duration_ms=1_000),
        call(2, duration_ms=1_000),
        call(3, duration_ms=1_000, started_at="2026-11-10T13:00:00+00:00"),
    ]
    settled = settle(known, log(messages, at=LATE))
    by_hour = {key.hour: accrual for key, accrual in settled.accruals.items()}
    noon = 20_767 * 24 + 12
    assert by_hour == {
        noon: Accrual(2, 2, 2_000, Fraction(2, 24_000)),
        noon + 1: Accrual(1, 1, 1_000, Fraction(1, 24_000)),
        None: Accrual(3, 3, 3_000, Fraction(3, 24_000)),
    }


def test_a_repeat_is_counted_and_nothing_else(tmp_path: Path) -> None:
    """Whatever became of an event, the same bytes again are a duplicate, in an envelope too."""
    fields: dict[str, object] = {"sequence": 1, "ingress_route": "TG-1"}
    messages = [
        event("voice", **fields),
        envelope("voice", datum("voice", **fields), datum("voice", **fields)),
        call(2, ingress_route="TG-9"),
        call(2, ingress_route="TG-9"),
        call(3, test=True),
        call(3, test=True),
        event("sms", sequence=None, event_id="x", ingress_route="TG-own"),
        event("sms", sequence=None, event_id="x", ingress_route="TG-own"),
    ]
    settled = settle(market(tmp_path), log(messages))
    assert settled.counts == {
        ("rated", "none"): 1,
        ("suspended", "unknown_route"): 1,
        ("excluded", "test"): 1,
        ("excluded", "retail"): 1,
        ("duplicate", "none"): 5,
    }
    assert events_booked(settled) == {("2026-11", "2026-11"): 1}


def test_another_body_under_the_same_key_is_kept_and_held_back(tmp_path: Path) -> None:
    """The first body stands, the second is suspended, and each of them again is a duplicate."""
    first, second = call(1, duration_ms=60_000), call(1, duration_ms=61_000)
    settled = settle(market(tmp_path), log([first, second, second, first]))
    assert settled.counts == {
        ("rated", "none"): 1,
        ("suspended", "conflicting_body"): 1,
        ("duplicate", "none"): 2,
    }
    assert settled.totals == {TotalKey("A", "2026-11", "EUR"): Total(Decimal("0.06"), Decimal(0))}


def test_the_same_fields_of_another_service_conflict(tmp_path: Path) -> None:
    """A key is a source's, not a family's: a message and a call may not share it."""
    settled = settle(market(tmp_path), log([call(1), event("sms", ingress_route="TG-1")]))
    assert settled.counts == {("rated", "none"): 1, ("suspended", "conflicting_body"): 1}


def test_epochs_and_sources_count_apart(tmp_path: Path) -> None:
    """A counter that started again, or another element's, is another event."""
    messages = [call(1), call(1, epoch=1), call(1, source="msc-2")]
    assert settle(market(tmp_path), log(messages)).counts == {("rated", "none"): 3}


def test_a_refused_key_does_not_bar_the_mended_event(tmp_path: Path) -> None:
    """Refused again it is a repeat; mended under the same key it is rated."""
    broken, mended = call(1, duration_ms=-1), call(1)
    settled = settle(market(tmp_path), log([broken, broken, mended, mended, broken]))
    assert settled.counts == {
        ("quarantined", "negative_quantity"): 1,
        ("rated", "none"): 1,
        ("duplicate", "none"): 3,
    }


def test_what_has_no_identity_is_refused_each_time(tmp_path: Path) -> None:
    """Bytes that cannot be read, or an event without key, cannot be known again."""
    messages = [b"junk", b"junk", call(1)[:-1], framed(77, b""), event("voice", sequence=None)]
    settled = settle(market(tmp_path), log([*messages, *messages[-1:]]))
    assert settled.counts == {
        ("quarantined", "bad_magic"): 2,
        ("quarantined", "undecodable"): 1,
        ("quarantined", "unknown_schema"): 1,
        ("quarantined", "no_identity"): 2,
    }


def test_a_line_that_could_not_be_read_is_accounted_for(tmp_path: Path) -> None:
    """A file's bad line is quarantined with the adapter's reason, and a repeat the second time."""
    line = unreadable("file-1", 4, "unknown_service")
    settled = settle(market(tmp_path), log([line, line]))
    assert settled.counts == {("quarantined", "unknown_service"): 1, ("duplicate", "none"): 1}


@pytest.mark.parametrize(
    ("message", "outcome", "reason"),
    [
        (call(source=""), "quarantined", "no_source"),
        (call(duration_ms=2**44), "quarantined", "quantity_overflow"),
        (call(started_at=0), "quarantined", "impossible_time"),
        (call(called_number="+49"), "quarantined", "invalid_number"),
        (unreadable("f", 0, "strange"), "quarantined", "unreadable_line"),
        (call(test=True), "excluded", "test"),
        # Test traffic is set aside before anyone asks whose it is or when it was.
        (call(test=True, ingress_route="TG-9", started_at=LATE), "excluded", "test"),
        (call(ingress_route="TG-own"), "excluded", "retail"),
        (call(started_at="2026-11-10T12:10:00+00:00"), "rated", "none"),
        (call(started_at="2026-11-10T12:10:00.000001+00:00"), "suspended", "future_time"),
        (call(ingress_route=None), "suspended", "no_attribution_key"),
        (call(ingress_route="TG-9"), "suspended", "unknown_route"),
        (event("data", access_point="x"), "suspended", "unknown_access_point"),
        (event("data", home_network="x"), "suspended", "unknown_network"),
        (event("bandwidth"), "suspended", "unknown_product"),
        (event("transaction", sales_channel="x"), "suspended", "unknown_channel"),
        (call(started_at="2025-12-31T23:59:59+00:00"), "suspended", "no_agreement"),
        (event("sms", ingress_route="TG-1"), "suspended", "no_item"),
        (call(ingress_route="TG-D"), "suspended", "no_rate"),
        (
            event("transaction", sales_channel="shop", retail_currency="USD"),
            "suspended",
            "currency_mismatch",
        ),
    ],
)
def test_every_reason_has_its_outcome(
    tmp_path: Path, message: bytes, outcome: str, reason: str
) -> None:
    """One event, one outcome, one reason; only the rated one is in the books."""
    share = item('{kind: share, percent: "30"}', item="shop", role="channel", service="transaction")
    known = reference(
        tmp_path,
        {
            "A": [version(f"{item(unit('minute', '1'))}, {share}")],
            "D": [version(item("{kind: deck, deck: world}"))],
        },
        "route,TG-1,A,,\nroute,TG-D,D,,\nroute,TG-own,own,,\nchannel,shop,A,,",
        {"world": ("1,america", "america,1,1,1,0,,")},
    )
    settled = settle(known, log([message]))
    assert settled.counts == {(outcome, reason): 1}
    assert bool(settled.accruals) == (outcome == "rated")


def test_usage_on_a_wrong_partition_is_refused_there(tmp_path: Path) -> None:
    """Where the source does not belong its repeats cannot be seen: quarantine, not money."""
    right = zlib.crc32(b"msc-1") % 2
    messages = [(1 - right, 0, micros(NOON), call(1)), (right, 0, micros(NOON), call(1))]
    settled = settle(market(tmp_path), messages, usage_partitions=2)
    assert settled.counts == {("quarantined", "wrong_partition"): 1, ("rated", "none"): 1}


def test_late_usage_goes_to_the_next_open_period(tmp_path: Path) -> None:
    """October is closed before offset 1, November before offset 2; calls of October keep coming.

    Offset 0 was in October. Offset 1 was not, but was in when November closed. Offset 2 was in
    neither. Offset 3 belongs to November and was not in it.
    """
    messages = [
        call(1, started_at=OCTOBER),
        call(2, started_at=OCTOBER),
        call(3, started_at=OCTOBER),
        call(4, started_at=NOVEMBER),
    ]
    closes = [
        Close("A", "2026-10", {"usage.v1/0": 1}),
        Close("A", "2026-11", {"usage.v1/0": 2}),
    ]
    settled = settle(market(tmp_path), log(messages, at=LATE), closes)
    assert events_booked(settled) == {
        ("2026-10", "2026-10"): 1,
        ("2026-11", "2026-10"): 1,
        ("2026-12", "2026-10"): 1,
        ("2026-12", "2026-11"): 1,
    }
    # December owes a minute of October and a minute of November.
    assert settled.totals[TotalKey("A", "2026-12", "EUR")] == Total(Decimal("0.12"), Decimal(0))


def test_a_cut_is_by_partition_and_by_agreement(tmp_path: Path) -> None:
    """A partition that the cut does not name had nothing in; another agreement is not closed."""
    sources = {zlib.crc32(name.encode()) % 2: name for name in ("msc-1", "msc-2", "msc-3", "msc-4")}
    assert set(sources) == {0, 1}
    both = {"egress_route": "TG-2", "direction": "out"}
    messages = [(p, 5, micros(NOON), call(1, source=sources[p], **both)) for p in (0, 1)]
    closes = [Close("A", "2026-11", {"usage.v1/0": 6})]
    settled = settle(market(tmp_path), messages, closes, usage_partitions=2)
    assert events_booked(settled, "A") == {("2026-11", "2026-11"): 1, ("2026-12", "2026-11"): 1}
    assert events_booked(settled, "B") == {("2026-11", "2026-11"): 2}


def test_an_adjustment_of_tiers_is_the_difference_it_makes(tmp_path: Path) -> None:
    """Two minutes at 1, then 0.5: closed at three minutes, 2.50; the fourth comes late for 0.50."""
    terms = version(item(tiers("minute", ("2", "1"), ("", "0.5"))))
    known = reference(tmp_path, {"A": [terms]})
    settled = settle(
        known, log([call(n) for n in range(4)], at=LATE), [Close("A", "2026-11", {"usage.v1/0": 3})]
    )
    assert {(key.booked, key.original): amount for key, amount in settled.amounts.items()} == {
        ("2026-11", "2026-11"): Decimal("2.5"),
        ("2026-12", "2026-11"): Decimal("0.5"),
    }
    # No event of a graduated item has money of its own.
    assert {accrual.charge_micros for accrual in settled.accruals.values()} == {0}


def test_explain_tells_the_way_of_one_event(tmp_path: Path) -> None:
    """From the bytes' place in the log by key, version and price to the booked money."""
    messages = [call(7, duration_ms=1_500), call(7, duration_ms=1_500)]
    settled = settle(market(tmp_path), log(messages))
    first, second = settled.explain(("msc-1", 0, 7))
    assert (first.position, first.outcome, first.booked) == ((0, 0, 0), "rated", ("2026-11",))
    (leg,) = first.legs
    assert (leg.claim.kind, leg.claim.key, leg.claim.agreement) == ("route", "TG-1", "A")
    assert (leg.version.number, leg.item.name, leg.price.per) == (1, "voice-in", "minute")
    # 1.5 s begun are 2 s: 2/60 of 0.06.
    assert (leg.counted, leg.quantity, leg.exact) == (2, 2, Fraction(2, 1000))
    assert (second.position, second.outcome) == ((0, 1, 0), "duplicate")
    assert settled.explain(("msc-1", 0, 8)) == []


def test_traces_are_kept_only_where_wanted(tmp_path: Path) -> None:
    """A long log is settled without keeping every event's trace in memory."""
    settled = settle(market(tmp_path), log([call(1), call(2)]), explained=[("msc-1", 0, 2)])
    assert settled.explain(("msc-1", 0, 1)) == []
    assert len(settled.explain(("msc-1", 0, 2))) == 1
    assert settled.counts == {("rated", "none"): 2}
