"""Agreements as tables: the version in force, the item that covers usage, the price it has."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from schemas.codes import Direction, Model, Role, Service
from state.tables import NONE
from tests.builders import agreement_text, reference_dir, tables

NO_KEYS = "kind,key,agreement,valid_from,valid_upto\n"
NEW_YEAR_S = 1_767_225_600

TWO_VERSIONS = """\
- agreement: ALFA-1
  partner: ALFA
  model: referral
  pool: NORTH
  versions:
    - version: 4
      valid_from: 2026-01-01
      valid_upto: 2026-01-02
      zone: UTC
      currency: EUR
      items:
        - {item: a, role: egress, service: voice, direction: out, flow: payable, price: PRICE}
    - version: 5
      valid_from: 2026-01-02
      zone: Europe/Oslo
      currency: NOK
      period: day
      items:
        - {item: a, role: egress, service: voice, flow: payable, price: PRICE}
""".replace("PRICE", "{kind: unit, per: event, amount: 1}")


def test_a_second_picks_the_version(tmp_path: Path) -> None:
    """None before the first, then each from its own start on: Oslo's day begins an hour early."""
    text = TWO_VERSIONS.replace("valid_upto: 2026-01-02", "valid_upto: 2026-01-01T23:00:00Z")
    built = tables(reference_dir(tmp_path, agreements=text, attribution=NO_KEYS))
    asked = np.array([NEW_YEAR_S - 1, NEW_YEAR_S, NEW_YEAR_S + 23 * 3_600], np.int64)
    row = built.version_of.lookup(np.zeros(3, np.int32), asked)
    assert row.tolist() == [-1, 0, 1]
    assert [built.versions[number].version for number in (0, 1)] == [4, 5]
    assert [version.currency for version in built.versions] == ["EUR", "NOK"]
    assert [version.periods.kind for version in built.versions] == ["month", "day"]
    assert [version.valid_from_s for version in built.versions] == asked.tolist()[1:]


def test_usage_picks_the_item(tmp_path: Path) -> None:
    """By version, role, service and direction; an item for any direction is found by both."""
    text = TWO_VERSIONS.replace("valid_upto: 2026-01-02", "valid_upto: 2026-01-01T23:00:00Z")
    built = tables(reference_dir(tmp_path, agreements=text, attribution=NO_KEYS))
    voice = built.item_of[:, Role.EGRESS, Service.VOICE]
    assert voice[:, Direction.OUT].tolist() == [0, 1]
    assert voice[:, Direction.IN].tolist() == [NONE, 1]
    assert (built.item_of >= 0).sum() == 3


def test_an_agreement_is_its_own_pool_unless_it_names_one(tmp_path: Path) -> None:
    """The pool is what contributions are partitioned by."""
    text = TWO_VERSIONS.replace("valid_upto: 2026-01-02", "valid_upto: 2026-01-01T23:00:00Z")
    price = "{kind: unit, per: unit, amount: 1}"
    item = f"{{item: a, role: egress, service: sms, flow: payable, price: {price}}}"
    text += agreement_text(item, name="BRAVO-1", partner="BRAVO")
    built = tables(reference_dir(tmp_path, agreements=text, attribution=NO_KEYS))
    assert [agreement.pool for agreement in built.agreements] == ["NORTH", "BRAVO-1"]
    assert [agreement.partner_code for agreement in built.agreements] == [0, 1]
    assert built.agreements[0].model is Model.REFERRAL
