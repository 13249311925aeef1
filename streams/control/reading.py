"""Reading: a notification of a master system, in whatever dialect, as changes.

A notification is an envelope (when, of what type, from which system) around a resource, and little
of it can be relied on: spellings differ, event names lie, one message may hold many, a change may
say everything or one attribute. So what it is about follows from the topic, the name of the payload
and its content; how much it says, from its content too. Each resource found becomes one `Change`,
or a `Refusal` with its reason, or is counted as ignored: nothing is lost on the way, one bad part
does not lose the others, and no bytes make this fail. `docs/control-plane.md` has the rules.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, NoReturn

from streams.control.changes import Change, Form, Place, Refusal
from streams.control.resources import BY_NAME, IGNORED, Resource
from streams.control.shapes import JsonObject, Unfit, identifier
from streams.control.times import parse_time

DEPTH_MAX = 100
"""Objects and lists within each other; what is deeper is no notification, and hard to handle."""

# Parts of an event that may have an id of their own and are not what it is about.
_SIBLINGS = ("relatedparty", "reportingsystem", "source", "informationrequired")
_TIMES = ("eventtime", "timeoccurred", "timeocurred", "timeoccured")
_DELETE = re.compile(r"(delete|remove)(event|notification)?$")
_CREATE = re.compile(r"(create|creation)(event|notification)?$")
_VERBS = re.compile(
    r"(attributevaluechange|attributevalue|statechange|statuschange|operatingstatuschange|change"
    r"|create|creation|delete|remove|batch|informationrequired|resolved|milestone|jeopardyalert"
    r"|errormessage)(event|notification)?$"
)
# What a price has that a reference to one has not.
_PRICES = ("price", "priceType", "percentage")


@dataclass(frozen=True)
class Reading:
    """What a message came to.

    Attributes:
        changes: what it tells, in the order in which it stands there.
        refusals: its parts that are not taken.
        ignored: how many parts are of no interest, by what they are.
    """

    changes: Sequence[Change] = ()
    refusals: Sequence[Refusal] = ()
    ignored: Mapping[str, int] = field(default_factory=dict)


class _Notification(NamedTuple):
    """What the envelope says; `event_type` is as sent, `times` are by spelling."""

    event_type: str
    event_id: str
    source: str
    times: Mapping[str, object]


class _Payload(NamedTuple):
    """A resource within an event, or a list of such."""

    resource: Resource
    value: Any


@dataclass
class _Outcome:
    """What has been read of a message so far; each part has a row, and so a place of its own."""

    message: bytes
    place: Place
    rows: int = 0
    changes: list[Change] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    ignored: Counter[str] = field(default_factory=Counter)

    @property
    def stem(self) -> str:
        """The topic without its version."""
        return self.place.topic.partition(".")[0]

    def next_place(self) -> Place:
        """The place of the next part."""
        self.rows += 1
        return self.place._replace(row=self.place.row + self.rows - 1)

    def refuse(self, unfit: Unfit) -> None:
        """The next part is not taken."""
        place = self.next_place()
        refusal = Refusal(unfit.reason, str(unfit), str(place), place.known_us, self.message)
        self.refusals.append(refusal)


def read(value: bytes | None, place: Place) -> Reading:
    """What a message on a topic of a master tells.

    Args:
        value: the message.
        place: where it stands; its parts are numbered from `place.row` on.
    """
    outcome = _Outcome(value or b"", place)
    try:
        several = _parsed(value)
    except Unfit as unfit:
        outcome.refuse(unfit)
    else:
        for one in several:
            _read_notification(one, outcome)
    return Reading(tuple(outcome.changes), tuple(outcome.refusals), dict(outcome.ignored))


def _parsed(value: bytes | None) -> Sequence[object]:
    """The notifications in a message; numbers with a fraction or an exponent stay text.

    Raises:
        Unfit: there are none.
    """
    if not value:
        raise Unfit("malformed", "the message is empty; to end a thing send its DeleteEvent")
    try:
        said = json.loads(value.decode("utf-8-sig"), parse_float=str, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise Unfit("malformed", f"the message is not JSON ({error}); mend the sender") from error
    _check_depth(said)
    try:
        json.dumps(said, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        half = "the message has half a character (an unpaired surrogate); mend the sender"
        raise Unfit("malformed", half) from error
    several = list(_listed(said))
    if not several:
        raise Unfit("no_payload", "the list is empty; send notifications in it or nothing")
    return several


def _no_number(word: str) -> NoReturn:
    """NaN and the infinities are not JSON."""
    raise ValueError(f"{word} is no number")


def _check_depth(said: object) -> None:
    """Refuse what is nested so deep that functions that call themselves could not handle it."""
    level = [said]
    for _ in range(DEPTH_MAX):
        level = [part for one in level for part in _parts(one)]
        if not level:
            return
    raise Unfit("malformed", f"the message is nested more than {DEPTH_MAX} deep; mend the sender")


def _parts(one: object) -> Sequence[object]:
    """The objects and lists directly within one."""
    inner = one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()
    return [part for part in inner if isinstance(part, dict | list)]


def _listed(value: object) -> Iterator[object]:
    """The elements of a list, and of lists in it; anything else is one element."""
    if not isinstance(value, list):
        yield value
        return
    for one in value:
        yield from _listed(one)


def _read_notification(said: object, outcome: _Outcome) -> None:
    """Take all that one envelope holds."""
    if not isinstance(said, dict):
        outcome.refuse(Unfit("malformed", "a notification is no object; send one with an event"))
        return
    envelope = {name.lower(): value for name, value in said.items()}
    for event in list(_listed(envelope.get("event"))) or [None]:
        try:
            body = _object(event, "event in the notification")
            notification = _notification(envelope, body, outcome.stem)
            payloads = _payloads(body, notification.event_type, outcome)
        except Unfit as unfit:
            outcome.refuse(unfit)
            continue
        for payload in payloads:
            for one in list(_listed(payload.value)) or [None]:
                _take(one, payload.resource, notification, outcome)


def _notification(envelope: JsonObject, event: JsonObject, stem: str) -> _Notification:
    """What the envelope says; some senders put the system within the event."""
    inner = {name.lower(): value for name, value in event.items()}
    systems = [where.get(n) for where in (envelope, inner) for n in ("reportingsystem", "source")]
    source = next((name for name in map(_system, systems) if name), stem)
    event_id = envelope.get("eventid")
    told = envelope.get("eventtype") or envelope.get("@type")
    return _Notification(
        told.strip().lower() if isinstance(told, str) else "",
        str(event_id) if isinstance(event_id, str | int) else "",
        source,
        {name: envelope[name] for name in _TIMES if envelope.get(name) not in (None, "")},
    )


def _object(said: object, what: str) -> JsonObject:
    """An object where one must be."""
    if not isinstance(said, dict):
        raise Unfit("no_payload", f"there is no {what}; send the resource as an object")
    return said


def _system(said: object) -> str:
    """The id of a system, else its name; empty when there is neither."""
    names = [said.get("id"), said.get("name")] if isinstance(said, dict) else [said]
    return next((str(n) for n in names if isinstance(n, str | int) and str(n).strip()), "")


def _payloads(event: JsonObject, event_type: str, outcome: _Outcome) -> Sequence[_Payload]:
    """The resources in an event that are at home on the topic.

    Raises:
        Unfit: there are none.
    """
    is_payload = event.get("id") is not None
    if is_payload and (own := _by_type(event)):
        return _at_home([_Payload(own, event)], outcome)
    parts = {
        name: value
        for name, value in event.items()
        if name.lower() not in _SIBLINGS and isinstance(value, dict | list)
    }
    named = [_Payload(BY_NAME[n.lower()], v) for n, v in parts.items() if n.lower() in BY_NAME]
    if named:
        return _at_home(named, outcome)
    ignored = [name.lower() for name in parts if name.lower() in IGNORED]
    if ignored:
        outcome.ignored.update(ignored)
        return ()
    for value in parts.values():
        if found := _by_type(next(_listed(value), None)):
            return _at_home([_Payload(found, value)], outcome)
    found = _by_event(event_type)
    if found and (is_payload or len(parts) == 1):
        only = event if is_payload else next(iter(parts.values()))
        return _at_home([_Payload(found, only)], outcome)
    if not parts:
        raise Unfit("no_payload", "the event holds no resource; send it under its name")
    names = ", ".join(sorted(parts))
    raise Unfit("unknown_event", f"the event is of {names}, which is not read; stop sending it")


def _at_home(payloads: Sequence[_Payload], outcome: _Outcome) -> Sequence[_Payload]:
    """Those that belong on the topic; others beside them are what they refer to."""
    home = [payload for payload in payloads if payload.resource.stem == outcome.stem]
    if not home:
        kind, stem = payloads[0].resource.kind, payloads[0].resource.stem
        where = f"{kind} belongs on {stem}.v1 and came on {outcome.place.topic}"
        raise Unfit("wrong_topic", f"{where}; send it there")
    outcome.ignored.update(["beside"] * (len(payloads) - len(home)))
    return home


def _by_type(value: object) -> Resource | None:
    """The resource that an object says it is, or is a subclass of."""
    if not isinstance(value, dict):
        return None
    names = [value.get("@type"), value.get("@baseType")]
    found = [BY_NAME.get(name.strip().lower()) for name in names if isinstance(name, str)]
    return next((resource for resource in found if resource), None)


def _by_event(event_type: str) -> Resource | None:
    """The resource that an event type names."""
    return BY_NAME.get(_VERBS.sub("", event_type))


def _take(said: object, named: Resource, of: _Notification, outcome: _Outcome) -> None:
    """Take one resource, and the full prices within it."""
    try:
        body = _object(said, f"{named.kind} in the event")
        resource = _resource(body, named, of.event_type)
        change = _change(body, resource, of, outcome.place)
    except Unfit as unfit:
        outcome.refuse(unfit)
        return
    outcome.changes.append(replace(change, position=str(outcome.next_place())))
    if change.form is not Form.GONE and resource.kind == "productOffering":
        _take_prices(change, of, outcome)


def _resource(said: JsonObject, named: Resource, event_type: str) -> Resource:
    """What a resource is: what it says itself, if that is at home with what it is sent as.

    The published files send a specification of a party role under the name of the role.
    """
    own = _by_type(said)
    if own is None and named.kind == "partyRole" and "@type" not in said:
        told = _by_event(event_type)
        own = told if told and told.kind == "partyRoleSpecification" else None
    return own if own and own.stem == named.stem else named


def _change(said: JsonObject, resource: Resource, of: _Notification, place: Place) -> Change:
    """The change that a resource in a notification tells, at the place of the message.

    Raises:
        Unfit: it cannot be taken.
    """
    name = _id(said, resource.kind)
    is_gone = _DELETE.search(of.event_type) is not None
    if is_gone and (told := _by_event(of.event_type)) and told is not resource:
        # An event type may be wrong, and an end is too much to take on its word alone.
        wrong = f"{of.event_type} holds {resource.kind} {name}; send the delete of what has ended"
        raise Unfit("unknown_event", wrong)
    try:
        at_us = _time(said, of)
        # Whatever body an end has, it is an end.
        attributes = said if is_gone else resource.read(said)
    except Unfit as unfit:
        raise Unfit(unfit.reason, f"{resource.kind} {name}: {unfit}") from unfit
    if is_gone:
        form = Form.GONE
    elif _CREATE.search(of.event_type) or resource.is_full(attributes):
        form = Form.FULL
    else:
        form = Form.PART
    return Change(
        kind=resource.kind,
        id=name,
        at_us=at_us,
        form=form,
        attributes=attributes,
        source=of.source,
        event_id=of.event_id,
        position=str(place),
        known_us=place.known_us,
    )


def _id(said: JsonObject, kind: str) -> str:
    """The id of a resource."""
    found = said.get("id")
    name = "" if found is None else identifier(found, f"{kind}.id")
    if not name.strip():
        raise Unfit("no_id", f"the {kind} has no id; send it with the id of the master")
    return name


def _time(said: JsonObject, of: _Notification) -> int:
    """Since when it is so: the time of the event, else of the last update, in microseconds."""
    times = {**of.times, "lastUpdate": said.get("lastUpdate")}
    for name, written in times.items():
        if written in (None, ""):
            continue
        if not isinstance(written, str):
            raise Unfit("bad_time", f"{name} is no text; write 2026-01-31T12:00:00Z")
        try:
            return parse_time(written)
        except ValueError as error:
            raise Unfit("bad_time", f"{name}: {error}") from error
    raise Unfit("no_time", "neither eventTime nor lastUpdate says since when; send one of them")


def _take_prices(offering: Change, of: _Notification, outcome: _Outcome) -> None:
    """Take the prices that an offering holds in full; references to prices say nothing of them."""
    for said in offering.attributes.get("productOfferingPrice", ()):
        if not any(name in said for name in _PRICES):
            continue
        if said.get("id") is None:
            outcome.ignored["price_without_id"] += 1
            continue
        as_created = of._replace(event_type="productofferingpricecreateevent")
        _take(said, BY_NAME["productofferingprice"], as_created, outcome)
