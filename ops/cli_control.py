"""Commands of the control plane: send what a master tells; list what was refused, try it again."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ops.change import notifications_in
from ops.cli_data import Output
from ops.cli_mend import instant
from ops.output import Exit, Form, fail, notes, show
from ops.place import Brokers, Data, Place, Reference, asking, reading
from schemas.topics import AGREEMENT, CATALOG, EXCEPTIONS, INVENTORY, ORDER, PARTY, TICKET
from streams.control.changes import Refusal
from streams.control.taking import REFUSED, RESULTS

change_app = typer.Typer(help="What masters of parties and contracts tell.", no_args_is_help=True)
exceptions_app = typer.Typer(help="Notifications that were not taken.", no_args_is_help=True)

STDIN = Path("-")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Stream(StrEnum):
    """Which master speaks; each has a topic."""

    PARTY = "party"
    CATALOG = "catalog"
    AGREEMENT = "agreement"
    ORDER = "order"
    INVENTORY = "inventory"
    TICKET = "ticket"


TOPICS = {
    Stream.PARTY: PARTY,
    Stream.CATALOG: CATALOG,
    Stream.AGREEMENT: AGREEMENT,
    Stream.ORDER: ORDER,
    Stream.INVENTORY: INVENTORY,
    Stream.TICKET: TICKET,
}


@change_app.command("send")
def change_send(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="JSON Lines or a JSON array; - for standard input.")],
    stream: Annotated[Stream, typer.Option(help="Which master speaks.")],
    data: Data = None,
    brokers: Brokers = None,
    reference: Reference = None,
    output: Output = Form.TABLE,
) -> None:
    """Send TM Forum notifications as a master would.

    In a data directory they are taken at once; exit 1 says that some were refused. On Kafka
    `weir worker control` takes them.

    Example: weir change send parties.jsonl --stream party --data ./data
    """
    try:
        content = sys.stdin.buffer.read() if file == STDIN else file.read_bytes()
    except OSError as error:
        raise fail(f"{file}: {error.strerror}") from error
    notifications = notifications_in(content)
    topic = TOPICS[stream].name
    place = Place.of(context, data, brokers, reference)
    with asking(place, renewing=True, pricing=False) as weir:
        results = weir.notify(topic, notifications) if notifications else {}
    _report(output, topic, len(notifications), results)


def _report(output: Form, topic: str, sent: int, results: Mapping[str, int] | None) -> None:
    """What was sent and what became of it; ends the command with 1 when something was refused."""
    if results is None:
        show(output, "Sent", [{"topic": topic, "sent": sent}], ("topic", "sent"))
        notes.print(
            "`weir worker control` takes them; `weir exceptions list` says what was refused"
        )
        return
    row = {"topic": topic, "sent": sent, **{result: results.get(result, 0) for result in RESULTS}}
    show(output, "Sent", [row], ("topic", "sent", *RESULTS))
    if results.get(REFUSED):
        notes.print("`weir exceptions list` says why some were refused", highlight=False)
        raise typer.Exit(int(Exit.FINDING))


@exceptions_app.command("list")
def exceptions_list(
    context: typer.Context,
    data: Data = None,
    brokers: Brokers = None,
    reference: Reference = None,
    output: Output = Form.TABLE,
) -> None:
    """Notifications that were not taken: where each stands, why, and since when it is known."""
    with reading(Place.of(context, data, brokers, reference)) as weir:
        refusals = [Refusal.from_bytes(value) for _, _, value in weir.latest(EXCEPTIONS.name)]
    rows = [
        {
            "position": refusal.position,
            "reason": refusal.reason,
            "detail": refusal.detail,
            "known": instant(EPOCH + timedelta(microseconds=refusal.known_us)),
        }
        for refusal in refusals
    ]
    show(output, "Exceptions", rows, ("position", "reason", "detail", "known"))


@exceptions_app.command("replay")
def exceptions_replay(
    context: typer.Context,
    position: Annotated[str | None, typer.Argument(help="Of one; all by default.")] = None,
    data: Data = None,
    brokers: Brokers = None,
    reference: Reference = None,
    output: Output = Form.TABLE,
) -> None:
    """Send refused notifications again, as they came; one that can be read now is closed."""
    place = Place.of(context, data, brokers, reference)
    with asking(place, pricing=False) as weir:
        waiting = weir.exceptions()
        if position is not None and position not in {r.position for r in waiting}:
            raise fail(
                f"no exception is open at {position}; see `weir exceptions list`", Exit.FINDING
            )
        sent = weir.replay_exceptions(position)
        left = None if place.data is None else len(weir.exceptions())
    row = {"sent": sent, "closed": None if left is None else len(waiting) - left, "open": left}
    show(output, "Replayed", [row], ("sent", "closed", "open"))
    if left is None:
        notes.print("`weir worker control` takes them; `weir exceptions list` says what is left")
