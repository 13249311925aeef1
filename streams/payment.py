"""Payment: tax on a statement's totals, and the currency that they are settled in.

Both are functions of rounded totals. Tax is rounded for itself in each direction, and gross is the
sum of the rounded parts. A total is converted at the rate of its period's day and rounded once in
each direction; what late usage of an earlier period adds is converted at that period's rate: the
one that was frozen in the statement which closed it. Without a rate nothing is converted: the total
in its own currency stands, and the document says what is missing.

The terms are those of the last version in the total's currency that begins before the period ends.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from fractions import Fraction
from typing import Any, NamedTuple

from schemas.codes import RoundingMode
from schemas.fx import FxRate
from schemas.money import MICROS, MICROS_DECIMALS, NANOS, format_micros, format_scaled, round_ratio
from schemas.payment import SettleIn, decimals_of
from schemas.prices import PERCENT_DECIMALS
from state.tables import VersionInfo
from streams.accrual import Book
from streams.totals import Flows, Sums

Document = dict[str, Any]
BASIC = ("currency", "receivable", "payable", "net")
DAY_LENGTH = len("2026-11-30")


class Frozen(NamedTuple):
    """What a rate was used for: usage of a period of an agreement, from and to which currency."""

    agreement: str
    period: str
    base: str
    quote: str


Rates = Mapping[Frozen, FxRate]


def ruling(versions: Sequence[VersionInfo], period: str) -> VersionInfo:
    """The last of some versions that begins before a period ends; else the first of them.

    Args:
        versions: of one agreement, rising; at least one.
        period: a label; versions with another kind of period have none of that name.
    """
    found = versions[0]
    for version in versions:
        try:
            _, upto_us = version.periods.bounds(version.periods.parse(period))
        except ValueError:
            continue
        if version.valid_from_s * MICROS < upto_us:
            found = version
    return found


def total_documents(book: Book, name: tuple[str, str], sums: Sums, frozen: Rates) -> list[Document]:
    """The totals of a statement, with tax and settlement where the agreement has them.

    Args:
        book: the agreements' terms, and rates of exchange.
        name: the agreement and the period it is booked in.
        sums: what the lines come to.
        frozen: rates of earlier statements.
    """
    return [
        {
            "currency": currency,
            **flows.figures(),
            **_payment(book, name, currency, flows, sums.late(currency), frozen),
        }
        for currency, flows in sums.totals().items()
    ]


def _payment(
    book: Book,
    name: tuple[str, str],
    currency: str,
    flows: Flows,
    late: Mapping[str, Flows],
    frozen: Rates,
) -> Document:
    """What is said of a total besides."""
    agreement, booked = name
    alike = [v for v in book.versions(agreement) if v.currency == currency]
    terms = ruling(alike, booked)
    found: Document = {}
    if terms.tax is not None:
        found |= _taxed(flows, terms.tax.percent_nanos, terms.rounding_mode, terms.decimals)
    if terms.settle_in is not None:
        rest = Flows(
            flows.receivable - sum(f.receivable for f in late.values()),
            flows.payable - sum(f.payable for f in late.values()),
        )
        # Nothing is nothing in any currency, at whatever rate.
        apart = {p: f for p, f in {**late, booked: rest}.items() if any(f)}
        found["settlement"] = _settled(book, terms, name, apart, frozen)
    return found


def _taxed(flows: Flows, percent_nanos: int, mode: RoundingMode, decimals: int) -> Document:
    """Tax each way, rounded, and the gross: the net with the net of the taxes."""
    taxes = Flows(*(_times(f, Fraction(percent_nanos, NANOS), mode, decimals) for f in flows))
    percent = format_scaled(percent_nanos, PERCENT_DECIMALS).rstrip("0").rstrip(".")
    return {
        "tax_percent": percent,
        "tax_receivable": format_micros(taxes.receivable),
        "tax_payable": format_micros(taxes.payable),
        "tax": format_micros(taxes.net),
        "gross": format_micros(flows.net + taxes.net),
    }


def _settled(
    book: Book,
    terms: VersionInfo,
    name: tuple[str, str],
    apart: Mapping[str, Flows],
    frozen: Rates,
) -> Document:
    """A total in the currency that it is paid in, with the rates; or why it cannot be."""
    asked = terms.settle_in
    if asked is None:
        return {}
    head = {"currency": asked.currency, "source": asked.source}
    receivable = payable = Fraction(0)
    rates: list[Document] = []
    for period, flows in sorted(apart.items()):
        use = Frozen(name[0], period, terms.currency, asked.currency)
        rate = frozen.get(use) or book.rate((asked.source, *use[2:]), rate_day(asked, period))
        if rate is None:
            pair = f"{terms.currency}/{asked.currency}"
            missing = f"no rate of {asked.source} {pair} for {rate_day(asked, period)}"
            return {**head, "provisional": missing}
        receivable += flows.receivable * Fraction(rate.rate)
        payable += flows.payable * Fraction(rate.rate)
        rates.append({"period": period, "date": rate.day, "rate": rate.rate})
    decimals = decimals_of(asked.decimals, asked.currency)
    settled = Flows(*(_times(f, Fraction(1), asked.mode, decimals) for f in (receivable, payable)))
    found = {**head, "rates": rates, **settled.figures()}
    if terms.tax is not None:
        found |= _taxed(settled, terms.tax.percent_nanos, asked.mode, decimals)
    return found


def rate_day(asked: SettleIn, period: str) -> date:
    """The day whose rate converts a period: its first or its last, by the agreement's clock."""
    if len(period) == DAY_LENGTH:
        return date.fromisoformat(period)
    first = date.fromisoformat(f"{period}-01")
    if asked.on == "period_start":
        return first
    return first.replace(day=monthrange(first.year, first.month)[1])


def _times(micros: Fraction | int, factor: Fraction, mode: RoundingMode, decimals: int) -> int:
    """Money times a factor, rounded to so many decimals; in micros."""
    step = int(10 ** (MICROS_DECIMALS - decimals))
    exact = micros * factor / step
    return round_ratio(exact.numerator, exact.denominator, mode) * step


def is_paid_otherwise(versions: Sequence[VersionInfo]) -> bool:
    """Whether totals of an agreement are taxed or settled in another currency at any time."""
    return any(v.tax is not None or v.settle_in is not None for v in versions)


def payment_of(total: Mapping[str, Any]) -> Document:
    """What a total says besides both flows and their net."""
    return {name: value for name, value in total.items() if name not in BASIC}


def missing(totals: Sequence[Document]) -> list[str]:
    """Why totals are provisional, a sentence each."""
    settled = (total.get("settlement", {}) for total in totals)
    return [one["provisional"] for one in settled if "provisional" in one]


def rates_used(
    agreement: str, totals: Sequence[Mapping[str, Any]]
) -> Iterator[tuple[Frozen, FxRate]]:
    """The rates in the totals of a document: with it they are frozen."""
    for total in totals:
        settled = total.get("settlement", {})
        for one in settled.get("rates", ()):
            use = Frozen(agreement, one["period"], total["currency"], settled["currency"])
            yield use, FxRate(one["date"], one["rate"])
