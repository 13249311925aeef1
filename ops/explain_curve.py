"""Tiers in words: what a price of the period says, on one line, for `weir explain`."""

from __future__ import annotations

from collections.abc import Sequence

from schemas.codes import CurveKind, MeasureKind, Missing
from schemas.prices import PERS
from state.curves import Curve, Part, Step
from state.measures import EACH_WORDS, MeasureInfo
from state.tables import ItemInfo
from streams.statement import format_nanos, fraction_text


def tiers_in_words(item: ItemInfo) -> str:
    """The kind of the curve, what it is per, its tiers, and what goes with them.

    Args:
        item: an item under tiers.
    """
    curve = item.curve
    if curve is None:
        return ""
    kind = "graduated" if curve.kind is CurveKind.GRADUATED else "by volume, back to the first,"
    label, measure = _label(item), item.measure
    if measure is not None:
        kind, label = f"{_measured(measure)}, {kind}", PERS[item.per].quantity.label
    tiers = [_tier(step, label) for step in curve.steps]
    if item.chosen_by:
        kind = f"by volume, at the tier that {item.chosen_by} ({item.chosen_quantity}) reaches,"
    said = f"{kind} per {item.per} ({label}): {', '.join(tiers)}"
    if curve.free:
        said += f", after {curve.free} {label} free"
    if item.at_least:
        of = item.span.word if item.span else "period"
        if measure is not None and measure.is_windowed:
            of = "window"
        said += f", at least {item.at_least} {label} a {of}"
    if item.span:
        said += f", counted over a {item.span.word} that begins in month {item.span.first + 1}"
    return said + _on_zero(curve)


def _measured(measure: MeasureInfo) -> str:
    """What the tiers price in place of a sum."""
    of = {
        MeasureKind.SUM: "the sum",
        MeasureKind.PEAK: "the largest event",
        MeasureKind.PERCENTILE: f"the percentile {fraction_text(measure.part * 100)}",
        MeasureKind.DISTINCT: f"how many {measure.member.label}s there were",
    }[measure.kind]
    if measure.is_windowed:
        return f"{of} of each {EACH_WORDS[measure.each]}"
    if not measure.is_ranked:
        return of
    of = "the largest" if measure.kind is MeasureKind.PEAK else of
    level = f" ({measure.way.label})" if measure.is_level else ""
    more = ", by port" if measure.by_port else ""
    if measure.missing is not Missing.DROP:
        more += f", those without a sample as {measure.missing.label}"
    return f"{of} of windows of {EACH_WORDS[measure.window]}{level}{more}"


def parts_in_words(item: ItemInfo, parts: Sequence[Part]) -> str:
    """What a quantity costs part by part: so much of it in a tier, flat amounts, what caps take."""
    label = _label(item)
    said = []
    for part in parts:
        amount = fraction_text(part.amount)
        said.append(amount if part.what in ("flat", "cap") else f"{part.quantity} {label} {amount}")
    return " + ".join(said) or f"0 {label}"


def _label(item: ItemInfo) -> str:
    """What the bounds of an item's tiers are of."""
    return item.per if item.spread is not None else item.quantity.label


def _tier(step: Step, label: str) -> str:
    """A tier's price and what is said beside it."""
    said = format_nanos(step.price_nanos)
    if step.block:
        mode = step.mode.label.replace("_", " ")
        said += f" a block of {step.block} {label} rounded {mode}"
    if step.step:
        said += f" in steps of {step.step} {label}"
    if step.flat_nanos:
        said += f" + {format_nanos(step.flat_nanos)}"
    if step.cap_nanos is not None:
        said += f" but not above {format_nanos(step.cap_nanos)}"
    return f"{said} {'above' if step.upto is None else f'up to {step.upto}'}"


def _on_zero(curve: Curve) -> str:
    if not curve.flat_on_zero or not curve.steps[0].flat_nanos:
        return ""
    return f", {fraction_text(curve.exact(0))} on zero usage"
