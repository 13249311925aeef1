"""What agreements mention must be there: a deck, a key, a characteristic, a plan of time bands."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders import agreement_text, complaints_of, reference_dir

NO_KEYS = "kind,key,agreement,valid_from,valid_upto\n"


@pytest.mark.parametrize(
    ("more", "price", "complaint"),
    [
        ("", "{kind: deck, deck: NONE}", "price.deck: there is no deck 'NONE'"),
        (
            "where: {key: [route:TG-9]}, ",
            "{kind: unit, per: minute, amount: 1}",
            "where.key[0]: 'route:TG-9' is not in attribution.csv; add it there",
        ),
        (
            "where: {characteristic: {access: [fibre]}}, ",
            "{kind: unit, per: minute, amount: 1}",
            "where.characteristic",
        ),
        (
            "",
            (
                "{kind: unit, per: minute, bands: {of: NIGHTS, split: start_band,"
                " prices: {night: {amount: 1}}}}"
            ),
            "price.bands.of: there are no bands 'NIGHTS'; add them to bands.yaml",
        ),
    ],
)
def test_what_is_not_there_is_named(tmp_path: Path, more: str, price: str, complaint: str) -> None:
    """With the file to add it to."""
    item = f"{{item: one, role: ingress, service: voice, flow: receivable, {more}price: {price}}}"
    found = complaints_of(
        reference_dir(tmp_path, agreements=agreement_text(item), attribution=NO_KEYS)
    )
    assert len(found) == 1
    assert complaint in found[0]
