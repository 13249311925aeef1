"""Tests of the invented operator: its reference files are valid and cover what settlement has."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from ops.generate_reference import Plan
from schemas.reference import load
from state.tables import build


def written(directory: Path, plan: Plan) -> Path:
    """The reference files of a plan, in a directory."""
    for name, text in plan.files().items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return directory


def agreements(seed: int = 7, partners: int = 12) -> list[dict[str, Any]]:
    """The agreements as the file has them."""
    found: list[dict[str, Any]] = yaml.safe_load(Plan.of(seed, partners).files()["agreements.yaml"])
    return found


@pytest.mark.parametrize(("seed", "partners"), [(7, 4), (7, 12), (8, 13), (0, 300)])
def test_the_reference_is_valid(tmp_path: Path, seed: int, partners: int) -> None:
    """Any number of partners makes reference data that loads and compiles without a complaint."""
    tables = build(load(written(tmp_path, Plan.of(seed, partners))))
    assert len(tables.partners) == partners
    assert len(tables.agreements) == partners


def test_a_dozen_partners_are_of_all_models() -> None:
    """Five carriers, three virtual operators, two resellers, two referrers."""
    counts = Counter(a["model"] for a in agreements())
    assert counts == {"wholesale": 5, "mvno": 3, "reseller": 2, "referral": 2}
    assert {a["model"] for a in agreements(partners=4)} == set(counts)


def test_too_few_partners_are_refused() -> None:
    """With three there would be a model without a partner."""
    with pytest.raises(ValueError, match="3 partners; there are 4 models"):
        Plan.of(7, 3)


def test_every_way_to_price_and_to_round_is_there() -> None:
    """Decks, units, tiers and shares; rounding at each of the three places; both flows."""
    versions = [v for a in agreements() for v in a["versions"]]
    items = [item for v in versions for item in v["items"]]
    assert {item["price"]["kind"] for item in items} == {"deck", "unit", "tiers", "share"}
    assert {item["flow"] for item in items} == {"receivable", "payable"}
    rounding = [v.get("rounding", {"place": "record"}) for v in versions]
    assert {r["place"] for r in rounding} == {"record", "line", "statement"}
    assert {"place": "line", "mode": "half_even", "decimals": 2} in rounding
    assert len({v["zone"] for v in versions}) > 4
    assert len({v["currency"] for v in versions}) > 4
    assert {v.get("period", "month") for v in versions} == {"month", "day"}
    services = {item["service"] for item in items}
    assert services == {"voice", "sms", "data", "bandwidth", "circuit", "transaction"}


def test_one_agreement_changes_within_a_period() -> None:
    """Its second version follows the first without a gap, on 2 November."""
    (changing,) = [a for a in agreements() if len(a["versions"]) > 1]
    first, second = changing["versions"]
    assert str(first["valid_upto"]) == str(second["valid_from"]) == "2026-11-02"
    assert first["items"] != second["items"]


def test_the_seed_decides_prices_but_not_who_is_who() -> None:
    """The same seed gives the same files; another keeps the keys, so usage fits either."""
    one, other = Plan.of(7, 12).files(), Plan.of(8, 12).files()
    assert one == Plan.of(7, 12).files()
    assert one["attribution.csv"] == other["attribution.csv"]
    assert one["agreements.yaml"] != other["agreements.yaml"]


def test_amounts_are_written_as_text() -> None:
    """A price in quotes can never be read as a float."""
    for agreement in agreements():
        for version in agreement["versions"]:
            for item in version["items"]:
                price = item["price"]
                amounts = [price.get("amount"), price.get("percent"), price.get("connect_fee")]
                amounts += [tier["price"] for tier in price.get("tiers", [])]
                assert all(isinstance(a, str) for a in amounts if a is not None)
