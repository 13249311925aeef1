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
            "tiers: [{up_to: 20, block: 10, price: 7, round: half_up}, {step: 30, price: 1}]",
            (
                "graduated per minute (seconds): "
                "7 a block of 600 seconds rounded half up up to 1200, "
                "1 in steps of 30 seconds above"
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
