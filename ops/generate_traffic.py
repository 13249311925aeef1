"""Seeded usage as a network would report it, in the order mediation sends it.

`Traffic` is a long list of messages, each a pure function of the seed and its place, so any block
of it can be made apart. Days have a profile; some destinations are popular; sixteen sources count
their own events, lose one in a thousand and repeat one in a hundred, soon after or much later. Some
events come hours or days late, some are wrong, some from the future, some say another thing than
when they were first sent. What the families look like is in `generate_families.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ops.generate_draws import Draws, Ints, Marks
from ops.generate_families import FAMILIES, Facts
from ops.generate_reference import Plan
from schemas.codes import Service

START_US = int(datetime(2026, 10, 29, tzinfo=UTC).timestamp()) * 1_000_000
DAYS = 6
HOUR_US = 3_600_000_000
# How much of a day's traffic falls into each hour (UTC), in thousandths.
HOURS = (14, 9, 6, 5, 6, 11, 22, 38, 52, 58, 60, 60, 61, 59, 58, 58, 60, 64, 69, 71, 62, 48, 31, 18)

SERVICE_WEIGHTS = (560, 140, 230, 15, 5, 50)  # in the order of Service

# How many of 64 consecutive events each source reports; the last one numbers nothing.
SHARES = (10, 8, 7, 6, 5, 4, 4, 3, 3, 3, 3, 2, 2, 2, 1, 1)
TURN = sum(SHARES)
UNNUMBERED = len(SHARES) - 1
RESTARTING = 3  # this source's counter starts again after so many events
RESTART_EVENTS = 20_000
LOST_ONE_IN = 1_024
FIRST_SEQUENCE = 1_000

REPEAT_ONE_IN = 100
NEAR_EVENTS = 2_000
FAR_EVENTS = 400_000
CONFLICTS_PER_MILLION = 20_000  # of the repeats

TEXT = pa.string()


@dataclass(frozen=True)
class TrafficFamily:
    """The events of one family in a block, sorted by source and in sending order within it.

    `places` are their places in the traffic; source i has rows `edges[i]` to `edges[i + 1]`.
    """

    service: Service
    columns: dict[str, pa.Array]
    places: Ints
    sources: tuple[str, ...]
    edges: tuple[int, ...]


@dataclass(frozen=True)
class TrafficBlock:
    """Consecutive messages of the traffic, by family."""

    families: tuple[TrafficFamily, ...]

    def __len__(self) -> int:
        return sum(len(f.places) for f in self.families)

    def __iter__(self) -> Iterator[tuple[str, Service, dict[str, pa.Array]]]:
        """The events of each source and family, in sending order within them."""
        for family in self.families:
            spans = zip(family.edges[:-1], family.edges[1:], strict=True)
            for source, (start, upto) in zip(family.sources, spans, strict=True):
                part = {n: c.slice(start, upto - start) for n, c in family.columns.items()}
                yield source, family.service, part


class Traffic:
    """The traffic of a seed around an invented operator with so many partners."""

    def __init__(self, seed: int, partners: int = 12) -> None:
        self.seed = seed
        self.plan = Plan.of(seed, partners)
        self._sources = np.array([f"mediation-{i:02d}" for i in range(len(SHARES))])
        self._turns = _turns(seed)

    def reference_files(self) -> dict[str, str]:
        """The reference directory that belongs to it: relative names and texts."""
        return self.plan.files()

    def blocks(self, events: int, block_events: int = 20_000) -> Iterator[TrafficBlock]:
        """All messages in sending order; blocks of another size hold the same messages."""
        for first in range(0, events, block_events):
            yield self.block(first, min(first + block_events, events), events)

    def block(self, first: int, upto: int, events: int) -> TrafficBlock:
        """The messages from place `first` to `upto` of a traffic of `events`."""
        places = np.arange(first, upto, dtype=np.int64)
        index, repeated = self._events_at(places)
        service = Draws(self.seed, index).pick("service", SERVICE_WEIGHTS)
        source, rank = self._counted(index)
        families = []
        for code in np.unique(service).tolist():
            rows = np.flatnonzero(service == code)
            rows = rows[np.argsort(source[rows], kind="stable")]
            facts = self._facts(index[rows], repeated[rows], events)
            columns = self._identity(index[rows], source[rows], rank[rows])
            columns |= FAMILIES[Service(code)](facts)
            families.append(self._family(Service(code), columns, places[rows], source[rows]))
        return TrafficBlock(tuple(families))

    def _family(
        self, service: Service, columns: dict[str, pa.Array], places: Ints, source: Ints
    ) -> TrafficFamily:
        """A family with its edges between sources."""
        starts = np.flatnonzero(np.diff(source, prepend=-1))
        names = tuple(self._sources[source[starts]].tolist())
        return TrafficFamily(service, columns, places, names, (*starts.tolist(), len(places)))

    def _events_at(self, places: Ints) -> tuple[Ints, Marks]:
        """Which event is sent at each place, and whether it is a repeat.

        Of every hundred places one, in their later half, repeats an earlier event; the events at
        the other places are numbered without holes.
        """
        turn, place = np.divmod(places, REPEAT_ONE_IN)
        draws = Draws(self.seed, turn)
        half = REPEAT_ONE_IN // 2
        at = draws.between("repeat", half, REPEAT_ONE_IN)
        fresh = turn * (REPEAT_ONE_IN - 1) + place - (place > at)
        far = draws.chance("repeat-far", 500_000)
        back = np.where(far, draws.below("far", FAR_EVENTS), draws.below("near", NEAR_EVENTS))
        repeated = place == at
        return np.where(repeated, fresh - 1 - back % fresh.clip(1), fresh), repeated

    def _counted(self, index: Ints) -> tuple[Ints, Ints]:
        """The source of each event, and how many events that source had before it."""
        turn, place = np.divmod(index, TURN)
        start = Draws(self.seed, turn).below("turn", TURN)
        source = self._turns[0][start, place]
        return source, turn * np.array(SHARES)[source] + self._turns[1][start, place]

    def _identity(self, index: Ints, source: Ints, rank: Ints) -> dict[str, pa.Array]:
        """Source, epoch and sequence; the last source gives event ids instead."""
        round_, within = np.divmod(rank, LOST_ONE_IN)
        lost_at = Draws(self.seed, round_ * len(SHARES) + source).below("lost", LOST_ONE_IN)
        sequence = FIRST_SEQUENCE + rank + round_ + (within >= lost_at)
        restarts = np.where(source == RESTARTING, rank // RESTART_EVENTS, 0)
        sequence = np.where(restarts > 0, rank % RESTART_EVENTS, sequence)
        unnumbered = source == UNNUMBERED
        ids = pa.array(index).cast(TEXT)
        names = pa.array(self._sources.tolist(), TEXT)
        return {
            "source": names.take(pa.array(source)),
            "epoch": pa.array(restarts, pa.int32()),
            "sequence": pa.array(sequence, mask=unnumbered),
            "event_id": pc.if_else(pa.array(unnumbered), ids, pa.scalar(None, TEXT)),
        }

    def _facts(self, index: Ints, repeated: Marks, events: int) -> Facts:
        """What all families are made from: draws, arrival times, and who repeats wrongly."""
        draws = Draws(self.seed, index)
        conflicting = repeated & draws.chance("conflict", CONFLICTS_PER_MILLION)
        return Facts(self.plan, draws, _arrival_us(index, events), conflicting)


def _turns(seed: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """For each start of a turn and each place in it: the source, and its events so far in the turn.

    A turn is one shuffled order of the sources' shares, entered at a drawn start.
    """
    order = np.repeat(np.arange(len(SHARES)), SHARES)
    order = order[np.argsort(Draws(seed, np.arange(TURN)).bits("order"), kind="stable")]
    source = np.stack([np.roll(order, -start) for start in range(TURN)])
    ranks = np.zeros_like(source)
    for code in range(len(SHARES)):
        mine = source == code
        ranks += mine * (np.cumsum(mine, axis=1) - 1)
    return source, ranks


def _arrival_us(index: Ints, events: int) -> Ints:
    """When each event reaches mediation: spread over the days by the daily profile.

    The profile is inverted in integers: an event's share of the whole, measured in parts of the
    profile, falls into one hour and some part of it.
    """
    profile = np.array(HOURS * DAYS, np.int64) * 1_000
    uptos = np.cumsum(profile)
    whole = int(uptos[-1])
    # The product fits 64 bits up to a million million events.
    position = index % max(events, 1) * whole // max(events, 1)
    hour: Ints = np.searchsorted(uptos, position, side="right")
    into = position - (uptos[hour] - profile[hour])
    arrival: Ints = START_US + hour * HOUR_US + np.floor_divide(into * HOUR_US, profile[hour])
    return arrival
