"""Mistakes made on purpose: each one that could cost money is caught by a rule of the simulation.

A test that cannot fail shows nothing. So the product is broken here in one place at a time, in the
way that a slip of the hand would, and the simulation must stop at a rule that says what is wrong.
What it stops at is named: a mistake that only makes something crash somewhere would not count.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import state.accrual_memory
import state.usage_memory
import streams.charging
import streams.contributing
import streams.rate_hop
from schemas.codes import RoundingMode
from schemas.money import round_columns
from schemas.topics import RATE_CHANGELOG, USAGE
from state.invariants import InvariantViolation
from state.seen import Seen
from state.usage_memory import SESSION_KEY, Memory
from streams.accrue_hop import AccrueHop
from streams.log import Aborted, Overtaken, TopicPartition
from streams.rate_hop import RateHop
from streams.settle import Loop, Step, UnderWay, Work
from tests.sim.demands import Violation
from tests.sim.world import simulate

SEEDS = range(1, 13)

Patch = Callable[[pytest.MonkeyPatch], None]
OUTCOMES = "one outcome an event"
ACCRUALS = "accruals are right at every moment"
POSITIONS = "state stands at the committed positions"
ONCE = "input is read once and in order"
PROGRESS = "progress is monotone"
# One rule in three places: as the auditor sees it in contributions and in accruals, and as the
# accrue hop refuses a block.
COVERED = frozenset({"usage is covered once", PROGRESS, "blocks follow one another"})


@dataclass(frozen=True)
class Mutant:
    """A mistake, and the rules that may catch it, by name."""

    name: str
    patch: Patch
    rules: frozenset[str]


def caught(seeds: Sequence[int]) -> str:
    """The first rule that is broken over some seeds; empty when none is."""
    for seed in seeds:
        try:
            simulate(seed, Counter())
        except Violation as violation:
            return violation.rule
        except InvariantViolation as violation:
            return str(violation).removeprefix("Invariant: ").partition(" (")[0]
        except Overtaken:
            # Where nobody has taken over, state ahead of its positions is state that they miss.
            return POSITIONS
    return ""


def original(owner: type, name: str) -> Any:  # noqa: ANN401 - any method
    """A method as the product has it."""
    return vars(owner)[name]


def apply_outcomes_twice(patch: pytest.MonkeyPatch) -> None:
    """The rate hop's delta is applied twice."""
    apply = RateHop.apply

    def twice(self: RateHop, work: Work) -> None:
        apply(self, work)
        apply(self, work)

    patch.setattr(RateHop, "apply", twice)


def add_sums_twice(patch: pytest.MonkeyPatch) -> None:
    """Every block of sums is added to the accruals twice."""
    rows = original(AccrueHop, "_rows")

    def twice(self: AccrueHop, *args: Any) -> Any:  # noqa: ANN401
        keys, values = rows(self, *args)
        return np.concatenate([keys, keys]), np.concatenate([values, values])

    patch.setattr(AccrueHop, "_rows", twice)


def apply_before_commit(patch: pytest.MonkeyPatch) -> None:
    """Memory changes before the transaction has committed."""
    compute = RateHop.compute

    def early(self: RateHop, *args: Any) -> Work:  # noqa: ANN401
        work = compute(self, *args)
        self.memory.apply(work.delta)
        return work

    patch.setattr(RateHop, "compute", early)
    patch.setattr(RateHop, "apply", lambda _self, _work: None)


def commit_with(positions_of: Callable[[Mapping[TopicPartition, int]], Any]) -> Patch:
    """Other positions are committed than the outputs were computed from."""

    def patch_loop(patch: pytest.MonkeyPatch) -> None:
        def commit(self: Loop, work: Work) -> None:
            self.log.begin()
            for (topic, partition), messages in work.sends():
                self.log.send(topic, partition, messages)
            self.log.commit(positions_of(work.positions))

        patch.setattr(Loop, "_commit", commit)

    return patch_loop


def commit_apart(patch: pytest.MonkeyPatch) -> None:
    """Outputs are committed in one transaction, and their positions in a second one."""

    def commit(self: Loop, work: Work) -> None:
        self.log.begin()
        for (topic, partition), messages in work.sends():
            self.log.send(topic, partition, messages)
        self.log.commit({})
        self.log.begin()
        self.log.commit(work.positions)

    patch.setattr(Loop, "_commit", commit)


def off_by_one(positions: Mapping[TopicPartition, int]) -> dict[TopicPartition, int]:
    """The position of the last message, not of the next one."""
    return {place: offset - 1 for place, offset in positions.items()}


def round_down(patch: pytest.MonkeyPatch) -> None:
    """Charges that should be rounded half up are cut."""

    def cut(numerator: Any, denominator: Any, mode: RoundingMode) -> Any:  # noqa: ANN401
        chosen = RoundingMode.FLOOR if mode is RoundingMode.HALF_UP else mode
        return round_columns(numerator, denominator, chosen)

    patch.setattr(streams.charging, "round_columns", cut)


def forget_changelog(patch: pytest.MonkeyPatch) -> None:
    """The rate hop does not write its changelog."""
    changelog = original(RateHop, "_changelog")

    def silent(self: RateHop, work: Work) -> None:
        changelog(self, work)
        work.outputs = {p: m for p, m in work.outputs.items() if p[0] != RATE_CHANGELOG.name}

    patch.setattr(RateHop, "_changelog", silent)


def mark_before_commit(patch: pytest.MonkeyPatch) -> None:
    """Duplicate marks reach the disk before the transaction has committed."""
    compute = RateHop.compute

    def early(self: RateHop, *args: Any) -> Work:  # noqa: ANN401
        work = compute(self, *args)
        for marks in work.delta.marks:
            self.memory.partitions[marks.partition].store.write([marks])
        return work

    patch.setattr(RateHop, "compute", early)


def merge_watermarks_wrongly(patch: pytest.MonkeyPatch) -> None:
    """The last report of a source counts, not the newest event time."""
    for module in (state.usage_memory, state.accrual_memory):
        patch.setattr(module, "newest", lambda before, now: {**before, **now})


def skip_reload(patch: pytest.MonkeyPatch) -> None:
    """After an unknown outcome the loop goes on as after an abort."""

    def go_on(self: Loop, failure: Exception, batch: UnderWay) -> Step:
        self.log.rewind()
        self.log.changes()
        result = "abort" if isinstance(failure, Aborted) else "unknown"
        return Step(result, batch.segments, batch.work)

    patch.setattr(Loop, "_recover", go_on)


def ignore_aborts(patch: pytest.MonkeyPatch) -> None:
    """A refused transaction is taken for a committed one."""
    commit = original(Loop, "_commit")

    def careless(self: Loop, work: Work) -> None:
        try:
            commit(self, work)
        except Aborted:
            return

    patch.setattr(Loop, "_commit", careless)


def forget_duplicates(patch: pytest.MonkeyPatch) -> None:
    """What was seen in earlier batches counts as new."""
    patch.setattr(Seen, "contains", lambda _self, keys: np.zeros(len(keys), bool))


def book_in_closed_periods(patch: pytest.MonkeyPatch) -> None:
    """Late usage is booked in its own period although that is closed."""
    patch.setattr(AccrueHop, "_open_period", lambda _self, _closed, series: series.original)


def close_again(patch: pytest.MonkeyPatch) -> None:
    """A second close of a period makes a second statement."""
    command = original(AccrueHop, "_command")

    def forgetful(self: AccrueHop, memory: Any, delta: Any, *rest: Any) -> None:  # noqa: ANN401
        closed, memory.closed = memory.closed, {}
        command(self, memory, delta, *rest)
        memory.closed = closed

    patch.setattr(AccrueHop, "_command", forgetful)


def lose_contributions(patch: pytest.MonkeyPatch) -> None:
    """A recycled event is taken out of suspense without being booked."""
    publish = original(RateHop, "_publish")

    def partial(self: RateHop, usage: Any, rated: Any, segments: Any, work: Work) -> None:  # noqa: ANN401
        is_usage = segments[0].topic == USAGE.name
        none = np.zeros(len(rated), bool)
        publish(self, usage, rated if is_usage else rated.take(none), segments, work)

    patch.setattr(RateHop, "_publish", partial)


def drop_corrections(patch: pytest.MonkeyPatch) -> None:
    """What a part changes of others of its session is not booked."""

    def without(sums: Any, agreements: Any, *_: Any) -> Any:  # noqa: ANN401
        return sums, agreements

    patch.setattr(streams.contributing, "with_corrections", without)


def forget_sessions(patch: pytest.MonkeyPatch) -> None:
    """Sessions are not written to the changelog."""
    changes = original(Memory, "changes")

    def without(self: Memory, *args: Any) -> Any:  # noqa: ANN401
        found = changes(self, *args)
        return [m for m in found if not (m[0] or b"").startswith(SESSION_KEY)]

    patch.setattr(Memory, "changes", without)


MUTANTS = (
    Mutant("outcomes applied twice", apply_outcomes_twice, frozenset({OUTCOMES})),
    Mutant("sums added twice", add_sums_twice, frozenset({ACCRUALS})),
    Mutant("applied before commit", apply_before_commit, frozenset({OUTCOMES, ONCE})),
    Mutant("positions not committed", commit_with(lambda _: {}), frozenset({POSITIONS, ONCE})),
    Mutant("positions off by one", commit_with(off_by_one), frozenset({POSITIONS, ONCE})),
    Mutant("positions committed apart", commit_apart, frozenset({POSITIONS, ONCE})),
    Mutant("half up replaced by floor", round_down, frozenset({ACCRUALS})),
    Mutant("changelog not written", forget_changelog, frozenset({POSITIONS})),
    Mutant("marks written before commit", mark_before_commit, frozenset({OUTCOMES})),
    Mutant("watermarks merged wrongly", merge_watermarks_wrongly, frozenset({PROGRESS})),
    Mutant("no reload after unknown", skip_reload, frozenset({ONCE, POSITIONS}) | COVERED),
    Mutant("aborts ignored", ignore_aborts, frozenset({ONCE, POSITIONS}) | COVERED),
    Mutant("duplicates forgotten", forget_duplicates, frozenset({OUTCOMES})),
    Mutant(
        "late usage booked in closed periods",
        book_in_closed_periods,
        frozenset({ACCRUALS, "statements are right for ever"}),
    ),
    Mutant("closed again", close_again, frozenset({"statements are immutable"})),
    Mutant("recycled usage not booked", lose_contributions, frozenset({ACCRUALS})),
    Mutant("corrections dropped", drop_corrections, frozenset({ACCRUALS})),
    Mutant("sessions forgotten", forget_sessions, frozenset({ACCRUALS})),
)


@pytest.mark.slow
def test_nothing_is_caught_in_the_product() -> None:
    """Over the seeds that the mutants are tried on, the product as it is breaks no rule."""
    assert caught(SEEDS) == ""


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_mutant_is_caught(mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistake is stopped by a rule that is about it."""
    mutant.patch(monkeypatch)
    assert caught(SEEDS) in mutant.rules
