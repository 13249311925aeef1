"""The oracle's territories: where a version of an agreement holds, asked event by event."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ops.oracle_files import mapping
from ops.oracle_usage import Usage


@dataclass(frozen=True)
class Territory:
    """Prefixes of numbers and names of networks; an empty list asks for nothing."""

    called: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()

    def holds(self, usage: Usage) -> bool:
        """Whether an event lies in it; what the event does not say is not held against it."""
        number = usage.text("routing_number") or usage.text("called_number")
        if self.called and number is not None and not number.startswith(self.called):
            return False
        network = usage.text("visited_network")
        if network is None:
            network = usage.text("home_network")
        return not self.networks or network is None or network in self.networks


def read_territory(entry: Mapping[str, object]) -> Territory:
    """The territory of a version of an agreement; one that has none holds everywhere."""
    written = mapping(entry.get("territory") or {})
    return Territory(_texts(written.get("called")), _texts(written.get("networks")))


def _texts(written: object) -> tuple[str, ...]:
    return tuple(map(str, written)) if isinstance(written, list) else ()
