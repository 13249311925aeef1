"""Products as orders made them: where no inventory tells of a product, its orders do.

Completed items are gone through in the order in which they were completed. Each changes what is to
be from the moment on at which it holds: an `add` puts the product in service, a `delete` takes it
out, a `modify` changes agreement, units or status and leaves no gap. Since an item that was
completed later knows of those before, it also has its way with what they put into the future: what
is deleted before it has begun never was in service.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple

from state.entities import FOREVER_US
from streams.control.agreement_names import AgreementNames
from streams.control.catalogues import Catalogue
from streams.control.derived import Finding
from streams.control.in_service import ALWAYS_US, InService, Span, Stage, joined
from streams.control.orders import KIND, Action, OrderItem
from streams.control.products import STAGES


class OrderFact(NamedTuple):
    """What an item of an order sold, to whom, by which channel, and for how long.

    `from_us` and `upto_us` are half-open microseconds since the epoch; None while the item does
    nothing (it is not completed, not on offer, or not understood). `upto_us` is when a later item
    ends the product, `FOREVER_US` if none does; an item that deletes ends where it begins.
    """

    order: str
    item: str
    product: str
    partner: str
    agreement: str
    offering: str
    channel: str
    action: str
    state: str
    from_us: int | None
    upto_us: int | None


@dataclass(frozen=True)
class _Piece:
    """What a product is from a moment on, until the next piece; stage None before it was added."""

    from_us: int
    stage: Stage | None = None
    agreement: str = ""
    units: int = 1


class _Sold(NamedTuple):
    """Under which agreement and by which offerings a product was sold."""

    agreement: str = ""
    offerings: frozenset[str] = frozenset()


def on_offer(
    items: Sequence[OrderItem], catalogue: Catalogue, names: AgreementNames
) -> tuple[Sequence[OrderItem], Sequence[Finding]]:
    """The items, those that were not on offer as doing nothing, and why.

    An offering by which a product was sold stays open to it: what is sold by one that has been
    retired since can still be modified.
    """
    refused: dict[int, Finding] = {}
    sold: dict[str, _Sold] = {}
    for number in sorted(range(len(items)), key=lambda number: items[number].sequence):
        item = items[number]
        if item.holds_us is None or item.action is Action.DELETE:
            continue
        before = sold.get(item.product, _Sold())
        agreement = item.agreement or before.agreement
        # An order under no agreement, of somebody who is party to none, is retail.
        if not agreement and not names.is_engaged(item.partner):
            continue
        is_add = item.action is Action.ADD
        if is_add or (item.offering and item.offering not in before.offerings):
            asked = (item.offering, agreement, item.partner, item.ordered_us)
            reason, detail = catalogue.verdict(*asked)
            if not reason and not agreement:
                reason = "no_agreement"
                detail = f"of partner {item.partner!r} is under no agreement; send it with one"
            if reason:
                detail = f"item {item.item!r} {detail}"
                refused[number] = Finding(KIND, item.order, reason, detail)
                continue
        sold[item.product] = _Sold(agreement, before.offerings | {item.offering})
    left = [
        item._replace(holds_us=None) if number in refused else item
        for number, item in enumerate(items)
    ]
    return left, list(refused.values())


def intervals(items: Iterable[OrderItem]) -> dict[str, Sequence[InService]]:
    """When each product that orders tell of is in service, rising and apart."""
    of_product: dict[str, list[OrderItem]] = {}
    for item in sorted(items, key=lambda item: item.sequence):
        if item.holds_us is not None and item.product:
            of_product.setdefault(item.product, []).append(item)
    return {name: _intervals(name, done) for name, done in sorted(of_product.items())}


def ends(item: OrderItem) -> bool:
    """Whether an item ends its product."""
    is_ended = STAGES.get(item.status) is Stage.ENDED
    return item.action is Action.DELETE or (item.action is Action.MODIFY and is_ended)


def facts(items: Sequence[OrderItem]) -> Sequence[OrderFact]:
    """What each item sold and for how long, sorted by order and item."""
    found = []
    ended: dict[str, list[OrderItem]] = {}
    for item in items:
        if item.holds_us is not None and ends(item):
            ended.setdefault(item.product, []).append(item)
    for item in items:
        upto_us = None if item.holds_us is None else FOREVER_US
        if item.holds_us is not None:
            later = (end for end in ended.get(item.product, ()) if end.sequence >= item.sequence)
            moments = (end.holds_us for end in later if end.holds_us is not None)
            upto_us = max(item.holds_us, min(moments, default=FOREVER_US))
        action = "" if item.action is None else item.action.value
        said = (item.order, item.item, item.product, item.partner, item.agreement, item.offering)
        found.append(OrderFact(*said, item.channel, action, item.state, item.holds_us, upto_us))
    return sorted(found, key=lambda fact: (fact.order, fact.item))


def _intervals(name: str, done: Sequence[OrderItem]) -> Sequence[InService]:
    """The intervals of one product, from its completed items in their sequence."""
    pieces = [_Piece(ALWAYS_US)]
    for item in done:
        if item.holds_us is not None:
            pieces = _applied(pieces, item, item.holds_us)
    spans: dict[tuple[str, int], list[Span]] = {}
    for piece, following in pairwise([*pieces, _Piece(FOREVER_US)]):
        if piece.stage is Stage.RUNNING and piece.agreement:
            span = Span(piece.from_us, following.from_us)
            spans.setdefault((piece.agreement, piece.units), []).append(span)
    rows = [
        InService(name, agreement, span.from_us, span.upto_us, units)
        for (agreement, units), held in spans.items()
        for span in joined(held)
    ]
    return sorted(rows, key=lambda row: row.from_us)


def _applied(pieces: Sequence[_Piece], item: OrderItem, at_us: int) -> list[_Piece]:
    """The pieces of a product after one more item, which holds from a moment on."""
    before = [piece for piece in pieces if piece.from_us < at_us]
    after = [piece for piece in pieces if piece.from_us >= at_us]
    if not after or after[0].from_us > at_us:
        after = [replace(before[-1], from_us=at_us), *after]
    if item.action is Action.ADD:
        running = _Piece(at_us, Stage.RUNNING, item.agreement, item.units or 1)
        return [*before, running]
    if item.action is Action.DELETE:
        return [*before, _Piece(at_us, Stage.ENDED)]
    is_known = any(piece.stage is not None for piece in pieces)
    return [*before, *(_modified(piece, item, is_known=is_known) for piece in after)]


def _modified(piece: _Piece, item: OrderItem, *, is_known: bool) -> _Piece:
    """A piece after a modification.

    A product of which nobody told that it was added must be in service to be modified; what has
    ended stays so, and what is yet to begin is not begun by it.
    """
    if piece.stage is Stage.ENDED or (is_known and piece.stage is None):
        return piece
    stage: Stage = Stage.RUNNING if piece.stage is None else piece.stage
    told = STAGES.get(item.status)
    if told is not None and told not in {Stage.WAITING, Stage.VOID}:
        stage = told
    agreement, units = item.agreement or piece.agreement, item.units or piece.units
    return replace(piece, stage=stage, agreement=agreement, units=units)
