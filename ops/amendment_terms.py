"""What differs between two references, in sentences: fields, versions, keys and price lists.

An amendment is agreed to by people, who want to read what was changed before they look at what it
comes to. So every difference that can bear on usage is named: of a version each field with what
stood there before, of an attribution key whose it was and whose it is, of price lists and the
other files that they differ.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from ops.immutable import changed_values
from schemas.agreements import Agreement
from schemas.codes import Code, KeyKind
from schemas.moments import OPEN_FROM_S, OPEN_UPTO_S, Moment
from schemas.reference import Reference
from streams.statement import format_nanos

Owner = tuple[str, int, int]  # agreement, from inclusive, upto exclusive, in seconds
NANOS_NAME = "_nanos"  # how the names of fields end that hold prices
PLAIN = (str, int)


def changes(before: Reference, after: Reference) -> Iterator[str]:
    """Every difference, a sentence each: none where the two settle all usage alike."""
    yield from _agreements(before, after)
    yield from _keys(before, after)
    yield from _decks(before, after)
    if not before.characteristics.equals(after.characteristics):
        yield "characteristics of keys differ"
    others = {
        "plans of time bands": (before.bands, after.bands),
        "holidays": (before.holidays, after.holidays),
        "caps": (before.caps, after.caps),
        "rates of exchange": (before.rates, after.rates),
    }
    yield from (f"{name} differ" for name, (was, now) in others.items() if was != now)


def _agreements(before: Reference, after: Reference) -> Iterator[str]:
    was, now = ({a.agreement: a for a in r.agreements} for r in (before, after))
    for name in sorted(was.keys() | now.keys()):
        if name not in now:
            yield f"{name} is gone"
        elif name not in was:
            yield f"{name} is new"
        else:
            yield from _versions(was[name], now[name])


def _versions(before: Agreement, after: Agreement) -> Iterator[str]:
    """What differs of one agreement."""
    for field in ("partner", "model", "pool"):
        was, now = getattr(before, field), getattr(after, field)
        if was != now:
            yield f"{before.agreement}: {field} is {_value(field, now)}, was {_value(field, was)}"
    old, new = ({v.version: v for v in a.versions} for a in (before, after))
    for number in sorted(old.keys() | new.keys()):
        name = f"{before.agreement} version {number}"
        if number not in new:
            yield f"{name} is gone"
        elif number not in old:
            yield f"{name} is new, from {_value('', new[number].valid_from)}"
        else:
            for path, field, was, now in changed_values(old[number], new[number]):
                yield f"{name}: {path} {_differs(field, was, now)}"


def _differs(field: str, was: object, now: object) -> str:
    """What a field is and was, where both can be said in a word."""
    said = _value(field, was), _value(field, now)
    return "differs" if None in said else f"is {said[1]}, was {said[0]}"


def _value(field: str, value: object) -> str | None:
    """A value as files have it; None of one that takes more than a word."""
    if value is None:
        return "empty"
    if isinstance(value, Moment):
        return _instant(value.instant_s) if value.day is None else value.day.isoformat()
    if isinstance(value, Code):
        return value.label
    if isinstance(value, int) and field.endswith(NANOS_NAME):
        return format_nanos(value)
    return str(value) if isinstance(value, PLAIN) else None


def _instant(second: int | None) -> str:
    return (
        "empty" if second is None else f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%SZ}"
    )


def _keys(before: Reference, after: Reference) -> Iterator[str]:
    was, now = _owners(before), _owners(after)
    for key in sorted(was.keys() | now.keys()):
        old, new = was.get(key, []), now.get(key, [])
        if old != new:
            yield f"{key} is {_owned(new)}, was {_owned(old)}"


def _owners(reference: Reference) -> Mapping[str, Sequence[Owner]]:
    """Whose each key is from when to when, in order of time."""
    found: dict[str, list[Owner]] = {}
    for kind, key, agreement, start, upto in reference.attribution.iter_rows():
        found.setdefault(f"{KeyKind(kind).label}:{key}", []).append((agreement, start, upto))
    return {key: sorted(owners, key=lambda o: o[1]) for key, owners in found.items()}


def _owned(owners: Sequence[Owner]) -> str:
    return ", then ".join(map(_owner, owners)) or "nobody's"


def _owner(owner: Owner) -> str:
    agreement, start, upto = owner
    since = f" from {_instant(start)}" if start > OPEN_FROM_S else ""
    until = f" up to {_instant(upto)}" if upto < OPEN_UPTO_S else ""
    return f"{agreement}{since}{until}"


def _decks(before: Reference, after: Reference) -> Iterator[str]:
    was, now = ({deck.name: deck for deck in r.decks} for r in (before, after))
    for name in sorted(was.keys() | now.keys()):
        if name not in now:
            yield f"deck {name} is gone"
        elif name not in was:
            yield f"deck {name} is new"
        else:
            for part in ("prefixes", "rates"):
                if not getattr(was[name], part).equals(getattr(now[name], part)):
                    yield f"{part} of deck {name} differ"
