"""`GET /v1/accruals`: what has accrued, by item, for whole periods or hour by hour.

Amounts and quantities are decimal strings with their currency or unit. Lists are in a stable order
and go on by an opaque cursor, so that nothing is left out or repeated when new rows come in
between.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from api.errors import Problem, described, not_found
from api.freshness import HOUR_US, Freshness, Status, headers, instant, matches
from schemas.money import format_micros
from schemas.quantities import AMOUNTS
from state.view import LIMIT_MAX, View
from state.view_answers import Accrual, Cursor

LIMIT_DEFAULT = 200
CURSOR_KINDS = (str, str, int, str, int, str, str, str)

Name = Annotated[str, Field(min_length=1, max_length=100)]


class Measure(BaseModel):
    """A quantity with its unit: seconds, bytes, events, units, or a currency for retail amounts."""

    value: str = Field(examples=["182345"])
    unit: str = Field(examples=["seconds"])


class Money(BaseModel):
    """An exact amount."""

    value: str = Field(description="Decimal with six places.", examples=["912.481200"])
    currency: str = Field(description="ISO 4217.", examples=["EUR"])


class AccrualBody(BaseModel):
    """What one item has come to."""

    agreement: str = Field(examples=["ALFA-1"])
    partner: str = Field(examples=["ALFA"])
    model: str = Field(examples=["wholesale"])
    agreement_version: int = Field(examples=[1])
    period: str = Field(description="The period it counts in.", examples=["2026-11"])
    original_period: str = Field(description="The period of the usage.", examples=["2026-11"])
    hour: str | None = Field(None, description="Start of the hour, in UTC.")
    item: str = Field(examples=["voice-in"])
    service: str = Field(examples=["voice"])
    flow: Literal["receivable", "payable"]
    zone: str = Field("", description="Where the agreement rounds by zone; else empty.")
    events: int = Field(examples=[1203])
    quantity: Measure
    amount: Money | None = Field(
        description="Null in hours of items with a measure, which only periods have an amount of."
    )
    shortfall: Money | None = Field(
        None, description="What the end of the period would add if it came now, for a commitment."
    )
    status: Status
    statement: str | None = Field(None, description="Number of the statement that closed it.")


class AccrualsBody(BaseModel):
    """Accruals, and how fresh they are."""

    as_of: str | None = Field(
        description="Event time up to which every source has reported.",
        examples=["2026-11-22T20:14:05.120Z"],
    )
    updated_at: str = Field(description="When accruals last changed on the log.")
    computed_at: str = Field(description="When this position was first answered.")
    position: str = Field(description="Opaque; equal positions mean equal figures.")
    status: Status = Field(description="Final when every item is.")
    items: list[AccrualBody]
    next: str | None = Field(description="Where the list goes on; null at its end.")


class AccrualsQuery(BaseModel):
    """What can be asked for; anything else is refused rather than passed over."""

    model_config = ConfigDict(extra="forbid")

    agreement: Name | None = None
    partner: Name | None = None
    period: Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}(-[0-9]{2})?$")] | None = None
    by: Literal["period", "hour"] = "period"
    limit: Annotated[int, Field(ge=1, le=LIMIT_MAX)] = LIMIT_DEFAULT
    cursor: Annotated[str, Field(max_length=1_000)] | None = None


def router(view: View, freshness: Freshness) -> APIRouter:
    """The route of accruals."""
    routes = APIRouter(tags=["accruals"])

    @routes.get("/v1/accruals", response_model=AccrualsBody, responses=described(404, 503))
    def get_accruals(
        query: Annotated[AccrualsQuery, Query()], request: Request, response: Response
    ) -> AccrualsBody | Response:
        """What has accrued, in the order of agreement, period, hour and item."""
        check_names(view, query.agreement, query.partner)
        answer = view.accruals(
            agreement=query.agreement,
            partner=query.partner,
            period=query.period,
            by=query.by,
            after=None if query.cursor is None else read_cursor(query.cursor),
            limit=query.limit,
        )
        head = freshness.head(answer.stamp)
        caching = headers(head["position"], request.url, view.reference_id)
        if matches(request.headers.get("if-none-match"), caching["ETag"]):
            return Response(status_code=304, headers=caching)
        response.headers.update(caching)
        items = [body_of(item) for item in answer.items]
        final = bool(items) and all(item.status == "final" for item in items)
        return AccrualsBody.model_validate(
            {
                **head,
                "status": "final" if final else "provisional",
                "items": items,
                "next": next_link(query, answer.after),
            }
        )

    return routes


def check_names(view: View, agreement: str | None, partner: str | None) -> None:
    """Refuse names that reference lacks: nothing accrued is not the same as no such name."""
    if agreement is not None and agreement not in view.agreements:
        raise not_found(f"agreement {agreement}")
    if partner is not None and partner not in view.partner_names:
        raise not_found(f"partner {partner}")


def body_of(accrual: Accrual) -> AccrualBody:
    """An accrual as it leaves."""
    series = accrual.series
    return AccrualBody(
        agreement=series.agreement,
        partner=accrual.terms.partner,
        model=accrual.terms.model,
        agreement_version=series.version,
        period=series.booked,
        original_period=series.original,
        hour=None if accrual.hour is None else instant(accrual.hour * HOUR_US),
        item=series.item,
        service=accrual.terms.service,
        flow="payable" if accrual.terms.payable else "receivable",
        zone=series.line,
        events=accrual.events,
        quantity=_measure(accrual),
        amount=_amount(accrual),
        shortfall=_shortfall(accrual),
        status="provisional" if accrual.statement is None else "final",
        statement=accrual.statement,
    )


def _amount(accrual: Accrual) -> Money | None:
    """What it is worth, where it is worth something by itself."""
    if not accrual.has_amount:
        return None
    return Money(value=format_micros(accrual.amount_micros), currency=accrual.series.currency)


def _shortfall(accrual: Accrual) -> Money | None:
    """By how much a commitment is missed so far; null when it is not, or there is none."""
    micros, currency = accrual.shortfall_micros, accrual.series.currency
    return Money(value=format_micros(micros), currency=currency) if micros else None


def _measure(accrual: Accrual) -> Measure:
    """What was counted; amounts are money and look like it."""
    kind = accrual.terms.item.quantity
    if kind in AMOUNTS:
        return Measure(value=format_micros(accrual.quantity), unit=accrual.series.currency)
    return Measure(value=str(accrual.quantity), unit=kind.label)


def next_link(query: AccrualsQuery, after: Cursor | None) -> str | None:
    """The same question, from where this answer ends."""
    if after is None:
        return None
    asked = query.model_dump(exclude_none=True, exclude_defaults=True, exclude={"cursor"})
    return "/v1/accruals?" + urlencode({**asked, "cursor": write_cursor(after)})


def write_cursor(after: Cursor) -> str:
    """A place in a list as opaque text."""
    text = json.dumps(after, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(text: str) -> Cursor:
    """The place that a cursor stands for.

    Raises:
        Problem: it is not one of ours.
    """
    try:
        parts = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (binascii.Error, UnicodeDecodeError, ValueError):
        parts = None
    if not isinstance(parts, list) or tuple(map(type, parts)) != CURSOR_KINDS:
        raise Problem(400, "invalid-cursor", "The cursor is not one that this API gave out.")
    return tuple(parts)
