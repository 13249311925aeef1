"""A supplier's price list: what a minute to each prefix will cost, and from when.

Carriers send each other lists of all prefixes they price. A list is somebody else's file, so one
wrong row does not refuse it: the row is *refused* with its reason, and everything known of its
prefix stays as it is until the row is mended. A prefix may have several rows, each from its own
date on; a list that says two things of one prefix from one date says nothing.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import NamedTuple

from schemas.amounts import price_nanos
from schemas.decks import read_increment
from schemas.documents import Problems
from schemas.fields import DIGITS, DIGITS_ADVICE
from schemas.moments import OPEN_UPTO_S, parse_moment
from schemas.sheets import read_csv
from schemas.timelines import Rate, Span, Timeline, joined

COLUMNS = (
    "prefix",
    "price_per_minute",
    "initial_seconds",
    "next_seconds",
    "connect_fee",
    "valid_from",
)


class Offer(NamedTuple):
    """One row that was understood: the rate of a prefix from a second on."""

    line: int
    prefix: str
    from_s: int
    rate: Rate


class Refusal(NamedTuple):
    """One row that cannot be used, with the prefix as it is written and the reason."""

    line: int
    prefix: str
    reason: str


@dataclass(frozen=True)
class PriceList:
    """A list that was read.

    `offers` are the usable rows by prefix, in order of time. `named` are all prefixes that the list
    has something to say about, refused rows included; it is `complete` unless a refused row's
    prefix cannot be told.
    """

    offers: Mapping[str, tuple[Offer, ...]]
    refused: tuple[Refusal, ...]
    named: frozenset[str]
    complete: bool


def timeline(offers: Sequence[Offer]) -> Timeline:
    """Rows of one prefix as a timeline: each holds until the next one begins, the last for good."""
    ends = [*(offer.from_s for offer in offers[1:]), OPEN_UPTO_S]
    return joined(Span(o.from_s, end, o.rate) for o, end in zip(offers, ends, strict=True))


def read_price_list(content: bytes, file: str, problems: Problems) -> PriceList | None:
    """The list in a file; None when it cannot be used at all, which is then among the problems."""
    of_rows = Problems()
    frame = read_csv(content, file, COLUMNS, of_rows)
    if frame is None or not frame.height:
        found = of_rows.found
        problems.found.extend(found)
        if not found:
            problems.add(file, 0, "", "has no rows; a list that names nothing would close all")
        return None
    refused = [Refusal(p.line, "", p.message) for p in of_rows.found]
    complete = not refused
    offers: defaultdict[str, list[Offer]] = defaultdict(list)
    named: set[str] = set()
    read = _Readers()
    for prefix, *texts, line in frame.select(*COLUMNS, "line").iter_rows():
        known = _digits(prefix)
        complete &= known is not None
        named.update([known] if known is not None else [])
        reasons = [*_prefix_reasons(prefix), *read.reasons(texts)]
        if reasons:
            refused.append(Refusal(line, prefix, "; ".join(reasons)))
        else:
            *rate, from_s = read.values(texts)
            offers[prefix].append(Offer(line, prefix, from_s, Rate(*rate)))
    refused += _repeats(offers)
    wrong = {_digits(r.prefix): r.line for r in sorted(refused, reverse=True)}
    refused += _beside(offers, wrong, {r.line for r in refused})
    usable = {p: tuple(sorted(rows, key=_begin)) for p, rows in offers.items() if p not in wrong}
    return PriceList(usable, tuple(sorted(refused)), frozenset(named), complete)


class _Readers:
    """The fields behind the prefix, each text read once."""

    def __init__(self) -> None:
        self._read: dict[str, Callable[[str], int]] = {
            "price_per_minute": price_nanos,
            "initial_seconds": read_increment,
            "next_seconds": read_increment,
            "connect_fee": price_nanos,
            "valid_from": _begin_s,
        }
        self._known: dict[str, dict[str, int]] = {field: {} for field in self._read}

    def reasons(self, texts: Sequence[str]) -> Iterator[str]:
        """Why some of these are wrong."""
        for (field, read), text in zip(self._read.items(), texts, strict=True):
            known = self._known[field]
            if text not in known:
                try:
                    known[text] = read(text)
                except ValueError as error:
                    yield f"{field}: {error}"

    def values(self, texts: Sequence[str]) -> list[int]:
        """What these are, none being wrong."""
        return [known[text] for known, text in zip(self._known.values(), texts, strict=True)]


def _begin(offer: Offer) -> int:
    return offer.from_s


def _begin_s(text: str) -> int:
    """The second from which a row holds."""
    if not text:
        raise ValueError("is empty; write the date from which the price holds")
    return parse_moment(text).seconds("UTC")


def _digits(prefix: str) -> str | None:
    """The prefix that is surely meant; what a spreadsheet made of one could be any."""
    digits = prefix.removeprefix("+").replace(" ", "")
    return digits if re.fullmatch(DIGITS, digits) else None


def _prefix_reasons(prefix: str) -> Iterator[str]:
    """Why this is not a prefix."""
    if re.fullmatch(DIGITS, prefix) is None:
        yield f"prefix: {prefix!r} {DIGITS_ADVICE}"


def _repeats(offers: Mapping[str, Sequence[Offer]]) -> Iterator[Refusal]:
    """Rows that say again from when a prefix costs what."""
    for prefix, rows in offers.items():
        first: dict[int, int] = {}
        for row in rows:
            line = first.setdefault(row.from_s, row.line)
            if line != row.line:
                reason = f"valid_from: is that of line {line} too; keep one of the two rows"
                yield Refusal(row.line, prefix, reason)


def _beside(
    offers: Mapping[str, Sequence[Offer]],
    wrong: Mapping[str | None, int],
    refused: AbstractSet[int],
) -> list[Refusal]:
    """Good rows of prefixes that have a refused one: alone they would hold for too long."""
    return [
        Refusal(row.line, prefix, f"waits for line {wrong[prefix]}, which is of this prefix too")
        for prefix, rows in offers.items()
        if prefix in wrong
        for row in rows
        if row.line not in refused
    ]
