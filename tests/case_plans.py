"""What a priced case becomes: terms, usage in steps, and what is read of the product.

A plan says nothing about prices but what its agreement says. Its script sends usage and reads what
the settlement then shows; what it reads it may subtract (an amount after and before), no more.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Any

from ops.price import leg
from ops.whatif import Whatif
from schemas.codes import Service
from streams.facts import Which
from streams.statement import Document, fraction_text

Terms = dict[str, Any]
Row = dict[str, Any]

PERIOD = "2024-06"


class UntranslatableError(Exception):
    """The vocabulary has no words for a case; the sentence says for what of it."""


@dataclass(frozen=True)
class Case:
    """One line of a file of cases."""

    id: str
    model: str
    params: Mapping[str, Any]
    usage: Sequence[Any]
    expected: str


@dataclass(frozen=True)
class Event:
    """One usage event, without its source and sequence."""

    service: Service
    fields: Row


@dataclass(frozen=True)
class Step:
    """Usage to be settled, figures that partners then declare, and periods to be closed.

    A period to be closed is a pair of agreement and period.
    """

    events: Sequence[Event] = ()
    closes: Sequence[tuple[str, str]] = ()
    declares: Sequence[tuple[Which, str]] = ()


@dataclass(frozen=True)
class Plan:
    """A case in the product's own words.

    `agreements` and `bands` are entries of the YAML files, `files` further files by path, `rates`
    rows of fx.csv. The script yields steps and reads figures between them; it returns the answer.
    """

    agreements: Sequence[Terms]
    script: Callable[[Figures], Generator[Step, None, str]]
    files: Mapping[str, str] = field(default_factory=dict)
    bands: Sequence[Terms] = ()
    rates: Sequence[str] = ()


class Shown:
    """What the settlement shows after a step, read once for all cases."""

    def __init__(self, whatif: Whatif, sent: Mapping[str, Sequence[int]]) -> None:
        """Nothing is read yet; `sent` has the sequences of each case's events."""
        self.whatif = whatif
        self.sent = sent

    @cached_property
    def statements(self) -> Mapping[tuple[str, str], Document]:
        """The statements by agreement and period."""
        return {(d["agreement"], d["period"]): d for d in self.whatif.statements()}

    @cached_property
    def legs(self) -> Mapping[int, Sequence[Row]]:
        """The rated rows of each event."""
        found: dict[int, list[Row]] = {}
        for row in self.whatif.legs():
            found.setdefault(int(row["sequence"]), []).append(row)
        return found

    @cached_property
    def reasons(self) -> Mapping[int, str]:
        """Why events have no price, where a sequence is known."""
        held = self.whatif.unpriced()
        return {int(r["sequence"]): str(r["reason"]) for r in held if r.get("sequence") is not None}


class Figures:
    """What one case reads of the settlement; `show` is called after every step."""

    def __init__(self, case: Case) -> None:
        """Nothing is shown yet."""
        self._case = case
        self._shown: Shown | None = None

    def show(self, shown: Shown) -> None:
        """Read from now on what stands there after another step."""
        self._shown = shown

    @property
    def shown(self) -> Shown:
        """What stands there now."""
        assert self._shown is not None, "figures are read after a step"
        return self._shown

    def document(self, agreement: str, period: str = PERIOD) -> Document:
        """A period's statement or, while it is open, its draft."""
        closed = self.shown.statements.get((agreement, period))
        return closed or self.shown.whatif.draft(agreement, period)

    def lines(self, agreement: str, *periods: str) -> list[Document]:
        """The lines of some periods; of the usual one when none is named."""
        return [line for p in periods or (PERIOD,) for line in self.document(agreement, p)["lines"]]

    def amount(self, agreement: str, *periods: str, exact: bool = False, due: bool = True) -> str:
        """What some periods are worth, receivable less payable, as text.

        Args:
            agreement: whose.
            periods: of these; of the usual one when none is named.
            exact: with the residue that rounding left, for cases that round nothing.
            due: with what is due at the end only (minimum, commitment).
        """
        return fraction_text(net(self.lines(agreement, *periods), exact=exact, due=due))

    def legs(self) -> list[Row]:
        """The legs of the case's events, corrections added to what they correct."""
        book = self.shown.whatif.book
        found = []
        for sequence in self.shown.sent[self._case.id]:
            rows = [leg(row, book) for row in self.shown.legs.get(sequence, ())]
            for key in dict.fromkeys((r["agreement"], r["role"], r["item"]) for r in rows):
                same = [r for r in rows if (r["agreement"], r["role"], r["item"]) == key]
                quantity = sum(int(r["quantity"]) for r in same)
                found.append({**same[0], "quantity": quantity, "charge": _charge(same)})
        return found

    def reason(self) -> str | None:
        """Why an event of the case has no price; None where all have one."""
        reasons = self.shown.reasons
        return next((reasons[s] for s in self.shown.sent[self._case.id] if s in reasons), None)


def _charge(rows: Iterable[Row]) -> tuple[str, str]:
    """The charge of an event as it is rounded, and with its residue."""
    priced = [r for r in rows if r["charge"] is not None]
    rounded = sum((Fraction(r["charge"]) for r in priced), Fraction(0))
    residue = sum((Fraction(r["residue"]) for r in priced), Fraction(0))
    return fraction_text(rounded), fraction_text(rounded + residue)


def net(lines: Iterable[Document], *, exact: bool = False, due: bool = True) -> Fraction:
    """What lines are worth together: receivable less payable.

    A deal takes its items as they are stated, so beside one nothing is left over.
    """
    lines, total = list(lines), Fraction(0)
    exact = exact and not any("deal" in line for line in lines)
    for line in lines:
        if line.get("kind") == "shortfall" and not due:
            continue
        worth = Fraction(line["amount"])
        if exact:
            worth += Fraction(line.get("residue", 0))
        total = total + worth if line["flow"] == "receivable" else total - worth
    return total
