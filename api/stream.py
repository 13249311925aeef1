"""`GET /v1/accruals/stream`: totals of partners as server-sent events, while they move.

A stream opens with a `snapshot` of all totals and goes on with `delta` events that carry only what
has changed; while there are no figures it says `waiting` and why. The id of an event is the
position of its figures, so a browser that reconnects goes on from what it has. Changes are
coalesced: however fast accruals move, a client gets a few events a second, and one that reads
slowly gets fewer and newer ones, since an event is made when it can be sent. A client that does
not read at all is dropped. A comment every 15 seconds keeps proxies from closing a quiet stream.
"""

from __future__ import annotations

import asyncio
import json
from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Protocol

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict
from starlette.concurrency import run_in_threadpool
from starlette.types import Receive, Scope, Send

from api.accruals import Name, check_names
from api.errors import Problem, described
from api.freshness import Freshness
from schemas.money import format_micros
from state.view import View
from state.view_answers import Readiness, Total, Totals

# Positions that were sent lately, so that a client who reconnects gets a delta.
POSITIONS_MAX = 256

# At most a quarter of a core for totals, and still an update about every second.
REST_FACTOR = 3
REST_SECONDS_MAX = 0.75


class StreamMeter(Protocol):
    """Who is told how many streams there are."""

    def observe_streams(self, open_now: int, dropped: int = 0) -> None:
        """How many are open now, and how many were just dropped."""


@dataclass(frozen=True)
class StreamLimits:
    """How often and how much."""

    clients_max: int = 64
    interval_seconds: float = 0.25
    heartbeat_seconds: float = 15
    unread_seconds_max: float = 20
    retry_ms: int = 1_000


class StreamQuery(BaseModel):
    """Whose totals are streamed."""

    model_config = ConfigDict(extra="forbid")

    agreement: Name | None = None
    partner: Name | None = None


class Streams:
    """All streams of a process."""

    def __init__(
        self, view: View, freshness: Freshness, meter: StreamMeter, limits: StreamLimits
    ) -> None:
        self.view = view
        self.limits = limits
        self._freshness = freshness
        self._meter = meter
        self._open = 0
        self._closing = False
        self._known: OrderedDict[str, int] = OrderedDict()
        self._latest: Totals | None = None
        self._rest_until: float = 0
        self._working = asyncio.Lock()

    def close(self) -> None:
        """End all streams at their next turn and open no more; safe to call from any thread."""
        self._closing = True

    def open(self) -> None:
        """Count a stream in.

        Raises:
            Problem: there are as many as there may be.
        """
        if self._closing or self._open >= self.limits.clients_max:
            detail = "As many streams are open as there may be; ask for /v1/accruals instead."
            raise Problem(503, "too-many-streams", detail, {"Retry-After": "5"})
        self._open += 1
        self._meter.observe_streams(self._open)

    def leave(self, *, dropped: bool) -> None:
        """Count a stream out."""
        self._open -= 1
        self._meter.observe_streams(self._open, int(dropped))

    async def events(self, query: StreamQuery, resume: str | None) -> AsyncIterator[bytes]:
        """The events of one stream, made when they are asked for.

        Args:
            query: whose totals.
            resume: the id of the last event that the client has.
        """
        loop = asyncio.get_running_loop()
        yield f"retry: {self.limits.retry_ms}\n\n".encode()
        sent = None if resume is None else self._known.get(resume)
        waiting: Readiness | None = None
        spoke_at = loop.time()
        while not self._closing:
            readiness = self.view.stamp.readiness
            frame = b""
            if readiness is not Readiness.READY:
                if readiness is not waiting:
                    frame = event("waiting", {"readiness": readiness.value})
                waiting, sent = readiness, None
            elif (totals := await self._totals()).stamp.counter != sent:
                frame = self._frame(totals, query, sent)
                sent, waiting = totals.stamp.counter, None
            elif loop.time() - spoke_at >= self.limits.heartbeat_seconds:
                frame = b": still here\n\n"
            if frame:
                yield frame
                spoke_at = loop.time()
            await asyncio.sleep(self.limits.interval_seconds)

    async def _totals(self) -> Totals:
        """All totals, worked out once for all streams, off the event loop.

        With thousands of agreements that takes a while; streams then pause in proportion, so that
        settling, which shares the processor, is hardly held up.
        """
        loop = asyncio.get_running_loop()
        async with self._working:
            latest = self._latest
            old = latest is None or latest.stamp.counter != self.view.counter
            if latest is None or (old and loop.time() >= self._rest_until):
                started = loop.time()
                latest = self._latest = await run_in_threadpool(self.view.partners)
                spent = loop.time() - started
                self._rest_until = loop.time() + min(REST_FACTOR * spent, REST_SECONDS_MAX)
            return latest

    def _frame(self, totals: Totals, query: StreamQuery, since: int | None) -> bytes:
        """A snapshot, or what changed since a counter if only figures did."""
        head = self._freshness.head(totals.stamp)
        position = str(head["position"])
        self._known[position] = totals.stamp.counter
        self._known.move_to_end(position)
        while len(self._known) > POSITIONS_MAX:
            self._known.popitem(last=False)
        whole = since is None or totals.shape_counter > since
        wanted = [
            total
            for total in totals.items
            if query.agreement in (None, total.agreement) and query.partner in (None, total.partner)
        ]
        items = [total_body(t) for t in wanted if whole or t.changed > (since or 0)]
        final = bool(wanted) and all(total.statement is not None for total in wanted)
        body = {
            **head,
            "status": "final" if final else "provisional",
            "items": items,
            "outcomes": [
                {"outcome": outcome, "reason": reason, "events": events}
                for (outcome, reason), events in sorted(totals.outcomes.items())
                if events
            ],
        }
        return event("snapshot" if whole else "delta", body, position)


def total_body(total: Total) -> dict[str, Any]:
    """A total as it is streamed."""
    return {
        "partner": total.partner,
        "agreement": total.agreement,
        "model": total.model,
        "period": total.period,
        "currency": total.currency,
        "events": total.events,
        "receivable": format_micros(total.receivable_micros),
        "payable": format_micros(total.payable_micros),
        "net": format_micros(total.net_micros),
        **total.payment,
        "status": "provisional" if total.statement is None else "final",
        "statement": total.statement,
    }


def event(name: str, body: Mapping[str, Any], position: str | None = None) -> bytes:
    """One server-sent event."""
    data = json.dumps(body, separators=(",", ":"), ensure_ascii=False)
    identity = "" if position is None else f"id: {position}\n"
    return f"event: {name}\n{identity}data: {data}\n\n".encode()


class EventStream(Response):
    """An answer that goes on until either side has enough."""

    media_type = "text/event-stream"

    def __init__(self, streams: Streams, query: StreamQuery, resume: str | None) -> None:
        super().__init__(
            headers={
                "Cache-Control": "no-store",
                "X-Accel-Buffering": "no",
                "Vary": "Authorization",
            }
        )
        del self.headers["content-length"]
        self._streams = streams
        self._query = query
        self._resume = resume

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send events until the client leaves, does not read, or the process ends."""
        gone = asyncio.ensure_future(_gone(receive))
        dropped = False
        events = self._streams.events(self._query, self._resume)
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            async for frame in events:
                if gone.done():
                    return
                body = {"type": "http.response.body", "body": frame, "more_body": True}
                await asyncio.wait_for(send(body), self._streams.limits.unread_seconds_max)
            await send({"type": "http.response.body", "body": b""})
        except TimeoutError:
            dropped = True
        finally:
            gone.cancel()
            self._streams.leave(dropped=dropped)


async def _gone(receive: Receive) -> None:
    """Returns when the client has left."""
    while (await receive())["type"] != "http.disconnect":
        continue


def router(streams: Streams) -> APIRouter:
    """The route of the stream."""
    routes = APIRouter(tags=["accruals"])

    @routes.get(
        "/v1/accruals/stream",
        response_class=Response,
        responses={
            200: {
                "description": "Events: waiting, snapshot, delta",
                "content": {"text/event-stream": {"schema": {"type": "string"}}},
            },
            **described(404, 503),
        },
    )
    async def get_stream(query: Annotated[StreamQuery, Query()], request: Request) -> Response:
        """Totals by agreement, period and currency, as they move."""
        check_names(streams.view, query.agreement, query.partner)
        streams.open()
        return EventStream(streams, query, request.headers.get("last-event-id"))

    return routes
