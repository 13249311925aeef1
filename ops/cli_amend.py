"""Commands on amendments: what terms that reach back would change, and booking it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from ops.amending import AmendmentRefusedError, approve
from ops.amendment import Effect, Preview, TotalChange, preview
from ops.candidate import write_candidate
from ops.cli_data import Output
from ops.embedded import Embedded
from ops.output import Exit, Form, fail, notes, print_json, show
from ops.place import Brokers, Data, Place, explained, reading
from schemas.money import format_micros
from schemas.topics import USAGE
from streams.statement import fraction_text

amendments_app = typer.Typer(help="Terms that reach back over settled usage.", no_args_is_help=True)

Row = dict[str, Any]
Settled = Annotated[
    list[Path] | None,
    typer.Option(
        "--settled", help="On Kafka: what was settled by; once for each, the newest last."
    ),
]
ShownColumns = (
    *("partner", "agreement", "version", "item", "line", "original", "booked", "flow"),
    *("events", "quantity", "unit", "amount", "currency"),
)
EffectColumns = (*ShownColumns, "shortfall", "exact", "adjustment")
TotalColumns = (
    *("partner", "agreement", "original", "booked", "flow", "before", "after", "change"),
    "currency",
)
OutcomeColumns = ("outcome", "reason", "before", "after")
WaitingColumns = ("reason", "leaving", "coming")


@amendments_app.callback()
def amendments() -> None:
    """Terms that reach back over settled usage."""


@amendments_app.command("candidate")
def amendments_candidate(
    out: Annotated[Path, typer.Option(help="A new directory for the terms.")],
    data: Annotated[Path, typer.Option(help="Data directory.", envvar="WEIR_DATA")],
    output: Output = Form.TABLE,
) -> None:
    """Write the terms that masters told and that are held back, to be shown and agreed to.

    Exit 1 when nothing is held back.

    Example: weir amendments candidate --data ./data --out ref-told
    """
    with explained():
        try:
            found = write_candidate(data, out)
        except FileExistsError as error:
            raise fail(f"{out} is there already; name a new directory") from error
    show(output, "Held back", [{"file": f, "name": n} for f, n in found], ("file", "name"))
    if not found:
        raise typer.Exit(int(Exit.FINDING))


@amendments_app.command("show")
def amendments_show(
    context: typer.Context,
    reference: Annotated[Path, typer.Option(help="The candidate: a directory of terms.")],
    data: Data = None,
    brokers: Brokers = None,
    settled: Settled = None,
    output: Output = Form.TABLE,
) -> None:
    """What other terms would change of what has been settled; nothing is changed by asking.

    All usage is settled twice, by the terms that were in force and by the candidate. CSV has the
    lines only.

    Example: weir amendments show --reference ref-new --data ./data
    """
    place = Place.of(context, data, brokers, None)
    if place.data is not None and settled:
        raise fail(f"{place.data} keeps what it was settled by: leave --settled out")
    place = Place(place.data, place.brokers, settled or (), place.wait_seconds)
    with reading(place) as weir, notes.status("settling all usage twice where nothing is kept"):
        found = preview(
            weir.snapshot,
            weir.reference_of,
            weir.newest_reference(),
            reference,
            weir.partitions(USAGE.name),
        )
    print_preview(found, output)


@amendments_app.command("approve")
def amendments_approve(
    reference: Annotated[Path, typer.Option(help="The candidate: a directory of terms.")],
    data: Annotated[Path, typer.Option("--data", help="Data directory.", envvar="WEIR_DATA")],
    by: Annotated[str, typer.Option("--by", help="Who agreed to it.")],
    why: Annotated[str, typer.Option("--why", help="Why, in their words.")],
    output: Output = Form.TABLE,
) -> None:
    """Book what other terms change of what has been settled, and settle by them from now on.

    What differs is added to accruals; of closed periods it is an adjustment. Taking it back is one
    more amendment, to the terms before. Exit 1 when it cannot be booked.

    Example: weir amendments approve --reference ref-new --data ./data --by "A. Lee" --why "memo 7"
    """
    with explained(), notes.status("settling all usage twice, and booking what differs"):
        if not data.is_dir():
            raise fail(f"nothing was settled in {data} yet: there is nothing to amend")
        with Embedded(data) as weir:
            try:
                approved = approve(weir, reference, by, why)
            except AmendmentRefusedError as error:
                for reason in error.reasons:
                    notes.print(escape(reason), highlight=False, soft_wrap=True)
                raise fail("nothing was booked", Exit.FINDING) from error
    print_preview(approved.preview, output)
    notes.print(f"booked as amendment {approved.id}", highlight=False)


def print_preview(found: Preview, form: Form) -> None:
    """What differs in the terms and what that comes to: a JSON document, lines, or tables."""
    document = document_of(found)
    if form is Form.JSON:
        print_json(document)
        return
    if form is Form.CSV:
        show(form, "", document["effects"], EffectColumns)
        return
    for change in found.changes:
        typer.echo(change)
    if found.is_nothing:
        notes.print("no effect: everything stays as it is", highlight=False)
        return
    show(form, "Effect", document["effects"], ShownColumns)
    show(form, "Totals", document["totals"], TotalColumns)
    if document["outcomes"]:
        show(form, "Outcomes", document["outcomes"], OutcomeColumns)
    if document["suspended"]:
        show(form, "Suspended", document["suspended"], WaitingColumns)
    adjusted = sorted({e.line.original for e in found.effects if e.is_adjustment})
    if adjusted:
        said = f"closed, so what changes of it would be an adjustment: {', '.join(adjusted)}"
        notes.print(escape(said), highlight=False, soft_wrap=True)


def document_of(found: Preview) -> Row:
    """A preview as a JSON document; amounts are decimal text."""
    leaving, coming = found.waiting
    return {
        "from": found.before_id,
        "to": found.after_id,
        "changes": list(found.changes),
        "effects": [_effect(effect) for effect in found.effects],
        "totals": [_total(total) for total in found.totals],
        "outcomes": [outcome._asdict() for outcome in found.outcomes],
        "suspended": [
            {"reason": reason, "leaving": leaving.get(reason, 0), "coming": coming.get(reason, 0)}
            for reason in sorted({*leaving, *coming})
        ],
    }


def _effect(effect: Effect) -> Row:
    change = effect.change
    return {
        **effect.line._asdict(),
        "booked": effect.booked,
        "adjustment": effect.is_adjustment,
        "events": change.events,
        "quantity": change.quantity,
        "amount": format_micros(change.amount_micros),
        "shortfall": format_micros(change.shortfall_micros),
        "exact": fraction_text(change.exact),
    }


def _total(total: TotalChange) -> Row:
    return {
        **total._asdict(),
        "before": format_micros(total.before_micros),
        "after": format_micros(total.after_micros),
        "change": format_micros(total.change_micros),
    }
