"""A second, plain reading of what is in service: every day for itself, with no spans at all.

It shares with the product only the words for what a version says.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from streams.control.in_service import Dates, Stage
from streams.control.orders import Action, OrderItem
from tests.streams.control.inventory_makers import day_text, day_us

DAY_FIRST, DAY_LAST = -2, 15
"""The days that are looked at."""

Told = tuple[int, Stage, Dates | None, str | None, bool]
"""Day, stage, dates (None: deleted), under what (None: not said; empty: nothing), whether whole."""

WAITING, RUNNING, PAUSED, ENDED, VOID = Stage


def plain_lives(versions: Sequence[Told]) -> list[list[Told]]:
    """The versions by life."""
    found: list[list[Told]] = [[]]
    for before, version in pairwise([None, *versions]):
        assert version is not None
        if before and before[1] in {ENDED, VOID} and version[1] not in {ENDED, VOID}:
            found.append([])
        found[-1].append(version)
    return found


def plain_is_in(life: Sequence[Told], said: Dates, day: int) -> bool:
    """Whether a life is in service on a day, by its dates and what it was told as until then."""
    started, over = (day_text(day) >= date if date else None for date in said[:2])
    if over or started is False or (said.accepted and day_text(day) < said.accepted):
        return False
    stages = [version[1] for version in life if version[0] <= day]
    if stages and stages[-1] is VOID:
        return False
    if over is None and ENDED in stages:
        return False
    stages = [stage for stage in stages if stage is not ENDED]
    if stages and stages[-1] is RUNNING:
        return True
    ran = {version[1] for version in life} & {RUNNING, PAUSED, ENDED}
    return bool(started and ran and not set(stages) - {WAITING})


def plain_under(life: Sequence[Told], day: int) -> str:
    """Under what a life is on a day, told or taken from its neighbours."""
    found = ""
    for number, version in reversed(list(enumerate(life))):
        if version[0] > day and number > 0:
            continue
        _, stage, _, under, _ = version
        if under is None or (under == "" and stage is WAITING):
            later = [other[3] for other in life[number + 1 :] if other[3]]
            found = later[0] if later else ("" if under == "" else "?")
        else:
            found = "?" if under == "" and stage is ENDED else under
        if found != "?":
            return found
    return ""


def plain(versions: Sequence[Told]) -> dict[int, str]:
    """Under what a thing is in service on each day, one day after the other."""
    found = dict.fromkeys(range(DAY_FIRST, DAY_LAST + 1), "")
    carried, free_from = Dates(), DAY_FIRST
    lives = plain_lives(versions)
    for number, life in enumerate(lives):
        last = [version[2] for version in life if version[2] is not None]
        if not last or not any(version[4] for version in life):
            continue
        said = Dates(*(n if n != o else "" for n, o in zip(last[-1], carried, strict=True)))
        carried = last[-1]
        until = lives[number + 1][0][0] if number + 1 < len(lives) else DAY_LAST + 1
        days_in = [day for day in range(free_from, until) if plain_is_in(life, said, day)]
        for day in days_in:
            found[day] = plain_under(life, day)
        ends = [version[0] for version in life if version[1] in {ENDED, VOID}]
        free_from = max(days_in) + 1 if days_in else min([*ends, DAY_LAST + 1])
    return found


def plain_ordered(items: list[OrderItem], day: int) -> tuple[str, int] | None:
    """Under what and in how many units P is in service on a day: each item once, as of that day."""
    status, under, units, is_known = "", "", 1, False
    actions = [Action.ADD, Action.MODIFY, Action.DELETE]
    for one in sorted(
        items,
        key=lambda i: (i.completed_us, i.holds_us, actions.index(i.action), i.order),  # type: ignore[arg-type]
    ):
        holds = one.holds_us is not None and one.holds_us <= day_us(day)
        if holds and one.action is Action.ADD:
            status, under, units = "active", one.agreement, one.units or 1
        elif holds and one.action is Action.DELETE:
            status = "terminated"
        elif holds and status != "terminated" and (status or not is_known):
            status = status or "active"
            if one.status in {"active", "suspended", "terminated"}:
                status = one.status
            under, units = one.agreement or under, one.units or units
        is_known = True
    return (under, units) if status == "active" and under else None
