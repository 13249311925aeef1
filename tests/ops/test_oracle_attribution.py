"""The oracle finds whose an event is: each key in its turn, each reason when nobody is found."""

from __future__ import annotations

from pathlib import Path

import pytest

from ops.oracle_attribution import attribute
from ops.oracle_reference import read_reference
from ops.oracle_usage import Usage, read_message, read_schemas
from tests.ops.oracle_makers import event, item, reference, unit, version

PLAIN = version(item(unit("minute", "1")))
KEYS = """route,TG-1,A,,
route,TG-2,B,,
route,TG-own,own,,
route,TG-late,A,2026-12-01,
number_range,4917,A,,
number_range,49171,B,2026-12-01,
imsi_range,26207,B,,
access_point,internet,own,,
access_point,mvno,A,,
network,26207,B,,
network,23001,B,,2026-06-01
product,port-1,A,,
channel,shop,A,,"""


@pytest.mark.parametrize(
    ("service", "fields", "parties", "reason"),
    [
        (
            "voice",
            {"ingress_route": "TG-1", "egress_route": "TG-2"},
            ["ingress A", "egress B"],
            "none",
        ),
        (
            "voice",
            {"ingress_route": "TG-1", "egress_route": "TG-own"},
            ["ingress A", "egress own"],
            "none",
        ),
        ("voice", {"ingress_route": "TG-own"}, ["ingress own"], "retail"),
        ("voice", {}, [], "no_attribution_key"),
        ("voice", {"ingress_route": "TG-9"}, [], "unknown_route"),
        # Listed at other times only: not before its first row, not after its last.
        ("voice", {"ingress_route": "TG-late"}, [], "not_entitled"),
        ("data", {"home_network": "23001"}, [], "not_entitled"),
        ("data", {"access_point": "x", "home_network": "23001"}, [], "unknown_access_point"),
        # What is missing at the other end does not hide behind a known end.
        (
            "voice",
            {"ingress_route": "TG-1", "egress_route": "TG-9"},
            ["ingress A"],
            "unknown_route",
        ),
        # A subscriber finds its range; until December 49171 belongs to 4917.
        ("voice", {"subscriber": "49171555"}, ["subscriber A"], "none"),
        (
            "voice",
            {"subscriber": "49171555", "started_at": "2026-12-01T00:00:00+00:00"},
            ["subscriber B"],
            "none",
        ),
        # Fifteen digits are an IMSI first, fewer digits never; a number of 15 digits is found too.
        ("data", {"subscriber": "262071234567890"}, ["subscriber B"], "none"),
        ("data", {"subscriber": "26207"}, [], "retail"),
        ("data", {"subscriber": "491712345678901"}, ["subscriber A"], "none"),
        # The range comes before the access point, that before the home network.
        ("data", {"subscriber": "49170", "access_point": "x"}, ["subscriber A"], "none"),
        (
            "data",
            {"access_point": "mvno", "home_network": "26207"},
            ["subscriber A"],
            "none",
        ),
        ("data", {"access_point": "x", "home_network": "26207"}, ["subscriber B"], "none"),
        ("data", {"access_point": "x", "home_network": "x"}, [], "unknown_access_point"),
        ("data", {"home_network": "x"}, [], "unknown_network"),
        # An own key decides its role: the home network is not asked any more.
        (
            "data",
            {"access_point": "internet", "home_network": "26207"},
            ["subscriber own"],
            "retail",
        ),
        # A subscriber of nobody's range is the operator's own.
        ("data", {"subscriber": "33612345678"}, [], "retail"),
        ("data", {"subscriber": "49170x"}, [], "retail"),
        ("bandwidth", {}, ["product A"], "none"),
        ("bandwidth", {"product_instance": "port-9"}, [], "unknown_product"),
        ("transaction", {"sales_channel": "x"}, [], "unknown_channel"),
        # The roles are asked in order: the channel's reason stands before the product's.
        ("transaction", {"sales_channel": "x", "product_instance": "x"}, [], "unknown_channel"),
        (
            "transaction",
            {"subscriber": "49170", "sales_channel": "shop", "product_instance": "port-1"},
            ["subscriber A", "channel A", "product A"],
            "none",
        ),
        ("transaction", {}, [], "no_attribution_key"),
    ],
)
def test_keys_decide_roles(
    tmp_path: Path,
    service: str,
    fields: dict[str, object],
    parties: list[str],
    reason: str,
) -> None:
    """Each role goes to the first key that is listed; a given key that nobody has is a reason."""
    known = reference(tmp_path, {"A": [PLAIN], "B": [PLAIN]}, KEYS)
    (usage,) = read_message(event(service, **fields), read_schemas())
    assert isinstance(usage, Usage)
    claims, found = attribute(usage, known)
    assert [f"{claim.role} {claim.agreement}" for claim in claims] == parties
    assert found == reason


def test_what_concerns_a_partner_in_test_is_excluded(tmp_path: Path) -> None:
    """Before anything else is asked; the other partner's part goes with it."""
    reference(tmp_path, {"A": [PLAIN], "B": [PLAIN]}, KEYS)
    partners = "- {partner: P-A, name: A}\n- {partner: P-B, name: B, test: true}\n"
    (tmp_path / "partners.yaml").write_text(partners)
    known = read_reference(tmp_path)
    found = []
    for routes in (("TG-1", "TG-2"), ("TG-9", "TG-2"), ("TG-1", "TG-own")):
        fields = dict(zip(("ingress_route", "egress_route"), routes, strict=True))
        (usage,) = read_message(event("voice", **fields), read_schemas())
        assert isinstance(usage, Usage)
        found.append(attribute(usage, known)[1])
    assert found == ["test_partner", "test_partner", "none"]
