"""Tests of the closed vocabularies: words, numbers and what reasons belong to."""

from __future__ import annotations

import pytest

from schemas import codes
from schemas.codes import Code, Outcome, Reason, Service

VOCABULARIES = (
    codes.Service,
    codes.Direction,
    codes.Role,
    codes.KeyKind,
    codes.Model,
    codes.Flow,
    codes.PriceKind,
    codes.Quantity,
    codes.RoundingPlace,
    codes.RoundingMode,
    codes.BandSplit,
    codes.Outcome,
    codes.Reason,
)

# What is stored must never change its number. A new member is added here with its own.
STORED: dict[str, dict[str, int]] = {
    "Service": {
        "voice": 0,
        "sms": 1,
        "data": 2,
        "bandwidth": 3,
        "circuit": 4,
        "transaction": 5,
    },
    "Direction": {"in": 0, "out": 1},
    "Role": {"ingress": 0, "egress": 1, "subscriber": 2, "channel": 3, "product": 4},
    "Outcome": {"rated": 0, "duplicate": 1, "suspended": 2, "quarantined": 3, "excluded": 4},
    "Reason": {
        "none": 0,
        "test": 10,
        "retail": 11,
        "test_partner": 12,
        "no_attribution_key": 20,
        "unknown_route": 21,
        "unknown_access_point": 22,
        "unknown_network": 23,
        "unknown_product": 24,
        "unknown_channel": 25,
        "no_agreement": 26,
        "no_item": 27,
        "no_rate": 28,
        "currency_mismatch": 29,
        "future_time": 30,
        "conflicting_body": 31,
        "charge_overflow": 32,
        "session_expired": 33,
        "too_long": 36,
        "not_entitled": 37,
        "outside_territory": 38,
        "undecodable": 40,
        "bad_magic": 41,
        "unknown_schema": 42,
        "wrong_partition": 43,
        "no_source": 44,
        "no_identity": 45,
        "negative_quantity": 46,
        "quantity_overflow": 47,
        "impossible_time": 48,
        "invalid_number": 49,
        "unreadable_line": 50,
        "unknown_service": 51,
    },
}


@pytest.mark.parametrize("vocabulary", VOCABULARIES)
def test_a_label_leads_back_to_its_member(vocabulary: type[Code]) -> None:
    """The word on the wire and the number in a column mean the same member."""
    for member in vocabulary:
        assert vocabulary.of(member.label) is member
        assert member.label == member.label.lower()


@pytest.mark.parametrize("name", STORED)
def test_stored_codes_keep_their_numbers(name: str) -> None:
    """Topics and archives hold these numbers: none is renumbered, none used again."""
    vocabulary: type[Code] = getattr(codes, name)
    numbers = {member.label: int(member) for member in vocabulary}
    assert {label: numbers.get(label) for label in STORED[name]} == STORED[name]
    assert len(set(numbers.values())) == len(numbers)


def test_an_unknown_label_is_an_error() -> None:
    """A word outside the vocabulary is never taken for one inside it."""
    with pytest.raises(KeyError):
        Service.of("fax")


@pytest.mark.parametrize("reason", list(Reason))
def test_the_tens_of_a_reason_tell_its_outcome(reason: Reason) -> None:
    """1x is excluded, 2x and 3x suspended, 4x and 5x quarantined, and no reason is rated."""
    tens = {0: Outcome.RATED, 1: Outcome.EXCLUDED, 2: Outcome.SUSPENDED, 3: Outcome.SUSPENDED}
    assert reason.outcome is tens.get(reason // 10, Outcome.QUARANTINED)
