"""Tiers on one line, as an analyst says them."""

from __future__ import annotations

from pathlib import Path

import pytest

from ops.explain_curve import tiers_in_words
from tests.builders import agreement_text, reference_dir, tables


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (
            "tiers: [{up_to: 10, price: 0.01}, {price: 0.005}]",
            "graduated per minute (seconds): 0.01 up to 600, 0.005 above",
        ),
        (
            (
                "curve: volume, free: 5, at_least: 100, flat_on_zero: true, "
                "tiers: [{up_to: 10, price: 2, flat: 3}, {price: 1, cap: 50}]"
            ),
            (
                "by volume, back to the first, per minute (seconds): 2 + 3 up to 600, "
                "1 but not above 50 above, after 300 seconds free, "
                "at least 6000 seconds a period, 3 on zero usage"
            ),
        ),
        (
            "each: year, from: 2026-04, at_least: 5, tiers: [{price: 2}]",
            (
                "graduated per minute (seconds): 2 above, at least 300 seconds a year, "
                "counted over a year that begins in month 4"
            ),
        ),
        (
            "tiers: [{up_to: 20, block: 10, price: 7, round: half_up}, {step: 30, price: 1}]",
            (
                "graduated per minute (seconds): "
                "7 a block of 600 seconds rounded half up up to 1200, "
                "1 in steps of 30 seconds above"
            ),
        ),
        (
            "curve: volume, chosen_by: events, tiers: [{up_to: 10, price: 2}, {price: 1}]",
            (
                "by volume, at the tier that events (events) reaches, per minute (seconds): "
                "2 up to 10, 1 above"
            ),
        ),
    ],
)
def test_a_curve_in_words(tmp_path: Path, fields: str, words: str) -> None:
    """Everything that a price by tiers says, in its order."""
    item = (
        "{item: a, role: ingress, service: voice, flow: receivable, "
        f"price: {{kind: tiers, per: minute, {fields}}}}}"
    )
    keys = "kind,key,agreement,valid_from,valid_upto\n"
    text = agreement_text(item)
    [found] = tables(reference_dir(tmp_path, agreements=text, attribution=keys)).items
    assert tiers_in_words(found) == words


def test_another_price_has_no_tiers(tmp_path: Path) -> None:
    """A deck has nothing to say here."""
    assert tiers_in_words(tables(reference_dir(tmp_path)).items[0]) == ""


@pytest.mark.parametrize(
    ("measure", "price", "words"),
    [
        (
            "{of: percentile, percent: 95}",
            "per: megabit_per_second, at_least: 200, tiers: [{price: 1.5}]",
            (
                "the percentile 95 of windows of 5min (higher), by port, graduated "
                "per megabit_per_second (bits_per_second): 1.5 above, "
                "at least 200000000 bits_per_second a period"
            ),
        ),
        (
            "{of: peak}",
            "each: hour, per: gigabyte, at_least: 1, tiers: [{price: 2}]",
            (
                "the largest event of each hour, graduated per gigabyte (bytes): 2 above, "
                "at least 1000000000 bytes a window"
            ),
        ),
        (
            "{of: peak, window: day}",
            "per: gigabyte, tiers: [{price: 2}]",
            "the largest of windows of day, graduated per gigabyte (bytes): 2 above",
        ),
        (
            "{of: distinct, of_what: instance}",
            "per: unit, tiers: [{price: 2}]",
            "how many instances there were, graduated per unit (units): 2 above",
        ),
    ],
)
def test_a_measure_in_words(tmp_path: Path, measure: str, price: str, words: str) -> None:
    """What the tiers price stands before them."""
    item = (
        "{item: a, role: product, service: bandwidth, flow: receivable, "
        f"measure: {measure}, price: {{kind: tiers, {price}}}}}"
    )
    keys = "kind,key,agreement,valid_from,valid_upto\n"
    text = agreement_text(item)
    [found] = tables(reference_dir(tmp_path, agreements=text, attribution=keys)).items
    assert tiers_in_words(found) == words
