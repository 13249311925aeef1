"""The oracle's statements: what the sums of a period come to, at the place where they are rounded.

An agreement that rounds every record has its amounts already: a line is the sum of rounded charges.
One that rounds the line or the statement has exact sums, and money is made of them once. A
graduated price is a function of the period's whole volume, so its money exists per period only: it
is worked out here by walking the tiers, and what belongs to one booked period is the difference
that its usage made, F(booked up to and with it) - F(booked before it).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction

from ops.oracle_allowance import Charged, allowed
from ops.oracle_amounts import Accrual, AccrualKey, Amount, AmountKey, Total, TotalKey
from ops.oracle_curves import (
    Alike,
    Owing,
    Placed,
    Step,
    difference_of,
    is_standing,
    owings,
    stand_on_sums,
)
from ops.oracle_deal_spans import span_deal_lines
from ops.oracle_deals import Place, Used, Worth, deal_lines
from ops.oracle_declared import Figure
from ops.oracle_intervals import divisor, over
from ops.oracle_measures import Counted, stand
from ops.oracle_pools import as_seen_by, close_groups, stated_beside
from ops.oracle_reference import Item, Reference, Rounding
from ops.oracle_rounding import MICROS, decimal_of, round_micros
from ops.oracle_spans import Span

SHOWN = Rounding("statement", "half_even", 6)

# Agreement, item, what is counted, and the periods or months whose usage is counted together.
Scale = tuple[str, str, Alike, tuple[str, ...], Span | None]
Chosen = Mapping[tuple[int, str], int]  # what chooses a tier, by version and statement


def statement_lines(
    accruals: Mapping[AccrualKey, Accrual],
    reference: Reference,
    closed: Iterable[tuple[str, str]] = (),
    counted: Mapping[AccrualKey, Sequence[Counted]] | None = None,
    charged: Mapping[AccrualKey, Sequence[Charged]] | None = None,
    figures: Sequence[Figure] = (),
) -> dict[AmountKey, Amount]:
    """Every line of every statement, from the accruals of whole periods.

    Where something is owed without usage, a period that has any accrual, or was closed without one,
    has that line too. `counted` has the events of periods whose price is not of a sum, `charged`
    those of items with an allowance, `figures` what partners declared for swaps.
    """
    lines: dict[AmountKey, Amount] = {}
    tiered: dict[Scale, dict[AccrualKey, int]] = defaultdict(dict)
    for key, accrual in accruals.items():
        if key.hour is not None:
            continue
        item = _item(key.agreement, key.version, key.item, reference)
        if item.price.by_period:
            # Tier positions carry over the versions of one item, as long as they count the same.
            tiered[_scale(key.agreement, item, key.original)][key] = accrual.quantity
            continue
        rounding = reference.version(key.agreement, key.version).rounding
        exact = Fraction(accrual.charge_micros, MICROS) + accrual.residue
        if rounding.place == "record":
            micros = accrual.charge_micros
        elif rounding.place == "line":
            micros = round_micros(exact, rounding)
        else:
            micros = round_micros(exact, SHOWN)
        lines[_line(key)] = Amount(exact, micros, item.flow, rounding)
    lines.update(_allowed_lines(charged or {}, reference))
    found_in = {*closed, *((key.agreement, key.booked) for key in accruals)}
    found_in.update((figure.agreement, figure.booked) for figure in figures)
    groups = close_groups(reference)
    books = {(one, period) for name, period in found_in for one in groups[name]}
    for agreement, period in books:
        for owing in filter(is_standing, owings(reference, agreement, period)):
            version, item = reference.version(agreement, owing.version), owing.item
            named = (agreement, version.number, item.name, "", version.currency)
            key = AccrualKey(*named, period, period, None)
            tiered[_scale(agreement, item, period)].setdefault(key, 0)
    for scale, quantities in tiered.items():
        found = {
            (period, o.version): o
            for period in {key.original for key in quantities}
            for o in owings(reference, scale[0], period)
            if _scale(scale[0], o.item, period) == scale
        }
        chosen = _chosen(scale, accruals, reference)
        lines.update(_tiered_lines(quantities, reference, found, chosen, counted or {}))
    lines.update(_deal_lines(lines, accruals, books, reference, figures))
    return lines


def _allowed_lines(
    charged: Mapping[AccrualKey, Sequence[Charged]], reference: Reference
) -> dict[AmountKey, Amount]:
    """The lines of items with an allowance, of each version by itself."""
    apart: dict[AccrualKey, dict[str, Sequence[Charged]]] = defaultdict(dict)
    for key, events in charged.items():
        apart[key._replace(booked="")][key.booked] = events
    lines: dict[AmountKey, Amount] = {}
    for key, by_period in apart.items():
        item = _item(key.agreement, key.version, key.item, reference)
        rounding = reference.version(key.agreement, key.version).rounding
        for booked, (exact, micros) in allowed(by_period, item.price, rounding).items():
            at = _line(key._replace(booked=booked))
            lines[at] = Amount(exact, micros, item.flow, rounding)
    return lines


def _scale(agreement: str, item: Item, period: str) -> Scale:
    """What the usage of an item under tiers in a period is counted on, together with other such."""
    span = item.price.span
    months = (period,) if span is None else span.covering(period)
    return agreement, item.name, item.price.alike, months, span


def _deal_lines(
    lines: Mapping[AmountKey, Amount],
    accruals: Mapping[AccrualKey, Accrual],
    books: set[tuple[str, str]],
    reference: Reference,
    figures: Sequence[Figure],
) -> dict[AmountKey, Amount]:
    """The lines of deals, over those of items."""
    groups = close_groups(reference)
    usage: dict[tuple[str, str], dict[Place, tuple[Fraction, Fraction]]] = {}
    having = {a for a, of in reference.agreements.items() if any(v.deals for v in of.versions)}
    looked_at = {one for agreement in having for one in groups[agreement]}
    for agreement, period in books:
        if agreement in looked_at:
            # It has deals of its own though it may have no usage.
            nothing = (Fraction(0), Fraction(0))
            usage.setdefault((agreement, period), {})[Place(0, "", "", period)] = nothing
    for figure in figures:
        of = usage.setdefault((figure.agreement, figure.period), {})
        of.setdefault(Place(0, "", "", figure.booked), (Fraction(0), Fraction(0)))
    for key, line in lines.items():
        # No deal is over tiers that go on over several periods.
        item = _item(key.agreement, key.version, key.item, reference)
        if key.agreement in looked_at and item.price.span is None:
            place = Place(key.version, key.item, key.currency, key.booked)
            of = usage.setdefault((key.agreement, key.original), {})
            before, more = of.get(place, (Fraction(0), Fraction(0))), line.stated
            of[place] = (before[0] + more[0], before[1] + more[1])
    deals: dict[AmountKey, Amount] = {}
    for agreement in having:
        found: dict[tuple[str, Place], tuple[Worth, str]] = {}
        periods = stated_beside(agreement, groups[agreement], usage)
        own = [figure for figure in figures if figure.agreement == agreement]
        used = {
            period: {
                place: use
                for one in groups[agreement]
                for place, use in as_seen_by(
                    agreement, one, _used(one, period, accruals, reference)
                )
            }
            for period in periods
        }
        for period, stated in periods.items():
            lines_of = deal_lines(reference, agreement, period, stated, used[period], own)
            found |= {(period, at): line for at, line in lines_of.items()}
            stated |= {at: (w.value, w.value + w.missed) for at, (w, _) in lines_of.items()}
        found |= span_deal_lines(reference, agreement, periods, used)
        for (period, at), (worth, flow) in found.items():
            key = AmountKey(agreement, at.item, at.version, "", at.currency, at.booked, period)
            deals[key] = Amount(
                exact=worth.value,
                micros=round_micros(worth.value, SHOWN),
                flow=flow,
                rounding=reference.version(agreement, at.version).rounding,
                missed=worth.missed,
                missed_micros=round_micros(worth.missed, SHOWN),
                is_deal=True,
            )
    return deals


def _used(
    agreement: str, period: str, accruals: Mapping[AccrualKey, Accrual], reference: Reference
) -> dict[Place, Used]:
    """What was counted of an agreement's period, in all and by hour."""
    found: dict[Place, Used] = {}
    for key, accrual in accruals.items():
        if (key.agreement, key.original) != (agreement, period):
            continue
        use = found.setdefault(Place(key.version, key.item, key.currency, key.booked), Used())
        if key.hour is None:
            use.quantity += accrual.quantity
            use.events += accrual.events
            continue
        money = Fraction(accrual.charge_micros)
        if reference.version(agreement, key.version).rounding.place != "record":
            money += accrual.residue * MICROS
        have = use.hours.get(key.hour, (0, Fraction(0), 0))
        more = (accrual.quantity, money, accrual.events)
        use.hours[key.hour] = (have[0] + more[0], have[1] + more[1], have[2] + more[2])
    return found


def _chosen(scale: Scale, accruals: Mapping[AccrualKey, Accrual], reference: Reference) -> Chosen:
    """What chooses the tier of an item by version and statement, if not the item's own quantity.

    Nothing else chooses the tier of what goes on over several periods.
    """
    agreement, name, counts, (period, *_), span = scale
    found: dict[tuple[int, str], int] = {}
    if span is not None:
        return found
    for key, accrual in accruals.items():
        if (key.agreement, key.original, key.hour) != (agreement, period, None):
            continue
        items = reference.version(agreement, key.version).items
        priced = [item.price for item in items if item.name == name]
        if not priced or priced[0].alike != counts or not priced[0].chosen_by:
            continue
        by_events = priced[0].chosen_by == "events"
        if key.item == (name if by_events else priced[0].chosen_by):
            more = accrual.events if by_events else accrual.quantity
            place = (key.version, key.booked)
            found[place] = found.get(place, 0) + more
    return found


def _sums(sizes: Iterable[tuple[int, int]]) -> dict[int, int]:
    """Sums by version."""
    found: dict[int, int] = {}
    for version, size in sizes:
        found[version] = found.get(version, 0) + size
    return found


def _tiered_lines(
    quantities: Mapping[AccrualKey, int],
    reference: Reference,
    owing: Mapping[Step, Owing],
    chosen: Chosen,
    counted: Mapping[AccrualKey, Sequence[Counted]],
) -> dict[AmountKey, Amount]:
    """The lines of all usage on one scale of tiers, over all periods it was booked in."""
    lines: dict[AmountKey, Amount] = {}
    one_of = {(key.original, key.version): key for key in quantities}
    before: dict[Step, int] | None = None
    booked_in = sorted({key.booked for key in quantities} | {at for _, at in chosen})
    for booked in booked_in:
        added = {
            (key.original, key.version): quantity
            for key, quantity in quantities.items()
            if key.booked == booked
        }
        upto = {step: (before or {}).get(step, 0) + added.get(step, 0) for step in one_of}
        for step in sorted(one_of):
            key = one_of[step]._replace(booked=booked)
            item = _item(key.agreement, key.version, key.item, reference)
            terms = reference.version(key.agreement, key.version)
            # What is owed by itself is so from the first statement of its period, or later, on.
            since = next((b for b in booked_in if b >= key.original), booked)
            answers = owing.get(step) if since <= booked else None
            old_answers = answers if since < booked else None
            # This usage stands on top of that of the periods and versions before it, both as the
            # volume was before this booked period and as it is with it.
            if item.price.measure is None:
                low = _sums((v, n) for (v, at), n in chosen.items() if at < booked)
                high = _sums((v, n) for (v, at), n in chosen.items() if at <= booked)
                of = divisor(item.price, terms, key.original)
                was, now = over(before, of), over(upto, of)
                old, old_due, old_parts = stand_on_sums(item.price, step, was, old_answers, low)
                new, new_due, new_parts = stand_on_sums(item.price, step, now, answers, high)
            else:
                earlier = None if before is None else happened(quantities, counted, booked, -1)
                so_far = happened(quantities, counted, booked, 0)
                old, old_due, old_parts = stand(item.price, step[1], earlier, old_answers)
                new, new_due, new_parts = stand(item.price, step[1], so_far, answers)
            missed = (new_due - new) - (old_due - old)
            if terms.rounding.place == "statement":
                micros, short = round_micros(new - old, SHOWN), round_micros(missed, SHOWN)
            else:
                micros = round_micros(new, terms.rounding) - round_micros(old, terms.rounding)
                due = round_micros(new_due, terms.rounding) - round_micros(old_due, terms.rounding)
                short = due - micros
            # Late usage of an earlier period or version moves a later one up the tiers: that line
            # has money though it has no usage of its own in this booked period.
            if step in added or new != old or micros != 0 or missed != 0 or short != 0:
                parts = _difference(old_parts, new_parts)
                lines[_line(key)] = Amount(
                    new - old, micros, item.flow, terms.rounding, parts, missed, short
                )
        before = upto
    return lines


def happened(
    keys: Iterable[AccrualKey],
    counted: Mapping[AccrualKey, Sequence[Counted]],
    booked: str,
    more: int,
) -> dict[int, list[Counted]]:
    """The events of each version, booked before a period (-1), or up to and with it (0)."""
    found: dict[int, list[Counted]] = {}
    for key in keys:
        of_version = found.setdefault(key.version, [])
        if key.booked < booked or (more == 0 and key.booked == booked):
            of_version += counted.get(key, ())
    return found


def _difference(old: Placed, new: Placed) -> tuple[tuple[Fraction, Fraction], ...]:
    """The same without the places."""
    return tuple(part for _, part in difference_of(old, new))


def statement_totals(lines: Mapping[AmountKey, Amount]) -> dict[TotalKey, Total]:
    """What each statement comes to.

    Lines under one rule of rounding at the statement are added up exactly and rounded once; any
    other line adds what it shows. The two flows are apart.
    """
    sums: dict[TotalKey, dict[str, int]] = {}
    exact: dict[tuple[TotalKey, str, Rounding], Fraction] = defaultdict(Fraction)
    for key, amount in lines.items():
        total = TotalKey(key.agreement, key.booked, key.currency)
        flows = sums.setdefault(total, {"receivable": 0, "payable": 0})
        if amount.rounding.place == "statement":
            exact[total, amount.flow, amount.rounding] += amount.exact + amount.missed
        else:
            flows[amount.flow] += amount.micros + amount.missed_micros
    for (total, flow, rounding), value in exact.items():
        sums[total][flow] += round_micros(value, rounding)
    return {
        total: Total(decimal_of(flows["receivable"]), decimal_of(flows["payable"]))
        for total, flows in sums.items()
    }


def _item(agreement: str, version: int, item: str, reference: Reference) -> Item:
    """An item of an agreement version by name."""
    return next(i for i in reference.version(agreement, version).items if i.name == item)


def _line(key: AccrualKey) -> AmountKey:
    """The statement line that an accrual belongs to."""
    return AmountKey(
        key.agreement, key.item, key.version, key.line, key.currency, key.booked, key.original
    )
