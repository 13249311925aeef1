"""The oracle's measures, worked by hand."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from zoneinfo import ZoneInfo

from ops.oracle_measures import Counted, is_too_long, level_part, stand, values
from ops.oracle_prices import Measure, Price, Tier, measuring, read_price
from ops.oracle_usage import Usage

UTC = ZoneInfo("UTC")
NOVEMBER_US = 1_793_491_200_000_000
WINDOW_US = 300_000_000
MBPS_BYTES = 37_500_000
P95 = Measure("percentile", window="5min", percent=Fraction(95), by_port=True, is_level=True)
PRICE = Price(
    "tiers",
    "megabit_per_second",
    "bytes",
    10**6,
    tiers=(Tier(Fraction(200 * 10**6), Fraction("1.5")), Tier(None, Fraction(2))),
    measure=P95,
)


def sample(window: int, mbps: int, port: str = "P1", windows: int = 1) -> Counted:
    """A sample of so many whole windows."""
    started = NOVEMBER_US + window * WINDOW_US
    ended = started + windows * WINDOW_US
    volume = mbps * MBPS_BYTES * windows
    return Counted(started, ended, NOVEMBER_US, UTC, volume, volume, 0, port, None)


def test_the_highest_windows_are_left_out() -> None:
    """Of 1 to 100 the five highest."""
    assert values(P95, [sample(n, n + 1) for n in range(100)]) == [95 * 10**6]
    spread = [sample(0, 3, windows=20)]
    assert values(P95, spread) == [3 * 10**6]


def test_ports_apart_and_together() -> None:
    """30 and 40 in one window are two levels, or one of 70."""
    samples = [sample(0, 30), sample(0, 40, "P2")]
    assert values(P95, samples) == [30 * 10**6, 40 * 10**6]
    assert values(replace(P95, by_port=False), samples) == [70 * 10**6]


def test_a_version_stands_on_what_was_before_it() -> None:
    """260 at 1.5 up to 200 and at 2 above: 420; the version before had 100 of it, for 150."""
    events = {1: [sample(0, 100)], 2: [sample(1, 260)]}
    value, due, parts = stand(PRICE, 2, events, None)
    assert value == due == 420 - 150
    assert [amount for _, amount in parts.values()] == [150, 120]
    assert [quantity for quantity, _ in parts.values()] == [100 * 10**6, 60 * 10**6]
    assert not any(stand(PRICE, 1, None, None))


def test_windows_and_members() -> None:
    """Peaks and sums of hours, and how many subscribers a day had."""
    events = [
        Counted(NOVEMBER_US + at, 0, NOVEMBER_US, UTC, quantity, 0, 0, "", subscriber)
        for at, quantity, subscriber in [(0, 9, "a"), (1, 10, "b"), (3_600_000_000, 4, "a")]
    ]
    assert values(Measure("peak", each="hour"), events) == [10, 4]
    assert values(Measure("sum", each="hour"), events) == [19, 4]
    assert values(Measure("peak"), events) == [10]
    assert values(Measure("peak", window="hour"), events) == [19]
    assert values(Measure("distinct", each="day", of_what="subscriber"), events) == [2]


def test_what_is_written_of_a_measure() -> None:
    """A level counts bytes; tiers of the whole period's sum have no measure."""
    entry = {"kind": "tiers", "per": "megabit_per_second", "tiers": [{"price": "1"}]}
    written = {"of": "percentile", "percent": "95", "direction": "up"}
    price = measuring(read_price(entry), entry, written, "UTC")
    assert price.quantity == "up_bytes"
    assert price.measure == replace(P95, direction="up", zone="UTC")
    assert level_part(price) == Fraction(8, 300)
    plain = {**entry, "per": "gigabyte"}
    assert measuring(read_price(plain), plain, {}, "UTC").measure is None
    assert level_part(read_price(plain)) == 1


def test_a_sample_of_more_than_a_day_is_too_long() -> None:
    """To the microsecond."""
    for more, expected in ((0, False), (1, True)):
        ended = NOVEMBER_US + 86_400 * 10**6 + more
        usage = Usage("bandwidth", {"started_at": NOVEMBER_US, "ended_at": ended}, b"")
        assert is_too_long(usage, PRICE) is expected
