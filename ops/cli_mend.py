"""Commands that mend: what waits in suspense or was refused, listed and tried again.

And the digest of all figures, which says whether two settlements came to the same.
"""

from __future__ import annotations

from datetime import datetime

import typer

from ops.asking import Desk
from ops.cli_data import Output, print_report, report
from ops.deployed import WAIT_SECONDS
from ops.output import Exit, Form, fail, notes, show
from ops.place import Brokers, Data, Place, Reference, Wait, asking, reading
from ops.state_hash import logged_state_hash
from schemas.records import codec
from schemas.topics import ACCRUALS, QUARANTINE, SUSPENSE

suspense_app = typer.Typer(help="Usage that could not be rated yet.", no_args_is_help=True)
quarantine_app = typer.Typer(help="Records that are not usage.", no_args_is_help=True)
state_app = typer.Typer(help="The state that was settled to.", no_args_is_help=True)


@suspense_app.command("list")
def suspense_list(
    context: typer.Context,
    data: Data = None,
    brokers: Brokers = None,
    reference: Reference = None,
    output: Output = Form.TABLE,
) -> None:
    """Suspended usage with its reason and what reference lacks."""
    with reading(Place.of(context, data, brokers, reference)) as weir:
        rows = [codec("suspense.avsc").decode(v) for _, _, v in weir.latest(SUSPENSE.name)]
    for row in rows:
        row["started_at"] = instant(row["started_at"])
    columns = ("suspense_id", "reason", "missing", "service", "started_at")
    show(output, "Suspense", rows, (*columns, "partition", "offset", "row"))


def refuse_unanswered(weir: Desk) -> None:
    """End the command when no worker has carried out what was asked: there is nothing to show."""
    if weir.unanswered:
        raise fail(weir.unanswered, Exit.FINDING)


def instant(moment: datetime) -> str:
    """An instant as it is written in files."""
    return moment.isoformat().replace("+00:00", "Z")


@suspense_app.command("recycle")
def suspense_recycle(
    context: typer.Context,
    data: Data = None,
    brokers: Brokers = None,
    reference: Reference = None,
    wait: Wait = WAIT_SECONDS,
    output: Output = Form.TABLE,
) -> None:
    """Try suspended usage again, with the reference as it is now.

    In a data directory `--reference` is the mended one, in force from then on. What a mended
    reference settles is tried by itself, here as on Kafka; this tries all the rest, too.
    """
    place = Place.of(context, data, brokers, reference, wait)
    with asking(place, renewing=True) as weir:
        before = len(weir.latest(SUSPENSE.name)) + weir.resettled
        tried = weir.recycle() + weir.resettled
        refuse_unanswered(weir)
        waiting = len(weir.latest(SUSPENSE.name))
        document = report(weir)
    left = f"{waiting} still wait" if waiting else "none waits any more"
    said = f"{tried} suspended events tried again: {before - waiting} settled, {left}"
    notes.print(said if before else "nothing is suspended", highlight=False)
    if tried and before == waiting:
        notes.print("`weir suspense list` says what is missing in the reference", highlight=False)
    print_report(document, output)


@quarantine_app.command("list")
def quarantine_list(
    context: typer.Context,
    data: Data = None,
    brokers: Brokers = None,
    reference: Reference = None,
    output: Output = Form.TABLE,
) -> None:
    """Quarantined records with reason and position."""
    with reading(Place.of(context, data, brokers, reference)) as weir:
        rows = [codec("quarantine.avsc").decode(v) for _, _, v in weir.latest(QUARANTINE.name)]
    columns = ("topic", "partition", "offset", "row", "reason", "source", "detail")
    show(output, "Quarantine", rows, columns)


@quarantine_app.command("replay")
def quarantine_replay(
    context: typer.Context,
    data: Data = None,
    brokers: Brokers = None,
    reference: Reference = None,
    wait: Wait = WAIT_SECONDS,
    output: Output = Form.TABLE,
) -> None:
    """Send quarantined records again, as they came."""
    with asking(Place.of(context, data, brokers, reference, wait)) as weir:
        sent = weir.replay()
        refuse_unanswered(weir)
        document = report(weir)
    said = f"{sent} quarantined records sent again" if sent else "nothing is quarantined"
    notes.print(said, highlight=False)
    print_report(document, output)


@state_app.command("hash")
def state_hash_command(
    context: typer.Context,
    data: Data = None,
    brokers: Brokers = None,
    reference: Reference = None,
) -> None:
    """A digest of all accruals: equal exactly when every figure is; positions do not count."""
    with reading(Place.of(context, data, brokers, reference)) as weir:
        typer.echo(logged_state_hash(value for _, _, value in weir.latest(ACCRUALS.name)))
