"""The API and its page: every route on one screen.

    GET /v1/accruals                what has accrued, by period or hour
    GET /v1/accruals/stream         totals as they move, as server-sent events
    GET /v1/statements[/{number}]   closed periods
    GET /v1/health[/live|/ready]    whether there are figures
    GET /v1/openapi.json            this, for programs
    GET /metrics                    for Prometheus
    GET /                           the page

Nobody logs in here yet: whoever runs this binds it to loopback. Everything is read from the view; a
request never waits for the log.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from typing import Protocol

from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import accruals, errors, health, page, statements, stream
from api.freshness import Freshness
from api.page import PageOptions
from api.stream import StreamLimits, StreamMeter, Streams
from state.view import View

API_VERSION = "1.0.0"
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
UNMATCHED = "unmatched"


class Meter(StreamMeter, Protocol):
    """Who counts requests and streams, and shows what was counted."""

    def observe_request(self, route: str, method: str, code: int) -> None:
        """Count a request by the template of its route."""

    def exposition(self) -> tuple[bytes, str]:
        """Everything that was counted, and the media type of that text."""


def create_app(
    view: View,
    meter: Meter,
    now_us: Callable[[], int],
    options: PageOptions = PageOptions(),  # noqa: B008 - immutable
    limits: StreamLimits = StreamLimits(),  # noqa: B008 - immutable
) -> FastAPI:
    """The application on a view that somebody else feeds.

    `app.state.streams.close()` ends the open streams; call it before stopping the server, which
    otherwise waits for them.

    Args:
        view: what is read.
        meter: who counts; `ops.metrics.Metrics` is one.
        now_us: the wall clock in microseconds since 1970.
        options: what the page shows.
        limits: of live streams.
    """
    app = FastAPI(
        title="Weir",
        version=API_VERSION,
        summary="Live accruals and statements of telecom partners.",
        openapi_url="/v1/openapi.json",
        # Their pages load scripts from elsewhere.
        docs_url=None,
        redoc_url=None,
    )
    freshness = Freshness(now_us)
    streams = Streams(view, freshness, meter, limits)
    app.state.streams = streams
    errors.install(app)
    # The stream comes first: its path must not be taken for anything else.
    app.include_router(stream.router(streams))
    app.include_router(accruals.router(view, freshness))
    app.include_router(statements.router(view, freshness))
    app.include_router(health.router(view, meter.exposition))
    app.include_router(page.router(options))
    app.add_middleware(Gate, meter=meter)
    return app


class Gate:
    """Around every request: its id, headers that hold for all answers, and its count."""

    def __init__(self, app: ASGIApp, meter: Meter) -> None:
        self._app = app
        self._meter = meter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = dict(scope["headers"]).get(b"x-request-id", b"").decode("latin-1")
        request_id = given if REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
        scope["weir.request_id"] = request_id

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [
                    *message["headers"],
                    (b"x-request-id", request_id.encode()),
                    (b"x-content-type-options", b"nosniff"),
                    (b"referrer-policy", b"no-referrer"),
                ]
                route = getattr(scope.get("route"), "path", UNMATCHED)
                self._meter.observe_request(route, scope["method"], message["status"])
            await send(message)

        await self._app(scope, receive, answer)
