"""`weir declare`: what a partner says of a period, beside what we say."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ops.declare import NotDeclarableError, beside_ours, figure_text
from ops.deployed import WAIT_SECONDS
from ops.output import Exit, Form, fail, print_json, show
from ops.place import Brokers, Data, Place, Reference, Wait, asking
from streams.facts import Which

Output = Annotated[Form, typer.Option("-o", "--output", help="Form of the results.")]
COLUMNS = (
    *("agreement", "item", "original_period", "figure", "unit", "version"),
    *("own", "declared", "difference", "result", "shown_in"),
)


def declare(  # noqa: PLR0913, PLR0917 - an argument for each option
    context: typer.Context,
    agreement: Annotated[str, typer.Argument(help="The agreement.")],
    period: Annotated[str, typer.Argument(help="The period of the usage, as in 2026-11.")],
    item: Annotated[str, typer.Argument(help="The item or deal that the figure is of.")],
    quantity: Annotated[
        str | None, typer.Option(help="A quantity, in the unit of the line.")
    ] = None,
    amount: Annotated[str | None, typer.Option(help="Money, in the agreement's currency.")] = None,
    per: Annotated[
        str | None, typer.Option(help="Count the quantity per minute, gigabyte.")
    ] = None,
    version: Annotated[
        int | None, typer.Option(help="The highest counts; by default one more than is known.")
    ] = None,
    data: Data = None,
    brokers: Brokers = None,
    reference: Reference = None,
    wait: Wait = WAIT_SECONDS,
    output: Output = Form.TABLE,
) -> None:
    """Declare a partner's figure: it is shown beside ours, and changes no figure of ours.

    Example: weir declare ALFA-1 2026-11 voice-in --quantity 900000 --per minute --data ./data
    """
    given = {"quantity": quantity, "amount": amount}
    said = [(name, text) for name, text in given.items() if text is not None]
    if len(said) != 1:
        raise fail("say one figure: --quantity Q or --amount A")
    [(figure, text)] = said
    which = Which(agreement, period, item, figure)
    with asking(Place.of(context, data, brokers, reference, wait)) as weir:
        try:
            value = figure_text(weir.book, which, text, per)
        except NotDeclarableError as error:
            raise fail(str(error)) from error
        reason = weir.declare(which, value, version)
        if reason is not None:
            raise fail(f"refused: {reason}", Exit.FINDING)
        if weir.unanswered:
            raise fail(weir.unanswered, Exit.FINDING)
        print_compared(beside_ours(weir, weir.facts(), which), output)


def print_compared(document: dict[str, Any], form: Form) -> None:
    """A figure beside ours."""
    if form is Form.JSON:
        print_json(document)
    else:
        show(form, "Declared", [{"result": "", **document}], COLUMNS)
