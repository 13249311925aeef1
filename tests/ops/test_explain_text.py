"""The text of an explanation has every step of the document, in order."""

from __future__ import annotations

from io import StringIO
from typing import Any

from rich.console import Console

from ops.explain_text import print_explanation, steps

LEG: dict[str, Any] = {
    "role": "ingress",
    "attribution": "route:TG-001 -> W-1 (ALFA, wholesale)",
    "agreement_version": "W-1 version 1",
    "item": "voice-in: unit per minute, receivable",
    "rate_line": "0.06 per minute",
    "measured": "61 seconds",
    "charged": "66 seconds",
    "parts": [],
    "arithmetic": "66 x 0.06 / 60 = 0.066 -> 0.066000",
    "charge": "0.066000",
    "currency": "EUR",
    "rounding": "record, half_up, 6 decimals",
    "period": "2024-11",
    "booked": "2024-12",
    "reference": "0123456789abcdef",
    "accrual": [
        {
            "booked": "2024-12",
            "original": "2024-11",
            "events": 2,
            "quantity": 132,
            "amount": "0.132000",
            "currency": "EUR",
        }
    ],
    "statement_lines": [],
}
DOCUMENT: dict[str, Any] = {
    "event": "msc-1/0/1",
    "source": [
        {
            "position": "usage.v1/0/3 row 7",
            "service": "voice",
            "outcome": "rated",
            "fields": {"called_number": "[bold]4917", "duration_ms": "61000"},
        }
    ],
    "duplicate_check": "this number came once: nothing was a repeat",
    "not_rated": [],
    "legs": [LEG],
}


def test_every_step_has_its_line() -> None:
    """From the source to the statement that does not exist yet."""
    assert [what for what, _ in steps(DOCUMENT)] == [
        "event msc-1/0/1",
        "source",
        "",
        "duplicate check",
        "leg ingress",
        "attribution",
        "agreement",
        "item",
        "rate line",
        "measured",
        "charged",
        "arithmetic",
        "rounding",
        "charge",
        "reference",
        "accrual",
        "statement",
    ]
    said = dict(steps(DOCUMENT))
    assert said["source"] == "usage.v1/0/3 row 7, voice: rated"
    assert said["accrual"] == (
        "2024-12, late usage of 2024-11: 2 events, quantity 132, 0.132000 EUR"
    )
    assert said["statement"] == "none yet: 2024-12 is open"


def test_a_graduated_leg_has_no_charge_of_its_own() -> None:
    """Its money exists per period only."""
    tiered = {**DOCUMENT, "legs": [{**LEG, "charge": None, "statement_lines": ["W-1 line 1"]}]}
    said = dict(steps(tiered))
    assert "charge" not in said
    assert said["statement"] == "W-1 line 1"


def test_what_was_not_rated_comes_with_what_to_do() -> None:
    """Reason, missing key and advice."""
    waiting = {
        "position": "usage.v1/0/3 row 7",
        "state": "suspended",
        "reason": "unknown_route",
        "detail": "route:TX-1",
        "what_to_do": "list route TX-1",
    }
    said = dict(steps({**DOCUMENT, "legs": [], "not_rated": [waiting]}))
    assert said["suspended"] == "unknown_route (route:TX-1)"
    assert said["what to do"] == "list route TX-1"


def test_text_of_the_network_is_not_markup() -> None:
    """Brackets in a field are printed as they came."""
    out = StringIO()
    print_explanation(DOCUMENT, Console(file=out, width=120))
    assert "[bold]4917" in out.getvalue()
    assert "66 x 0.06 / 60 = 0.066 -> 0.066000" in out.getvalue()
