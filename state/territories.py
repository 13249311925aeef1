"""Territories on the hot path: which numbers and networks each version of an agreement holds for.

They are kept by version row in the same form as the conditions of items are by item row: sets of
prefixes and sets of names, versions that say the same sharing one set.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from state.choices import PrefixSets, ValueSets, prefix_sets, value_sets
from state.terms import VersionInfo


@dataclass(frozen=True)
class Territories:
    """The territories of all versions, by version row; None where no version says anything."""

    called: PrefixSets | None
    networks: ValueSets | None

    @staticmethod
    def of(versions: Sequence[VersionInfo]) -> Territories:
        """Those of these versions."""
        said = [(row, v.territory) for row, v in enumerate(versions) if v.territory is not None]
        called = {row: territory.called for row, territory in said if territory.called}
        networks = {row: territory.networks for row, territory in said if territory.networks}
        size = len(versions)
        return Territories(
            prefix_sets(called, size) if called else None,
            value_sets(networks, size) if networks else None,
        )
