"""Keys of products, by the stretches in which they are in service."""

from __future__ import annotations

from streams.control.inventory import keys
from tests.streams.control.told import entities, part, product


def test_a_product_is_a_key_while_it_is_in_service() -> None:
    """Active in January and again from March on."""
    found, findings = keys(
        entities(
            product(),
            part("product", "P-1", "2026-02-01", status="suspended"),
            part("product", "P-1", "2026-03-01", status="active"),
        )
    )
    january, february = "2026-01-01T00:00:00+00:00", "2026-02-01T00:00:00+00:00"
    assert [*found] == [
        ("product", "P-1", "ALFA-1", january, february),
        ("product", "P-1", "ALFA-1", "2026-03-01T00:00:00+00:00", ""),
    ]
    assert [*findings] == []
