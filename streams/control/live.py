"""Live: from when to when a partner may be settled with, by the roles that it plays.

A partner goes live with a role whose status says so, from the start of the role's validity or, when
it has none, from the moment that the status was set. It stops with the first image that says
otherwise. A partner without any role is live by its agreements alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from schemas.moments import OPEN_FROM_S, OPEN_UPTO_S
from state.entities import FOREVER_US, Entities, EntityVersion
from streams.control.parties import ROLE, text
from streams.control.periods import SECOND_US, validity
from streams.control.stretches import Stretch, united

LIVE = frozenset({"active", "live", "launched"})
"""The statuses of a role that is live, in lower case; TMF669 leaves them to each master."""


def is_live(version: EntityVersion) -> bool:
    """Whether a role is live in one of its versions, its validity apart."""
    return not version.is_gone and text(version.attributes.get("status")).lower() in LIVE


def live(entities: Entities, role_ids: Iterable[str]) -> Sequence[Stretch]:
    """When any of some roles is live, in microseconds."""
    return united(part for role_id in role_ids for part in _live(entities, role_id))


def _live(entities: Entities, role_id: str) -> Sequence[Stretch]:
    """When one role is live.

    Only what comes first may begin before it was told: a role that is taken up again after it was
    suspended would otherwise have been live all the time.
    """
    found: list[Stretch] = []
    for alive, versions in groupby(entities.history(ROLE, role_id), is_live):
        if alive:
            run = list(versions)
            start, end = run[0].from_us, run[-1].upto_us
            starts = [validity(v.attributes)[0] for v in run]
            given = next((one for one in reversed(starts) if one is not None), None)
            if given is not None:
                start = max(start, given) if found else given
            closed = validity(run[-1].attributes)[1]
            found.append(Stretch(start, end if closed is None else min(end, closed)))
    return united(found)


def in_seconds(parts: Iterable[Stretch]) -> Sequence[Stretch]:
    """Stretches of microseconds in the whole seconds of reference files, none of them early."""
    return united(Stretch(_second(part.start), _second(part.end)) for part in parts)


def _second(us: int) -> int:
    """A second within the bounds of what reference files can say."""
    second = OPEN_UPTO_S if us == FOREVER_US else -(-us // SECOND_US)
    return min(max(second, OPEN_FROM_S), OPEN_UPTO_S)
