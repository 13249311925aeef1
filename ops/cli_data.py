"""Commands on a settlement: settle files, look at figures, close, explain, verify.

All but `settle` work on a data directory and on Kafka alike (`ops/place.py`). What only looks works
beside the processes that settle.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from ops.asking import Desk
from ops.close import closable, joined
from ops.deployed import WAIT_SECONDS
from ops.embedded import Embedded
from ops.explain import explain as explain_event
from ops.explain_event import EventName
from ops.explain_line import LineName, explain_line, line_steps
from ops.explain_text import Step, print_steps, steps
from ops.figures import by_agreement, paid, paid_columns, period_rows
from ops.output import Exit, Form, fail, notes, print_json, screen, show
from ops.place import Brokers, Data, Place, Reference, Wait, asking, explained, reading
from ops.reading import Topics
from ops.verify import Verdict
from ops.verify import verify as verify_log
from schemas.topics import ACCRUALS, USAGE
from streams.files import UsageFileError

Output = Annotated[Form, typer.Option("-o", "--output", help="Form of the results.")]
AmountColumns = ("partner", "model", "agreement", "currency", "flow", "amount")
References = Annotated[
    list[Path] | None,
    typer.Option(
        "--reference",
        help="On Kafka: what was settled by; once for each, the newest last.",
        envvar="WEIR_REFERENCE",
    ),
]
OutcomeColumns = ("outcome", "reason", "events")
StatementColumns = ("number", "partner", "period", "lines", "currency")
TotalColumns = ("receivable", "payable", "net")
NO_TOTALS = {"currency": "", "receivable": "", "payable": "", "net": ""}


def outcome_rows(weir: Topics) -> list[dict[str, Any]]:
    """Outcome counts as rows."""
    return [{"outcome": o, "reason": r, "events": n} for (o, r), n in weir.outcomes().items()]


def report(weir: Topics) -> dict[str, Any]:
    """Outcomes and amounts as one document."""
    rows = period_rows(weir.latest(ACCRUALS.name), weir.book)
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
    data: Annotated[Path, typer.Option("--data", help="Data directory.", envvar="WEIR_DATA")],
    more: Annotated[list[Path] | None, typer.Argument(help="Further usage files.")] = None,
    output: Output = Form.TABLE,
) -> None:
    """Settle usage files: every record accounted for, accruals to the last decimal.

    Example: weir settle --reference ref --usage calls.avro sms.csv --data ./data
    """
    problems: list[str] = []
    with explained(), Embedded(data, reference) as weir:
        columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        with Progress(*columns, console=notes, transient=True) as progress:
            for path in [*usage, *(more or ())]:
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
    context: typer.Context,
    data: Data = None,
    brokers: Brokers = None,
    reference: Reference = None,
    agreement: Annotated[str | None, typer.Option(help="Only this agreement.")] = None,
    period: Annotated[str | None, typer.Option(help="Only this booked period.")] = None,
    output: Output = Form.TABLE,
) -> None:
    """Running accruals by agreement, item and period."""
    with reading(Place.of(context, data, brokers, reference)) as weir:
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
        {**d, **t, **paid(t), "lines": len(d["lines"])}
        for d in documents
        for t in d["totals"] or [NO_TOTALS]
    ]


def statements(
    context: typer.Context,
    number: Annotated[str | None, typer.Argument(help="Statement number to show whole.")] = None,
    data: Data = None,
    brokers: Brokers = None,
    reference: Reference = None,
    output: Output = Form.TABLE,
) -> None:
    """Closed periods; with a number the whole document."""
    with reading(Place.of(context, data, brokers, reference)) as weir:
        documents = weir.statements()
    if number is not None:
        for document in documents:
            if document["number"] == number:
                print_json(document)
                return
        raise fail(f"there is no statement {number}; `weir statements` lists them", Exit.FINDING)
    rows = statement_rows(documents)
    show(output, "Statements", rows, (*StatementColumns, *TotalColumns, *paid_columns(rows)))


def close(
    context: typer.Context,
    period: Annotated[str, typer.Option(help="Period to close, for instance 2026-11.")],
    agreement: Annotated[
        list[str] | None,
        typer.Option(help="Only these agreements, with or without usage; else all with usage."),
    ] = None,
    data: Data = None,
    brokers: Brokers = None,
    reference: Reference = None,
    wait: Wait = WAIT_SECONDS,
    output: Output = Form.TABLE,
) -> None:
    """Close a period: its accruals become immutable, numbered statements.

    Usage of the period that arrives later becomes an adjustment in the next one.
    """
    with asking(Place.of(context, data, brokers, reference, wait)) as weir:
        rows = period_rows(weir.latest(ACCRUALS.name), weir.book)
        choice = closable(weir.tables, weir.statements(), rows, period, agreement)
        closed = weir.close_periods(choice.agreements, period) if choice.agreements else []
        remarks = [*choice.remarks, *_unmade(weir, choice.agreements, period, closed)]
        remarks += joined(choice, closed, weir.book.group)
        remarks += [f"{d['number']}: {why}" for d in closed for why in d.get("provisional", ())]
    for said in remarks:
        notes.print(escape(said), highlight=False, soft_wrap=True)
    if closed or output is not Form.TABLE:
        rows = statement_rows(closed)
        show(output, "Closed", rows, (*StatementColumns, *TotalColumns, *paid_columns(rows)))
    if weir.unanswered:
        raise fail(weir.unanswered, Exit.FINDING)
    if not closed:
        raise fail(f"nothing was closed: {choice.hint}", Exit.FINDING)


def _unmade(
    weir: Desk, agreements: Sequence[str], period: str, closed: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    """Why closes that were carried out made no statement."""
    made = {d["agreement"] for d in closed}
    for name in agreements if not weir.unanswered else ():
        if name not in made and (reason := weir.refusal(name, period)) is not None:
            yield f"{name}: refused by the worker, whose reference may be another one: {reason}"


def explain(
    context: typer.Context,
    event: Annotated[
        str | None, typer.Argument(help="source/epoch/sequence, or source//event-id.")
    ] = None,
    line: Annotated[
        tuple[str, str, str], typer.Option(help="AGREEMENT ITEM PERIOD: a line, not an event.")
    ] = ("", "", ""),
    data: Data = None,
    brokers: Brokers = None,
    reference: Reference = None,
    output: Output = Form.TABLE,
) -> None:
    """One event's way, from the bytes that came in to a statement; or what makes a line.

    Example: weir explain mediation-00/0/2051 --data ./data

    Example: weir explain --line ALFA-1 voice-in 2026-11 --data ./data
    """
    place = Place.of(context, data, brokers, reference)
    if (event is None) is not any(line):
        raise fail("say one thing: an event, or --line AGREEMENT ITEM PERIOD")
    if event is None:
        _explain_line(place, LineName(*line), output)
        return
    try:
        name = EventName.parse(event)
    except ValueError as error:
        raise fail(str(error)) from error
    with reading(place) as weir, notes.status("looking through the log"):
        document = explain_event(weir, name)
    if document is None:
        msg = f"{event} never came; check source, epoch and number (`source//id` for an event id)"
        raise fail(msg, Exit.FINDING)
    print_steps_of(document, list(steps(document)), output)


def _explain_line(place: Place, name: LineName, output: Form) -> None:
    """What the lines of an item in a period are made of."""
    with reading(place) as weir:
        document = explain_line(weir, name)
    if document is None:
        agreement, item, period = name
        msg = f"{agreement} has no line {item} in {period}; `weir accruals` lists what it has"
        raise fail(msg, Exit.FINDING)
    print_steps_of(document, list(line_steps(document)), output)


def print_steps_of(document: dict[str, Any], said: Sequence[Step], form: Form) -> None:
    """An explanation: the whole document, or its steps."""
    if form is Form.JSON:
        print_json(document)
    elif form is Form.CSV:
        rows = [{"step": what, "text": text} for what, text in said]
        show(form, "Explanation", rows, ("step", "text"))
    else:
        print_steps(said, screen())


def verify(
    context: typer.Context,
    data: Data = None,
    brokers: Brokers = None,
    reference: References = None,
    output: Output = Form.TABLE,
) -> None:
    """Settle the raw usage again, independently, and compare everything; exit 1 on a difference.

    On Kafka give every reference that was settled by, the newest last.
    """
    place = Place.of(context, data, brokers, reference)
    with reading(place) as weir, notes.status("settling all usage once more, another way"):
        verdict = verify_log(
            weir.snapshot,
            weir.reference_of,
            weir.newest_reference(),
            weir.partitions(USAGE.name),
            weir.partitions(ACCRUALS.name),
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
