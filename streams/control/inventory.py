"""By which keys usage is attributed to which agreement, from when to when.

Three masters tell it. The inventory of products knows what is in service under which agreement
(`products`); what it does not know, the orders do (`orders`, `ordered`), as far as it was on offer
to the partner (`catalogues`). The inventories of services and resources know routes, ranges and the
like (`facilities`). Where the inventory and the orders tell a product differently, the inventory
holds and the difference is told.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from schemas.codes import KeyKind
from state.entities import FOREVER_US, Entities, EntityVersion
from streams.control.agreement_names import AgreementNames
from streams.control.catalogues import Catalogue
from streams.control.derived import Finding, Key
from streams.control.facilities import held
from streams.control.in_service import InService, Span, Stage
from streams.control.keying import Holding, problem, rows
from streams.control.ordered import OrderFact, ends, facts, on_offer
from streams.control.ordered import intervals as ordered_intervals
from streams.control.orders import OrderItem, ordered_items
from streams.control.products import KIND, STAGES, inventoried
from streams.control.values import word


def keys(entities: Entities) -> tuple[Sequence[Key], Sequence[Finding]]:
    """The rows of `attribution.csv` that follow from all entities, sorted, and what was found.

    Rows of one key and one agreement never overlap or touch. Rows of one key and two agreements may
    overlap, if two things claim it, and an agreement may be one that no master told of: both are
    for the caller to judge.
    """
    names = AgreementNames(entities)
    products = _products(entities, names)
    spans, findings = held(entities, names)
    told = [*products.findings, *findings]
    kind = KeyKind.PRODUCT.label
    for row in products.intervals:
        if sentence := problem(kind, row.product, row.agreement):
            told.append(Finding(KIND, row.product, "bad_key", sentence))
            continue
        holding: Holding = (kind, row.product, row.agreement)
        spans.setdefault(holding, []).append(Span(row.from_us, row.upto_us))
    return rows(spans), sorted(set(told))


def intervals(entities: Entities) -> Sequence[InService]:
    """When which product was in service under which agreement in how many units, by product.

    Intervals of one product never overlap; a change of agreement or units begins a new one.
    """
    return _products(entities, AgreementNames(entities)).intervals


def order_facts(entities: Entities) -> Sequence[OrderFact]:
    """What each item of each order sold, to whom, by which channel and for how long."""
    names = AgreementNames(entities)
    items, _ = ordered_items(entities, names)
    return facts(on_offer(items, Catalogue(entities, names), names)[0])


class _Products(NamedTuple):
    """When products are in service, and what was found wrong."""

    intervals: Sequence[InService]
    findings: Sequence[Finding]


def _products(entities: Entities, names: AgreementNames) -> _Products:
    """Products as the inventory tells them, and those that only orders tell."""
    known, findings = inventoried(entities, names)
    items, wrong = ordered_items(entities, names)
    items, not_sold = on_offer(items, Catalogue(entities, names), names)
    ordered = ordered_intervals(items)
    every = {**ordered, **known}
    found = [row for name in sorted(every) for row in every[name]]
    over = {name for name in known if _is_over(entities.history(KIND, name)[-1])}
    doubtful = _contradictions(known, over, items)
    return _Products(found, [*findings, *wrong, *not_sold, *doubtful])


def _is_over(version: EntityVersion) -> bool:
    """Whether a product is at its end, by its newest version."""
    stage = STAGES.get(word(version.attributes.get("status")), Stage.WAITING)
    return version.is_gone or stage.is_closing


def _contradictions(
    known: Mapping[str, Sequence[InService]], over: Collection[str], items: Iterable[OrderItem]
) -> Sequence[Finding]:
    """Where orders tell a product of the inventory differently; only the last item of each counts.

    What an order did must be seen in the inventory at the moment from which it holds. An inventory
    that is not there yet (the product is known and still to come) does not contradict.
    """
    last: dict[str, OrderItem] = {}
    for item in sorted(items, key=lambda item: item.sequence):
        if item.holds_us is not None and item.product in known:
            last[item.product] = item
    found = []
    for name, item in last.items():
        if detail := _contradiction(known[name], item, is_over=name in over):
            detail = f"{detail} order {item.order!r}; the inventory holds: correct one of the two"
            found.append(Finding(KIND, name, "contradiction", detail))
    return found


def _contradiction(held: Sequence[InService], item: OrderItem, *, is_over: bool) -> str:
    """What the inventory says otherwise than an item, as the beginning of a sentence."""
    at_us = item.holds_us or 0
    after = [row for row in held if row.upto_us > at_us]
    if ends(item):
        is_open = bool(after) and after[-1].upto_us == FOREVER_US
        return "is still in service after its end by" if is_open else ""
    if not item.agreement:
        return ""
    if not after:
        return "is over in the inventory before what was done by" if held or is_over else ""
    under = next((row.agreement for row in after if row.from_us <= at_us), item.agreement)
    if under == item.agreement:
        return ""
    return f"is under agreement {under!r}, not {item.agreement!r} as in"
