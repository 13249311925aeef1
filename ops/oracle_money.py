"""The oracle's totals: tax, the currency that is paid, and figures of partners beside ours.

All statements of an agreement are gone through in the order of their numbers. A rate that converts
a period is looked up by the reference of the first statement that needs it, and kept for usage of
that period which comes later.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from fractions import Fraction
from typing import NamedTuple

from ops.oracle_amounts import Amount, AmountKey, TotalKey
from ops.oracle_curves import midnight_us
from ops.oracle_rating import period_after
from ops.oracle_reference import Reference, Rounding, Version
from ops.oracle_rounding import MICROS, round_micros
from ops.oracle_statement import statement_totals

Figures = dict[str, str]
Flows = tuple[Fraction, Fraction]  # receivable, payable
WEEK = timedelta(days=7)


class Converted(NamedTuple):
    """What a rate converts: usage of a period of an agreement, from and to which currency."""

    agreement: str
    period: str
    base: str
    quote: str


Kept = dict[Converted, tuple[str, Fraction]]


def total_figures(
    reference: Reference,
    name: tuple[str, str],
    lines: Mapping[AmountKey, Amount],
    kept: Kept,
) -> dict[str, Figures]:
    """All that a statement says of each of its currencies.

    Args:
        reference: the one that was in force when it was made.
        name: agreement and period.
        lines: those of the statement.
        kept: rates of the agreement's earlier statements; those of this one are added.
    """
    agreement, period = name
    found: dict[str, Figures] = {}
    for key, total in statement_totals(lines).items():
        flows = (Fraction(total.receivable), Fraction(total.payable))
        known = reference.agreements[agreement].versions
        terms = ruling([v for v in known if v.currency == key.currency], period)
        found[key.currency] = {**_net(flows), **_tax(terms, flows, terms.rounding)}
        if terms.payment.settle is not None:
            apart = _by_period(lines, key, flows)
            found[key.currency] |= _paid(reference, terms, name, apart, kept)
    return found


def ruling(versions: Iterable[Version], period: str) -> Version:
    """The newest of some versions that begins before a period is over; else the oldest."""
    newest_first = sorted(versions, key=lambda v: -v.number)
    begun = (v for v in newest_first if _begins_before_end(v, period))
    return next(begun, newest_first[-1])


def _begins_before_end(version: Version, period: str) -> bool:
    if (version.period == "month") is not (len(period) == len("2026-11")):
        return False
    begins = version.validity.from_us
    return begins is None or begins < midnight_us(_days(period_after(period))[0], version)


def _days(period: str) -> tuple[date, date]:
    """The first and the last day of a period."""
    first, after = (
        date.fromisoformat(label if len(label) > len("2026-11") else f"{label}-01")
        for label in (period, period_after(period))
    )
    return first, after - timedelta(days=1)


def _by_period(lines: Mapping[AmountKey, Amount], key: TotalKey, flows: Flows) -> dict[str, Flows]:
    """A total by the period of the usage: what is not of an earlier one is of its own."""
    mine = {k: a for k, a in lines.items() if k.currency == key.currency}
    found: dict[str, Flows] = {}
    for original in sorted({k.original for k in mine} - {key.booked}):
        [late] = statement_totals(
            {k: a for k, a in mine.items() if k.original == original}
        ).values()
        if late.receivable or late.payable:
            found[original] = (Fraction(late.receivable), Fraction(late.payable))
    receivable, payable = (flows[w] - sum(late[w] for late in found.values()) for w in (0, 1))
    if receivable or payable:
        found[key.booked] = (Fraction(receivable), Fraction(payable))
    return found


def _paid(
    reference: Reference,
    terms: Version,
    name: tuple[str, str],
    apart: Mapping[str, Flows],
    kept: Kept,
) -> Figures:
    """The settlement of a total, its figures named as documents nest them."""
    asked = terms.payment.settle
    if asked is None:
        return {}
    head = {"settlement.currency": asked.currency, "settlement.source": asked.source}
    pair = (asked.source, terms.currency, asked.currency)
    rates: Kept = {}
    for period in sorted(apart):
        use = Converted(name[0], period, terms.currency, asked.currency)
        day = _days(period)[asked.on == "period_end"]
        rate = kept.get(use) or _rate(reference.rates.get(pair, {}), day)
        if rate is None:
            said = f"no rate of {asked.source} {terms.currency}/{asked.currency} for {day}"
            return {**head, "settlement.provisional": said}
        rates[use] = rate
    kept.update(rates)
    rounding = Rounding("statement", asked.mode, asked.decimals)
    exact = [
        sum((apart[use.period][way] * rate for use, (_, rate) in rates.items()), Fraction(0))
        for way in (0, 1)
    ]
    receivable, payable = (Fraction(round_micros(e, rounding), MICROS) for e in exact)
    flows = (receivable, payable)
    said = "; ".join(f"{use.period} {day} {rate}" for use, (day, rate) in rates.items())
    figures = {**_net(flows), **_tax(terms, flows, rounding), "rates": said}
    return head | {f"settlement.{field}": figure for field, figure in figures.items()}


def _rate(days: Mapping[str, Fraction], day: date) -> tuple[str, Fraction] | None:
    """The rate of a day or of the last one before it that has any, at most a week back."""
    for back in range(WEEK.days + 1):
        text = (day - timedelta(days=back)).isoformat()
        if text in days:
            return text, days[text]
    return None


def _tax(terms: Version, flows: Flows, rounding: Rounding) -> Figures:
    """Tax each way and in all, and the gross."""
    share = terms.payment.tax
    if share is None:
        return {}
    taxes = [Fraction(round_micros(flow * share, rounding), MICROS) for flow in flows]
    tax = taxes[0] - taxes[1]
    return {
        "tax_percent": str(share * 100),
        "tax_receivable": _text(taxes[0]),
        "tax_payable": _text(taxes[1]),
        "tax": _text(tax),
        "gross": _text(flows[0] - flows[1] + tax),
    }


def _net(flows: Flows) -> Figures:
    receivable, payable = flows
    texts = (_text(receivable), _text(payable), _text(receivable - payable))
    return dict(zip(("receivable", "payable", "net"), texts, strict=True))


def _text(value: Fraction) -> str:
    """Money with six decimals, which it has."""
    micros = value * MICROS
    sign = "-" if micros < 0 else ""
    whole, rest = divmod(abs(int(micros)), MICROS)
    return f"{sign}{whole}.{rest:06d}"


def own_figure(
    lines: Mapping[AmountKey, Amount],
    quantities: Mapping[AmountKey, tuple[int, str]],
    of: tuple[str, str, str, str],
    unit: str,
    upto: str,
) -> Fraction:
    """What we have for a figure that was declared.

    Args:
        lines: all lines.
        quantities: what each line counts, and in what.
        of: agreement, original period, item, and `quantity` or `amount`.
        unit: the unit or currency that is meant; other ones are not added.
        upto: the statement up to which lines count.
    """
    agreement, period, item, figure = of
    own = Fraction(0)
    for key, line in lines.items():
        if (key.agreement, key.original, key.item) != (agreement, period, item):
            continue
        if key.booked > upto:
            continue
        if figure == "amount" and key.currency == unit:
            own += Fraction(line.micros + line.missed_micros, MICROS)
        elif figure == "quantity" and key in quantities and quantities[key][1] == unit:
            own += quantities[key][0]
    return own


def verdict(terms: Version, own: Fraction, declared: Fraction) -> str:
    """Whether two figures are near enough; nothing where no tolerance is agreed."""
    tolerance = terms.payment.tolerance
    if tolerance is None:
        return ""
    apart = max(own, declared) - min(own, declared)
    kept = []
    if tolerance.share is not None:
        kept.append(
            apart <= abs(declared if tolerance.basis == "declared" else own) * tolerance.share
        )
    if tolerance.absolute is not None:
        kept.append(apart <= tolerance.absolute)
    is_within = kept.count(True) > 0 if tolerance.rule == "either" else kept.count(False) == 0
    return "within" if is_within else "breach"
