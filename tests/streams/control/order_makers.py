"""Orders for the tests of what follows from them."""

from __future__ import annotations

from typing import Any

from streams.control.changes import Change, Form
from tests.streams.control.inventory_makers import told


def leaf(
    name: str,
    action: str,
    state: str | None = "completed",
    product: str = "P",
    **said: Any,  # noqa: ANN401
) -> dict[str, Any]:
    """An item of an order about a product; `said` is what it says of the product."""
    item = {"id": name, "action": action, "product": {"id": product, **said}}
    return item if state is None else {**item, "state": state}


def order(
    day: int,
    *items: dict[str, Any],
    name: str = "1",
    under: str | None = "ALFA-1",
    **said: Any,  # noqa: ANN401
) -> Change:
    """The full image of an order on a day, under an agreement."""
    agreement = {} if under is None else {"agreement": [{"id": under}]}
    return told("productOrder", name, day, {"productOrderItem": [*items], **agreement, **said})


def states(day: int, name: str = "1", order_state: str | None = None, **items: str) -> Change:
    """States of an order's items that changed on a day, by the item's id after an underscore."""
    said: dict[str, Any] = {
        "itemStateChange": [
            {"itemId": item.removeprefix("_"), "state": state} for item, state in items.items()
        ]
    }
    said |= {} if order_state is None else {"state": order_state}
    return told("productOrder", name, day, said, Form.PART)
