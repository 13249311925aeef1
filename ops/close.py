"""What a close is asked for, and what it would do: checked before anything is written.

A close cannot be taken back, so a period that no agreement has, an agreement that does not exist or
a period without any usage is said, not closed. Who names an agreement means it: its period is
closed even when there is nothing in it, and then late usage becomes an adjustment.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from state.tables import Tables, VersionInfo

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Choice:
    """Which agreements a close is for; `remarks` says what about others, `hint` what else to do."""

    agreements: Sequence[str]
    remarks: Sequence[str]
    hint: str


def closable(
    tables: Tables,
    documents: Sequence[Row],
    rows: Sequence[Row],
    period: str,
    named: Sequence[str] | None,
) -> Choice:
    """The agreements whose period is to be closed.

    Args:
        tables: the agreements.
        documents: the statements so far.
        rows: the accruals of whole periods.
        period: as it was asked for.
        named: the agreements that were asked for; None or none means all that have usage.
    """
    newest = _newest(tables)
    in_test = tables.in_test.tolist()
    tried = {a.name: a.partner for a, is_ in zip(tables.agreements, in_test, strict=True) if is_}
    closed = {(d["agreement"], d["period"]): str(d["number"]) for d in documents}
    accrued = {(str(r["agreement"]), str(r["booked"])) for r in rows}
    chosen: list[str] = []
    remarks: list[str] = []
    for name in dict.fromkeys(named or newest):
        if name not in newest:
            remarks.append(_unknown(name, newest))
        elif (name, period) in closed:
            remarks.append(f"{name}: {period} was closed with statement {closed[name, period]}")
        elif not named and (name, period) not in accrued:
            continue
        elif name in tried:
            remarks.append(f"{name}: {tried[name]} is in test, and nothing is settled with it")
        elif (refused := _refused(newest[name], period)) is not None:
            remarks.append(f"{name}: {refused}")
        else:
            chosen.append(name)
    still_open = sorted({booked for name, booked in accrued if (name, booked) not in closed})
    hint = (
        f"open periods with usage are {', '.join(still_open)}"
        if still_open
        else "there is no open period with usage"
    )
    return Choice(chosen, remarks, hint)


def joined(
    choice: Choice, closed: Sequence[Row], group: Callable[[str], Sequence[str]]
) -> Iterator[str]:
    """What is said of agreements that were closed only because deals join them with others."""
    for document in closed:
        name = str(document["agreement"])
        if name not in choice.agreements:
            chosen = [other for other in group(name) if other in choice.agreements]
            yield f"{name}: closed together with {', '.join(chosen)}, as a deal joins them"


def _newest(tables: Tables) -> dict[str, VersionInfo]:
    """The newest version of each agreement: its calendar decides what a period is."""
    found: dict[str, VersionInfo] = {}
    for version in sorted(tables.versions, key=lambda v: v.version):
        found[tables.agreements[version.agreement].name] = version
    return found


def _refused(version: VersionInfo, period: str) -> str | None:
    """Why an agreement has no period of this name; None when it has."""
    try:
        version.periods.parse(period)
    except ValueError as error:
        return str(error)
    return None


def _unknown(name: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(name, known, 1)
    advice = f"; is it {near[0]}?" if near else ""
    return f"there is no agreement {name} in the reference{advice}"
