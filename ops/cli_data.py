"""Commands on a data directory: settle files, look at figures, close, explain, verify, mend.

What only looks opens the directory read-only and works beside a process that settles into it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from ops.close import closable
from ops.embedded import Embedded
from ops.explain import explain as explain_event
from ops.explain_event import EventName
from ops.explain_text import print_explanation, steps
from ops.figures import by_agreement, period_rows
from ops.output import Exit, Form, fail, notes, print_json, screen, show
from ops.reading import NoReferenceError, Opened, current_reference, kept_references
from ops.state_hash import logged_state_hash
from ops.verify import Verdict, VerifyError
from ops.verify import verify as verify_log
from schemas.records import codec
from schemas.reference import InvalidReferenceError
from schemas.topics import ACCRUALS, QUARANTINE, SUSPENSE, USAGE
from streams.files import UsageFileError
from streams.local_database import DirectoryError

Data = Annotated[Path, typer.Option("--data", help="Data directory.", envvar="WEIR_DATA")]
Output = Annotated[Form, typer.Option("-o", "--output", help="Form of the results.")]
AmountColumns = ("partner", "model", "agreement", "currency", "flow", "amount")
OutcomeColumns = ("outcome", "reason", "events")
StatementColumns = ("number", "partner", "period", "lines", "currency")
TotalColumns = ("receivable", "payable", "net")
NO_TOTALS = {"currency": "", "receivable": "", "payable": "", "net": ""}


def opened(data: Path, reference: Path | None = None) -> Embedded:
    """A data directory for writing, or a plain message about why not."""
    try:
        return Embedded(data, reference)
    except (InvalidReferenceError, NoReferenceError, DirectoryError) as error:
        raise fail(str(error)) from error


@contextmanager
def reading(data: Path) -> Iterator[Opened]:
    """A data directory for reading, or a plain message about why not."""
    try:
        with Opened(data) as found:
            yield found
    except (InvalidReferenceError, NoReferenceError, DirectoryError, VerifyError) as error:
        raise fail(str(error)) from error


def outcome_rows(weir: Embedded) -> list[dict[str, Any]]:
    """Outcome counts as rows."""
    return [{"outcome": o, "reason": r, "events": n} for (o, r), n in weir.outcomes().items()]


def report(weir: Embedded) -> dict[str, Any]:
    """Outcomes and amounts as one document."""
    rows = period_rows(weir.latest(ACCRUALS.name), weir.engine.accrue_hop.book)
    return {"outcomes": outcome_rows(weir), "accruals": by_agreement(rows)}


def print_report(document: dict[str, Any], form: Form) -> None:
    """Outcomes and amounts, in one JSON document or as two tables."""
    if form is Form.JSON:
        print_json(document)
        return
    show(form, "Outcomes", document["outcomes"], OutcomeColumns)
    show(form, "Accruals", document["accruals"], AmountColumns)


def settle(
    reference: Annotated[Path, typer.Option(help="Directory of reference files.")],
    usage: Annotated[list[Path], typer.Option(help="Usage files: Avro, CSV or JSON Lines.")],
    data: Data,
    output: Output = Form.TABLE,
) -> None:
    """Settle usage files: every record accounted for, accruals to the last decimal.

    Example: weir settle --reference ref --usage calls.avro --usage sms.csv --data ./data
    """
    problems: list[str] = []
    with opened(data, reference) as weir:
        columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        with Progress(*columns, console=notes, transient=True) as progress:
            for path in usage:
                task = progress.add_task(f"{path.name}")
                try:
                    for so_far in weir.ingest(path):
                        done = f"{path.name}: {so_far.events:,} events"
                        progress.update(task, description=done)
                    problems += so_far.problems
                except (UsageFileError, OSError) as error:
                    problems.append(str(error))
                    weir.drain()
        document = report(weir)
    print_report(document, output)
    for problem in problems:
        notes.print(f"[yellow]problem:[/] {escape(problem)}", highlight=False, soft_wrap=True)
    if problems:
        raise typer.Exit(int(Exit.FINDING))


def accruals(
    data: Data,
    agreement: Annotated[str | None, typer.Option(help="Only this agreement.")] = None,
    period: Annotated[str | None, typer.Option(help="Only this booked period.")] = None,
    output: Output = Form.TABLE,
) -> None:
    """Running accruals by agreement, item and period."""
    with reading(data) as weir:
        accrued = weir.latest(ACCRUALS.name)
        every = period_rows(accrued, weir.book)
        rows = [
            r
            for r in every
            if agreement in (None, r["agreement"]) and period in (None, r["booked"])
        ]
    columns = ("partner", "agreement", "booked", "original", "item", "line", "version", "flow")
    show(output, "Accruals", rows, (*columns, "events", "quantity", "unit", "amount", "currency"))
    if not rows and every:
        agreements = sorted({str(r["agreement"]) for r in every})
        periods = sorted({str(r["booked"]) for r in every if agreement in (None, r["agreement"])})
        known = f"the periods {', '.join(periods)}" if periods else ", ".join(agreements)
        notes.print(f"no such accruals; there are {known}", highlight=False, soft_wrap=True)


def statement_rows(documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A row for each currency of each statement, and one for a statement of nothing."""
    return [
        {**d, **t, "lines": len(d["lines"])} for d in documents for t in d["totals"] or [NO_TOTALS]
    ]


def statements(
    data: Data,
    number: Annotated[str | None, typer.Argument(help="Statement number to show whole.")] = None,
    output: Output = Form.TABLE,
) -> None:
    """Closed periods; with a number the whole document."""
    with reading(data) as weir:
        documents = weir.statements()
    if number is not None:
        for document in documents:
            if document["number"] == number:
                print_json(document)
                return
        raise fail(f"there is no statement {number}; `weir statements` lists them", Exit.FINDING)
    show(output, "Statements", statement_rows(documents), (*StatementColumns, *TotalColumns))


def close(
    data: Data,
    period: Annotated[str, typer.Option(help="Period to close, for instance 2026-11.")],
    agreement: Annotated[
        list[str] | None,
        typer.Option(help="Only these agreements, with or without usage; else all with usage."),
    ] = None,
    output: Output = Form.TABLE,
) -> None:
    """Close a period: its accruals become immutable, numbered statements.

    Usage of the period that arrives later becomes an adjustment in the next one.
    """
    with opened(data) as weir:
        book = weir.engine.accrue_hop.book
        rows = period_rows(weir.latest(ACCRUALS.name), book)
        choice = closable(weir.tables, weir.statements(), rows, period, agreement)
        closed = weir.close_periods(choice.agreements, period) if choice.agreements else []
    for said in choice.remarks:
        notes.print(escape(said), highlight=False, soft_wrap=True)
    if closed or output is not Form.TABLE:
        show(output, "Closed", statement_rows(closed), (*StatementColumns, *TotalColumns))
    if not closed:
        raise fail(f"nothing was closed: {choice.hint}", Exit.FINDING)


def explain(
    event: Annotated[str, typer.Argument(help="source/epoch/sequence, or source//event-id.")],
    data: Data,
    output: Output = Form.TABLE,
) -> None:
    """One event's way, from the bytes that came in to the line of a statement.

    Example: weir explain mediation-00/0/2051 --data ./data
    """
    try:
        name = EventName.parse(event)
    except ValueError as error:
        raise fail(str(error)) from error
    with reading(data) as weir, notes.status("looking through the log"):
        document = explain_event(weir, name)
    if document is None:
        msg = f"{event} never came; check source, epoch and number (`source//id` for an event id)"
        raise fail(msg, Exit.FINDING)
    if output is Form.JSON:
        print_json(document)
    elif output is Form.CSV:
        said = [{"step": what, "text": text} for what, text in steps(document)]
        show(output, "Explanation", said, ("step", "text"))
    else:
        print_explanation(document, screen())


def verify(data: Data, output: Output = Form.TABLE) -> None:
    """Settle the raw usage again, independently, and compare everything; exit 1 on a difference."""
    with reading(data) as weir, notes.status("settling all usage once more, another way"):
        verdict = verify_log(
            weir.snapshot,
            kept_references(data),
            current_reference(data).name,
            weir.store.partitions(USAGE.name),
            weir.store.partitions(ACCRUALS.name),
        )
    print_verdict(verdict, output)
    if verdict.differences:
        raise typer.Exit(int(Exit.FINDING))


def print_verdict(verdict: Verdict, form: Form) -> None:
    """What was compared and what differs."""
    if form is Form.JSON:
        print_json(
            {
                "events": verdict.events,
                "outcomes": dict(verdict.outcomes),
                "accrual_rows": verdict.accrual_rows,
                "statements": verdict.statements,
                "references": list(verdict.references),
                "differences": list(verdict.differences),
            }
        )
        return
    if form is Form.CSV:
        show(form, "", [{"difference": line} for line in verdict.differences], ("difference",))
        return
    count = len(verdict.differences)
    for line in verdict.differences:
        typer.echo(f"difference: {line}")
    typer.echo(
        f"{verdict.events:,} events, {verdict.accrual_rows:,} accrual rows and "
        f"{verdict.statements} statements recomputed: {count} difference{'s' * (count != 1)}"
    )


suspense_app = typer.Typer(help="Usage that could not be rated yet.", no_args_is_help=True)
quarantine_app = typer.Typer(help="Records that are not usage.", no_args_is_help=True)
state_app = typer.Typer(help="The state that was settled to.", no_args_is_help=True)


@suspense_app.command("list")
def suspense_list(data: Data, output: Output = Form.TABLE) -> None:
    """Suspended usage with its reason and what reference lacks."""
    with reading(data) as weir:
        rows = [codec("suspense.avsc").decode(v) for _, _, v in weir.latest(SUSPENSE.name)]
    for row in rows:
        row["started_at"] = instant(row["started_at"])
    columns = ("suspense_id", "reason", "missing", "service", "started_at")
    show(output, "Suspense", rows, (*columns, "partition", "offset", "row"))


def instant(moment: datetime) -> str:
    """An instant as it is written in files."""
    return moment.isoformat().replace("+00:00", "Z")


@suspense_app.command("recycle")
def suspense_recycle(
    data: Data,
    reference: Annotated[Path | None, typer.Option(help="The mended reference.")] = None,
    output: Output = Form.TABLE,
) -> None:
    """Try suspended usage again, with the reference as it is now."""
    with opened(data, reference) as weir:
        before = len(weir.latest(SUSPENSE.name))
        tried = weir.recycle()
        waiting = len(weir.latest(SUSPENSE.name))
        document = report(weir)
    left = f"{waiting} still wait" if waiting else "none waits any more"
    said = f"{tried} suspended events tried again: {before - waiting} settled, {left}"
    notes.print(said if before else "nothing is suspended", highlight=False)
    if tried and before == waiting:
        notes.print("`weir suspense list` says what is missing in the reference", highlight=False)
    print_report(document, output)


@quarantine_app.command("list")
def quarantine_list(data: Data, output: Output = Form.TABLE) -> None:
    """Quarantined records with reason and position."""
    with reading(data) as weir:
        rows = [codec("quarantine.avsc").decode(v) for _, _, v in weir.latest(QUARANTINE.name)]
    columns = ("topic", "partition", "offset", "row", "reason", "source", "detail")
    show(output, "Quarantine", rows, columns)


@quarantine_app.command("replay")
def quarantine_replay(data: Data, output: Output = Form.TABLE) -> None:
    """Send quarantined records again, as they came."""
    with opened(data) as weir:
        sent = weir.replay()
        document = report(weir)
    said = f"{sent} quarantined records sent again" if sent else "nothing is quarantined"
    notes.print(said, highlight=False)
    print_report(document, output)


@state_app.command("hash")
def state_hash_command(data: Data) -> None:
    """A digest of all accruals: equal exactly when every figure is; positions do not count."""
    with reading(data) as weir:
        typer.echo(logged_state_hash(value for _, _, value in weir.latest(ACCRUALS.name)))
