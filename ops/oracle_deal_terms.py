"""The oracle's own reading of deals: text to exact numbers, and nothing clever.

A swap is read as two deals, one each way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from ops.oracle_files import exact, mapping
from ops.oracle_prices import PER, Price, chosen_bounds, counted, list_of, read_price
from ops.oracle_spans import Span

ZERO = Fraction(0)


@dataclass(frozen=True)
class Deal:
    """What items of a period come to together, by one kind of price.

    `tiers` is the price of tiers; `rooms` are tiers of capacity, quantities by item with a price;
    `sides` of a swap are the items of its own side and of the other; `declared` the side that the
    partner declares under the name `declared_as`, if it does.
    """

    name: str
    flow: str
    over: tuple[str, ...]
    kind: str
    discount: Fraction = ZERO
    maximum: Fraction | None = None
    minimum: Fraction = ZERO
    amount: Fraction = ZERO
    prorate: bool = False
    on: str = ""
    tiers: Price | None = None
    result: str = "add"
    chosen_by: str = ""
    by_hour: bool = False
    rooms: tuple[tuple[Mapping[str, Fraction], Fraction], ...] = ()
    sides: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
    rates: tuple[Fraction, Fraction] = (ZERO, ZERO)
    declared_as: str = ""
    declared: tuple[str, ...] = ()

    @property
    def alike(self) -> tuple[str, str]:
        """What two versions of a deal have in common when one goes on where the other ended."""
        return self.kind, "" if self.tiers is None else self.tiers.quantity

    @property
    def span(self) -> Span | None:
        """The months that the deal goes on over; None where each period begins anew."""
        return None if self.tiers is None else self.tiers.span


def read_deals(
    entry: Mapping[str, object], items: Sequence[Mapping[str, object]]
) -> tuple[Deal, ...]:
    """The deals that an entry of an agreement version means, given the items beside it."""
    price = mapping(entry["price"])
    pers = {str(item["item"]): _per(mapping(item["price"])) for item in items}
    name, kind = str(entry["deal"]), str(price["kind"])
    plain = Deal(
        name=name,
        flow=str(entry.get("flow", "")),
        over=_names(entry.get("over")),
        kind=kind,
        discount=exact(price.get("discount_percent", "0")) / 100,
        maximum=exact(price["maximum"]) if "maximum" in price else None,
        minimum=exact(price.get("minimum", "0")),
        amount=exact(price.get("amount", "0")),
        prorate=price.get("prorate") == "true",
        on=str(price.get("on", "")),
    )
    if kind == "tiers":
        return (_tiers(plain, price, pers),)
    if kind == "capacity":
        return (replace(plain, rooms=tuple(_room(t, pers) for t in _tiers_of(price))),)
    if kind == "swap":
        unit = PER[str(price["per"])][1]
        rates = tuple(exact(price[rate]) / unit for rate in ("balanced", "unbalanced"))
        came, went = _names(price["in"]), _names(price["out"])
        both = replace(plain, over=came + went, rates=(rates[0], rates[1]))
        if "declared" in price:
            side = came if price["declared"] == "in" else went
            both = replace(both, declared_as=name, declared=side)
        return (
            replace(both, name=f"{name}:receivable", flow="receivable", sides=(came, went)),
            replace(both, name=f"{name}:payable", flow="payable", sides=(went, came)),
        )
    return (plain,)


def figure_items(entry: Mapping[str, object]) -> list[Mapping[str, object]]:
    """What partners declare for the swaps of a version, as items that no usage leads to."""
    found: list[Mapping[str, object]] = []
    for deal in map(mapping, list_of(entry.get("deals") or [])):
        price = mapping(deal["price"])
        if "declared" in price:
            flow = "receivable" if price["declared"] == "in" else "payable"
            counts = {"kind": "counted", "per": price["per"]}
            nobody = {"role": "", "service": "", "flow": flow}
            found.append({"item": deal["deal"], **nobody, "price": counts})
    return found


def _tiers(plain: Deal, price: Mapping[str, object], pers: Mapping[str, str]) -> Deal:
    """Tiers; what chooses one of them is counted in its own unit."""
    tiers = chosen_bounds(read_price(price), pers)
    return replace(
        plain,
        tiers=tiers,
        result=str(price.get("result", "add")),
        chosen_by=tiers.chosen_by,
        by_hour=price.get("each") == "hour",
    )


def _room(
    tier: Mapping[str, object], pers: Mapping[str, str]
) -> tuple[Mapping[str, Fraction], Fraction]:
    """How much of each item a tier of capacity has room for, and its price."""
    bounds = mapping(tier.get("up_to") or {})
    return {n: counted(b, PER[pers[n]][1]) for n, b in bounds.items()}, exact(tier["price"])


def _per(price: Mapping[str, object]) -> str:
    """What an item's quantity is written in."""
    return "amount" if price["kind"] == "share" else str(price.get("per", "minute"))


def _tiers_of(price: Mapping[str, object]) -> list[Mapping[str, object]]:
    return [mapping(tier) for tier in list_of(price["tiers"])]


def _names(value: object) -> tuple[str, ...]:
    return tuple(map(str, list_of(value or [])))
