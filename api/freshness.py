"""How fresh an answer is, said in the answer: as-of, position, computed-at, status, and an ETag.

Every figure that leaves carries these. `as_of` is event time: every known source has reported up
to there. `position` is where on the log the figures stand, an opaque text: equal positions mean
equal figures. `computed_at` is when figures of that position were first answered, so that two
answers of one position are equal byte for byte and can share an ETag.
"""

from __future__ import annotations

import base64
import hashlib
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Literal

from starlette.datastructures import URL

from api.errors import not_ready
from schemas.topics import ACCRUALS, STATEMENTS
from state.view_answers import Readiness, Stamp
from streams.log import TopicPartition

Status = Literal["provisional", "final"]
POSITION_VERSION = 1
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
HOUR_US = 3_600_000_000


def instant(time_us: int) -> str:
    """Microseconds since 1970 as RFC 3339 in UTC, to the millisecond, never later than it was."""
    moment = EPOCH + timedelta(microseconds=time_us)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def position_text(position: Mapping[TopicPartition, int]) -> str:
    """A position as opaque text: offsets by topic and partition, seven bits a byte, base64url."""
    numbers = [POSITION_VERSION]
    for topic in (ACCRUALS.name, STATEMENTS.name):
        offsets = {
            partition: offset for (name, partition), offset in position.items() if name == topic
        }
        partitions = max(offsets, default=-1) + 1
        numbers += [partitions, *(offsets.get(p, 0) for p in range(partitions))]
    data = bytearray()
    for number in numbers:
        rest = number
        while rest >> 7:
            data.append(rest & 0x7F | 0x80)
            rest >>= 7
        data.append(rest)
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


class Freshness:
    """Stamps as answers carry them."""

    def __init__(self, now_us: Callable[[], int]) -> None:
        self.now_us = now_us
        self._lock = threading.Lock()
        self._computed: tuple[str, int] = ("", 0)

    def head(self, stamp: Stamp) -> dict[str, str | None]:
        """The members that every body of figures begins with.

        Raises:
            Problem: the view has no figures yet.
        """
        if stamp.readiness is not Readiness.READY:
            raise not_ready(stamp.readiness.value)
        position = position_text(stamp.position)
        return {
            "as_of": instant(stamp.as_of_us) if stamp.as_of_us else None,
            "updated_at": instant(stamp.updated_us),
            "computed_at": instant(self._computed_us(position)),
            "position": position,
        }

    def _computed_us(self, position: str) -> int:
        """When a position was first answered from; the time of an older one is not kept."""
        with self._lock:
            if self._computed[0] != position:
                self._computed = (position, self.now_us())
            return self._computed[1]


def headers(position: str | None, asked: URL, reference_id: str) -> dict[str, str]:
    """Caching of figures: private, and asked again each time, at the price of an ETag.

    Args:
        position: where on the log the figures stand.
        asked: the address, of which path and query tell one answer from another.
        reference_id: what the figures were worked out by.
    """
    digest = hashlib.sha256(
        f"{reference_id}\n{position}\n{asked.path}?{asked.query}".encode()
    ).hexdigest()
    return {
        "ETag": f'"{digest[:32]}"',
        "Cache-Control": "private, no-cache",
        "Vary": "Authorization, Accept",
    }


def matches(if_none_match: str | None, etag: str) -> bool:
    """Whether a client already has what an ETag stands for."""
    known = [tag.strip().removeprefix("W/") for tag in (if_none_match or "").split(",")]
    return etag in known or "*" in known
