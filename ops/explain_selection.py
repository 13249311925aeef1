"""Why this item and no other: every candidate for a leg, held against the event once more.

Where several items of a version cover an event's role, service and direction, an analyst asks which
of them went before which, and by what. So each candidate is shown with its conditions, in the order
of precedence: the one that prices the leg, those that hold and were outranked, those with a
condition that failed, with what the event says there, and the surcharges that are added.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from schemas.money import MICROS
from schemas.selectors import PRECEDENCE, USAGE_COLUMNS
from state.choices import Choices
from state.tables import NONE, Tables
from state.terms import CONTESTED
from streams.attribution import attribute
from streams.privacy import mask
from streams.selection import judge
from streams.usage import UsageBatch

Document = dict[str, Any]
Row = Mapping[str, Any]

NUMBERS = ("routing", "called", "calling")


def candidates_of(row: Row, usage: UsageBatch, index: int, tables: Tables) -> list[Document]:
    """The candidates for a rated leg, the first the highest; none where only one item covers it.

    What is added to a leg is among the candidates of that leg, and has none itself.
    """
    if row["key"] not in tables.key_names:
        return []
    version = next(
        (
            place
            for place, known in enumerate(tables.versions)
            if known.version == row["version"]
            and tables.agreements[known.agreement].name == row["agreement"]
        ),
        NONE,
    )
    covering = int(
        tables.item_of[version, row["role"], usage.service[index], usage.direction[index]]
    )
    if version == NONE or covering > CONTESTED:
        return []
    group = tables.choices.group(CONTESTED - covering)
    added = [tables.items[item].name for item in group if tables.items[item].surcharge]
    if row["item"] in added:
        return []
    return _told(group, tables.key_names.index(row["key"]), usage, index, tables)


def unmet(usage: UsageBatch, index: int, tables: Tables) -> list[Document]:
    """The candidates for the legs of an event that was not rated, for want of an item."""
    legs, _ = attribute(usage, np.array([index], np.int64), tables)
    told: list[Document] = []
    for key, item in zip(legs.key.tolist(), legs.item.tolist(), strict=True):
        if item <= CONTESTED:
            told += _told(tables.choices.group(CONTESTED - item), key, usage, index, tables)
    return told


def _told(
    rows: Sequence[int] | np.ndarray[Any, Any],
    key: int,
    usage: UsageBatch,
    index: int,
    tables: Tables,
) -> list[Document]:
    """Candidates in the order of precedence, each with what became of it.

    Those that compete and whose conditions hold have a rank from 1 on.
    """
    items = np.asarray(rows, np.int32)
    same = np.full(len(items), index, np.int64), np.full(len(items), key, np.int32)
    judged = judge(usage, *same, items, tables)
    choices = tables.choices
    competing = np.where(choices.is_surcharge[items], NONE, judged.rank)
    best = int(competing.max())
    order = np.lexsort((-choices.rank[items], -judged.rank, choices.is_surcharge[items]))
    fields = sorted(judged.failed, key=lambda field: PRECEDENCE.index(field.partition(" ")[0]))
    told: list[Document] = []
    rank = 0
    for place in order.tolist():
        row = int(items[place])
        info = tables.items[row]
        failed = [field for field in fields if place in judged.failed[field]]
        if failed:
            said = [f"{f} is {_said(f, row, usage, index, key, tables)}" for f in failed]
            result = f"not met: {', '.join(said)}"
        elif info.surcharge:
            result = "added" if best >= 0 else "met, but there is nothing to add it to"
        else:
            result = "prices the leg" if judged.rank[place] == best else "outranked"
        rank += not failed and not info.surcharge
        told.append(
            {
                "rank": None if failed or info.surcharge else rank,
                "item": info.name,
                "conditions": _conditions(row, tables),
                "result": result,
            }
        )
    return told


def _conditions(row: int, tables: Tables) -> str:
    """The scope and the conditions of a candidate, in words."""
    info, choices = tables.items[row], tables.choices
    words = [] if info.where is None else [str(info.where)]
    if _listed_by_kind(row, choices, words):
        words.append("listed in its deck")
    what = "surcharge" if info.surcharge else ""
    scope = f"master {info.book}" if info.book else ""
    return ", ".join(filter(None, [scope, what, *words])) or "no condition"


def _listed_by_kind(row: int, choices: Choices, words: Sequence[str]) -> bool:
    """Whether an item is for numbers of its deck without saying so."""
    return bool(choices.is_listed[row]) and not any("listed" in word for word in words)


def _said(field: str, item: int, usage: UsageBatch, index: int, key: int, tables: Tables) -> str:
    """What the event says in a field that an item has a condition on; numbers masked."""
    if field == "band":
        return tables.choices.bands.name(item, int(usage.started_us[index]))
    if field == "key":
        return tables.key_names[key]
    if field == "listed":
        return "not so"
    if field.startswith("characteristic "):
        return _has(field.partition(" ")[2], usage, index, key, tables)
    family, at = usage.origin(index)
    column = None if family is None else family.columns.get(USAGE_COLUMNS[field])
    value = None if column is None else column[at].as_py()
    if value is None:
        return "not given"
    return mask(str(value)) if field in NUMBERS else str(value)


def _has(name: str, usage: UsageBatch, index: int, key: int, tables: Tables) -> str:
    """What a key has of a characteristic at the time of an event, if any condition asks for it."""
    one = tables.choices.characteristics[name]
    second = usage.started_us[index : index + 1] // MICROS
    place = int(one.value_of.lookup(np.array([key], np.int32), second)[0])
    return "another" if place == NONE else str(one.sets.texts[place])
