"""What `weir explain` shows to people: the steps of one event, one under another.

The document is the same that programs get as JSON; nothing is worked out here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

Document = Mapping[str, Any]
Step = tuple[str, str]  # what, and what there is to say about it

LEG_STEPS = (
    ("attribution", "attribution"),
    ("agreement_version", "agreement"),
    ("item", "item"),
    ("rate_line", "rate line"),
    ("measured", "measured"),
    ("charged", "charged"),
    ("arithmetic", "arithmetic"),
    ("rounding", "rounding"),
)


def steps(document: Document) -> Iterator[Step]:
    """All that there is to say about an event, in order; a step without text is a heading."""
    yield f"event {document['event']}", ""
    for came in document["source"]:
        yield "source", f"{came['position']}, {came['service']}: {came['outcome']}"
        yield "", ", ".join(f"{k} {v}" for k, v in came["fields"].items())
    yield "duplicate check", document["duplicate_check"]
    for waiting in document["not_rated"]:
        yield waiting["state"], f"{waiting['reason']} ({waiting['detail']})"
        yield from _candidates(waiting)
        yield "what to do", waiting["what_to_do"]
    for leg in document["legs"]:
        yield from _leg(leg)
    if "margin" in document:
        yield "margin", document["margin"]


def _candidates(found: Document) -> Iterator[Step]:
    """The items that competed, one under another, where there were any."""
    for number, one in enumerate(found.get("candidates", ())):
        rank = f"{one['rank']}. " if one["rank"] else "-  "
        said = f"{rank}{one['item']} ({one['conditions']}): {one['result']}"
        yield "" if number else "candidates", said


def _leg(leg: Document) -> Iterator[Step]:
    yield (f"share of {leg['share_of']}" if "share_of" in leg else f"leg {leg['role']}"), ""
    for field, what in LEG_STEPS:
        yield what, leg[field]
        if field == "charged":
            yield from (("session", said) for said in leg.get("session", ()))
            yield from (("part", part) for part in leg["parts"])
        if field == "arithmetic":
            yield from (("share", share) for share in leg.get("shares", ()))
        if field == "item":
            yield from _candidates(leg)
    if leg["charge"] is not None:
        yield "charge", f"{leg['charge']} {leg['currency']}"
    yield "reference", leg["reference"]
    for accrual in leg["accrual"]:
        adjusts = accrual["original"] != accrual["booked"]
        late = f", late usage of {accrual['original']}" if adjusts else ""
        sums = f"{accrual['events']} events, quantity {accrual['quantity']}"
        worth = f"{accrual['amount']} {accrual['currency']}"
        yield "accrual", f"{accrual['booked']}{late}: {sums}, {worth}"
    for line in leg["statement_lines"] or [f"none yet: {leg['booked']} is open"]:
        yield "statement", line


def print_explanation(document: Document, console: Console) -> None:
    """Print the steps of an event."""
    print_steps(steps(document), console)


def print_steps(said_steps: Iterable[Step], console: Console) -> None:
    """Print steps under their headings."""
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for what, said in said_steps:
        if said:
            table.add_row(Text(f"  {what}", style="dim"), Text(said))
        else:
            table.add_row(Text(what, style="bold"), Text())
    console.print(table)
