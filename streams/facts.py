"""Facts: what a settlement knows besides usage and terms, and documents are made with.

Three kinds come about while periods are settled. A rate of exchange is *frozen* by the first
statement that converts a period by it: late usage of that period is converted at the same rate. And
a partner *declares* its own figures, which stand beside ours. A declaration is absolute: of several
versions the highest counts, whatever order they came in. It is shown in the period that it is of
or, when that is closed, in the next open one, as late usage is; a statement never changes.

And terms that reach back are *amended*: by whom and why stands in documents that it changes.

All are kept in the accrue hop's changelog, a record each.
"""

from __future__ import annotations

import json
from collections import ChainMap
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, NamedTuple

from schemas.fx import FxRate
from schemas.money import NANOS_DECIMALS, parse_decimal
from streams.payment import Frozen

RATE_KEY = b"fx/"
DECLARED_KEY = b"declared/"
AMENDED_KEY = b"amended/"
FIGURES = ("quantity", "amount")
VERSION_MAX = 10**15


class Which(NamedTuple):
    """What is declared: `figure` is a quantity or an amount of an item, of a period's usage."""

    agreement: str
    period: str
    item: str
    figure: str


class Declared(NamedTuple):
    """A partner's figure as decimal text: a quantity in the unit of the line, or money.

    `booked` is the period in whose document it is shown.
    """

    version: int
    value: str
    booked: str


class Amendment(NamedTuple):
    """Terms that were changed from one reference to another after usage had been settled.

    `books` are the agreements and periods in whose documents it shows.
    """

    id: str
    by: str
    why: str
    from_id: str
    to_id: str
    books: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Facts:
    """What is known of one settlement partition, or what a batch adds to it.

    `declared` is by agreement, `amended` by id.
    """

    rates: MutableMapping[Frozen, FxRate] = field(default_factory=dict)
    declared: MutableMapping[str, dict[Which, Declared]] = field(default_factory=dict)
    amended: MutableMapping[str, Amendment] = field(default_factory=dict)

    def with_more(self, more: Facts, agreement: str) -> Facts:
        """What is known of an agreement with later facts before these."""
        declared = {**self.declared.get(agreement, {}), **more.declared.get(agreement, {})}
        amended = {**self.amended, **more.amended}
        return Facts(ChainMap(more.rates, self.rates), {agreement: declared}, amended)

    def declare(self, which: Which, declared: Declared) -> None:
        """Take a figure."""
        self.declared.setdefault(which.agreement, {})[which] = declared

    def known(self, which: Which) -> Declared | None:
        """A figure, if there is one."""
        return self.declared.get(which.agreement, {}).get(which)

    def update(self, more: Facts) -> None:
        """Take over later ones."""
        self.rates.update(more.rates)
        self.amended.update(more.amended)
        for agreement, declared in more.declared.items():
            self.declared.setdefault(agreement, {}).update(declared)

    def of(self, agreement: str, booked: str) -> dict[Which, Declared]:
        """What is declared and shown in a document, in order."""
        declared = sorted(self.declared.get(agreement, {}).items())
        return {which: one for which, one in declared if one.booked == booked}

    def amending(self, agreement: str, booked: str) -> list[Amendment]:
        """The amendments that show in a document, in the order in which they came."""
        return [one for one in self.amended.values() if (agreement, booked) in one.books]

    def messages(self) -> list[tuple[bytes, bytes]]:
        """The records of the changelog."""
        rates = [(_key(RATE_KEY, use), _bytes(rate)) for use, rate in self.rates.items()]
        every = (one for of in self.declared.values() for one in of.items())
        declared = [(_key(DECLARED_KEY, which), _bytes(one)) for which, one in every]
        amended = [(_key(AMENDED_KEY, (name,)), _bytes(a)) for name, a in self.amended.items()]
        return [*rates, *declared, *amended]

    def take(self, key: bytes, value: bytes) -> None:
        """Take a record of the changelog, if it is one of a fact."""
        if key.startswith(RATE_KEY):
            use = Frozen(*json.loads(key.removeprefix(RATE_KEY)))
            self.rates[use] = FxRate(*json.loads(value))
        elif key.startswith(DECLARED_KEY):
            which = Which(*json.loads(key.removeprefix(DECLARED_KEY)))
            self.declare(which, Declared(*json.loads(value)))
        elif key.startswith(AMENDED_KEY):
            name, by, why, before, after, books = json.loads(value)
            said = Amendment(name, by, why, before, after, tuple((a, p) for a, p in books))
            self.amended[name] = said


NO_FACTS = Facts()


def _key(prefix: bytes, parts: tuple[str, ...]) -> bytes:
    return prefix + _bytes(parts)


def _bytes(parts: tuple[object, ...]) -> bytes:
    return json.dumps(parts).encode()


def read_declaration(command: Mapping[str, Any]) -> tuple[Which, int, str]:
    """What a command declares, in which version, and the figure.

    Raises:
        KeyError: something is not said.
        TypeError: the figure is no text.
        ValueError: the version or the figure is no number, or it is not one figure.
    """
    figures = [name for name in FIGURES if name in command]
    if len(figures) != 1:
        msg = f"a declaration has one of {', '.join(FIGURES)}, not {len(figures)} of them"
        raise ValueError(msg)
    [figure] = figures
    agreement, period, item, text = (command[n] for n in ("agreement", "period", "item", figure))
    if not all(isinstance(part, str) for part in (agreement, period, item, text)):
        raise TypeError("the parts of a declaration are texts")
    version = command["version"]
    if type(version) is not int or not 0 < version <= VERSION_MAX:
        msg = f"version {version!r} is not a whole number from 1"
        raise ValueError(msg)
    scaled = parse_decimal(text, NANOS_DECIMALS)
    return Which(agreement, period, item, figure), version, _plain(scaled)


def _plain(nanos: int) -> str:
    """A decimal without needless zeros."""
    whole, rest = divmod(abs(nanos), 10**NANOS_DECIMALS)
    text = f"{whole}.{rest:09d}".rstrip("0").rstrip(".")
    return f"-{text}" if nanos < 0 else text


def is_newer(known: Declared | None, version: int, value: str) -> bool:
    """Whether a version of a figure counts from now on.

    Raises:
        ValueError: the version is known with another figure.
    """
    if known is None or version > known.version:
        return True
    if version == known.version and Fraction(value) != Fraction(known.value):
        msg = f"version {version} was declared as {known.value}; give a new version"
        raise ValueError(msg)
    return False
