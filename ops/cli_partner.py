"""Commands that show what masters told: a partner with its stages, and the history of a thing."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from ops.cli_data import Output
from ops.given import given
from ops.output import Form, fail, print_json, screen, show
from ops.place import Brokers, Data, Place, Reference, reading
from ops.reading import NoReferenceError, Topics
from schemas.topics import REFERENCE
from state.entities import FOREVER_US, Entities
from streams.control.changes import Change
from streams.control.derived import Known
from streams.control.describing import describe
from streams.control.times import parse_time

reference_app = typer.Typer(help="What masters told, and when.", no_args_is_help=True)

PARTS = {
    "stages": ("stage", "state", "since", "detail"),
    "parents": ("organization", "name", "since"),
    "roles": ("role", "name", "status", "since", "valid_from", "valid_upto"),
    "agreements": ("agreement", "id", "status", "taken", "versions", "valid_from", "valid_upto"),
    "keys": ("kind", "key", "agreement", "valid_from", "valid_upto"),
    "findings": ("kind", "id", "reason", "detail"),
}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def partner(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The partner: the id of its party.")],
    at: Annotated[str, typer.Option("--at", help="As of this moment; now by default.")] = "",
    data: Data = None,
    brokers: Brokers = None,
    reference: Reference = None,
    output: Output = Form.TABLE,
) -> None:
    """Stages, parents, roles, agreements, keys and findings of a partner that masters told of.

    As CSV only the stages are printed.
    """
    at_us = _time(at) if at else time.time_ns() // 1_000
    with reading(Place.of(context, data, brokers, reference)) as weir:
        entities, files = entities_of(weir), files_of(weir)
    try:
        told = describe(entities, name, at_us, files)
    except KeyError as error:
        msg = f"no master has told of a partner {name!r}: it needs an agreement or a role"
        raise fail(msg) from error
    if output is Form.JSON:
        print_json(told)
    elif output is Form.CSV:
        show(output, "Stages", told["stages"], PARTS["stages"])
    else:
        _print(told)


def _print(told: Mapping[str, Any]) -> None:
    """A partner as tables for people."""
    words = [told["partner"], told["name"], told["country"], "for tests" if told["test"] else None]
    title = ", ".join(str(word) for word in words if word)
    screen().print(title, highlight=False, markup=False)
    for part, columns in PARTS.items():
        show(Form.TABLE, part.capitalize(), told[part], columns)


@reference_app.command()
def history(
    context: typer.Context,
    kind: Annotated[str, typer.Argument(help="The resource, as organization or productOrder.")],
    name: Annotated[str, typer.Argument(metavar="ID", help="Its id.")],
    known: Annotated[str, typer.Option("--known", help="As it was known at this moment.")] = "",
    data: Data = None,
    brokers: Brokers = None,
    reference: Reference = None,
    output: Output = Form.TABLE,
) -> None:
    """The versions of one thing: what it was from when to when, and how that came to be known."""
    known_us = _time(known) if known else None
    with reading(Place.of(context, data, brokers, reference)) as weir:
        entities, _ = entities_of(weir).of_record()
    if name not in entities.ids(kind):
        kinds = ", ".join(entities.kinds()) or "nothing"
        raise fail(f"no master has told of {kind} {name!r}; something is known of: {kinds}")
    rows = [
        {
            "from": _instant(version.from_us),
            "upto": "" if version.upto_us == FOREVER_US else _instant(version.upto_us),
            "form": version.change.form.value,
            "known": _instant(version.change.known_us),
            "source": version.change.source,
            "position": version.change.position,
            "complete": "yes" if version.is_complete else "no",
            "attributes": version.attributes
            if output is Form.JSON
            else json.dumps(version.attributes, ensure_ascii=False, sort_keys=True),
        }
        for version in entities.history(kind, name, known_us)
    ]
    columns = ("from", "upto", "form", "known", "source", "position", "complete", "attributes")
    show(output, f"{kind} {name}", rows, columns)


def entities_of(weir: Topics) -> Entities:
    """All things that masters told about."""
    found = Entities()
    for _, _, value in weir.latest(REFERENCE.name):
        found.add(Change.from_bytes(value))
    return found


def files_of(weir: Topics) -> Known:
    """What the operator's files give; nothing where there are none yet."""
    try:
        return given(weir.reference_of(weir.newest_reference()))
    except NoReferenceError:
        return Known()


def _time(text: str) -> int:
    """The microseconds of a time that was typed."""
    try:
        return parse_time(text)
    except ValueError as error:
        raise fail(str(error)) from error


def _instant(us: int) -> str:
    """An instant, to the microsecond where it has any."""
    return (EPOCH + timedelta(microseconds=us)).isoformat().replace("+00:00", "Z")
