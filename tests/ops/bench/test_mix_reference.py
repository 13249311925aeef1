"""The reference of the mix is one that Weir takes, and has every element it claims."""

from __future__ import annotations

from pathlib import Path

import pytest

from ops.bench import mix_reference
from ops.bench.mix import decks
from ops.bench.mix_reference import mix_items, plain_items, write_mix, write_plain
from schemas.reference import load


def test_plain_agreements_have_unit_prices_only(tmp_path: Path) -> None:
    """120 agreements of six items."""
    write_plain(tmp_path)
    agreements = load(tmp_path).agreements
    assert len(agreements) == 120
    kinds = {item.price.kind for a in agreements for v in a.versions for item in v.items}
    assert kinds == {"unit"}
    assert len(list(plain_items(0))) == 6


def test_the_mix_has_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Five styles of agreement, with their decks; here ten decks stand for the two hundred."""
    some = decks()[:10]
    monkeypatch.setattr(mix_reference, "decks", lambda: some)
    monkeypatch.setattr(mix_reference, "deck_of", lambda partner, side: (partner + 5 * side) % 10)
    write_mix(tmp_path)
    reference = load(tmp_path)
    assert len(reference.decks) == 11
    text = (tmp_path / "agreements.yaml").read_text(encoding="utf-8")
    words = "bands less_percent minimum maximum attempt_fee surcharge calling called each volume"
    words += " session split received"
    assert [word for word in words.split() if word not in text] == []
    counts = [len(list(mix_items(partner))) for partner in range(5)]
    assert counts == [6, 10, 8, 6, 8]
