"""The oracle's attribution: whose one usage event is.

An event concerns a party in at most one way per role: as the one who brings it in, who carries it
on, whose subscriber it is, who sold it, whose product it uses. Each role has keys, asked in order;
the first that is listed at the time of the event decides the role, for an agreement or for the
operator itself. One that is listed at other times only is known, but nobody is entitled to it.
"""

from __future__ import annotations

from dataclasses import dataclass

from ops.oracle_reference import OWN, Reference
from ops.oracle_usage import Usage, is_number

IMSI_DIGITS = 15
RANGE_KINDS = ("imsi_range", "number_range")

# For each role the keys that decide it, the first one first: the kind of key and the usage field.
ROLE_KEYS = (
    ("ingress", (("route", "ingress_route"),)),
    ("egress", (("route", "egress_route"),)),
    (
        "subscriber",
        (("range", "subscriber"), ("access_point", "access_point"), ("network", "home_network")),
    ),
    ("channel", (("channel", "sales_channel"),)),
    ("product", (("product", "product_instance"),)),
)


@dataclass(frozen=True)
class Claim:
    """A role that a key has decided: for an agreement, or for the operator itself."""

    role: str
    kind: str
    key: str
    agreement: str


def attribute(usage: Usage, reference: Reference) -> tuple[list[Claim], str]:
    """The roles that keys have decided, and `none` or why there is nothing to rate."""
    started = usage.priced_at
    claims: list[Claim] = []
    unknown: list[str] = []
    given = False
    for role, keys in ROLE_KEYS:
        not_listed: list[str] = []
        for kind, field in keys:
            key = usage.text(field)
            if key is None:
                continue
            given = True
            claim = _claim(role, kind, key, started, reference)
            if claim is not None:
                claims.append(claim)
                break
            if kind != "range":
                is_known = (kind, key) in reference.keys
                not_listed.append("not_entitled" if is_known else f"unknown_{kind}")
        else:
            unknown += not_listed
    parties = [claim.agreement for claim in claims if claim.agreement != OWN]
    if any(reference.agreements[name].in_test for name in parties):
        return claims, "test_partner"
    if unknown:
        return claims, unknown[0]
    if not given:
        return claims, "no_attribution_key"
    if all(claim.agreement == OWN for claim in claims):
        return claims, "retail"
    return claims, "none"


def _claim(role: str, kind: str, key: str, started_us: int, reference: Reference) -> Claim | None:
    """What one key says about a role at an instant; None when it is not listed then."""
    if kind != "range":
        owner = reference.owner(kind, key, started_us)
        return None if owner is None else Claim(role, kind, key, owner)
    if not is_number(key):
        return None
    kinds = RANGE_KINDS if len(key) == IMSI_DIGITS else RANGE_KINDS[1:]
    for range_kind in kinds:
        for digits in range(len(key), 0, -1):
            owner = reference.owner(range_kind, key[:digits], started_us)
            if owner is not None:
                return Claim(role, range_kind, key[:digits], owner)
    return None
