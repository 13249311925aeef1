"""Restating what a contract says in the product's words, before any usage is seen.

A price per ten seconds is a tenth of it per second, an overage factor makes another price, ten
blocks of a hundred end at a thousand. Each restatement is exact, or the case is refused; figures of
usage and amounts never come here.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

from streams.statement import fraction_text
from tests.case_plans import Terms, UntranslatableError

SECONDS = {"second": Decimal(1), "minute": Decimal(60), "hour": Decimal(3600)}
MODES = {"ceil": "ceiling"}
TIER_ROUNDS = {"ceil": "up", "floor": "down"}
VALID_FROM = "2000-01-01"
DECIMALS_MAX = 6
MIDNIGHT = "00:00"
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def exact(value: Fraction) -> Decimal:
    """A fraction as the decimal it is.

    Raises:
        UntranslatableError: it is none.
    """
    text = fraction_text(value)
    if "/" in text:
        raise UntranslatableError(f"{text} is no decimal")
    return Decimal(text)


def text(value: Decimal) -> str:
    """A decimal as files have it."""
    return f"{value.normalize():f}"


def restated(price: Decimal, unit: Decimal, per: Decimal) -> str:
    """A price per `unit` as one per `per` of the same."""
    return text(exact(Fraction(price) * Fraction(per) / Fraction(unit)))


def per_of(unit: Decimal) -> str:
    """What a price per so many seconds is best said per."""
    return next((name for name, s in SECONDS.items() if s == unit), "second")


def percent(part: str) -> str:
    """A fraction of one as a percentage."""
    return text(exact(Fraction(part) * 100))


def overage(price: str, factor: str) -> str:
    """The price of what is beyond a commitment."""
    return text(exact(Fraction(price) * Fraction(factor)))


@dataclass(frozen=True)
class Piece:
    """A stretch of a call from so many seconds on: a price per so many seconds, in steps."""

    start: Decimal
    price: Decimal
    unit: Decimal
    step: Decimal


def pieces(rates: Sequence[Mapping[str, str]]) -> list[Piece]:
    """The rates of a call; an increment is also called a beat."""
    found = [
        Piece(
            Decimal(r.get("from", "0")),
            Decimal(r["price"]),
            Decimal(r.get("unit", "1")),
            Decimal(r.get("increment", r.get("beat", "1"))),
        )
        for r in rates
    ]
    for before, after in pairwise(rates):
        if "to" in before and before["to"] != after["from"]:
            raise UntranslatableError(f"from: {after['from']} follows to: {before['to']}")
    return found


def call_price(
    rates: Sequence[Mapping[str, str]], *, connect_fee: str = "0", curve: str = "graduated"
) -> Terms:
    """The price of a call: one price with increments where that says it, else tiers of an event."""
    usual = per_of(pieces(rates)[0].unit)
    for per in (usual, *(name for name in SECONDS if name != usual)):
        with suppress(UntranslatableError):
            return _call_price(rates, per, connect_fee, curve)
    return _call_price(rates, usual, connect_fee, curve)


def _call_price(
    rates: Sequence[Mapping[str, str]], per: str, connect_fee: str, curve: str
) -> Terms:
    """The same said per something; refused where that is not exact."""
    found = pieces(rates)
    first = found[0]
    fee: Terms = {} if Decimal(connect_fee) == 0 else {"connect_fee": connect_fee}
    same = len({Fraction(p.price) / Fraction(p.unit) for p in found}) == 1
    if same and (len(found) == 1 or [p.start for p in found[1:]] == [first.step]):
        amount = restated(first.price, first.unit, SECONDS[per])
        steps = {"initial_seconds": text(first.step), "next_seconds": text(found[-1].step)}
        return {"kind": "unit", "per": per, "amount": amount, **fee, **steps}
    tiers: list[Terms] = [
        {"price": restated(p.price, p.unit, SECONDS[per]), "step": text(p.step)} for p in found
    ]
    for tier, (_, after) in zip(tiers, pairwise(found), strict=False):
        tier["up_to"] = f"{text(after.start)} second"
    said = {} if curve == "graduated" else {"curve": curve}
    return {"kind": "tiers", "each": "event", "per": per, **said, "tiers": tiers, **fee}


def rate_row(zone: str, tariff: Mapping[str, Any]) -> Mapping[str, str] | None:
    """A tariff as a row of a deck; None where a deck has no columns for it."""
    price = call_price(tariff["rates"], connect_fee=tariff.get("connect_fee", "0"))
    if price["kind"] != "unit" or "max_cost" in tariff:
        return None
    return {
        "zone": zone,
        "price_per_minute": restated(
            Decimal(price["amount"]), SECONDS[price["per"]], SECONDS["minute"]
        ),
        "initial_seconds": price["initial_seconds"],
        "next_seconds": price["next_seconds"],
        "connect_fee": price.get("connect_fee", "0"),
    }


def block_bounds(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Where tiers of so many blocks end, all but the last."""
    ends, below = [], Decimal(0)
    for row in rows[:-1]:
        below += Decimal(row["block_size"]) * Decimal(row["max_blocks"])
        ends.append(text(below))
    return ends


def rounding(params: Mapping[str, Any], place: str) -> Terms:
    """How a case rounds, as a field of a version; nothing where it does not say."""
    said = params.get("rounding", params)
    if said.get("decimals") is None:
        return {}
    mode = said.get("mode", "half_up")
    decimals = str(min(int(said["decimals"]), DECIMALS_MAX))
    return {
        "rounding": {"place": place, "mode": MODES.get(mode, mode), "decimals": decimals},
    }


def is_exact(params: Mapping[str, Any]) -> bool:
    """Whether a case rounds nothing."""
    return not rounding(params, "record")


def agreement(name: str, items: Iterable[Terms], **terms: Any) -> Terms:  # noqa: ANN401
    """An agreement of one version, in force ever since; `terms` are fields of the version."""
    version = {"version": 1, "valid_from": VALID_FROM, "zone": "UTC", "currency": "EUR"}
    return {
        "agreement": name,
        "partner": "PARTNER",
        "model": "wholesale",
        "versions": [{**version, **terms, "items": list(items)}],
    }


def week_of(starts: Mapping[int, Sequence[tuple[str, str]]]) -> Terms:
    """The days of a band plan: for each weekday from 1, times of day with the band from there.

    Until its first band, and where it has none, a day goes on with the last one of the day before.
    """
    days: Terms = {}
    last = max(starts[max(starts)])[1]
    for number, name in enumerate(DAYS, 1):
        bands = dict([(MIDNIGHT, last), *starts.get(number, ())])
        days[name] = [{"from": at, "band": band} for at, band in sorted(bands.items())]
        last = days[name][-1]["band"]
    return days


@dataclass(frozen=True)
class Stretch:
    """So many days of a period of so many: the dates from, and without, another."""

    start: datetime
    upto: datetime
    period: str
    every: str

    @property
    def parts(self) -> list[tuple[datetime, datetime]]:
        """The same number of days as stretches that all begin with the first and lie in its month.

        A settlement is by the month: what is longer is that many circuits beside each other.
        """
        found = []
        month = timedelta(days=calendar.monthrange(self.start.year, self.start.month)[1])
        month -= timedelta(days=self.start.day - 1)
        left = self.upto - self.start
        while left > timedelta(0):
            found.append((self.start, self.start + min(left, month)))
            left -= month
        return found


def stretch(fraction: str, *, whole: int | None = None) -> Stretch:
    """The first days of a week, month or quarter of so many days, for a fraction like 24/31.

    Args:
        fraction: days in use over days of the period.
        whole: the period's days where the fraction's denominator is a fixed basis instead.
    """
    days, basis = map(int, fraction.split("/"))
    return dated(_first_day(whole or basis), days, _every(whole or basis))


def dated(first: date, days: int, every: str) -> Stretch:
    """So many days from a date on."""
    start = datetime(first.year, first.month, first.day, tzinfo=UTC)
    return Stretch(start, start + timedelta(days=days), f"{start:%Y-%m}", every)


def _every(days: int) -> str:
    return "week" if days == 7 else "month" if days <= 31 else "quarter" if days <= 92 else "year"


def _first_day(days: int) -> date:
    """The first day of a period of so many days."""
    if days == 7:
        return date(2024, 6, 3)
    for year in (2024, 2023, 2025):
        for month in range(1, 13):
            if calendar.monthrange(year, month)[1] == days:
                return date(year, month, 1)
        for month in (1, 4, 7, 10):
            months = (month, month + 1, month + 2)
            if sum(calendar.monthrange(year, m)[1] for m in months) == days:
                return date(year, month, 1)
        if 365 + calendar.isleap(year) == days:
            return date(year, 1, 1)
    raise UntranslatableError(f"no period has {days} days")
