"""What an operator can set, in one list: from the environment, checked once, printable.

Every setting has a default that is right for one machine, a name that starts with `WEIR_` in the
environment (`WEIR_BROKERS`, `WEIR_PORT`), and a check. What a command line gives goes first, then
the environment, then the default here. Secrets are never settings: the key of subscriber tokens
lies in a file of its own, and only the path of that file is one.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from streams.kafka_settings import Compression

TOKEN_KEY_BYTES = 32
TOKEN_KEY_FILE = "token.key"  # noqa: S105 - the name of the file, not what is in it

Count = Annotated[int, Field(ge=1, le=1_000_000)]
Partitions = Annotated[int, Field(ge=1, le=4_096)]
Port = Annotated[int, Field(ge=0, le=65_535)]
Seconds = Annotated[float, Field(ge=0, le=60, allow_inf_nan=False)]


class TokenKeyError(Exception):
    """A key file that cannot be used; the sentence says what to do."""


class Settings(BaseSettings):
    """All settings of a Weir process."""

    model_config = SettingsConfigDict(
        env_prefix="WEIR_", env_ignore_empty=True, extra="forbid", frozen=True
    )

    brokers: str = Field(
        "", description="Kafka brokers as host:port,host:port; empty for the embedded log."
    )
    data: Path = Field(
        Path("data"), description="Directory of everything that a process keeps on disk."
    )
    reference: Path | None = Field(
        None, description="Directory of the reference files; none for those settled by last."
    )
    slot: str = Field(
        "0", min_length=1, description="Name of this worker among others; a newer one takes over."
    )
    compression: Compression = Field(
        "none", description="How workers compress what they write: where a network is narrow, lz4."
    )
    usage_partitions: Partitions = Field(
        16, description="Partitions of topics keyed by source, when topics are created."
    )
    settlement_partitions: Partitions = Field(
        16, description="Partitions of topics keyed by pool, when topics are created."
    )
    rate_batch_events: Count = Field(
        131_072, description="About how many events the rate hop puts into one transaction."
    )
    rate_linger_seconds: Seconds = Field(
        0.1, description="How long the rate hop waits to fill a batch."
    )
    accrue_batch_blocks: Count = Field(
        1_000, description="How many contribution blocks the accrue hop reads at most."
    )
    accrue_cadence_seconds: Seconds = Field(
        0.3, description="How far apart the accrue hop's batches are: the pace of live figures."
    )
    host: str = Field(
        "127.0.0.1",
        min_length=1,
        description="Address of page and API; loopback, as nobody logs in.",
    )
    port: Port = Field(8080, description="Port of page and API; 0 takes a free one.")
    metrics_host: str = Field(
        "127.0.0.1", min_length=1, description="Address at which a worker shows its metrics."
    )
    metrics_port: Port = Field(9464, description="Port at which a worker shows its metrics.")
    token_key_file: Path | None = Field(
        None, description="Key of subscriber tokens; none for token.key in the data directory."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="The least important message that is logged."
    )

    @field_validator("brokers")
    @classmethod
    def _check_brokers(cls, text: str) -> str:
        """Refuse what is no list of host:port, before librdkafka retries it for ever."""
        for broker in text.split(",") if text else ():
            host, colon, port = broker.strip().rpartition(":")
            if not host or not colon or not (port.isascii() and port.isdigit()):
                msg = f"{broker!r} is not host:port; write for example localhost:9092"
                raise ValueError(msg)
        return text

    @property
    def token_key_path(self) -> Path:
        """Where the key of subscriber tokens lies."""
        return self.token_key_file or self.data / TOKEN_KEY_FILE

    def describe(self) -> dict[str, str]:
        """Every setting as text, to be printed at the start; none of them is a secret."""
        return {name: str(value) for name, value in self.model_dump().items() if value is not None}


def token_key(path: Path) -> bytes:
    """The key of subscriber tokens in a file, which is created for its owner only if missing.

    All workers of one deployment need the same key, or one subscriber would have several tokens.

    Raises:
        TokenKeyError: the file is open to others, or does not hold a key.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        return _read_key(path)
    # Written aside and then given its name: of two processes that start together one wins, and a
    # crash leaves no half a key.
    descriptor, aside = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(TOKEN_KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(aside, path)
    finally:
        Path(aside).unlink()
    return _read_key(path)


def _read_key(path: Path) -> bytes:
    """The key in a file that exists."""
    if path.stat().st_mode & 0o077:
        msg = f"{path} can be read by others; run chmod 600 {path}"
        raise TokenKeyError(msg)
    key = path.read_bytes()
    if len(key) != TOKEN_KEY_BYTES:
        msg = (
            f"{path} holds {len(key)} bytes, a key has {TOKEN_KEY_BYTES}; restore it from a backup,"
            " or remove it to have a new one: subscriber tokens will differ from then on"
        )
        raise TokenKeyError(msg)
    return key
