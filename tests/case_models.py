"""Which translation a model's name asks for.

A name is looked up as it is, or taken apart: `volume+max_delta` is the table volume with a bound,
read as the amounts of snapshots; `block_graduated_two_units` is the table graduated in blocks;
`windowed_package` begins anew in each window. So another combination needs no code.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from tests import case_calls, case_circuits, case_deals, case_money, case_windows
from tests.case_curves import Table, curve_plan
from tests.case_plans import Case, Plan, UntranslatableError

SPECIAL: Mapping[str, Callable[[Case], Plan]] = {
    **case_calls.MODELS,
    **case_circuits.MODELS,
    **case_deals.MODELS,
    **case_money.MODELS,
    **case_windows.SPECIAL,
}
SUFFIX = re.compile(
    r"(\+max|\+min|\+min/max|\+discount"
    r"|_incremental|_delta|_two_units|_multi_unit|_rounded|_round)$"
)
PREFIXES = ("block_", "windowed_")
TABLES = {
    "block": "graduated",
    "free_units": "free_units",
    "graduated": "graduated",
    "graduated_percentage": "graduated_percentage",
    "multiplier": "multiplier",
    "package": "package",
    "per_unit": "per_unit",
    "revenue_share_tiered": "tiered",
    "revenue_share_tiered_retroactive": "tiered_retroactive",
    "unit_convert": "unit_convert",
    "volume": "volume",
}


def table_of(model: str) -> Table:
    """The table that a model's name says.

    Raises:
        UntranslatableError: it says none that is known.
    """
    base, block, windowed = model, False, False
    while (shorter := SUFFIX.sub("", base)) != base:
        base = shorter
    for prefix in PREFIXES:
        if base.startswith(prefix):
            base = base.removeprefix(prefix)
            block, windowed = block or prefix == "block_", windowed or prefix == "windowed_"
    if base not in TABLES:
        raise UntranslatableError(f"model {model!r} is not known")
    return Table(TABLES[base], block or base == "block", windowed)


def plan_of(case: Case) -> Plan:
    """A case in the product's own words.

    Raises:
        UntranslatableError: there are none.
    """
    try:
        special = SPECIAL.get(case.model)
        return special(case) if special is not None else curve_plan(case, table_of(case.model))
    except (KeyError, IndexError, ValueError, ArithmeticError) as error:
        raise UntranslatableError(f"is of another form than its model: {error!r}") from error


def read_cases(path: Path) -> list[Case]:
    """The cases of a file, a JSON object a line."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]
    return [Case(r["id"], r["model"], r["params"], r["usage"], r["expected"]) for r in rows]
