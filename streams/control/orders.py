"""Orders (TMF622): what each item of each order asks for, and from when on it holds.

An order has items, and items may have items of their own; the innermost ones, the *leaves*, say
what is done to which product. A leaf has a state of its own, so of an order that was fulfilled in
part the completed leaves count and the others do not. What a leaf does not say (agreement,
offering, state) it has from the item around it, and in the end from the order.

What was ordered holds from the start that the product in the item names, also when the message came
later; else from the moment at which the leaf became completed; else from the order's completion.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from typing import NamedTuple

from state.entities import ITEMS, Entities, EntityVersion
from streams.control.agreement_names import AgreementNames
from streams.control.derived import Finding
from streams.control.products import UNITS, accepted_at, units_of
from streams.control.times import parse_time
from streams.control.values import Values, characteristic, member, members, text, word

KIND = "productOrder"
COMPLETED = "completed"
PARTNER_ROLES = ("partner", "reseller", "buyer", "customer")
"""Who of an order's parties its partner is: the first role of these that somebody has."""


class Action(Enum):
    """What an item does; the order is that of actions at one moment."""

    ADD = "add"
    MODIFY = "modify"
    DELETE = "delete"
    NO_CHANGE = "noChange"


class OrderItem(NamedTuple):
    """A leaf of an order.

    Attributes:
        order: the order's id.
        item: the ids of the items from the outermost to the leaf, with a slash between them.
        product: the id of the product that the item is about; empty when it names none.
        partner: the id of the party that ordered; empty when nobody knows.
        agreement: the name of the agreement that it is under; empty when there is none.
        offering: the id of the offering asked for; empty when there is none.
        channel: the id, else the name, of the channel that the order came by; empty for none.
        action: what it does; None when nobody knows the word.
        state: the leaf's state, as it was sent.
        ordered_us: when the order was placed.
        completed_us: when the leaf became completed; None when it is not.
        holds_us: from when on what it did holds; None when it is not completed.
        units: how many units it asks for; None when it does not say.
        status: the status that it gives to the product, in lower case.
    """

    order: str
    item: str
    product: str
    partner: str
    agreement: str
    offering: str
    channel: str
    action: Action | None
    state: str
    ordered_us: int
    completed_us: int | None
    holds_us: int | None
    units: int | None
    status: str

    @property
    def sequence(self) -> tuple[int, int, int, str, str]:
        """By what items are put into the order in which they were done."""
        actions = [*Action, None]
        done = (self.completed_us or 0, self.holds_us or 0, actions.index(self.action))
        return (*done, self.order, self.item)


class _Leaf(NamedTuple):
    """A leaf with the items around it, from the leaf outwards."""

    path: str
    items: Sequence[Values]

    def first(self, name: str) -> str:
        """The text that the leaf, else the nearest item around it, has under a name."""
        return next((found for item in self.items if (found := text(item.get(name)))), "")


def ordered_items(
    entities: Entities, names: AgreementNames
) -> tuple[Sequence[OrderItem], Sequence[Finding]]:
    """The leaves of all orders, by order, and what was found wrong.

    A leaf that says something that nobody understands is there, but it does nothing.
    """
    items: list[OrderItem] = []
    findings: list[Finding] = []
    for name in entities.ids(KIND):
        told = _Told.of(entities.history(KIND, name))
        if told is None:
            if not entities.history(KIND, name)[-1].is_gone:
                detail = "only parts of it were told; it does nothing until its full image comes"
                findings.append(Finding(KIND, name, "incomplete", detail))
            continue
        for leaf in _leaves(told.last.attributes):
            item, wrong = _item(name, told, leaf, names)
            items.append(item)
            findings += [Finding(KIND, name, *reason) for reason in wrong]
    return items, findings


class _Told(NamedTuple):
    """What was told of an order.

    Attributes:
        placed_us: since when it is known of.
        last: the newest version that is whole; that an order is deleted undoes nothing.
        states: for this version and those before it, the newest first, since when it is so and
            the state of each leaf.
    """

    placed_us: int
    last: EntityVersion
    states: Sequence[tuple[int, Mapping[str, str]]]

    @staticmethod
    def of(versions: Sequence[EntityVersion]) -> _Told | None:
        """What the versions of an order tell; None while none is whole."""
        last = next((v for v in reversed(versions) if v.is_complete and not v.is_gone), None)
        if last is None:
            return None
        earlier = [v for v in reversed(versions) if v.from_us <= last.from_us]
        images = ((v.from_us, v.attributes) for v in earlier)
        states = [
            (from_us, {leaf.path: _state(leaf, image) for leaf in _leaves(image)})
            for from_us, image in images
        ]
        return _Told(versions[0].from_us, last, states)


def _leaves(order: Values) -> Iterator[_Leaf]:
    """The leaves of an order, in its own order."""
    return _leaves_of(members(order.get(ITEMS)), "", ())


def _leaves_of(items: Sequence[Values], path: str, around: Sequence[Values]) -> Iterator[_Leaf]:
    """The leaves of items that lie within others."""
    for item in items:
        here = f"{path}/{text(item.get('id'))}" if path else text(item.get("id"))
        inner = members(item.get(ITEMS))
        if inner:
            yield from _leaves_of(inner, here, (item, *around))
        else:
            yield _Leaf(here, (item, *around))


def _state(leaf: _Leaf, order: Values) -> str:
    """The state of a leaf: its own, else that of what is around it."""
    return leaf.first("state") or text(order.get("state"))


def _item(
    name: str, told: _Told, leaf: _Leaf, names: AgreementNames
) -> tuple[OrderItem, Sequence[tuple[str, str]]]:
    """A leaf of an order, and for each thing that is wrong with it a reason and a sentence."""
    order, product = told.last.attributes, member(leaf.items[0], "product")
    item = _described(name, told, leaf, names)
    wrong = [*_contradiction(item, word(order.get("state")))]
    if word(item.state) != COMPLETED or item.action is Action.NO_CHANGE:
        return item, wrong
    where = f"item {leaf.path!r}"
    if item.action is None:
        known = ", ".join(action.value for action in Action)
        said = text(leaf.items[0].get("action"))
        return item, [*wrong, ("unknown_action", f"{where} has the action {said!r}; write {known}")]
    if not item.product:
        detail = f"{where} is completed and names no product; send it with product.id"
        return item, [*wrong, ("incomplete", detail)]
    try:
        units = None if characteristic(product, UNITS) is None else units_of(product)
        accepted = accepted_at(product)
    except ValueError as error:
        return item, [*wrong, ("bad_value", f"{where} {error}; until then it does nothing")]
    try:
        timed = _timed(item, told, product, accepted)
    except ValueError as error:
        return item, [*wrong, ("bad_time", f"{where}: {error}; until then it does nothing")]
    return timed._replace(units=units), wrong


def _described(name: str, told: _Told, leaf: _Leaf, names: AgreementNames) -> OrderItem:
    """What a leaf asks for, without its moments."""
    order, product = told.last.attributes, member(leaf.items[0], "product")
    under = (names.first_of(values) for values in (product, *leaf.items, order))
    agreement = next((found for found in under if found), "")
    asked = (member(v, "productOffering") for v in (leaf.items[0], product, *leaf.items[1:]))
    action = word(leaf.items[0].get("action"))
    return OrderItem(
        order=name,
        item=leaf.path,
        product=text(product.get("id")),
        partner=_partner(order, agreement, names),
        agreement=agreement,
        offering=next((found for values in asked if (found := text(values.get("id")))), ""),
        channel=_channel(order),
        action=next((known for known in Action if known.value.casefold() == action), None),
        state=_state(leaf, order),
        ordered_us=told.placed_us,
        completed_us=None,
        holds_us=None,
        units=None,
        status=word(product.get("status")),
    )


def _timed(item: OrderItem, told: _Told, product: Values, accepted: str) -> OrderItem:
    """A completed leaf with its moments.

    Raises:
        ValueError: a date that decides is no moment; the sentence says so.
    """
    order = told.last.attributes
    placed = text(order.get("creationDate")) or text(order.get("orderDate"))
    completed_us = _became_completed(item.item, told)
    holds_us = completed_us
    if item.action is Action.ADD:
        start = text(product.get("startDate"))
        holds_us = parse_time(start) if start else completed_us
        holds_us = max(holds_us, parse_time(accepted)) if accepted else holds_us
    elif item.action is Action.DELETE and (end := text(product.get("terminationDate"))):
        holds_us = parse_time(end)
    placed_us = parse_time(placed) if placed else item.ordered_us
    return item._replace(ordered_us=placed_us, completed_us=completed_us, holds_us=holds_us)


def _became_completed(path: str, told: _Told) -> int:
    """The moment at which a completed leaf became so, as far as it was told.

    Where the first image of the leaf is completed already, nobody saw it: then it is the order's
    completion, where that is given.
    """
    since_us = told.last.from_us
    for from_us, states in told.states:
        if path not in states:
            break
        if word(states[path]) != COMPLETED:
            return since_us
        since_us = from_us
    said = text(told.last.attributes.get("completionDate"))
    return parse_time(said) if said else since_us


def _partner(order: Values, agreement: str, names: AgreementNames) -> str:
    """The party that ordered: by its role in the order, else the partner of the agreement."""
    parties: dict[str, str] = {}
    for one in members(order.get("relatedParty")):
        if party := text(one.get("party")) or text(one.get("id")):
            parties.setdefault(word(one.get("role")), party)
    by_role = (parties[role] for role in PARTNER_ROLES if role in parties)
    return next(by_role, "") or names.partner(agreement)


def _channel(order: Values) -> str:
    """The sales channel of an order: the first that it names."""
    for one in members(order.get("channel")):
        inner = member(one, "channel") or one
        if found := text(inner.get("id")) or text(inner.get("name")):
            return found
    return text(order.get("channel"))


def _contradiction(item: OrderItem, state: str) -> Sequence[tuple[str, str]]:
    """That an order says it is completed and a leaf of it says that it is still under way."""
    settled = {COMPLETED, "cancelled", "failed", "rejected"}
    if state != COMPLETED or word(item.state) in settled or item.action is Action.NO_CHANGE:
        return ()
    detail = f"is completed, but its item {item.item!r} is {item.state!r}; the item holds:"
    return [("contradiction", f"{detail} send the state of the item")]
