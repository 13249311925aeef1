"""`weir bench`: how fast, measured honestly; every figure is a ratio within one run or says so."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import typer

from ops.bench.accruals import Size, accruals
from ops.bench.broker import broker
from ops.bench.embedded import embedded, recovery
from ops.bench.freshness import freshness
from ops.bench.peers import compare, peers_ready
from ops.bench.pricing import pricing
from ops.bench.rate import Setting, measure
from ops.bench.recipe import Shape
from ops.bench.report import middle_checked
from ops.output import Exit, Form, print_json, show

bench_app = typer.Typer(help="Benchmarks on genuine Kafka.", no_args_is_help=True)
Brokers = Annotated[str | None, typer.Option(help="An empty broker; one is started otherwise.")]
Repeat = Annotated[int, typer.Option(help="Runs; the one in the middle counts.", min=1)]
Output = Annotated[Form, typer.Option("-o", "--output", help="Form of the results.")]


@bench_app.command("rate")
def bench_rate(
    events: Annotated[int, typer.Option(help="Messages of settle-bench v1.")] = 4_000_000,
    envelope: Annotated[int, typer.Option(help="Events a message.", min=1)] = 1,
    repeat: Repeat = 3,
    brokers: Brokers = None,
    peers: Annotated[Path | None, typer.Option(help="Also run the peers found here.")] = None,
    output: Output = Form.TABLE,
) -> None:
    """The whole path, both hops in one process, against consume-and-decode only.

    Each run needs an empty broker: on one that is given there is one run.
    """
    reports, turns = [], []
    with ExitStack() as stack:
        run_peers = stack.enter_context(peers_ready(peers, events)) if peers else None
        for _ in range(1 if brokers else repeat):
            with broker(brokers) as address:
                reports.append(measure(address, Setting(events, envelope)))
            if run_peers is not None:
                turns.append(run_peers())
    document = middle_checked(reports, "ratio_to_ceiling")
    if turns:
        document |= compare(reports, turns)
    _print(document, output)
    if document["checked"] != "exact":
        raise typer.Exit(int(Exit.FINDING))


@bench_app.command("envelope")
def bench_envelope(
    events: Annotated[int, typer.Option(help="Events of settle-bench v1.")] = 4_000_000,
    repeat: Repeat = 3,
    output: Output = Form.TABLE,
) -> None:
    """The same events in envelopes of 200 against one a message, by turns."""
    single, many = _by_turns([Setting(events, size) for size in (1, 200)], repeat)
    document = {
        "one_per_message": single,
        "envelopes_of_200": many,
        "ratio": round(many["events_per_second"] / single["events_per_second"], 3),
    }
    _print(document, output)


@bench_app.command("flat")
def bench_flat(
    events: Annotated[int, typer.Option(help="Events of settle-bench v1.")] = 4_000_000,
    repeat: Repeat = 3,
    output: Output = Form.TABLE,
) -> None:
    """Whether cost stays flat: 120 and 5,000 partners; 10,000 and 1,000,000 prefixes."""
    pairs = (
        {"partners_120": Shape(), "partners_5000": Shape(partners=5_000)},
        {
            "prefixes_10000": Shape(decks=1, deck_size=10_000),
            "prefixes_1000000": Shape(decks=20, deck_size=50_000),
        },
    )
    reports: dict[str, Any] = {}
    for shapes in pairs:
        found = _by_turns([Setting(events, shape=shape) for shape in shapes.values()], repeat)
        reports |= zip(shapes, found, strict=True)
    rates = {name: r["events_per_second"] for name, r in reports.items()}
    document = {
        **{f"{name}_events_per_second": rate for name, rate in rates.items()},
        "partners_ratio": round(rates["partners_5000"] / rates["partners_120"], 3),
        "prefixes_ratio": round(rates["prefixes_1000000"] / rates["prefixes_10000"], 3),
        "checked": {name: r["checked"] for name, r in reports.items()},
        "runs": {name: r["runs"] for name, r in reports.items()},
        "peak_memory_mebibytes": {n: r["peak_memory_mebibytes"] for n, r in reports.items()},
    }
    _print(document, output)


@bench_app.command("freshness")
def bench_freshness(
    rate: Annotated[int, typer.Option(help="Events a second.")] = 20_000,
    seconds: Annotated[int, typer.Option(help="For how long.")] = 30,
    brokers: Brokers = None,
    output: Output = Form.TABLE,
) -> None:
    """From sending an event to its queryable accrual, at a steady rate."""
    with broker(brokers) as address:
        _print(freshness(address, rate, seconds), output)


@bench_app.command("pricing")
def bench_pricing(
    events: Annotated[int, typer.Option(help="Events of settle-bench v1.")] = 2_000_000,
    repeat: Repeat = 3,
    output: Output = Form.TABLE,
) -> None:
    """All elements of prices, over 1,000,000 prefixes, against one price a unit."""
    document = pricing(events, repeat)
    _print(document, output)
    if document["checked"] != "exact":
        raise typer.Exit(int(Exit.FINDING))


@bench_app.command("accruals")
def bench_accruals(
    agreements: Annotated[int, typer.Option(help="Agreements of ten items each.", min=1)] = 10_000,
    rows: Annotated[int, typer.Option(help="Rows of contributions.", min=1)] = 3_000_000,
    brokers: Brokers = None,
    output: Output = Form.TABLE,
) -> None:
    """The accrue hop alone: every item has tiers and a committed quantity."""
    with broker(brokers) as address:
        document = accruals(address, Size(agreements, rows))
    _print(document, output)
    if document["checked"] != "exact":
        raise typer.Exit(int(Exit.FINDING))


@bench_app.command("embedded")
def bench_embedded(
    events: Annotated[int, typer.Option(help="Events of generated traffic.")] = 2_000_000,
    repeat: Repeat = 3,
    brokers: Brokers = None,
    output: Output = Form.TABLE,
) -> None:
    """`weir settle` on Avro files against the same events on Kafka, by turns."""
    document = embedded(brokers, events, repeat)
    _print(document, output)
    if document["checked"] != "exact":
        raise typer.Exit(int(Exit.FINDING))


@bench_app.command("recovery")
def bench_recovery(
    rows: Annotated[int, typer.Option(help="Accrual rows in the log.")] = 1_000_000,
    output: Output = Form.TABLE,
) -> None:
    """How long the accrue hop takes to come back on the embedded log."""
    _print(recovery(rows), output)


def _by_turns(settings: Sequence[Setting], repeat: int) -> list[dict[str, Any]]:
    """The run in the middle of each setting, measured by turns: a change of pace meets them all."""
    reports: list[list[dict[str, Any]]] = [[] for _ in settings]
    for _ in range(repeat):
        for setting, of_setting in zip(settings, reports, strict=True):
            with broker(None) as address:
                of_setting.append(measure(address, setting, ceiling=False))
    return [middle_checked(of_setting, "events_per_second") for of_setting in reports]


def _print(document: dict[str, Any], output: Form) -> None:
    if output is Form.TABLE:
        rows = [{"figure": k, "value": v} for k, v in document.items()]
        show(output, "Benchmark", rows, ("figure", "value"))
    else:
        print_json(document)
