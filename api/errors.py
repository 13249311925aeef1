"""Errors as RFC 9457 problems: one stable type for each kind, with a sentence that says what to do.

Every answer that is not a success has the media type `application/problem+json` and the same
members: `type` names the kind and never changes, `title` says it in words, `detail` says what it
was this time, `instance` is the id of the request, which is also in the log and in the header
`X-Request-Id`. What goes wrong inside is logged and not shown.
"""

from __future__ import annotations

import http
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

LOGGER = logging.getLogger("weir.api")
MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:weir:problem:"


class FieldError(BaseModel):
    """What is wrong with one part of a request."""

    pointer: str = Field(examples=["#/query/limit"])
    detail: str = Field(examples=["Input should be less than or equal to 1000"])


class ProblemBody(BaseModel):
    """The members of every problem."""

    type: str = Field(examples=["urn:weir:problem:not-found"])
    title: str = Field(examples=["Not found"])
    status: int = Field(examples=[404])
    detail: str = Field(examples=["There is no agreement ALFA-7."])
    instance: str = Field(examples=["urn:weir:request:5f0c9d1e6a7b4c2d"])
    errors: list[FieldError] | None = None


class Problem(Exception):
    """Ends a request with a problem."""

    def __init__(
        self, status: int, kind: str, detail: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.kind = kind
        self.detail = detail
        self.headers = dict(headers or {})


def not_found(what: str) -> Problem:
    """What was asked for does not exist; what one may not see answers the same."""
    return Problem(404, "not-found", f"There is no {what}.")


def not_ready(readiness: str) -> Problem:
    """No figures yet: better no answer than a zero that may be wrong."""
    detail = {
        "loading": "The log is still being read; ask again in a moment.",
        "empty": "Nothing has been settled yet; figures appear with the first rated usage.",
    }[readiness]
    return Problem(503, "not-ready", detail, {"Retry-After": "1"})


def described(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What OpenAPI says of the problems that a route may answer with, besides a bad request."""
    return {
        status: {
            "description": http.HTTPStatus(status).phrase,
            "content": {MEDIA_TYPE: {"schema": ProblemBody.model_json_schema()}},
        }
        for status in (400, *statuses)
    }


def install(app: FastAPI) -> None:
    """Answer with problems whatever goes wrong."""
    app.exception_handler(Problem)(_on_problem)
    app.exception_handler(HTTPException)(_on_http)
    app.exception_handler(RequestValidationError)(_on_invalid)
    app.exception_handler(Exception)(_on_failure)


async def _on_problem(request: Request, error: Problem) -> JSONResponse:
    return _response(request, error.status, error.kind, error.detail, headers=error.headers)


async def _on_http(request: Request, error: HTTPException) -> JSONResponse:
    """What the framework refuses: no such path, or another method."""
    kinds = {404: "not-found", 405: "method-not-allowed"}
    details = {
        404: f"There is no {request.url.path}.",
        405: f"{request.method} is not possible here.",
    }
    return _response(
        request,
        error.status_code,
        kinds.get(error.status_code, "refused"),
        details.get(error.status_code, str(error.detail)),
        headers=error.headers,
    )


async def _on_invalid(request: Request, error: RequestValidationError) -> JSONResponse:
    errors = [
        {"pointer": "#/" + "/".join(map(str, found["loc"])), "detail": str(found["msg"])}
        for found in error.errors()
    ]
    detail = "The request has a part that is not understood; see errors."
    return _response(request, 400, "invalid-request", detail, errors=errors)


async def _on_failure(request: Request, error: Exception) -> JSONResponse:
    LOGGER.error("%s failed", request.url.path, exc_info=error)
    detail = "The request could not be answered; the log has the reason under this instance."
    return _response(request, 500, "failure", detail)


def _response(
    request: Request,
    status: int,
    kind: str,
    detail: str,
    *,
    errors: Sequence[Mapping[str, str]] = (),
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    body: dict[str, Any] = {
        "type": TYPE_PREFIX + kind,
        "title": kind.replace("-", " ").capitalize(),
        "status": status,
        "detail": detail,
        "instance": "urn:weir:request:" + str(request.scope.get("weir.request_id", "")),
    }
    if errors:
        body["errors"] = list(errors)
    return JSONResponse(
        body, status, {"Cache-Control": "no-store", **(headers or {})}, media_type=MEDIA_TYPE
    )
