"""What must hold for tiers that go on over several settlement periods.

Periods of a span are told apart and put in order by their labels, so all versions of an agreement
with such tiers settle by the same kind of period. The same form as the checks of
`schemas/terms.py`, which runs these too.
"""

from __future__ import annotations

from collections.abc import Iterator

from schemas.agreements import Agreement, Version, items_of
from schemas.deals import DealTiersPrice
from schemas.documents import Finding, Path
from schemas.prices import TiersPrice
from schemas.spans import Span


def check_spans(agreement: Agreement) -> Iterator[Finding]:
    """Tiers of a span stand in an agreement of one kind of period; those of deals have one span."""
    yield from _check_beside(agreement)
    periods = {version.period for version in agreement.versions}
    spans: list[Span] = []
    for path, price in _prices(agreement):
        if price.span is None:
            if price.from_ is not None:
                message = "says when spans begin; write each: quarter or year, or remove it"
                yield (*path, "price", "from"), message
            continue
        if len(periods) > 1:
            message = "goes on over periods, but versions settle by month and by day; write one"
            yield (*path, "price", "each"), message
        if isinstance(price, DealTiersPrice):
            spans.append(price.span)
            if price.span != spans[0]:
                message = "is another span than that of an earlier deal; deals need one alike"
                yield (*path, "price", "each"), message


def _check_beside(agreement: Agreement) -> Iterator[Finding]:
    """What counts over several periods by itself is under no deal, and chooses no tier."""
    for path, price in _prices(agreement):
        where = (*path, "price", "chosen_by")
        if price.chosen_by in _alone(agreement.versions[int(path[1])]):
            message = f"{price.chosen_by!r} counts over several periods by itself"
            yield where, f"{message}; name another item"
        elif isinstance(price, TiersPrice) and price.span and price.chosen_by is not None:
            yield where, "is not for tiers of several periods; remove it"
    for number, version in enumerate(agreement.versions):
        yield from _check_over(("versions", number, "deals"), version)


def _check_over(here: Path, version: Version) -> Iterator[Finding]:
    """A deal is over what is worked out for itself before: periods by items, spans by periods."""
    alone = _alone(version)
    ahead = {d.deal for d in version.deals if isinstance(d.price, DealTiersPrice) and d.price.span}
    for index, deal in enumerate(version.deals):
        for place, name in enumerate(deal.over):
            where = (*here, index, "over", place)
            if name in alone:
                yield where, f"{name!r} counts over several periods by itself; remove it"
            elif name in ahead and deal.deal not in ahead:
                yield where, f"{name!r} goes on over several periods, this deal does not; remove it"


def _alone(version: Version) -> set[str]:
    """The items that count over several periods by themselves."""
    return {i.item for i in version.items if isinstance(i.price, TiersPrice) and i.price.span}


def _prices(agreement: Agreement) -> Iterator[tuple[Path, TiersPrice | DealTiersPrice]]:
    """The prices of tiers of a period, and what they are of."""
    for path, item in items_of(agreement):
        if isinstance(item.price, TiersPrice):
            yield path, item.price
    for number, version in enumerate(agreement.versions):
        for index, deal in enumerate(version.deals):
            if isinstance(deal.price, DealTiersPrice):
                yield ("versions", number, "deals", index), deal.price
