"""The command that asks what usage would cost."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from ops.figures import paid, paid_columns
from ops.output import Exit, Form, fail, notes, print_json, show
from ops.place import explained
from ops.price import InTestError, UnknownAgreementError
from ops.price import price as price_usage
from ops.reading import current_reference
from ops.whatif import CloseRefusedError
from streams.files import UsageFileError

LEGS_SHOWN = 100
OutcomeColumns = ("outcome", "reason", "events")
ShownColumns = (
    *("event", "item", "zone", "raw_quantity", "quantity", "unit", "rate_line"),
    *("charge", "residue", "currency", "reason"),
)
LegColumns = ("started_at", "agreement", "version", "role", *ShownColumns, "arithmetic", "flow")
LineColumns = (
    *("agreement", "period", "original_period", "item", "kind", "zone", "events", "quantity"),
    *("quantity_unit", "amount", "currency", "flow"),
)
StepColumns = (
    *("agreement", "period", "item", "what", "from", "up_to", "quantity", "price", "per"),
    "amount",
)
TotalColumns = ("agreement", "period", "state", "currency", "receivable", "payable", "net")


def price(
    context: typer.Context,
    agreement: Annotated[str, typer.Option(help="The agreement to price by.")],
    usage: Annotated[list[Path], typer.Option(help="Usage files: Avro, CSV or JSON Lines.")],
    more: Annotated[list[Path] | None, typer.Argument(help="Further usage files.")] = None,
    reference: Annotated[
        Path | None, typer.Option(help="Directory of reference files.", envvar="WEIR_REFERENCE")
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(help="Instead: a data directory's reference.", envvar="WEIR_DATA"),
    ] = None,
    close: Annotated[
        str | None, typer.Option(help="Close this period and show its statement.")
    ] = None,
    output: Annotated[Form, typer.Option("-o", "--output", help="Form of the results.")] = (
        Form.TABLE
    ),
) -> None:
    """What this usage would cost under an agreement; nothing of any settlement is touched.

    All keys that the usage names count as the agreement's. Exit 1 when nothing has a price.

    Example: weir price --agreement ALFA-1 --usage calls.csv --reference ref --close 2026-11
    """
    terms = _terms(context, reference, data)
    with explained(), notes.status("settling it where nothing is kept"):
        try:
            document = price_usage(terms, agreement, [*usage, *(more or ())], close)
        except (UnknownAgreementError, InTestError, CloseRefusedError) as error:
            raise fail(str(error)) from error
        except (UsageFileError, OSError) as error:
            raise fail(str(error), Exit.FINDING) from error
    print_price(document, output)
    for problem in document["problems"]:
        notes.print(f"[yellow]problem:[/] {escape(problem)}", highlight=False, soft_wrap=True)
    if document["problems"]:
        raise typer.Exit(int(Exit.FINDING))
    if not any(row.get("item") for row in document["legs"]):
        raise fail(f"nothing of it has a price under {agreement}", Exit.FINDING)


def _terms(context: typer.Context, reference: Path | None, data: Path | None) -> Path:
    """The reference that the options say; what the command line says goes before the environment.

    Exits when they do not say one.
    """
    said = {
        name
        for name in ("reference", "data")
        if getattr(context.get_parameter_source(name), "name", "") == "COMMANDLINE"
    }
    if reference is not None and data is not None and len(said) == 1:
        reference, data = (reference, None) if "reference" in said else (None, data)
    if (reference is None) == (data is None):
        raise fail(
            "say which terms: --reference DIR for reference files, or --data DIR for those"
            " that a data directory was settled by last"
        )
    if reference is not None:
        return reference
    with explained():
        return current_reference(data or Path())


def print_price(document: dict[str, Any], form: Form) -> None:
    """Outcomes, legs, lines and totals: one JSON document, or four tables."""
    if form is Form.JSON:
        print_json(document)
        return
    legs = document["legs"]
    shown, columns = (legs, LegColumns) if form is Form.CSV else (legs[:LEGS_SHOWN], ShownColumns)
    show(form, "Outcomes", document["outcomes"], OutcomeColumns)
    show(form, "Legs", shown, columns)
    if len(shown) < len(legs):
        left = f"{len(legs) - len(shown):,} more legs; -o csv and -o json list them all"
        notes.print(left, highlight=False)
    periods = document["periods"]
    lines = [{**p, **line} for p in periods for line in p["lines"]]
    show(form, "Lines", lines, LineColumns)
    steps = [
        {**p, "item": line["item"], **step}
        for p in periods
        for line in p["lines"]
        for step in line.get("steps", ())
    ]
    if steps:
        show(form, "Steps of deals", steps, StepColumns)
    totals = [{**p, **t, **paid(t)} for p in periods for t in p["totals"]]
    show(form, "Totals", totals, (*TotalColumns, *paid_columns(totals)))
