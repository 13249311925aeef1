"""Verification under an allowance and a clawback, with late usage and reversals after a close."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from schemas.codes import Service
from tests.builders import reference_dir
from tests.ops.books import AGREEMENTS, ATTRIBUTION, NOVEMBER_US, close, event, settle, verdict

HOUR_US = 3_600_000_000
PLAIN = "{item: shop, role: channel, service: transaction, flow: receivable,"
MORE = f"""{PLAIN} allowance: {{events: 2, quantity: 12}},
           clawback: {{types: [refund], window_days: 30, rule: pro_rata}},"""


def sale(sequence: int, hour: int, amount: int, **more: Any) -> dict[str, Any]:  # noqa: ANN401
    """A sale so many hours into November."""
    fields = {"started_at": NOVEMBER_US + hour * HOUR_US, "retail_amount_micros": amount * 10**6}
    named = {"sales_channel": "CH-1", "retail_currency": "EUR"}
    return event(Service.TRANSACTION, sequence, **named, **fields, **more)


def test_everything_is_recomputed(tmp_path: Path) -> None:
    """Sales in any order, a close, an earlier sale and a refund after it: nothing differs."""
    assert PLAIN in AGREEMENTS
    text = AGREEMENTS.replace(PLAIN, MORE)
    given = reference_dir(tmp_path / "given", agreements=text, attribution=ATTRIBUTION)
    data = tmp_path / "data"
    settle(data, [sale(50, 9, 10), sale(51, 3, 4), sale(52, 5, 9)], given)
    close(data, "2024-11")
    back = {"transaction_type": "refund", "original_started_at": NOVEMBER_US + 3 * HOUR_US}
    settle(data, [sale(53, 1, 6), sale(54, 300, 4, **back)], given)
    stated = [line for document in close(data, "2024-12") for line in document["lines"]]
    assert [line["allowance"]["events"] for line in stated if line["item"] == "shop"] == [2]
    settle(data, [sale(55, 2, 1)], given)
    found = verdict(data)
    assert list(found.differences) == []
    assert found.statements >= 2
