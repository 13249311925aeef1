"""Accrual: the running sum of what a partner owes or earns.

The fourth noun. Contributions add to rows of (agreement, version, item, line, currency, period); an
accrual row says how many events there were, how much was charged for, what it has come to in exact
money, and what it is worth *now* under the agreement's rule. For most items that is the sum of
rounded charges. Where the agreement rounds per line, the exact sum is rounded once. Where the price
depends on the period's whole volume V, it is F(V): since every batch books F(v + q) - F(v), the
batches telescope and their order cannot matter (`streams/worth.py`).

Usage of a closed period is booked in the next open one, at the original period's prices and at the
position its volume has reached there: the row keeps both periods apart. Where tiers go on over a
span of periods, earlier periods lie below later ones.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from fractions import Fraction
from typing import NamedTuple

from schemas.spans import Span, months_of
from schemas.terms_chosen import EVENTS
from state.deals import DealTerms
from state.tables import ItemInfo, Tables
from streams.contribution import Series
from streams.pools import group_of, joined, qualified
from streams.rows import HourSums, Known, Row
from streams.standing import Served, periods_of, served, span_served
from streams.terms import Terms
from streams.versions import Versions

__all__ = ["HourSums", "Known", "Row"]

Volume = tuple[str, str, str, str, str]
Alike = tuple[str, str, str, Span | None]  # agreement, item, what is counted, over which span
DEALS = "deals"  # in place of what is counted: all rows of an agreement and original period
DEAL_LINES = "deal lines"  # only those of deals that go on over several periods


class Duty(NamedTuple):
    """What a version answers for in a period, beyond the price of its own usage.

    `at_least` is the committed quantity in proportion to the days in force, `served` says of how
    many. All of it falls due in the period `due`.
    """

    terms: Terms
    at_least: Fraction
    served: Served
    due: str

    @property
    def days(self) -> str:
        """The days in force, of those of the period or span: 15/30."""
        return f"{self.served.days}/{self.served.days_of_period}"


class Book(Versions):
    """The terms of every item by (agreement, version, item), from reference."""

    def __init__(self, tables: Tables) -> None:
        super().__init__(tables)
        self._terms: dict[tuple[str, int, str], Terms] = {}
        # Under tiers: the versions of an item that count alike, in order.
        self._alike: dict[Alike, list[Terms]] = {}
        self._duties: dict[tuple[Alike, str], Duty | None] = {}
        self._owing: dict[str, set[Alike]] = {}
        self._deals: dict[str, dict[str, list[Terms]]] = {}
        self._choosing: dict[tuple[str, int, str], tuple[str, ...]] = {}
        self._deal_spans: dict[str, Span] = {}
        for item in (*tables.items, *tables.deals):
            version = tables.versions[item.version_row]
            agreement = tables.agreements[version.agreement]
            key = (agreement.name, version.version, item.name)
            terms = Terms(item, version, agreement.partner, agreement.model.label)
            self._terms[key] = terms
            if item.chosen_by and item.chosen_by != EVENTS:
                chooses = (*key[:2], item.chosen_by)
                self._choosing[chooses] = (*self._choosing.get(chooses, ()), item.name)
            if item.deal is not None:
                deals = self._deals.setdefault(agreement.name, {})
                deals.setdefault(item.name, []).append(terms)
                if item.span is not None:
                    self._deal_spans[agreement.name] = item.span
            if terms.tiered or item.deal is not None:
                alike = _alike(agreement.name, terms)
                self._alike.setdefault(alike, []).append(terms)
                if terms.owes_without_usage and item.deal is None:
                    self._owing.setdefault(agreement.name, set()).add(alike)
        self._groups = joined(
            {
                name: [n for versions in of.values() for t in versions for n in _over(t)]
                for name, of in self._deals.items()
            }
        )

    def knows(self, series: Series) -> bool:
        """Whether reference has the terms of a series."""
        return (series.agreement, series.version, series.item) in self._terms

    def terms(self, series: Series) -> Terms:
        """The terms of a series.

        Raises:
            KeyError: reference no longer has the version; versions are immutable, so the reference
                files are wrong.
        """
        return self._terms[(series.agreement, series.version, series.item)]

    def duty(self, series: Series) -> Duty | None:
        """What a series under tiers answers for besides its usage, if it is its version that does.

        It is the last version in force in the period of the usage, or in its span and that span's
        last period.
        """
        terms = self.terms(series)
        duty = self._duty(_alike(series.agreement, terms), series.original)
        answers = duty is not None and duty.terms is terms and duty.due == series.original
        return duty if answers else None

    @property
    def owes_without_usage(self) -> bool:
        """Whether any agreement owes something in a period without usage."""
        return bool(self._owing or self._deals)

    def standing(self, agreement: str, period: str) -> list[Series]:
        """The series that an open period has even without usage, because something is owed."""
        found = []
        for alike in sorted(self._owing.get(agreement, ()), key=str):
            duty = self._duty(alike, period)
            if duty is not None and duty.terms.owes_without_usage and duty.due == period:
                version = duty.terms.version
                series = (agreement, version.version, alike[1], "", version.currency)
                found.append(Series(*series, period, period))
        return [*found, *self._deals_of(agreement, period, period)]

    def group(self, agreement: str) -> Sequence[str]:
        """The agreements that deals join with one, in order, itself included."""
        return group_of(self._groups, agreement)

    @property
    def with_deals(self) -> frozenset[tuple[str, Span | None, Sequence[str]]]:
        """The agreements that have deals in some version, over which span, joined with which."""
        return frozenset((n, self._deal_spans.get(n), self.group(n)) for n in self._deals)

    def has_deals(self, agreement: str) -> bool:
        """Whether an agreement, or one that is joined with it, has a deal in any version."""
        return any(member in self._deals for member in self.group(agreement))

    def by_hour(self, agreement: str) -> bool:
        """Whether a deal of an agreement, or of one that is joined with it, looks at hours."""
        deals = [self._deals.get(member, {}) for member in self.group(agreement)]
        found = (terms.item.deal for of in deals for named in of.values() for terms in named)
        return any(deal is not None and deal.by_hour for deal in found)

    def deals(self, agreement: str, original: str, booked: str) -> list[Series]:
        """The rows of deals for an original period in a booked one: of all versions in force.

        Of an agreement and those that are joined with it.
        """
        members = self.group(agreement)
        return [s for member in members for s in self._deals_of(member, original, booked)]

    def in_deal(self, deal: Series, member: Series) -> Series | None:
        """A row on the counter of a deal as the deal's agreement names it.

        One of another agreement lies in the last version with the deal in force in its period.
        """
        if member.agreement == deal.agreement:
            return member
        duty = self._duty(_alike(deal.agreement, self.terms(deal)), member.original)
        if duty is None:
            return None
        named = member._replace(agreement=deal.agreement, version=duty.terms.version.version)
        return named._replace(item=qualified(member.agreement, member.item))

    def _deals_of(self, agreement: str, original: str, booked: str) -> list[Series]:
        """The rows of deals of one agreement.

        Of a span's last period, that of the version too which answers for the span.
        """
        return [
            Series(agreement, version.version, name, "", version.currency, original, booked)
            for name, versions in self._deals.get(agreement, {}).items()
            for version in (terms.version for terms in versions)
            if served([version], original) is not None
            or self.duty(
                Series(agreement, version.version, name, "", version.currency, original, booked)
            )
        ]

    def deal_like(self, series: Series, deal: ItemInfo) -> DealTerms | None:
        """A deal as the version of a series has it; None where that has none that counts alike."""
        terms = self._terms.get((series.agreement, series.version, deal.name))
        if terms is None or terms.item.price_kind is not deal.price_kind:
            return None
        if terms.span != deal.span:
            return None
        return terms.item.deal if terms.item.quantity is deal.quantity else None

    def counter(self, series: Series) -> Volume | None:
        """The rows that the worth of a series depends on; None where it is its own sums."""
        terms = self.terms(series)
        if terms.item.deal is not None:
            return (self.group(series.agreement)[0], "", "", stretch_of(series, terms), DEALS)
        return volume_of(series, terms) if terms.lies_beside else None

    def counters(self, series: Series) -> list[Volume]:
        """All sets of rows that a series is one of: of its tiers, and of its agreement's deals.

        No deal is over tiers of several periods, and none of one period over a deal of several.
        """
        terms = self.terms(series)
        found = [volume_of(series, terms)] if terms.lies_beside else []
        for name in self.choosing(series):
            chosen = series._replace(item=name, line="")
            found.append(volume_of(chosen, self.terms(chosen)))
        if terms.span is None and self.has_deals(series.agreement):
            found.append((self.group(series.agreement)[0], "", "", series.original, DEALS))
        on_lines = self.deal_lines(series)
        if on_lines is not None and not (terms.tiered and terms.span):
            found.append((*on_lines[:-1], DEALS))
            if terms.span is not None:
                found.append(on_lines)
        return found

    def choosing(self, series: Series) -> tuple[str, ...]:
        """The items whose tier the item of a series chooses, in its version."""
        return self._choosing.get((series.agreement, series.version, series.item), ())

    def deal_lines(self, series: Series) -> Volume | None:
        """The set of rows of deals over several periods that the usage of a series bears on."""
        span = self._deal_spans.get(series.agreement)
        if span is None:
            return None
        return (series.agreement, "", "", span.label(series.original), DEAL_LINES)

    def moves_others(self, series: Series, booked: str) -> bool:
        """Whether usage of a series moves rows that may not be booked with it."""
        if self._booking_span(series) is not None:
            return True
        return booked != series.original and bool(self.counters(series))

    def open_period(self, series: Series, closed: Container[tuple[str, str]]) -> str:
        """The period of the usage of a series, or the next one after it that is not closed.

        Under tiers or deals of a span it is behind every closed period of the span, though an
        earlier one may be open: what a closed one states stands on everything booked up to it.
        """
        label, span = series.original, self._booking_span(series)
        periods, agreement = self.terms(series).version.periods, series.agreement
        group = self.group(agreement)
        if span is not None:
            within = periods_of(span.label(label), periods)
            label = max([label, *(p for p in within if (agreement, p) in closed)])
        while any((member, label) in closed for member in group):
            label = periods.label(periods.parse(label) + 1)
        return label

    def _booking_span(self, series: Series) -> Span | None:
        """The span whose closed periods usage is booked behind: of its tiers, else of deals."""
        return self.terms(series).span or self._deal_spans.get(series.agreement)

    def _duty(self, alike: Alike, period: str) -> Duty | None:
        """Who answers for a period, or its span, of the versions that count alike; worked out once.

        What is owed for a period falls due in it.
        """
        span = alike[-1]
        label = period if span is None else span.label(period)
        key = (alike, label)
        if key not in self._duties:
            versions = self._alike.get(alike, [])
            of = (served if span is None else span_served)([t.version for t in versions], label)
            duty = None
            if of is not None:
                last = versions[of.last]
                # A window is committed to as a whole, however much of the period is in force.
                part = Fraction(1) if last.windowed else Fraction(of.days, of.days_of_period)
                duty = Duty(last, last.item.at_least * part, of, of.due or period)
            self._duties[key] = duty
        return self._duties[key]


def _over(terms: Terms) -> Sequence[str]:
    """What a deal is over."""
    return () if terms.item.deal is None else terms.item.deal.over


def _alike(agreement: str, terms: Terms) -> Alike:
    """What versions of an item have in common that count alike."""
    return (agreement, terms.item.name, terms.counts, terms.span)


def volume_of(series: Series, terms: Terms) -> Volume:
    """The volume that a tiered row lies on: an item's in a period, over versions that count alike.

    Of tiers that go on over several periods it is the volume of their span. A version that prices
    the item without tiers has no place on it.
    """
    counts = terms.counts if terms.tiered else ""
    if terms.item.allowance is not None:
        counts = f"first {series.version} {series.currency}"  # of each version by itself
    return (series.agreement, series.item, series.line, stretch_of(series, terms), counts)


def place_of(series: Series) -> tuple[str, int]:
    """Where a row lies on its volume: earlier periods of usage below, then older versions."""
    return series.original, series.version


def owed(duty: Duty | None, series: Series, rows: Sequence[Row]) -> Duty | None:
    """What a row answers for by some rows: nothing until something is booked in its period."""
    due = any(row.series.booked >= series.original for row in rows)
    return duty if due else None


def stretch_of(series: Series, terms: Terms) -> str:
    """What the tiers of a row run along: its original period, or the span of several."""
    return series.original if terms.span is None else terms.span.label(series.original)


def begins(series: Series, terms: Terms) -> str:
    """A label not above that of the first period whose usage is on the volume of a row."""
    return series.original if terms.span is None else months_of(stretch_of(series, terms))[0]
