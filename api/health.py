"""Health: whether the process lives, and whether it has figures to show.

Live means that it answers; a supervisor restarts what does not. Ready means that the log was read
through and something is settled, so that it may be sent requests. `/v1/health` says both.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from api.freshness import instant, position_text
from state.view import View
from state.view_answers import Readiness

Exposition = Callable[[], tuple[bytes, str]]


class Live(BaseModel):
    """The process answers."""

    status: Literal["live"] = "live"


class Health(BaseModel):
    """How the process is, and how far its figures have come."""

    status: Literal["ready", "loading", "empty"]
    reference: str = Field(description="Id of the reference that is settled by.")
    as_of: str | None = Field(description="Event time up to which every source has reported.")
    updated_at: str | None = Field(description="When accruals last changed on the log.")
    position: str


def router(view: View, exposition: Exposition) -> APIRouter:
    """The routes of health and metrics."""
    routes = APIRouter(tags=["health"])
    not_ready: dict[int | str, dict[str, Any]] = {
        503: {"model": Health, "description": "No figures to show yet"}
    }

    @routes.get("/v1/health/live", response_model=Live)
    def get_live(response: Response) -> Live:
        """That the process answers."""
        response.headers["Cache-Control"] = "no-store"
        return Live()

    @routes.get("/v1/health/ready", response_model=Health, responses=not_ready)
    @routes.get("/v1/health", response_model=Health, responses=not_ready)
    def get_health(response: Response) -> Health:
        """Whether there are figures: 200 when there are, 503 while there are none."""
        stamp = view.stamp
        response.status_code = 200 if stamp.readiness is Readiness.READY else 503
        response.headers["Cache-Control"] = "no-store"
        return Health(
            status=stamp.readiness.value,
            reference=view.reference_id,
            as_of=instant(stamp.as_of_us) if stamp.as_of_us else None,
            updated_at=instant(stamp.updated_us) if stamp.updated_us else None,
            position=position_text(stamp.position),
        )

    @routes.get("/metrics", response_class=Response, include_in_schema=False)
    def get_metrics() -> Response:
        """All metrics, as Prometheus reads them."""
        content, media_type = exposition()
        return Response(content, media_type=media_type, headers={"Cache-Control": "no-store"})

    return routes
