"""Which claim came first, wherever it was made."""

from __future__ import annotations

from streams.control.claiming import FirstClaims
from streams.control.key_rows import Claim
from streams.control.stretches import Stretch
from tests.streams.control.told import agreement, entities, product, route

ALWAYS = Stretch(0, 1)


def test_the_first_notification_that_made_the_claim_counts() -> None:
    """Not the one that is in force: TG-1 was said to be ALFA-1's at 5 and again at 9."""
    things = entities(
        route("S-1", "TG-1", "ALFA-1", "2026-02-01", known_us=9),
        route("S-1", "TG-1", "ALFA-1", "2026-01-01", known_us=5),
        route("S-2", "TG-1", "BETA-1", known_us=7),
        agreement(known_us=3),
        agreement("BETA-1", known_us=2),
    )
    rank = FirstClaims(things).rank({})
    assert rank(Claim("route", "TG-1", "ALFA-1", ALWAYS))[0] == 5
    assert rank(Claim("route", "TG-1", "BETA-1", ALWAYS))[0] == 7


def test_an_agreement_may_be_referred_to_by_its_id() -> None:
    """The product names the id 77, the claim the name."""
    things = entities(agreement("77", known_us=3), product("P-1", "77", known_us=8))
    rank = FirstClaims(things).rank({"ALFA-1": ["77"]})
    assert rank(Claim("product", "P-1", "ALFA-1", ALWAYS)) == (8, "product/0/0/0")


def test_a_claim_that_nobody_finds_is_as_old_as_its_agreement() -> None:
    """Orders make claims, too; and of an agreement of a file nothing is older."""
    rank = FirstClaims(entities(agreement("77", known_us=3))).rank({"ALFA-1": ["77"]})
    assert rank(Claim("product", "P-9", "ALFA-1", ALWAYS))[0] == 3
    assert rank(Claim("product", "P-9", "FILE-1", ALWAYS)) == (0, "")
