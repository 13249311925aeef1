"""Sessions: partial records that are one call together, whatever order they come in.

The parts of a session stand in one canonical order: by their number in the session, else by time.
What a part counts and costs follows from the set of parts alone. By `legs` each part counts for
itself and only the connect fee is due once, by the first part that counts anything. By `session` a
part goes on at the position that the parts before it have reached: it counts what the whole up to
its end comes to in increments, less what the whole up to its beginning did; in the same way its
amount is a difference of what limits and rounding make of the sums. So a part that comes late moves
the figures of those behind it, and the sums are those of the final set in any order.

A session is kept by source, session id, agreement and item. The position and the fee carry over to
another version of the item; sums for limits and rounding begin anew there. Each part keeps the
terms that it was priced by, so another reference changes nothing of what is past.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from schemas.codes import CountRound, CurveKind, RoundingMode, Whole
from schemas.money import MICROS, MICROS_DECIMALS, NANOS, NANOS_DECIMALS, round_ratio
from state.curves import Curve, Step

DAY_US = 86_400_000_000
LATE_US = 7 * DAY_US
"""How long after the first part of a session, and behind its source, a part may be."""
END_US = 14 * DAY_US
"""How far behind its source a session has ended."""
PARTS_MAX = 1_000

Order = tuple[int, int, int, int, str]


class PartTerms(NamedTuple):
    """How a part is counted and priced; money in nanos, exact values over `over` x 10^9.

    A price is for every `unit`; a `factor` multiplies, its denominator is in `over` and not in
    `unit`. `own_quantity` and `own_value` are what the part comes to by itself, without fees.
    """

    version: int
    whole: Whole
    price_nanos: int
    connect_nanos: int
    unit: int
    over: int
    factor: int
    initial: int
    following: int
    least: int
    begun: CountRound
    minimum_nanos: int
    maximum_nanos: int | None
    attempt_nanos: int
    at_record: bool
    mode: RoundingMode
    decimals: int
    own_quantity: int
    own_value: int
    curve: Curve | None

    def counted(self, quantity: int) -> int:
        """What of a quantity is charged for, by the steps of the line."""
        return counted(quantity, self.initial, self.following, self.least, self.begun)

    def value(self, quantity: int) -> int:
        """What a charged quantity costs without fees, over (unit x 10^9)."""
        if self.curve is None:
            return self.price_nanos * quantity
        return (self.curve.exact(quantity) * self.unit * NANOS).numerator

    def limited(self, value: int) -> int:
        """A value of something that counts, within the least and the most that it may cost."""
        low = max(value, self.minimum_nanos * self.over)
        return low if self.maximum_nanos is None else min(low, self.maximum_nanos * self.over)

    def rounded(self, value: int) -> int:
        """A value in micros, by the agreement's rounding."""
        whole = round_ratio(value, self.over * 10 ** (NANOS_DECIMALS - self.decimals), self.mode)
        return whole * int(10 ** (MICROS_DECIMALS - self.decimals))


def counted(quantity: int, initial: int, following: int, least: int, begun: CountRound) -> int:
    """What of a quantity that is not negative is charged for.

    Args:
        quantity: what was measured.
        initial: the first step.
        following: every later one.
        least: what anything at all counts as at least.
        begun: what becomes of a begun step.
    """
    if quantity == 0:
        return 0
    size = max(quantity, least)
    if begun is CountRound.UP:
        return initial - -max(size - initial, 0) // following * following
    mode = RoundingMode.DOWN if begun is CountRound.DOWN else RoundingMode.HALF_UP
    return round_ratio(size, following, mode) * following


class Figures(NamedTuple):
    """What a part comes to: what is charged for, money, its residue, the fee in it, its position.

    The position is what the parts before it have measured.
    """

    quantity: int = 0
    charge_micros: int = 0
    residue: int = 0
    connect_nanos: int = 0
    position: int = 0


NO_FIGURES = Figures()


@dataclass(frozen=True)
class Part:
    """One record of a session: its place in it, what it measured, its terms and its figures.

    `row` is the leg as `rated.v1` has it, `series` the text of what it is summed in.
    """

    order: Order
    raw: int
    terms: PartTerms
    row: Mapping[str, Any]
    series: str
    figures: Figures = NO_FIGURES

    @property
    def started_us(self) -> int:
        """When the record began."""
        return self.order[1]


Parts = tuple[Part, ...]


@dataclass(frozen=True)
class Correction:
    """A part as it is now, and what its figures are more than they were."""

    part: Part
    more: Figures


@dataclass
class _Run:
    """Sums of the parts of one version: exact, and whether they count anything."""

    value: int = 0
    counts: bool = False
    limited: int = 0


def work_out(parts: Sequence[Part]) -> Parts:
    """The parts of a session in order, each with its figures."""
    ordered = sorted(parts, key=lambda part: part.order)
    is_attempt = not any(part.raw for part in ordered)
    runs: dict[int, _Run] = {}
    position, is_connected = 0, False
    found = []
    for part in ordered:
        terms = part.terms
        if is_attempt:
            value = terms.attempt_nanos * terms.over
            figures = _money(terms, value, 0, value)._replace(position=position)
            found.append(replace(part, figures=figures))
            continue
        run = runs.setdefault(terms.version, _Run())
        quantity, value = _counted(part, position)
        fee = 0 if is_connected or not quantity else terms.connect_nanos
        is_connected = is_connected or bool(quantity)
        value = (value + fee * terms.unit) * terms.factor
        if terms.whole is Whole.LEGS:
            value = terms.limited(value) if quantity else 0
            figures = _money(terms, value, 0, value)
        else:
            before = run.limited
            run.value, run.counts = run.value + value, run.counts or bool(quantity)
            run.limited = terms.limited(run.value) if run.counts else 0
            figures = _money(terms, run.limited - before, before, run.limited)
        figures = figures._replace(quantity=quantity, connect_nanos=fee, position=position)
        found.append(replace(part, figures=figures))
        position += part.raw
    return tuple(found)


def _counted(part: Part, position: int) -> tuple[int, int]:
    """What a part counts, and its value without fees."""
    terms = part.terms
    if terms.whole is Whole.LEGS:
        return terms.own_quantity, terms.own_value
    before, after = terms.counted(position), terms.counted(position + part.raw)
    return after - before, terms.value(after) - terms.value(before)


def _money(terms: PartTerms, value: int, before: int, after: int) -> Figures:
    """Charge and residue of a value, which brings a sum from before to after."""
    if terms.at_record:
        micros = terms.rounded(after) - terms.rounded(before)
    else:
        micros = value // (terms.over * (NANOS // MICROS))
    return Figures(charge_micros=micros, residue=value - micros * terms.over * (NANOS // MICROS))


def earliest_us(parts: Parts) -> int:
    """When the first record of a session began."""
    return min(part.started_us for part in parts)


def takes(parts: Parts, started_us: int, newest_us: int) -> Parts | None:
    """The parts that a record joins; none where it begins another session, None if it is too late.

    Args:
        parts: those of its session so far.
        started_us: when the record began.
        newest_us: the newest record of its source before it.
    """
    if started_us < newest_us - LATE_US:
        return None
    if not parts or has_ended(parts, newest_us):
        return ()
    is_late = started_us > earliest_us(parts) + LATE_US or len(parts) >= PARTS_MAX
    return None if is_late else parts


def has_ended(parts: Parts, newest_us: int) -> bool:
    """Whether a session is so far behind its source that no record joins it any more."""
    return earliest_us(parts) < newest_us - END_US


@dataclass
class Sessions:
    """The sessions of one usage partition by key; each key names its source first."""

    parts: dict[str, Parts] = field(default_factory=dict)
    _days: dict[str, dict[int, set[str]]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.parts)

    def change(self, changed: Mapping[str, Parts | None]) -> None:
        """Take over sessions as they are now; None ends one."""
        for key, parts in changed.items():
            source, before = source_of(key), self.parts.pop(key, None)
            days = self._days.setdefault(source, {})
            if before is not None:
                day = earliest_us(before) // DAY_US
                days[day].discard(key)
                if not days[day]:
                    del days[day]
            if parts is not None:
                self.parts[key] = parts
                days.setdefault(earliest_us(parts) // DAY_US, set()).add(key)
            if not days:
                del self._days[source]

    def ended(self, newest: Mapping[str, int]) -> Iterator[str]:
        """The keys of sessions that have ended, by the newest record of each source.

        They are given up by whole days, so that each is looked at once; up to a day later than
        `has_ended` says, which nobody sees.
        """
        for source, newest_us in newest.items():
            for day, keys in self._days.get(source, {}).items():
                if (day + 1) * DAY_US <= newest_us - END_US:
                    yield from keys


def key_of(source: str, session: str, *more: object) -> str:
    """The key of a session."""
    return json.dumps([source, session, *more], separators=(",", ":"))


def source_of(key: str) -> str:
    """The source of a session, by its key."""
    return str(json.loads(key)[0])


def session_of(key: str) -> str:
    """The session id, by its key."""
    return str(json.loads(key)[1])


def to_bytes(parts: Parts) -> bytes:
    """A session as its changelog has it: what all parts have alike is said once."""
    terms = {of: at for at, of in enumerate(dict.fromkeys(part.terms for part in parts))}
    rows = [part.row for part in parts]
    same = {name: value for name, value in rows[0].items() if all(r[name] == value for r in rows)}
    each = [
        [n for n in rows[0] if n not in same],
        *([r[n] for n in r if n not in same] for r in rows),
    ]
    session = {
        "terms": [[*t[:-1], None if t.curve is None else _curve_row(t.curve)] for t in terms],
        "same": same,
        "each": each,
        "parts": [[p.order, p.raw, terms[p.terms], p.series, p.figures] for p in parts],
    }
    return json.dumps(session, separators=(",", ":")).encode()


def from_bytes(data: bytes) -> Parts:
    """A session from its changelog."""
    session = json.loads(data)
    terms = [_terms(*said) for said in session["terms"]]
    names, *each = session["each"]
    found = []
    for (order, raw, at, series, figures), own in zip(session["parts"], each, strict=True):
        row = {**session["same"], **dict(zip(names, own, strict=True))}
        found.append(Part(tuple(order), raw, terms[at], row, series, Figures(*figures)))
    return tuple(found)


def _terms(*said: Any) -> PartTerms:  # noqa: ANN401 - as JSON gives them
    """Terms from a list."""
    named = PartTerms(*said)
    return named._replace(
        whole=Whole(named.whole),
        begun=CountRound(named.begun),
        mode=RoundingMode(named.mode),
        curve=None if said[-1] is None else _curve(*said[-1]),
    )


def _curve_row(curve: Curve) -> list[Any]:
    """A curve as a list."""
    steps = [[getattr(step, name) for name in Step.__dataclass_fields__] for step in curve.steps]
    return [curve.kind, steps, curve.unit, curve.free]


def _curve(kind: int, steps: Sequence[Sequence[Any]], unit: int, free: int) -> Curve:
    """A curve from its list."""
    names = list(Step.__dataclass_fields__)
    said = [dict(zip(names, step, strict=True)) for step in steps]
    made = tuple(Step(**{**step, "mode": RoundingMode(step["mode"])}) for step in said)
    return Curve(CurveKind(kind), made, unit, free)
