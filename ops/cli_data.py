"""Commands on a data directory: settle files, look at figures, close, explain, verify, mend."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from ops.embedded import Embedded, NoReferenceError, current_reference
from ops.explain import EventName, accrual_of, appearances, kept, leg, statement_lines
from ops.figures import by_agreement, period_rows
from ops.output import Exit, Form, fail, notes, print_json, show
from ops.state_hash import state_hash
from ops.verify import verify as verify_log
from schemas.records import codec
from schemas.reference import ReferenceError
from schemas.topics import ACCRUALS, QUARANTINE, SUSPENSE, USAGE
from state.archive import Archive
from streams.files import UsageFileError
from streams.local import LocalStore
from streams.local_database import DirectoryError
from streams.log import Segment

Data = Annotated[Path, typer.Option("--data", help="Data directory.", envvar="WEIR_DATA")]
Output = Annotated[Form, typer.Option("-o", "--output", help="Form of the results.")]
AmountColumns = ("partner", "model", "agreement", "currency", "flow", "amount")
OutcomeColumns = ("outcome", "reason", "events")


def opened(data: Path, reference: Path | None = None) -> Embedded:
    """A data directory for writing, or a plain message about why not."""
    try:
        return Embedded(data, reference)
    except (ReferenceError, NoReferenceError, DirectoryError) as error:
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
        notes.print(f"[yellow]problem:[/] {problem}", highlight=False, soft_wrap=True)
    if problems:
        raise typer.Exit(int(Exit.FINDING))


def accruals(
    data: Data,
    agreement: Annotated[str | None, typer.Option(help="Only this agreement.")] = None,
    period: Annotated[str | None, typer.Option(help="Only this booked period.")] = None,
    output: Output = Form.TABLE,
) -> None:
    """Running accruals by agreement, item and period."""
    with opened(data) as weir:
        rows = [
            r
            for r in period_rows(weir.latest(ACCRUALS.name), weir.engine.accrue_hop.book)
            if agreement in (None, r["agreement"]) and period in (None, r["booked"])
        ]
    columns = ("partner", "agreement", "booked", "original", "item", "line", "version", "flow")
    show(output, "Accruals", rows, (*columns, "events", "quantity", "unit", "amount", "currency"))


def statements(
    data: Data,
    number: Annotated[str | None, typer.Argument(help="Statement number to show whole.")] = None,
    output: Output = Form.TABLE,
) -> None:
    """Closed periods; with a number the whole document."""
    with opened(data) as weir:
        documents = weir.statements()
    if number is not None:
        for document in documents:
            if document["number"] == number:
                print_json(document)
                return
        raise fail(f"there is no statement {number}; `weir statements` lists them", Exit.FINDING)
    rows = [
        {**d, **t, "lines": len(d["lines"])}
        for d in documents
        for t in d["totals"] or [{"currency": "", "receivable": "", "payable": "", "net": ""}]
    ]
    columns = ("number", "partner", "period", "lines", "currency", "receivable", "payable", "net")
    show(output, "Statements", rows, columns)


def close(
    data: Data,
    period: Annotated[str, typer.Option(help="Period to close, for instance 2026-11.")],
    agreement: Annotated[
        list[str] | None, typer.Option(help="Only these agreements; all by default.")
    ] = None,
    output: Output = Form.TABLE,
) -> None:
    """Close a period: its accruals become immutable, numbered statements.

    Usage of the period that arrives later becomes an adjustment in the next one.
    """
    with opened(data) as weir:
        names = [a.name for a in weir.tables.agreements]
        for name in agreement or names:
            if name not in names:
                raise fail(f"there is no agreement {name} in the reference")
        closed = weir.close_periods(agreement or names, period)
    if not closed:
        raise fail(f"{period} is no period of these agreements, or was closed before", Exit.FINDING)
    columns = ("number", "partner", "period", "currency", "receivable", "payable", "net")
    show(output, "Closed", [{**d, **t} for d in closed for t in d["totals"]], columns)


def explain(
    event: Annotated[str, typer.Argument(help="source/epoch/sequence, or source//event-id.")],
    data: Data,
    output: Output = Form.JSON,
) -> None:
    """One event's way, from the bytes that came in to the line of a statement."""
    try:
        name = EventName.parse(event)
    except ValueError as error:
        raise fail(str(error)) from error
    with opened(data) as weir:
        weir.project()
        partitions = weir.store.partitions(USAGE.name)
        came = list(appearances(weir.read(USAGE.name), name, partitions))
        records = [(t, v) for t in (SUSPENSE.name, QUARANTINE.name) for _, _, v in weir.latest(t)]
        waiting = kept(records, name)
        rated = Archive(data / "archive").find(*vars_of(name))
        book = weir.engine.accrue_hop.book
        running = period_rows(weir.latest(ACCRUALS.name), book)
        documents = weir.statements()
        legs = [
            {
                **leg(row, weir.tables, book),
                "accrual": accrual_of(row, running),
                "statement_lines": statement_lines(row, documents),
            }
            for row in rated
        ]
    if not came:
        raise fail(f"{event} never came", Exit.FINDING)
    first = "taken in" if legs or waiting else "excluded: test or retail traffic"
    duplicate_check = (
        f"{first}; {len(came) - 1} later appearance(s) counted as duplicates or conflicts"
    )
    print_json(
        {
            "event": event,
            "source": came,
            "duplicate_check": duplicate_check,
            "not_rated": waiting,
            "legs": legs,
        }
    )
    _ = output


def vars_of(name: EventName) -> tuple[str, int, int | None, str | None]:
    """The parts of an event's name."""
    return name.source, name.epoch, name.sequence, name.event_id


def verify(data: Data, output: Output = Form.TABLE) -> None:
    """Settle the raw usage again, independently, and compare everything; exit 1 on a difference."""
    try:
        reference = current_reference(data)
        store = LocalStore(data / "log", read_only=True)
    except (NoReferenceError, DirectoryError) as error:
        raise fail(str(error)) from error
    with store:
        verdict = verify_log(lambda t: read_all(store, t), reference, store.partitions(USAGE.name))
    document = {
        "events": verdict.events,
        "outcomes": dict(verdict.outcomes),
        "accrual_rows": verdict.accrual_rows,
        "statements": verdict.statements,
        "differences": list(verdict.differences),
    }
    if output is Form.TABLE:
        for line in verdict.differences:
            typer.echo(f"difference: {line}")
        typer.echo(
            f"{verdict.events:,} events, {verdict.accrual_rows:,} accrual rows and "
            f"{verdict.statements} statements recomputed: {len(verdict.differences)} differences"
        )
    else:
        print_json(document)
    if verdict.differences:
        raise typer.Exit(int(Exit.FINDING))


def read_all(store: LocalStore, topic: str) -> Iterator[Segment]:
    """A topic from its beginning to its end."""
    reader = store.tail([topic])
    while segments := reader.read(10_000, 0):
        yield from segments
    reader.close()


suspense_app = typer.Typer(help="Usage that could not be rated yet.", no_args_is_help=True)
quarantine_app = typer.Typer(help="Records that are not usage.", no_args_is_help=True)
state_app = typer.Typer(help="The state that was settled to.", no_args_is_help=True)


@suspense_app.command("list")
def suspense_list(data: Data, output: Output = Form.TABLE) -> None:
    """Suspended usage with its reason and what reference lacks."""
    with opened(data) as weir:
        rows = [codec("suspense.avsc").decode(v) for _, _, v in weir.latest(SUSPENSE.name)]
    columns = (
        "suspense_id",
        "reason",
        "missing",
        "service",
        "started_at",
        "partition",
        "offset",
        "row",
    )
    show(output, "Suspense", rows, columns)


@suspense_app.command("recycle")
def suspense_recycle(
    data: Data,
    reference: Annotated[Path | None, typer.Option(help="The mended reference.")] = None,
    output: Output = Form.TABLE,
) -> None:
    """Try suspended usage again, with the reference as it is now."""
    with opened(data, reference) as weir:
        tried = weir.recycle()
        document = report(weir)
    notes.print(f"{tried} suspended events tried again")
    print_report(document, output)


@quarantine_app.command("list")
def quarantine_list(data: Data, output: Output = Form.TABLE) -> None:
    """Quarantined records with reason and position."""
    with opened(data) as weir:
        rows = [codec("quarantine.avsc").decode(v) for _, _, v in weir.latest(QUARANTINE.name)]
    columns = ("topic", "partition", "offset", "row", "reason", "source", "detail")
    show(output, "Quarantine", rows, columns)


@quarantine_app.command("replay")
def quarantine_replay(data: Data, output: Output = Form.TABLE) -> None:
    """Send quarantined records again, as they came."""
    with opened(data) as weir:
        sent = weir.replay()
        document = report(weir)
    notes.print(f"{sent} quarantined records sent again")
    print_report(document, output)


@state_app.command("hash")
def state_hash_command(data: Data) -> None:
    """A digest of all accruals: equal exactly when every figure is; positions do not count."""
    with opened(data) as weir:
        typer.echo(state_hash(weir.engine.accrue_hop))
