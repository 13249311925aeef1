"""`GET /v1/statements`: periods that are closed, as documents that never change.

A statement is served byte for byte as it was issued, so its digest can be checked by whoever
receives it: `Repr-Digest` (RFC 9530) is of these bytes, and `digest` inside is of the document
without itself.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from api.accruals import Name, check_names
from api.errors import described, not_found, not_ready
from api.freshness import Freshness, headers, instant, matches
from state.view import View
from state.view_answers import Readiness, Statement
from streams.payment import payment_of


class StatementTotal(BaseModel):
    """What a statement comes to in one currency; net is what the partner owes the operator."""

    currency: str = Field(examples=["EUR"])
    receivable: str = Field(examples=["912.481200"])
    payable: str = Field(examples=["100.000000"])
    net: str = Field(examples=["812.481200"])


class PaidTotal(StatementTotal):
    """A total that is taxed, or settled in another currency."""

    tax_percent: str | None = Field(None, description="Where the agreement has tax.")
    tax_receivable: str | None = None
    tax_payable: str | None = None
    tax: str | None = Field(None, description="Tax on what is receivable less tax on what is not.")
    gross: str | None = Field(None, description="Net and tax.")
    settlement: dict[str, Any] | None = Field(
        None, description="The total in the currency that is paid, with the rates; or why not."
    )


class StatementHead(BaseModel):
    """A statement in a list: everything but its lines."""

    number: str = Field(examples=["ALFA-1-000001"])
    agreement: str = Field(examples=["ALFA-1"])
    partner: str = Field(examples=["ALFA"])
    model: str = Field(examples=["wholesale"])
    period: str = Field(examples=["2026-10"])
    from_: str = Field(serialization_alias="from", description="Start of the period, inclusive.")
    upto: str = Field(description="End of the period, exclusive.")
    zone: str = Field(examples=["Europe/Berlin"])
    as_of: str
    totals: list[PaidTotal | StatementTotal]
    digest: str = Field(description="SHA-256 of the document without this member.")
    href: str = Field(examples=["/v1/statements/ALFA-1-000001"])


class StatementsBody(BaseModel):
    """Statements, and how fresh the list is."""

    as_of: str | None
    updated_at: str
    computed_at: str
    position: str
    items: list[StatementHead]


class StatementsQuery(BaseModel):
    """What can be asked for."""

    model_config = ConfigDict(extra="forbid")

    agreement: Name | None = None
    partner: Name | None = None
    period: Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}(-[0-9]{2})?$")] | None = None


def router(view: View, freshness: Freshness) -> APIRouter:
    """The routes of statements."""
    routes = APIRouter(tags=["statements"])

    @routes.get("/v1/statements", response_model=StatementsBody, responses=described(404, 503))
    def get_statements(
        query: Annotated[StatementsQuery, Query()], request: Request, response: Response
    ) -> StatementsBody | Response:
        """Statements in order of their numbers, without their lines."""
        check_names(view, query.agreement, query.partner)
        stamp, found = view.statements(query.agreement, query.partner, query.period)
        head = freshness.head(stamp)
        caching = headers(head["position"], request.url, view.reference_id)
        if matches(request.headers.get("if-none-match"), caching["ETag"]):
            return Response(status_code=304, headers=caching)
        response.headers.update(caching)
        return StatementsBody.model_validate({**head, "items": [head_of(s) for s in found]})

    @routes.get("/v1/statements/{number}", response_class=Response, responses=_document_responses())
    def get_statement(number: str, request: Request) -> Response:
        """A statement, byte for byte as it was issued."""
        stamp, found = view.statement(number)
        if found is None and stamp.readiness is Readiness.LOADING:
            raise not_ready(stamp.readiness.value)
        if found is None:
            raise not_found(f"statement {number}")
        digest = hashlib.sha256(found.document).digest()
        caching = {
            "ETag": f'"{digest.hex()[:32]}"',
            "Repr-Digest": f"sha-256=:{base64.b64encode(digest).decode()}:",
            "Cache-Control": "private, no-cache",
            "Vary": "Authorization, Accept",
        }
        if matches(request.headers.get("if-none-match"), caching["ETag"]):
            return Response(status_code=304, headers=caching)
        return Response(found.document, media_type="application/json", headers=caching)

    return routes


def _document_responses() -> dict[int | str, dict[str, Any]]:
    """What OpenAPI says of a statement's document."""
    document = {"application/json": {"schema": {"type": "object"}}}
    return {200: {"description": "The document", "content": document}, **described(404, 503)}


def head_of(statement: Statement) -> StatementHead:
    """A statement as a list shows it."""
    head = statement.head
    return StatementHead(
        number=statement.number,
        agreement=statement.agreement,
        partner=statement.partner,
        model=head["model"],
        period=statement.period,
        from_=instant(head["from_us"]),
        upto=instant(head["upto_us"]),
        zone=head["zone"],
        as_of=instant(head["as_of_us"]),
        totals=[_total(total) for total in head["totals"]],
        digest=head["digest"],
        href=f"/v1/statements/{statement.number}",
    )


def _total(total: Mapping[str, Any]) -> PaidTotal | StatementTotal:
    """A total, with what is paid of it where the agreement says anything of that."""
    is_paid = bool(payment_of(total))
    return PaidTotal(**total) if is_paid else StatementTotal(**total)
