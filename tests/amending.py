"""A world whose terms are changed after the fact, and what the oracle says that this comes to.

The product works out an effect by settling usage twice with its own hops. Here the oracle settles
the same bytes twice, in exact fractions and without any of the product's code, and the one is taken
from the other. Nothing is closed on either side.
"""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

from ops.amendment import Preview, preview
from ops.oracle import Recycle, Settlement, settle
from ops.oracle_reference import Reference, read_reference
from ops.verify_log import InForce
from schemas import topics
from streams.log import Segment
from tests.settled import Settling
from tests.worlds import World

MICROS = 10**6
# Agreement, version, item, line, currency, period of the usage; events, quantity, amount, shortfall
# in micros, and the residue of sums.
Figures = dict[tuple[str, int, str, str, str, str], tuple[int, int, int, int]]
Totals = dict[tuple[str, str, str], tuple[Fraction, Fraction]]
ReferenceOf = Callable[[str, int, int], Reference]


class Amending(Settling):
    """A settlement that is asked what other terms would change."""

    def read(self, names: Sequence[str]) -> Iterator[Segment]:
        """Whole topics."""
        return self._read(names)

    def preview(self, candidate: World) -> Preview:
        """What the product says that the terms of another world would change."""
        directories = {self.first_reference: self.reference_directory}
        current = self.engine.rate_hop.tables.reference_id
        directories.setdefault(current, self.mended_directory)
        with tempfile.TemporaryDirectory(prefix="weir-candidate-") as place:
            return preview(
                self.read,
                directories.__getitem__,
                current,
                candidate.write(Path(place)),
                self.world.usage_partitions,
            )

    def before(self) -> Settlement:
        """What the oracle makes of the usage by the terms that were in force."""
        return self._apart(self.references[-1], self._reference_of)

    def after(self, candidate: World) -> Settlement:
        """The same by the terms of another world."""
        with tempfile.TemporaryDirectory(prefix="weir-candidate-") as place:
            given = read_reference(candidate.write(Path(place)))
        return self._apart(given, None)

    def _apart(self, newest: Reference, reference_of: ReferenceOf | None) -> Settlement:
        """A settlement in which nothing is closed."""
        usage = self._entries(topics.USAGE.name)
        in_force = InForce(self._read)
        return settle(
            newest,
            [(p, offset, at_us, value or b"") for p, offset, at_us, _, value in usage],
            usage_partitions=self.world.usage_partitions,
            reference_of=reference_of,
            recycles=[
                Recycle(key.decode(), p, o, at_us, in_force.usage_before(p, o))
                for p, o, at_us, key, _ in self._entries(topics.RECYCLE.name)
            ],
        )


def lines_of(found: Preview) -> Figures:
    """The effects of a preview, whatever their flow and unit."""
    sums: Figures = defaultdict(lambda: (0, 0, 0, 0))
    for effect in found.effects:
        at, change = effect.line, effect.change
        key = (at.agreement, at.version, at.item, at.line, at.currency, at.original)
        figures = zip(sums[key], change[:4], strict=True)
        sums[key] = tuple(map(sum, figures))  # type: ignore[assignment]
    return _without_nothing(sums)


def lines_between(before: Settlement, after: Settlement) -> Figures:
    """The figures of one settlement less those of another."""
    sums: dict[tuple[str, int, str, str, str, str], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for sign, settlement in ((-1, before), (1, after)):
        for key, accrual in settlement.accruals.items():
            if key.hour is None:
                at = sums[*key[:5], key.original]
                at[0] += sign * accrual.events
                at[1] += sign * accrual.quantity
        for line, amount in settlement.lines.items():
            at = sums[
                line.agreement, line.version, line.item, line.line, line.currency, line.original
            ]
            at[2] += sign * amount.micros
            at[3] += sign * amount.missed_micros
    return _without_nothing({key: (a, b, c, d) for key, (a, b, c, d) in sums.items()})


def totals_of(found: Preview) -> Totals:
    """The totals of a preview by agreement, period and currency: receivable and payable."""
    sums: Totals = defaultdict(lambda: (Fraction(0), Fraction(0)))
    for total in found.totals:
        key = (total.agreement, total.original, total.currency)
        both, change = sums[key], Fraction(total.change_micros, MICROS)
        receivable = change if total.flow == "receivable" else 0
        sums[key] = (both[0] + receivable, both[1] + change - receivable)
    return dict(sums)


def totals_between(before: Settlement, after: Settlement) -> Totals:
    """The totals of one settlement less those of another, where they differ."""
    sums: Totals = defaultdict(lambda: (Fraction(0), Fraction(0)))
    for sign, settlement in ((-1, before), (1, after)):
        for key, total in settlement.totals.items():
            both = sums[key]
            sums[key] = (
                both[0] + sign * Fraction(total.receivable),
                both[1] + sign * Fraction(total.payable),
            )
    return {key: both for key, both in sums.items() if any(both)}


def _without_nothing(figures: Figures) -> Figures:
    return {key: of for key, of in figures.items() if any(of)}
