"""Commands that run something: the demo, generated traffic, workers, page and API, the doctor."""

from __future__ import annotations

import tempfile
import threading
import time
from contextlib import ExitStack, closing
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from api.app import create_app
from ops.archiving import project, writing
from ops.cli_data import print_report, report
from ops.config import Settings, TokenKeyError
from ops.control import ControlWorker
from ops.demo import Demo
from ops.doctor import examine
from ops.follow import Follower
from ops.generate import generate as write_traffic
from ops.generate import send_to_kafka
from ops.generate_masters import write_masters
from ops.logs import set_up
from ops.metrics import Metrics
from ops.output import Exit, Form, fail, notes, show
from ops.reload import Reload, Taker, at_once, begin, fingerprint, keep_nothing
from ops.serve import Server, follow, on_signals
from ops.worker import HOPS, Worker
from schemas.decks import Parsed
from schemas.reference import InvalidReferenceError, load
from schemas.topics import RATED
from schemas.topics import REFERENCE as CHANGES
from state.invariants import InvariantViolation
from state.tables import build
from state.view import View
from streams.kafka_admin import KafkaAdmin
from streams.kafka_reader import tail
from streams.kafka_settings import KafkaSettings
from streams.local_database import DirectoryError
from streams.log import Fenced, LogError

SHOWN_PACE_SECONDS = (0.1, 0.3)

Brokers = Annotated[str, typer.Option(help="Kafka brokers, host:port.", envvar="WEIR_BROKERS")]
Reference = Annotated[Path, typer.Option(help="Reference files.", envvar="WEIR_REFERENCE")]
Output = Annotated[Form, typer.Option("-o", "--output", help="Form of the results.")]


class Hop(StrEnum):
    """What a worker runs."""

    RATE = "rate"
    ACCRUE = "accrue"
    BOTH = "both"
    CONTROL = "control"


def bar() -> Progress:
    """A progress bar on standard error."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, TimeElapsedColumn(), console=notes, transient=True)


def wall_clock_us() -> int:
    """Microseconds since the epoch."""
    return time.time_ns() // 1_000


def demo(  # noqa: PLR0913, PLR0917 - each is an option of the command
    seed: Annotated[int, typer.Option(help="The same seed gives the same totals.")] = 7,
    events: Annotated[int, typer.Option(help="How many usage events.")] = 5_000_000,
    rate: Annotated[int, typer.Option(help="Events a second, live.")] = 5_000,
    partners: Annotated[int, typer.Option(help="How many partners.", min=4)] = 12,
    once: Annotated[bool, typer.Option("--once", help="Settle all at once, print, exit.")] = False,  # noqa: FBT002
    data: Annotated[Path | None, typer.Option(help="Keep the data directory here.")] = None,
    host: Annotated[str, typer.Option(help="Address of page and API.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port of page and API; 0 takes a free one.")] = 8080,
    output: Output = Form.TABLE,
) -> None:
    """Seeded network traffic through all of Weir, on the embedded log, with page and API.

    Example: weir demo --seed 7 --events 200000 --once -o json
    """
    with ExitStack() as stack:
        kept = data or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="weir-demo-")))
        job = Demo(seed, events, partners, kept)
        try:
            if once:
                with bar() as progress:
                    task = progress.add_task("settling", total=events)
                    with job.once(lambda n: progress.update(task, advance=n)) as weir:
                        document = report(weir)
                print_report(document, output)
                return
            set_up("warning")
            job.live(rate, host, port, lambda url: _announce(url, kept, data is None))
        except (DirectoryError, InvalidReferenceError) as error:
            raise fail(str(error)) from error
        except OSError as error:
            raise fail(f"{host}:{port}: {error}; choose another with --port") from error


def _announce(url: str, data: Path, temporary: bool) -> None:  # noqa: FBT001
    """What is running, what is made up, and what to do next."""
    kept = "removed at the end" if temporary else "kept"
    lines = (
        "[bold]Weir is settling[/] on the embedded log; the network is made up, the rest is real.",
        f"  page     {url}",
        f"  API      {url}v1/accruals   stream {url}v1/accruals/stream   metrics {url}metrics",
        f"  data     {data} ({kept})",
        "  next     curl -s " + url + "v1/accruals | head -c 600",
        "Ctrl-C stops everything.",
    )
    for line in lines:
        notes.print(line, highlight=False, soft_wrap=True)


MASTERS = "With --out: partners, agreements and keys as notifications of their masters."


def generate(
    events: Annotated[int, typer.Option(help="How many usage events, repeats included.")],
    out: Annotated[Path | None, typer.Option(help="Directory for reference/ and usage*.")] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 7,
    partners: Annotated[int, typer.Option(help="How many partners.", min=4)] = 12,
    formats: Annotated[list[str] | None, typer.Option("--format", help="avro, csv, jsonl.")] = None,
    brokers: Annotated[str | None, typer.Option(help="Send to Kafka instead.")] = None,
    envelope: Annotated[int, typer.Option(help="Events a message on Kafka.", min=1)] = 1,
    masters: Annotated[bool, typer.Option("--masters", help=MASTERS)] = False,  # noqa: FBT002
) -> None:
    """Write seeded, realistic usage and the reference it is settled by."""
    if (out is None) == (brokers is None):
        raise fail("say where to: --out DIR for files, or --brokers HOST:PORT for Kafka")
    with bar() as progress:
        task = progress.add_task("generating", total=events)
        advance = lambda n: progress.update(task, advance=n)  # noqa: E731
        try:
            if out is not None:
                chosen = tuple(formats or ["avro"])
                made = write_traffic(
                    seed, events, out, partners=partners, formats=chosen, progress=advance
                )
                files = [str(p) for p in made.files]
                if masters:
                    files += map(str, write_masters(made.reference, out / "masters", seed))
            else:
                send_to_kafka(
                    seed,
                    events,
                    brokers or "",
                    partners=partners,
                    envelope_events=envelope,
                    progress=advance,
                )
                files = []
        except ValueError as error:
            raise fail(str(error)) from error
        except LogError as error:
            raise fail(str(error), Exit.UNREACHABLE) from error
    for file in files:
        typer.echo(file)


def worker(
    brokers: Brokers,
    part: Annotated[Hop | None, typer.Argument(help="What to run, as --hop.")] = None,
    reference: Annotated[
        Path | None, typer.Option(help="Reference files.", envvar="WEIR_REFERENCE")
    ] = None,
    data: Annotated[Path, typer.Option(help="Local state.", envvar="WEIR_DATA")] = Path("data"),
    hop: Annotated[Hop | None, typer.Option(help="Which hops to run; both by default.")] = None,
    slot: Annotated[str, typer.Option(help="Name among workers; a newer one takes over.")] = "0",
    metrics_host: Annotated[str, typer.Option(help="Address of /metrics.")] = "127.0.0.1",
    metrics_port: Annotated[int, typer.Option(help="Port of /metrics; 0 for none.")] = 9464,
) -> None:
    """Settle usage from Kafka until told to stop; run as many as there are cores.

    Reference files that change are taken over without stopping; what is wrong is logged.
    `weir worker control` takes in what masters tell; it needs no reference.
    """
    if part is not None and hop not in (None, part):
        raise fail(f"worker {part} and --hop {hop} are two things: say one")
    chosen = part or hop or Hop.BOTH
    if reference is None and chosen is not Hop.CONTROL:
        raise fail("say what to settle by: --reference DIR")
    given = {
        "brokers": brokers,
        "data": data,
        "slot": slot,
        "metrics_host": metrics_host,
        "metrics_port": metrics_port,
    }
    try:
        settings = Settings(**given)  # type: ignore[arg-type]
        set_up(settings.log_level)
        metrics = Metrics(wall_clock_us)
        if reference is None or chosen is Hop.CONTROL:
            ControlWorker(settings, metrics).run()
        else:
            hops = HOPS if chosen is Hop.BOTH else (chosen.value,)
            Worker(settings, reference, metrics, hops).run()
    except (ValidationError, InvalidReferenceError, TokenKeyError) as error:
        raise fail(str(error)) from error
    except (Fenced, InvariantViolation) as error:
        raise fail(str(error), Exit.UNSAFE) from error
    except LogError as error:
        raise fail(str(error), Exit.UNREACHABLE) from error


def api(
    brokers: Brokers,
    reference: Reference,
    host: Annotated[str, typer.Option(help="Address of page and API.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port of page and API.")] = 8080,
) -> None:
    """Page and API on the accruals of a Kafka deployment."""
    set_up("info")
    metrics, stop = Metrics(wall_clock_us), threading.Event()
    try:
        kafka = KafkaSettings(brokers=brokers)
        known, parsed = fingerprint(reference), Parsed()
        load(reference, parsed)
        follower = Follower(tail(kafka, [CHANGES.name]), reference, parsed=parsed)
        loaded = begin(follower, reference, None, keep_nothing)
        view = View(build(loaded))
        reader = tail(kafka, View.topics)
    except InvalidReferenceError as error:
        raise fail(str(error)) from error
    except LogError as error:
        raise fail(str(error), Exit.UNREACHABLE) from error
    takers = [Taker(at_once(view.use))]
    reload = Reload(reference, loaded, known, takers, metrics, follower=follower)
    reload.told_pace_seconds = SHOWN_PACE_SECONDS  # whoever shows figures knows terms first
    jobs = {
        "view": lambda: follow(view, reader, metrics, stop),
        "reference": lambda: reload.run(stop),
    }
    server = Server(create_app(view, metrics, wall_clock_us), host, port)
    try:
        with closing(follower):
            server.run_beside(jobs, stop, lambda url: notes.print(f"page and API at {url}"))
    except OSError as error:
        raise fail(f"{host}:{port}: {error}; choose another with --port") from error


def archive(
    brokers: Brokers,
    data: Annotated[Path, typer.Option(help="Keeps archive/.", envvar="WEIR_DATA")],
    once: Annotated[bool, typer.Option("--once", help="Only up to the end now.")] = False,  # noqa: FBT002
    flush: Annotated[float, typer.Option(help="Seconds to gather rows for a file.", min=0)] = 60,
) -> None:
    """Keep rated usage from Kafka as Parquet files, until told to stop.

    Example: weir archive --brokers localhost:9092 --data ./data
    """
    stop = threading.Event()
    on_signals(stop.set)
    try:
        with writing(data) as kept:
            positions = kept.positions()
            with tail(KafkaSettings(brokers=brokers), [RATED.name], positions) as reader:
                count = project(kept, reader, stop, once=once, flush_seconds=flush)
    except DirectoryError as error:
        raise fail(str(error)) from error
    except LogError as error:
        raise fail(str(error), Exit.UNREACHABLE) from error
    typer.echo(f"{count:,} messages of {RATED.name} archived in {data / 'archive'}")


topics_app = typer.Typer(help="Weir's topics on Kafka.", no_args_is_help=True)


@topics_app.command("create")
def topics_create(
    brokers: Brokers,
    usage_partitions: Annotated[int, typer.Option(help="Partitions by source.")] = 16,
    settlement_partitions: Annotated[int, typer.Option(help="Partitions by agreement.")] = 16,
    replication: Annotated[int, typer.Option(help="Copies; -1 for the broker's default.")] = -1,
) -> None:
    """Create what is missing and check what is there; safe to repeat."""
    try:
        admin = KafkaAdmin(KafkaSettings(brokers=brokers))
        created = admin.create_topics(
            usage_partitions, settlement_partitions, replication_factor=replication
        )
    except LogError as error:
        raise fail(str(error), Exit.UNREACHABLE) from error
    typer.echo(f"created: {', '.join(created) or 'nothing, all were there'}")


def doctor(
    brokers: Annotated[str | None, typer.Option(help="Also look at Kafka.")] = None,
    data: Annotated[Path | None, typer.Option(help="Also look at a data directory.")] = None,
    reference: Annotated[Path | None, typer.Option(help="Also check reference files.")] = None,
    output: Output = Form.TABLE,
) -> None:
    """Check what Weir needs, and say how to mend what is missing; exit 1 on a finding."""
    findings = examine(brokers, data, reference)
    rows = [{"check": f.check, "result": f.result, "detail": f.detail} for f in findings]
    show(output, "Doctor", rows, ("check", "result", "detail"))
    if any(f.result == "bad" for f in findings):
        raise typer.Exit(int(Exit.FINDING))
