"""The oracle's measures: percentiles, peaks, windows and members, from the list of the events.

Where the product adds up cells, here the events of a period are kept and gone through one by one
whenever a figure is asked for. A sample is laid over the windows from the one it begins in until it
ends; a percentile sorts all windows from the highest down and throws away as many as it says.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from fractions import Fraction
from math import floor
from typing import NamedTuple
from zoneinfo import ZoneInfo

from ops.oracle_curves import Owing, Placed, placed_parts
from ops.oracle_files import EPOCH, MICROSECOND
from ops.oracle_prices import Measure, Price
from ops.oracle_usage import Usage

LENGTHS_US = {"5min": 300 * 10**6, "hour": 3_600 * 10**6}
SAMPLE_US_MAX = 24 * 3_600 * 10**6
NOTHING = Fraction(0)


class Counted(NamedTuple):
    """One event of an item with a measure: when it was, whose, and how much."""

    started_us: int
    ended_us: int
    begins_us: int
    zone: ZoneInfo
    quantity: int
    up: int
    down: int
    port: str
    subscriber: str | None
    ends_us: int = 0


def counted(usage: Usage, zone: ZoneInfo, span_us: tuple[int, int], quantity: int) -> Counted:
    """What of an event bears on a measure.

    Args:
        usage: the event.
        zone: of the version that prices it.
        span_us: when its period begins there, and ends.
        quantity: what is charged for.
    """
    token = usage.text("subscriber_token")
    numbers = {n: v for n, v in usage.fields.items() if isinstance(v, int)}
    started = usage.number("started_at")
    return Counted(
        started,
        max(numbers.get("ended_at", started), started),
        span_us[0],
        zone,
        quantity,
        numbers.get("volume_up_bytes", 0),
        numbers.get("volume_down_bytes", 0),
        usage.text("product_instance") or "",
        usage.text("subscriber") if token is None else token,
        span_us[1],
    )


def is_too_long(usage: Usage, price: Price) -> bool:
    """Whether a sample lasts longer than a day."""
    if price.measure is None or not price.measure.is_level:
        return False
    return usage.number("ended_at") - usage.number("started_at") > SAMPLE_US_MAX


def level_part(price: Price) -> Fraction:
    """What one byte adds to the level of a window; of what is no level, one."""
    if price.measure is None or not price.measure.is_level:
        return Fraction(1)
    return Fraction(8 * 10**6, LENGTHS_US[price.measure.window])


def _window(event: Counted, length: str, instant_us: int) -> int:
    """The number of the window that an instant is in, from the beginning of the event's period."""
    if length in LENGTHS_US:
        return (instant_us - event.begins_us) // LENGTHS_US[length]
    if not length:
        return 0
    days = (
        (EPOCH + instant * MICROSECOND).astimezone(event.zone).date()
        for instant in (event.begins_us, instant_us)
    )
    first, day = days
    return (day - first) // timedelta(days=1)


def _spread(event: Counted, length: str) -> Iterator[tuple[int, int, int]]:
    """The windows that a sample touches, with its bytes up and down in each."""
    size = LENGTHS_US[length]
    first = _window(event, length, event.started_us)
    span = event.ended_us - event.started_us
    if span == 0:
        yield first, event.up, event.down
        return
    gone = [0, 0]
    number = first
    while True:
        end = event.begins_us + (number + 1) * size
        part = Fraction(min(end, event.ended_us) - event.started_us, span)
        upto = [floor(event.up * part), floor(event.down * part)]
        yield number, upto[0] - gone[0], upto[1] - gone[1]
        gone = upto
        if end >= event.ended_us:
            return
        number += 1


def values(measure: Measure, events: Iterable[Counted]) -> list[Fraction]:
    """The quantities that are priced, each for itself."""
    if measure.is_level:
        return _levels(measure, events)
    if measure.window:
        ranked: dict[str, dict[int, int]] = defaultdict(lambda: defaultdict(int))
        for event in events:
            at = _window(event, measure.window, event.started_us)
            ranked[event.port if measure.by_port else ""][at] += event.quantity
        return [Fraction(_ranked(windows.values(), measure)) for windows in ranked.values()]
    if measure.of == "distinct":
        members: dict[int, set[str]] = defaultdict(set)
        for event in events:
            named = event.subscriber if measure.of_what == "subscriber" else event.port
            if named:  # an event without one counts nobody
                members[_window(event, measure.each, event.started_us)].add(named)
        return [Fraction(len(names)) for names in members.values()]
    used: dict[int, list[int]] = defaultdict(list)
    for event in events:
        used[_window(event, measure.each, event.started_us)].append(event.quantity)
    reduced = max if measure.of == "peak" else sum
    return [Fraction(reduced(quantities)) for quantities in used.values()]


def _levels(measure: Measure, events: Iterable[Counted]) -> list[Fraction]:
    """The ranked level of each port, or of all of them, in bits a second."""
    listed = list(events)
    ups: dict[str, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    downs: dict[str, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for event in listed:
        port = event.port if measure.by_port else ""
        for window, up, down in _spread(event, measure.window):
            ups[port][window] += up
            downs[port][window] += down
    seconds = LENGTHS_US[measure.window] // 10**6
    found = []
    for port, windows in ups.items():
        numbers = _numbers(measure, windows, listed[0])
        each = [[of.get(n, 0) for n in numbers] for of in (windows, downs[port])]
        both = [sum(pair) for pair in zip(*each, strict=True)]
        by = {"up": [each[0]], "down": [each[1]], "sum": [both], "higher": [*each]}
        volume = max(_ranked(of, measure) for of in by[measure.direction])
        found.append(Fraction(volume * 8, seconds))
    return found


def _numbers(measure: Measure, windows: Mapping[int, int], event: Counted) -> list[int]:
    """The window that stands for each window of the period; none for one that is left out."""
    if measure.missing == "drop":
        return list(windows)
    length = LENGTHS_US[measure.window]
    end = max(-((event.begins_us - event.ends_us) // length), *(n + 1 for n in windows))
    numbers, last = [], None
    for number in range(end):
        last = number if number in windows else last
        if measure.missing == "zero":
            numbers.append(number)
        elif last is not None:
            numbers.append(last)
    return numbers


def _ranked(windows: Iterable[int], measure: Measure) -> int:
    """The highest window but for those that the percentile leaves out."""
    falling = sorted(windows, reverse=True)
    return falling[floor(len(falling) * (100 - measure.percent) / 100)]


def stand(
    price: Price,
    number: int,
    events: Mapping[int, Sequence[Counted]] | None,
    owing: Owing | None,
) -> tuple[Fraction, Fraction, Placed]:
    """What a version comes to by some events by version: accrued, due, and the parts.

    Before anything was booked (None) there is nothing, not even what is owed without usage.
    """
    if events is None or price.measure is None:
        return NOTHING, NOTHING, {}
    measure = price.measure
    below = [e for version, of in events.items() if version < number for e in of]
    upto = [*below, *events[number]]
    whole = values(measure, [e for of in events.values() for e in of])
    parts = _added(price, [(1, v) for v in values(measure, upto) if v])
    parts = _added(price, [(-1, v) for v in values(measure, below) if v], parts)
    if owing is not None and price.flat_on_zero and not sum(whole):
        parts = _added(price, [(1, NOTHING)], parts)
    value = sum((amount for _, amount in parts.values()), NOTHING)
    if owing is None or price.at_least == 0:
        return value, value, parts
    least = price.at_least * (1 if measure.each else owing.part)
    # A window without usage is not there; of ports and of periods there is always one.
    found = whole or ([] if measure.each else [NOTHING])
    missing = [(1, least) for v in found if v < least] + [(-1, v) for v in found if v < least]
    extra = sum((amount for _, amount in _added(price, missing).values()), NOTHING)
    return value, value + extra, parts


def _added(
    price: Price, quantities: Sequence[tuple[int, Fraction]], to: Placed | None = None
) -> Placed:
    """The parts of some quantities, each taken for itself and with its sign."""
    found = dict(to or {})
    for sign, quantity in quantities:
        for place, (inside, amount) in placed_parts(price, quantity).items():
            before = found.get(place, (NOTHING, NOTHING))
            found[place] = (before[0] + sign * inside, before[1] + sign * amount)
    return {place: part for place, part in sorted(found.items()) if any(part)}
