"""`weir bench`: how fast, measured honestly; every figure is a ratio within one run or says so."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ops.bench.broker import broker
from ops.bench.rate import Setting, measure
from ops.output import Exit, Form, print_json, show

bench_app = typer.Typer(help="Benchmarks on genuine Kafka.", no_args_is_help=True)
Brokers = Annotated[str | None, typer.Option(help="An empty broker; one is started otherwise.")]
Output = Annotated[Form, typer.Option("-o", "--output", help="Form of the results.")]


@bench_app.command("rate")
def bench_rate(
    events: Annotated[int, typer.Option(help="Messages of settle-bench v1.")] = 4_000_000,
    envelope: Annotated[int, typer.Option(help="Events a message.", min=1)] = 1,
    brokers: Brokers = None,
    peers: Annotated[Path | None, typer.Option(help="Also run the peers found here.")] = None,
    output: Output = Form.TABLE,
) -> None:
    """The whole path, both hops in one process, against consume-and-decode only."""
    with broker(brokers) as address:
        document = measure(address, Setting(events, envelope))
    _print(document, output)
    if document["checked"] != "exact":
        raise typer.Exit(int(Exit.FINDING))


def _print(document: dict[str, Any], output: Form) -> None:
    if output is Form.TABLE:
        rows = [{"figure": k, "value": v} for k, v in document.items()]
        show(output, "Benchmark", rows, ("figure", "value"))
    else:
        print_json(document)
