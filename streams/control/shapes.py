"""Shapes: what the values of a resource may be, and the one form that they are kept in.

The two dialects of the standard say the same in different shapes: a related party is a reference
with a role in one and a role around a reference in the other, an external id is text in one and a
list in the other. Each reader here takes the value of one attribute in any of its shapes and gives
it in one, so that nothing later asks which dialect a master spoke. A value that has none of the
shapes is refused by name, for what is read wrongly would be settled wrongly.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from streams.control.times import parse_time

JsonObject = dict[str, Any]
Reader = Callable[[Any, str], Any]
Rules = Mapping[str, Sequence[tuple[str, Reader]]]
"""For each attribute the names under which it is kept, with what reads it for them."""

PARTY_TYPES = ("individual", "organization", "party")
"""What a reference to a party may refer to; a reference to anything else is to a party's role."""

ROLE_TYPES = (
    "partyrole",
    "customer",
    "supplier",
    "partner",
    "producer",
    "consumer",
    "businesspartner",
)
"""The types that an embedded role may have."""

STATE_SPELLINGS = {
    "deceaded": "deceased",
    "enable": "enabled",
    "disable": "disabled",
    "shutdown": "shuttingDown",
}
"""State values of the older dialect by what the newer one calls them."""

_WORDS = {dict: "an object", list: "a list", str: "text", bool: "true or false", int: "a number"}


class Unfit(ValueError):
    """Something that cannot be taken: a word for the reason, and a sentence."""

    def __init__(self, reason: str, detail: str) -> None:
        """A refusal for `reason`, a word of `docs/control-plane.md`."""
        super().__init__(detail)
        self.reason = reason


def _unfit(path: str, value: object, wanted: str) -> Unfit:
    """The refusal of a value that has another shape."""
    found = _WORDS.get(type(value), "nothing")
    return Unfit("bad_shape", f"{path} is {found}; send {wanted}")


def text(value: object, path: str) -> str:
    """Text as it is."""
    if not isinstance(value, str):
        raise _unfit(path, value, "text")
    return value


def identifier(value: object, path: str) -> str:
    """An id: text, or a whole number, which some masters send for it."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return text(value, path)


def state(value: object, path: str) -> str:
    """A state without blanks around it, in the newer dialect's spelling."""
    word = text(value, path).strip()
    return STATE_SPELLINGS.get(word, word)


def moment_text(value: object, path: str) -> str:
    """A time as it was written, once it is known to be one."""
    _instant(value, path)
    return text(value, path)


def _instant(value: object, path: str) -> int:
    """The microseconds of a time."""
    try:
        return parse_time(text(value, path))
    except Unfit:
        raise
    except ValueError as error:
        raise Unfit("bad_time", f"{path}: {error}") from error


def thing(value: object, path: str) -> JsonObject:
    """An object as it is."""
    if not isinstance(value, dict):
        raise _unfit(path, value, "an object")
    return value


def things(value: object, path: str) -> list[JsonObject]:
    """A list of objects; one alone is a list of one."""
    several = [value] if isinstance(value, dict) else value
    if not isinstance(several, list):
        raise _unfit(path, value, "a list of objects")
    return [thing(one, f"{path}[{n}]") for n, one in enumerate(several) if one is not None]


def period(value: object, path: str) -> JsonObject:
    """A TimePeriod whose end, if it has both sides, is not before its start."""
    sides = {name: side for name, side in thing(value, path).items() if side is not None}
    in_order(sides, "startDateTime", "endDateTime", f"{path}.")
    return sides


def in_order(said: Mapping[str, Any], start: str, end: str, path: str) -> None:
    """Refuse two attributes whose times contradict each other; either may be missing."""
    sides = [_instant(said[name], path + name) for name in (start, end) if name in said]
    if len(sides) > 1 and sides[1] < sides[0]:
        found = f"{path}{end} {said[end]} is before {path}{start} {said[start]}"
        raise Unfit("contradictory_validity", f"{found}; correct one of them and send it again")


def party(value: object, path: str) -> JsonObject:
    """A related party, in either dialect, as party id, role id, role and name, each of them text.

    The id of a reference to a role is the role's; the party's own stands beside it, or within the
    role where the whole role is embedded. The role is lower case.
    """
    outer = thing(value, path)
    inner = thing(outer.get("partyOrPartyRole") or outer, f"{path}.partyOrPartyRole")
    role = text(outer.get("role") or "", f"{path}.role").strip().lower()
    own = _id_of(inner, path)
    if not _is_role(inner):
        return {"party": own, "role_id": "", "role": role, "name": _name_of(inner)}
    engaged = inner.get("engagedParty")
    engaged = engaged if isinstance(engaged, dict) else {}
    of = identifier(inner.get("partyId") or "", f"{path}.partyId") or _id_of(engaged, path)
    name = _name_of({"name": inner.get("partyName")}) or _name_of(engaged) or _name_of(inner)
    return {"party": of, "role_id": own, "role": role, "name": name}


def _is_role(inner: JsonObject) -> bool:
    """Whether the id of a reference, or of an embedded object, is that of a role."""
    own = str(inner.get("@type") or "").strip().lower()
    if own in ("partyref", *PARTY_TYPES):
        return False
    if own == "partyroleref" or "partyId" in inner or "engagedParty" in inner:
        return True
    referred = str(inner.get("@referredType") or "").strip().lower()
    return referred not in PARTY_TYPES if referred else own in ROLE_TYPES


def _id_of(inner: JsonObject, path: str) -> str:
    """The id of a reference, empty when it has none."""
    found = inner.get("id")
    return "" if found is None else identifier(found, f"{path}.id")


def _name_of(inner: JsonObject) -> str:
    """The name of a reference, or of an embedded party of any kind; empty when it has none."""
    for name in ("name", "tradingName", "formattedName", "fullName"):
        if isinstance(inner.get(name), str) and inner[name]:
            return str(inner[name])
    names = [inner.get("givenName"), inner.get("familyName")]
    return " ".join(name for name in names if isinstance(name, str) and name)


def parties(value: object, path: str) -> list[JsonObject]:
    """Related or engaged parties; one alone is a list of one."""
    return [party(one, f"{path}[{n}]") for n, one in enumerate(things(value, path))]


def identifiers(value: object, path: str) -> list[JsonObject]:
    """External ids as owner, type and id; text is an id alone, a reference's name is its id."""
    if isinstance(value, str | int):
        return [{"owner": "", "type": "", "id": identifier(value, path)}]
    return [_identifier(one, f"{path}[{n}]") for n, one in enumerate(things(value, path))]


def _identifier(one: JsonObject, path: str) -> JsonObject:
    """One external id; what it does not say is empty."""
    kind = one.get("externalIdentifierType") or one.get("externalReferenceType") or ""
    own = one.get("id")
    return {
        "owner": text(one.get("owner") or "", f"{path}.owner"),
        "type": text(kind, f"{path}.externalIdentifierType"),
        "id": identifier(one.get("name") or "" if own is None else own, f"{path}.id"),
    }


def agreements(value: object, path: str) -> list[JsonObject]:
    """References to agreements, or to their items, as id (or else name) and item."""
    return [_agreement(one, f"{path}[{n}]") for n, one in enumerate(things(value, path))]


def _agreement(one: JsonObject, path: str) -> JsonObject:
    """One reference; the older dialect has the agreement's id as its own."""
    for name in ("agreementId", "id", "agreementName", "name"):
        if one.get(name) not in (None, ""):
            agreement = identifier(one[name], f"{path}.{name}")
            item = identifier(one.get("agreementItemId") or "", f"{path}.agreementItemId")
            return {"agreement": agreement, "item": item}
    raise Unfit("bad_shape", f"{path} names no agreement; send its id")


def characteristics(value: object, path: str) -> JsonObject:
    """Characteristics by name; different values of one name are a list, in their order."""
    found: dict[str, dict[str, Any]] = {}
    for n, one in enumerate(things(value, path)):
        name = text(one.get("name"), f"{path}[{n}].name").strip()
        # As JSON, since in Python 1 equals True.
        written = json.dumps(one.get("value"), sort_keys=True)
        found.setdefault(name, {})[written] = one.get("value")
    several = {name: [*values.values()] for name, values in found.items()}
    return {name: values[0] if len(values) == 1 else values for name, values in several.items()}


def media(value: object, path: str) -> list[JsonObject]:
    """Contact media; what the older dialect has in a medium's characteristic stands in it."""
    found = []
    for n, one in enumerate(things(value, path)):
        inner = thing(one.get("characteristic") or {}, f"{path}[{n}].characteristic")
        own = {name: said for name, said in one.items() if name != "characteristic"}
        medium = {**inner, **own}
        if medium.get("country") is not None:
            text(medium["country"], f"{path}[{n}].country")
        found.append(medium)
    return found


def item_states(value: object, path: str) -> list[JsonObject]:
    """States of order items by the item's id, as a state change tells them."""
    return [
        {
            **one,
            "itemId": identifier(one.get("itemId"), f"{path}[{n}].itemId"),
            "state": state(one.get("state"), f"{path}[{n}].state"),
        }
        for n, one in enumerate(things(value, path))
    ]


def by_rules(said: Mapping[str, Any], rules: Rules, path: str) -> JsonObject:
    """An object with its attributes read by rules; what there is no rule for stays as it is.

    An attribute that is null is not said. Attributes that are kept under one name are joined.
    """
    found: JsonObject = {}
    # Sorted, since two senders may write the same in another order.
    for attribute, value in sorted(said.items()):
        if value is None:
            continue
        for name, reader in rules.get(attribute, ((attribute, _as_is),)):
            read = reader(value, f"{path}.{attribute}")
            found[name] = _joined(found[name], read) if name in found else read
    return found


def _as_is(value: object, _path: str) -> object:
    """What has no rule."""
    return value


def _joined(one: Any, other: Any) -> Any:  # noqa: ANN401 - JSON
    """What two attributes say that are kept under one name."""
    if isinstance(one, list) and isinstance(other, list):
        return one + [part for part in other if part not in one]
    if isinstance(one, dict) and isinstance(other, dict):
        return {**one, **other}
    return other


def things_by(rules: Callable[[], Rules]) -> Reader:
    """A reader of a list of objects, each read by rules, which may name this reader."""

    def read(value: object, path: str) -> list[JsonObject]:
        """The objects."""
        several = things(value, path)
        return [by_rules(one, rules(), f"{path}[{n}]") for n, one in enumerate(several)]

    return read


def thing_by(rules: Callable[[], Rules]) -> Reader:
    """A reader of one object by rules."""

    def read(value: object, path: str) -> JsonObject:
        """The object."""
        return by_rules(thing(value, path), rules(), path)

    return read
