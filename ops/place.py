"""Where a command's settlement is: in a data directory or on Kafka, said the same way everywhere.

Every command takes `--data DIR`, or `--brokers HOST:PORT` with `--reference DIR`. Each may come
from the environment instead; what the command line says goes first, so that a shell set up for one
settlement can look at another.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from ops.asking import Desk
from ops.deployed import WAIT_SECONDS, Deployed, KafkaCluster
from ops.embedded import Embedded
from ops.output import Exit, fail
from ops.reading import NoReferenceError, Opened, Topics
from schemas.reference import InvalidReferenceError
from streams.kafka_settings import KafkaSettings
from streams.local_database import DirectoryError
from streams.log import LogError

Data = Annotated[Path | None, typer.Option("--data", help="Data directory.", envvar="WEIR_DATA")]
Brokers = Annotated[
    str | None,
    typer.Option("--brokers", help="Kafka brokers, host:port, instead.", envvar="WEIR_BROKERS"),
]
Reference = Annotated[
    Path | None,
    typer.Option(
        "--reference", help="On Kafka: what the workers settle by.", envvar="WEIR_REFERENCE"
    ),
]
Wait = Annotated[
    float, typer.Option("--wait", help="On Kafka: seconds to wait for workers.", min=0)
]


@dataclass(frozen=True)
class Place:
    """A data directory, or Kafka with the reference files that were given."""

    data: Path | None
    brokers: str
    references: Sequence[Path]
    wait_seconds: float

    @staticmethod
    def of(
        context: typer.Context,
        data: Path | None,
        brokers: str | None,
        references: Path | Sequence[Path] | None,
        wait_seconds: float = WAIT_SECONDS,
    ) -> Place:
        """What the options say; exits when they do not say one place.

        A data directory keeps its own references: one from the environment is for Kafka.
        """
        said = {
            name
            for name in ("data", "brokers", "reference")
            if getattr(context.get_parameter_source(name), "name", "") == "COMMANDLINE"
        }
        if data is not None and brokers:
            if "data" in said and "brokers" not in said:
                brokers = None
            elif "brokers" in said and "data" not in said:
                data = None
        if (data is None) == (not brokers):
            raise fail(
                "say which settlement: --data DIR for a directory,"
                " or --brokers HOST:PORT with --reference DIR for Kafka"
            )
        given = [references] if isinstance(references, Path) else list(references or ())
        if data is not None and "reference" not in said:
            given = []
        return Place(data, brokers or "", given, wait_seconds)


@contextmanager
def explained() -> Iterator[None]:
    """Whatever stands in the way of a command as a plain message and an exit code."""
    try:
        yield
    except (InvalidReferenceError, NoReferenceError, DirectoryError) as error:
        raise fail(str(error)) from error
    except LogError as error:
        raise fail(str(error), Exit.UNREACHABLE) from error


@contextmanager
def reading(place: Place) -> Iterator[Topics]:
    """A settlement to look at, or a plain message about why not."""
    with explained():
        if place.data is not None:
            _refuse_reference(place)
            with Opened(place.data) as stored:
                yield stored
        else:
            with _deployed(place) as deployed:
                yield deployed


@contextmanager
def asking(place: Place, *, renewing: bool = False, pricing: bool = True) -> Iterator[Desk]:
    """A settlement to ask something of.

    Args:
        place: where it is.
        renewing: whether a data directory is settled by the reference given from now on.
        pricing: whether figures are shown, which on Kafka needs the reference files.
    """
    with explained():
        if place.data is not None:
            if not renewing:
                _refuse_reference(place)
            with Embedded(place.data, next(iter(place.references), None)) as embedded:
                yield embedded
        else:
            with _deployed(place) as deployed:
                if pricing:
                    # Without terms nothing of what follows could be shown: say so before asking.
                    deployed.newest_reference()
                yield deployed


def _refuse_reference(place: Place) -> None:
    if place.references:
        raise fail(f"{place.data} keeps what it was settled by: leave --reference out")


def _deployed(place: Place) -> Deployed:
    cluster = KafkaCluster(KafkaSettings(brokers=place.brokers))
    return Deployed(cluster, place.references, place.wait_seconds)
