"""`weir`: everything a user does, in one command line."""

from __future__ import annotations

import typer

from ops import cli_data

app = typer.Typer(
    help="Weir settles wholesale and partner telecom business while it happens.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
for command in (
    cli_data.settle,
    cli_data.accruals,
    cli_data.statements,
    cli_data.close,
    cli_data.explain,
    cli_data.verify,
):
    app.command()(command)
app.add_typer(cli_data.suspense_app, name="suspense")
app.add_typer(cli_data.quarantine_app, name="quarantine")
app.add_typer(cli_data.state_app, name="state")


def main() -> None:
    """The console script."""
    app()
