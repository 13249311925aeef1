"""Price: what some usage would cost under an agreement, without touching any settlement.

The reference is copied to a temporary directory with another attribution: every key that the usage
files name is the agreement's, in the roles that its items have, and nobody's in all others. Then
the product settles the files there (`ops/whatif.py`). So the answer has what a settlement has:
every leg with raw and rated quantity, rate line, charge and residue, every event that has no price
with the reason, and each period's draft or, once it is closed, its statement.
"""

from __future__ import annotations

import csv
import difflib
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc

from ops.explain_bands import parts
from ops.explain_intervals import stretch
from ops.explain_leg import arithmetic, rate_line
from ops.explain_session import together
from ops.explain_shares import told
from ops.whatif import Whatif
from schemas import keys
from schemas.agreements import OWN_NAME
from schemas.codes import KeyKind, PriceKind, Role
from schemas.columns import decode
from schemas.money import NANOS, format_micros
from schemas.reference import Reference, load
from schemas.selectors import ROLE_KINDS
from schemas.terms_selectors import key_conditions
from state.tables import NONE, Tables, build
from streams.accrual import Book
from streams.attribution import KEYS
from streams.contribution import Series
from streams.files import read_file
from streams.statement import fraction_text
from streams.terms import Terms

Row = dict[str, Any]
Document = dict[str, Any]

# What says of a leg by which line of which price it was charged.
LINE_FIELDS = ("agreement", "version", "item", "zone", "band", "price_nanos", "connect_nanos")
DIGITS = "0123456789"  # the ranges of one digit: together they hold every number
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class UnknownAgreementError(Exception):
    """The reference has no such agreement; the sentence says which is like it."""


class InTestError(Exception):
    """The agreement's partner is in test, so nothing has a price; the sentence says what to do."""


def price(reference: Path, agreement: str, usage: Sequence[Path], closing: str | None) -> Document:
    """What usage would cost under an agreement.

    Args:
        reference: the directory of reference files.
        agreement: the agreement's name.
        usage: files in any of the formats that are settled.
        closing: a period to be closed, so that its statement is shown and not its draft.

    Returns:
        agreement, reference (its id), outcomes, legs, periods and problems of the files.

    Raises:
        InvalidReferenceError: the reference files cannot be used.
        UnknownAgreementError: the agreement is not in them.
        InTestError: its partner is in test.
        CloseRefusedError: the agreement has no such period.
        UsageFileError: a file cannot be read at all.
    """
    loaded = load(reference)
    tables = build(loaded)
    known = [a.name for a in tables.agreements]
    if agreement not in known:
        near = difflib.get_close_matches(agreement, known, 1)
        advice = f"; is it {near[0]}?" if near else ""
        raise UnknownAgreementError(f"there is no agreement {agreement} in {reference}{advice}")
    partner = tables.agreements[known.index(agreement)].partner
    if tables.in_test[known.index(agreement)]:
        advice = "ask with a copy of the reference in which it is not"
        raise InTestError(f"{agreement} is of {partner}, which is in test: {advice}")
    with tempfile.TemporaryDirectory(prefix="weir-price-") as directory:
        terms = Path(directory) / "reference"
        shutil.copytree(reference, terms)
        named = named_keys(usage)
        for role, found in asked_keys(loaded).items():
            named[role] |= found
        rows = attribution(agreement, roles_of(agreement, tables), named)
        with (terms / keys.FILE).open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([keys.COLUMNS, *rows])
        with Whatif(terms) as whatif:
            problems = [p for path in usage for p in _ingest(whatif, path)]
            if closing is not None:
                whatif.close_periods([agreement], closing)
            return {
                "agreement": agreement,
                "reference": loaded.reference_id,
                "outcomes": whatif.outcomes(),
                "legs": legs(whatif),
                "periods": list(_periods(whatif)),
                "problems": problems,
            }


def _ingest(whatif: Whatif, path: Path) -> Sequence[str]:
    """Settle a file; what was wrong with it as a whole."""
    *_, report = whatif.ingest(path)
    return report.problems


def roles_of(agreement: str, tables: Tables) -> frozenset[Role]:
    """The roles that an agreement has items for, in whatever version."""
    names = [tables.agreements[v.agreement].name for v in tables.versions]
    rows = [row for row, name in enumerate(names) if name == agreement]
    priced = (tables.item_of[rows] != NONE).any(axis=(0, 2, 3))
    return frozenset(Role(role) for role in np.flatnonzero(priced).tolist())


def named_keys(usage: Sequence[Path]) -> dict[Role, set[tuple[KeyKind, str]]]:
    """The attribution keys that the events of some files name, by the role they would decide.

    A subscriber is found by ranges of one digit, which are as good as their number.
    """
    named: dict[Role, set[tuple[KeyKind, str]]] = {role: set() for role in Role}
    for path in usage:
        for block in read_file(path, 1):
            values = [v for rows in block.messages.values() for _, v in rows if v is not None]
            for family in decode(values).families:
                for role, deciding in KEYS.items():
                    for column, kind, _ in deciding:
                        if column in family.columns:
                            found = pc.unique(family.columns[column].drop_null()).to_pylist()
                            named[role] |= {(kind, key) for key in found if _is_key(key)}
                subscriber = family.columns.get("subscriber")
                if subscriber is not None and subscriber.null_count < len(subscriber):
                    ranges = (KeyKind.NUMBER_RANGE, KeyKind.IMSI_RANGE)
                    named[Role.SUBSCRIBER] |= {(kind, d) for kind in ranges for d in DIGITS}
    return named


def asked_keys(reference: Reference) -> dict[Role, set[tuple[KeyKind, str]]]:
    """The keys that conditions name or characteristics are given to, by the roles they can make.

    They stay listed, so that a condition on a range of numbers still finds that range.
    """
    conditions = (key for a in reference.agreements for _, key in key_conditions(a))
    parted = [key.partition(":") for key in {*conditions, *reference.characteristics["key"]}]
    known = [(KeyKind[kind.upper()], key) for kind, _, key in parted]
    return {role: {k for k in known if k[0] in kinds} for role, kinds in ROLE_KINDS.items()}


def _is_key(text: str) -> bool:
    """Whether a key may stand in attribution.csv; an event with another one is suspended."""
    return 0 < len(text) <= keys.KEY_LENGTH_MAX and text.isprintable()


def attribution(
    agreement: str, roles: frozenset[Role], named: Mapping[Role, set[tuple[KeyKind, str]]]
) -> list[tuple[str, ...]]:
    """Rows of attribution.csv that give the agreement all keys of its roles, and nobody else any.

    A route that is the agreement's where usage comes in is so where it leaves, too.
    """
    own = {key for role in roles for key in named[role]}
    every = {key for found in named.values() for key in found}
    return [
        (kind.label, key, agreement if (kind, key) in own else OWN_NAME, "", "")
        for kind, key in sorted(every)
    ]


def legs(whatif: Whatif) -> list[Row]:
    """Every leg in order of time, then every event that has no price with the reason."""
    known: dict[tuple[Any, ...], str] = {}  # looking for a deck's increments takes its time
    found: list[Row] = []
    rows = sorted(together(whatif.legs()), key=_order)
    of_event: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        of_event.setdefault(_place(row), []).append(row)
    for row in rows:
        item = _terms(row, whatif.book).item
        line = tuple(row.get(field) for field in LINE_FIELDS)  # a band is in blocks with bands only
        if line not in known:
            known[line] = rate_line(row, item, whatif.tables)
        said = {"rate_line": known[line], "arithmetic": arithmetic(row, item)}
        shared = told(row, of_event[_place(row)], whatif.book) if "leg" in row else {}
        pieces = [*parts(row, item), *stretch(row, item, _terms(row, whatif.book).version.zone)]
        found.append({**leg(row, whatif.book), **said, **shared, "parts": pieces})
    return found + [_unpriced(record) for record in whatif.unpriced()]


def _order(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """Event time, then identity: the order that does not depend on how usage came in."""
    identity = row["source"], row["epoch"], row["sequence"] or 0, row["event_id"] or ""
    of_leg = row.get("leg") or 0, row["item"], row.get("from_us") or 0
    return (row["started_us"], *identity, row["role"], *of_leg)


def _place(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """Where a leg's event stands on the log."""
    return (row["partition"], row["offset"], row["row"])


def leg(row: Mapping[str, Any], book: Book) -> Row:
    """The figures of one row of `rated.v1` as people read them: decimals, or fractions if exact."""
    terms = _terms(row, book)
    item = terms.item
    residue = Fraction(row["residue"], item.unit * NANOS)
    later = terms.tiered or item.price_kind is PriceKind.COUNTED
    return {
        "event": _event(row),
        "started_at": moment(row["started_us"]),
        "agreement": row["agreement"],
        "version": row["version"],
        "role": Role(row["role"]).label,
        "item": row["item"],
        "zone": row["zone"] or "",
        "raw_quantity": row["raw_quantity"],
        "quantity": row["quantity"],
        "unit": item.quantity.label,
        "charge": None if later else format_micros(row["charge_micros"]),
        "residue": None if later else fraction_text(residue),
        "currency": terms.version.currency,
        "flow": item.flow.label,
        "reason": "priced by the period" if later else "",
    }


def _terms(row: Mapping[str, Any], book: Book) -> Terms:
    period = row["period"]
    return book.terms(Series(row["agreement"], row["version"], row["item"], "", "", period, period))


def _unpriced(record: Mapping[str, Any]) -> Row:
    """An event that has no price, in the columns of a leg."""
    started = record.get("started_at")
    reason = str(record["reason"])
    detail = str(record.get("missing") or record.get("detail") or "")
    detail = detail.removeprefix(reason).removeprefix(": ")
    return {
        "event": _event(record),
        "started_at": "" if started is None else f"{started:%Y-%m-%dT%H:%M:%SZ}",
        "reason": f"{record['state']}: {reason}" + (f" ({detail})" if detail else ""),
    }


def _event(row: Mapping[str, Any]) -> str:
    """An event as `weir explain` takes it; a quarantined one has no more than its source."""
    source = row["source"] or ""
    if row.get("sequence") is not None:
        return f"{source}/{row['epoch']}/{row['sequence']}"
    return f"{source}//{row['event_id']}" if row.get("event_id") else source


def moment(us: int) -> str:
    """Microseconds since 1970 as a time of day in UTC."""
    text = (EPOCH + timedelta(microseconds=us)).replace(tzinfo=None).isoformat()
    return f"{text}Z"


def _periods(whatif: Whatif) -> Iterator[Document]:
    """Each period's statement or, while it is open, its draft."""
    closed = {(d["agreement"], d["period"]): d for d in whatif.statements()}
    for agreement, period in sorted({*whatif.periods(), *closed}):
        document = closed.get((agreement, period)) or whatif.draft(agreement, period)
        yield {
            "agreement": agreement,
            "period": period,
            "state": "statement" if (agreement, period) in closed else "draft",
            "lines": document["lines"],
            "totals": document["totals"],
        }
