"""`weir`: everything a user does, in one command line."""

from __future__ import annotations

import typer

from ops import (
    cli_amend,
    cli_control,
    cli_data,
    cli_deck,
    cli_declare,
    cli_mend,
    cli_partner,
    cli_price,
    cli_run,
)
from ops.bench.cli import bench_app

app = typer.Typer(
    help="Weir settles wholesale and partner telecom business while it happens.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
for command in (
    cli_run.demo,
    cli_run.generate,
    cli_data.settle,
    cli_data.accruals,
    cli_data.statements,
    cli_data.close,
    cli_declare.declare,
    cli_data.explain,
    cli_data.verify,
    cli_price.price,
    cli_partner.partner,
    cli_run.worker,
    cli_run.api,
    cli_run.archive,
    cli_run.doctor,
):
    app.command()(command)
app.add_typer(cli_amend.amendments_app, name="amendments")
app.add_typer(cli_deck.deck_app, name="deck")
app.add_typer(cli_control.change_app, name="change")
app.add_typer(cli_control.exceptions_app, name="exceptions")
app.add_typer(cli_mend.suspense_app, name="suspense")
app.add_typer(cli_mend.quarantine_app, name="quarantine")
app.add_typer(cli_mend.state_app, name="state")
app.add_typer(cli_partner.reference_app, name="reference")
app.add_typer(cli_run.topics_app, name="topics")
app.add_typer(bench_app, name="bench")


def main() -> None:
    """The console script."""
    app()
