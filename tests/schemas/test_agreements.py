"""What the fields of partners and agreements may be, and what the models make of their text."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.agreements import FIELDS, OWN_NAME
from schemas.codes import (
    Direction,
    Flow,
    Model,
    Quantity,
    Role,
    RoundingMode,
    RoundingPlace,
    Service,
)
from schemas.prices import DeckPrice, SharePrice, TiersPrice, UnitPrice
from schemas.reference import load
from tests.builders import agreement_text, complaints_of, reference_dir

DATA_ITEM = "{item: data, role: subscriber, service: data, flow: receivable, price: PRICE}"

FULL = """\
- agreement: BRAVO-1
  partner: BRAVO
  model: reseller
  pool: NORTH
  versions:
    - version: 3
      valid_from: 2026-01-01
      valid_upto: 2026-07-01T00:00:00+02:00
      zone: Europe/Oslo
      currency: NOK
      period: day
      rounding: {place: line, mode: half_even, decimals: 2}
      items:
        - item: calls
          role: egress
          service: voice
          direction: out
          flow: payable
          price: {kind: deck, deck: STANDARD}
        - item: volume
          role: subscriber
          service: data
          flow: receivable
          price:
            kind: tiers
            per: gigabyte
            tiers:
              - {up_to: 1000, price: 0.25}
              - {price: "0.20"}
        - item: minutes
          role: subscriber
          service: voice
          flow: receivable
          price:
            {kind: unit, per: minute, amount: 1, connect_fee: 0.05,
             initial_seconds: 30, next_seconds: 6}
        - item: shop
          role: channel
          service: transaction
          flow: payable
          price: {kind: share, percent: 12.5}
"""


def test_every_field_is_read_as_it_was_meant(tmp_path: Path) -> None:
    """One agreement with all that an agreement can have, unquoted numbers included."""
    agreement = load(reference_dir(tmp_path, agreements=FULL, attribution=NO_KEYS)).agreements[0]
    assert (agreement.model, agreement.pool) == (Model.RESELLER, "NORTH")
    version = agreement.versions[0]
    assert (version.version, version.currency, version.period) == (3, "NOK", "day")
    rounding = version.rounding
    assert rounding.place is RoundingPlace.LINE
    assert rounding.mode is RoundingMode.HALF_EVEN
    assert rounding.decimals == 2
    # Midnight of 1 January in Oslo is 23:00 UTC; of 1 July, written out, 22:00 UTC.
    assert version.valid_from_s == 1_767_225_600 - 3_600
    assert version.valid_upto_s == 1_767_225_600 + 181 * 86_400 - 7_200
    calls, volume, minutes, shop = version.items
    assert (calls.role, calls.service, calls.flow) == (Role.EGRESS, Service.VOICE, Flow.PAYABLE)
    assert calls.directions == (Direction.OUT,)
    assert isinstance(calls.price, DeckPrice)
    assert volume.directions == (Direction.IN, Direction.OUT)
    assert isinstance(volume.price, TiersPrice)
    # 0.25 and 0.20 per gigabyte in thousand-millionths.
    assert [tier.price_nanos for tier in volume.price.tiers] == [250_000_000, 200_000_000]
    assert (volume.price.per.quantity, volume.price.per.unit) == (Quantity.BYTES, 10**9)
    assert isinstance(minutes.price, UnitPrice)
    assert (minutes.price.amount_nanos, minutes.price.connect_fee_nanos) == (10**9, 50_000_000)
    assert (minutes.price.initial_seconds, minutes.price.next_seconds) == (30, 6)
    assert isinstance(shop.price, SharePrice)
    # 12.5 % of a unit is 0.125.
    assert shop.price.percent_nanos == 125_000_000


NO_KEYS = "kind,key,agreement,valid_from,valid_upto\n"


def test_what_is_left_out_has_its_default(tmp_path: Path) -> None:
    """Both directions, a calendar month, rounding of each record half up to six decimals."""
    agreement = load(reference_dir(tmp_path)).agreements[1]
    version = agreement.versions[0]
    assert agreement.pool is None
    assert version.period == "month"
    assert version.rounding.place is RoundingPlace.RECORD
    assert version.rounding.mode is RoundingMode.HALF_UP
    assert version.rounding.decimals == 6
    price = version.items[0].price
    assert isinstance(price, UnitPrice)
    assert (price.connect_fee_nanos, price.initial_seconds, price.next_seconds) == (0, 1, 1)


@pytest.mark.parametrize(
    ("terms", "complaint"),
    [
        (
            "valid_from: 2026-01-01, zone: Berlin, currency: EUR",
            "zone: 'Berlin' is not an IANA time zone; write for example Europe/Berlin",
        ),
        (
            "valid_from: 2026-01-01, zone: UTC, currency: eur",
            "currency: 'eur' is not an ISO 4217 currency; write EUR in capitals",
        ),
        (
            "valid_from: 2026-13-01, zone: UTC, currency: EUR",
            (
                "valid_from: '2026-13-01' is not a date; write a date, 2026-01-31, "
                "or a time with its offset, 2026-01-31T00:00:00+01:00"
            ),
        ),
        (
            "valid_from: 2026-01-01, zone: UTC, currency: EUR, period: week",
            "period: 'week' is not known; write one of month, day",
        ),
        (
            "valid_from: 2026-01-01, zone: UTC, currency: EUR, rounding: {decimals: 7}",
            "rounding.decimals: '7' is not a whole number from -2 to 6",
        ),
        (
            "valid_from: 2026-01-01, zone: UTC, currency: EUR, rounding: {mode: banker}",
            (
                "rounding.mode: 'banker' is not known; "
                "write one of half_up, half_even, up, down, ceiling, floor"
            ),
        ),
    ],
)
def test_wrong_terms_are_named_with_what_to_write(
    tmp_path: Path, terms: str, complaint: str
) -> None:
    """Zones, currencies, dates, periods and rounding are checked where they stand."""
    item = DATA_ITEM.replace("PRICE", "{kind: unit, per: byte, amount: 1}")
    text = agreement_text(item, terms=terms)
    found = complaints_of(reference_dir(tmp_path, agreements=text, attribution=NO_KEYS))
    assert found == [f"agreements.yaml:2: versions[0].{complaint}"]


def test_no_agreement_is_called_own(tmp_path: Path) -> None:
    """The word means the operator itself where keys are attributed."""
    item = DATA_ITEM.replace("PRICE", "{kind: unit, per: byte, amount: 1}")
    text = agreement_text(item, name=OWN_NAME)
    found = complaints_of(reference_dir(tmp_path, agreements=text, attribution=NO_KEYS))
    assert found == [
        "agreements.yaml:1: agreement: 'own' means the operator itself; choose another name"
    ]


def test_every_field_can_be_suggested() -> None:
    """A mistyped field is compared with all that exist, by the name that files use."""
    assert {"amount", "direction", "percent", "up_to", "valid_upto"} <= set(FIELDS)
    assert "amount_nanos" not in FIELDS
