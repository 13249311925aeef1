"""The oracle's rating: what one leg of one usage event costs, exactly.

A leg is priced by the agreement version in force when the event started. Money is a `Fraction` from
the text of the price to the one rounding that the agreement asks for. Nothing here knows of any
other event: tiers, which need the period's whole volume, leave this page as a quantity and are
priced in `oracle_statement`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from fractions import Fraction
from math import ceil, floor
from typing import NamedTuple
from zoneinfo import ZoneInfo

from ops.oracle_attribution import Claim
from ops.oracle_bands import BandPart, band_at, band_parts
from ops.oracle_clawback import cost_of, original_of, part_taken, takes_back
from ops.oracle_curves import dearest, dearest_over, period_begin_us, placed_parts
from ops.oracle_files import EPOCH, MICROSECOND
from ops.oracle_intervals import (
    TIME_UPTO,
    TIMES,
    least_divisor,
    stretches,
    time_in_service,
)
from ops.oracle_measures import Counted, counted, is_too_long, level_part
from ops.oracle_prices import Price
from ops.oracle_reference import (
    DeckRate,
    Item,
    Reference,
    Version,
)
from ops.oracle_rounding import MICROS, round_micros, round_units
from ops.oracle_select import deck_number, select
from ops.oracle_usage import Usage

UTC_ZONE = ZoneInfo("UTC")
CHARGE_MAX = 10**9  # what one event may cost at most, in currency units
SPLIT_SECONDS_MAX = 31 * 24 * 3600  # what time bands split is shorter
MONEY = ("amount_micros", "cost_micros", "margin_micros")
HOUR_US = 3_600_000_000
# How many of the smallest amounts of so many decimals make one; -2 rounds to hundreds.


@dataclass(frozen=True)
class Leg:
    """One party's part in one event, priced: every figure between the key and the money."""

    claim: Claim
    version: Version
    item: Item
    price: Price
    zone: str
    line: str
    original: str
    hour: int
    counted: int
    quantity: int
    exact: Fraction
    charge_micros: int
    parts: tuple[BandPart, ...] = ()
    sender: Leg | None = None  # of a share: the leg that it is a part of
    whole: Leg | None = None  # of a divided leg: what it was before
    event: Counted | None = None
    bare: Fraction = Fraction(0)  # without fees and limits
    counts_event: bool = True

    @property
    def residue(self) -> Fraction:
        """What rounding left over, in currency units."""
        return self.exact - Fraction(self.charge_micros, MICROS)


def rate(usage: Usage, claim: Claim, reference: Reference) -> Leg | str:
    """The priced leg, or the reason why it has no price."""
    started = usage.priced_at
    agreement = reference.agreements[claim.agreement]
    version = next((v for v in agreement.versions if v.validity.covers(started)), None)
    if version is None:
        return "no_agreement"
    if not version.territory.holds(usage):
        return "outside_territory"
    item, _ = select(usage, claim, version, reference)
    if item is not None and item.price.quantity in TIMES:
        found = stretches(usage, agreement.versions)
        if isinstance(found, str):
            return found
        usage = found[0].usage
    return "no_item" if item is None else _priced(usage, claim, version, item, reference)


def goes_on(usage: Usage, leg: Leg, reference: Reference) -> list[Leg] | str:
    """The legs that follow one which is the beginning of an interval, or why one has no price."""
    if leg.price.quantity not in TIMES:
        return []
    found = stretches(usage, reference.agreements[leg.claim.agreement].versions)
    legs = []
    for version, _, stretch in found[1:] if isinstance(found, list) else ():
        if version is None:
            return "no_agreement"
        # As for all usage the conditions are those of the moment at which the event began.
        item, _ = select(usage, leg.claim, version, reference)
        if item is None or item.price.quantity not in TIMES:
            return "no_item"
        more = _priced(stretch, leg.claim, version, item, reference)
        if isinstance(more, str):
            return more
        if more.quantity:
            legs.append(replace(more, counts_event=False))
    return legs


def surcharges(usage: Usage, claim: Claim, reference: Reference) -> list[Leg] | str:
    """What is added to a leg that has a price, or why one of the additions has none."""
    started = usage.priced_at
    versions = reference.agreements[claim.agreement].versions
    version = next(v for v in versions if v.validity.covers(started))
    legs = []
    for item in select(usage, claim, version, reference)[1]:
        leg = _priced(usage, claim, version, item, reference)
        if isinstance(leg, str):
            return leg
        legs.append(leg)
    return legs


def further(usage: Usage, legs: Sequence[Leg], reference: Reference) -> list[Leg] | str:
    """What is added to priced legs, then what follows those that begin an interval; or why not."""
    found: list[Leg] = []
    for leg in legs:
        added = surcharges(usage, leg.claim, reference)
        if isinstance(added, str):
            return added
        found += added
    for leg in legs:
        later = goes_on(usage, leg, reference)
        if isinstance(later, str):
            return later
        found += later
    return found


def _priced(
    usage: Usage, claim: Claim, version: Version, item: Item, reference: Reference
) -> Leg | str:
    """A leg by the item chosen for it, or why that has no price for it."""
    zone, price = "", _of_record(usage, item.price)
    if price.kind == "deck":
        found = _deck_rate(usage, price, reference)
        if found is None:
            return "no_rate"
        zone, rates = found
        of_band = {rate.band: _priced_by(rate.price, price) for rate in rates}
        if price.banded is None:
            (price,) = of_band.values()
        else:
            price = replace(price, banded=replace(price.banded, prices=of_band))
    if price.quantity in MONEY and usage.text("retail_currency") != version.currency:
        return "currency_mismatch"
    back = item.clawback
    if back is not None and takes_back(usage, back) and part_taken(usage, back) is None:
        return "no_original_time"
    is_split = price.banded is not None and price.banded.split != "start_band"
    if is_split and count(usage, price.quantity) > SPLIT_SECONDS_MAX:
        return "too_long"
    leg = _leg(usage, claim, version, item, zone, _cost(usage, version, item, price, reference))
    if _is_too_much(leg.quantity, price, dearest_over(item.name, version.deals)):
        return "charge_overflow"
    if is_too_long(usage, price):
        return "too_long"
    return "charge_overflow" if abs(leg.charge_micros) > CHARGE_MAX * MICROS else leg


def _of_record(usage: Usage, price: Price) -> Price:
    """A price as it holds for one record: no fee for an attempt that others follow."""
    if usage.fields.get("partial_final") is not False:
        return price
    banded = price.banded
    if banded is not None:
        of_bands = {band: _of_record(usage, own) for band, own in banded.prices.items()}
        price = replace(price, banded=replace(banded, prices=of_bands))
    return replace(price, attempt_fee=Fraction(0)) if price.attempt_on == "last" else price


def _is_too_much(quantity: int, price: Price, of_deals: Fraction) -> bool:
    """Whether a quantity would cost more in some tier or deal than an event may."""
    if price.quantity in TIMES and quantity >= TIME_UPTO:
        return True
    if abs(quantity) * of_deals > CHARGE_MAX:
        return True
    if not price.by_period:
        return False
    most = dearest(price)
    if price.measure is not None:
        return abs(quantity) * level_part(price) * most > CHARGE_MAX
    return bool(most) and abs(quantity) > floor(CHARGE_MAX / most) * least_divisor(price)


def _deck_rate(
    usage: Usage, price: Price, reference: Reference
) -> tuple[str, list[DeckRate]] | None:
    """The zone of the longest prefix of the number, and its rates then, one a time band."""
    deck = reference.decks[price.deck]
    number = deck_number(usage, price)
    for digits in range(len(number), 0, -1):
        zone = deck.zones.get(number[:digits])
        if zone is not None:
            started = usage.number("started_at")
            known = [rate for rate in deck.rates.get(zone, ()) if rate.validity.covers(started)]
            return (zone, known) if known else None
    return None


class Cost(NamedTuple):
    """What a leg is charged for: its price, both quantities, and the exact amount.

    The price of a leg in several time bands is the one of the band in which it begins.
    """

    price: Price
    counted: int
    quantity: int
    exact: Fraction
    parts: tuple[BandPart, ...] = ()
    bare: Fraction = Fraction(0)


def _cost(usage: Usage, version: Version, item: Item, price: Price, reference: Reference) -> Cost:
    """Count and charge a leg, in as many time bands as it has seconds in."""
    back = item.clawback
    if back is not None and takes_back(usage, back):
        size = count(original_of(usage), price.quantity)
        whole = _one_price(price, size if price.quantity == "margin_micros" else abs(size))
        taken = -whole.exact * (part_taken(usage, back) or 0)
        return Cost(price, count(usage, price.quantity), -whole.quantity, taken)
    counted = count(usage, price.quantity, version.zone)
    banded = price.banded
    if banded is None:
        return _one_price(price, counted)
    plan, started = reference.plans[banded.plan], usage.number("started_at")
    first = banded.prices[band_at(plan, version.zone, started)]
    if banded.split == "start_band":
        return _one_price(first, counted)
    increments = {b: (p.initial_seconds, p.next_seconds) for b, p in banded.prices.items()}
    parts = band_parts(plan, version.zone, started, counted, banded.split, increments)
    quantity = sum(part.quantity for part in parts)
    products = (banded.prices[part.band].amount * part.quantity for part in parts)
    # The same money as one price for the whole quantity would be; so the rest is as for any price.
    average = sum(products, Fraction(0)) / quantity if quantity else Fraction(0)
    exact = event_charge(counted, quantity, replace(first, amount=average))
    alone = event_charge(counted, quantity, bare(replace(first, amount=average)))
    return Cost(first, counted, quantity, exact, parts, alone)


def _one_price(price: Price, counted: int) -> Cost:
    """Charge a quantity by one price; tiers are priced elsewhere."""
    quantity = charged_for(counted, price)
    if price.by_period:
        return Cost(price, counted, quantity, Fraction(0))
    exact, alone = (event_charge(counted, quantity, p) for p in (price, bare(price)))
    return Cost(price, counted, quantity, exact, (), alone)


def bare(price: Price) -> Price:
    """A price without its fees and limits."""
    none = Fraction(0)
    return replace(price, connect_fee=none, attempt_fee=none, minimum=none, maximum=None)


def _leg(usage: Usage, claim: Claim, version: Version, item: Item, zone: str, cost: Cost) -> Leg:
    """Round one leg, and say where it belongs."""
    started, exact = usage.number("started_at"), cost.exact
    original = period_of(version, started)
    if version.rounding.place == "record":
        charge_micros = round_micros(exact, version.rounding)
    else:
        charge_micros = floor(exact * MICROS)
    return Leg(
        claim=claim,
        version=version,
        item=item,
        price=cost.price,
        zone=zone,
        line=zone if version.rounding.place == "line" else "",
        original=original,
        hour=started // HOUR_US,
        counted=cost.counted,
        quantity=cost.quantity,
        exact=exact,
        charge_micros=charge_micros,
        parts=cost.parts,
        event=None
        if cost.price.measure is None
        else _measured(usage, version, original, cost.quantity),
        bare=cost.bare,
    )


def _measured(usage: Usage, version: Version, original: str, quantity: int) -> Counted:
    """What of an event a measure goes by."""
    span = tuple(period_begin_us(version, p) for p in (original, period_after(original)))
    return counted(usage, version.zone, (span[0], span[1]), quantity)


def count(usage: Usage, quantity: str, zone: ZoneInfo = UTC_ZONE) -> int:
    """How much of a quantity one event is; its days are those of a zone."""
    if quantity in TIMES:
        return time_in_service(usage, quantity, zone)
    if quantity == "events":
        return 1
    if quantity == "seconds":
        return ceil(Fraction(usage.number("duration_ms"), 1000))  # a second begun is a second
    if quantity == "bytes":
        return usage.number("volume_up_bytes") + usage.number("volume_down_bytes")
    if quantity in ("up_bytes", "down_bytes"):
        return usage.number(f"volume_{quantity}")
    if quantity == "units":
        return usage.number("units")
    if quantity == "cost_micros":
        return cost_of(usage)
    less = cost_of(usage) if quantity == "margin_micros" else 0
    return usage.number("retail_amount_micros") - less


def charged_for(counted: int, price: Price) -> int:
    """What of a measured quantity is charged for, by the steps that the price says."""
    if counted < 0:
        return -charged_for(-counted, price)
    if counted == 0:
        return 0
    size, step = max(counted, price.least_counted), price.next_seconds
    if price.begun_step == "up":
        return billed_seconds(size, price.initial_seconds, step)
    return round_units(Fraction(size, step), price.begun_step) * step


def event_charge(counted: int, quantity: int, price: Price) -> Fraction:
    """What one event costs exactly, with everything that its price says but rounding."""
    if counted == 0 and price.attempt_fee:
        return price.attempt_fee
    if quantity == 0:
        return Fraction(0)
    if price.kind == "steps":
        exact = sum((amount for _, amount in placed_parts(price, quantity).values()), Fraction(0))
    else:
        exact = price.amount * Fraction(quantity, price.unit)
    exact = (exact + price.connect_fee) * price.factor
    sign = -1 if quantity < 0 else 1
    if price.minimum:
        exact = sign * max(sign * exact, price.minimum)
    if price.maximum is not None:
        exact = sign * min(sign * exact, price.maximum)
    return exact


def _priced_by(rate: Price, agreed: Price) -> Price:
    """A deck's rate with what the agreement says beside the deck."""
    own = {name: getattr(agreed, name) for name in ("factor", "minimum", "maximum", "attempt_fee")}
    return replace(rate, **own)


def billed_seconds(seconds: int, initial: int, following: int) -> int:
    """Seconds after increments: the initial one whole, then whole following ones; 0 stays 0."""
    if seconds == 0:
        return 0
    if seconds <= initial:
        return initial
    return initial + ceil(Fraction(seconds - initial, following)) * following


def period_of(version: Version, instant_us: int) -> str:
    """The period, as the version's zone has it on its calendar at an instant."""
    local = (EPOCH + instant_us * MICROSECOND).astimezone(version.zone).date()
    return local.isoformat()[:7] if version.period == "month" else local.isoformat()


def period_after(label: str) -> str:
    """The label of the month or day that follows."""
    if len(label) == len("2026-11"):
        first = date.fromisoformat(f"{label}-01")
        return (first + timedelta(days=31)).isoformat()[:7]
    return (date.fromisoformat(label) + timedelta(days=1)).isoformat()
