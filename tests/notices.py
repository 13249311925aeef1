"""Notifications for tests, made by hand: what a master of parties might tell."""

from __future__ import annotations

import json


def told(name: str, number: int = 0, *, day: int = 1, event: str = "AttributeValueChange") -> bytes:
    """A notification of an organization.

    Args:
        name: its id.
        number: what is said of it.
        day: of January 2026, since when.
        event: Create, Delete, or a change of some attributes.
    """
    said = {
        "eventId": f"{name}-{number}",
        "eventType": f"Organization{event}Event",
        "eventTime": f"2026-01-{day:02}T00:00:00Z",
        "event": {"organization": {"id": name, "tradingName": f"name {number}"}},
    }
    return json.dumps(said).encode()


THINGS = {
    "party.v1": "organization",
    "catalog.v1": "productOffering",
    "agreement.v1": "agreement",
    "order.v1": "productOrder",
    "inventory.v1": "product",
    "ticket.v1": "troubleTicket",
}


def of_topic(topic: str, name: str, number: int = 0) -> bytes:
    """A notification of a thing that a topic is about; the number is what is said of it."""
    kind = THINGS[topic]
    said = {
        "eventId": f"{kind}-{name}-{number}",
        "eventType": f"{kind[0].upper()}{kind[1:]}AttributeValueChangeEvent",
        "eventTime": "2026-01-01T00:00:00Z",
        "event": {kind: {"id": name, "description": f"number {number}"}},
    }
    return json.dumps(said).encode()


def broken(number: int) -> bytes:
    """Bytes that are no notification, each number others."""
    return b"\xff{ broken %d" % number
