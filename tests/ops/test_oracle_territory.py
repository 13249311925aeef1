"""The oracle's territories: what lies in one, read from the text of a version."""

from __future__ import annotations

import pytest

from ops.oracle_territory import Territory, read_territory
from ops.oracle_usage import Usage, read_message, read_schemas
from tests.ops.oracle_makers import event

HOME = Territory(("49", "43"), ("26207",))


def test_a_territory_is_read_as_it_is_written() -> None:
    """Either list may be missing, and so may the whole."""
    assert read_territory({}) == Territory()
    assert read_territory({"territory": {"called": ["49", "43"]}}) == Territory(("49", "43"))
    assert read_territory({"territory": {"networks": ["26207"]}}) == Territory((), ("26207",))


@pytest.mark.parametrize(
    ("service", "fields", "is_inside"),
    [
        ("voice", {"called_number": "4930"}, True),
        ("voice", {"called_number": "33"}, False),
        ("voice", {"called_number": "33", "routing_number": "4930"}, True),
        ("sms", {"called_number": "4930", "routing_number": "4"}, False),
        ("sms", {"called_number": "4930", "home_network": "24201"}, False),
        ("data", {}, True),
        ("data", {"home_network": "26207"}, True),
        ("data", {"home_network": "26207", "visited_network": "24201"}, False),
        ("data", {"home_network": "24201", "visited_network": "26207"}, True),
        ("circuit", {}, True),
    ],
)
def test_usage_is_inside_by_what_it_says(
    service: str, fields: dict[str, object], is_inside: bool
) -> None:
    """By the number it goes to and the network it was in; an empty territory holds for all."""
    (usage,) = read_message(event(service, **fields), read_schemas())
    assert isinstance(usage, Usage)
    assert HOME.holds(usage) is is_inside
    assert Territory().holds(usage)
