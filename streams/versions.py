"""Versions: those of each agreement in order, and the rates of exchange that they may name."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from schemas.fx import FxRate, Pair
from state.tables import Tables, VersionInfo


class Versions:
    """The versions of every agreement, from reference."""

    def __init__(self, tables: Tables) -> None:
        self._rates = tables.rates_of_exchange
        tried = zip(tables.agreements, tables.in_test.tolist(), strict=True)
        self._in_test = frozenset(agreement.name for agreement, is_in_test in tried if is_in_test)
        self._versions: dict[str, list[VersionInfo]] = {}
        for version in sorted(tables.versions, key=lambda v: v.version):
            name = tables.agreements[version.agreement].name
            self._versions.setdefault(name, []).append(version)

    def versions(self, agreement: str) -> Sequence[VersionInfo]:
        """The versions of an agreement, rising; none of one that reference does not have."""
        return self._versions.get(agreement, ())

    def check_settled(self, agreement: str) -> None:
        """Stop at an agreement with which nothing is settled.

        Raises:
            ValueError: its partner is in test.
        """
        if agreement in self._in_test:
            msg = f"{agreement} is of a partner in test, with whom nothing is settled"
            raise ValueError(msg)

    def rate(self, pair: Pair, day: date) -> FxRate | None:
        """The rate of exchange of a source, base and quote for a day, if there is one."""
        return self._rates.rate(pair, day)
