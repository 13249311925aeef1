"""Inventory: by which keys usage is attributed to agreements, as inventories tell it.

A product that has an agreement is its key `product:ID` while it is in service.
"""

from __future__ import annotations

from collections.abc import Sequence

from state.entities import FOREVER_US, Entities
from streams.control.derived import Finding, Key
from streams.control.parties import AGREEMENT, mappings, text
from streams.control.times import moment

PRODUCT = "product"
IN_SERVICE = frozenset({"active", "pendingterminate"})


def keys(entities: Entities) -> tuple[Sequence[Key], Sequence[Finding]]:
    """The keys that inventories give, with the stretches in which they hold."""
    found: list[Key] = []
    for name in entities.ids(PRODUCT):
        for version in entities.history(PRODUCT, name):
            status = text(version.attributes.get("status")).lower()
            for one in mappings(version.attributes.get("agreements"))[:1]:
                if status in IN_SERVICE:
                    upto_us = version.upto_us
                    end = "" if upto_us == FOREVER_US else moment(upto_us)
                    agreement = text(one.get(AGREEMENT))
                    start = moment(version.from_us)
                    found.append(Key(PRODUCT, name, agreement, start, end))
    return found, ()
